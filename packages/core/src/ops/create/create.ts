// Creation from JavaScript values, filled tensors and ranges. Random tensors are in ../random.
import { defaults } from '../../base/default-dtype.ts'
import {
  type DType,
  type DTypeWord,
  dtypeOfArray,
  dtypeRank,
  dtypes,
  isFloat,
  newArray,
  type TypedArray,
} from '../../base/dtype.ts'
import { RuntimeError, TypeError, ValueError } from '../../base/errors.ts'
import { typeName } from '../../base/python.ts'
import { checkSizes, type Shape } from '../../base/shape.ts'
import { warn } from '../../base/warn.ts'
import type { Spec } from '../../backend/backend.ts'
import { allocate, apply } from '../../tensor/apply.ts'
import { type Device, deviceNamed } from '../../tensor/device.ts'
import type { OpDef } from '../../tensor/op.ts'
import {
  type Arguments,
  type Takes,
  anything,
  bool,
  device,
  int,
  ints,
  isTensor,
  type Kind,
  keyword,
  method,
  number,
  optional,
  type Parameter,
  required,
  scalar,
  signature,
} from '../../tensor/signature.ts'
import type { NestedNumbers } from '../../tensor/read.ts'
import { detached, type Tensor } from '../../tensor/tensor.ts'
import { dtypeNames, dtypeParameter, numberFor, sizesAndOptions } from '../define/arguments.ts'
import { reshapeOp } from '../define/views.ts'
import { eq } from '../pointwise/comparison.ts'
import { filled, toDType } from '../define/fill.ts'
import { to } from './convert.ts'

export interface TensorOptions {
  readonly dtype?: DTypeWord
  readonly device?: string
  readonly requiresGrad?: boolean
}

export type TensorData = NestedNumbers | readonly TensorData[] | TypedArray | Uint8ClampedArray | Tensor

/** A new leaf, which requires a gradient if the options say so. */
export function asLeaf(x: Tensor, { requiresGrad = false }: TensorOptions): Tensor {
  if (requiresGrad && !isFloat(x.dtype)) {
    throw new RuntimeError(
      'Only Tensors of floating point and complex dtype can require gradients',
      "Make it float: { dtype: 'float32' }.",
    )
  }
  return requiresGrad ? x.setRequiresGrad(true) : x
}

/** The named options of every function that creates a tensor. */
export const tensorParameters: readonly [
  Parameter<DType | undefined>,
  Parameter<string | undefined>,
  Parameter<boolean>,
] = [dtypeParameter, keyword('device', device, undefined), keyword('requiresGrad', bool, false)]

/** A contiguous tensor over a copy of the elements. */
export function fromArray(
  data: TypedArray | number[],
  shape: Shape,
  options: TensorOptions & { readonly dtype?: DType } = {},
): Tensor {
  const own = Array.isArray(data) ? undefined : dtypeOfArray(data)
  const dtype = options.dtype ?? own ?? defaults.float
  const x = allocate(deviceNamed(options.device), { sizes: shape, dtype })
  const values = own === dtype ? (data as TypedArray) : converted(data, dtype)
  if (x.elements > 0) x.storage.device.backend.write(x, values)
  return asLeaf(x, options)
}

function converted(data: ArrayLike<number>, dtype: DType): TypedArray {
  const out = newArray(dtype, data.length)
  if (dtype === 'bool') for (let i = 0; i < data.length; i++) out[i] = data[i] !== 0 ? 1 : 0
  else out.set(data)
  return out
}

/** PyTorch's limit of dimensions. Nested arrays beyond it most likely contain themselves. */
const mostDims = 128

/** The shape of nested arrays; rows of different lengths are PyTorch's error. */
function nestedShape(data: unknown): number[] {
  const shape: number[] = []
  for (let level = data; Array.isArray(level); level = level[0]) {
    if (shape.length === mostDims) throw new ValueError("too many dimensions 'list'", 'Does an array contain itself?')
    shape.push(level.length)
  }
  return shape
}

/** The elements, and the rank of the widest dtype among them. */
function flatten(data: unknown, shape: Shape): { values: (number | boolean)[]; rank: number } {
  const values: (number | boolean)[] = []
  const ofNumbers = dtypeRank[defaults.float]
  let rank = shape.includes(0) ? ofNumbers : 0
  const visit = (x: unknown, dim: number): void => {
    if (dim === shape.length) {
      if (typeof x === 'number') rank = Math.max(rank, ofNumbers)
      else if (isTensor(x)) {
        if (x.elements !== 1) throw new ValueError('only one element tensors can be converted to Python scalars')
        rank = Math.max(rank, dtypeRank[x.dtype])
        x = x.item()
      } else if (typeof x !== 'boolean') {
        if (Array.isArray(x))
          throw new ValueError(`expected sequence of length ${shape[dim - 1]} at dim ${dim} (got ${x.length})`)
        const hint = 'The data of tensor() must be numbers or booleans.'
        if (typeof x !== 'string') throw new RuntimeError(`Could not infer dtype of ${typeName(x)}`, hint)
        // The first element says how deep the data is.
        if (dim > 0 && values.length === 0) throw new ValueError("too many dimensions 'str'", hint)
        throw new TypeError("new(): invalid data type 'str'", hint)
      }
      values.push(x as number | boolean)
      return
    }
    if (!Array.isArray(x)) throw new TypeError(`expected a sequence at dim ${dim}, but got ${typeof x}`)
    if (x.length !== shape[dim]) {
      throw new ValueError(`expected sequence of length ${shape[dim]} at dim ${dim} (got ${x.length})`)
    }
    for (let i = 0; i < x.length; i++) visit(x[i], dim + 1)
  }
  visit(data, 0)
  return { values, rank }
}

/**
 * A tensor from a number, a boolean, nested arrays, or a typed array, which is copied. Numbers become the default dtype,
 * float32, booleans bool; typed arrays keep their dtype, and so do tensors, which count as the numbers in them.
 *
 * @example
 * tensor([[1, 2], [3, 4]]) // tensor([[1., 2.],
 *                          //         [3., 4.]])
 */
export function tensor(...args: [data: TensorData, options?: TensorOptions]): Tensor {
  const [data, dtype, device, requiresGrad] = tensorArguments(args)
  if (isTensor(data)) {
    warn(
      'To copy construct from a tensor, it is recommended to use sourceTensor.clone().detach() or sourceTensor.clone().detach().requires_grad_(True), rather than torch.tensor(sourceTensor).',
    )
    return asLeaf(to(detached(data), { dtype, device, copy: true }), { requiresGrad })
  }
  if (ArrayBuffer.isView(data)) {
    const typed = data instanceof Uint8ClampedArray ? new Uint8Array(data) : (data as TypedArray)
    return fromArray(typed, [typed.length], { dtype, device, requiresGrad })
  }
  const shape = nestedShape(data)
  const { values, rank } = flatten(data, shape)
  const wanted = dtype ?? dtypes[rank]
  const numbers = isFloat(wanted) ? values : values.map((value) => numberFor(value, wanted, dtypeNames))
  return fromArray(numbers.map(Number), shape, { dtype: wanted, device, requiresGrad })
}
const tensorArguments = signature('tensor', required('data', anything), ...tensorParameters)

export type SizeArgs<O = TensorOptions> = readonly (
  | number
  | readonly number[]
  | (O & { readonly size?: readonly number[] })
)[]

const fillWith = (name: string, value: number) => {
  const read = signature(name, ...tensorParameters)
  return (...args: SizeArgs): Tensor => {
    const { shape, options } = sizesAndOptions(name, args)
    const [dtype = defaults.float, device, requiresGrad] = read(options)
    return asLeaf(filled(shape, dtype, value, deviceNamed(device)), { requiresGrad })
  }
}

/** A tensor of zeros: `zeros(2, 3)` or `zeros([2, 3], { dtype })`. */
export const zeros = fillWith('zeros', 0)
/** A tensor of ones. */
export const ones = fillWith('ones', 1)
const emptyOptions = signature('empty', ...tensorParameters)
/** A tensor with uninitialized elements. */
export function empty(...args: SizeArgs): Tensor {
  const { shape, options } = sizesAndOptions('empty', args)
  const [dtype = defaults.float, device, requiresGrad] = emptyOptions(options)
  return asLeaf(allocate(deviceNamed(device), { sizes: shape, dtype }), { requiresGrad })
}

const fullArguments = signature('full', required('size', ints), required('fillValue', scalar), ...tensorParameters)
/** A tensor filled with one value; booleans give bool, numbers float32. */
export function full(
  ...args: Takes<[size: readonly number[], fillValue: number | boolean], 'size fillValue', [options?: TensorOptions]>
): Tensor {
  const [size, value, given, device, requiresGrad] = fullArguments(args)
  const dtype = given ?? (typeof value === 'boolean' ? 'bool' : defaults.float)
  const shape = checkSizes([...size])
  return asLeaf(filled(shape, dtype, Number(numberFor(value, dtype)), deviceNamed(device)), { requiresGrad })
}

type LikeArguments = [options?: TensorOptions]
/** A function that creates a tensor with the shape, dtype and device of another one, unless the options differ. */
const like = (name: string, make: (device: Device, spec: Spec) => Tensor) => {
  const read = method(name, ...tensorParameters)
  return (x: Tensor, ...args: LikeArguments): Tensor => {
    const [dtype = x.dtype, device, requiresGrad] = read(x, args)
    return asLeaf(make(deviceNamed(device ?? x.storage.device), { sizes: x.sizes, dtype }), { requiresGrad })
  }
}
/** Zeros in the shape, dtype and device of another tensor. */
export const zerosLike = like('zeros_like', (device, { sizes, dtype }) => filled(sizes, dtype, 0, device))
/** Ones in the shape, dtype and device of another tensor. */
export const onesLike = like('ones_like', (device, { sizes, dtype }) => filled(sizes, dtype, 1, device))
/** An uninitialized tensor in the shape, dtype and device of another tensor. */
export const emptyLike = like('empty_like', allocate)
const fullLikeArguments = method('full_like', required('fillValue', scalar), ...tensorParameters)
/** One value in the shape, dtype and device of another tensor. */
export function fullLike(
  x: Tensor,
  ...args: Takes<[fillValue: number | boolean], 'fillValue', [options?: TensorOptions]>
): Tensor {
  const [value, dtype = x.dtype, device, requiresGrad] = fullLikeArguments(x, args)
  const number = Number(numberFor(value, dtype))
  return asLeaf(filled(x.sizes, dtype, number, deviceNamed(device ?? x.storage.device)), { requiresGrad })
}

const iotaOp: OpDef<Spec> = {
  name: 'arange',
  infer: (_, spec) => [spec],
  to: { kind: 'kernel', prim: 'iota', lower: () => along0 },
}
const along0 = { axis: 0 }
/** 0, 1, 2, ... in a dtype. */
export const counted = (n: number, dtype: DType, device: string | undefined): Tensor =>
  apply(iotaOp, [], { sizes: [n], dtype }, deviceNamed(device))

interface RangeOptions extends TensorOptions {
  readonly start?: number
  readonly end?: number
  readonly step?: number
}
type RangeArgs = readonly (number | RangeOptions | undefined)[]
/**
 * Numbers from `start` (0) up to but not including `end`, by `step` (1). Integers give int32, other numbers float32.
 *
 * @example
 * arange(3) // tensor([0, 1, 2])
 */
export function arange(...args: RangeArgs): Tensor {
  const second = args[1]
  const several = second !== undefined && (typeof second !== 'object' || second?.end !== undefined)
  const [start, end, step, given, device, requiresGrad] = several ? fromStart(args) : toEnd(args)
  const numbers = [start, end, step]
  if (!numbers.every(Number.isFinite)) throw new RuntimeError(`unsupported range: ${start} -> ${end}`)
  if (step === 0) throw new RuntimeError('step must be nonzero')
  if ((end - start) * step < 0) {
    throw new RuntimeError('upper bound and larger bound inconsistent with step sign')
  }
  const n = Math.ceil((end - start) / step)
  if (!Number.isSafeInteger(n)) throw new RuntimeError('invalid size, possible overflow?', `The end is ${end}.`)
  const dtype = given ?? (numbers.every(Number.isInteger) ? 'int32' : defaults.float)
  return spaced(n, dtype, (i) => start + i * step, { device, requiresGrad })
}
const fromStart = signature(
  'arange',
  required('start', number),
  required('end', number),
  optional('step', number, 1),
  ...tensorParameters,
)
const onlyEnd = signature(
  'arange',
  required('end', number),
  keyword('start', number, 0),
  keyword('step', number, 1),
  ...tensorParameters,
)
const toEnd = (args: readonly unknown[]): ReturnType<typeof fromStart> => {
  const [end, start, step, ...rest] = onlyEnd(args)
  return [start, end, step, ...rest]
}

/** Elements computed on the host, because they must be right to the last bit and are computed rarely. */
export function spaced(n: number, dtype: DType, at: (i: number) => number, options: TensorOptions): Tensor {
  const data = newArray(dtype, n)
  for (let i = 0; i < n; i++) data[i] = at(i)
  return fromArray(data, [n], { ...options, dtype })
}

const numeric: Kind<number> = { ...number, expected: 'Number' }
const range = [required('start', numeric), required('end', numeric), required('steps', int)] as const
const linspaceArguments = signature('linspace', ...range, ...tensorParameters)
/** `steps` numbers from `start` to `end`, both included, evenly spaced; float32. */
export function linspace(
  ...args: Takes<[start: number, end: number, steps: number], 'start end steps', [options?: TensorOptions]>
): Tensor {
  const [first, last, steps, dtype = defaults.float, device, requiresGrad] = linspaceArguments(args)
  const options = { device, requiresGrad }
  if (steps < 0) throw new RuntimeError('number of steps must be non-negative')
  const isShort = dtype === 'float32'
  const round = isShort ? Math.fround : (x: number): number => x
  const [start, end] = [round(first), round(last)]
  const step = round(round(end - start) / Math.max(steps - 1, 1))
  // As in PyTorch, the second half is counted back from the end, so that both ends are exact, and of float32 eight are
  // counted from the first of them, except after the last pair of eights.
  const half = Math.floor(steps / 2)
  const from = (i: number): number => round(i < half ? start + step * i : end - step * (steps - i - 1))
  const at = (i: number): number => {
    const k = isShort && i < steps - (steps % 16) ? i % 8 : 0
    return round(from(i - k) + round(step * k))
  }
  return spaced(steps, dtype, steps === 1 ? () => start : at, options)
}

interface LogspaceOptions extends TensorOptions {
  readonly base?: number
}
const logspaceArguments = signature('logspace', ...range, optional('base', number, 10), ...tensorParameters)
/** Powers of `base` (10) with exponents evenly spaced from `start` to `end`; float32. */
export function logspace(
  ...args: Takes<
    [start: number, end: number, steps: number],
    'start end steps',
    Arguments<[base: number], LogspaceOptions>
  >
): Tensor {
  const [start, end, steps, base, dtype = defaults.float, device, requiresGrad] = logspaceArguments(args)
  const exponents = linspace(start, end, steps, { dtype: 'float64' }).toArray()
  return spaced(steps, dtype, (i) => base ** exponents[i], { device, requiresGrad })
}

const eyeArguments = signature('eye', required('n', int), optional('m', int, undefined), ...tensorParameters)
/** The n x m matrix with ones on its diagonal. */
export function eye(
  ...args: [n: number, m?: number | (TensorOptions & { readonly m?: number }), options?: TensorOptions]
): Tensor {
  const [n, m = n, dtype = defaults.float, device, requiresGrad] = eyeArguments(args)
  for (const [name, size] of Object.entries({ n, m })) {
    if (size < 0) throw new RuntimeError(`${name} must be greater or equal to 0, got ${size}`)
  }
  const rows = apply(reshapeOp, [counted(n, 'int32', device)], [n, 1])
  return asLeaf(toDType(eq(rows, counted(m, 'int32', device)), dtype), { requiresGrad })
}
