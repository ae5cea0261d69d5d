// Losses of several classes that want a margin between the scores of right and of wrong ones, and of several labels at
// once. The margins of a row's pairs are one elementwise loss, summed over the row.
import { dtypeName, isFloat } from '../base/dtype.ts'
import { AssertionError, RuntimeError, ValueError } from '../base/errors.ts'
import { dimIn, sameShape, type Shape, shapeString } from '../base/shape.ts'
import { type Expr, s } from '../expr/expr.ts'
import { notImplemented } from '../ops/define/arguments.ts'
import { elementwise, expandTo } from '../ops/define/elementwise.ts'
import { reshapeOp } from '../ops/define/views.ts'
import { gatherAlongDim } from '../ops/indexing/gather.ts'
import { add, div, mul, neg, sub } from '../ops/pointwise/arithmetic.ts'
import { maximum } from '../ops/pointwise/choice.ts'
import { eq, lt } from '../ops/pointwise/comparison.ts'
import { logsigmoid } from '../ops/pointwise/nonlinear.ts'
import { where } from '../ops/pointwise/where.ts'
import { any, sum } from '../ops/reduce/reduce.ts'
import { cumsum } from '../ops/reduce/scans.ts'
import { apply, operand } from '../tensor/apply.ts'
import {
  type Takes,
  type Arguments,
  constructing,
  method,
  optional,
  real,
  required,
  tensor,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { classNumbers } from './class-targets.ts'
import { pointwise } from './pointwise.ts'
import {
  checkedReduction,
  Loss,
  reduceBy,
  reduceParameter,
  type Reduction,
  type ReductionArguments,
  type ReductionOption,
  reductionParameters,
  type SizeAverage,
  sizeAverageParameter,
  WeightedLoss,
  weightParameter,
} from './reduction.ts'

const target = required('target', tensor)
const shaped = (x: Tensor, to: Shape): Tensor => (sameShape(x.sizes, to) ? x : apply(reshapeOp, [x], to))

/** Rows of scores, [N, C], of an input [N, C], [C] or []. */
function rowsOf(input: Tensor): Tensor {
  const { sizes } = input
  if (sizes.length > 2 || sizes[sizes.length - 1] === 0) {
    throw new RuntimeError(
      `Expected non-empty vector or matrix with optional 0-dim batch size, but got: ${shapeString(sizes)}`,
    )
  }
  return sizes.length === 2 ? input : shaped(input, [1, input.elements])
}

function checkTypes(input: Tensor, target: Tensor, kernel: string): void {
  if (!isFloat(input.dtype)) throw notImplemented(kernel, input.dtype)
  if (target.dtype === 'int32') return
  throw new RuntimeError(
    `expected scalar type Long but found ${dtypeName[target.dtype]}`,
    'Class numbers are integers: target.int().',
  )
}

/** Class numbers from `low` to below `classes`; others make the call an error. */
const inRange = (sentence: string, low: number) =>
  elementwise('clone', (t, _) => t, {
    arity: 2,
    check: ([t, classes]) => ({
      expr: s.or(s.lt(t, low), s.ge(t, classes)),
      error: () => new RuntimeError(sentence, `Class numbers are from ${low} to the number of classes - 1.`),
    }),
  })

/** What is missing to a margin between two scores, over the number of classes; a margin of 0 has no gradient. */
type Missing = (z: Expr) => Expr
const powers: Readonly<Record<1 | 2, { readonly of: Missing; readonly slope: Missing }>> = {
  1: { of: (z) => z, slope: (z) => s.constant(1, z.dtype) },
  2: { of: (z) => s.mul(z, z), slope: (z) => s.mul(2, z) },
}

// ---- one class ----

const classMargin = (p: 1 | 2) => {
  const { of, slope } = powers[p]
  const between = (x: Expr, own: Expr, margin: Expr): Expr => s.add(s.sub(margin, own), x)
  const counted = (z: Expr, t: Expr, cls: Expr, value: Expr): Expr =>
    s.select(s.or(s.eq(t, cls), s.not(s.gt(z, 0))), 0, value)
  const gradient = (dy: Expr, n: Expr, ...operands: Expr[]): Expr => {
    const [x, own, t, cls, margin, classes, weight] = operands
    const z = between(x, own, margin)
    return counted(z, t, cls, s.mul(s.div(s.mul(s.div(slope(z), classes), weight), n), dy))
  }
  return pointwise({
    name: 'multiMarginLoss',
    inputs: 7,
    loss: (x, own, t, cls, margin, classes, weight) => {
      const z = between(x, own, margin)
      return counted(z, t, cls, s.div(s.mul(of(z), weight), classes))
    },
    gradients: [gradient, (dy, n, ...x) => s.neg(gradient(dy, n, ...x))],
  })
}
const classMargins = { 1: classMargin(1), 2: classMargin(2) }
const classInRange = inRange('target out of range', 0)

export interface MultiMarginLossOptions extends ReductionOption {
  /** The power of what is missing to the margin: 1 or 2. */
  readonly p?: number
  readonly margin?: number
  /** A factor for each class, [C]. */
  readonly weight?: Tensor | null
}
type MultiMarginArguments = Arguments<
  [p: number, margin: number, weight: Tensor | null, ...ReductionArguments],
  MultiMarginLossOptions
>
const multiMarginParameters = [
  optional('p', real, 1),
  optional('margin', real, 1),
  weightParameter,
  ...reductionParameters,
] as const
const multiMarginArguments = method('multi_margin_loss', target, ...multiMarginParameters)

function checkPower(p: number): asserts p is 1 | 2 {
  if (p !== 1 && p !== 2) throw new ValueError('only p == 1 and p == 2 supported')
}

/**
 * The mean over rows of `sum(max(0, margin - x[target] + x[c]) ** p) / C` over all classes `c` but the target, for
 * scores [N, C] and class numbers [N], or [C] and one class.
 *
 * Throws a RuntimeError for other sizes and for class numbers out of range.
 *
 * @example
 * F.multiMarginLoss(tensor([[1, 2, 0.5]]), tensor([1], { dtype: 'int32' })) // tensor(0.)
 */
export function multiMarginLoss(
  input: Tensor,
  ...args: Takes<[target: Tensor], 'target', MultiMarginArguments>
): Tensor {
  const [target, p, margin, weight, , , reduction] = multiMarginArguments(input, args)
  checkPower(p)
  if (weight !== null && weight.dim() !== 1) throw new ValueError('weight must be one-dimensional')
  const x = rowsOf(input)
  const [rows, classes] = x.sizes
  if (target.dim() > 1 || target.elements !== rows) {
    throw new RuntimeError(
      `inconsistent target size, got: ${shapeString(target.sizes)}`,
      `There are ${rows} rows, so the target's size is [${rows}].`,
    )
  }
  if (weight !== null && weight.elements !== classes) {
    throw new RuntimeError(
      `inconsistent weight size, expected ${classes} but got ${shapeString(weight.sizes)}`,
      'The weight has one number for each class.',
    )
  }
  checkTypes(input, target, 'multi_margin_loss_cpu_kernel')
  if (weight !== null && weight.dtype !== input.dtype) {
    throw new RuntimeError(`expected scalar type ${dtypeName[input.dtype]} but found ${dtypeName[weight.dtype]}`)
  }
  const t = shaped(apply(classInRange, [target, operand(classes)], null), [rows, 1])
  const factor = weight === null ? operand(1) : gatherAlongDim(expandTo(weight, [rows, classes]), 1, t)
  const operands = [x, gatherAlongDim(x, 1, t), t, classNumbers(x), operand(margin), operand(classes), factor]
  return classMargins[p](operands, {
    reduction,
    n: operand(rows),
    within: { kept: [rows, 1], shape: target.sizes },
  })
}

/** `F.multiMarginLoss` as a module. */
export class MultiMarginLoss extends WeightedLoss {
  p: number
  margin: number

  constructor(...args: MultiMarginArguments) {
    const [p, margin, weight, , , reduction] = ofMultiMarginLoss(args)
    checkPower(p)
    if (weight !== null && weight.dim() !== 1) throw new AssertionError('', 'The weight has one dimension.')
    super(reduction, weight)
    this.p = p
    this.margin = margin
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { p, margin, weight, reduction } = this
    return multiMarginLoss(input, target, { p, margin, weight, reduction })
  }
}
const ofMultiMarginLoss = constructing('MultiMarginLoss', ...multiMarginParameters)

// ---- several classes ----

const labelMargin = (() => {
  const between = (x: Expr, own: Expr): Expr => s.add(s.sub(1, own), x)
  const counted = (z: Expr, label: Expr, taken: Expr, value: Expr): Expr =>
    s.select(s.or(s.or(s.lt(label, 0), s.ne(taken, 0)), s.not(s.gt(z, 0))), 0, value)
  const gradient = (dy: Expr, n: Expr, ...operands: Expr[]): Expr => {
    const [x, own, label, taken, classes] = operands
    return counted(between(x, own), label, taken, s.div(s.div(dy, classes), n))
  }
  return pointwise({
    name: 'multilabelMarginLoss',
    inputs: 5,
    loss: (x, own, label, taken, classes) => {
      const z = between(x, own)
      return counted(z, label, taken, s.div(z, classes))
    },
    gradients: [gradient, (dy, n, ...x) => s.neg(gradient(dy, n, ...x))],
  })
})()
const labelInRange = inRange("argument #2 'target' is out of range", -1)

type LossArguments = Arguments<ReductionArguments, ReductionOption>
const multilabelMarginArguments = method('multilabel_margin_loss', target, ...reductionParameters)

/**
 * The mean over rows of `sum(max(0, 1 - x[t] + x[c])) / C` over the row's labels `t` and all classes `c` that are none.
 * Input and target are [N, C] or [C]; a row of the target lists labels up to the first -1.
 *
 * Throws a RuntimeError for other sizes and for labels out of range.
 *
 * @example
 * F.multilabelMarginLoss(tensor([[0.1, 0.2, 0.4, 0.8]]), tensor([[3, 0, -1, 1]], { dtype: 'int32' })) // tensor(0.8500)
 */
export function multilabelMarginLoss(input: Tensor, ...args: Takes<[target: Tensor], 'target', LossArguments>): Tensor {
  const [target, , , reduction] = multilabelMarginArguments(input, args)
  const x = rowsOf(input)
  const [rows, classes] = x.sizes
  const fits = input.dim() === 2 ? sameShape(target.sizes, x.sizes) : target.dim() <= 1 && target.elements === classes
  if (!fits) {
    throw new RuntimeError(
      `inconsistent size ${shapeString(target.sizes)} for argument #2 'target'`,
      `It has the input's size, ${shapeString(input.sizes)}.`,
    )
  }
  checkTypes(input, target, 'multilabel_margin_loss_forward_out_frame')
  const given = shaped(apply(labelInRange, [target, operand(classes)], null), x.sizes)
  const labels = where(eq(cumsum(lt(given, 0), 1), 0), given, -1)
  const column = shaped(labels, [rows, classes, 1])
  const taken = any(eq(column, shaped(classNumbers(x), [1, 1, classes])), 1, true)
  const own = gatherAlongDim(x, 1, maximum(labels, 0))
  const all = expandTo(shaped(x, [rows, 1, classes]), [rows, classes, classes])
  return labelMargin([all, shaped(own, [rows, classes, 1]), column, taken, operand(classes)], {
    reduction,
    n: operand(rows),
    within: { kept: [rows, 1, 1], shape: input.dim() === 2 ? [rows] : [] },
  })
}

/** `F.multilabelMarginLoss` as a module. */
export class MultiLabelMarginLoss extends Loss {
  constructor(...args: LossArguments) {
    const [, , reduction] = ofMultiLabelMarginLoss(args)
    super(reduction)
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return multilabelMarginLoss(input, target, { reduction: this.reduction })
  }
}
const ofMultiLabelMarginLoss = constructing('MultiLabelMarginLoss', ...reductionParameters)

// ---- several labels as probabilities ----

export interface MultilabelSoftMarginLossOptions extends ReductionOption {
  /** A factor for each class; broadcasts to the losses. */
  readonly weight?: Tensor | null
}
type SoftArguments = Arguments<
  [weight: Tensor | null, sizeAverage: SizeAverage, reduce: boolean | null, reduction: Reduction],
  MultilabelSoftMarginLossOptions
>
const softParameters = [weightParameter, sizeAverageParameter, reduceParameter, checkedReduction] as const
const softArguments = method('multilabel_soft_margin_loss', target, ...softParameters)

/**
 * The mean over rows of the binary cross entropy of logits, itself the mean over the last dimension, for targets of 0
 * and 1 in the input's size.
 *
 * Throws an IndexError for an input without dimensions.
 *
 * @example
 * F.multilabelSoftMarginLoss(tensor([[0, 2]]), tensor([[1, 0]])) // tensor(1.4100)
 */
export function multilabelSoftMarginLoss(
  input: Tensor,
  ...args: Takes<[target: Tensor], 'target', SoftArguments>
): Tensor {
  const [target, weight, , , reduction] = softArguments(input, args)
  const right = mul(target, logsigmoid(input))
  const each = neg(add(right, mul(sub(1, target), logsigmoid(neg(input)))))
  const dim = dimIn(input.sizes, -1)
  return reduceBy(div(sum(weight === null ? each : mul(each, weight), dim), input.sizes[dim]), reduction)
}

/** `F.multilabelSoftMarginLoss` as a module. */
export class MultiLabelSoftMarginLoss extends WeightedLoss {
  constructor(...args: SoftArguments) {
    const [weight, , , reduction] = ofMultiLabelSoftMarginLoss(args)
    super(reduction, weight)
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { weight, reduction } = this
    return multilabelSoftMarginLoss(input, target, { weight, reduction })
  }
}
const ofMultiLabelSoftMarginLoss = constructing('MultiLabelSoftMarginLoss', ...softParameters)
