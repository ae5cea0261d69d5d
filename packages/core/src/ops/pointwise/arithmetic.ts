// Sums, differences, products, quotients and powers. The functions take tensors and numbers, broadcast, and promote as
// PyTorch does. As in all files of this folder, every export is an op with a method, an in-place form and cells in the
// conformance suite.
import { type DType, dtypeName, isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { floatType } from '../../base/promotion.ts'
import { negatedBool, subtractBools, toFloat, toInt } from '../../base/remedies.ts'
import { type Expr, s } from '../../expr/expr.ts'
import { operand } from '../../tensor/apply.ts'
import { mode } from '../../tensor/mode.ts'
import type { Input } from '../../tensor/op.ts'
import { keyword, nothingMore, nullable, number, signature, str } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { noBool, numberFor, refuseBool } from '../define/arguments.ts'
import { type Elementwise, elementwise } from '../define/elementwise.ts'
import {
  binary,
  checkAlone,
  divisorCheck,
  named,
  operands,
  type Overloaded,
  overloaded,
  type TensorLike,
  unary,
} from '../define/overloads.ts'

/** For integers the factor must be an integer. */
function checkAlpha(x: TensorLike, y: TensorLike, alpha: number): void {
  const whole = (z: TensorLike): boolean => (typeof z === 'object' ? !isFloat(z.dtype) : Number.isInteger(Number(z)))
  if (!Number.isInteger(alpha) && whole(x) && whole(y)) {
    throw new RuntimeError('For integral input tensors, argument alpha must not be a floating point number.')
  }
}

const addOp = elementwise('add', (x, y) => s.add(x, y))
const addScaledOp = elementwise('add', (x, y, alpha) => s.add(x, s.mul(y, alpha)))
interface AlphaOption {
  /** A factor for the second operand. */
  readonly alpha?: number
}
type AlphaArguments = [x: TensorLike, y: TensorLike, options?: AlphaOption]
// Absent options are not read. The options have parameters of their own, because rest arguments would allocate an
// array.
const [addOptions, subOptions] = ['add', 'sub'].map((name) => signature(name, keyword('alpha', number, 1)))
/**
 * `x + alpha * y`.
 *
 * @example
 * add(tensor([1, 2]), 1) // tensor([2., 3.])
 */
export const add: Overloaded<AlphaArguments> = overloaded(
  (x: TensorLike, y: TensorLike, options?: AlphaOption, more?: unknown) => {
    const inputs = operands('add', x, y)
    if (options === undefined && more === undefined) return [addOp, inputs]
    const [alpha] = addOptions([options, more])
    if (alpha === 1) return [addOp, inputs]
    checkAlpha(x, y, alpha)
    return [addScaledOp, [...inputs, operand(alpha)]]
  },
)

const subtractBool =
  'Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.'
/** Neither operand may be bool, whatever it would be promoted to. */
const acceptsSub = (_: DType, [x, y]: readonly Input[]): void => {
  if (x.dtype !== 'bool' && y.dtype !== 'bool') return
  throw new RuntimeError(x.dtype === y.dtype ? subtractBools : subtractBool, toInt)
}
const subOp = elementwise('sub', (x, y) => s.sub(x, y), { accepts: acceptsSub })
const rsubOp = named('RsubBackward1', subOp)
const subScaledOp = elementwise('sub', (x, y, alpha) => s.sub(x, s.mul(y, alpha)), { accepts: acceptsSub })

/** `x - alpha * y`. */
export const sub: Overloaded<AlphaArguments> = overloaded(
  (x: TensorLike, y: TensorLike, options?: AlphaOption, more?: unknown) => {
    const inputs = operands('sub', x, y)
    const alpha = options === undefined && more === undefined ? 1 : subOptions([options, more])[0]
    if (alpha === 1) return [typeof x === 'object' ? subOp : rsubOp, inputs]
    checkAlpha(x, y, alpha)
    return [subScaledOp, [...inputs, operand(alpha)]]
  },
)

/** `x * y`. */
export const mul = binary(elementwise('mul', (x, y) => s.mul(x, y)))

const divOp = elementwise('div', (x, y) => s.div(x, y), { out: 'float', gradName: 'div' })
/** Truncates the quotient as PyTorch computes it, in the operands' dtype: 0.3 by 0.1 is 3 in float32. */
const truncOp = elementwise('DivBackward2', (x, y) => s.trunc(s.rounded(s.div(x, y))), {
  ...noBool('div_trunc_cpu'),
  check: divisorCheck,
})
const floorOp = elementwise('NotImplemented', (x, y) => s.floorDiv(x, y), {
  ...noBool('div_floor_cpu'),
  check: divisorCheck,
})
const quotients = { floor: named('DivBackward2', floorOp), trunc: truncOp }
/** The quotient rounded down; integers stay integers. */
export const floorDivide = binary(floorOp, 'floor_divide')
interface RoundingOption {
  readonly roundingMode?: 'floor' | 'trunc' | null
}
const divOptions = signature('div', keyword('roundingMode', nullable(str), null))
/**
 * `x / y`; integers give float32. With `roundingMode` 'floor' or 'trunc' the quotient is rounded, and integers stay
 * integers.
 */
export const div: Overloaded<[x: TensorLike, y: TensorLike, options?: RoundingOption]> = overloaded(
  (x: TensorLike, y: TensorLike, options?: RoundingOption, more?: unknown) => {
    const inputs = operands('div', x, y)
    const roundingMode = options === undefined && more === undefined ? null : divOptions([options, more])[0]
    if (roundingMode === null) return [divOp, inputs]
    if (roundingMode === 'floor' || roundingMode === 'trunc') return [quotients[roundingMode], inputs]
    throw new RuntimeError(
      `div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '${roundingMode}'`,
    )
  },
)

const remainderOp = elementwise('RemainderBackward1', (x, y) => s.mod(x, y), {
  ...noBool('remainder_cpu'),
  check: divisorCheck,
})
const remainderOfNumber = named('RemainderBackward0', remainderOp)
/** `x` modulo `y`, with the sign of the divisor. */
export const remainder = overloaded((x: TensorLike, y: TensorLike, ...none: []) => {
  nothingMore('remainder', none)
  return [typeof y === 'object' ? remainderOp : remainderOfNumber, operands('remainder', x, y)]
})

/** `-x`. */
export const neg = unary(
  elementwise('neg', (x) => s.neg(x), {
    gradName: 'neg',
    accepts: refuseBool(negatedBool),
  }),
)

const powOp = elementwise('pow', (x, p) => s.pow(x, p), noBool('pow'))
const powTensorOp = named('PowBackward1', powOp)

/** The op of a number as exponent whose power PyTorch computes as a root, which is another number at -0 and -Infinity. */
function rootOp(exponent: number, build: (x: Expr) => Expr, slope: (x: Expr) => Expr): Elementwise {
  const op = elementwise('pow', build, {
    out: 'float',
    grad: ({ dy, x: [x] }) => [s.mul(dy, s.mul(slope(x), exponent))],
  })
  return {
    ...op,
    // A gradient that has one is a power again, so that it is PyTorch's at these two.
    vjp: (ctx) => (mode.grad ? [mul(ctx.dy, mul(pow(ctx.input(0), exponent - 1), exponent))] : (op.vjp as Rule)(ctx)),
  }
}
type Rule = NonNullable<Elementwise['vjp']>
const inverseRoot = (x: Expr): Expr => s.div(1, s.sqrt(x))
const sqrtOp = rootOp(0.5, (x) => s.sqrt(x), inverseRoot)
const rsqrtOp = rootOp(-0.5, inverseRoot, (x) => s.pow(x, -1.5))
function resolvePow(x: TensorLike, y: TensorLike, ...none: []): readonly [op: Elementwise, inputs: readonly Input[]] {
  nothingMore('pow', none)
  const inputs = operands('pow', x, y, 'exponent')
  if (typeof y === 'number' && typeof x === 'object' && !isFloat(x.dtype) && Number.isInteger(y)) {
    if (y < 0) throw new RuntimeError('Integers to negative integer powers are not allowed.', toFloat)
    if (x.dtype === 'uint8') numberFor(y, x.dtype)
  }
  if (y === 0.5 || y === -0.5) return [y > 0 ? sqrtOp : rsqrtOp, [inputs[0]]]
  return [typeof y === 'object' ? powTensorOp : powOp, inputs]
}
/** `x` to the power `y`. Two integers stay integers, and then no exponent may be negative. */
export const pow = overloaded(resolvePow, (x: TensorLike, y: TensorLike, ...none: []) => {
  if (typeof x === 'object' && !isFloat(x.dtype) && typeof y === 'number' && !Number.isInteger(y)) {
    const wanted = dtypeName[floatType(x.dtype)]
    throw new RuntimeError(`Found dtype ${dtypeName[x.dtype]} but expected ${wanted}`, 'Write x = x.pow(exponent).')
  }
  return resolvePow(x, y, ...none)
})

const squareOp = elementwise('pow', (x) => s.mul(x, x), { grad: ({ dy, x: [x] }) => [s.mul(dy, s.mul(x, 2))] })
/** The square, `x * x`. */
export const square = overloaded((x: Tensor, ...none: []) => {
  const [first, second] = none as readonly unknown[]
  checkAlone('square', x, first, second)
  return x.dtype === 'bool' ? [powOp, [x, operand(2)]] : [squareOp, [x]]
})
