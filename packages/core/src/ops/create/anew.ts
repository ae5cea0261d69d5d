// More ways to create tensors: with the dtype and device of another one, from what may be a tensor already, from typed
// arrays, and a range with its end.
import { defaults } from '../../base/default-dtype.ts'
import { dtypeName, type TypedArray } from '../../base/dtype.ts'
import { RuntimeError, TypeError, ValueError } from '../../base/errors.ts'
import { typeName } from '../../base/python.ts'
import { checkSizes } from '../../base/shape.ts'
import { warn } from '../../base/warn.ts'
import type { Spec } from '../../backend/backend.ts'
import { allocate } from '../../tensor/apply.ts'
import { type Device, deviceNamed } from '../../tensor/device.ts'
import {
  type Arguments,
  type Takes,
  anything,
  bool,
  checkSelf,
  device as deviceKind,
  ints,
  isTensor,
  type Kind,
  keyword,
  method,
  nullable,
  number,
  optional,
  required,
  scalar,
  signature,
} from '../../tensor/signature.ts'
import { detached, type Tensor } from '../../tensor/tensor.ts'
import { dtypeParameter, numberFor, sizesAndOptions } from '../define/arguments.ts'
import { filled } from '../define/fill.ts'
import { to } from './convert.ts'
import {
  asLeaf,
  full,
  type SizeArgs,
  spaced,
  type TensorData,
  type TensorOptions,
  tensor,
  tensorParameters,
} from './create.ts'

// ---- with the dtype and device of another tensor ----

const deviceFor = (x: Tensor, name: string | undefined): Device =>
  name === undefined ? x.storage.device : deviceNamed(name)

/** A method that creates a tensor of given sizes. */
const anew = (name: string, make: (device: Device, spec: Spec) => Tensor) => {
  const read = signature(name, ...tensorParameters)
  return (x: Tensor, ...args: SizeArgs): Tensor => {
    checkSelf(name, x)
    const { shape, options } = sizesAndOptions(name, args)
    const [dtype = x.dtype, device, requiresGrad] = read(options)
    return asLeaf(make(deviceFor(x, device), { sizes: shape, dtype }), { requiresGrad })
  }
}
/** Zeros of given sizes in the dtype and on the device of this tensor. */
export const newZeros = anew('new_zeros', (device, { sizes, dtype }) => filled(sizes, dtype, 0, device))
/** Ones of given sizes in the dtype and on the device of this tensor. */
export const newOnes = anew('new_ones', (device, { sizes, dtype }) => filled(sizes, dtype, 1, device))
/** An uninitialized tensor of given sizes in the dtype and on the device of this one. */
export const newEmpty = anew('new_empty', allocate)
const fullArguments = method('new_full', required('size', ints), required('fillValue', scalar), ...tensorParameters)
/** A tensor of given sizes filled with one value, in the dtype and on the device of this tensor. */
export function newFull(
  x: Tensor,
  ...args: Takes<[size: readonly number[], fillValue: number | boolean], 'size fillValue', [options?: TensorOptions]>
): Tensor {
  const [size, value, dtype = x.dtype, device, requiresGrad] = fullArguments(x, args)
  const number = Number(numberFor(value, dtype))
  return asLeaf(filled(checkSizes([...size]), dtype, number, deviceFor(x, device)), { requiresGrad })
}
const tensorArguments = method('new_tensor', required('data', anything), ...tensorParameters)
/**
 * A tensor from numbers, in the dtype and on the device of this tensor.
 *
 * @example
 * newTensor(ones(1, { dtype: float64 }), [1, 2]) // tensor([1., 2.], dtype=torch.float64)
 */
export function newTensor(x: Tensor, ...args: [data: TensorData, options?: TensorOptions]): Tensor {
  const [data, dtype = x.dtype, device = x.device, requiresGrad] = tensorArguments(x, args)
  return tensor(data as TensorData, { dtype, device, requiresGrad })
}

// ---- from what is there ----

type AsOptions = Pick<TensorOptions, 'dtype' | 'device'>
const asArguments = signature(
  'as_tensor',
  required('data', anything),
  dtypeParameter,
  keyword('device', deviceKind, undefined),
)
/**
 * A tensor itself, converted if a dtype or device is given; otherwise a new tensor from numbers, as `tensor` makes it.
 * Typed arrays are copied.
 *
 * @example
 * asTensor([1, 2]) // tensor([1., 2.])
 */
export function asTensor(...args: [data: TensorData, options?: AsOptions]): Tensor {
  const [data, dtype, device] = asArguments(args)
  return isTensor(data) ? to(data, { dtype, device }) : tensor(data as TensorData, { dtype, device })
}

const asarrayArguments = signature(
  'asarray',
  required('obj', anything),
  dtypeParameter,
  keyword('device', deviceKind, undefined),
  keyword('copy', nullable(bool), null),
  keyword('requiresGrad', bool, false),
)
/**
 * A tensor of what is given: of a tensor the same memory, unless a dtype or device converts it or `copy` asks for a
 * copy; of numbers a new tensor. It has no history, and requires a gradient only with `requiresGrad`.
 *
 * Throws a ValueError for `copy: false` where a copy is needed.
 *
 * @example
 * asarray([1, 2], { requiresGrad: true }) // tensor([1., 2.], requires_grad=True)
 */
export function asarray(
  ...args: [obj: TensorData, options?: TensorOptions & { readonly copy?: boolean | null }]
): Tensor {
  const [given, dtype, device, copy, requiresGrad] = asarrayArguments(args)
  if (!isTensor(given)) {
    if (copy === false) throw new ValueError("can't alias arbitrary sequence into a tensor.")
    return tensor(given as TensorData, { dtype, device, requiresGrad })
  }
  if (copy === false && dtype !== undefined && dtype !== given.dtype) {
    throw new ValueError(`can't alias tensor with dtype '${dtypeName[given.dtype]}' into dtype '${dtypeName[dtype]}'.`)
  }
  if (copy === false && device !== undefined && deviceNamed(device) !== given.storage.device)
    throw new ValueError(`can't alias tensor with device '${given.device}' into device '${device}'.`)
  const x = detached(given)
  return asLeaf(to(x, { dtype, device, copy: copy === true }), { requiresGrad })
}

const arrayArguments = signature('from_numpy', required('ndarray', anything))
/**
 * A tensor with the elements and the dtype of a typed array, which is copied: writes to one are not seen in the other.
 *
 * @example
 * fromNumpy(Float64Array.of(1, 2)) // tensor([1., 2.], dtype=torch.float64)
 */
export function fromNumpy(...args: [ndarray: TypedArray | Uint8ClampedArray]): Tensor {
  const [array] = arrayArguments(args)
  if (!ArrayBuffer.isView(array) || array instanceof DataView) {
    throw new TypeError(
      `expected np.ndarray (got ${typeName(array)})`,
      'The ndarray is a typed array here; tensor() takes lists and numbers.',
    )
  }
  return tensor(array as TypedArray)
}
const numpyArguments = method('numpy')
/**
 * The elements in row-major order as a typed array, like `toArray()`: a copy, and without a shape.
 *
 * Throws a RuntimeError if the tensor requires a gradient.
 */
export function numpy(x: Tensor, ...none: []): TypedArray {
  numpyArguments(x, none)
  return x.toArray()
}

const numberKind: Kind<number | boolean> = { ...scalar, expected: 'Number' }
const scalarArguments = signature('scalar_tensor', required('s', numberKind), ...tensorParameters)
/** A tensor without dimensions from a number; float32 unless told otherwise. */
export function scalarTensor(...args: [s: number | boolean, options?: TensorOptions]): Tensor {
  const [value, dtype = defaults.float, device, requiresGrad] = scalarArguments(args)
  return full([], value, { dtype, device, requiresGrad })
}

const variableArguments = signature('Variable', required('data', anything), optional('requiresGrad', bool, false))
/** PyTorch's old way to a leaf: the tensor's memory without its history. Tensors need no Variable around them. */
export function Variable(
  ...args: [data: Tensor, requiresGrad?: boolean | { readonly requiresGrad?: boolean }]
): Tensor {
  const [data, requiresGrad] = variableArguments(args)
  if (!isTensor(data)) throw new TypeError(`Variable data has to be a tensor, but got ${typeName(data)}`)
  return asLeaf(detached(data), { requiresGrad })
}

// ---- ranges ----

const bound: Kind<number> = { ...number, expected: 'Number' }
const rangeArguments = signature(
  'range',
  required('start', bound),
  required('end', bound),
  optional('step', bound, 1),
  ...tensorParameters,
)
/**
 * PyTorch's deprecated range, which includes its end: float32, unless told otherwise. Use `arange`.
 *
 * @example
 * range(0, 3) // tensor([0., 1., 2., 3.])
 */
export function range(
  ...args: Takes<
    [start: number, end: number],
    'start end',
    Arguments<[step: number], TensorOptions & { readonly step?: number }>
  >
): Tensor {
  warn(
    "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with Python's range builtin. Instead, use torch.arange, which produces values in [start, end).",
  )
  const [start, end, step, dtype = defaults.float, device, requiresGrad] = rangeArguments(args)
  if (step === 0) throw new RuntimeError('step must be nonzero')
  if (![start, end].every(Number.isFinite)) throw new RuntimeError(`unsupported range: ${start} -> ${end}`)
  if ((end - start) * step < 0) throw new RuntimeError('upper bound and lower bound inconsistent with step sign')
  const n = Math.floor((end - start) / step) + 1
  if (!Number.isSafeInteger(n)) throw new RuntimeError('invalid size, possible overflow?', `The step is ${step}.`)
  return spaced(n, dtype, (i) => start + i * step, { device, requiresGrad })
}
