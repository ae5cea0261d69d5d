// Transforms with chance of place, size and angle, as modules; see random.ts.
import { nn, signatures, ValueError } from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import { sizeMessage } from './classes.ts'
import { affine, fillKind, type MapOptions, rotate, type RotateOptions } from './geometry.ts'
import {
  dimensionsOf,
  drawBelow,
  drawUniform,
  imageOrTensor,
  numbers,
  type Picture,
  python,
  pythonFloats,
  pythonRound,
  sizeOf,
  wholes,
} from './images.ts'
import { checkRange, drawPart, rangeKind } from './random.ts'
import { type Interpolation, interpolationKind, resizedCrop } from './resize.ts'

const { bool, constructing, finite, list, nullable, optional, required, signature } = signatures
type Range = readonly [low: number, high: number]

/** torchvision's options of `RandomResizedCrop`. */
export interface RandomResizedCropOptions {
  /** The range of the part's share of the area; [0.08, 1] by default. */
  readonly scale?: Range
  /** The range of the ratio of width and height; [3 / 4, 4 / 3] by default. */
  readonly ratio?: Range
  /** 'bilinear' by default. */
  readonly interpolation?: Interpolation
  readonly antialias?: boolean | null
}
const readResizedCrop = constructing(
  'RandomResizedCrop',
  required('size', wholes),
  optional('scale', rangeKind, [0.08, 1]),
  optional('ratio', rangeKind, [3 / 4, 4 / 3]),
  optional('interpolation', interpolationKind, 'bilinear' as Interpolation),
  optional('antialias', nullable(bool), null),
)
const readPartParams = signature(
  'get_params',
  required('img', imageOrTensor),
  required('scale', rangeKind),
  required('ratio', rangeKind),
)
/**
 * A random part of a picture, of a random share and ratio, in the size given: one number, or [height, width].
 *
 * @example
 * new RandomResizedCrop(4).forward(ones(3, 10, 12)).shape // [3, 4, 4]
 */
export class RandomResizedCrop extends nn.Module {
  readonly size: readonly [height: number, width: number]
  readonly scale: Range
  readonly ratio: Range
  readonly interpolation: Interpolation
  readonly antialias: boolean | null

  constructor(size: number | readonly number[], options?: RandomResizedCropOptions) {
    super()
    const [wanted, scale, ratio, interpolation, antialias] = readResizedCrop([size, options])
    this.size = sizeOf(wanted, sizeMessage)
    this.scale = checkRange('Scale', scale)
    this.ratio = checkRange('Ratio', ratio)
    this.interpolation = interpolation
    this.antialias = antialias
  }

  override forward<P extends Picture>(img: P): P {
    const part = RandomResizedCrop.getParams(img, this.scale, this.ratio)
    const { interpolation, antialias } = this
    return resizedCrop(img, ...part, this.size, { interpolation, antialias })
  }

  /** A random part, for `resizedCrop`: the same part of a picture and of its mask. */
  static getParams(
    ...args: signatures.Takes<[img: Picture, scale: Range, ratio: Range], 'img scale ratio'>
  ): [top: number, left: number, height: number, width: number] {
    const [img, scale, ratio] = readPartParams(args)
    const [, height, width] = dimensionsOf(img)
    // As often as torchvision, until a part fits; then the middle.
    for (let k = 0; k < 10; k++) {
      const [w, h] = drawPart(height * width, scale as Range, ratio as Range)
      if (w <= 0 || w > width || h <= 0 || h > height) continue
      const top = drawBelow(height - h + 1)
      return [top, drawBelow(width - w + 1), h, w]
    }
    const [low, high] = ratio
    const w = width / height > high ? pythonRound(height * high) : width
    const h = width / height < low ? pythonRound(width / low) : height
    return [Math.floor((height - h) / 2), Math.floor((width - w) / 2), h, w]
  }

  override extraRepr(): string {
    const rounded = (range: Range) =>
      pythonFloats(
        range.map((v) => Number(v.toFixed(4))),
        '()',
      )
    const { size, scale, ratio, interpolation, antialias } = this
    return `size=${python(size)}, scale=${rounded(scale)}, ratio=${rounded(ratio)}, interpolation=${interpolation}, antialias=${python(antialias)}`
  }
}

/** A range of angles given as one number around 0, or as its ends; `lengths` are the numbers of ends that there may be. */
function anglesOf(name: string, x: number | readonly number[], lengths: readonly number[]): readonly number[] {
  if (typeof x === 'number') {
    if (x < 0) throw new ValueError(`If ${name} is a single number, it must be positive.`)
    return [-x, x]
  }
  if (!lengths.includes(x.length))
    throw new ValueError(`${name} should be a sequence of length ${lengths.join(' or ')}.`)
  return x
}

const pair = (name: string, x: readonly number[] | null): readonly number[] | null => {
  if (x === null || x.length === 2) return x
  throw new ValueError(`${name} should be a sequence of length 2.`)
}

const readRotation = constructing(
  'RandomRotation',
  required('degrees', numbers),
  optional('interpolation', interpolationKind, 'nearest' as Interpolation),
  optional('expand', bool, false),
  optional('center', nullable(list(finite)), null),
  optional('fill', fillKind, 0),
)
const readAngles = signature('get_params', required('degrees', list(finite)))
/**
 * Turns a picture by a random angle: up to `degrees` either way, or from a range.
 *
 * @example
 * new RandomRotation(30).forward(ones(3, 8, 8)).shape // [3, 8, 8]
 */
export class RandomRotation extends nn.Module {
  readonly degrees: readonly number[]
  readonly interpolation: Interpolation
  readonly expand: boolean
  readonly center: readonly number[] | null
  readonly fill: number | readonly number[]

  constructor(degrees: number | readonly number[], options?: RotateOptions) {
    super()
    const [angles, interpolation, expand, center, fill] = readRotation([degrees, options])
    this.degrees = anglesOf('degrees', angles, [2])
    this.interpolation = interpolation
    this.expand = expand
    this.center = pair('center', center)
    this.fill = fill ?? 0
  }

  override forward<P extends Picture>(img: P): P {
    const angle = RandomRotation.getParams(this.degrees)
    const { expand, center, fill } = this
    return rotate(img, angle, { interpolation: this.interpolation as 'nearest', expand, center, fill })
  }

  /** A random angle, for `rotate`. */
  static getParams(...args: signatures.Takes<[degrees: readonly number[]], 'degrees'>): number {
    const [[low, high]] = readAngles(args)
    return drawUniform(low, high)
  }

  override extraRepr(): string {
    const { degrees, interpolation, expand, center, fill } = this
    const around = center === null ? '' : `, center=${python(center)}`
    return `degrees=${pythonFloats(degrees)}, interpolation=${interpolation}, expand=${python(expand)}${around}, fill=${python(fill)}`
  }
}

/** torchvision's options of `RandomAffine`. */
export interface RandomAffineOptions extends MapOptions {
  /** The most that a picture moves, as shares of its width and height. */
  readonly translate?: readonly [x: number, y: number] | null
  /** The range of the scale. */
  readonly scale?: Range | null
  /** The greatest angle of the shear along x, its range, or those of both directions: [x0, x1, y0, y1]. */
  readonly shear?: number | readonly number[] | null
}
const readAffine = constructing(
  'RandomAffine',
  required('degrees', numbers),
  optional('translate', nullable(list(finite)), null),
  optional('scale', nullable(list(finite)), null),
  optional('shear', nullable(numbers), null),
  optional('interpolation', interpolationKind, 'nearest' as Interpolation),
  optional('fill', fillKind, 0),
  optional('center', nullable(list(finite)), null),
)
const readMapParams = signature(
  'get_params',
  required('degrees', list(finite)),
  required('translate', nullable(list(finite))),
  required('scaleRanges', nullable(list(finite))),
  required('shears', nullable(list(finite))),
  required('imgSize', list(finite)),
)
/**
 * Turns, moves, scales and shears a picture at random.
 *
 * Throws a ValueError for shares outside 0 to 1, and for scales that are not positive.
 *
 * @example
 * new RandomAffine(10, { translate: [0.1, 0.1] }).forward(ones(3, 8, 8)).shape // [3, 8, 8]
 */
export class RandomAffine extends nn.Module {
  readonly degrees: readonly number[]
  readonly translate: readonly number[] | null
  readonly scale: readonly number[] | null
  readonly shear: readonly number[] | null
  readonly interpolation: Interpolation
  readonly fill: number | readonly number[]
  readonly center: readonly number[] | null

  constructor(degrees: number | readonly number[], options?: RandomAffineOptions) {
    super()
    const [angles, translate, scale, shear, interpolation, fill, center] = readAffine([degrees, options])
    this.degrees = anglesOf('degrees', angles, [2])
    this.translate = pair('translate', translate)
    if (translate?.some((t) => !(t >= 0 && t <= 1)))
      throw new ValueError('translation values should be between 0 and 1')
    this.scale = pair('scale', scale)
    if (scale?.some((s) => !(s > 0))) throw new ValueError('scale values should be positive')
    this.shear = shear === null ? null : anglesOf('shear', shear, [2, 4])
    this.interpolation = interpolation
    this.fill = fill ?? 0
    this.center = pair('center', center)
  }

  override forward<P extends Picture>(img: P): P {
    const [, height, width] = dimensionsOf(img)
    const { degrees, translate, scale, shear, fill, center } = this
    const drawn = RandomAffine.getParams(degrees, translate, scale, shear, [width, height])
    return affine(img, ...drawn, { interpolation: this.interpolation as 'nearest', fill, center })
  }

  /** A random map, for `affine`. */
  static getParams(
    ...args: signatures.Takes<
      [
        degrees: readonly number[],
        translate: readonly number[] | null,
        scaleRanges: readonly number[] | null,
        shears: readonly number[] | null,
        imgSize: readonly number[],
      ],
      'degrees translate scaleRanges shears imgSize'
    >
  ): [angle: number, translate: number[], scale: number, shear: number[]] {
    const [degrees, translate, scale, shear, size] = readMapParams(args)
    const angle = drawUniform(degrees[0], degrees[1])
    const move = size.map((pixels, i) => {
      if (translate === null) return 0
      const most = translate[i] * pixels
      return pythonRound(drawUniform(-most, most))
    })
    const factor = scale === null ? 1 : drawUniform(scale[0], scale[1])
    const shears = [0, 0]
    if (shear !== null) {
      shears[0] = drawUniform(shear[0], shear[1])
      if (shear.length === 4) shears[1] = drawUniform(shear[2], shear[3])
    }
    return [angle, move, factor, shears]
  }

  override extraRepr(): string {
    const { degrees, translate, scale, shear, interpolation, fill, center } = this
    const given: [string, unknown, boolean][] = [
      ['translate', translate, translate !== null],
      ['scale', scale, scale !== null],
      ['shear', shear === null ? null : pythonFloats(shear), shear !== null],
      ['interpolation', interpolation, interpolation !== 'nearest'],
      ['fill', fill, fill !== 0],
      ['center', center, center !== null],
    ]
    const more = given.filter(([, , isGiven]) => isGiven).map(([name, value]) => `, ${name}=${python(value)}`)
    return `degrees=${pythonFloats(degrees)}${more.join('')}`
  }
}

nameClasses({ RandomResizedCrop, RandomRotation, RandomAffine })
