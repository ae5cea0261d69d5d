// Binary cross entropy of probabilities and of logits.
import { dtypeName, isFloat } from '../base/dtype.ts'
import { RuntimeError, ValueError } from '../base/errors.ts'
import { broadcastShapes, checkOutput, sameShape } from '../base/shape.ts'
import { type Expr, s } from '../expr/expr.ts'
import { notImplemented } from '../ops/define/arguments.ts'
import { formatSize } from '../tensor/print.ts'
import {
  type Takes,
  type Arguments,
  constructing,
  method,
  nullable,
  optional,
  type Parameter,
  required,
  tensor,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { pointwise } from './pointwise.ts'
import {
  type ReductionArguments,
  type ReductionOption,
  reductionParameters,
  WeightedLoss,
  weightParameter,
} from './reduction.ts'

// ---- probabilities ----

/** PyTorch clamps logarithms at -100, so that a probability of 0 gives no infinite loss. */
const clampedLog = (x: Expr): Expr => s.max(s.log(x), -100)
const fromOne = (x: Expr): Expr => s.sub(1, x)

const ofProbabilities = pointwise({
  name: 'binaryCrossEntropy',
  inputs: 2,
  loss: (x, t) => s.sub(s.mul(s.sub(t, 1), clampedLog(fromOne(x))), s.mul(t, clampedLog(x))),
  gradients: [
    (dy, n, x, t) => s.div(s.div(s.mul(dy, s.sub(x, t)), s.max(s.mul(fromOne(x), x), 1e-12)), n),
    (dy, n, x) => s.div(s.mul(dy, s.sub(clampedLog(fromOne(x)), clampedLog(x))), n),
  ],
  check: ([x]) => ({
    expr: s.not(s.and(s.ge(x, 0), s.le(x, 1))),
    error: () =>
      new RuntimeError(
        'all elements of input should be between 0 and 1',
        'Apply a sigmoid first, or use binaryCrossEntropyWithLogits.',
      ),
  }),
})

export interface BinaryCrossEntropyOptions extends ReductionOption {
  /** A factor for the loss of each element; broadcasts to the target. */
  readonly weight?: Tensor | null
}

type WeightedArguments = [weight: Tensor | null, ...ReductionArguments]
const weighted = [weightParameter, ...reductionParameters] as const
const binaryCrossEntropyArguments = method('binary_cross_entropy', required('target', tensor), ...weighted)

/**
 * The mean over all elements of `-(t * log(x) + (1 - t) * log(1 - x))`, for probabilities `x` and targets `t` of one
 * shape and dtype; logarithms are clamped at -100.
 *
 * Throws a RuntimeError for an input outside 0 to 1, and a ValueError for different sizes.
 *
 * @example
 * F.binaryCrossEntropy(tensor([0.9, 0.2]), tensor([1, 0])) // tensor(0.1643)
 */
export function binaryCrossEntropy(
  input: Tensor,
  ...args: Takes<[target: Tensor], 'target', Arguments<WeightedArguments, BinaryCrossEntropyOptions>>
): Tensor {
  const [target, weight, , , reduction] = binaryCrossEntropyArguments(input, args)
  if (!sameShape(input.sizes, target.sizes)) {
    throw new ValueError(
      `Using a target size (${formatSize(target.sizes)}) that is different to the input size (${formatSize(input.sizes)}) is deprecated. Please ensure they have the same size.`,
    )
  }
  if (weight !== null) checkOutput(target.sizes, broadcastShapes(target.sizes, weight.sizes))
  if (input.dtype !== target.dtype) {
    throw new RuntimeError(
      `Found dtype ${dtypeName[target.dtype]} but expected ${dtypeName[input.dtype]}`,
      `Convert the target: y.to('${input.dtype}').`,
    )
  }
  if (!isFloat(input.dtype)) throw notImplemented('binary_cross_entropy', input.dtype)
  return ofProbabilities([input, target], { reduction, weight })
}

/** `F.binaryCrossEntropy` as a module. */
export class BCELoss extends WeightedLoss {
  constructor(...args: Arguments<WeightedArguments, BinaryCrossEntropyOptions>) {
    const [weight, , , reduction] = ofBCELoss(args)
    super(reduction, weight)
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { weight, reduction } = this
    return binaryCrossEntropy(input, target, { weight, reduction })
  }
}
const ofBCELoss = constructing('BCELoss', ...weighted)

// ---- logits ----

/** The larger of -x and 0. */
const shift = (x: Expr): Expr => s.max(s.neg(x), 0)
/** `log(1 + exp(-x))` without overflow, minus the shift. */
const logRest = (x: Expr): Expr => {
  const m = shift(x)
  return s.log(s.add(s.exp(s.neg(m)), s.exp(s.sub(s.neg(x), m))))
}
const sigmoid = (x: Expr): Expr => s.div(1, s.add(1, s.exp(s.neg(x))))

const ofLogits = pointwise({
  name: 'binaryCrossEntropyWithLogits',
  inputs: 2,
  loss: (x, t) => s.add(s.add(s.mul(fromOne(t), x), shift(x)), logRest(x)),
  gradients: [(dy, n, x, t) => s.div(s.mul(s.sub(sigmoid(x), t), dy), n), (dy, n, x) => s.div(s.mul(s.neg(x), dy), n)],
})

/** Positive targets weigh `p` times as much. */
const ofWeightedPositives = pointwise({
  name: 'binaryCrossEntropyWithLogits',
  inputs: 3,
  loss: (x, t, p) => {
    const factor = s.add(s.mul(s.sub(p, 1), t), 1)
    return s.add(s.mul(fromOne(t), x), s.mul(factor, s.add(logRest(x), shift(x))))
  },
  gradients: [
    (dy, n, x, t, p) => {
      const positive = s.mul(p, t)
      return s.div(s.mul(s.sub(s.mul(s.sub(s.add(positive, 1), t), sigmoid(x)), positive), dy), n)
    },
    (dy, n, x, _, p) => s.div(s.mul(s.sub(s.mul(s.sub(p, 1), s.add(logRest(x), shift(x))), x), dy), n),
  ],
})

export interface BinaryCrossEntropyWithLogitsOptions extends BinaryCrossEntropyOptions {
  /** The weight of positive targets for each class; broadcasts to the target. */
  readonly posWeight?: Tensor | null
}

type LogitsArguments = [...WeightedArguments, posWeight: Tensor | null]
const posWeightParameter: Parameter<Tensor | null> = optional('posWeight', nullable(tensor), null)
const withLogitsArguments = method(
  'binary_cross_entropy_with_logits',
  required('target', tensor),
  ...weighted,
  posWeightParameter,
)

/**
 * `binaryCrossEntropy(sigmoid(input), target)` in one step, accurate for large inputs.
 *
 * Throws a ValueError for different sizes.
 */
export function binaryCrossEntropyWithLogits(
  input: Tensor,
  ...args: Takes<[target: Tensor], 'target', Arguments<LogitsArguments, BinaryCrossEntropyWithLogitsOptions>>
): Tensor {
  const [target, weight, , , reduction, posWeight] = withLogitsArguments(input, args)
  if (!sameShape(input.sizes, target.sizes)) {
    throw new ValueError(
      `Target size (${formatSize(target.sizes)}) must be the same as input size (${formatSize(input.sizes)})`,
    )
  }
  if (!isFloat(target.dtype)) {
    throw new RuntimeError(
      `result type Float can't be cast to the desired output type ${dtypeName[target.dtype]}`,
      'Convert the target: y.float().',
    )
  }
  // Weights broadcast to the elements, never the other way round.
  if (posWeight !== null) checkOutput(target.sizes, broadcastShapes(posWeight.sizes, target.sizes))
  if (weight !== null) checkOutput(input.sizes, broadcastShapes(input.sizes, weight.sizes))
  return posWeight === null
    ? ofLogits([input, target], { reduction, weight })
    : ofWeightedPositives([input, target, posWeight], { reduction, weight })
}

/** `F.binaryCrossEntropyWithLogits` as a module. */
export class BCEWithLogitsLoss extends WeightedLoss {
  posWeight: Tensor | null = null

  constructor(...args: Arguments<LogitsArguments, BinaryCrossEntropyWithLogitsOptions>) {
    const [weight, , , reduction, posWeight] = ofBCEWithLogitsLoss(args)
    super(reduction, weight)
    this.registerBuffer('posWeight', posWeight)
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { weight, reduction, posWeight } = this
    return binaryCrossEntropyWithLogits(input, target, { weight, reduction, posWeight })
  }
}
const ofBCEWithLogitsLoss = constructing('BCEWithLogitsLoss', ...weighted, posWeightParameter)
