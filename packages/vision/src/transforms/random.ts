// Transforms with chance, as modules. They draw from the default generator what torchvision draws, so that the same seed
// gives the same pictures.
import {
  empty,
  nn,
  randn,
  randperm,
  signatures,
  type Tensor,
  tensor as tensorOf,
  TypeError,
  ValueError,
} from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import { gaussianBlur } from './blur.ts'
import { Chance, RandomChange } from './chance.ts'
import { sizeMessage } from './classes.ts'
import { adjustBrightness, adjustContrast, adjustHue, adjustSaturation, rgbToGrayscale } from './color.ts'
import { checkPadding, crop, erase, hflip, pad, type PaddingMode, vflip } from './crop.ts'
import {
  dimensionsOf,
  draw01,
  drawBelow,
  drawUniform,
  imageOrTensor,
  numbers,
  type Picture,
  python,
  pythonFloats,
  pythonRound,
  sizeOf,
  tensorPicture,
  wholes,
} from './images.ts'

const { bool, constructing, either, finite, list, nullable, optional, required, signature, str } = signatures

const readHorizontal = constructing('RandomHorizontalFlip', optional('p', finite, 0.5))
/**
 * Exchanges left and right with probability `p`, 0.5 by default.
 *
 * @example
 * new RandomHorizontalFlip({ p: 1 }).forward(tensor([[1, 2]])) // tensor([[2., 1.]])
 */
export class RandomHorizontalFlip extends RandomChange {
  constructor(p?: number | { readonly p?: number }) {
    super(readHorizontal([p])[0])
  }

  protected override changed<P extends Picture>(img: P): P {
    return hflip(img)
  }
}

const readVertical = constructing('RandomVerticalFlip', optional('p', finite, 0.5))
/**
 * Exchanges top and bottom with probability `p`, 0.5 by default.
 *
 * @example
 * new RandomVerticalFlip({ p: 0 }).forward(tensor([[1, 2]])) // tensor([[1., 2.]])
 */
export class RandomVerticalFlip extends RandomChange {
  constructor(p?: number | { readonly p?: number }) {
    super(readVertical([p])[0])
  }

  protected override changed<P extends Picture>(img: P): P {
    return vflip(img)
  }
}

const readRandomGrey = constructing('RandomGrayscale', optional('p', finite, 0.1))
/**
 * Makes a picture grey with probability `p`, 0.1 by default, and keeps the number of its channels.
 *
 * @example
 * new RandomGrayscale({ p: 1 }).forward(ones(3, 2, 2)).shape // [3, 2, 2]
 */
export class RandomGrayscale extends RandomChange {
  constructor(p?: number | { readonly p?: number }) {
    super(readRandomGrey([p])[0])
  }

  protected override changed<P extends Picture>(img: P): P {
    return rgbToGrayscale(img, dimensionsOf(img)[0])
  }
}

/** torchvision's options of `RandomCrop`. */
export interface RandomCropOptions {
  /** A border that the picture gets first. */
  readonly padding?: number | readonly number[] | null
  /** Whether a picture that is too small gets a border. */
  readonly padIfNeeded?: boolean
  readonly fill?: number
  readonly paddingMode?: PaddingMode
}
const readRandomCrop = constructing(
  'RandomCrop',
  required('size', wholes),
  optional('padding', nullable(wholes), null),
  optional('padIfNeeded', bool, false),
  optional('fill', finite, 0),
  optional('paddingMode', str, 'constant'),
)
type Part = [top: number, left: number, height: number, width: number]
const readCropParams = signature('get_params', required('img', imageOrTensor), required('outputSize', list(finite)))
/**
 * A part of a picture of a size, or of [height, width], from a random place.
 *
 * `forward` throws a ValueError for a picture that is too small.
 *
 * @example
 * new RandomCrop(28, { padding: 2 }).forward(ones(1, 28, 28)).shape // [1, 28, 28]
 */
export class RandomCrop extends nn.Module {
  readonly size: readonly [height: number, width: number]
  readonly padding: number | readonly number[] | null
  readonly padIfNeeded: boolean
  readonly fill: number
  readonly paddingMode: PaddingMode

  constructor(size: number | readonly number[], options?: RandomCropOptions)
  constructor(size: number | readonly number[], padding: number | readonly number[] | null, options?: RandomCropOptions)
  constructor(...args: readonly unknown[]) {
    super()
    const [size, padding, padIfNeeded, fill, mode] = readRandomCrop(args)
    this.size = sizeOf(size, sizeMessage)
    checkPadding(padding ?? 0, mode)
    this.padding = padding
    this.padIfNeeded = padIfNeeded
    this.fill = fill
    this.paddingMode = mode
  }

  override forward<P extends Picture>(img: P): P {
    const [h, w] = this.size
    let picture = this.padding === null ? img : pad(img, this.padding, this.fill, this.paddingMode)
    const [, rows, columns] = dimensionsOf(picture)
    if (this.padIfNeeded && columns < w) picture = pad(picture, [w - columns, 0], this.fill, this.paddingMode)
    if (this.padIfNeeded && rows < h) picture = pad(picture, [0, h - rows], this.fill, this.paddingMode)
    const part = RandomCrop.getParams(picture, this.size)
    const [, height, width] = dimensionsOf(picture)
    return height === h && width === w ? picture : crop(picture, ...part)
  }

  /** The place of a random part of a size, for `crop`: the same part of a picture and of its mask. */
  static getParams(...args: signatures.Takes<[img: Picture, outputSize: readonly number[]], 'img outputSize'>): Part {
    const [img, [h, w]] = readCropParams(args)
    const [, height, width] = dimensionsOf(img)
    if (height < h || width < w) {
      throw new ValueError(
        `Required crop size (${h}, ${w}) is larger than input image size (${height}, ${width})`,
        'Give it a padding, or { padIfNeeded: true }.',
      )
    }
    if (height === h && width === w) return [0, 0, h, w]
    const top = drawBelow(height - h + 1)
    return [top, drawBelow(width - w + 1), h, w]
  }

  override extraRepr(): string {
    return `size=${python(this.size)}, padding=${python(this.padding)}`
  }
}

type Range = readonly [low: number, high: number]

/** A range of a parameter given as one number around `center`, or as a pair; null if it changes nothing. */
function rangeOf(name: string, value: number | readonly number[], center: 0 | 1, bound: Range): Range | null {
  let range: Range
  if (typeof value === 'number') {
    if (value < 0) throw new ValueError(`If ${name} is a single number, it must be non negative.`)
    range = [center === 1 ? Math.max(center - value, 0) : center - value, center + value]
  } else if (value.length === 2) range = [value[0], value[1]]
  else throw new TypeError(`${name} should be a single number or a list/tuple with length 2.`)
  if (!(bound[0] <= range[0] && range[0] <= range[1] && range[1] <= bound[1])) {
    const [low, high] = bound
    throw new ValueError(`${name} values should be between (${low}, ${high === Infinity ? 'inf' : high})`)
  }
  return range[0] === center && range[1] === center ? null : range
}

/** torchvision's options of `ColorJitter`: how far each may be from the picture's own, or a range of factors. */
export interface ColorJitterOptions {
  readonly brightness?: number | Range
  readonly contrast?: number | Range
  readonly saturation?: number | Range
  readonly hue?: number | Range
}
const readJitter = constructing(
  'ColorJitter',
  optional('brightness', numbers, 0),
  optional('contrast', numbers, 0),
  optional('saturation', numbers, 0),
  optional('hue', numbers, 0),
)
type Jitter<T> = [brightness: T | null, contrast: T | null, saturation: T | null, hue: T | null]
type Jittered = [order: Tensor, ...Jitter<number>]
const range = nullable(list(finite))
const readJitterParams = signature(
  'get_params',
  required('brightness', range),
  required('contrast', range),
  required('saturation', range),
  required('hue', range),
)
/**
 * Changes brightness, contrast, saturation and hue at random, in random order.
 *
 * Throws a ValueError for ranges that are negative or too wide.
 *
 * @example
 * new ColorJitter({ brightness: 0.2, hue: 0.1 }).forward(ones(3, 2, 2)).shape // [3, 2, 2]
 */
export class ColorJitter extends nn.Module {
  readonly brightness: Range | null
  readonly contrast: Range | null
  readonly saturation: Range | null
  readonly hue: Range | null

  constructor(options?: ColorJitterOptions)
  constructor(
    brightness: number | Range,
    contrast?: number | Range | ColorJitterOptions,
    saturation?: number | Range | ColorJitterOptions,
    hue?: number | Range | ColorJitterOptions,
  )
  constructor(...args: readonly unknown[]) {
    super()
    const [brightness, contrast, saturation, hue] = readJitter(args)
    this.brightness = rangeOf('brightness', brightness, 1, [0, Infinity])
    this.contrast = rangeOf('contrast', contrast, 1, [0, Infinity])
    this.saturation = rangeOf('saturation', saturation, 1, [0, Infinity])
    this.hue = rangeOf('hue', hue, 0, [-0.5, 0.5])
  }

  override forward<P extends Picture>(img: P): P {
    const [order, ...factors] = ColorJitter.getParams(this.brightness, this.contrast, this.saturation, this.hue)
    let picture = img
    for (const k of order.toArray()) {
      const factor = factors[k]
      if (factor !== null) picture = adjustments[k](picture, factor)
    }
    return picture
  }

  /** A random order of the four adjustments, then the factor of each, drawn from its range; null for none. */
  static getParams(...args: signatures.Takes<Jitter<Range>, 'brightness contrast saturation hue'>): Jittered {
    const ranges = readJitterParams(args)
    const order = randperm(4)
    return [order, ...ranges.map((range) => (range === null ? null : drawUniform(range[0], range[1])))] as Jittered
  }

  override extraRepr(): string {
    const { brightness, contrast, saturation, hue } = this
    return Object.entries({ brightness, contrast, saturation, hue })
      .map(([name, range]) => `${name}=${range === null ? 'None' : pythonFloats(range)}`)
      .join(', ')
  }
}
const adjustments = [adjustBrightness, adjustContrast, adjustSaturation, adjustHue]

const readBlur = constructing('GaussianBlur', required('kernelSize', wholes), optional('sigma', numbers, [0.1, 2]))
const readBlurParams = signature('get_params', required('sigmaMin', finite), required('sigmaMax', finite))
/**
 * Blurs a picture by a Gaussian kernel of odd size: one number, or [width, height]. `sigma` is one number, or the range
 * that it is drawn from; [0.1, 2] by default.
 *
 * Throws a ValueError for another kernel or range.
 *
 * @example
 * new GaussianBlur(3, { sigma: 1 }).forward(ones(3, 5, 5)).shape // [3, 5, 5]
 */
export class GaussianBlur extends nn.Module {
  readonly kernelSize: readonly [width: number, height: number]
  readonly sigma: Range

  constructor(
    kernelSize: number | readonly number[],
    sigma?: number | readonly number[] | { readonly sigma?: number | readonly number[] },
  ) {
    super()
    const [size, deviation] = readBlur([kernelSize, sigma])
    this.kernelSize = sizeOf(size, 'Kernel size should be a tuple/list of two integers')
    if (this.kernelSize.some((k) => k <= 0 || k % 2 === 0))
      throw new ValueError('Kernel size value should be an odd and positive number.')
    if (typeof deviation === 'number') {
      if (!(deviation > 0)) throw new ValueError('If sigma is a single number, it must be positive.')
      this.sigma = [deviation, deviation]
    } else {
      if (deviation.length !== 2) throw new ValueError('sigma should be a single number or a list/tuple with length 2.')
      const [low, high] = deviation
      if (!(low > 0 && low <= high)) throw new ValueError('sigma values should be positive and of the form (min, max).')
      this.sigma = [low, high]
    }
  }

  override forward<P extends Picture>(img: P): P {
    const sigma = GaussianBlur.getParams(...this.sigma)
    return gaussianBlur(img, this.kernelSize, [sigma, sigma])
  }

  /** A random deviation from a range. */
  static getParams(...args: signatures.Takes<[sigmaMin: number, sigmaMax: number], 'sigmaMin sigmaMax'>): number {
    return drawUniform(...readBlurParams(args))
  }

  override extraRepr(): string {
    return `kernel_size=${python(this.kernelSize)}, sigma=${pythonFloats(this.sigma, '()')}`
  }
}

/** A part of a picture, by a share of its area from a range, and a ratio of its sides from a range of ratios. */
export function drawPart(area: number, scale: Range, ratio: Range): [long: number, short: number] {
  const wanted = area * drawUniform(...scale)
  const [low, high] = ratio.map((r) => Math.fround(Math.log(Math.fround(r))))
  const aspect = empty([1]).uniform_(low, high).exp().item()
  return [pythonRound(Math.sqrt(wanted * aspect)), pythonRound(Math.sqrt(wanted / aspect))]
}

export const rangeKind = list(finite)
export const checkRange = (name: string, range: readonly number[]): Range => {
  if (range.length !== 2 || !(range[0] <= range[1]))
    throw new ValueError(`${name} should be a sequence of the kind (min, max), but got ${python(range)}`)
  return [range[0], range[1]]
}

/** torchvision's options of `RandomErasing`. */
export interface RandomErasingOptions {
  /** 0.5 by default. */
  readonly p?: number
  /** The range of the part's share of the area; [0.02, 0.33] by default. */
  readonly scale?: Range
  /** The range of the ratio of its sides; [0.3, 3.3] by default. */
  readonly ratio?: Range
  /** What it becomes: a number, one for each channel, or 'random' for noise; 0 by default. */
  readonly value?: number | readonly number[] | 'random'
  readonly inplace?: boolean
}
const readErased = signature('forward', required('img', tensorPicture))
const readErasing = constructing(
  'RandomErasing',
  optional('p', finite, 0.5),
  optional('scale', rangeKind, [0.02, 0.33]),
  optional('ratio', rangeKind, [0.3, 3.3]),
  optional('value', either(numbers, str), 0),
  optional('inplace', bool, false),
)
/**
 * Erases a rectangle of a tensor [..., channels, height, width] with probability `p`, 0.5 by default.
 *
 * Throws a ValueError for ranges and probabilities outside 0 to 1, and `forward` for a value of another number of
 * channels.
 *
 * @example
 * manualSeed(0)
 * new RandomErasing({ p: 1 }).forward(ones(1, 8, 8)).min() // tensor(0.)
 */
export class RandomErasing extends Chance {
  readonly scale: Range
  readonly ratio: Range
  readonly value: number | readonly number[] | 'random'
  readonly inplace: boolean

  constructor(options?: RandomErasingOptions)
  constructor(p: number, options?: RandomErasingOptions)
  constructor(...args: readonly unknown[]) {
    const [p, scale, ratio, value, inplace] = readErasing(args)
    super(p)
    if (typeof value === 'string' && value !== 'random') throw new ValueError("If value is str, it should be 'random'")
    this.scale = checkRange('Scale', scale)
    this.ratio = checkRange('Ratio', ratio)
    if (scale[0] < 0 || scale[1] > 1) throw new ValueError('Scale should be between 0 and 1')
    if (!(p >= 0 && p <= 1)) throw new ValueError('Random erasing probability should be between 0 and 1')
    this.value = value as number | readonly number[] | 'random'
    this.inplace = inplace
  }

  override forward(img: Tensor): Tensor {
    readErased([img])
    if (!(draw01() < this.p)) return img
    const [channels, height, width] = dimensionsOf(img)
    const { value } = this
    const values = typeof value === 'number' ? [value] : value
    if (typeof values !== 'string' && values.length !== 1 && values.length !== channels) {
      throw new ValueError(
        `If value is a sequence, it should have either a single value or ${channels} (number of input channels)`,
      )
    }
    // As often as torchvision, until a rectangle fits.
    for (let k = 0; k < 10; k++) {
      const [h, w] = drawPart(height * width, this.scale, this.ratio)
      if (h >= height || w >= width) continue
      const filling = typeof values === 'string' ? randn([channels, h, w]) : tensorOf([...values]).reshape([-1, 1, 1])
      const row = drawBelow(height - h + 1)
      return erase(img, row, drawBelow(width - w + 1), h, w, filling.to(img.device), this.inplace)
    }
    return img
  }

  override extraRepr(): string {
    const { p, scale, ratio, value, inplace } = this
    return `p=${p}, scale=${python(scale)}, ratio=${python(ratio)}, value=${python(value)}, inplace=${python(inplace)}`
  }
}

nameClasses({
  RandomHorizontalFlip,
  RandomVerticalFlip,
  RandomGrayscale,
  RandomCrop,
  ColorJitter,
  GaussianBlur,
  RandomErasing,
})
