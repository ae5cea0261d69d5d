// Losses that want a margin: between two scores, between a score and its sign, between vectors that belong together and
// others. They are composed as in PyTorch, so that promotion, gradients and errors follow.
import { dtypeName, isFloat } from '../base/dtype.ts'
import { RuntimeError } from '../base/errors.ts'
import { negatedBool, subtractBools } from '../base/remedies.ts'
import { broadcastShapes, checkOutput, shapeString } from '../base/shape.ts'
import { s } from '../expr/expr.ts'
import { elementwise } from '../ops/define/elementwise.ts'
import { add, div, mul, neg, sub } from '../ops/pointwise/arithmetic.ts'
import { eq, ne } from '../ops/pointwise/comparison.ts'
import { sqrt } from '../ops/pointwise/elementary.ts'
import { where } from '../ops/pointwise/where.ts'
import { sum } from '../ops/reduce/reduce.ts'
import { apply } from '../tensor/apply.ts'
import { mode } from '../tensor/mode.ts'
import { formatSize } from '../tensor/print.ts'
import {
  type Takes,
  type Arguments,
  constructing,
  method,
  optional,
  type Parameter,
  real,
  required,
  signature,
  tensor,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { pointwise } from './pointwise.ts'
import { Loss, reduceBy, type ReductionArguments, type ReductionOption, reductionParameters } from './reduction.ts'

/** What is missing to a margin: the positive part. At 0 the gradient passes. */
const positivePart = elementwise('clampMin', (x) => s.max(x, 0), {
  gradName: 'where',
  grad: ({ dy, x: [x] }) => [s.select(s.ge(x, 0), dy, 0)],
})
export const missing = (x: Tensor): Tensor => apply(positivePart, [x], null)

export interface MarginOptions extends ReductionOption {
  readonly margin?: number
}
type MarginArguments = Arguments<[margin: number, ...ReductionArguments], MarginOptions>
const target = required('target', tensor)
const inputs = [required('input1', tensor), required('input2', tensor)] as const
const withMargin = (margin: number) =>
  [optional('margin', real, margin) as Parameter<number>, ...reductionParameters] as const

/** A loss with a margin, as a module. */
abstract class MarginLoss extends Loss {
  margin: number

  constructor([margin, , , reduction]: ReturnType<typeof ofMarginRankingLoss>) {
    super(reduction)
    this.margin = margin
  }
}

// ---- ranking ----

const rankingParameters = withMargin(0)
const rankingArguments = signature('margin_ranking_loss', ...inputs, target, ...rankingParameters)

/**
 * The mean over all elements of `max(0, -target * (input1 - input2) + margin)`: a target of 1 wants the first to be
 * larger, -1 the second.
 *
 * Throws a RuntimeError if the three have different numbers of dimensions.
 *
 * @example
 * F.marginRankingLoss(tensor([1, 2]), tensor([0, 5]), tensor([1, 1]), { margin: 0.5 }) // tensor(1.7500)
 */
export function marginRankingLoss(
  input1: Tensor,
  ...args: Takes<[input2: Tensor, target: Tensor], 'input2 target', MarginArguments>
): Tensor {
  const [a, b, target, margin, , , reduction] = rankingArguments([input1, ...args])
  if (a.dim() !== b.dim() || a.dim() !== target.dim()) {
    const [first, second, third] = [a, b, target].map(({ sizes }) => formatSize(sizes))
    throw new RuntimeError(
      `margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: ${first}, input2: ${second}, target: ${third} `,
    )
  }
  const apart = sub(a, b)
  return reduceBy(missing(add(mul(neg(target), apart), margin)), reduction)
}

/** `F.marginRankingLoss` as a module. */
export class MarginRankingLoss extends MarginLoss {
  constructor(...args: MarginArguments) {
    super(ofMarginRankingLoss(args))
  }

  override forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    const { margin, reduction } = this
    return marginRankingLoss(input1, input2, target, { margin, reduction })
  }
}
const ofMarginRankingLoss = constructing('MarginRankingLoss', ...rankingParameters)

// ---- hinge embedding ----

const hingeParameters = withMargin(1)
const hingeArguments = method('hinge_embedding_loss', target, ...hingeParameters)

/**
 * The mean over all elements of `input` where the target is 1, and of `max(0, margin - input)` where it is -1: distances
 * of pairs that are alike, and of others.
 *
 * @example
 * F.hingeEmbeddingLoss(tensor([0.5, 0.25]), tensor([1, -1])) // tensor(0.6250)
 */
export function hingeEmbeddingLoss(input: Tensor, ...args: Takes<[target: Tensor], 'target', MarginArguments>): Tensor {
  const [target, margin, , , reduction] = hingeArguments(input, args)
  if (input.dtype === 'bool') {
    throw new RuntimeError(subtractBools, 'Convert the input: x.float().')
  }
  const others = where(ne(target, 1), missing(sub(margin, input)), 0)
  return reduceBy(add(others, where(ne(target, -1), input, 0)), reduction)
}

/** `F.hingeEmbeddingLoss` as a module. */
export class HingeEmbeddingLoss extends MarginLoss {
  constructor(...args: MarginArguments) {
    super(ofHingeEmbeddingLoss(args))
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { margin, reduction } = this
    return hingeEmbeddingLoss(input, target, { margin, reduction })
  }
}
const ofHingeEmbeddingLoss = constructing('HingeEmbeddingLoss', ...hingeParameters)

// ---- cosine embedding ----

const cosineParameters = withMargin(0)
const cosineArguments = signature('cosine_embedding_loss', ...inputs, target, ...cosineParameters)

/** 1e-12 in float32, for every dtype. */
const epsilon = Math.fround(1e-12)

/**
 * The mean over pairs of vectors of `1 - cos` where the target is 1, and of `max(0, cos - margin)` where it is -1. The
 * inputs are [N, D] for targets [N], or [D] for one target.
 *
 * Throws a RuntimeError for other dimensions.
 *
 * @example
 * F.cosineEmbeddingLoss(tensor([[3, 4], [1, 0]]), tensor([[4, 3], [1, 1]]), tensor([1, -1])) // tensor(0.3736)
 */
export function cosineEmbeddingLoss(
  input1: Tensor,
  ...args: Takes<[input2: Tensor, target: Tensor], 'input2 target', MarginArguments>
): Tensor {
  const [a, b, target, margin, , , reduction] = cosineArguments([input1, ...args])
  const dim = target.dim()
  if (dim > 1) throw new RuntimeError('0D or 1D target tensor expected, multi-target not supported')
  if (a.dim() !== dim + 1) {
    const [first, second] = [a, b].map(({ sizes }) => shapeString(sizes))
    throw new RuntimeError(
      `${dim}D target tensor expects ${dim + 1}D input tensors, but found inputs with sizes ${first} and ${second}.`,
    )
  }
  const [length1, length2] = [a, b].map((x) => add(sum(mul(x, x), dim), epsilon))
  const cosine = div(sum(mul(a, b), dim), sqrt(mul(length1, length2)))
  const alike = where(eq(target, 1), sub(1, cosine), 0)
  return reduceBy(add(alike, where(eq(target, -1), missing(sub(cosine, margin)), 0)), reduction)
}

/** `F.cosineEmbeddingLoss` as a module. */
export class CosineEmbeddingLoss extends MarginLoss {
  constructor(...args: MarginArguments) {
    super(ofCosineEmbeddingLoss(args))
  }

  override forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    const { margin, reduction } = this
    return cosineEmbeddingLoss(input1, input2, target, { margin, reduction })
  }
}
const ofCosineEmbeddingLoss = constructing('CosineEmbeddingLoss', ...cosineParameters)

// ---- soft margin ----

const softMargin = pointwise({
  name: 'softMarginLoss',
  inputs: 2,
  // Each step is rounded, so that an exponential overflows where PyTorch's does.
  loss: (x, t) => s.log(s.add(1, s.rounded(s.exp(s.neg(s.mul(x, t)))))),
  gradients: [
    (dy, n, x, t) => {
      const z = s.rounded(s.exp(s.neg(s.mul(x, t))))
      return s.mul(s.div(s.neg(s.mul(s.div(t, n), z)), s.add(1, z)), dy)
    },
  ],
})
type LossArguments = Arguments<ReductionArguments, ReductionOption>
const softMarginArguments = method('soft_margin_loss', target, ...reductionParameters)

/**
 * The mean over all elements of `log(1 + exp(-target * input))`, for targets of 1 and -1. The target broadcasts to the
 * input.
 *
 * Throws a RuntimeError for an integer input, and for a target that wants a gradient.
 *
 * @example
 * F.softMarginLoss(tensor([2, -1]), tensor([1, -1])) // tensor(0.2201)
 */
export function softMarginLoss(input: Tensor, ...args: Takes<[target: Tensor], 'target', LossArguments>): Tensor {
  const [target, , , reduction] = softMarginArguments(input, args)
  if (target.requiresGrad && mode.grad) {
    throw new RuntimeError(
      "The function 'soft_margin_loss' is not differentiable with respect to argument 'target'. This input cannot have requires_grad True.",
      'Detach it: target.detach().',
    )
  }
  if (!isFloat(input.dtype)) {
    throw new RuntimeError(
      input.dtype === 'bool'
        ? negatedBool
        : `result type Float can't be cast to the desired output type ${dtypeName[input.dtype]}`,
      'Convert the input: x.float().',
    )
  }
  checkOutput(input.sizes, broadcastShapes(input.sizes, target.sizes))
  return softMargin([input, target], { reduction })
}

/** `F.softMarginLoss` as a module. */
export class SoftMarginLoss extends Loss {
  constructor(...args: LossArguments) {
    const [, , reduction] = ofSoftMarginLoss(args)
    super(reduction)
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return softMarginLoss(input, target, { reduction: this.reduction })
  }
}
const ofSoftMarginLoss = constructing('SoftMarginLoss', ...reductionParameters)
