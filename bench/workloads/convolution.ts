// Convolutions of all shapes and their gradients, for the table of `ops/contraction`. The name describes the convolution
// completely, so every subject knows it by its name alone.
import { F, grad, manualSeed, randn, type Tensor } from 'flambeau'
import { type Inputs, input, type Program } from './workload.ts'

export type Direction = 'forward' | 'data' | 'weight'

/** A convolution of square images. */
export interface Convolution {
  readonly images: number
  readonly channels: number
  readonly size: number
  readonly kernels: number
  readonly kernel: number
  readonly stride: number
  readonly padding: number
  readonly groups: number
}

/** `unrolled`: windows are copied into a matrix for each image, and multiplied. */
export interface Convolved extends Convolution {
  readonly way: 'contraction' | 'unrolled'
  readonly direction: Direction
}

const sizesOf = (of: Convolution): number[] => [
  of.images,
  of.channels,
  of.size,
  of.kernels,
  of.kernel,
  of.stride,
  of.padding,
  of.groups,
]

export const nameOf = (of: Convolved): string => `convolution ${of.way} ${of.direction} ${sizesOf(of).join(' ')}`

/** The convolution of that name; undefined for another kind of name. */
export function convolutionNamed(name: string): Convolved | undefined {
  const [kind, way, direction, ...numbers] = name.split(' ')
  if (kind !== 'convolution') return undefined
  const [images, channels, size, kernels, kernel, stride, padding, groups] = numbers.map(Number)
  const sizes = { images, channels, size, kernels, kernel, stride, padding, groups }
  return { way: way as Convolved['way'], direction: direction as Direction, ...sizes }
}

/** Height and width of the result. */
export const outerOf = ({ size, kernel, stride, padding }: Convolution): number =>
  Math.floor((size + 2 * padding - kernel) / stride) + 1

export const inputsOf = (of: Convolution) => (): Inputs => {
  const { images, channels, size, kernels, kernel, groups } = of
  manualSeed(0)
  return {
    x: randn(images, channels, size, size),
    weight: randn(kernels, channels / groups, kernel, kernel),
    dy: randn(images, kernels, outerOf(of), outerOf(of)),
  }
}

function unrolled(x: Tensor, weight: Tensor, of: Convolution): Tensor {
  const { images, channels, kernels, kernel, stride, padding, groups } = of
  const around = padding === 0 ? x : F.pad(x, [padding, padding, padding, padding])
  const windows = around.unfold(2, kernel, stride).unfold(3, kernel, stride).permute(0, 1, 4, 5, 2, 3)
  const side = outerOf(of)
  const taps = (channels / groups) * kernel * kernel
  const columns = windows.reshape(images, groups, taps, side * side)
  return weight
    .view(groups, kernels / groups, taps)
    .matmul(columns)
    .view(images, kernels, side, side)
}

/** Of a gradient only the backward pass is a step. */
export const programOf =
  (of: Convolved): ((inputs: Inputs) => Program) =>
  (inputs) => {
    const { direction, stride, padding, groups } = of
    const [x, weight, dy] = ['x', 'weight', 'dy'].map((name) => input(inputs, name))
    const convolve = (): Tensor =>
      of.way === 'unrolled' ? unrolled(x, weight, of) : F.conv2d(x, weight, { stride, padding, groups })
    if (direction === 'forward') return { step: convolve }
    const by = direction === 'data' ? x : weight
    by.requiresGrad_()
    const y = convolve()
    return { step: () => grad(y, by, { gradOutputs: dy, retainGraph: true })[0] }
  }
