// The negative log likelihood of classes, and cross entropy: the same after a log-softmax. Targets are class numbers or,
// for cross entropy, probabilities.
import { dtypeName, isFloat } from '../base/dtype.ts'
import { IndexError, RuntimeError } from '../base/errors.ts'
import { sameShape } from '../base/shape.ts'
import { type Expr, s } from '../expr/expr.ts'
import { composite } from '../ops/composite.ts'
import { elementwise, reshapeOp, sumTo } from '../ops/define.ts'
import { add, div } from '../ops/elementwise.ts'
import { logSoftmax } from '../ops/softmax.ts'
import { apply, operand } from '../tensor/apply.ts'
import { type Arguments, constructing, int, method, optional, real, required, tensor } from '../tensor/signature.ts'
import { detached, type Tensor } from '../tensor/tensor.ts'
import {
  alongClasses,
  checkClassTargets,
  checkClassWeight,
  classDim,
  classesOf,
  classNumbers,
  countedTargets,
  isTarget,
  withoutClasses,
} from './class-targets.ts'
import { pointwise } from './pointwise.ts'
import {
  type Reduction,
  type ReductionOption,
  reduceParameter,
  reductionParameter,
  sizeAverageParameter,
  WeightedLoss,
  weightParameter,
} from './reduction.ts'

// Elements that are no target take no part, not even as 0 times minus infinity.
const ofTargets = pointwise({
  name: 'nllLoss',
  inputs: 5,
  loss: (x, cls, t, ignore, weight) => s.select(isTarget(cls, t, ignore), s.neg(s.mul(x, weight)), 0),
  gradients: [
    (dy, n, _, cls, t, ignore, weight) => s.select(isTarget(cls, t, ignore), s.neg(s.div(s.mul(weight, dy), n)), 0),
  ],
})

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
  /** Targets of this class count nothing. */
  readonly ignoreIndex?: number
}

type NllArguments = [weight: Tensor | null, sizeAverage: null, ignoreIndex: number, reduce: null, reduction: Reduction]
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
 * Throws an IndexError for a class that is none, a ValueError for different batch sizes.
 *
 * @example
 * F.nllLoss(F.logSoftmax(zeros(2, 3), { dim: 1 }), tensor([2, 0], { dtype: 'int32' })) // tensor(1.0986)
 */
export function nllLoss(input: Tensor, ...args: [target: Tensor, ...Arguments<NllArguments, NllLossOptions>]): Tensor {
  const [target, weight, , ignoreIndex, , reduction] = nllLossArguments(input, args)
  checkClassTargets(input, target, weight)
  const { operands, total } = classesOf(input, target, weight, ignoreIndex)
  const within = { kept: withoutClasses(input), shape: target.sizes }
  return ofTargets([input, ...operands], { reduction, n: total, within })
}

// ---- with a kernel ----

interface Plain {
  readonly reduction: Reduction
  readonly ignoreIndex: number
}
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

/** The cross entropy of scores and class numbers, without weights. */
const ofClasses = composite<'crossEntropy', Plain>({
  name: 'nllLoss',
  kind: 'crossEntropy',
  attrs: ({ ignoreIndex }, x) => ({ axis: classDim(x), ignore: ignoreIndex }),
  compose([x, target], attrs) {
    const scores = x as Tensor
    return [nllLoss(logSoftmax(scores, classDim(scores)), target as Tensor, attrs)]
  },
  /**
   * Outputs: the loss, and for the gradient what the kernel gave, the targets and how many of them count. What the largest
   * score is changes nothing, so it has no gradient of its own.
   */
  whole: {
    infer([x, target], { reduction }) {
      const rows = { sizes: withoutClasses(x), dtype: x.dtype }
      return [
        { sizes: reduction === 'none' ? target.sizes : [], dtype: x.dtype },
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
      const parts: Tensor[] = []
      if (dy !== null) {
        const each =
          reduction === 'mean'
            ? div(dy, ctx.output(4))
            : reduction === 'none'
              ? apply(reshapeOp, [dy], logSum.sizes)
              : dy
        const attrs = { axis: classDim(x), ignore: ignoreIndex }
        parts.push(apply(backwardOfRows, [x, ctx.output(3), most, logSum, each], attrs))
      }
      if (dLogSum !== null) parts.push(apply(shareOfSum, [dLogSum, x, most, logSum], null))
      return [parts.reduce((a, b) => add(a, b)), null]
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
  readonly ignoreIndex: number

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
  /** How much of a target is spread evenly over all classes, 0 to 1. */
  readonly labelSmoothing?: number
}

type CrossEntropyArguments = [...NllArguments, labelSmoothing: number]
const crossEntropyParameters = [...nllParameters, optional('labelSmoothing', real, 0)] as const
const crossEntropyArguments = method('cross_entropy_loss', required('target', tensor), ...crossEntropyParameters)

/**
 * The cross entropy of scores [N, C, ...] (or [C]) and targets: class numbers [N, ...], int32, or probabilities in the
 * shape of the scores.
 *
 * Throws an IndexError for a class that is none, a ValueError for different batch sizes.
 *
 * @example
 * F.crossEntropy(tensor([[1, 2, 3]]), tensor([2], { dtype: 'int32' })) // tensor(0.4076)
 */
export function crossEntropy(
  input: Tensor,
  ...args: [target: Tensor, ...Arguments<CrossEntropyArguments, CrossEntropyOptions>]
): Tensor {
  const [target, weight, , ignoreIndex, , reduction, labelSmoothing] = crossEntropyArguments(input, args)
  const options = { weight, ignoreIndex, reduction, labelSmoothing }
  if (input.dim() === 0) throw new IndexError('Dimension specified as 1 but tensor has no dimensions')
  if (sameShape(input.sizes, target.sizes)) return withProbabilities(input, target, options)
  if (labelSmoothing > 1) throw smoothingError(labelSmoothing)
  if (!(labelSmoothing > 0) && weight === null && isFloat(input.dtype))
    return apply(ofClasses, [input, target], { reduction, ignoreIndex })
  const scores = logSoftmax(input, classDim(input))
  if (!(labelSmoothing > 0)) return nllLoss(scores, target, { weight, ignoreIndex, reduction })
  checkClassTargets(scores, target, weight)
  const { operands, total } = classesOf(scores, target, weight, ignoreIndex)
  const within = { kept: withoutClasses(input), shape: target.sizes }
  return ofSmoothedTargets([scores, ...operands, ...shares(input, labelSmoothing)], { reduction, n: total, within })
}

const smoothingError = (value: number): RuntimeError =>
  new RuntimeError(`label_smoothing must be between 0.0 and 1.0. Got: ${value}`)

/** What stays on the target, and what each class gets. */
const shares = (input: Tensor, labelSmoothing: number) => [
  operand(1 - labelSmoothing),
  operand(labelSmoothing / input.sizes[classDim(input)]),
]

function withProbabilities(
  input: Tensor,
  target: Tensor,
  { weight = null, ignoreIndex, labelSmoothing, reduction }: Required<CrossEntropyOptions>,
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
  readonly ignoreIndex: number
  readonly labelSmoothing: number

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
