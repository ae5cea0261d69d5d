// Samples of a categorical distribution with a gradient: a softmax of logits with Gumbel noise.
import { isFloat } from '../../base/dtype.ts'
import { normalizeDim } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import { exponential } from '../../random/continuous.ts'
import { defaultGenerator } from '../../random/generator.ts'
import { apply, operand } from '../../tensor/apply.ts'
import { noGrad } from '../../tensor/mode.ts'
import { type Arguments, bool, int, number, optional, required, signature, tensor } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { type DimOption, notImplemented } from '../define/arguments.ts'
import { elementwise } from '../define/elementwise.ts'
import { filled } from '../define/fill.ts'
import { operandKind, type TensorLike } from '../define/overloads.ts'
import { scatter } from '../indexing/gather.ts'
import { argmax } from '../order/extremes.ts'
import { add, sub } from '../pointwise/arithmetic.ts'
import { softmax } from '../reduce/softmax.ts'
import { drawn } from './draws.ts'

const noisy = elementwise('div', (logits, drawn, tau) => s.div(s.add(logits, s.neg(s.log(drawn))), tau))
const read = signature(
  'gumbel_softmax',
  required('logits', tensor),
  optional('tau', { ...operandKind, expected: 'float' }, 1),
  optional('hard', bool, false),
  optional('eps', number, 1e-10),
  optional('dim', int, -1),
)
export interface GumbelSoftmaxOptions extends DimOption {
  /** The temperature: the smaller, the nearer to 0 and 1. */
  readonly tau?: TensorLike
  /** Return 0 and 1, with the gradient of the softmax. */
  readonly hard?: boolean
  /** Without an effect. */
  readonly eps?: number
}
/**
 * A softmax along `dim` (-1) of logits with Gumbel noise, divided by `tau` (1): a sample of the categorical distribution
 * that has a gradient. It draws from the default generator.
 *
 * @example
 * F.gumbelSoftmax(rand(2, 3), { hard: true }).sum(1) // tensor([1., 1.])
 */
export function gumbelSoftmax(
  logits: Tensor,
  ...args: Arguments<[tau: TensorLike, hard: boolean, eps: number, dim: number], GumbelSoftmaxOptions>
): Tensor {
  const [x, tau, hard, , dim] = read([logits, ...args])
  if (!isFloat(x.dtype)) throw notImplemented('exponential_cpu', x.dtype)
  const d = normalizeDim(dim, x.dim())
  const noise = drawn(x.storage.device, { sizes: x.sizes, dtype: x.dtype }, defaultGenerator, (out, generator) =>
    exponential(out as Float32Array, 1, generator),
  )
  const soft = softmax(apply(noisy, [x, noise, operand(tau)], null), d)
  if (!hard) return soft
  const rest = noGrad(() => {
    const zeros = filled(soft.sizes, soft.dtype, 0, soft.storage.device)
    return sub(scatter(zeros, d, argmax(soft, d, true), 1), soft)
  })
  return add(rest, soft)
}
