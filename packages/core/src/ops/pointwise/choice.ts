// The larger and the smaller of two elements, and clamp.
import type { DType } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { s } from '../../expr/expr.ts'
import { operand } from '../../tensor/apply.ts'
import type { Input } from '../../tensor/op.ts'
import { type Arguments, method, nullable, optional, required } from '../../tensor/signature.ts'
import { Tensor } from '../../tensor/tensor.ts'
import { numberFor, refuseBool } from '../define/arguments.ts'
import { elementwise } from '../define/elementwise.ts'
import { binary, named, operandKind, type Overloaded, overloaded, type TensorLike } from '../define/overloads.ts'

/** The larger of two elements; equal ones share the gradient. */
export const maximum = binary(elementwise('maximum', (x, y) => s.max(x, y)))
/** The smaller of two elements; equal ones share the gradient. */
export const minimum = binary(elementwise('minimum', (x, y) => s.min(x, y)))

/** Throws for limits that bytes have no room for. */
function accepts(dtype: DType, inputs: readonly Input[]): void {
  if (dtype === 'uint8') for (const x of inputs) if (x.wrapped === true) numberFor(x.value as number, dtype)
}
const refuse = refuseBool(`"clamp_scalar_cpu" not implemented for 'Bool'`)
const clampOp = elementwise('clamp', (x, low, high) => s.min(s.max(x, low), high), {
  accepts(dtype, inputs) {
    refuse(dtype)
    accepts(dtype, inputs)
  },
  gradName: 'where',
  grad: ({ dy, x: [x, low, high] }) => [
    s.select(s.and(s.ge(x, low), s.le(x, high)), dy, 0),
    s.select(s.and(s.lt(x, low), s.lt(low, high)), dy, 0),
    s.select(s.or(s.gt(x, high), s.gt(low, high)), dy, 0),
  ],
})
const clampMinOp = elementwise('clamp', (x, low) => s.max(x, low), {
  accepts,
  gradName: 'where',
  grad: ({ dy, x: [x, low] }) => [s.select(s.ge(x, low), dy, 0), s.select(s.lt(x, low), dy, 0)],
})
const clampMaxOp = elementwise('clamp', (x, high) => s.min(x, high), {
  accepts,
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
/** `x` limited to [min, max]; either may be null. At both limits the gradient passes. */
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

const [minOps, maxOps] = [
  { number: named('clampMin', clampMinOp), tensor: named('ClampMinBackward1', clampMinOp) },
  { number: named('clampMax', clampMaxOp), tensor: named('ClampMaxBackward1', clampMaxOp) },
]
type OneBound<K extends string> = [bound: TensorLike | { readonly [name in K]: TensorLike }]
function clampAt<K extends string>(name: string, parameter: K, ops: typeof minOps) {
  const read = method(name, required(parameter, operandKind))
  return overloaded((x: Tensor, ...args: OneBound<K>) => {
    const [limit] = read(x, args)
    return [limit instanceof Tensor ? ops.tensor : ops.number, [x, operand(limit)]]
  })
}
/**
 * `x`, but nothing below `min`, a number or a tensor.
 *
 * @example
 * clampMin(tensor([-1, 2]), 0) // tensor([0., 2.])
 */
export const clampMin: Overloaded<[x: Tensor, ...args: OneBound<'min'>]> = clampAt('clamp_min', 'min', minOps)
/**
 * `x`, but nothing above `max`, a number or a tensor.
 *
 * @example
 * clampMax(tensor([-1, 2]), 0) // tensor([-1.,  0.])
 */
export const clampMax: Overloaded<[x: Tensor, ...args: OneBound<'max'>]> = clampAt('clamp_max', 'max', maxOps)
