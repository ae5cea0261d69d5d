// What numbers are and consist of: infinities and signs, fractions, rounding, degrees; and the choices that treat NaN as missing.
// As in all files of this folder, every export is an op with a method, an in-place form and cells in the conformance
// suite.
import { type DType, isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { type Expr, s } from '../../expr/expr.ts'
import { operand } from '../../tensor/apply.ts'
import type { Input } from '../../tensor/op.ts'
import { type Arguments, int, keyword, method, nullable, number, optional } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { noBool, notImplemented } from '../define/arguments.ts'
import { cloneOp, type Elementwise, elementwise } from '../define/elementwise.ts'
import { binary, checkAlone, type Overloaded, overloaded, unary } from '../define/overloads.ts'

const bool = { out: 'bool' } as const
const infinite = (x: Expr): Expr => s.and(s.not(s.isfinite(x)), s.not(s.isnan(x)))
/**
 * True where x is infinite.
 *
 * @example
 * isinf(tensor([1, Infinity, NaN])) // tensor([False,  True, False])
 */
export const isinf = unary(elementwise('isinf', infinite, bool))
/**
 * True where x is Infinity.
 *
 * @example
 * isposinf(tensor([Infinity, -Infinity])) // tensor([ True, False])
 */
export const isposinf = unary(elementwise('isposinf', (x) => s.and(infinite(x), s.gt(x, 0)), bool))
/**
 * True where x is -Infinity.
 *
 * @example
 * isneginf(tensor([Infinity, -Infinity])) // tensor([False,  True])
 */
export const isneginf = unary(elementwise('isneginf', (x) => s.and(infinite(x), s.lt(x, 0)), bool))
/**
 * True where the sign bit is set, also that of -0.
 *
 * @example
 * signbit(tensor([1, -0, -2])) // tensor([False,  True,  True])
 */
export const signbit = unary(
  elementwise('signbit', (x) => s.lt(isFloat(x.dtype) ? s.copysign(s.constant(1, x.dtype), x) : x, 0), bool),
)
/**
 * -1, 0 or 1, as `sign`.
 *
 * @example
 * sgn(tensor([-2, 0, 3])) // tensor([-1.,  0.,  1.])
 */
export const sgn = unary(elementwise('sgn', (x) => s.sign(x)))

/**
 * The fractional part, with the sign of x. Floats only.
 *
 * @example
 * frac(tensor([1.5, -2.25])) // tensor([ 0.5000, -0.2500])
 */
export const frac = unary(
  elementwise('frac', (x) => s.sub(x, s.trunc(x)), {
    grad: ({ dy }) => [dy],
    accepts: (dtype) => {
      if (!isFloat(dtype)) throw notImplemented('frac_cpu', dtype)
    },
  }),
)
/**
 * Degrees as radians.
 *
 * @example
 * deg2rad(tensor([180])) // tensor([3.1416])
 */
export const deg2rad = unary(
  elementwise('Deg2RadBackward0', (x) => s.mul(x, Math.PI / 180), { out: 'float' }),
  'deg2rad',
)
/**
 * Radians as degrees.
 *
 * @example
 * rad2deg(tensor([1])) // tensor([57.2958])
 */
export const rad2deg = unary(
  elementwise('Rad2DegBackward0', (x) => s.mul(x, 180 / Math.PI), { out: 'float' }),
  'rad2deg',
)

const roundOp = elementwise('round', (x) => s.rint(x), noBool('round_vml_cpu'))
/** By a power of 10, and back. */
const rounding = (there: 'mul' | 'div', back: 'mul' | 'div') =>
  elementwise('RoundBackward1', (x, power) => s[back](s.rint(s.rounded(s[there](x, power))), power), {
    grad: ({ dy }) => [s.constant(0, dy.dtype), s.constant(0, dy.dtype)],
    accepts: (dtype) => {
      if (!isFloat(dtype)) throw notImplemented('round_cpu', dtype)
    },
  })
const roundFraction = rounding('mul', 'div')
const roundWhole = rounding('div', 'mul')
const roundArguments = method('round', keyword('decimals', int, 0))
interface RoundOptions {
  readonly decimals?: number
}
/**
 * The nearest integer; halves go to the even one. With `decimals`, the nearest number with so many decimals, floats
 * only.
 *
 * @example
 * round(tensor([1.256, 2.5]), { decimals: 2 }) // tensor([1.2600, 2.5000])
 */
export const round: Overloaded<[x: Tensor, options?: RoundOptions]> = overloaded(
  (x: Tensor, options?: RoundOptions, all?: unknown) => {
    if (options === undefined || typeof options === 'number') {
      checkAlone('round', x, options, all)
      return [roundOp, [x]]
    }
    const [decimals] = roundArguments(x, [options, all])
    return decimals < 0 ? [roundWhole, [x, operand(10 ** -decimals)]] : [roundFraction, [x, operand(10 ** decimals)]]
  },
)

const nanToNumOp = elementwise(
  'nanToNum',
  (x, nan, high, low) => s.select(s.isnan(x), nan, s.select(infinite(x), s.select(s.gt(x, 0), high, low), x)),
  { grad: ({ dy, x: [x] }) => [s.mul(dy, s.cast(s.isfinite(x), dy.dtype)), ...none(dy, 3)] },
)
const none = (dy: Expr, count: number): Expr[] => new Array(count).fill(s.constant(0, dy.dtype))
export interface NanToNumOptions {
  readonly nan?: number | null
  readonly posinf?: number | null
  readonly neginf?: number | null
}
const nanToNumArguments = method(
  'nan_to_num',
  optional('nan', nullable(number), null),
  optional('posinf', nullable(number), null),
  optional('neginf', nullable(number), null),
)
const largestOf: Readonly<Record<string, number>> = { float32: 3.4028234663852886e38, float64: Number.MAX_VALUE }
/**
 * `x` with numbers for NaN (0), Infinity and -Infinity (the largest and the smallest number of the dtype). The gradient
 * passes where x is finite. Integers stay as they are.
 *
 * @example
 * nanToNum(tensor([NaN, Infinity, 2]), { nan: -1, posinf: 9 }) // tensor([-1.,  9.,  2.])
 */
export const nanToNum = overloaded(
  (
    x: Tensor,
    ...args: Arguments<[nan: number | null, posinf: number | null, neginf: number | null], NanToNumOptions>
  ) => {
    const [nan, posinf, neginf] = nanToNumArguments(x, args)
    if (!isFloat(x.dtype)) return [cloneOp as Elementwise, [x]]
    const largest = largestOf[x.dtype]
    return [nanToNumOp, [x, operand(nan ?? 0), operand(posinf ?? largest), operand(neginf ?? -largest)]]
  },
)

/** Only operands of one dtype; numbers take that of the tensor. */
const sameDType = (_: DType, [x, y]: readonly Input[]): void => {
  if (x.dtype !== y.dtype && x.wrapped !== true && y.wrapped !== true) {
    throw new RuntimeError(
      'heaviside is not yet implemented for tensors with different dtypes.',
      `They are ${x.dtype} and ${y.dtype}: convert one of them.`,
    )
  }
}
/**
 * 0 where x is negative, 1 where it is positive, and `values` where it is 0. Of one dtype; no gradient.
 *
 * @example
 * heaviside(tensor([-1, 0, 2]), tensor([0.5])) // tensor([0.0000, 0.5000, 1.0000])
 */
export const heaviside = binary({
  ...elementwise('heaviside', (x, values) => s.select(s.eq(x, 0), values, s.cast(s.gt(x, 0), x.dtype)), {
    accepts: sameDType,
  }),
  saves: () => ({}),
  vjp: () => {
    throw new RuntimeError("the derivative for 'heaviside' is not implemented.", 'Detach its arguments: x.detach().')
  },
})

/** Of a number and NaN, the number; otherwise as `choose`. The first operand gets the gradient if it `wins`. */
const present = (name: string, choose: typeof s.max, wins: typeof s.ge): Elementwise =>
  elementwise(name, (x, y) => s.select(s.isnan(x), y, s.select(s.isnan(y), x, choose(x, y))), {
    gradName: 'maskedFill',
    grad: ({ dy, x: [x, y] }) => {
      const first = s.or(wins(x, y), s.isnan(y))
      return [s.select(first, dy, 0), s.select(first, 0, dy)]
    },
  })
/**
 * The larger of two elements, and of a number and NaN the number. The first of equal ones gets the gradient.
 *
 * @example
 * fmax(tensor([1, NaN, 3]), tensor([2, 2, NaN])) // tensor([2., 2., 3.])
 */
export const fmax = binary(present('fmax', s.max, s.ge))
/**
 * The smaller of two elements, and of a number and NaN the number. The first of equal ones gets the gradient.
 *
 * @example
 * fmin(tensor([1, NaN, 3]), tensor([2, 2, NaN])) // tensor([1., 2., 3.])
 */
export const fmin = binary(present('fmin', s.min, s.le))
