// The calls of convolutions, plain and transposed, in one to three dimensions: their arguments, PyTorch's checks of
// them in PyTorch's order, and the geometry that convolution.ts computes with.
import { cName, dtypeName } from '../../base/dtype.ts'
import { mixed } from '../../base/promotion.ts'
import { RuntimeError } from '../../base/errors.ts'
import { toInt } from '../../base/remedies.ts'
import { type Shape, shapeString } from '../../base/shape.ts'
import { apply } from '../../tensor/apply.ts'
import {
  type Arguments,
  type Takes,
  dims,
  either,
  int,
  nullable,
  optional,
  required,
  signature,
  str,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { notImplemented } from '../define/arguments.ts'
import { squeeze, unsqueeze } from '../views/views.ts'
import { from } from './contraction.ts'
import { biased, forwardOp, transposedOp } from './convolution.ts'

/** A number for all spatial dimensions, or one for each. */
export type PerDim = number | readonly number[]

/** A number for each spatial dimension, or PyTorch's error. */
export function expanded(name: string, given: PerDim, rank: number, spatial: number): Shape {
  const list = typeof given === 'number' ? from(0, rank).map(() => given) : given
  if (list.length === 1) return from(0, spatial).map(() => list[0])
  if (list.length === spatial) return [...list]
  throw new RuntimeError(
    `expected ${name} to be a single integer value or a list of ${spatial} values to match the convolution dimensions, but got ${name}=${shapeString(list)}`,
  )
}

interface Call {
  readonly x: Tensor
  readonly weight: Tensor
  readonly bias: Tensor | null
  readonly transposed: boolean
  readonly groups: number
}

function checkDTypes({ x, weight: w, bias, transposed }: Call, kernel: string): void {
  // PyTorch looks at the bias first where images are convolved.
  if (bias !== null && bias.dtype !== x.dtype && (x.dtype === w.dtype || (w.dim() === 4 && !transposed)))
    throw mixed(
      x.dtype,
      bias.dtype,
      `Input type (${cName[x.dtype]}) and bias type (${cName[bias.dtype]}) should be the same`,
    )
  if (x.dtype !== w.dtype) {
    throw mixed(
      x.dtype,
      w.dtype,
      x.dtype === 'float32' && !transposed
        ? `Input type (torch.FloatTensor) and weight type (torch.${dtypeName[w.dtype]}Tensor) should be the same or input should be a MKLDNN tensor and weight is a dense tensor`
        : undefined,
    )
  }
  if (x.dtype === 'bool') throw notImplemented(kernel, 'bool', toInt)
}

/** The sizes of a kernel. */
function kernelOf(weight: Tensor): Shape {
  if (weight.dim() < 3) throw new RuntimeError('weight should have at least three dimensions')
  return weight.sizes.slice(2)
}

/** PyTorch's checks of sizes, in its order. */
function checkSizes({ x, weight, bias, transposed, groups }: Call): void {
  const { sizes } = weight
  const rank = sizes.length
  const asks = transposed ? 'transposed=1' : `groups=${groups}`
  if (x.dim() !== rank) {
    throw new RuntimeError(
      `Expected ${rank}-dimensional input for ${rank}-dimensional weight ${shapeString(sizes)}, but got ${x.dim()}-dimensional input of size ${shapeString(x.sizes)} instead`,
    )
  }
  if (sizes[0] < groups) {
    throw new RuntimeError(
      `Given groups=${groups}, expected weight to be at least ${groups} at dimension 0, but got weight of size ${shapeString(sizes)} instead`,
    )
  }
  if (sizes[0] % groups !== 0) {
    throw new RuntimeError(
      `Given groups=${groups}, expected weight to be divisible by ${groups} at dimension 0, but got weight of size [${shapeString(sizes)}] instead`,
    )
  }
  const channels = transposed ? sizes[0] : sizes[1] * groups
  if (x.sizes[1] !== channels) {
    throw new RuntimeError(
      `Given ${asks}, weight of size ${shapeString(sizes)}, expected input${shapeString(x.sizes)} to have ${channels} channels, but got ${x.sizes[1]} channels instead`,
    )
  }
  const made = transposed ? sizes[1] * groups : sizes[0]
  if (bias !== null && (bias.dim() !== 1 || bias.sizes[0] !== made)) {
    throw new RuntimeError(
      `Given ${transposed ? 'transposed=1, ' : ''}weight of size ${shapeString(sizes)}, expected bias to be 1-dimensional with ${made} elements, but got bias of size ${shapeString(bias.sizes)} instead`,
    )
  }
  if (sizes.slice(2).includes(0))
    throw new RuntimeError(
      `kernel size should be greater than zero, but got kernel size ${shapeString(sizes.slice(2))}`,
    )
}

export function checkPositive(what: string, list: Shape): void {
  if (list.some((n) => n <= 0)) throw new RuntimeError(`non-positive ${what} is not supported`)
}
export function checkNotNegative(what: string, list: Shape): void {
  if (list.some((n) => n < 0)) throw new RuntimeError(`negative ${what} is not supported`)
}

/** Adds a batch dimension for the call if there is none. */
function batched(name: string, rank: number, x: Tensor, call: (x: Tensor) => Tensor): Tensor {
  if (x.dim() === rank + 2) return call(x)
  if (x.dim() === rank + 1) return squeeze(call(unsqueeze(x, 0)), 0)
  throw new RuntimeError(
    `Expected ${rank + 1}D (unbatched) or ${rank + 2}D (batched) input to ${name}, but got input of size: ${shapeString(x.sizes)}`,
  )
}

const by = (sizes: Shape): string => `(${sizes.join(' x ')})`

/** The padding before and after each dimension, given by numbers or by name. */
function paddingOf(
  padding: PerDim | string,
  rank: number,
  stride: Shape,
  dilation: Shape,
  kernel: Shape,
): [Shape, Shape] {
  if (typeof padding !== 'string') {
    const list = expanded('padding', padding, rank, kernel.length)
    checkNotNegative('padding', list)
    return [list, list]
  }
  const none = kernel.map(() => 0)
  if (padding === 'valid') return [none, none]
  if (padding !== 'same') throw new RuntimeError(`Invalid padding string: '${padding}'`, "Use 'same' or 'valid'.")
  if (stride.some((n) => n !== 1)) throw new RuntimeError("padding='same' is not supported for strided convolutions")
  const total = kernel.map((n, i) => dilation[i] * (n - 1))
  return [total.map((n) => Math.floor(n / 2)), total.map((n) => Math.ceil(n / 2))]
}

export interface ConvOptions {
  readonly bias?: Tensor | null
  readonly stride?: PerDim
  /** Numbers, `'same'` for an output of the input's size, or `'valid'` for no padding. */
  readonly padding?: PerDim | 'same' | 'valid'
  readonly dilation?: PerDim
  readonly groups?: number
}
export type ConvArguments = Takes<
  [weight: Tensor],
  'weight',
  Arguments<
    [bias: Tensor | null, stride: PerDim, padding: PerDim | 'same' | 'valid', dilation: PerDim, groups: number],
    ConvOptions
  >
>

function convolution(rank: number): (args: readonly unknown[]) => Tensor {
  const name = `conv${rank}d`
  const read = signature(
    name,
    required('input', tensor),
    required('weight', tensor),
    optional('bias', nullable(tensor), null),
    optional('stride', dims, 1),
    optional('padding', either(dims, str), 0),
    optional('dilation', dims, 1),
    optional('groups', int, 1),
  )
  return (args) => {
    const [input, weight, bias, strides, paddings, dilations, groups] = read(args)
    return batched(name, rank, input, (x) => {
      const kernel = kernelOf(weight)
      const stride = expanded('stride', strides, rank, kernel.length)
      const dilation = expanded('dilation', dilations, rank, kernel.length)
      const [low, high] = paddingOf(paddings, rank, stride, dilation, kernel)
      checkPositive('stride', stride)
      checkPositive('dilation', dilation)
      checkPositive('groups', [groups])
      const call = { x, weight, bias, transposed: false, groups }
      checkSizes(call)
      const around = kernel.map((_, i) => x.sizes[i + 2] + low[i] + high[i])
      const reach = kernel.map((n, i) => dilation[i] * (n - 1) + 1)
      if (reach.some((n, i) => n > around[i])) {
        throw new RuntimeError(
          `Calculated padded input size per channel: ${by(around)}. Kernel size: ${by(reach)}. Kernel size can't be greater than actual input size`,
        )
      }
      const spatial = x.sizes.slice(2)
      if (spatial.includes(0)) {
        throw new RuntimeError(
          `Only zero batch or zero channel inputs are supported, but got input shape: ${shapeString(x.sizes)}`,
        )
      }
      checkDTypes(call, rank === 3 ? 'compute_columns3d' : 'slow_conv2d_cpu')
      const output = around.map((n, i) => Math.floor((n - reach[i]) / stride[i]) + 1)
      const geometry = { groups, stride, dilation, low, input: spatial, kernel, output }
      return apply(forwardOp, bias === null ? [x, weight] : [x, weight, bias], geometry)
    })
  }
}

export interface ConvTransposeOptions {
  readonly bias?: Tensor | null
  readonly stride?: PerDim
  readonly padding?: PerDim
  /** Added to one side of the output, because outputs of several sizes have an input of the same size. */
  readonly outputPadding?: PerDim
  readonly groups?: number
  readonly dilation?: PerDim
}
export type ConvTransposeArguments = Takes<
  [weight: Tensor],
  'weight',
  Arguments<
    [bias: Tensor | null, stride: PerDim, padding: PerDim, outputPadding: PerDim, groups: number, dilation: PerDim],
    ConvTransposeOptions
  >
>

function transposedConvolution(rank: number): (args: readonly unknown[]) => Tensor {
  const name = `conv_transpose${rank}d`
  const read = signature(
    name,
    required('input', tensor),
    required('weight', tensor),
    optional('bias', nullable(tensor), null),
    optional('stride', dims, 1),
    optional('padding', dims, 0),
    optional('outputPadding', dims, 0),
    optional('groups', int, 1),
    optional('dilation', dims, 1),
  )
  return (args) => {
    const [input, weight, bias, strides, paddings, outputPaddings, groups, dilations] = read(args)
    return batched(name, rank, input, (x) => {
      const kernel = kernelOf(weight)
      const stride = expanded('stride', strides, rank, kernel.length)
      const low = expanded('padding', paddings, rank, kernel.length)
      const dilation = expanded('dilation', dilations, rank, kernel.length)
      const more = expanded('output_padding', outputPaddings, rank, kernel.length)
      checkNotNegative('padding', low)
      checkNotNegative('output_padding', more)
      checkPositive('stride', stride)
      checkPositive('dilation', dilation)
      checkPositive('groups', [groups])
      const call = { x, weight, bias, transposed: true, groups }
      checkSizes(call)
      if (more.some((n, i) => n >= stride[i] && n >= dilation[i])) {
        const names = ['depth', 'height', 'width'].slice(-Math.max(rank, 2))
        const all = (what: string, list: Shape, otherwise: number): string =>
          names.map((side, i) => `${what}_${side}: ${list[i - names.length + list.length] ?? otherwise}`).join(' ')
        throw new RuntimeError(
          `output padding must be smaller than either stride or dilation, but got ${all('output_padding', more, 0)} ${all('stride', stride, 1)} ${all('dilation', dilation, 1)}`,
        )
      }
      const output = x.sizes.slice(2)
      const made = output.map((n, i) => (n - 1) * stride[i] - 2 * low[i] + dilation[i] * (kernel[i] - 1) + more[i] + 1)
      if (made.some((n) => n < 1)) {
        throw new RuntimeError(
          `Given input size per channel: ${by(output)}. Calculated output size per channel: ${by(made)}. Output size is too small`,
        )
      }
      checkDTypes(call, rank === 3 ? 'slow_conv_transpose3d_out_cpu' : 'slow_conv_transpose2d_out_cpu')
      const geometry = { groups, stride, dilation, low, input: made, kernel, output }
      const y = apply(transposedOp, [x, weight], geometry)
      return bias === null ? y : biased(y, bias)
    })
  }
}

const [conv1, conv2, conv3] = [1, 2, 3].map(convolution)
const [transposed1, transposed2, transposed3] = [1, 2, 3].map(transposedConvolution)

/**
 * The convolution (without reversal) of signals [N, C, L] or [C, L] with weights [O, C / groups, K] and a bias [O] or
 * null: [N, O, L'] or [O, L'], where L' is (L + 2 padding - dilation (K - 1) - 1) / stride + 1, rounded down. Stride,
 * padding and dilation are numbers; the padding may also be `'same'` or `'valid'`.
 *
 * @example
 * F.conv1d(ones(1, 1, 5), ones(1, 1, 3)) // tensor([[[3., 3., 3.]]])
 */
export const conv1d = (input: Tensor, ...args: ConvArguments): Tensor => conv1([input, ...args])
/**
 * The convolution of images [N, C, H, W] or [C, H, W] with weights [O, C / groups, KH, KW] and a bias [O] or null: [N,
 * O, H', W'] or [O, H', W']. Stride, padding and dilation are numbers or lists of two; the padding may also be `'same'`
 * or `'valid'`.
 *
 * @example
 * F.conv2d(ones(2, 3, 8, 8), ones(4, 3, 3, 3), null, 2, 1).shape // [2, 4, 4, 4]
 * F.conv2d(ones(1, 2, 5, 5), ones(2, 1, 3, 3), { padding: 'same', groups: 2 }).shape // [1, 2, 5, 5]
 */
export const conv2d = (input: Tensor, ...args: ConvArguments): Tensor => conv2([input, ...args])
/**
 * The convolution of volumes [N, C, D, H, W] or [C, D, H, W] with weights [O, C / groups, KD, KH, KW] and a bias [O] or null.
 *
 * @example
 * F.conv3d(ones(1, 1, 3, 3, 3), ones(1, 1, 2, 2, 2)).shape // [1, 1, 2, 2, 2]
 */
export const conv3d = (input: Tensor, ...args: ConvArguments): Tensor => conv3([input, ...args])
/**
 * The transposed convolution of signals [N, C, L] or [C, L] with weights [C, O / groups, K] and a bias [O] or null,
 * which computes the gradient of a convolution by its input. The result is [N, O, (L - 1) stride - 2 padding + dilation
 * (K - 1) + outputPadding + 1].
 *
 * @example
 * F.convTranspose1d(ones(1, 1, 2), ones(1, 1, 3)) // tensor([[[1., 2., 2., 1.]]])
 */
export const convTranspose1d = (input: Tensor, ...args: ConvTransposeArguments): Tensor => transposed1([input, ...args])
/**
 * The transposed convolution of images [N, C, H, W] or [C, H, W] with weights [C, O / groups, KH, KW] and a bias [O] or null.
 *
 * @example
 * F.convTranspose2d(ones(1, 2, 4, 4), ones(2, 3, 3, 3), { stride: 2, padding: 1, outputPadding: 1 }).shape // [1, 3, 8, 8]
 */
export const convTranspose2d = (input: Tensor, ...args: ConvTransposeArguments): Tensor => transposed2([input, ...args])
/**
 * The transposed convolution of volumes [N, C, D, H, W] or [C, D, H, W] with weights [C, O / groups, KD, KH, KW].
 *
 * @example
 * F.convTranspose3d(ones(1, 1, 2, 2, 2), ones(1, 1, 2, 2, 2)).shape // [1, 1, 3, 3, 3]
 */
export const convTranspose3d = (input: Tensor, ...args: ConvTransposeArguments): Tensor => transposed3([input, ...args])
