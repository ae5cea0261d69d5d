// Conversions to other dtypes and devices, detach, and comparisons of whole tensors.
import { checkDType, type DType, type DTypeWord, dtypeName, isDTypeWord, isFloat } from '../../base/dtype.ts'
import { RuntimeError, TypeError } from '../../base/errors.ts'
import { typeName } from '../../base/python.ts'
import { sameShape } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import { allocate, apply, operand } from '../../tensor/apply.ts'
import { currentDevice, type Device, deviceNamed } from '../../tensor/device.ts'
import { effects } from '../../tensor/effects.ts'
import type { OpDef } from '../../tensor/op.ts'
import {
  type Takes,
  type Arguments,
  bool as flag,
  checkSelf,
  device,
  dtype,
  either,
  int as int_,
  isOptions,
  isTensor,
  keyword,
  method,
  nullable,
  number,
  optional,
  type Parameter,
  required,
  signature,
  tensor,
} from '../../tensor/signature.ts'
import { detached, type Tensor } from '../../tensor/tensor.ts'
import { setMove } from '../../tensor/together.ts'
import { cloneOp, elementwise } from '../define/elementwise.ts'
import { eq } from '../pointwise/comparison.ts'
import { toDType } from '../define/fill.ts'
import { all } from '../reduce/reduce.ts'

// ---- devices and dtypes ----

/** Copies, through the host unless the devices know a shorter way; the gradient is copied back the same way. */
const moveOp: OpDef<Device> = {
  name: 'toCopy',
  infer: ([x]) => [{ sizes: x.sizes, dtype: x.dtype }],
  saves: () => ({ inputs: [0] }),
  vjp: (ctx) => [apply(moveOp, [ctx.dy], ctx.input(0).storage.device)],
  to: {
    kind: 'compose',
    compose([x], device) {
      const from = x as Tensor
      const here = from.storage.device
      effects.sink?.refuse(
        `to('${device.name}')`,
        `Move the tensor from ${here.name} once, before the step: x.to('${device.name}').`,
      )
      const out = allocate(device, from)
      if (from.elements > 0 && !(device.backend.receive?.(out, from) ?? false))
        device.backend.write(out, here.backend.readSync(from))
      return [out]
    },
  },
}

/** On another device; the tensor itself if it is there already. */
export const toDevice = (x: Tensor, device: Device): Tensor =>
  x.storage.device === device ? x : apply(moveOp, [x], device)
setMove(toDevice)

export interface ToOptions {
  readonly dtype?: DTypeWord
  readonly device?: string
  /** Copy even if nothing changes. */
  readonly copy?: boolean
  /** PyTorch's for GPUs; it changes nothing. */
  readonly nonBlocking?: boolean
}
export interface CudaOption {
  readonly device?: number | string | null
}
type ToLast = Arguments<[nonBlocking: boolean, copy: boolean], Omit<ToOptions, 'dtype' | 'device'>>

const toArguments = method(
  'to',
  keyword('dtype', dtype, undefined),
  keyword('device', device, undefined),
  keyword('nonBlocking', flag, false),
  keyword('copy', flag, false),
)
const last = [optional('nonBlocking', flag, false), optional('copy', flag, false)] as const
/** What may follow a dtype or a tensor, and a device. */
const afterOther = signature('to', ...last)
const afterDevice = signature('to', optional('dtype', dtype, undefined), ...last)

/** Names that look like dtypes, so that a message is about dtypes, not devices. */
const dtypeLike = /^(torch\.)?(u?int|float|bfloat|complex|half|long|short|double|bool|byte|char)\d*$/

function target(x: Tensor, to: unknown, rest: readonly unknown[]): ReturnType<typeof toArguments> {
  if (typeof to === 'object' && to !== null && isOptions(to)) return toArguments(x, [to, ...rest])
  checkSelf('to', x)
  if (isTensor(to)) return [to.dtype, to.device, ...afterOther(rest)]
  if (isDTypeWord(to)) return [checkDType(to), undefined, ...afterOther(rest)]
  if (typeof to === 'string') {
    if (dtypeLike.test(to)) return [checkDType(to), undefined, ...afterOther(rest)]
    const [dtype, ...more] = afterDevice(rest)
    return [dtype, to, ...more]
  }
  throw new TypeError(
    `to() received an invalid combination of arguments - got (${typeName(to)})`,
    'Its argument other is a dtype, a device, a tensor, or options: dtype, device, copy.',
  )
}

/**
 * The tensor in another dtype, on another device, or both: given by name, by an options object, or by another tensor.
 * Returns the tensor itself if nothing changes. Conversion to integers truncates floats; only 0 becomes false.
 * Differentiable.
 *
 * Throws if the device is not loaded, or if the data cannot be read synchronously.
 *
 * @example
 * to(tensor([1.7]), 'int32') // tensor([1])
 * to(x, { dtype: 'float64', device: 'js' })
 * to(x, 'js', 'float64')
 */
export function to(
  x: Tensor,
  other: DTypeWord | string | Tensor | ToOptions,
  ...more: ToLast | [dtype: DTypeWord, ...ToLast] | [options: ToOptions]
): Tensor {
  const [dtype = x.dtype, device, , copy] = target(x, other, more)
  const out = toDevice(toDType(x, dtype), device === undefined ? x.storage.device : deviceNamed(device))
  return out === x && copy ? apply(copyOp, [x], null) : out
}
const copyOp: OpDef<null> = { ...cloneOp, name: 'toCopy' }

/** A conversion to one dtype. */
const converter = (name: string, dtype: DType) => {
  const read = method(name)
  return (x: Tensor, ...none: []): Tensor => {
    read(x, none)
    return toDType(x, dtype)
  }
}
/** The tensor in float32. */
export const float = converter('float', 'float32')
/** The tensor in float64. */
export const double = converter('double', 'float64')
/** The tensor in int32; floats are truncated. */
export const int = converter('int', 'int32')
/** The tensor in int32, which replaces int64. */
export const long = converter('long', 'int32')
/** The tensor in uint8; values wrap around. */
export const byte = converter('byte', 'uint8')
/** The tensor in bool: false where an element is 0. */
export const bool = converter('bool', 'bool')
const otherTensor = required('other', tensor)
const typeAsArguments = method('type_as', otherTensor)
/** The tensor in the dtype and on the device of another one. */
export function typeAs(x: Tensor, ...args: Takes<[other: Tensor], 'other'>): Tensor {
  const [other] = typeAsArguments(x, args)
  return to(x, other)
}
const cpuArguments = method('cpu')
/**
 * The tensor on a processor: itself on js, and on the default device unless that is a GPU; otherwise copied to js, as
 * `x.to('cpu')` does.
 */
export function cpu(x: Tensor, ...none: []): Tensor {
  cpuArguments(x, none)
  const { device } = x.storage
  const { caps, gpu } = device.own
  return device === currentDevice() && caps.syncRead && gpu === undefined ? x : toDevice(x, deviceNamed('js'))
}

export const gpuParameter: Parameter<number | string | null> = optional('device', nullable(either(device, int_)), null)
const cudaArguments = method('cuda', gpuParameter, optional('nonBlocking', flag, false))
/**
 * The tensor on a GPU, given by its number or its name, otherwise on the current one, as `x.to('cuda')` does.
 *
 * Throws an AssertionError if none is loaded, and a RuntimeError for another device.
 */
export function cuda(
  x: Tensor,
  ...args: Arguments<
    [device: number | string | null, nonBlocking: boolean],
    Pick<ToOptions, 'nonBlocking'> & CudaOption
  >
): Tensor {
  const [of] = cudaArguments(x, args)
  if (typeof of === 'number' && of < 0) throw new RuntimeError('Device index must not be negative')
  const name = typeof of === 'number' ? `cuda:${of}` : (of ?? 'cuda')
  if (!/^cuda\b/.test(name)) throw new RuntimeError('Invalid device, must be cuda device', 'Use x.to(device).')
  return toDevice(x, deviceNamed(name))
}

const detachArguments = method('detach')
/** The same memory without a history; gradients stop here. */
export function detach(x: Tensor, ...none: []): Tensor {
  detachArguments(x, none)
  return detached(x)
}

// ---- comparing ----

const truth = (x: Tensor): boolean => all(x).item() !== 0

const equalArguments = method('equal', otherTensor)
/** Whether shapes and elements are the same; NaN equals nothing. */
export function equal(x: Tensor, ...args: Takes<[other: Tensor], 'other'>): boolean {
  const [other] = equalArguments(x, args)
  return sameShape(x.sizes, other.sizes) && truth(eq(x, other))
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
  /** The allowed difference relative to `other`; 1e-5. */
  readonly rtol?: number
  /** The allowed absolute difference; 1e-8. */
  readonly atol?: number
  /** Whether NaN is close to NaN. */
  readonly equalNan?: boolean
}

/** A bool tensor: true where `|x - other| <= atol + rtol * |other|`. The dtypes must be equal. */
export function isclose(x: Tensor, ...args: CloseArguments): Tensor {
  return close(x, ...iscloseArguments(x, args))
}
type CloseArguments = Takes<
  [other: Tensor],
  'other',
  Arguments<[rtol: number, atol: number, equalNan: boolean], CloseOptions>
>
const closeParameters = [
  otherTensor,
  optional('rtol', number, 1e-5),
  optional('atol', number, 1e-8),
  optional('equalNan', flag, false),
] as const
const iscloseArguments = method('isclose', ...closeParameters)
const allcloseArguments = method('allclose', ...closeParameters)

function close(x: Tensor, other: Tensor, rtol: number, atol: number, equalNan: boolean): Tensor {
  if (x.dtype !== other.dtype) {
    throw new RuntimeError(
      `${dtypeName[x.dtype]} did not match ${dtypeName[other.dtype]}`,
      'Convert one: other.to(x.dtype).',
    )
  }
  for (const [name, value] of Object.entries({ rtol, atol })) {
    if (!(value >= 0)) throw new RuntimeError(`${name} must be greater than or equal to zero, but got ${value}`)
  }
  if (!isFloat(x.dtype)) return close(toDType(x, 'float64'), toDType(other, 'float64'), rtol, atol, false)
  return apply(equalNan ? closeOrNaN : strictlyClose, [x, other, operand(rtol), operand(atol)], null)
}

/**
 * Whether all elements are close: `|x - other| <= atol + rtol * |other|`.
 *
 * @example
 * allclose(tensor([1]), tensor([1.000001])) // true
 */
export const allclose = (x: Tensor, ...args: CloseArguments): boolean => truth(close(x, ...allcloseArguments(x, args)))
