// Training utilities: PyTorch's torch.nn.utils.
import { checkCallable } from '../base/callable.ts'
import { RuntimeError, TypeError } from '../base/errors.ts'
import { zeros } from '../ops/create/create.ts'
import { elementwise } from '../ops/define/elementwise.ts'
import { add, div, mul, pow } from '../ops/pointwise/arithmetic.ts'
import { clamp } from '../ops/pointwise/choice.ts'
import { isfinite } from '../ops/pointwise/comparison.ts'
import { abs } from '../ops/pointwise/elementary.ts'
import { amax } from '../ops/order/extremes.ts'
import { stack } from '../ops/views/join.ts'
import { inPlace } from '../ops/methods.ts'
import { withoutDraws } from '../ops/random/draws.ts'
import { all } from '../ops/reduce/reduce.ts'
import { s } from '../expr/expr.ts'
import { apply, operand } from '../tensor/apply.ts'
import { noGrad } from '../tensor/mode.ts'
import { reprFloat } from '../tensor/print.ts'
import {
  type Arguments,
  bool,
  either,
  isTensor,
  iterable,
  type Kind,
  optional,
  real,
  required,
  signature,
  tensor,
} from '../tensor/signature.ts'
import { kindOf, Tensor } from '../tensor/tensor.ts'
import { isModule } from './members.ts'
import { Module } from './module.ts'

export { fuseConvBnEval, fuseConvBnWeights, fuseLinearBnEval } from './fusion.ts'
export * as parametrizations from './parametrizations.ts'
export * as parametrize from './parametrize.ts'
export * as prune from './prune.ts'
export * as rnn from './rnn.ts'
export * as stateless from './stateless.ts'
export { parametersToVector, vectorToParameters } from './vectors.ts'
export {
  removeSpectralNorm,
  removeWeightNorm,
  type SpectralNormOptions,
  spectralNorm,
  weightNorm,
} from './weight-norm.ts'
export { type LayerSummary, type Summary, type SummaryOptions, summary } from './summary.ts'

export interface ClipOptions {
  /** The order of the norm; by default 2, Infinity for the largest element. */
  readonly normType?: number
  /** Throw if the norm is infinite or NaN. */
  readonly errorIfNonfinite?: boolean
}

const power = elementwise('norm', (x, p) => s.pow(s.abs(x), p))

function norm(x: Tensor, p: number): Tensor {
  if (p === Number.POSITIVE_INFINITY) return amax(abs(x))
  return pow(apply(power, [x, operand(p)], { sizes: [], dtype: x.dtype }), 1 / p)
}

function gradientsOf(parameters: Tensor | Iterable<Tensor>): Tensor[] {
  const all: readonly unknown[] = parameters instanceof Tensor ? [parameters] : [...parameters]
  return all.flatMap((p) => {
    if (!isTensor(p)) throw new TypeError(`the parameters must be Tensors, but one of them is ${kindOf(p)}`)
    return p.grad === null ? [] : [p.grad]
  })
}

const parametersParameter = required('parameters', either(iterable as Kind<Iterable<Tensor>>, tensor))
const clipNormArguments = signature(
  'clip_grad_norm_',
  parametersParameter,
  required('maxNorm', real),
  optional('normType', real, 2),
  optional('errorIfNonfinite', bool, false),
)
const clipValueArguments = signature('clip_grad_value_', parametersParameter, required('clipValue', real))

/**
 * Scales all gradients by one factor, so that their total norm is at most `maxNorm`; returns the norm before.
 *
 * Throws a RuntimeError, if requested, when the norm is infinite or NaN.
 *
 * @example
 * loss.backward()
 * nn.utils.clipGradNorm_(model.parameters(), 1)
 * optimizer.step()
 */
export function clipGradNorm_(
  ...args:
    | [
        parameters: Tensor | Iterable<Tensor>,
        maxNorm: number,
        ...Arguments<[normType: number, errorIfNonfinite: boolean], ClipOptions>,
      ]
    | [parameters: Tensor | Iterable<Tensor>, options: ClipOptions & { readonly maxNorm: number }]
): Tensor {
  const [parameters, maxNorm, normType, errorIfNonfinite] = clipNormArguments(args)
  const gradients = gradientsOf(parameters)
  if (gradients.length === 0) return zeros([])
  return noGrad(() => {
    const norms = gradients.map((grad) => norm(grad, normType))
    const total = norms.length === 1 ? norms[0] : norm(stack(norms), normType)
    if (errorIfNonfinite && all(isfinite(total)).item() === 0) {
      throw new RuntimeError(
        `The total norm of order ${reprFloat(normType)} for gradients from \`parameters\` is non-finite, so it cannot be clipped. To disable this error and scale the gradients by the non-finite norm anyway, set \`error_if_nonfinite=False\``,
      )
    }
    const factor = clamp(div(maxNorm, add(total, 1e-6)), null, 1)
    for (const grad of gradients) inPlace(mul, grad, factor)
    return total
  })
}

/** Clamps every element of the gradients to [-clipValue, clipValue]. */
export function clipGradValue_(
  ...args: [parameters: Tensor | Iterable<Tensor>, clipValue: number | { readonly clipValue: number }]
): void {
  const [parameters, clipValue] = clipValueArguments(args)
  noGrad(() => {
    for (const grad of gradientsOf(parameters)) inPlace(clamp, grad, -clipValue, clipValue)
  })
}

/**
 * Makes a module without drawing its random initial numbers, which takes most of the time, for weights that are loaded
 * next: of a class with its arguments, or by a function. No random number is used up.
 *
 * Throws a RuntimeError if that gives no module.
 *
 * @example
 * const linear = nn.utils.skipInit(nn.Linear, 1000, 1000)
 * linear.loadStateDict(new nn.Linear(1000, 1000).stateDict())
 */
export function skipInit<M extends Module, A extends readonly unknown[]>(
  module: (new (...args: A) => M) | ((...args: A) => M),
  ...args: A
): M {
  checkCallable('skip_init', module, 'module_cls')
  const made: unknown = withoutDraws(() =>
    module.prototype instanceof Module
      ? new (module as new (...args: A) => M)(...args)
      : (module as (...args: A) => M)(...args),
  )
  if (!isModule(made)) throw new RuntimeError(`Expected a Module; got ${kindOf(made)}`)
  return made as M
}
