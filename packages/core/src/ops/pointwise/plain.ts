// Pointwise functions without an in-place form: positive, rsub, and frexp, which has two results.
import type { Prims } from '../../backend/backend.ts'
import { type DType, isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { toFloat } from '../../base/remedies.ts'
import { type Expr, s } from '../../expr/expr.ts'
import { apply, applyAll } from '../../tensor/apply.ts'
import { type NamedPair, namedPair } from '../../tensor/named-tuple.ts'
import type { OpDef } from '../../tensor/op.ts'
import {
  type Takes,
  checkSelf,
  isTensor,
  keyword,
  nothingMore,
  number,
  required,
  signature,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { elementwise } from '../define/elementwise.ts'
import { byCase } from '../define/kernels.ts'
import { named, operandKind, type TensorLike } from '../define/overloads.ts'
import { sub } from './arithmetic.ts'

/**
 * The tensor itself; bool is refused.
 *
 * @example
 * positive(tensor([-1, 2])) // tensor([-1.,  2.])
 */
export function positive(x: Tensor, ...none: []): Tensor {
  checkSelf('positive', x)
  nothingMore('positive', none)
  if (x.dtype === 'bool') throw new RuntimeError('The `+` operator, on a bool tensor is not supported.')
  return x
}

const rsubArguments = signature(
  'rsub',
  required('input', tensor),
  required('other', operandKind),
  keyword('alpha', number, 1),
)
/**
 * `other - alpha * x`.
 *
 * @example
 * rsub(tensor([1, 2]), 10) // tensor([9., 8.])
 */
export function rsub(
  ...args: [x: Tensor, ...Takes<[other: TensorLike], 'other', [options?: { readonly alpha?: number }]>]
): Tensor {
  const [x, other, alpha] = rsubArguments(args)
  const [op, inputs] = sub.resolve(other, x, { alpha })
  return apply(named(isTensor(other) ? 'RsubBackward0' : 'RsubBackward1', op), inputs, null)
}

/** The exponent, so that the number over its power of 2 is in [0.5, 1). A logarithm is off by one near powers of 2. */
function partsOf(x: Expr): readonly [mantissa: Expr, exponent: Expr] {
  const plain = s.and(s.isfinite(x), s.ne(x, 0))
  const size = s.select(plain, s.abs(x), 1)
  const guess = s.add(s.floor(s.log2(size)), 1)
  // In two factors, because the power of a subnormal number overflows.
  const half = s.floor(s.mul(guess, -0.5))
  const scaled = s.mul(s.mul(size, s.exp2(half)), s.exp2(s.sub(s.neg(guess), half)))
  const [low, high] = [s.lt(scaled, 0.5), s.ge(scaled, 1)]
  const mantissa = s.select(low, s.mul(scaled, 2), s.select(high, s.mul(scaled, 0.5), scaled))
  const exponent = s.select(low, s.sub(guess, 1), s.select(high, s.add(guess, 1), guess))
  return [s.select(plain, s.copysign(mantissa, x), x), s.select(plain, exponent, 0)]
}
const parts = byCase((_, dtype): Prims['map'] => {
  const [mantissa, exponent] = partsOf(s.input(0, dtype))
  return { outs: [{ expr: s.cast(mantissa, dtype) }, { expr: s.cast(exponent, 'int32') }] }
})
const unscaled = elementwise('div', (dy, exponent) => s.div(dy, s.exp2(exponent)), { out: 'float' })
const frexpOp: OpDef<DType> = {
  name: 'frexp',
  infer: ([{ sizes, dtype }]) => [
    { sizes, dtype },
    { sizes, dtype: 'int32' },
  ],
  saves: () => ({ outputs: [1] }),
  vjp: (ctx) => [apply(unscaled, [ctx.dy, ctx.output(1)], null)],
  to: { kind: 'kernel', prim: 'map', lower: (dtype) => parts([], dtype) },
}
/**
 * Mantissas in [0.5, 1), with the sign of x, and int32 exponents: `x = mantissa * 2 ** exponent`. Floats only.
 *
 * @example
 * frexp(tensor([1, -6])).mantissa // tensor([ 0.5000, -0.7500])
 */
export function frexp(x: Tensor, ...none: []): NamedPair<'mantissa', 'exponent'> {
  checkSelf('frexp', x)
  nothingMore('frexp', none)
  if (!isFloat(x.dtype)) {
    throw new RuntimeError('torch.frexp() only supports floating-point dtypes', toFloat)
  }
  const [mantissa, exponent] = applyAll(frexpOp, [x], x.dtype)
  return namedPair('frexp', { mantissa, exponent })
}
