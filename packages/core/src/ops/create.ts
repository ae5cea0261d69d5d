// Creation: from JavaScript values, filled, counted. Random tensors are in random.ts.
import { checkDType, type DType, dtypeOfArray, isFloat, newArray, type TypedArray } from '../base/dtype.ts'
import { RuntimeError, TypeError, ValueError } from '../base/errors.ts'
import { checkSizes, type Shape } from '../base/shape.ts'
import type { Spec } from '../backend/backend.ts'
import { allocate, apply } from '../tensor/apply.ts'
import { deviceNamed } from '../tensor/device.ts'
import type { OpDef } from '../tensor/op.ts'
import { type NestedNumbers, Tensor } from '../tensor/tensor.ts'
import { sizesAndOptions } from './arguments.ts'
import { reshapeOp } from './define.ts'
import { eq } from './elementwise.ts'
import { filled, toDType } from './fill.ts'

export interface TensorOptions {
  readonly dtype?: DType
  readonly device?: string
  readonly requiresGrad?: boolean
}

export type TensorData = NestedNumbers | readonly TensorData[] | TypedArray | Uint8ClampedArray

/** A new leaf that wants a gradient if the options say so. */
export function finish(x: Tensor, { requiresGrad = false }: TensorOptions): Tensor {
  if (requiresGrad && !isFloat(x.dtype)) {
    throw new RuntimeError(
      'Only Tensors of floating point and complex dtype can require gradients',
      "Make it float: { dtype: 'float32' }.",
    )
  }
  return requiresGrad ? x.setRequiresGrad(true) : x
}

/** A contiguous tensor over a copy of the elements. */
export function fromArray(data: TypedArray | number[], shape: Shape, options: TensorOptions = {}): Tensor {
  const own = Array.isArray(data) ? undefined : dtypeOfArray(data)
  const dtype = options.dtype ?? own ?? 'float32'
  const x = allocate(deviceNamed(options.device), { shape, dtype })
  const values = own === dtype ? (data as TypedArray) : converted(data, dtype)
  if (x.elements > 0) x.storage.device.backend.write(x, values)
  return finish(x, options)
}

function converted(data: ArrayLike<number>, dtype: DType): TypedArray {
  const out = newArray(dtype, data.length)
  if (dtype === 'bool') for (let i = 0; i < data.length; i++) out[i] = data[i] !== 0 ? 1 : 0
  else out.set(data)
  return out
}

/** The shape of nested arrays; rows of different lengths are PyTorch's error. */
function nestedShape(data: TensorData): number[] {
  const shape: number[] = []
  for (let level: TensorData = data; Array.isArray(level); level = level[0] as TensorData) shape.push(level.length)
  return shape
}

function flatten(data: TensorData, shape: Shape): { values: number[]; bools: number } {
  const values: number[] = []
  let bools = 0
  const visit = (x: TensorData, dim: number): void => {
    if (dim === shape.length) {
      if (typeof x === 'boolean') bools++
      else if (typeof x !== 'number') {
        if (Array.isArray(x))
          throw new ValueError(`expected sequence of length ${shape[dim - 1]} at dim ${dim} (got ${x.length})`)
        throw new TypeError(
          `new(): invalid data type '${x === null ? 'null' : typeof x}'`,
          'Elements must be numbers or booleans.',
        )
      }
      values.push(Number(x))
      return
    }
    if (!Array.isArray(x)) throw new TypeError(`expected a sequence at dim ${dim}, but got ${typeof x}`)
    if (x.length !== shape[dim]) {
      throw new ValueError(`expected sequence of length ${shape[dim]} at dim ${dim} (got ${x.length})`)
    }
    for (const item of x as TensorData[]) visit(item, dim + 1)
  }
  visit(data, 0)
  return { values, bools }
}

/**
 * A tensor from a number, a boolean, nested arrays or a typed array (copied). Numbers make float32, booleans bool,
 * typed arrays keep their dtype.
 *
 * @example
 * tensor([[1, 2], [3, 4]]) // tensor([[1., 2.],
 *                          //         [3., 4.]])
 */
export function tensor(data: TensorData, options: TensorOptions = {}): Tensor {
  if (options.dtype !== undefined) checkDType(options.dtype)
  if (data instanceof Tensor)
    throw new TypeError('tensor() takes numbers, not a tensor', 'To copy a tensor use x.detach().clone().')
  if (ArrayBuffer.isView(data)) {
    const typed = data instanceof Uint8ClampedArray ? new Uint8Array(data) : (data as TypedArray)
    return fromArray(typed, [typed.length], options)
  }
  const shape = nestedShape(data)
  const { values, bools } = flatten(data, shape)
  const dtype = options.dtype ?? (bools > 0 && bools === values.length ? 'bool' : 'float32')
  return fromArray(values, shape, { ...options, dtype })
}

type SizeArgs = readonly (number | readonly number[] | TensorOptions)[]

const fillWith =
  (value: number) =>
  (...args: SizeArgs): Tensor => {
    const { shape, options } = sizesAndOptions<TensorOptions>(args)
    return full(shape, value, { dtype: 'float32', ...options })
  }

/** A tensor of zeros: `zeros(2, 3)` or `zeros([2, 3], { dtype })`. */
export const zeros = fillWith(0)
/** A tensor of ones. */
export const ones = fillWith(1)
/** A tensor whose elements are whatever the memory holds. */
export function empty(...args: SizeArgs): Tensor {
  const { shape, options } = sizesAndOptions<TensorOptions>(args)
  const dtype = checkDType(options.dtype ?? 'float32')
  return finish(allocate(deviceNamed(options.device), { shape, dtype }), options)
}

/** A tensor of one value; booleans make bool, numbers float32. */
export function full(size: readonly number[], value: number | boolean, options: TensorOptions = {}): Tensor {
  const shape = checkSizes(size)
  const dtype = checkDType(options.dtype ?? (typeof value === 'boolean' ? 'bool' : 'float32'))
  const device = deviceNamed(options.device)
  return finish(filled(shape, dtype, Number(value), device), options)
}

type Like = (x: Tensor, options?: TensorOptions) => Tensor
const like = (x: Tensor, options: TensorOptions): TensorOptions => ({ dtype: x.dtype, device: x.device, ...options })
/** Zeros in the shape, dtype and device of another tensor. */
export const zerosLike: Like = (x, options = {}) => full(x.shape, 0, like(x, options))
/** Ones in the shape, dtype and device of another tensor. */
export const onesLike: Like = (x, options = {}) => full(x.shape, 1, like(x, options))
/** Unwritten memory in the shape, dtype and device of another tensor. */
export const emptyLike: Like = (x, options = {}) => empty(x.shape, like(x, options))
/** One value in the shape, dtype and device of another tensor. */
export const fullLike = (x: Tensor, value: number, options: TensorOptions = {}): Tensor =>
  full(x.shape, value, like(x, options))

const iotaOp: OpDef<Spec> = {
  name: 'arange',
  infer: (_, spec) => [spec],
  to: { kind: 'kernel', prim: 'iota', lower: () => along0 },
}
const along0 = { axis: 0 }
/** 0, 1, 2, ... in a dtype. */
export const counted = (n: number, dtype: DType, device: string | undefined): Tensor =>
  apply(iotaOp, [], { shape: [n], dtype }, deviceNamed(device))

type RangeArgs = readonly (number | TensorOptions | undefined)[]
/**
 * Numbers from `start` (0) up to but not including `end`, by `step` (1). Whole arguments give int32, others float32.
 *
 * @example
 * arange(3) // tensor([0, 1, 2])
 */
export function arange(...args: RangeArgs): Tensor {
  const numbers = args.filter((x): x is number => typeof x === 'number')
  const options = (args.find((x) => typeof x === 'object') ?? {}) as TensorOptions
  const [start, end, step] = numbers.length === 1 ? [0, numbers[0], 1] : [numbers[0], numbers[1], numbers[2] ?? 1]
  if (!numbers.every(Number.isFinite)) throw new RuntimeError(`unsupported range: ${start} -> ${end}`)
  if (step === 0) throw new RuntimeError('step must be nonzero')
  if ((end - start) * step < 0) {
    throw new RuntimeError('upper bound and larger bound inconsistent with step sign')
  }
  const dtype = checkDType(options.dtype ?? (numbers.every(Number.isInteger) ? 'int32' : 'float32'))
  const n = Math.ceil((end - start) / step)
  return spaced(n, dtype, (i) => start + i * step, options)
}

/** Elements computed on the host: counts that must be right to the last bit are few and made once. */
function spaced(n: number, dtype: DType, at: (i: number) => number, options: TensorOptions): Tensor {
  const data = newArray(dtype, n)
  for (let i = 0; i < n; i++) data[i] = at(i)
  return fromArray(data, [n], { ...options, dtype })
}

/** `steps` numbers from `start` to `end`, both included, evenly spaced; float32. */
export function linspace(start: number, end: number, steps: number, options: TensorOptions = {}): Tensor {
  if (!Number.isInteger(steps) || steps < 0) throw new RuntimeError('number of steps must be non-negative')
  const dtype = checkDType(options.dtype ?? 'float32')
  const round = dtype === 'float32' ? Math.fround : (x: number): number => x
  const step = round((end - start) / Math.max(steps - 1, 1))
  // As PyTorch: the second half is counted back from the end, so that both ends are exact.
  const half = Math.floor(steps / 2)
  const at = (i: number): number =>
    i < half ? round(start + round(step * i)) : round(end - round(step * (steps - i - 1)))
  return spaced(steps, dtype, steps === 1 ? () => start : at, options)
}

/** Powers of `base` (10) with exponents evenly spaced from `start` to `end`; float32. */
export function logspace(
  start: number,
  end: number,
  steps: number,
  base: number | (TensorOptions & { base?: number }) = 10,
  given: TensorOptions = {},
): Tensor {
  const { base: factor = 10, ...options } = typeof base === 'number' ? { base, ...given } : base
  const exponents = linspace(start, end, steps, { dtype: 'float64' }).toArray()
  return spaced(steps, checkDType(options.dtype ?? 'float32'), (i) => factor ** exponents[i], options)
}

/** The n x m matrix with ones on its diagonal. */
export function eye(n: number, m?: number | TensorOptions, options: TensorOptions = {}): Tensor {
  const columns = typeof m === 'number' ? m : n
  const given = typeof m === 'object' ? m : options
  for (const [name, size] of Object.entries({ n, m: columns })) {
    if (size < 0) throw new RuntimeError(`${name} must be greater or equal to 0, got ${size}`)
  }
  const rows = apply(reshapeOp, [counted(n, 'int32', given.device)], [n, 1])
  return finish(toDType(eq(rows, counted(columns, 'int32', given.device)), checkDType(given.dtype ?? 'float32')), given)
}
