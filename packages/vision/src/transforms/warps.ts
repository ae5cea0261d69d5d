// Pictures seen from another side, and pictures as if seen through water: functions, and modules that draw how.
import {
  cat,
  type DType,
  linalg,
  linspace,
  nn,
  onesLike,
  rand,
  signatures,
  stack,
  type Tensor,
  tensor as tensorOf,
  ValueError,
} from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import { gaussianBlur } from './blur.ts'
import { RandomChange } from './chance.ts'
import { fillKind, fillOf, sampledAt } from './geometry.ts'
import {
  between,
  dimensionsOf,
  imageOrTensor,
  numbers,
  onTensor,
  type Picture,
  pythonFloats,
  python,
  drawBetween,
} from './images.ts'
import { type Interpolation, interpolationKind } from './resize.ts'

const { constructing, finite, int, list, optional, required, signature, tensor } = signatures

/** Four corners as [x, y]: top left, top right, bottom right, bottom left. */
export type Corners = readonly (readonly number[])[]
type Pair = readonly [number, number]

export interface WarpOptions {
  /** 'bilinear' by default, or 'nearest'. */
  readonly interpolation?: 'nearest' | 'bilinear'
  /** What becomes of places outside the picture: a value, or one for each channel; 0 by default. */
  readonly fill?: number | readonly number[] | null
}
const interpolationParameter = optional('interpolation', interpolationKind, 'bilinear' as Interpolation)
const fillParameter = optional('fill', fillKind, null)

/** The map x, y -> (a x + b y + c) / (g x + h y + 1), (d x + e y + f) / (g x + h y + 1) from end points to start points. */
function perspectiveMap(start: Corners, end: Corners): readonly number[] {
  const rows = end.flatMap(([x, y], i) => {
    const [u, v] = start[i]
    return [
      [x, y, 1, 0, 0, 0, -u * x, -u * y],
      [0, 0, 0, x, y, 1, -v * x, -v * y],
    ]
  })
  return Array.from(linalg.lstsq(tensorOf(rows), tensorOf(start.flat()).reshape([8, 1])).solution.toArray())
}

/** The middles of pixels, [height * width, 3]: x, y and 1. */
function pixelPlaces(width: number, height: number, options: { dtype: DType; device: Tensor['device'] }): Tensor {
  const across = linspace(0.5, width - 0.5, width, options)
  const down = linspace(0.5, height - 0.5, height, options).reshape([height, 1])
  const sizes = [height, width]
  return stack([across.expand(sizes), down.expand(sizes), onesLike(across).expand(sizes)], -1).reshape([-1, 3])
}

const cornersKind: signatures.Kind<Corners> = {
  ...list(list(int)),
  expected: 'four points [x, y]',
  accepts: (x) =>
    list(list(int)).accepts(x) && (x as Corners).length === 4 && (x as Corners).every((p) => p.length === 2),
  hint: 'They are the corners: top left, top right, bottom right, bottom left.',
}
const readPerspective = signature(
  'perspective',
  required('img', imageOrTensor),
  required('startpoints', cornersKind),
  required('endpoints', cornersKind),
  interpolationParameter,
  fillParameter,
)
/**
 * A picture seen from another side: its points `startpoints` become `endpoints`, each four corners [x, y] in the order top
 * left, top right, bottom right, bottom left.
 *
 * Throws a ValueError for a `fill` of another number of channels.
 *
 * @example
 * const corners = [[0, 0], [1, 0], [1, 1], [0, 1]]
 * perspective(tensor([[[1, 2], [3, 4]]]), corners, corners, { interpolation: 'nearest' }) // tensor([[[1., 2.],
 * //          [3., 4.]]])
 */
export function perspective<P extends Picture>(
  img: P,
  startpoints: Corners,
  endpoints: Corners,
  options?: WarpOptions,
): P {
  const [picture, start, end, wanted, fill] = readPerspective([img, startpoints, endpoints, options])
  const mode = between(picture, wanted)
  const [a, b, c, d, e, f, g, h] = perspectiveMap(start, end)
  const [, height, width] = dimensionsOf(picture)
  const grid = (options: { dtype: DType; device: Tensor['device'] }): Tensor => {
    const places = pixelPlaces(width, height, options)
    const matrix = (rows: number[][]): Tensor => tensorOf(rows, options).t()
    const above = places.matmul(
      matrix([
        [a, b, c],
        [d, e, f],
      ]).div(tensorOf([0.5 * width, 0.5 * height], options)),
    )
    return above
      .div(places.matmul(matrix([[g, h, 1]])))
      .sub(1)
      .reshape([1, height, width, 2])
  }
  return onTensor(picture as P, (x) => sampledAt(x, grid, mode, fillOf(fill)))
}

const readElastic = signature(
  'elastic_transform',
  required('img', imageOrTensor),
  required('displacement', tensor),
  interpolationParameter,
  fillParameter,
)
/**
 * A picture whose pixels each come from another place: `displacement` [1, height, width, 2] says how far away, x and y,
 * where the picture reaches from -1 to 1.
 *
 * Throws a ValueError for a displacement of another shape, and for a `fill` of another number of channels.
 *
 * @example
 * elasticTransform(tensor([[[1, 2], [3, 4]]]), zeros(1, 2, 2, 2)) // tensor([[[1., 2.],
 * //          [3., 4.]]])
 */
export function elasticTransform<P extends Picture>(img: P, displacement: Tensor, options?: WarpOptions): P {
  const [picture, moved, wanted, fill] = readElastic([img, displacement, options])
  const mode = between(picture, wanted)
  const [, height, width] = dimensionsOf(picture)
  const sizes = [1, height, width, 2]
  if (String(moved.shape) !== String(sizes))
    throw new ValueError(
      `Argument displacement shape should be ${python(sizes)}, but given torch.Size([${moved.shape.join(', ')}])`,
    )
  const grid = (options: { dtype: DType; device: Tensor['device'] }): Tensor => {
    const across = linspace((1 - width) / width, (width - 1) / width, width, options)
    const down = linspace((1 - height) / height, (height - 1) / height, height, options).reshape([height, 1])
    const places = stack([across.expand([height, width]), down.expand([height, width])], -1).reshape(sizes)
    return places.add(moved.to(options.device).to(options.dtype))
  }
  return onTensor(picture as P, (x) => sampledAt(x, grid, mode, fillOf(fill)))
}

/** torchvision's options of `RandomPerspective`. */
export interface RandomPerspectiveOptions extends WarpOptions {
  /** How far corners may move, as a share of half the sides; 0.5 by default. */
  readonly distortionScale?: number
  /** 0.5 by default. */
  readonly p?: number
}
const readRandomPerspective = constructing(
  'RandomPerspective',
  optional('distortionScale', finite, 0.5),
  optional('p', finite, 0.5),
  interpolationParameter,
  optional('fill', fillKind, 0),
)
const readCorners = signature(
  'get_params',
  required('width', int),
  required('height', int),
  required('distortionScale', finite),
)
/**
 * Shows a picture from another side with probability `p`, 0.5 by default: its corners move by up to `distortionScale`, 0.5
 * by default, of half its sides.
 *
 * @example
 * new RandomPerspective({ p: 1 }).forward(ones(3, 8, 8)).shape // [3, 8, 8]
 */
export class RandomPerspective extends RandomChange {
  readonly distortionScale: number
  readonly interpolation: Interpolation
  readonly fill: number | readonly number[]

  constructor(options?: RandomPerspectiveOptions)
  constructor(distortionScale: number, options?: RandomPerspectiveOptions)
  constructor(distortionScale: number, p: number, options?: RandomPerspectiveOptions)
  constructor(...args: readonly unknown[]) {
    const [scale, p, interpolation, fill] = readRandomPerspective(args)
    super(p)
    this.distortionScale = scale
    this.interpolation = interpolation
    this.fill = fill ?? 0
  }

  protected override changed<P extends Picture>(img: P): P {
    const [, height, width] = dimensionsOf(img)
    const corners = RandomPerspective.getParams(width, height, this.distortionScale)
    return perspective(img, ...corners, { interpolation: this.interpolation as 'nearest', fill: this.fill })
  }

  /** The corners of a picture and where they move at random, for `perspective`. */
  static getParams(
    ...args: signatures.Takes<[width: number, height: number, distortionScale: number], 'width height distortionScale'>
  ): [startpoints: number[][], endpoints: number[][]] {
    const [width, height, scale] = readCorners(args)
    const reach = [width, height].map((size) => Math.trunc(scale * Math.floor(size / 2)))
    const corner = (isRight: boolean, isLow: boolean): number[] =>
      [isRight, isLow].map((isFar, i) => {
        const size = [width, height][i]
        return isFar ? drawBetween(size - reach[i] - 1, size) : drawBetween(0, reach[i] + 1)
      })
    const end = [corner(false, false), corner(true, false), corner(true, true), corner(false, true)]
    const [right, low] = [width - 1, height - 1]
    const start = [
      [0, 0],
      [right, 0],
      [right, low],
      [0, low],
    ]
    return [start, end]
  }
}

/** torchvision's options of `ElasticTransform`. */
export interface ElasticTransformOptions extends WarpOptions {
  /** How far pixels move, in pixels: one number, or along x and y; 50 by default. */
  readonly alpha?: number | readonly number[]
  /** How smooth the field of moves is: one number, or along x and y; 5 by default. */
  readonly sigma?: number | readonly number[]
}
const readRandomElastic = constructing(
  'ElasticTransform',
  optional('alpha', numbers, 50),
  optional('sigma', numbers, 5),
  interpolationParameter,
  optional('fill', fillKind, 0),
)
const pairOf = (name: string, x: number | readonly number[]): Pair => {
  if (typeof x === 'number') return [x, x]
  if (x.length !== 2) throw new ValueError(`If ${name} is a sequence its length should be 2. Got ${x.length}`)
  return [x[0], x[1]]
}
/**
 * Moves the pixels of a picture by a smooth random field, as if seen through water.
 *
 * Throws a ValueError for other than one or two numbers as `alpha` or `sigma`.
 *
 * @example
 * new ElasticTransform({ alpha: 10, sigma: 1 }).forward(ones(3, 12, 12)).shape // [3, 12, 12]
 */
export class ElasticTransform extends nn.Module {
  readonly alpha: Pair
  readonly sigma: Pair
  readonly interpolation: Interpolation
  readonly fill: number | readonly number[]

  constructor(options?: ElasticTransformOptions)
  constructor(alpha: number | readonly number[], options?: ElasticTransformOptions)
  constructor(alpha: number | readonly number[], sigma: number | readonly number[], options?: ElasticTransformOptions)
  constructor(...args: readonly unknown[]) {
    super()
    const [alpha, sigma, interpolation, fill] = readRandomElastic(args)
    this.alpha = pairOf('alpha', alpha)
    this.sigma = pairOf('sigma', sigma)
    this.interpolation = interpolation
    this.fill = fill ?? 0
  }

  override forward<P extends Picture>(img: P): P {
    const [, height, width] = dimensionsOf(img)
    const sizes = [height, width]
    const moves = sizes.map((size, i) => {
      const noise = rand([1, 1, ...sizes])
        .mul(2)
        .sub(1)
      const sigma = this.sigma[i]
      const kernel = Math.trunc(8 * sigma + 1) | 1
      const smooth = sigma > 0 ? gaussianBlur(noise, [kernel, kernel], this.sigma) : noise
      return smooth.mul(this.alpha[i]).div(size)
    })
    const displacement = cat(moves, 1).permute(0, 2, 3, 1)
    return elasticTransform(img, displacement, { interpolation: this.interpolation as 'nearest', fill: this.fill })
  }

  override extraRepr(): string {
    const { alpha, sigma, interpolation, fill } = this
    return `alpha=${pythonFloats(alpha)}, sigma=${pythonFloats(sigma)}, interpolation=${interpolation}, fill=${python(fill)}`
  }
}

nameClasses({ RandomPerspective, ElasticTransform })
