// Other dtypes and devices, cutting off the graph, and comparing whole tensors.
import { checkDType, type DType, dtypeName, isDType, isFloat } from '../base/dtype.ts'
import { RuntimeError, TypeError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { sameShape } from '../base/shape.ts'
import { s } from '../expr/expr.ts'
import { allocate, apply, operand } from '../tensor/apply.ts'
import { type Device, deviceNamed } from '../tensor/device.ts'
import { effects } from '../tensor/effects.ts'
import type { OpDef } from '../tensor/op.ts'
import { detached, Tensor } from '../tensor/tensor.ts'
import { cloneOp, elementwise } from './define.ts'
import { eq } from './elementwise.ts'
import { toDType } from './fill.ts'
import { all } from './reduce.ts'

// ---- devices and dtypes ----

/** Copies through the host; its gradient is the way back. */
const moveOp: OpDef<Device> = {
  name: 'toCopy',
  infer: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
  saves: () => ({ inputs: [0] }),
  vjp: (ctx) => [apply(moveOp, [ctx.dy], ctx.input(0).storage.device)],
  to: {
    kind: 'compose',
    compose([x], device) {
      const from = x as Tensor
      effects.sink?.refuse(`to('${device.name}')`, 'Move the tensor once, before the step.')
      const out = allocate(device, from)
      if (from.elements > 0) device.backend.write(out, from.storage.device.backend.readSync(from))
      return [out]
    },
  },
}

/** On another device, or the tensor itself. */
export const toDevice = (x: Tensor, device: Device): Tensor =>
  x.storage.device === device ? x : apply(moveOp, [x], device)

export interface ToOptions {
  readonly dtype?: DType
  readonly device?: string
  /** A copy even where nothing changes. */
  readonly copy?: boolean
}

/** Names that mean a dtype somewhere, so that a message speaks of dtypes and not of devices. */
const dtypeLike = /^(torch\.)?(u?int|float|bfloat|complex|half|long|short|double|bool|byte|char)\d*$/

function target(to: DType | string | Tensor | ToOptions): ToOptions {
  if (to instanceof Tensor) return { dtype: to.dtype, device: to.device }
  if (typeof to === 'object' && to !== null) return to
  if (isDType(to)) return { dtype: to }
  if (typeof to === 'string') return dtypeLike.test(to) ? { dtype: checkDType(to) } : { device: to }
  throw new TypeError(
    `to() received an invalid combination of arguments - got (${typeof to})`,
    'Pass a dtype, a device or a tensor.',
  )
}

/**
 * The tensor in another dtype, on another device, or both: of a name, an options object, or another tensor. It is the
 * tensor itself when nothing changes. Floats are cut to whole numbers for integers; only 0 becomes false. Differentiable.
 *
 * Throws where the device was not loaded, or cannot be read at once.
 *
 * @example
 * to(tensor([1.7]), 'int32') // tensor([1])
 * to(x, { dtype: 'float64', device: 'js' })
 */
export function to(
  x: Tensor,
  other: DType | string | Tensor | ToOptions,
  { copy = false }: { copy?: boolean } = {},
): Tensor {
  const wanted = target(other)
  const dtype = wanted.dtype === undefined ? x.dtype : checkDType(wanted.dtype)
  const device = wanted.device === undefined ? x.storage.device : deviceNamed(wanted.device)
  const out = toDevice(toDType(x, dtype), device)
  return out === x && (copy || wanted.copy === true) ? apply(copyOp, [x], null) : out
}
const copyOp: OpDef<null> = { ...cloneOp, name: 'toCopy' }

/** The tensor in float32. */
export const float = (x: Tensor): Tensor => toDType(x, 'float32')
/** The tensor in float64. */
export const double = (x: Tensor): Tensor => toDType(x, 'float64')
/** The tensor in int32: floats are cut to whole numbers. */
export const int = (x: Tensor): Tensor => toDType(x, 'int32')
/** The tensor in int32, which takes int64's place. */
export const long = (x: Tensor): Tensor => toDType(x, 'int32')
/** The tensor in uint8; values wrap around. */
export const byte = (x: Tensor): Tensor => toDType(x, 'uint8')
/** The tensor in bool: false only where an element is 0. */
export const bool = (x: Tensor): Tensor => toDType(x, 'bool')
/** The tensor in the dtype of another one, and on its device. */
export const typeAs = (x: Tensor, other: Tensor): Tensor => to(x, other)
/** The tensor where the host reads it at once: itself on the js and native devices, else moved to js. */
export const cpu = (x: Tensor): Tensor => (x.storage.device.backend.caps.syncRead ? x : toDevice(x, deviceNamed('js')))

/** The same memory without a history: gradients stop here. */
export const detach = (x: Tensor): Tensor => detached(x)

// ---- comparing ----

function checkTensors(name: string, other: unknown): void {
  if (other instanceof Tensor) return
  throw new TypeError(`${name}(): argument 'other' (position 1) must be Tensor, not ${typeName(other)}`)
}

const truth = (x: Tensor): boolean => all(x).item() !== 0

/** Same shape and same elements; NaN equals nothing. */
export function equal(x: Tensor, other: Tensor): boolean {
  checkTensors('equal', other)
  return sameShape(x.shape, other.shape) && truth(eq(x, other))
}

const closeTo = (equalNaN: boolean) =>
  elementwise(
    'isclose',
    (x, y, rtol, atol) => {
      const apart = s.abs(s.sub(x, y))
      const near = s.and(s.isfinite(apart), s.le(apart, s.add(atol, s.abs(s.mul(rtol, y)))))
      const same = s.or(s.eq(x, y), near)
      return equalNaN ? s.or(same, s.and(s.isnan(x), s.isnan(y))) : same
    },
    { out: 'bool' },
  )
const strictlyClose = closeTo(false)
const closeOrNaN = closeTo(true)

export interface CloseOptions {
  /** Allowed difference relative to `other`; 1e-5. */
  readonly rtol?: number
  /** Allowed difference; 1e-8. */
  readonly atol?: number
  /** NaN is close to NaN. */
  readonly equalNan?: boolean
}

/** Where `|x - other| <= atol + rtol * |other|`: a bool tensor. The dtypes must be equal. */
export function isclose(
  x: Tensor,
  other: Tensor,
  { rtol = 1e-5, atol = 1e-8, equalNan = false }: CloseOptions = {},
): Tensor {
  checkTensors('isclose', other)
  if (x.dtype !== other.dtype) {
    throw new RuntimeError(
      `${dtypeName[x.dtype]} did not match ${dtypeName[other.dtype]}`,
      'Convert one: other.to(x.dtype).',
    )
  }
  for (const [name, value] of Object.entries({ rtol, atol })) {
    if (!(value >= 0)) throw new RuntimeError(`${name} must be greater than or equal to zero, but got ${value}`)
  }
  if (!isFloat(x.dtype)) return isclose(toDType(x, 'float64'), toDType(other, 'float64'), { rtol, atol })
  return apply(equalNan ? closeOrNaN : strictlyClose, [x, other, operand(rtol), operand(atol)], null)
}

/**
 * All elements are close: `|x - other| <= atol + rtol * |other|`.
 *
 * @example
 * allclose(tensor([1]), tensor([1.000001])) // true
 */
export const allclose = (x: Tensor, other: Tensor, options: CloseOptions = {}): boolean =>
  truth(isclose(x, other, options))
