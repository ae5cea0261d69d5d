// Elementwise operations: each is its scalar expression; see define.ts for all that follows from one. The functions take
// tensors and numbers, broadcast, and promote as PyTorch does. All that this file exports is an op with a method, an
// in-place form and cells in the conformance suite: a new op is written here and nowhere else, and its samples there.
import { type DType, isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { type Expr, s } from '../../expr/expr.ts'
import { operand } from '../../tensor/apply.ts'
import type { Input } from '../../tensor/op.ts'
import { type Arguments, keyword, method, nullable, number, optional, signature, str } from '../../tensor/signature.ts'
import { Tensor } from '../../tensor/tensor.ts'
import { notImplemented } from '../define/arguments.ts'
import { type Elementwise, elementwise, type ElementwiseOptions } from '../define/define.ts'
import {
  binary,
  checkAlone,
  divisorCheck,
  named,
  operandKind,
  operands,
  type Overloaded,
  overloaded,
  type TensorLike,
  unary,
} from '../define/overloads.ts'

const refuseBool =
  (sentence: string) =>
  (dtype: DType): void => {
    if (dtype === 'bool') throw new RuntimeError(sentence, 'Convert it first: x.int().')
  }

/** For functions that take nothing but their operands. */
const noOptions = { remainder: signature('remainder'), pow: signature('pow') }

/** Between integers the factor must be whole. */
function checkAlpha(x: TensorLike, y: TensorLike, alpha: number): void {
  const whole = (z: TensorLike): boolean => (typeof z === 'object' ? !isFloat(z.dtype) : Number.isInteger(Number(z)))
  if (!Number.isInteger(alpha) && whole(x) && whole(y)) {
    throw new RuntimeError('For integral input tensors, argument alpha must not be a floating point number.')
  }
}

// ---- arithmetic ----

const addOp = elementwise('add', (x, y) => s.add(x, y))
const addScaledOp = elementwise('add', (x, y, alpha) => s.add(x, s.mul(y, alpha)))
interface AlphaOption {
  /** A factor for the second operand. */
  readonly alpha?: number
}
type AlphaArguments = [x: TensorLike, y: TensorLike, options?: AlphaOption]
// What is not given is not read, and places of their own take no array, as rest arguments do.
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
const subtractBools =
  'Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead.'
/** No operand may be bool, whatever it would be promoted to. */
const acceptsSub = (_: DType, [x, y]: readonly Input[]): void => {
  if (x.dtype !== 'bool' && y.dtype !== 'bool') return
  throw new RuntimeError(x.dtype === y.dtype ? subtractBools : subtractBool, 'Convert it first: x.int().')
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
/** What is cut is the quotient as PyTorch has it, in the operands' dtype: 0.3 by 0.1 is 3 in float32. */
const truncOp = elementwise('DivBackward2', (x, y) => s.trunc(s.rounded(s.div(x, y))), { check: divisorCheck })
const floorOp = elementwise('NotImplemented', (x, y) => s.floorDiv(x, y), { check: divisorCheck })
const quotients = { floor: named('DivBackward2', floorOp), trunc: truncOp }
/** The quotient rounded down; integers stay integers. */
export const floorDivide = binary(floorOp, 'floor_divide')
interface RoundingOption {
  readonly roundingMode?: 'floor' | 'trunc' | null
}
const divOptions = signature('div', keyword('roundingMode', nullable(str), null))
/**
 * `x / y`: integers give float32. With `roundingMode` 'floor' or 'trunc' the quotient is rounded and integers stay
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

const remainderOp = elementwise('RemainderBackward1', (x, y) => s.mod(x, y), { check: divisorCheck })
const remainderOfNumber = named('RemainderBackward0', remainderOp)
/** `x` modulo `y`, with the divisor's sign. */
export const remainder = overloaded((x: TensorLike, y: TensorLike, ...none: []) => {
  if (none.length > 0) noOptions.remainder(none)
  return [typeof y === 'object' ? remainderOp : remainderOfNumber, operands('remainder', x, y)]
})

/** `-x`. */
export const neg = unary(
  elementwise('neg', (x) => s.neg(x), {
    gradName: 'neg',
    accepts: refuseBool(
      'Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.',
    ),
  }),
)

const powOp = elementwise('pow', (x, p) => s.pow(x, p))
const powTensorOp = named('PowBackward1', powOp)
/** `x` to the power `y`; two integers stay integers, and a negative number must then not be the exponent. */
export const pow = overloaded((x: TensorLike, y: TensorLike, ...none: []) => {
  if (none.length > 0) noOptions.pow(none)
  const inputs = operands('pow', x, y, 'exponent')
  if (typeof y === 'number' && y < 0 && typeof x === 'object' && !isFloat(x.dtype) && Number.isInteger(y)) {
    throw new RuntimeError('Integers to negative integer powers are not allowed.', 'Convert it first: x.float().')
  }
  return [typeof y === 'object' ? powTensorOp : powOp, inputs]
})

const squareOp = elementwise('pow', (x) => s.mul(x, x), { grad: ({ dy, x: [x] }) => [s.mul(dy, s.mul(x, 2))] })
/** The square, `x * x`. */
export const square = overloaded((x: Tensor, ...none: []) => {
  const [first, second] = none as readonly unknown[]
  checkAlone('square', x, first, second)
  return x.dtype === 'bool' ? [powOp, [x, operand(2)]] : [squareOp, [x]]
})

// ---- one operand ----

/** The absolute value; its slope at 0 is 0. */
export const abs = unary(elementwise('abs', (x) => s.abs(x)))
/** -1, 0 or 1. */
export const sign = unary(elementwise('sign', (x) => s.sign(x)))
/** The square root. */
export const sqrt = unary(elementwise('sqrt', (x) => s.sqrt(x), { out: 'float', gradName: 'div' }))
/** `1 / x`. */
export const reciprocal = unary(
  elementwise('reciprocal', (x) => s.div(1, x), { out: 'float', grad: ({ dy, y }) => [s.mul(s.neg(dy), s.mul(y, y))] }),
)
/** e to the power x. */
export const exp = unary(elementwise('exp', (x) => s.exp(x), { out: 'float' }))
/** `exp(x) - 1`, exact near 0. */
export const expm1 = unary(elementwise('expm1', (x) => s.expm1(x), { out: 'float' }))
/** The natural logarithm. */
export const log = unary(elementwise('log', (x) => s.log(x), { out: 'float', gradName: 'div' }))
/** `log(1 + x)`, exact near 0. */
export const log1p = unary(
  elementwise('Log1PBackward0', (x) => s.log1p(x), { out: 'float', gradName: 'div' }),
  'log1p',
)
/** The sine of radians. */
export const sin = unary(elementwise('sin', (x) => s.sin(x), { out: 'float' }))
/** The cosine of radians. */
export const cos = unary(elementwise('cos', (x) => s.cos(x), { out: 'float' }))
/** The hyperbolic tangent. */
export const tanh = unary(elementwise('tanh', (x) => s.tanh(x), { out: 'float', gradName: 'tanhBackward' }))
/** The error function, the integral of `2 / sqrt(pi) * exp(-t * t)` from 0 to x. */
export const erf = unary(elementwise('erf', (x) => s.erf(x), { out: 'float' }))
/** `1 / (1 + exp(-x))`. */
export const sigmoid = unary(
  elementwise('sigmoid', (x) => s.div(1, s.add(1, s.exp(s.neg(x)))), {
    out: 'float',
    gradName: 'sigmoidBackward',
    grad: ({ dy, y }) => [s.mul(dy, s.mul(s.sub(1, y), y))],
  }),
)
/** `max(x, 0)`; its slope at 0 is 0. */
export const relu = unary(
  elementwise('relu', (x) => s.max(x, 0), {
    gradName: 'thresholdBackward',
    grad: ({ dy, y }) => [s.select(s.le(y, 0), 0, dy)],
    accepts: refuseBool('Boolean inputs not supported for relu'),
  }),
)
const defineLeakyRelu = (grad?: ElementwiseOptions['grad']): Elementwise =>
  elementwise('leakyRelu', (x, slope) => s.select(s.gt(x, 0), x, s.mul(x, slope)), {
    gradName: 'leakyReluBackward',
    grad,
    accepts: (_, [x]) => {
      if (!isFloat(x.dtype)) throw notImplemented('leaky_relu_cpu', x.dtype)
    },
  })
const fallingOp = defineLeakyRelu()
/** Where the result is positive where the input is: in place, what is overwritten need not be kept. */
const risingOp = defineLeakyRelu(({ dy, x: [x, slope], y }) => [
  s.select(s.gt(y, 0), dy, s.mul(dy, slope)),
  s.select(s.gt(y, 0), 0, s.mul(dy, x)),
])
/** As PyTorch it keeps the input, and the result beside it: a compiled step that reads that need not store the input. */
const leakyOp: Elementwise = {
  ...risingOp,
  spare: true,
  saves: () => ({ inputs: [0, 1], outputs: [0] }),
  vjp: (ctx) => (ctx.keeps(0) ? risingOp : fallingOp).vjp?.(ctx) ?? [],
}
const leakyReluArguments = method('leaky_relu', optional('negativeSlope', number, 0.01))
const leakyReluBy =
  (op: Elementwise) =>
  (x: Tensor, ...args: [negativeSlope?: number | { negativeSlope?: number }]) => {
    const [slope] = leakyReluArguments(x, args)
    return [slope >= 0 ? op : fallingOp, [x, operand(slope)]] as const
  }
/** `x` where it is positive, `negativeSlope * x` elsewhere (0.01 unless given). */
export const leakyRelu = overloaded(leakyReluBy(leakyOp), leakyReluBy(risingOp))
/** The largest whole number not above x. */
export const floor = unary(elementwise('floor', (x) => s.floor(x)))
/** The smallest whole number not below x. */
export const ceil = unary(elementwise('ceil', (x) => s.ceil(x)))
/** The whole part of x. */
export const trunc = unary(elementwise('trunc', (x) => s.trunc(x)))
/** The nearest whole number, halves to even. */
export const round = unary(elementwise('round', (x) => s.rint(x)))

// ---- choices ----

/** The larger of two; equal ones share the gradient. */
export const maximum = binary(elementwise('maximum', (x, y) => s.max(x, y)))
/** The smaller of two; equal ones share the gradient. */
export const minimum = binary(elementwise('minimum', (x, y) => s.min(x, y)))

const clampOp = elementwise('clamp', (x, low, high) => s.min(s.max(x, low), high), {
  gradName: 'where',
  grad: ({ dy, x: [x, low, high] }) => [
    s.select(s.and(s.ge(x, low), s.le(x, high)), dy, 0),
    s.select(s.and(s.lt(x, low), s.lt(low, high)), dy, 0),
    s.select(s.or(s.gt(x, high), s.gt(low, high)), dy, 0),
  ],
})
const clampMinOp = elementwise('clamp', (x, low) => s.max(x, low), {
  gradName: 'where',
  grad: ({ dy, x: [x, low] }) => [s.select(s.ge(x, low), dy, 0), s.select(s.lt(x, low), dy, 0)],
})
const clampMaxOp = elementwise('clamp', (x, high) => s.min(x, high), {
  gradName: 'where',
  grad: ({ dy, x: [x, high] }) => [s.select(s.le(x, high), dy, 0), s.select(s.gt(x, high), dy, 0)],
})

const byTensors = { both: clampOp, min: clampMinOp, max: clampMaxOp }
const byNumbers = {
  both: named('ClampBackward1', clampOp),
  min: named('ClampBackward1', clampMinOp),
  max: named('ClampBackward1', clampMaxOp),
}
type Bound = TensorLike | null
const bound = nullable({ ...operandKind, expected: 'Number' })
const clampArguments = method('clamp', optional('min', bound, null), optional('max', bound, null))
/** `x` limited to [min, max]; either may be null. The gradient passes at both edges. */
export const clamp = overloaded((x: Tensor, ...args: Arguments<[min: Bound, max: Bound], ClampOptions>) => {
  const [low, high] = clampArguments(x, args)
  const ops = low instanceof Tensor || high instanceof Tensor ? byTensors : byNumbers
  if (low !== null && high !== null) return [ops.both, [x, operand(low), operand(high)]]
  if (low !== null) return [ops.min, [x, operand(low)]]
  if (high !== null) return [ops.max, [x, operand(high)]]
  throw new RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
})
interface ClampOptions {
  readonly min?: Bound
  readonly max?: Bound
}

// ---- comparisons and logic: bool results, no gradients ----

const bool = { out: 'bool' } as const
/** In place, PyTorch's node is named by whether the other is a tensor. */
function comparison(name: string, build: (x: Expr, y: Expr) => Expr): Overloaded<[x: TensorLike, y: TensorLike]> {
  const op = elementwise(name, build, bool)
  const compare = binary(op)
  const { resolve } = compare
  const withTensor = binary(named(`${name[0].toUpperCase()}${name[1]}Backward1`, op), name).resolve
  return Object.assign(compare, {
    resolve: (...args: Parameters<typeof resolve>) => (args[1] instanceof Tensor ? withTensor : resolve)(...args),
  })
}
/** `x == y`, element by element. */
export const eq = comparison('eq', (x, y) => s.eq(x, y))
/** `x != y`. */
export const ne = comparison('ne', (x, y) => s.ne(x, y))
/** `x < y`. */
export const lt = comparison('lt', (x, y) => s.lt(x, y))
/** `x <= y`. */
export const le = comparison('le', (x, y) => s.le(x, y))
/** `x > y`. */
export const gt = comparison('gt', (x, y) => s.gt(x, y))
/** `x >= y`. */
export const ge = comparison('ge', (x, y) => s.ge(x, y))
const truth = (x: Expr): Expr => s.cast(x, 'bool')
/** True where both are not 0. */
export const logicalAnd = binary(
  elementwise('logicalAnd', (x, y) => s.and(truth(x), truth(y)), bool),
  'logical_and',
)
/** True where at least one is not 0. */
export const logicalOr = binary(
  elementwise('logicalOr', (x, y) => s.or(truth(x), truth(y)), bool),
  'logical_or',
)
/** True where exactly one is not 0. */
export const logicalXor = binary(
  elementwise('logicalXor', (x, y) => s.xor(truth(x), truth(y)), bool),
  'logical_xor',
)
/** True where x is 0. */
export const logicalNot = unary(
  elementwise('logicalNot', (x) => s.not(truth(x)), bool),
  'logical_not',
)
/** True where x is NaN. */
export const isnan = unary(elementwise('isnan', (x) => s.isnan(x), bool))
/** True where x is neither infinite nor NaN. */
export const isfinite = unary(elementwise('isfinite', (x) => s.isfinite(x), bool))
