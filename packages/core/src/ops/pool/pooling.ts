// Pooling as functions: the largest or the mean element of sliding windows, in one to three dimensions, and the p-norm
// of windows.
import { RuntimeError } from '../../base/errors.ts'
import {
  type Arguments,
  type Takes,
  bool,
  dims,
  int,
  nullable,
  optional,
  real,
  required,
  signature,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { relu } from '../pointwise/activation.ts'
import { mul, pow } from '../pointwise/arithmetic.ts'
import { abs, sign } from '../pointwise/elementary.ts'
import { expanded, type PerDim } from '../product/conv.ts'
import { checkDType, nameOf, type Pooling, windowsOf } from './geometry.ts'
import { avgPool } from './avg-pool.ts'
import { maxPool } from './max-pool.ts'

// ---- maximum ----

export interface MaxPoolOptions extends LPPoolOptions {
  /** Elements of negative infinity on both sides, at most half of the kernel's size. */
  readonly padding?: PerDim
  /** The distance between the elements of a window. */
  readonly dilation?: PerDim
  /** Return the places of the largest elements too. */
  readonly returnIndices?: boolean
}
/** Asks for the indices. */
export interface Indices {
  readonly returnIndices: true
}
export type MaxPoolArguments<O = MaxPoolOptions> = Takes<
  [kernelSize: PerDim],
  'kernelSize',
  Arguments<[stride: PerDim | null, padding: PerDim, dilation: PerDim, ceilMode: boolean, returnIndices: boolean], O>
>
export interface MaxPoolFunction {
  (input: Tensor, ...args: MaxPoolArguments<MaxPoolOptions & Partial<Record<'returnIndices', false>>>): Tensor
  (input: Tensor, ...args: MaxPoolArguments<MaxPoolOptions & Indices>): [values: Tensor, indices: Tensor]
}

/** PyTorch's names of the nodes and of the kernels. */
const maxNames = [
  ['SqueezeBackward1', 'max_pool1d_impl'],
  ['maxPool2DWithIndices', 'max_pool2d'],
  ['maxPool3DWithIndices', 'max_pool3d_with_indices_cpu'],
] as const

function maximum(rank: number): (args: readonly unknown[]) => Tensor | [Tensor, Tensor] {
  const pooling: Pooling = { kind: 'max', rank }
  const [node, kernelName] = maxNames[rank - 1]
  const pool = maxPool(node)
  const read = signature(
    nameOf(pooling),
    required('input', tensor),
    required('kernelSize', dims),
    optional('stride', nullable(dims), null),
    optional('padding', dims, 0),
    optional('dilation', dims, 1),
    optional('ceilMode', bool, false),
    optional('returnIndices', bool, false),
  )
  return (args) => {
    const [x, kernel, stride, padding, dilation, ceilMode, returnIndices] = read(args)
    const windows = windowsOf(pooling, x, { kernel, stride, padding, dilation, ceilMode })
    checkDType(kernelName, x.dtype, ['float32', 'float64'])
    const [y, indices] = pool(x, windows, returnIndices)
    return returnIndices ? [y, indices as Tensor] : y
  }
}
const [max1, max2, max3] = [1, 2, 3].map(maximum)

/**
 * The largest element of each window of signals [N, C, L] or [C, L]: [N, C, L'] or [C, L'], where L' is (L + 2 padding -
 * dilation (kernelSize - 1) - 1) / stride + 1, rounded down, or with `ceilMode` up. Float only. With `returnIndices:
 * true`, a pair: the values, and their int32 positions along L.
 *
 * @example
 * F.maxPool1d(tensor([[1, 3, 2, 4]]), 2) // tensor([[3., 4.]])
 */
export const maxPool1d = ((input: Tensor, ...args: unknown[]) => max1([input, ...args])) as MaxPoolFunction
/**
 * The largest element of each window of images [N, C, H, W] or [C, H, W]. Kernel, stride, padding and dilation are
 * numbers or lists of two. With `returnIndices: true`, a pair: the values, and their int32 positions in row-major order
 * of an image, for `maxUnpool2d`. The gradient goes to the first of equal elements. Float only.
 *
 * @example
 * F.maxPool2d(tensor([[[1, 2], [4, 3]]]), 2) // tensor([[[4.]]])
 * F.maxPool2d(tensor([[[1, 2], [4, 3]]]), { kernelSize: 2, returnIndices: true })[1] // tensor([[[2]]])
 */
export const maxPool2d = ((input: Tensor, ...args: unknown[]) => max2([input, ...args])) as MaxPoolFunction
/**
 * The largest element of each window of volumes [N, C, D, H, W] or [C, D, H, W], as `maxPool2d`.
 *
 * @example
 * F.maxPool3d(ones(1, 1, 4, 4, 4), 2).shape // [1, 1, 2, 2, 2]
 */
export const maxPool3d = ((input: Tensor, ...args: unknown[]) => max3([input, ...args])) as MaxPoolFunction

// ---- mean ----

export interface AvgPoolOptions extends LPPoolOptions {
  /** Zeros on both sides, at most half of the kernel's size. */
  readonly padding?: PerDim
  /** Count the zeros of the padding as elements. */
  readonly countIncludePad?: boolean
}
export interface AvgPoolNdOptions extends AvgPoolOptions {
  /** Divide the sums by this number instead of by that of elements. */
  readonly divisorOverride?: number | null
}
export type AvgPoolArguments<O = AvgPoolOptions, More extends readonly unknown[] = []> = Takes<
  [kernelSize: PerDim],
  'kernelSize',
  Arguments<[stride: PerDim | null, padding: PerDim, ceilMode: boolean, countIncludePad: boolean, ...More], O>
>
export type AvgPoolNdArguments = AvgPoolArguments<AvgPoolNdOptions, [divisorOverride: number | null]>

const avgNames = [
  ['SqueezeBackward1', 'avg_pool2d'],
  ['avgPool2D', 'avg_pool2d'],
  ['avgPool3D', 'avg_pool3d_out_frame'],
] as const

function mean(rank: number): (args: readonly unknown[]) => Tensor {
  const pooling: Pooling = { kind: 'avg', rank }
  const [node, kernelName] = avgNames[rank - 1]
  const pool = avgPool(node)
  const shared = [
    required('input', tensor),
    required('kernelSize', dims),
    optional('stride', nullable(dims), null),
    optional('padding', dims, 0),
    optional('ceilMode', bool, false),
    optional('countIncludePad', bool, true),
  ] as const
  const read =
    rank === 1
      ? signature(nameOf(pooling), ...shared)
      : signature(nameOf(pooling), ...shared, optional('divisorOverride', nullable(int), null))
  return (args) => {
    const [x, kernel, stride, padding, ceilMode, includePad, override = null] = read(args)
    const windows = windowsOf(pooling, x, { kernel, stride, padding, dilation: 1, ceilMode }, () => {
      if (override === 0) throw new RuntimeError('divisor must be not zero')
    })
    checkDType(kernelName, x.dtype, ['float32', 'float64', 'int32'])
    return pool(x, windows, includePad, override ?? 0)
  }
}
const [avg1, avg2, avg3] = [1, 2, 3].map(mean)

/**
 * The mean of each window of signals [N, C, L] or [C, L]: [N, C, L'] or [C, L'], where L' is (L + 2 padding -
 * kernelSize) / stride + 1, rounded down, or with `ceilMode` up. Integers are divided without a remainder.
 *
 * @example
 * F.avgPool1d(tensor([[1, 3, 2, 4]]), 2) // tensor([[2., 3.]])
 */
export const avgPool1d = (input: Tensor, ...args: AvgPoolArguments): Tensor => avg1([input, ...args])
/**
 * The mean of each window of images [N, C, H, W] or [C, H, W]. Kernel, stride and padding are numbers or lists of two.
 *
 * @example
 * F.avgPool2d(tensor([[[1, 2], [4, 3]]]), 2) // tensor([[[2.5000]]])
 */
export const avgPool2d = (input: Tensor, ...args: AvgPoolNdArguments): Tensor => avg2([input, ...args])
/**
 * The mean of each window of volumes [N, C, D, H, W] or [C, D, H, W], as `avgPool2d`.
 *
 * @example
 * F.avgPool3d(ones(1, 1, 4, 4, 4), 2).shape // [1, 1, 2, 2, 2]
 */
export const avgPool3d = (input: Tensor, ...args: AvgPoolNdArguments): Tensor => avg3([input, ...args])

// ---- p-norm ----

export interface LPPoolOptions {
  /** The distance between windows; null for the kernel's size. */
  readonly stride?: PerDim | null
  /** Let the last window reach beyond the input. */
  readonly ceilMode?: boolean
}
export type LPPoolArguments = Takes<
  [normType: number, kernelSize: PerDim],
  'normType kernelSize',
  Arguments<[stride: PerDim | null, ceilMode: boolean], LPPoolOptions>
>

function norm(rank: number): (args: readonly unknown[]) => Tensor {
  const read = signature(
    `lp_pool${rank}d`,
    required('input', tensor),
    required('normType', real),
    required('kernelSize', dims),
    optional('stride', nullable(dims), null),
    optional('ceilMode', bool, false),
  )
  const average = rank === 1 ? avg1 : avg2
  return (args) => {
    const [x, p, kernelSize, stride, ceilMode] = read(args)
    if (p === 0) throw new RuntimeError('ZeroDivisionError: float division by zero', 'The norm_type is 0.')
    const mean = average([pow(x, p), kernelSize, stride, 0, ceilMode])
    const count = expanded('kernel_size', kernelSize, rank, rank).reduce((n, size) => n * size, 1)
    return pow(mul(mul(sign(mean), relu(abs(mean))), count), 1 / p)
  }
}
const [norm1, norm2] = [1, 2].map(norm)

/**
 * The p-norm of each window of signals [N, C, L] or [C, L], without the absolute values: the sum of p-th powers, its
 * p-th root.
 *
 * @example
 * F.lpPool1d(tensor([[3, 4, 6, 8]]), 2, 2) // tensor([[ 5., 10.]])
 */
export const lpPool1d = (input: Tensor, ...args: LPPoolArguments): Tensor => norm1([input, ...args])
/**
 * The p-norm of each window of images [N, C, H, W] or [C, H, W], as `lpPool1d`.
 *
 * @example
 * F.lpPool2d(tensor([[[3, 4], [0, 0]]]), 2, 2) // tensor([[[5.]]])
 */
export const lpPool2d = (input: Tensor, ...args: LPPoolArguments): Tensor => norm2([input, ...args])
