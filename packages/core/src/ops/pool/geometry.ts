// The geometry of pooling from its arguments, with PyTorch's checks in PyTorch's order. Its functions differ in their
// sentences, which the tables here hold; one-dimensional pooling is PyTorch's two-dimensional one over a height of 1.
import { type DType, dtypeName } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { toFloat } from '../../base/remedies.ts'
import { type Shape, shapeString } from '../../base/shape.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import type { PerDim } from '../product/conv.ts'
import type { Windows } from './taps.ts'

type Kind = 'max' | 'avg'
/** A function: `max_pool2d` is a maximum of rank 2. */
export interface Pooling {
  readonly kind: Kind
  readonly rank: number
}
export const nameOf = ({ kind, rank }: Pooling): string => `${kind}_pool${rank}d`

export interface Numbers {
  readonly kernel: PerDim
  readonly stride: PerDim | null
  readonly padding: PerDim
  readonly dilation: PerDim
  readonly ceilMode: boolean
}
type Lists = Readonly<Record<'kernel' | 'stride' | 'padding' | 'dilation', Shape>>

const musts: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  max2: {
    kernel_size: 'must either be',
    stride: 'must either be omitted,',
    padding: 'must be either be',
    dilation: 'must be either',
  },
  avg2: { kernel_size: 'must either be', stride: 'must either be omitted,', padding: 'must either be' },
  avg3: { kernel_size: 'must be', stride: 'must be omitted,', padding: 'must be' },
}

/** A number for each dimension, or PyTorch's error. */
function listed(pooling: Pooling, parameter: string, given: PerDim): Shape {
  const { kind, rank } = pooling
  const list = typeof given === 'number' ? [given] : given
  if (list.length === 1) return Array.from({ length: rank }, () => list[0])
  if (list.length === rank) return [...list]
  const name = nameOf(pooling)
  if (rank === 1)
    throw new RuntimeError(`${name}() argument '${parameter}' should contain one int (got ${list.length})`)
  const must = (musts[`${kind}${rank}`] ?? musts.max2)[parameter]
  throw new RuntimeError(
    `${name}: ${parameter} ${must} a single int, or a tuple of ${rank === 2 ? 'two' : 'three'} ints`,
  )
}

/** The numbers of each dimension; the stride is the kernel's size if it is null or empty. */
function listsOf(pooling: Pooling, { kernel, stride, padding, dilation }: Numbers): Lists {
  const size = listed(pooling, 'kernel_size', kernel)
  const omitted = stride === null || (typeof stride !== 'number' && stride.length === 0)
  return {
    kernel: size,
    stride: omitted ? size : listed(pooling, 'stride', stride),
    padding: listed(pooling, 'padding', padding),
    dilation: listed(pooling, 'dilation', dilation),
  }
}

/** Named by their dimensions: `kH: 2 kW: 3`. */
function named(prefix: string, list: Shape, alone = 1): string {
  const all = list.length === 1 ? [alone, ...list] : list
  return ['T', 'H', 'W']
    .slice(-all.length)
    .map((side, i) => `${prefix}${side}: ${all[i]}`)
    .join(' ')
}

function checkNumbers({ kernel, stride, padding, dilation }: Lists): void {
  kernel.forEach((size, i) => {
    if (stride[i] === 0) throw new RuntimeError('stride should not be zero')
    if (padding[i] < 0) throw new RuntimeError(`pad must be non-negative, but got pad: ${padding[i]}`)
    if (padding[i] > Math.trunc(size / 2)) {
      throw new RuntimeError(
        `pad should be at most half of kernel size, but got pad=${padding[i]} and kernel_size=${size}`,
      )
    }
  })
  const positive = (what: string, prefix: string, list: Shape): void => {
    if (list.every((n) => n > 0)) return
    throw new RuntimeError(`${what} should be greater than zero, but got ${named(prefix, list)}`)
  }
  positive('kernel size', 'k', kernel)
  positive('stride', 'd', stride)
  positive('dilation', 'dilation', dilation)
}

/** Checks arguments without an input, for a constructor. */
export const checkPooling = (pooling: Pooling, numbers: Numbers): void => checkNumbers(listsOf(pooling, numbers))

const batchOrNot = (rank: number): string => `${rank + 1}D or ${rank + 2}D (batch mode)`
/** What PyTorch looks at before the numbers. */
function checkDims({ kind, rank }: Pooling, { sizes }: Tensor): void {
  const fits = sizes.length === rank + 1 || sizes.length === rank + 2
  if (rank === 1 && kind === 'max') {
    if (fits && !sizes.slice(-2).includes(0)) return
    throw new RuntimeError(
      `max_pool1d: Expected ${batchOrNot(rank)} tensor with optional 0 dim batch size for input, but got:${shapeString(sizes)}`,
    )
  }
  if (fits) return
  if (rank === 1) throw rangeOfDims(sizes.length, 'avg_pool1d')
  if (kind === 'max' || rank === 3) throw new RuntimeError(`non-empty ${batchOrNot(rank)} tensor expected for input`)
}
export const rangeOfDims = (dim: number, name: string): RuntimeError =>
  new RuntimeError(
    `Expected 2 to 3 dimensions, but got ${dim}-dimensional tensor for argument #1 'self' (while checking arguments for ${name})`,
  )

/** What it looks at after them: the sizes of the input, in which only a batch may be empty. */
function checkSizes({ kind, rank }: Pooling, { sizes }: Tensor, kernel: Shape): void {
  const own = sizes.slice(-rank - 1)
  const fits = sizes.length === rank + 1 || sizes.length === rank + 2
  if (rank < 3) {
    if (fits && !own.includes(0)) return
    const seen = rank === 1 ? [...sizes.slice(0, -1), 1, ...sizes.slice(-1)] : sizes
    throw new RuntimeError(
      `Expected ${batchOrNot(2)} tensor with optional 0 dim batch size for input, but got:${shapeString(seen)}`,
    )
  }
  if (own.includes(0)) {
    const name = kind === 'max' ? 'max_pool3d_with_indices_out_cpu_template' : 'avg_pool3d'
    throw new RuntimeError(
      `${name}(): Expected input's non-batch dimensions to have positive length, but input has a shape of ${shapeString(sizes)} and non-batch dimension 0 has length zero!`,
    )
  }
  if (kind === 'avg' && kernel.some((n, i) => n > own[i + 1])) {
    throw new RuntimeError(`input image (${named('', own.slice(1))}) smaller than kernel size (${named('k', kernel)})`)
  }
}

/** The windows of a call, or PyTorch's error; `check` comes after the arguments and before the input. */
export function windowsOf(pooling: Pooling, x: Tensor, numbers: Numbers, check?: () => void): Windows {
  const { rank } = pooling
  const lists = listsOf(pooling, numbers)
  check?.()
  checkDims(pooling, x)
  checkNumbers(lists)
  const { kernel, stride, padding, dilation } = lists
  checkSizes(pooling, x, kernel)
  const input = x.sizes.slice(-rank)
  const output = input.map((n, i) => {
    const left = n + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1
    const size = Math.floor((left + (numbers.ceilMode ? stride[i] - 1 : 0)) / stride[i]) + 1
    // The last window begins in the input or in the padding before it.
    return numbers.ceilMode && (size - 1) * stride[i] >= n + padding[i] ? size - 1 : size
  })
  if (output.some((n) => n < 1)) {
    const channels = x.sizes[x.dim() - rank - 1]
    const all = (list: Shape): string => `(${[channels, ...(rank === 1 ? [1] : []), ...list].join('x')})`
    throw new RuntimeError(
      `Given input size: ${all(input)}. Calculated output size: ${all(output)}. Output size is too small`,
      'The windows are larger than the padded input.',
    )
  }
  return { input, output, kernel, stride, dilation, low: padding }
}

/** Throws PyTorch's error for a dtype that a kernel of it does not take. */
export function checkDType(kernel: string, dtype: DType, takes: readonly DType[]): void {
  if (takes.includes(dtype)) return
  throw new RuntimeError(`"${kernel}" not implemented for '${dtypeName[dtype]}'`, toFloat)
}
