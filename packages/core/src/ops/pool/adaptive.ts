// Adaptive pooling: the caller gives the size of the output, and the windows share the input out among its elements. If
// the sizes divide, they are windows at even distances.
import { RuntimeError, ValueError } from '../../base/errors.ts'
import { type Shape, shapeString } from '../../base/shape.ts'
import {
  type Takes,
  bool,
  dims,
  either,
  int,
  type Kind,
  list,
  nullable,
  optional,
  required,
  signature,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { mean } from '../reduce/reduce.ts'
import { checkDType, rangeOfDims } from './geometry.ts'
import { avgPool } from './avg-pool.ts'
import { maxPool } from './max-pool.ts'
import type { Indices } from './pooling.ts'
import { adaptiveWindows } from './taps.ts'

/** A size for all dimensions, or one for each; null keeps that of the input. */
export type OutputSize = number | readonly (number | null)[]
export const outputSizes: Kind<OutputSize> = either(dims, list(nullable(int)))

/** The size of the output, or PyTorch's error. */
function outputOf(name: string, rank: number, x: Tensor, given: OutputSize): Shape {
  if (rank === 1) {
    const size = typeof given === 'number' ? [given] : given
    if (size.length !== 1)
      throw new RuntimeError(`${name}() argument 'output_size' should contain one int (got ${size.length})`)
    return size as Shape
  }
  if (typeof given === 'number') return Array.from({ length: rank }, () => given)
  if (x.dim() <= given.length) throw new ValueError(`Input dimension should be at least ${given.length + 1}`)
  return given.map((n, i) => n ?? x.sizes[x.dim() - given.length + i])
}

function checkRank(name: string, rank: number, x: Tensor, colon: string): void {
  if (x.dim() === rank + 1 || x.dim() === rank + 2) return
  if (rank === 1) throw rangeOfDims(x.dim(), name)
  throw new RuntimeError(
    `${name}(): Expected ${rank + 1}D or ${rank + 2}D tensor, but got${colon} ${shapeString(x.sizes)}`,
  )
}

/** Throws for a dimension from `first` on that is empty. */
function checkNotEmpty(kind: 'avg' | 'max', rank: number, x: Tensor, first: number): void {
  const sizes = rank === 1 ? [...x.sizes.slice(0, -1), 1, ...x.sizes.slice(-1)] : x.sizes
  const empty = sizes.findIndex((n, i) => i >= first && n === 0)
  if (empty < 0) return
  throw new RuntimeError(
    `adaptive_${kind}_pool${Math.max(rank, 2)}d(): Expected input to have non-zero size for non-batch dimensions, but input has sizes ${shapeString(sizes)} with dimension ${empty} being empty`,
  )
}

// ---- mean ----

export type AdaptiveArguments = Takes<[outputSize: OutputSize], 'outputSize'>

const avgNames = [
  ['SqueezeBackward1', 'adaptive_avg_pool2d'],
  ['adaptiveAvgPool2D', 'adaptive_avg_pool2d'],
  ['adaptiveAvgPool3D', 'adaptive_avg_pool3d_cpu'],
] as const

function average(rank: number): (args: readonly unknown[]) => Tensor {
  const name = `adaptive_avg_pool${rank}d`
  const [node, kernelName] = avgNames[rank - 1]
  const pool = avgPool(node)
  const read = signature(name, required('input', tensor), required('outputSize', rank === 1 ? dims : outputSizes))
  return (args) => {
    const [x, given] = read(args)
    if (rank === 1) checkRank(name, rank, x, '')
    const output = outputOf(name, rank, x, given)
    if (output.length !== rank) throw new RuntimeError(`${name}: output_size must be ${rank}`)
    if (output.some((n) => n < 0)) {
      const [first, second, ...more] = rank === 1 ? [1, ...output] : output
      throw new RuntimeError(
        `adaptive_avg_pool2d: elements of output_size must be greater than or equal to 0 but received {${[`${first}, ${second}`, ...more].join(',')}}`,
      )
    }
    checkRank(name, rank, x, '')
    const spatial = Array.from({ length: rank }, (_, i) => i - rank)
    if (rank > 1 && output.every((n) => n === 1)) return mean(x, spatial, true)
    checkNotEmpty('avg', rank, x, rank === 3 ? 1 : x.dim() - rank)
    checkDType(kernelName, x.dtype, ['float32', 'float64'])
    const windows = adaptiveWindows(x.sizes.slice(-rank), output, x.device)
    return pool(x, windows, true, 0)
  }
}
const [avg1, avg2, avg3] = [1, 2, 3].map(average)

/**
 * The means of `outputSize` windows over signals [N, C, L] or [C, L], of equal size if that divides L: [N, C,
 * outputSize] or [C, outputSize]. Float only.
 *
 * @example
 * F.adaptiveAvgPool1d(tensor([[1, 2, 3, 4, 5]]), 3) // tensor([[1.5000, 3.0000, 4.5000]])
 */
export const adaptiveAvgPool1d = (input: Tensor, ...args: AdaptiveArguments): Tensor => avg1([input, ...args])
/**
 * The means of windows over images [N, C, H, W] or [C, H, W], as many as `outputSize` says: a number, or one for the
 * height and one for the width, of which null keeps the input's. Float only.
 *
 * @example
 * F.adaptiveAvgPool2d(ones(2, 3, 7, 5), [1, null]).shape // [2, 3, 1, 5]
 */
export const adaptiveAvgPool2d = (input: Tensor, ...args: AdaptiveArguments): Tensor => avg2([input, ...args])
/**
 * The means of windows over volumes [N, C, D, H, W] or [C, D, H, W], as `adaptiveAvgPool2d`.
 *
 * @example
 * F.adaptiveAvgPool3d(ones(1, 3, 4, 7, 5), 2).shape // [1, 3, 2, 2, 2]
 */
export const adaptiveAvgPool3d = (input: Tensor, ...args: AdaptiveArguments): Tensor => avg3([input, ...args])

// ---- maximum ----

export interface ReturnIndicesOption {
  /** Return the places of the largest elements too. */
  readonly returnIndices?: boolean
}
type AdaptiveMaxArguments<O> = Takes<[outputSize: OutputSize], 'outputSize', [returnIndices?: boolean | O]>
export interface AdaptiveMaxPoolFunction {
  (input: Tensor, ...args: AdaptiveMaxArguments<{ readonly returnIndices?: false }>): Tensor
  (input: Tensor, ...args: AdaptiveMaxArguments<Indices>): [values: Tensor, indices: Tensor]
}

const maxNames = [
  ['SqueezeBackward1', 'adaptive_max_pool2d'],
  ['adaptiveMaxPool2D', 'adaptive_max_pool2d'],
  ['adaptiveMaxPool3D', 'adaptive_max_pool3d_cpu'],
] as const

function maximum(rank: number): (args: readonly unknown[]) => Tensor | [Tensor, Tensor] {
  const name = `adaptive_max_pool${rank}d`
  const [node, kernelName] = maxNames[rank - 1]
  const pool = maxPool(node)
  const read = signature(
    name,
    required('input', tensor),
    required('outputSize', rank === 1 ? dims : outputSizes),
    optional('returnIndices', bool, false),
  )
  return (args) => {
    const [x, given, returnIndices] = read(args)
    if (rank === 1) checkRank(name, rank, x, ':')
    const output = outputOf(name, rank, x, given)
    checkRank(name, rank, x, ':')
    checkNotEmpty('max', rank, x, 1)
    if (output.length !== rank)
      throw new RuntimeError(`${name}(): internal error: output_size.size() must be ${rank}`, `Pass ${rank} sizes.`)
    const negative = output.find((n) => n < 0)
    if (negative !== undefined) {
      const made = [...x.sizes.slice(0, -rank), ...(rank === 1 ? [1] : []), ...output]
      throw new RuntimeError(`Trying to create tensor with negative dimension ${negative}: ${shapeString(made)}`)
    }
    checkDType(kernelName, x.dtype, ['float32', 'float64'])
    const [y, indices] = pool(x, adaptiveWindows(x.sizes.slice(-rank), output, x.device), returnIndices)
    return returnIndices ? [y, indices as Tensor] : y
  }
}
const [max1, max2, max3] = [1, 2, 3].map(maximum)

/**
 * The largest elements of `outputSize` windows over signals [N, C, L] or [C, L], of equal size if that divides L. With
 * `returnIndices: true`, a pair: the values, and their int32 positions along L. Float only.
 *
 * @example
 * F.adaptiveMaxPool1d(tensor([[1, 2, 3, 4, 5]]), 2) // tensor([[3., 5.]])
 */
export const adaptiveMaxPool1d = ((input: Tensor, ...args: unknown[]) =>
  max1([input, ...args])) as AdaptiveMaxPoolFunction
/**
 * The largest elements of windows over images [N, C, H, W] or [C, H, W], as many as `outputSize` says: a number, or one
 * for the height and one for the width, of which null keeps the input's.
 *
 * @example
 * F.adaptiveMaxPool2d(ones(2, 3, 7, 5), [2, null]).shape // [2, 3, 2, 5]
 */
export const adaptiveMaxPool2d = ((input: Tensor, ...args: unknown[]) =>
  max2([input, ...args])) as AdaptiveMaxPoolFunction
/**
 * The largest elements of windows over volumes [N, C, D, H, W] or [C, D, H, W], as `adaptiveMaxPool2d`.
 *
 * @example
 * F.adaptiveMaxPool3d(ones(1, 3, 4, 7, 5), 2).shape // [1, 3, 2, 2, 2]
 */
export const adaptiveMaxPool3d = ((input: Tensor, ...args: unknown[]) =>
  max3([input, ...args])) as AdaptiveMaxPoolFunction
