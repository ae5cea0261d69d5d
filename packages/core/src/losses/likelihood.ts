// Losses of distributions: the Kullback-Leibler divergence, and negative log likelihoods of Poisson and normal
// distributions. They are composed as in PyTorch, so that promotion, gradients and errors follow.
import { isFloat } from '../base/dtype.ts'
import { RuntimeError, ValueError } from '../base/errors.ts'
import { sameShape } from '../base/shape.ts'
import { warn } from '../base/warn.ts'
import { s } from '../expr/expr.ts'
import { elementwise } from '../ops/define/elementwise.ts'
import { maskedFill } from '../ops/indexing/select.ts'
import { add, div, mul, square, sub } from '../ops/pointwise/arithmetic.ts'
import { le } from '../ops/pointwise/comparison.ts'
import { exp, log } from '../ops/pointwise/elementary.ts'
import { unsqueeze } from '../ops/views/views.ts'
import { apply, operand } from '../tensor/apply.ts'
import {
  type Takes,
  type Arguments,
  bool,
  constructing,
  keyword,
  method,
  optional,
  real,
  required,
  tensor,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import {
  checkedReduction,
  klReduction,
  Loss,
  type OldReduction,
  reduceBy,
  reduceParameter,
  type Reduction,
  type ReductionOption,
  type SizeAverage,
  sizeAverageParameter,
} from './reduction.ts'

const target = required('target', tensor)

// ---- Kullback-Leibler ----

/** 'batchmean' is the sum divided by the size of the batch, which is the divergence of its definition. */
export type KlDivReduction = Reduction | 'batchmean'
export interface KlDivOptions extends OldReduction {
  readonly reduction?: KlDivReduction
  /** The target holds logarithms of probabilities. */
  readonly logTarget?: boolean
}
type KlDivArguments = Arguments<
  [sizeAverage: SizeAverage<KlDivReduction>, reduce: boolean | null, reduction: KlDivReduction, logTarget: boolean],
  KlDivOptions
>
const klDivParameters = [
  sizeAverageParameter,
  reduceParameter,
  klReduction,
  optional('logTarget', bool, false),
] as const
/** `t * log(t)`, and 0 for 0, where PyTorch's gradient is NaN. */
const selfInformation = elementwise('xlogy', (t) => s.select(s.eq(t, 0), 0, s.mul(t, s.log(t))), {
  gradName: 'add',
  grad: ({ dy, x: [t] }) => [
    s.add(s.select(s.or(s.eq(dy, 0), s.eq(t, 0)), 0, s.mul(dy, s.log(t))), s.div(s.mul(dy, t), t)),
  ],
})
const klDivArguments = method('kl_div', target, ...klDivParameters)

/**
 * The Kullback-Leibler divergence `target * (log(target) - input)`, for an input of log-probabilities and a target of
 * probabilities, or of log-probabilities with `logTarget`. The default 'mean' divides by all elements, with PyTorch's
 * warning; 'batchmean' divides by the size of the batch.
 *
 * Throws a RuntimeError if one of the two is not floating point.
 *
 * @example
 * F.klDiv(tensor([[0.5, 0.5]]).log(), tensor([[0.25, 0.75]]), { reduction: 'batchmean' }) // tensor(0.1308)
 */
export function klDiv(input: Tensor, ...args: Takes<[target: Tensor], 'target', KlDivArguments>): Tensor {
  const [target, , , reduction, logTarget] = klDivArguments(input, args)
  if (reduction === 'mean') {
    warn(
      "reduction: 'mean' divides the total loss by both the batch size and the support size.'batchmean' divides only by the batch size, and aligns with the KL div math definition.'mean' will be changed to behave the same as 'batchmean' in the next major release.",
    )
  }
  if (!isFloat(input.dtype) || !isFloat(target.dtype)) {
    throw new RuntimeError('kl_div: Integral inputs not supported.', 'Convert them: input.float(), target.float().')
  }
  const each = logTarget
    ? mul(exp(target), sub(target, input))
    : sub(apply(selfInformation, [target], null), mul(target, input))
  if (reduction !== 'batchmean') return reduceBy(each, reduction)
  const total = reduceBy(each, 'sum')
  return input.dim() === 0 ? total : div(total, input.sizes[0])
}

/** `F.klDiv` as a module. */
export class KLDivLoss extends Loss<KlDivReduction> {
  logTarget: boolean

  constructor(...args: KlDivArguments) {
    const [, , reduction, logTarget] = ofKLDivLoss(args)
    super(reduction)
    this.logTarget = logTarget
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { reduction, logTarget } = this
    return klDiv(input, target, { reduction, logTarget })
  }
}
const ofKLDivLoss = constructing('KLDivLoss', ...klDivParameters)

// ---- Poisson ----

export interface PoissonNllLossOptions extends ReductionOption {
  /** The input is the logarithm of the rate (the default), or the rate. */
  readonly logInput?: boolean
  /** Add Stirling's approximation of the logarithm of the target's factorial. */
  readonly full?: boolean
  /** Added to rates before their logarithm. */
  readonly eps?: number
}
type PoissonArguments = Arguments<
  [
    logInput: boolean,
    full: boolean,
    sizeAverage: SizeAverage,
    eps: number,
    reduce: boolean | null,
    reduction: Reduction,
  ],
  PoissonNllLossOptions
>
const poissonParameters = [
  optional('logInput', bool, true),
  optional('full', bool, false),
  sizeAverageParameter,
  optional('eps', real, 1e-8),
  reduceParameter,
  checkedReduction,
] as const
const poissonArguments = method('poisson_nll_loss', target, ...poissonParameters)

/**
 * The mean over all elements of `exp(input) - target * input`, the negative log likelihood of counts under a Poisson
 * distribution of rate `exp(input)`, or of rate `input` without `logInput`; `full` adds the target's own term.
 *
 * @example
 * F.poissonNllLoss(tensor([0, 1]), tensor([1, 3])) // tensor(0.3591)
 */
export function poissonNllLoss(input: Tensor, ...args: Takes<[target: Tensor], 'target', PoissonArguments>): Tensor {
  const [target, logInput, full, , eps, , reduction] = poissonArguments(input, args)
  const each = logInput ? sub(exp(input), mul(target, input)) : sub(input, mul(target, log(add(input, eps))))
  return reduceBy(full ? add(each, stirling(target)) : each, reduction)
}
/** The logarithm of a factorial, approximately; 0 up to 1. */
const stirling = (n: Tensor): Tensor =>
  maskedFill(add(sub(mul(n, log(n)), n), mul(log(mul(n, 2 * Math.PI)), 0.5)), le(n, 1), 0)

/** `F.poissonNllLoss` as a module. */
export class PoissonNLLLoss extends Loss {
  logInput: boolean
  full: boolean
  eps: number

  constructor(...args: PoissonArguments) {
    const [logInput, full, , eps, , reduction] = ofPoissonNLLLoss(args)
    super(reduction)
    this.logInput = logInput
    this.full = full
    this.eps = eps
  }

  override forward(logInput: Tensor, target: Tensor): Tensor {
    const { full, eps, reduction } = this
    return poissonNllLoss(logInput, target, { logInput: this.logInput, full, eps, reduction })
  }
}
const ofPoissonNLLLoss = constructing('PoissonNLLLoss', ...poissonParameters)

// ---- normal ----

export interface GaussianNllLossOptions extends ReductionOption {
  /** Add the constant term. */
  readonly full?: boolean
  /** The least variance, which does not influence its gradient. */
  readonly eps?: number
}
const [full, eps] = [optional('full', bool, false), optional('eps', real, 1e-6)]
const gaussianArguments = method('gaussian_nll_loss', target, required('var', tensor), full, eps, checkedReduction)

/** At least a number, without an effect on the gradient. */
const variance = elementwise('clone', (x, least) => s.max(x, least), {
  grad: ({ dy }) => [dy, s.constant(0, dy.dtype)],
  check: ([x]) => ({
    expr: s.lt(x, 0),
    error: () => new ValueError('var has negative entry/entries', 'A variance is at least 0: apply exp or softplus.'),
  }),
})

/**
 * The mean over all elements of `(log(var) + (input - target) ** 2 / var) / 2`, the negative log likelihood of targets
 * under normal distributions of mean `input` and variance `var`. The variance has the input's sizes, or 1 in the last
 * dimension, or lacks it.
 *
 * Throws a ValueError for a negative variance and for other sizes.
 *
 * @example
 * F.gaussianNllLoss(tensor([1, 2]), tensor([1, 4]), tensor([1, 2])) // tensor(0.6733)
 */
export function gaussianNllLoss(
  input: Tensor,
  ...args: Takes<
    [target: Tensor, variance: Tensor],
    'target var',
    Arguments<[full: boolean, eps: number, reduction: Reduction], GaussianNllLossOptions>
  >
): Tensor {
  const [target, given, full, eps, reduction] = gaussianArguments(input, args)
  const [sizes, own] = [input.sizes, given.sizes]
  const outer = sizes.slice(0, -1)
  let of = given
  if (!sameShape(own, sizes)) {
    if (sameShape(own, outer)) of = unsqueeze(given, -1)
    else if (!sameShape(own.slice(0, -1), outer) || own[own.length - 1] !== 1) {
      throw new ValueError(
        'var is of incorrect size',
        'It has the sizes of the input, or 1 in the last dimension, or all but the last.',
      )
    }
  }
  if (!isFloat(of.dtype)) {
    throw new RuntimeError(
      "result type Float can't be cast to the desired output type long int",
      'Convert the variance: x.float().',
    )
  }
  const v = apply(variance, [of, operand(eps)], null)
  const each = mul(add(log(v), div(square(sub(input, target)), v)), 0.5)
  return reduceBy(full ? add(each, 0.5 * Math.log(2 * Math.PI)) : each, reduction)
}

/** `F.gaussianNllLoss` as a module. */
export class GaussianNLLLoss extends Loss {
  full: boolean
  eps: number

  constructor(options?: GaussianNllLossOptions)
  constructor(...args: [options?: GaussianNllLossOptions]) {
    const [full, eps, reduction] = ofGaussianNLLLoss(args)
    super(reduction)
    this.full = full
    this.eps = eps
  }

  override forward(input: Tensor, target: Tensor, variance: Tensor): Tensor {
    const { full, eps, reduction } = this
    return gaussianNllLoss(input, target, variance, { full, eps, reduction })
  }
}
const ofGaussianNLLLoss = constructing('GaussianNLLLoss', keyword('full', bool, false), keyword('eps', real, 1e-6), {
  ...checkedReduction,
  keyword: true,
})
