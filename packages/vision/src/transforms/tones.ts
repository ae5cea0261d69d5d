// Fewer tones, inverted bright tones, stretched and spread tones, sharper edges: functions, and modules that do it some of the time.
import {
  bitwiseAnd,
  conv2d,
  onesLike,
  pad as padTensor,
  signatures,
  tensor as tensorOf,
  type Tensor,
  TypeError,
  ValueError,
  where,
} from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import { blend, invert, tooFew } from './color.ts'
import { RandomChange } from './chance.ts'
import { asBatch, boundOf, checkChannels, floats, imageOrTensor, onColours, onValues, type Picture } from './images.ts'

const { constructing, finite, int, optional, required, signature } = signatures
const img = required('img', imageOrTensor)

/** Throws for what is no picture with one or three channels. */
function check(x: Tensor): void {
  if (x.dim() < 3) throw tooFew(x)
  checkChannels(x, [1, 3])
}

function checkBytes(x: Tensor): void {
  if (x.dtype !== 'uint8')
    throw new TypeError(`Only torch.uint8 image tensors are supported, but found torch.${x.dtype}`)
}

const readPosterize = signature('posterize', img, required('bits', int))
/**
 * A picture with fewer tones: of each byte the first `bits` bits. Takes and returns an `Image` or a uint8 tensor [..., 1 or
 * 3, height, width].
 *
 * Throws a TypeError for a tensor of another dtype, and a ValueError for bits that are not 0 to 8.
 *
 * @example
 * posterize(tensor([[[100, 200]]], { dtype: 'uint8' }), 1) // tensor([[[  0, 128]]], dtype=torch.uint8)
 */
export function posterize<P extends Picture>(img: P, bits: number): P {
  const [picture, kept] = readPosterize([img, bits])
  return onValues(picture as P, (x) => {
    if (x.dim() < 3) throw tooFew(x)
    checkBytes(x)
    checkChannels(x, [1, 3])
    if (kept < 0 || kept > 8) throw new ValueError(`bits should be between 0 and 8, but got ${kept}`)
    return bitwiseAnd(x, 256 - 2 ** (8 - kept))
  })
}

const readSolarize = signature('solarize', img, required('threshold', finite))
/**
 * A picture whose tones from `threshold` on are inverted. Takes and returns an `Image` or a tensor [..., 1 or 3, height,
 * width].
 *
 * Throws a TypeError for a threshold above white: 255, or 1 for floats.
 *
 * @example
 * solarize(tensor([[[0.25, 0.75]]]), 0.5) // tensor([[[0.2500, 0.2500]]])
 */
export function solarize<P extends Picture>(img: P, threshold: number): P {
  const [picture, bound] = readSolarize([img, threshold])
  return onValues(picture as P, (x) => {
    check(x)
    if (bound > boundOf(x.dtype)) throw new TypeError('Threshold should be less than bound of img.')
    return where(x.ge(bound), invert(x), x)
  })
}

const readAutocontrast = signature('autocontrast', img)
/**
 * A picture whose channels each reach from black to white; a channel of a single tone stays. Takes and returns an `Image`
 * or a tensor [..., 1 or 3, height, width].
 *
 * @example
 * autocontrast(tensor([[[0.25, 0.5]]])) // tensor([[[0., 1.]]])
 */
export function autocontrast<P extends Picture>(img: P): P {
  return onValues(readAutocontrast([img])[0] as P, (x) => {
    check(x)
    const values = floats(x)
    const [least, most] = [values.amin({ dim: [-2, -1], keepdim: true }), values.amax({ dim: [-2, -1], keepdim: true })]
    const bound = boundOf(x.dtype)
    const isFlat = most.eq(least)
    const scale = where(isFlat, 1, where(isFlat, 1, most.sub(least)).reciprocal().mul(bound))
    return values
      .sub(where(isFlat, 0, least))
      .mul(scale)
      .clamp(0, bound)
      .to(x.dtype)
  })
}

const readSharpness = signature('adjust_sharpness', img, required('sharpnessFactor', finite))
/**
 * A picture with softer or sharper edges: blurred for factor 0, itself for 1, twice as sharp for 2. Takes and returns an
 * `Image`, whose transparency stays, or a tensor [..., 1 or 3, height, width]; one of less than three rows or columns
 * stays as it is.
 *
 * Throws a ValueError for a negative factor.
 *
 * @example
 * adjustSharpness(ones(1, 3, 3), 2).shape // [1, 3, 3]
 */
export function adjustSharpness<P extends Picture>(img: P, sharpnessFactor: number): P {
  const [picture, factor] = readSharpness([img, sharpnessFactor])
  if (!(factor >= 0)) throw new ValueError(`sharpness_factor (${factor}) is not non-negative.`)
  return onColours(picture as P, (x) => {
    check(x)
    const [height, width] = x.shape.slice(-2)
    return height <= 2 || width <= 2 ? x : blend(x, softened(x), factor)
  })
}

/** Each pixel mixed with its neighbours, except for those at the border. */
function softened(x: Tensor): Tensor {
  const inner = asBatch(x, (batch) => {
    const weights = tensorOf([1, 1, 1, 1, 5, 1, 1, 1, 1], { dtype: batch.dtype, device: batch.device }).div(13)
    const kernel = weights.reshape(1, 1, 3, 3).expand([batch.shape[1], 1, 3, 3])
    return conv2d(batch, kernel, { groups: batch.shape[1] })
  })
  const isInner = padTensor(onesLike(inner), [1, 1, 1, 1], 'constant', 0).gt(0)
  return where(isInner, padTensor(inner, [1, 1, 1, 1], 'constant', 0), x)
}

const readEqualize = signature('equalize', img)
/**
 * A picture whose tones are spread so that each is about as frequent, in each channel. Takes and returns an `Image` or a
 * uint8 tensor [..., 1 or 3, height, width].
 *
 * Throws a TypeError for a tensor of another dtype, and for one of other than three or four dimensions.
 *
 * @example
 * equalize(tensor([[[1, 2, 3, 4]]], { dtype: 'uint8' })).shape // [1, 1, 4]
 */
export function equalize<P extends Picture>(img: P): P {
  return onValues(readEqualize([img])[0] as P, (x) => {
    const rank = x.dim()
    if (rank < 3 || rank > 4) throw new TypeError(`Input image tensor should have 3 or 4 dimensions, but found ${rank}`)
    checkBytes(x)
    checkChannels(x, [1, 3])
    const [height, width] = x.shape.slice(-2)
    const size = height * width
    const bytes = Uint8Array.from(x.toArray())
    for (let from = 0; from < bytes.length; from += size) spread(bytes.subarray(from, from + size))
    return tensorOf(bytes, { device: x.device }).reshape(x.shape)
  })
}

/** Spreads the tones of one channel, as PIL and torchvision do, in whole numbers. */
function spread(channel: Uint8Array): void {
  const counts = new Uint32Array(256)
  for (const tone of channel) counts[tone]++
  const brightest = channel.reduce((most, tone) => Math.max(most, tone), 0)
  const step = Math.floor((channel.length - counts[brightest]) / 255)
  if (step === 0) return
  const table = new Uint8Array(256)
  let sum = Math.floor(step / 2)
  for (let tone = 0; tone < 256; tone++) {
    table[tone] = Math.min(Math.floor(sum / step), 255)
    sum += counts[tone]
  }
  for (const [i, tone] of channel.entries()) channel[i] = table[tone]
}

const chance = optional('p', finite, 0.5)
type Probability = number | { readonly p?: number }

const readInvert = constructing('RandomInvert', chance)
/**
 * Makes a picture negative with probability `p`, 0.5 by default.
 *
 * @example
 * new RandomInvert({ p: 1 }).forward(ones(1, 1, 2)) // tensor([[[0., 0.]]])
 */
export class RandomInvert extends RandomChange {
  constructor(p?: Probability) {
    super(readInvert([p])[0])
  }

  protected override changed<P extends Picture>(img: P): P {
    return invert(img)
  }
}

const readAutomatic = constructing('RandomAutocontrast', chance)
/**
 * Stretches the tones of a picture with probability `p`, 0.5 by default.
 *
 * @example
 * new RandomAutocontrast({ p: 1 }).forward(tensor([[[0.25, 0.5]]])) // tensor([[[0., 1.]]])
 */
export class RandomAutocontrast extends RandomChange {
  constructor(p?: Probability) {
    super(readAutomatic([p])[0])
  }

  protected override changed<P extends Picture>(img: P): P {
    return autocontrast(img)
  }
}

const readFew = constructing('RandomPosterize', required('bits', int), chance)
/**
 * Keeps `bits` bits of each byte with probability `p`, 0.5 by default.
 *
 * @example
 * new RandomPosterize(1, 1).forward(tensor([[[200]]], { dtype: 'uint8' })) // tensor([[[128]]], dtype=torch.uint8)
 */
export class RandomPosterize extends RandomChange {
  readonly bits: number

  constructor(bits: number, p?: Probability) {
    const [read, chance] = readFew([bits, p])
    super(chance)
    this.bits = read
  }

  protected override changed<P extends Picture>(img: P): P {
    return posterize(img, this.bits)
  }

  override extraRepr(): string {
    return `bits=${this.bits},${super.extraRepr()}`
  }
}

const readBright = constructing('RandomSolarize', required('threshold', finite), chance)
/**
 * Inverts tones from `threshold` on with probability `p`, 0.5 by default.
 *
 * @example
 * new RandomSolarize(0.5, 1).forward(tensor([[[0.75]]])) // tensor([[[0.2500]]])
 */
export class RandomSolarize extends RandomChange {
  readonly threshold: number

  constructor(threshold: number, p?: Probability) {
    const [read, chance] = readBright([threshold, p])
    super(chance)
    this.threshold = read
  }

  protected override changed<P extends Picture>(img: P): P {
    return solarize(img, this.threshold)
  }

  override extraRepr(): string {
    return `threshold=${this.threshold},${super.extraRepr()}`
  }
}

const readSharp = constructing('RandomAdjustSharpness', required('sharpnessFactor', finite), chance)
/**
 * Adjusts the sharpness of a picture with probability `p`, 0.5 by default.
 *
 * @example
 * new RandomAdjustSharpness(2, 1).forward(ones(1, 3, 3)).shape // [1, 3, 3]
 */
export class RandomAdjustSharpness extends RandomChange {
  readonly sharpnessFactor: number

  constructor(sharpnessFactor: number, p?: Probability) {
    const [read, chance] = readSharp([sharpnessFactor, p])
    super(chance)
    this.sharpnessFactor = read
  }

  protected override changed<P extends Picture>(img: P): P {
    return adjustSharpness(img, this.sharpnessFactor)
  }

  override extraRepr(): string {
    return `sharpness_factor=${this.sharpnessFactor},${super.extraRepr()}`
  }
}

const readEqualized = constructing('RandomEqualize', chance)
/**
 * Spreads the tones of a picture with probability `p`, 0.5 by default.
 *
 * @example
 * new RandomEqualize({ p: 0 }).forward(ones(1, 1, 2)) // tensor([[[1., 1.]]])
 */
export class RandomEqualize extends RandomChange {
  constructor(p?: Probability) {
    super(readEqualized([p])[0])
  }

  protected override changed<P extends Picture>(img: P): P {
    return equalize(img)
  }
}

nameClasses({
  RandomAdjustSharpness,
  RandomAutocontrast,
  RandomEqualize,
  RandomInvert,
  RandomPosterize,
  RandomSolarize,
})
