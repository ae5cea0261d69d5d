// Rotations and other affine maps of pictures.
import {
  cat,
  type DType,
  F,
  linspace,
  onesLike,
  signatures,
  type Tensor,
  tensor as tensorOf,
  stack,
  ValueError,
  where,
} from '@flambeau/core'
import { asBatch, between, dimensionsOf, imageOrTensor, numbers, onTensor, type Picture } from './images.ts'
import { type Interpolation, interpolationKind } from './resize.ts'

const { bool, finite, list, nullable, optional, required, signature } = signatures

/** The map from places in the result to places in the picture, both from the middle: [[a, b, c], [d, e, f]]. */
type Matrix = readonly [number, number, number, number, number, number]
type Size = readonly [width: number, height: number]

const radians = (degrees: number): number => (degrees * Math.PI) / 180

/** The inverse of: shear, turn and scale around `center`, then translate. */
function inverseMatrix(
  center: readonly number[],
  angle: number,
  translate: readonly number[],
  scale: number,
  shear: readonly number[],
): Matrix {
  const [turn, shearX, shearY] = [radians(angle), radians(shear[0]), radians(shear[1])]
  const a = Math.cos(turn - shearY) / Math.cos(shearY)
  const b = (-Math.cos(turn - shearY) * Math.tan(shearX)) / Math.cos(shearY) - Math.sin(turn)
  const c = Math.sin(turn - shearY) / Math.cos(shearY)
  const d = (-Math.sin(turn - shearY) * Math.tan(shearX)) / Math.cos(shearY) + Math.cos(turn)
  // The determinant without the scale is 1.
  const [m0, m1, m3, m4] = [d / scale, -b / scale, -c / scale, a / scale]
  const [x, y] = [-center[0] - translate[0], -center[1] - translate[1]]
  return [m0, m1, m0 * x + m1 * y + center[0], m3, m4, m3 * x + m4 * y + center[1]]
}

/** The size of the picture that holds all of a mapped one. */
function expandedSize(m: Matrix, width: number, height: number): [width: number, height: number] {
  const corners = [-1, 1].flatMap((sx) => [-1, 1].map((sy) => [(sx * width) / 2, (sy * height) / 2]))
  const extent = (a: number, b: number, c: number, size: number): number => {
    const at = corners.map(([x, y]) => Math.fround(a * x + b * y + c) + size / 2)
    // Cuts off what rounding added, before rounding up and down.
    const cut = (v: number) => Math.trunc(v / 1e-4) * 1e-4
    return Math.ceil(Math.fround(cut(Math.max(...at)))) - Math.floor(Math.fround(cut(Math.min(...at))))
  }
  return [extent(m[0], m[1], m[2], width), extent(m[3], m[4], m[5], height)]
}

/**
 * The middles of pixels around the middle of a picture, mapped by each row of a matrix [2, 3]: [1, height, width, 2]. A
 * row's products are added one by one, and each sum is rounded once, as in PyTorch's product of matrices (for fewer than
 * 67 pixels it rounds the products, too): this decides between pixels where a place is halfway.
 */
function mappedPlaces([width, height]: Size, matrix: Tensor): Tensor {
  const options = { dtype: matrix.dtype, device: matrix.device }
  const middles = (count: number) => linspace(0.5 - count * 0.5, count * 0.5 - 0.5, count, options)
  const [across, down] = [middles(width), middles(height).reshape([height, 1])]
  const places = matrix.unbind(0).map((row) => {
    const [a, b, c] = row.unbind(0)
    return across.mul(a).addcmul(down, b).add(c)
  })
  return stack(places, -1).unsqueeze(0)
}

/**
 * A picture sampled at the places of a grid [1, height, width, 2], which a function makes for the batch, from -1 to 1 over
 * the picture; `fill` is what becomes of places outside it, one value or one for each channel.
 */
export function sampledAt(
  x: Tensor,
  gridOf: (options: { dtype: DType; device: Tensor['device'] }) => Tensor,
  mode: Interpolation,
  fill: readonly number[] | null,
): Tensor {
  const [channels] = dimensionsOf(x)
  if (fill !== null && fill.length > 1 && fill.length !== channels) {
    throw new ValueError(
      `The number of elements in 'fill' cannot broadcast to match the number of channels of the image (${fill.length} != ${channels})`,
    )
  }
  if (mode === 'bicubic') throw new ValueError(`Interpolation mode '${mode}' is unsupported with Tensor input`)
  return asBatch(x, (batch) => {
    const options = { dtype: batch.dtype, device: batch.device }
    const one = gridOf(options)
    const grid = one.expand([batch.shape[0], ...one.shape.slice(1)])
    // One more channel tells where the picture is.
    const marked = fill === null ? batch : cat([batch, onesLike(batch.narrow(1, 0, 1))], 1)
    const sampled = F.gridSample(marked, grid, { mode, paddingMode: 'zeros', alignCorners: false })
    if (fill === null) return sampled
    const picture = sampled.narrow(1, 0, channels)
    const mask = sampled.narrow(1, channels, 1)
    const colour = tensorOf([...fill], options).reshape([1, -1, 1, 1])
    if (mode === 'nearest') return where(mask.lt(0.5), colour, picture)
    return picture.mul(mask).add(mask.neg().add(1).mul(colour))
  })
}

/** A picture mapped by a matrix, in a size. */
function mapped(
  x: Tensor,
  matrix: Matrix,
  mode: Interpolation,
  [ow, oh]: Size,
  fill: readonly number[] | null,
): Tensor {
  const [, height, width] = dimensionsOf(x)
  const grid = (options: { dtype: DType; device: Tensor['device'] }): Tensor => {
    const theta = tensorOf([...matrix], options)
      .reshape([2, 3])
      .div(tensorOf([[0.5 * width], [0.5 * height]], options))
    return mappedPlaces([ow, oh], theta)
  }
  return sampledAt(x, grid, mode, fill)
}

const centerKind = nullable(list(finite))
export const fillKind = nullable(numbers)
export const fillOf = (fill: number | readonly number[] | null): readonly number[] | null =>
  typeof fill === 'number' ? [fill] : fill
const centered = (center: readonly number[] | null, width: number, height: number): number[] => {
  if (center === null) return [0, 0]
  if (center.length !== 2) throw new ValueError('center should be a sequence of length 2.')
  return [center[0] - width * 0.5, center[1] - height * 0.5]
}

export interface MapOptions {
  /** 'nearest' by default, or 'bilinear'. */
  readonly interpolation?: 'nearest' | 'bilinear'
  /** What becomes of places outside the picture: a value, or one for each channel; 0 by default. */
  readonly fill?: number | readonly number[] | null
  /** What the picture is turned around, [x, y] from its top left; its middle by default. */
  readonly center?: readonly [x: number, y: number] | readonly number[] | null
}
export interface RotateOptions extends MapOptions {
  /** Whether the result is so large that it holds all of the picture. */
  readonly expand?: boolean
}
const readRotate = signature(
  'rotate',
  required('img', imageOrTensor),
  required('angle', finite),
  optional('interpolation', interpolationKind, 'nearest' as Interpolation),
  optional('expand', bool, false),
  optional('center', centerKind, null),
  optional('fill', fillKind, null),
)
/**
 * A picture turned by an angle in degrees, against the clock.
 *
 * Throws a ValueError for a `fill` of another number of channels.
 *
 * @example
 * rotate(tensor([[[1, 2], [3, 4]]]), 90) // tensor([[[2., 4.],
 * //          [1., 3.]]])
 */
export function rotate<P extends Picture>(img: P, angle: number, options?: RotateOptions): P {
  const [picture, degrees, wanted, expand, center, fill] = readRotate([img, angle, options])
  const mode = between(picture, wanted)
  const [, height, width] = dimensionsOf(picture)
  const matrix = inverseMatrix(centered(center, width, height), -degrees, [0, 0], 1, [0, 0])
  const size = expand ? expandedSize(matrix, width, height) : ([width, height] as const)
  return onTensor(picture as P, (x) => mapped(x, matrix, mode, size, fillOf(fill)))
}

const readAffine = signature(
  'affine',
  required('img', imageOrTensor),
  required('angle', finite),
  required('translate', list(finite)),
  required('scale', finite),
  required('shear', numbers),
  optional('interpolation', interpolationKind, 'nearest' as Interpolation),
  optional('fill', fillKind, null),
  optional('center', centerKind, null),
)
/**
 * A picture sheared, scaled, turned with the clock by an angle in degrees, and moved by [x, y] pixels.
 *
 * Throws a ValueError for a scale that is not positive, and for a translation or a shear of another length than two.
 *
 * @example
 * affine(tensor([[[1, 2], [3, 4]]]), 0, [1, 0], 1, 0) // tensor([[[0., 1.],
 * //          [0., 3.]]])
 */
export function affine<P extends Picture>(
  img: P,
  angle: number,
  translate: readonly number[],
  scale: number,
  shear: number | readonly number[],
  options?: MapOptions,
): P {
  const [picture, degrees, move, factor, sheared, wanted, fill, center] = readAffine([
    img,
    angle,
    translate,
    scale,
    shear,
    options,
  ])
  const mode = between(picture, wanted)
  if (move.length !== 2) throw new ValueError('Argument translate should be a sequence of length 2')
  if (!(factor > 0)) throw new ValueError('Argument scale should be positive')
  const shears = typeof sheared === 'number' ? [sheared, 0] : sheared.length === 1 ? [sheared[0], sheared[0]] : sheared
  if (shears.length !== 2)
    throw new ValueError(`Shear should be a sequence containing two values. Got [${shears.join(', ')}]`)
  const [, height, width] = dimensionsOf(picture)
  const matrix = inverseMatrix(centered(center, width, height), degrees, move, factor, shears)
  return onTensor(picture as P, (x) => mapped(x, matrix, mode, [width, height], fillOf(fill)))
}
