// Negative log likelihood of classes, and cross entropy, which is the same after a log-softmax. Targets are class
// numbers or, for cross entropy, probabilities.
import type { Spec } from '../backend/backend.ts'
import { dtypeName, isFloat } from '../base/dtype.ts'
import { IndexError, RuntimeError } from '../base/errors.ts'
import { sameShape } from '../base/shape.ts'
import { type Expr, s } from '../expr/expr.ts'
import { composite } from '../ops/define/composite.ts'
import { type Elementwise, elementwise, sumTo } from '../ops/define/elementwise.ts'
import { reshapeOp } from '../ops/define/views.ts'
import { add, div } from '../ops/pointwise/arithmetic.ts'
import { largest } from '../ops/order/extremes.ts'
import { filled } from '../ops/define/fill.ts'
import { addAlongDim_, gatherAlongDim, putAlongDim_ } from '../ops/indexing/gather.ts'
import { expAndSum, expAndSumGradient, logSoftmax } from '../ops/reduce/softmax.ts'
import { apply, applyAll, operand } from '../tensor/apply.ts'
import type { Input, OpDef } from '../tensor/op.ts'
import {
  type Takes,
  type Arguments,
  constructing,
  int,
  method,
  optional,
  real,
  required,
  tensor,
} from '../tensor/signature.ts'
import { detached, type Tensor } from '../tensor/tensor.ts'
import {
  alongClasses,
  checkClassTargets,
  checkClassWeight,
  classDim,
  classNumbers,
  countedTargets,
  ignoredClass,
  indexedTargets,
  totalOf,
  weightsOf,
  withoutClasses,
} from './class-targets.ts'
import { pointwise } from './pointwise.ts'
import {
  reduceParameter,
  type Reduction,
  type ReductionOption,
  reductionParameter,
  type OldReduction,
  type SizeAverage,
  sizeAverageParameter,
  WeightedLoss,
  weightParameter,
} from './reduction.ts'

interface Plain {
  readonly reduction: Reduction
  readonly ignoreIndex: number
}
/** The shape of the reduced losses of rows. */
const lossSpec = (x: Spec, target: Spec, reduction: Reduction): Spec => ({
  sizes: reduction === 'none' ? target.sizes : [],
  dtype: x.dtype,
})
/** The losses of rows, one per target, summed unless the reduction is 'none'. */
function reducedRows(
  rows: Elementwise,
  operands: readonly Input[],
  x: Tensor,
  target: Tensor,
  { reduction }: Plain,
): Tensor {
  if (reduction !== 'none') return apply(rows, operands, { sizes: [], dtype: x.dtype })
  return apply(reshapeOp, [apply(rows, operands, { sizes: withoutClasses(x), dtype: x.dtype })], target.sizes)
}

const lossOfRow = elementwise('nllLoss', (x, t, ignore, weight) =>
  s.select(s.ne(t, ignore), s.neg(s.mul(x, weight)), 0),
)
const gradientOfRow = elementwise('nllLossBackward', (dy, n, t, ignore, weight) =>
  s.select(s.ne(t, ignore), s.neg(s.div(s.mul(weight, dy), n)), 0),
)
/** The gradient for each row's element, from that of a loss of rows like `spec`, whose sum is divided by `n`. */
function gradientOfRows(
  dy: Tensor,
  n: Input,
  targets: Tensor,
  weight: Input,
  { reduction, ignoreIndex }: Plain,
  { sizes, dtype }: Spec,
): Tensor {
  const each = reduction === 'none' ? apply(reshapeOp, [dy], sizes) : dy
  return apply(gradientOfRow, [each, n, targets, operand(ignoreIndex), weight], { sizes, dtype })
}
/**
 * Inputs: log-probabilities, the targets as given and one per row, the index made from them, the weight of each row and
 * the sum of the weights. Each row selects one element, so the gradient is scattered.
 */
const nllLossOp: OpDef<Plain> = {
  name: 'nllLoss',
  infer: ([x, target], { reduction }) => [lossSpec(x, target, reduction)],
  // The first is saved only so that writing to it is an error, as in PyTorch.
  saves: () => ({ inputs: [0, 2, 3, 4, 5] }),
  vjp(ctx) {
    const { reduction } = ctx.attrs
    const x = ctx.inputSpec(0)
    const rows = { sizes: withoutClasses(x), dtype: x.dtype }
    const n = reduction === 'mean' ? ctx.operand(5) : operand(1)
    const each = gradientOfRows(ctx.dy, n, ctx.input(2), ctx.operand(4), ctx.attrs, rows)
    const zeros = filled(x.sizes, x.dtype, 0, ctx.dy.storage.device)
    return [putAlongDim_(zeros, classDim(x), ctx.input(3), each)]
  },
  to: {
    kind: 'compose',
    compose(inputs, attrs) {
      const [x, target, targets, index] = inputs as Tensor[]
      const picked = gatherAlongDim(x, classDim(x), index)
      const sum = reducedRows(lossOfRow, [picked, targets, operand(attrs.ignoreIndex), inputs[4]], x, target, attrs)
      return [attrs.reduction === 'mean' ? div(sum, inputs[5] as Tensor) : sum]
    },
  },
}

/** The weight of a class in a smoothed target: most of it on the target, a share on every class. */
const smoothed = (cls: Expr, t: Expr, ignore: Expr, weight: Expr, most: Expr, share: Expr): Expr =>
  s.select(s.ne(t, ignore), s.mul(weight, s.add(s.select(s.eq(cls, t), most, 0), share)), 0)

const ofSmoothedTargets = pointwise({
  name: 'add',
  inputs: 7,
  loss: (x, ...target) => s.neg(s.mul(x, smoothed(...(target as Parameters<typeof smoothed>)))),
  gradients: [
    (dy, n, _, ...target) => s.neg(s.div(s.mul(smoothed(...(target as Parameters<typeof smoothed>)), dy), n)),
  ],
})

const soft = (t: Expr, most: Expr, share: Expr): Expr => s.add(s.mul(t, most), share)
const ofProbabilities = pointwise({
  name: { mean: 'DivBackward1', sum: 'neg', none: 'neg' },
  inputs: 5,
  loss: (x, t, weight, most, share) => s.neg(s.mul(s.mul(x, soft(t, most, share)), weight)),
  gradients: [
    (dy, n, _, t, weight, most, share) => s.neg(s.mul(s.mul(s.div(dy, n), weight), soft(t, most, share))),
    (dy, n, x, _, weight, most) => s.neg(s.mul(s.mul(s.mul(s.div(dy, n), weight), x), most)),
  ],
})

export interface NllLossOptions extends ReductionOption {
  /** A factor for each class, [C]; the mean is weighted by it. */
  readonly weight?: Tensor | null
  /** Targets of this class do not count. */
  readonly ignoreIndex?: number
}

type NllArguments = [
  weight: Tensor | null,
  sizeAverage: SizeAverage,
  ignoreIndex: number,
  reduce: boolean | null,
  reduction: Reduction,
]
const nllParameters = [
  weightParameter,
  sizeAverageParameter,
  optional('ignoreIndex', int, -100),
  reduceParameter,
  reductionParameter,
] as const
const nllLossArguments = method('nll_loss', required('target', tensor), ...nllParameters)

/**
 * The mean of `-input[n, target[n]]`: log-probabilities [N, C, ...] (or [C]) and class numbers [N, ...], int32.
 *
 * Throws an IndexError for a class out of range, and a ValueError for different batch sizes.
 *
 * @example
 * F.nllLoss(F.logSoftmax(zeros(2, 3), { dim: 1 }), tensor([2, 0], { dtype: 'int32' })) // tensor(1.0986)
 */
export function nllLoss(
  input: Tensor,
  ...args: Takes<[target: Tensor], 'target', Arguments<NllArguments, NllLossOptions>>
): Tensor {
  const [target, weight, , ignored, , reduction] = nllLossArguments(input, args)
  checkClassTargets(input, target, weight)
  const ignoreIndex = ignoredClass(ignored)
  const [targets, index, number] = indexedTargets(input, target, ignoreIndex)
  const weights = weight === null ? null : weightsOf(weight, input, index)
  const total = weights === null ? number : totalOf(targets, ignoreIndex, weights)
  const inputs = [input, target, targets, index, weights ?? operand(1), total]
  return apply(nllLossOp, inputs, { reduction, ignoreIndex })
}

// ---- with a kernel ----

interface AlongClasses {
  readonly axis: number
  readonly ignore: number
}
const share = (x: Expr, most: Expr, logSum: Expr): Expr => s.exp(s.sub(s.sub(x, most), logSum))
const shareOfSum = elementwise('mul', (dy, x, most, logSum) => s.mul(dy, share(x, most, logSum)))
const scoreGradient = elementwise('logSoftmaxBackwardData', (x, t, most, logSum, dy, cls, ignore) =>
  s.mul(s.sub(share(x, most, logSum), s.select(s.eq(cls, t), 1, 0)), s.select(s.ne(t, ignore), dy, 0)),
)
const backwardOfRows = composite<'crossEntropyBackward', AlongClasses>({
  name: 'logSoftmaxBackwardData',
  kind: 'crossEntropyBackward',
  attrs: (attrs) => attrs,
  compose: (inputs, { ignore }) => [
    apply(scoreGradient, [...inputs, classNumbers(inputs[0] as Tensor), operand(ignore)], null),
  ],
})

const lossOfScores = elementwise('nllLoss', (x, most, sum, t, ignore) =>
  s.select(s.ne(t, ignore), s.neg(s.sub(s.sub(x, most), s.log(sum))), 0),
)
const othersGradient = elementwise('logSoftmaxBackwardData', (each, exps, sums) =>
  s.sub(0, s.mul(exps, s.div(each, sums))),
)
/** The cross entropy of scores and class numbers, without weights. */
const ofClasses = composite<'crossEntropy', Plain>({
  name: 'nllLoss',
  kind: 'crossEntropy',
  attrs: ({ ignoreIndex }, x) => ({ axis: classDim(x), ignore: ignoreIndex }),
  /**
   * Outputs: the loss, and for the gradient the exponentials and their sums, as in logSoftmax, the targets, the index
   * made from them, and the number of targets that count.
   */
  infer([x, target], { reduction }) {
    const rows = withoutClasses(x)
    return [
      lossSpec(x, target, reduction),
      { sizes: x.sizes, dtype: x.dtype },
      { sizes: rows, dtype: x.dtype },
      { sizes: rows, dtype: 'int32' },
      { sizes: rows, dtype: 'int32' },
      { sizes: [], dtype: 'int32' },
    ]
  },
  saves: () => ({ outputs: [1, 2, 3, 4, 5] }),
  vjp(ctx) {
    const [dy, dExps, dSums] = ctx.dys
    const { reduction } = ctx.attrs
    const [exps, sums] = [ctx.output(1), ctx.output(2)]
    const terms: Tensor[] = []
    if (dy !== null) {
      const n = reduction === 'mean' ? ctx.output(5) : operand(1)
      const each = gradientOfRows(dy, n, ctx.output(3), operand(1), ctx.attrs, sums)
      const others = apply(othersGradient, [each, exps, sums], null)
      terms.push(addAlongDim_(others, classDim(exps), ctx.output(4), each))
    }
    if (dExps !== null || dSums !== null)
      terms.push(apply(expAndSumGradient, [dExps ?? operand(0), dSums ?? operand(0), exps], null))
    return [terms.reduce((a, b) => add(a, b)), null]
  },
  compose(inputs, attrs) {
    const [x, target] = inputs as Tensor[]
    checkClassTargets(x, target, null)
    const axis = classDim(x)
    const [targets, index, number] = indexedTargets(x, target, attrs.ignoreIndex)
    const most = largest(x, [axis])
    const [exps, sums] = applyAll(expAndSum, [x, most], [axis])
    const picked = gatherAlongDim(x, axis, index)
    const sum = reducedRows(lossOfScores, [picked, most, sums, targets, operand(attrs.ignoreIndex)], x, target, attrs)
    return [attrs.reduction === 'mean' ? div(sum, number) : sum, exps, sums, targets, index, number]
  },
  /**
   * Outputs: the loss, and for the gradient the kernel's other results, the targets and the number of those that count.
   * The largest score cancels out, so it has no gradient of its own.
   */
  whole: {
    infer([x, target], { reduction }) {
      const rows = { sizes: withoutClasses(x), dtype: x.dtype }
      return [
        lossSpec(x, target, reduction),
        rows,
        rows,
        { sizes: rows.sizes, dtype: 'int32' },
        { sizes: [], dtype: 'int32' },
      ]
    },
    saves: () => ({ inputs: [0], outputs: [1, 2, 3, 4] }),
    vjp(ctx) {
      const [dy, , dLogSum] = ctx.dys
      const { reduction, ignoreIndex } = ctx.attrs
      const x = ctx.input(0)
      const most = detached(ctx.output(1))
      const logSum = ctx.output(2)
      const terms: Tensor[] = []
      if (dy !== null) {
        const each =
          reduction === 'mean'
            ? div(dy, ctx.output(4))
            : reduction === 'none'
              ? apply(reshapeOp, [dy], logSum.sizes)
              : dy
        const attrs = { axis: classDim(x), ignore: ignoreIndex }
        terms.push(apply(backwardOfRows, [x, ctx.output(3), most, logSum, each], attrs))
      }
      if (dLogSum !== null) terms.push(apply(shareOfSum, [dLogSum, x, most, logSum], null))
      return [terms.reduce((a, b) => add(a, b)), null]
    },
    around(inputs, { reduction, ignoreIndex }, kernel) {
      const [x, target] = inputs as Tensor[]
      checkClassTargets(x, target, null)
      const [targets, number] = countedTargets(x, target, ignoreIndex)
      const [losses, most, logSum] = kernel([x, targets])
      const sum = (): Tensor => sumTo(losses, [])
      const loss =
        reduction === 'none'
          ? apply(reshapeOp, [losses], target.sizes)
          : reduction === 'sum'
            ? sum()
            : div(sum(), number)
      return [loss, most, logSum, targets, number]
    },
  },
})

/** `F.nllLoss` as a module. */
export class NLLLoss extends WeightedLoss {
  ignoreIndex: number

  constructor(...args: Arguments<NllArguments, NllLossOptions>) {
    const [weight, , ignoreIndex, , reduction] = ofNLLLoss(args)
    super(reduction, weight)
    this.ignoreIndex = ignoreIndex
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, reduction } = this
    return nllLoss(input, target, { weight, ignoreIndex, reduction })
  }
}
const ofNLLLoss = constructing('NLLLoss', ...nllParameters)

export interface CrossEntropyOptions extends NllLossOptions {
  /** The share of a target that is spread evenly over all classes, 0 to 1. */
  readonly labelSmoothing?: number
}

type CrossEntropyArguments = [...NllArguments, labelSmoothing: number]
const crossEntropyParameters = [...nllParameters, optional('labelSmoothing', real, 0)] as const
const crossEntropyArguments = method('cross_entropy_loss', required('target', tensor), ...crossEntropyParameters)

/**
 * The cross entropy of scores [N, C, ...] (or [C]) and targets: class numbers [N, ...], int32, or probabilities in the
 * shape of the scores.
 *
 * Throws an IndexError for a class out of range, and a ValueError for different batch sizes.
 *
 * @example
 * F.crossEntropy(tensor([[1, 2, 3]]), tensor([2], { dtype: 'int32' })) // tensor(0.4076)
 */
export function crossEntropy(
  input: Tensor,
  ...args: Takes<[target: Tensor], 'target', Arguments<CrossEntropyArguments, CrossEntropyOptions>>
): Tensor {
  const [target, weight, , ignored, , reduction, labelSmoothing] = crossEntropyArguments(input, args)
  const options = { weight, ignoreIndex: ignored, reduction, labelSmoothing }
  if (input.dim() === 0) throw new IndexError('Dimension specified as 1 but tensor has no dimensions')
  if (sameShape(input.sizes, target.sizes)) return withProbabilities(input, target, options)
  if (labelSmoothing > 1) throw smoothingError(labelSmoothing)
  const ignoreIndex = ignoredClass(ignored)
  if (!(labelSmoothing > 0) && weight === null && isFloat(input.dtype))
    return apply(ofClasses, [input, target], { reduction, ignoreIndex })
  const scores = logSoftmax(input, classDim(input))
  if (!(labelSmoothing > 0)) return nllLoss(scores, target, { weight, ignoreIndex, reduction })
  checkClassTargets(scores, target, weight)
  const [targets, index, number] = indexedTargets(input, target, ignoreIndex)
  const weights = weight === null ? operand(1) : alongClasses(weight, input)
  const operands = [classNumbers(input), targets, operand(ignoreIndex), weights, ...shares(input, labelSmoothing)]
  const total = weight === null ? number : totalOf(targets, ignoreIndex, weightsOf(weight, input, index))
  const within = { kept: withoutClasses(input), shape: target.sizes }
  return ofSmoothedTargets([scores, ...operands], { reduction, n: total, within })
}

const smoothingError = (value: number): RuntimeError =>
  new RuntimeError(`label_smoothing must be between 0.0 and 1.0. Got: ${value}`)

/** The share of the target, and the share of each class. */
const shares = (input: Tensor, labelSmoothing: number) => [
  operand(1 - labelSmoothing),
  operand(labelSmoothing / input.sizes[classDim(input)]),
]

function withProbabilities(
  input: Tensor,
  target: Tensor,
  { weight = null, ignoreIndex, labelSmoothing, reduction }: Required<Omit<CrossEntropyOptions, keyof OldReduction>>,
): Tensor {
  if (!isFloat(target.dtype)) {
    throw new RuntimeError(
      `Expected floating point type for target with class probabilities, got ${dtypeName[target.dtype]}`,
      'A target of the shape of the input holds probabilities: target.float(). Class numbers have no class dimension.',
    )
  }
  if (ignoreIndex >= 0) throw new RuntimeError('ignore_index is not supported for floating point target')
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) throw smoothingError(labelSmoothing)
  if (weight !== null) checkClassWeight(weight, input, 'cross_entropy: ')
  const scores = logSoftmax(input, classDim(input))
  const weights = weight === null ? operand(1) : alongClasses(weight, input)
  const kept = withoutClasses(input)
  const within = { kept, shape: input.sizes.filter((_, i) => i !== classDim(input)) }
  const n = operand(input.elements / input.sizes[classDim(input)])
  return ofProbabilities([scores, target, weights, ...shares(input, labelSmoothing)], { reduction, n, within })
}

/** `F.crossEntropy` as a module. */
export class CrossEntropyLoss extends WeightedLoss {
  ignoreIndex: number
  labelSmoothing: number

  constructor(...args: Arguments<CrossEntropyArguments, CrossEntropyOptions>) {
    const [weight, , ignoreIndex, , reduction, labelSmoothing] = ofCrossEntropyLoss(args)
    super(reduction, weight)
    this.ignoreIndex = ignoreIndex
    this.labelSmoothing = labelSmoothing
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, reduction, labelSmoothing } = this
    return crossEntropy(input, target, { weight, ignoreIndex, reduction, labelSmoothing })
  }
}
const ofCrossEntropyLoss = constructing('CrossEntropyLoss', ...crossEntropyParameters)
