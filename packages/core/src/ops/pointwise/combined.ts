// Functions of three operands and of mixed dtypes: lerp, addcmul, addcdiv, powers in double precision, ldexp, and the
// greatest common divisor. As in all files of this folder, every export is an op with a method, an in-place form and
// cells in the conformance suite.
import { cName, dtypeName, isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { toInt } from '../../base/remedies.ts'
import { resultType, mixed } from '../../base/promotion.ts'
import { type Expr, s } from '../../expr/expr.ts'
import { apply, operand } from '../../tensor/apply.ts'
import { type Input, Num } from '../../tensor/op.ts'
import { type Takes, keyword, method, number, required, signature, tensor } from '../../tensor/signature.ts'
import { Tensor } from '../../tensor/tensor.ts'
import { notImplemented, numberFor } from '../define/arguments.ts'
import { type Elementwise, elementwise } from '../define/elementwise.ts'
import { toDType } from '../define/fill.ts'
import {
  binary,
  named,
  operandKind,
  operands,
  type Overloaded,
  overloaded,
  type TensorLike,
} from '../define/overloads.ts'
import { mul, pow } from './arithmetic.ts'
import { exp2 } from './functions.ts'

const none = (dy: Expr): Expr => s.constant(0, dy.dtype)

// ---- lerp ----

const defineLerp = (name: string, kernel: string): Elementwise =>
  elementwise(
    name,
    (x, end, weight) => {
      const way = s.sub(end, x)
      // From the nearer end, so that the result at a weight of 1 is exact.
      return s.select(s.lt(s.abs(weight), 0.5), s.add(x, s.mul(weight, way)), s.sub(end, s.mul(way, s.sub(1, weight))))
    },
    {
      accepts: (_, [x, ...others]) => {
        others.forEach((other, i) => {
          if (other.wrapped === true || other.dtype === x.dtype) return
          throw mixed(
            x.dtype,
            other.dtype,
            `expected dtype ${cName[x.dtype]} for \`${i === 0 ? 'end' : 'weight'}\` but got dtype ${cName[other.dtype]}`,
          )
        })
        if (!isFloat(x.dtype)) throw notImplemented(kernel, x.dtype)
      },
      grad: ({ dy, x: [x, end, weight] }) => [s.mul(dy, s.sub(1, weight)), s.mul(dy, weight), s.mul(dy, s.sub(end, x))],
    },
  )
const lerpByNumber = defineLerp('lerp', 'lerp_kernel_scalar')
const lerpByTensor = defineLerp('LerpBackward1', 'lerp_kernel_tensor')
const lerpArguments = method('lerp', required('end', tensor), required('weight', operandKind))
type LerpArguments = Takes<[end: Tensor, weight: TensorLike], 'end weight'>
/**
 * `x + weight * (end - x)`, for a number or a tensor as weight: x at 0, end at 1. Of one float dtype.
 *
 * @example
 * lerp(tensor([0, 10]), tensor([10, 20]), 0.25) // tensor([ 2.5000, 12.5000])
 */
export const lerp: Overloaded<[x: Tensor, ...args: LerpArguments]> = overloaded((x: Tensor, ...args: LerpArguments) => {
  const [end, weight] = lerpArguments(x, args)
  return [weight instanceof Tensor ? lerpByTensor : lerpByNumber, [x, end, operand(weight)]]
})

// ---- products and quotients that are added ----

interface ValueOption {
  readonly value?: number
}
type Added = Takes<[tensor1: Tensor, tensor2: Tensor], 'tensor1 tensor2', [options?: ValueOption]>
const addedArguments = (name: string) =>
  method(name, required('tensor1', tensor), required('tensor2', tensor), keyword('value', number, 1))

const addcmulOp = elementwise('addcmul', (x, a, b, value) => s.add(x, s.mul(s.mul(a, b), value)), {
  accepts: (_, tensors) => {
    if (resultType(tensors.slice(0, 3)) === 'bool') throw notImplemented('addcmul_cpu_out', 'bool', toInt)
  },
  grad: ({ dy, x: [, a, b, value] }) => [dy, s.mul(dy, s.mul(b, value)), s.mul(dy, s.mul(a, value)), none(dy)],
})
const addcmulArguments = addedArguments('addcmul')
/**
 * `x + value * tensor1 * tensor2`.
 *
 * @example
 * addcmul(tensor([1, 1]), tensor([2, 3]), tensor([4, 5]), { value: 0.5 }) // tensor([5.0000, 8.5000])
 */
export const addcmul: Overloaded<[x: Tensor, ...args: Added]> = overloaded((x: Tensor, ...args: Added) => {
  const [a, b, value] = addcmulArguments(x, args)
  return [addcmulOp, [x, a, b, factor(value, x, a, b)]]
})

/** The factor as an operand that does not change the dtype; that of integers must be an integer. */
function factor(value: number, ...tensors: readonly Tensor[]): Num {
  const whole = tensors.every(({ dtype }) => !isFloat(dtype))
  const room = tensors.every(({ dtype }) => dtype === 'uint8') ? 'uint8' : 'int32'
  return new Num(whole ? Number(numberFor(value, room)) : value, whole ? 'int32' : 'float32')
}

const byInteger =
  'Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value * torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / tensor2) for float inputs. The future addcdiv behavior is just the latter implementation: (input + value * tensor1 / tensor2), for all dtypes.'
const addcdivOp = elementwise('addcdiv', (x, a, b, value) => s.add(x, s.div(s.mul(a, value), b)), {
  grad: ({ dy, x: [, a, b, value] }) => [
    dy,
    s.mul(dy, s.div(value, b)),
    s.mul(s.neg(dy), s.div(s.mul(value, a), s.mul(b, b))),
    none(dy),
  ],
})
const addcdivArguments = addedArguments('addcdiv')
/**
 * `x + value * tensor1 / tensor2`. tensor1 or tensor2 is of a float dtype.
 *
 * @example
 * addcdiv(tensor([1, 1]), tensor([2, 3]), tensor([4, 6]), { value: 2 }) // tensor([2., 2.])
 */
export const addcdiv: Overloaded<[x: Tensor, ...args: Added]> = overloaded((x: Tensor, ...args: Added) => {
  const [a, b, value] = addcdivArguments(x, args)
  if (!isFloat(a.dtype) && !isFloat(b.dtype)) throw new RuntimeError(byInteger, 'Convert one of them: tensor1.float().')
  return [addcdivOp, [x, a, b, new Num(value, 'float32')]]
})

// ---- powers ----

const ofNumber = named(
  'PowBackward2',
  elementwise('pow', (x, p) => s.pow(x, p)),
)
const double = (x: TensorLike): Input => {
  const given = operand(x)
  return given instanceof Tensor ? toDType(given, 'float64') : new Num(given.value, 'float64')
}
const floatPowerArguments = signature('float_power')
function resolveFloatPower(x: TensorLike, exponent: TensorLike, ...none: []) {
  if (none.length > 0) floatPowerArguments(none)
  operands('float_power', x, exponent, 'exponent')
  const power = double(exponent)
  if (typeof x !== 'object') return [ofNumber, [double(x), power]] as const
  return pow.resolve(toDType(x, 'float64'), power instanceof Tensor ? power : exponent)
}
/**
 * `x` to the power `exponent` in float64, whatever their dtypes.
 *
 * @example
 * floatPower(tensor([1, 2]), 0.5).dtype // 'float64'
 */
export const floatPower = overloaded(resolveFloatPower, (x: TensorLike, exponent: TensorLike, ...none: []) => {
  if (x instanceof Tensor && x.dtype !== 'float64') {
    throw new RuntimeError(
      `the base given to float_power_ has dtype ${dtypeName[x.dtype]} but the operation's result requires dtype Double`,
      'Write x = floatPower(x, exponent).',
    )
  }
  return resolveFloatPower(x, exponent, ...none)
})

type LdexpArguments = [x: Tensor, ...args: Takes<[other: Tensor], 'other'>]
/**
 * `x * 2 ** other`. Integers give float32.
 *
 * @example
 * ldexp(tensor([1, 3]), tensor([2, -1])) // tensor([4.0000, 1.5000])
 */
export const ldexp: Overloaded<LdexpArguments> = overloaded((...[x, ...args]: LdexpArguments) => {
  const [other] = ldexpArguments(x, args)
  return mul.resolve(x, exp2(other))
})
const ldexpArguments = method('ldexp', required('other', tensor))

// ---- divisors ----

/** Eight steps of Euclid's algorithm: the number, and the remainder that is left. */
const euclid = (left: boolean): Elementwise =>
  elementwise('gcd', (x, y) => {
    let [a, b] = [x, y]
    for (let i = 0; i < 8; i++) {
      const done = s.eq(b, 0)
      ;[a, b] = [s.select(done, a, b), s.select(done, 0, s.fmod(a, s.select(done, 1, b)))]
    }
    return left ? b : a
  })
const [divided, remaining] = [euclid(false), euclid(true)]
/** The greatest common divisor; no pair of 32-bit integers takes more than 46 steps. */
function divisor(name: string, x: Input, y: Input): Tensor {
  const dtype = resultType([x, y])
  if (isFloat(dtype) || dtype === 'bool') throw notImplemented(`${name}_cpu`, dtype, toInt)
  let pair: readonly Input[] = [x, y]
  for (let i = 0; i < 6; i++) pair = [apply(divided, pair, null), apply(remaining, pair, null)]
  return pair[0] as Tensor
}
function ofDivisor(name: string, op: Elementwise): Overloaded<[x: TensorLike, y: TensorLike]> {
  const { resolve } = binary(op, name)
  return overloaded((...args: [x: TensorLike, y: TensorLike]) => {
    const [, [x, y]] = resolve(...args)
    return [op, [x, y, divisor(name, x, y)]]
  })
}
/**
 * The greatest common divisor of integers, never negative.
 *
 * @example
 * gcd(tensor([12, -8], { dtype: 'int32' }), 8) // tensor([4, 8])
 */
export const gcd: Overloaded<[x: TensorLike, y: TensorLike]> = ofDivisor(
  'gcd',
  elementwise('gcd', (_, _y, by) => s.abs(by)),
)
/**
 * The least common multiple of integers, never negative.
 *
 * @example
 * lcm(tensor([4, 6], { dtype: 'int32' }), 6) // tensor([12,  6])
 */
export const lcm: Overloaded<[x: TensorLike, y: TensorLike]> = ofDivisor(
  'lcm',
  elementwise('lcm', (x, y, by) => s.select(s.eq(by, 0), 0, s.abs(s.mul(s.div(x, s.select(s.eq(by, 0), 1, by)), y)))),
)
