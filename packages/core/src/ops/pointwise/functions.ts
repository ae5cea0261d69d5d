// Elementwise operations that are a single step of the expression language: functions of real numbers and bitwise
// operations. As in elementary.ts, every export of this file is an op with a method, an in-place form and cells in the
// conformance suite.
import { type DType, isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { toInt } from '../../base/remedies.ts'
import { type Expr, s } from '../../expr/expr.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { notImplemented } from '../define/arguments.ts'
import { type Elementwise, elementwise, type ElementwiseOptions } from '../define/elementwise.ts'
import {
  binary,
  divisorCheck,
  named,
  type Overloaded,
  overloaded,
  type TensorLike,
  unary,
} from '../define/overloads.ts'

/** A function of one real number; integers give float32. */
const real = (name: string, step: (x: Expr) => Expr, gradName?: string): Overloaded<[x: Tensor]> =>
  unary(elementwise(name, step, { out: 'float', ...(gradName && { gradName }) }))

/**
 * The tangent of radians.
 *
 * @example
 * tan(tensor([0, 1])) // tensor([0.0000, 1.5574])
 */
export const tan = real('tan', s.tan)
/**
 * The hyperbolic sine.
 *
 * @example
 * sinh(tensor([0, 1])) // tensor([0.0000, 1.1752])
 */
export const sinh = real('sinh', s.sinh)
/**
 * The hyperbolic cosine.
 *
 * @example
 * cosh(tensor([0, 1])) // tensor([1.0000, 1.5431])
 */
export const cosh = real('cosh', s.cosh)
/**
 * The angle in [-pi/2, pi/2] whose sine is x; NaN outside of [-1, 1].
 *
 * @example
 * asin(tensor([0, 1])) // tensor([0.0000, 1.5708])
 */
export const asin = real('asin', s.asin)
/**
 * The angle in [0, pi] whose cosine is x; NaN outside of [-1, 1].
 *
 * @example
 * acos(tensor([0, 1])) // tensor([1.5708, 0.0000])
 */
export const acos = real('acos', s.acos)
/**
 * The angle in (-pi/2, pi/2) whose tangent is x.
 *
 * @example
 * atan(tensor([0, 1])) // tensor([0.0000, 0.7854])
 */
export const atan = real('atan', s.atan)
/**
 * The inverse of sinh.
 *
 * @example
 * asinh(tensor([0, 1])) // tensor([0.0000, 0.8814])
 */
export const asinh = real('asinh', s.asinh)
/**
 * The inverse of cosh, from 0 on; NaN below 1.
 *
 * @example
 * acosh(tensor([1, 2])) // tensor([0.0000, 1.3170])
 */
export const acosh = real('acosh', s.acosh)
/**
 * The inverse of tanh: infinite at -1 and 1, NaN beyond.
 *
 * @example
 * atanh(tensor([0, 0.5])) // tensor([0.0000, 0.5493])
 */
export const atanh = real('atanh', s.atanh)
/**
 * 2 to the power x.
 *
 * @example
 * exp2(tensor([3, 0.5])) // tensor([8.0000, 1.4142])
 */
export const exp2 = real('exp2', s.exp2)
/**
 * The logarithm to base 2.
 *
 * @example
 * log2(tensor([8, 0.5])) // tensor([ 3., -1.])
 */
export const log2 = real('log2', s.log2, 'div')
/**
 * The logarithm to base 10.
 *
 * @example
 * log10(tensor([1000, 0.1])) // tensor([ 3., -1.])
 */
export const log10 = real('log10', s.log10, 'div')
/**
 * The logarithm of the absolute value of the gamma function: infinite at 0, -1, -2, ...
 *
 * @example
 * lgamma(tensor([0.5, 5])) // tensor([0.5724, 3.1781])
 */
export const lgamma = real('lgamma', s.lgamma)
/**
 * The derivative of `lgamma`: infinite at 0, NaN at -1, -2, ...
 *
 * @example
 * digamma(tensor([1, 2])) // tensor([-0.5772,  0.4228])
 */
export const digamma = real('digamma', s.digamma)
/**
 * The number whose `erf` is x: infinite at -1 and 1, NaN beyond.
 *
 * @example
 * erfinv(tensor([0, 0.5])) // tensor([0.0000, 0.4769])
 */
export const erfinv = real('erfinv', s.erfinv)
/**
 * The modified Bessel function of the first kind, of order 0; NaN at infinity, as in PyTorch.
 *
 * @example
 * i0(tensor([0, 1])) // tensor([1.0000, 1.2661])
 */
export const i0 = real('i0', s.i0)

// ---- two operands ----

type Operands = [x: TensorLike, y: TensorLike]
/** PyTorch names the nodes of these functions by whether the second operand is a tensor. */
function byOther(name: string, ofTensor: Elementwise, ofNumber: Elementwise): Overloaded<Operands> {
  const { resolve } = binary(ofTensor, name)
  return overloaded((...args: Operands) => {
    const [op, inputs] = resolve(...args)
    return [typeof args[1] === 'object' ? op : ofNumber, inputs]
  })
}
const floatsOnly =
  (kernel: string) =>
  (dtype: DType): void => {
    if (!isFloat(dtype)) throw notImplemented(kernel, dtype)
  }

/**
 * The angle of the point (y, x) in (-pi, pi]: `x` is the ordinate, `y` the abscissa. Integers give float32.
 *
 * @example
 * atan2(tensor([1, -1]), tensor([-1, -1])) // tensor([ 2.3562, -2.3562])
 */
export const atan2 = binary(elementwise('atan2', (x, y) => s.atan2(x, y), { out: 'float' }))

/**
 * The square root of `x * x + y * y`, without intermediate overflow. Floats only.
 *
 * @example
 * hypot(tensor([3, 5]), tensor([4, 12])) // tensor([ 5., 13.])
 */
export const hypot = binary(elementwise('hypot', (x, y) => s.hypot(x, y), { accepts: floatsOnly('hypot_cpu') }))

const fmodOp = elementwise('FmodBackward1', (x, y) => s.fmod(x, y), {
  check: divisorCheck,
  accepts: (dtype) => {
    if (dtype === 'bool') throw notImplemented('fmod_cpu', dtype, toInt)
  },
})
/**
 * The remainder of `x / y` with the sign of `x`; that of `remainder` has the sign of the divisor. An integer divisor of
 * 0 is an error.
 *
 * @example
 * fmod(tensor([-3, 3]), 2) // tensor([-1.,  1.])
 */
export const fmod = byOther('fmod', fmodOp, named('FmodBackward0', fmodOp))

const nextafterOp: Elementwise = {
  ...elementwise('nextafter', (x, y) => s.nextafter(x, y), { accepts: floatsOnly('nextafter_cpu') }),
  saves: () => ({}),
  vjp: () => {
    throw new RuntimeError("the derivative for 'nextafter' is not implemented.", 'Detach its arguments: x.detach().')
  },
}
/**
 * The next floating-point number after `x` toward `y`. Floats only; no gradient.
 *
 * @example
 * nextafter(tensor([1]), tensor([2])).sub(1) // tensor([1.1921e-07])
 */
export const nextafter = binary(nextafterOp)

const copysignOp = elementwise('copysign', (x, y) => s.copysign(x, y), { out: 'float' })
/**
 * `x` with the sign of `y`, also of a zero. Integers give float32.
 *
 * @example
 * copysign(tensor([1, -2]), tensor([-0, 3])) // tensor([-1.,  2.])
 */
export const copysign = byOther('copysign', copysignOp, named('CopysignBackward1', copysignOp))

// ---- bits ----

const bits = (kernel: string, bool: boolean): ElementwiseOptions => ({
  accepts: (dtype) => {
    if (!isFloat(dtype) && (bool || dtype !== 'bool')) return
    throw notImplemented(kernel, dtype, toInt)
  },
})

/**
 * Bitwise and of integers; logical and of bools.
 *
 * @example
 * bitwiseAnd(tensor([12, 10], { dtype: 'int32' }), 10) // tensor([ 8, 10])
 */
export const bitwiseAnd = binary(
  elementwise('bitwiseAnd', (x, y) => s.and(x, y), bits('bitwise_and_cpu', true)),
  'bitwise_and',
)
/**
 * Bitwise or of integers; logical or of bools.
 *
 * @example
 * bitwiseOr(tensor([12, 10], { dtype: 'int32' }), 1) // tensor([13, 11])
 */
export const bitwiseOr = binary(
  elementwise('bitwiseOr', (x, y) => s.or(x, y), bits('bitwise_or_cpu', true)),
  'bitwise_or',
)
/**
 * Bitwise exclusive or of integers; inequality of bools.
 *
 * @example
 * bitwiseXor(tensor([12, 10], { dtype: 'int32' }), 10) // tensor([6, 0])
 */
export const bitwiseXor = binary(
  elementwise('bitwiseXor', (x, y) => s.xor(x, y), bits('bitwise_xor_cpu', true)),
  'bitwise_xor',
)
/**
 * Bitwise not of integers, `-x - 1` for signed ones; logical not of bools.
 *
 * @example
 * bitwiseNot(tensor([12, 10], { dtype: 'int32' })) // tensor([-13, -11])
 */
export const bitwiseNot = unary(
  elementwise('bitwiseNot', (x) => s.not(x), bits('bitwise_not_cpu', true)),
  'bitwise_not',
)
/**
 * Integers with their bits shifted left by `y`: `x * 2 ** y`, wrapped. Negative shifts, and shifts by the number of
 * bits or more, which PyTorch leaves undefined, give 0.
 *
 * @example
 * bitwiseLeftShift(tensor([1, 3], { dtype: 'int32' }), 2) // tensor([ 4, 12])
 */
export const bitwiseLeftShift = binary(
  elementwise('bitwiseLeftShift', (x, y) => s.shiftLeft(x, y), bits('lshift_cpu', false)),
  'bitwise_left_shift',
)
/**
 * Integers with their bits shifted right by `y`: `x / 2 ** y`, rounded down. Negative shifts, and shifts by the number
 * of bits or more, which PyTorch leaves undefined, give the sign: 0 or -1.
 *
 * @example
 * bitwiseRightShift(tensor([12, -8], { dtype: 'int32' }), 2) // tensor([ 3, -2])
 */
export const bitwiseRightShift = binary(
  elementwise('bitwiseRightShift', (x, y) => s.shiftRight(x, y), bits('rshift_cpu', false)),
  'bitwise_right_shift',
)
