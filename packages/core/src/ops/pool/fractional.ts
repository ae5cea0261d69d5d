// Fractional max pooling: windows of one size whose distances a random number for each channel varies, so that the
// output may be any fraction of the input.
import { RuntimeError, ValueError } from '../../base/errors.ts'
import { type Shape, shapeString } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import { apply, operand } from '../../tensor/apply.ts'
import {
  type Arguments,
  type Takes,
  bool,
  dims,
  finite,
  type Kind,
  list,
  nullable,
  optional,
  required,
  signature,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { counted } from '../create/create.ts'
import { elementwise } from '../define/elementwise.ts'
import { toDType } from '../define/fill.ts'
import type { PerDim } from '../product/conv.ts'
import { rand } from '../random/random.ts'
import { narrow } from '../views/views.ts'
import { checkDType } from './geometry.ts'
import { maxPool } from './max-pool.ts'
import type { Indices } from './pooling.ts'
import { windowsFrom } from './taps.ts'

/** Where window i of a dimension begins, in the arithmetic of the dtype. */
const startOf = elementwise('place', (sample, i, alpha, last, end) => {
  const at = (index: Parameters<typeof s.mul>[0]) => s.trunc(s.rounded(s.mul(index, alpha)))
  return s.select(s.eq(i, last), end, s.sub(at(s.rounded(s.add(i, sample))), at(sample)))
})

/** The beginnings of the windows of a dimension, [N, C, output], int32; of sample `k` of each channel. */
function startsOf(samples: Tensor, k: number, n: number, output: number, kernel: number): Tensor {
  const end = n - kernel
  const alpha = output > 1 ? end / (output - 1) : 0
  const i = toDType(counted(output, 'int32', samples.device), samples.dtype)
  const starts = apply(startOf, [narrow(samples, 2, k, 1), i, ...[alpha, output - 1, end].map(operand)], null)
  return toDType(starts, 'int32')
}

export type Ratio = number | readonly number[]
export const ratios: Kind<Ratio> = { ...finite, accepts: (x) => finite.accepts(x) || list(finite).accepts(x) }

/** A number for each dimension, or PyTorch's error. */
function listed(name: string, rank: number, parameter: string, given: PerDim): Shape {
  const all = typeof given === 'number' ? [given] : given
  if (all.length === 1) return Array.from({ length: rank }, () => all[0])
  if (all.length === rank) return [...all]
  throw new RuntimeError(
    `${name}: ${parameter} must either be a single Int or tuple of ${rank === 3 ? 'three ' : ''}Ints`,
  )
}

const spaces = ['time', 'height', 'width']
function check(name: string, x: Tensor, kernel: Shape, output: Shape): void {
  const rank = kernel.length
  const title = rank === 3 ? `${name}_out` : name
  const empty = x.sizes.indexOf(0, 1)
  if (empty >= 0) {
    throw new RuntimeError(
      `${title}(): Expected input to have non-zero size for non-batch dimensions, but got${shapeString(x.sizes)} with dimension ${empty} being empty.`,
    )
  }
  if (kernel.some((n) => n <= 0)) {
    throw new RuntimeError(`kernel size should be greater than zero, but got ${shapeString(kernel)}`)
  }
  const negative = output.find((n) => n < 0)
  if (negative !== undefined) {
    const sizes = shapeString([...x.sizes.slice(0, -rank), ...output])
    throw new RuntimeError(`Trying to create tensor with negative dimension ${negative}: ${sizes}`)
  }
  output.forEach((size, i) => {
    const n = x.sizes[x.dim() - rank + i]
    // PyTorch's three-dimensional kernel refuses windows that just fit.
    if (size + kernel[i] - (rank === 3 ? 0 : 1) <= n) return
    const side = spaces[3 - rank + i]
    throw new RuntimeError(`${title}(): pool ${side} ${kernel[i]} too large relative to input ${side} ${n}`)
  })
}

/** Random numbers of the caller must have one for each dimension of each channel. */
function checkSamples(samples: Tensor, x: Tensor, shape: Shape): void {
  if (samples.dtype !== x.dtype)
    throw new RuntimeError(`_random_samples: expected dtype ${x.dtype} but found ${samples.dtype}`)
  if (shapeString(samples.sizes) !== shapeString(shape)) {
    throw new RuntimeError(
      `Expect _random_samples to have the shape ${shapeString(shape)}, but got ${shapeString(samples.sizes)}`,
      'They are one number in [0, 1) for each dimension of each channel.',
    )
  }
}

export interface FractionalMaxPoolOptions {
  readonly outputSize?: PerDim | null
  /** The size of the output as a fraction of that of the input. */
  readonly outputRatio?: Ratio | null
  /** Return the places of the largest elements too. */
  readonly returnIndices?: boolean
  /** The random numbers, [N, C, dimensions] in [0, 1), instead of drawn ones. */
  readonly _randomSamples?: Tensor | null
}
type FractionalArguments<O> = Takes<
  [kernelSize: PerDim],
  'kernelSize',
  Arguments<
    [outputSize: PerDim | null, outputRatio: Ratio | null, returnIndices: boolean, _randomSamples: Tensor | null],
    O
  >
>
export interface FractionalMaxPoolFunction {
  (input: Tensor, ...args: FractionalArguments<FractionalMaxPoolOptions & { readonly returnIndices?: false }>): Tensor
  (input: Tensor, ...args: FractionalArguments<FractionalMaxPoolOptions & Indices>): [values: Tensor, indices: Tensor]
}

function fractional(rank: 2 | 3): (args: readonly unknown[]) => Tensor | [Tensor, Tensor] {
  const name = `fractional_max_pool${rank}d`
  const pool = maxPool(`fractionalMaxPool${rank}D`)
  const read = signature(
    name,
    required('input', tensor),
    required('kernelSize', dims),
    optional('outputSize', nullable(dims), null),
    optional('outputRatio', nullable(ratios), null),
    optional('returnIndices', bool, false),
    optional('_randomSamples', nullable(tensor), null),
  )
  return (args) => {
    const [x, kernelSize, outputSize, outputRatio, returnIndices, given] = read(args)
    const spatial = x.sizes.slice(-rank)
    if (outputSize === null && outputRatio === null)
      throw new ValueError(`${name} requires specifying either an output_size or an output_ratio`)
    checkDType('check_uniform_bounds', x.dtype, ['float32', 'float64'])
    const kernel = listed(name, rank, 'kernel_size', kernelSize)
    const size = outputSize === null ? null : listed(name, rank, 'output_size', outputSize)
    const ratio = outputRatio === null ? null : listed(name, rank, 'output_ratio', outputRatio)
    const output = spatial.map((n, i) => size?.[i] ?? Math.trunc(n * (ratio?.[i] ?? 1)))
    if (x.dim() !== rank + 1 && x.dim() !== rank + 2) {
      throw new RuntimeError(
        `${name}(): Expected ${rank + 1}D or ${rank + 2}D tensor, but got: ${shapeString(x.sizes)}`,
      )
    }
    check(name, x, kernel, output)
    const batch = x.dim() === rank + 2
    const shape = [batch ? x.sizes[0] : 1, x.sizes[x.dim() - rank - 1], rank]
    if (given !== null) checkSamples(given, x, shape)
    const samples = given ?? rand(shape, { dtype: x.dtype, device: x.device })
    const starts = spatial.map((n, d) => {
      // PyTorch's two-dimensional kernel takes the first number for the width.
      const start = startsOf(samples.detach(), rank === 2 ? 1 - d : d, n, output[d], kernel[d])
      return batch ? start : start.select(0, 0)
    })
    const [y, indices] = pool(x, windowsFrom(starts, spatial, kernel, x.device), returnIndices)
    return returnIndices ? [y, indices as Tensor] : y
  }
}
const fractional2 = fractional(2)
const fractional3 = fractional(3)

/**
 * The largest elements of windows at random distances over images [N, C, H, W] or [C, H, W]: an output of
 * `outputSize`, or of `outputRatio` times the input's size. The distances follow the default generator. With
 * `returnIndices: true`, a pair: the values, and their int32 positions. Float only.
 *
 * @example
 * F.fractionalMaxPool2d(ones(1, 3, 9, 9), 2, { outputRatio: 0.7 }).shape // [1, 3, 6, 6]
 */
export const fractionalMaxPool2d = ((input: Tensor, ...args: unknown[]) =>
  fractional2([input, ...args])) as FractionalMaxPoolFunction
/**
 * The largest elements of windows at random distances over volumes [N, C, D, H, W] or [C, D, H, W], as
 * `fractionalMaxPool2d`.
 *
 * @example
 * F.fractionalMaxPool3d(ones(1, 3, 9, 9, 9), 2, 5).shape // [1, 3, 5, 5, 5]
 */
export const fractionalMaxPool3d = ((input: Tensor, ...args: unknown[]) =>
  fractional3([input, ...args])) as FractionalMaxPoolFunction
