// Brightness, contrast, saturation, hue, gamma, and pictures in grey: torchvision's formulas for tensors.
import { cat, signatures, stack, type Tensor, TypeError, ValueError, where, zerosLike } from '@flambeau/core'
import { type AnyImage, Image } from '../io/image.ts'
import { convertImageDtype } from './convert.ts'
import {
  boundOf,
  checkChannels,
  dimensionsOf,
  floats,
  imageOrTensor,
  isFloat,
  onColours,
  onTensor,
  onValues,
  type Picture,
} from './images.ts'

const { anything, finite, int, optional, required, signature } = signatures

/** `ratio` parts of one picture and the rest of another. */
export const blend = (x: Tensor, other: Tensor, ratio: number): Tensor =>
  floats(x)
    .mul(ratio)
    .add(floats(other).mul(1 - ratio))
    .clamp(0, boundOf(x.dtype))
    .to(x.dtype)

/** Declares an adjustment by one factor, which must not be negative. */
const adjustment = (python: string, factor: string, adjust: (x: Tensor, factor: number) => Tensor) => {
  const read = signature(python, required('img', imageOrTensor), required(factor, finite))
  const name = factor.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  return <P extends Picture>(img: P, value: number): P => {
    const [picture, ratio] = read([img, value])
    if (!(ratio >= 0)) throw new ValueError(`${name} (${ratio}) is not non-negative.`)
    return onColours(picture as P, (x) => {
      checkChannels(x, [1, 3])
      return adjust(x, ratio)
    })
  }
}

/**
 * A picture darker or brighter: black for factor 0, itself for 1, twice as bright for 2.
 *
 * Takes and returns an `Image`, whose transparency stays, or a tensor [..., 1 or 3, height, width].
 *
 * @example
 * adjustBrightness(tensor([[[0.25, 0.75]]]), 2) // tensor([[[0.5000, 1.0000]]])
 */
export const adjustBrightness: <P extends Picture>(img: P, brightnessFactor: number) => P = adjustment(
  'adjust_brightness',
  'brightnessFactor',
  (x, factor) => blend(x, zerosLike(x), factor),
)

/**
 * A picture with less or more contrast: its mean grey for factor 0, itself for 1.
 *
 * Takes and returns an `Image`, whose transparency stays, or a tensor [..., 1 or 3, height, width].
 *
 * @example
 * adjustContrast(tensor([[[0.25, 0.75]]]), 0) // tensor([[[0.5000, 0.5000]]])
 */
export const adjustContrast: <P extends Picture>(img: P, contrastFactor: number) => P = adjustment(
  'adjust_contrast',
  'contrastFactor',
  (x, factor) => {
    const grey = x.dim() >= 3 && dimensionsOf(x)[0] === 3 ? greyOf(x) : x
    return blend(x, floats(grey).mean({ dim: x.dim() < 3 ? [-2, -1] : [-3, -2, -1], keepdim: true }), factor)
  },
)

/**
 * A picture with less or more colour: grey for factor 0, itself for 1.
 *
 * Takes and returns an `Image`, whose transparency stays, or a tensor [..., 1 or 3, height, width].
 *
 * @example
 * adjustSaturation(tensor([1, 0, 0]).reshape(3, 1, 1), 1).flatten() // tensor([1., 0., 0.])
 */
export const adjustSaturation: <P extends Picture>(img: P, saturationFactor: number) => P = adjustment(
  'adjust_saturation',
  'saturationFactor',
  (x, factor) => (dimensionsOf(x)[0] === 1 ? x : blend(x, greyOf(x), factor)),
)

const readHue = signature('adjust_hue', required('img', imageOrTensor), required('hueFactor', finite))
/**
 * A picture with its hues turned by `hueFactor` of the circle of colours, from -0.5 to 0.5. Grey pictures stay.
 *
 * Takes and returns an `Image`, whose transparency stays, or a tensor [..., 1 or 3, height, width].
 *
 * @example
 * adjustHue(tensor([1, 0, 0]).reshape(3, 1, 1), 0.5).flatten() // tensor([0., 1., 1.])
 */
export function adjustHue<P extends Picture>(img: P, hueFactor: number): P {
  const [picture, factor] = readHue([img, hueFactor])
  if (!(factor >= -0.5 && factor <= 0.5)) throw new ValueError(`hue_factor (${factor}) is not in [-0.5, 0.5].`)
  return onColours(picture as P, (x) => {
    if (checkChannels(x, [1, 3]) === 1) return x
    const isBytes = x.dtype === 'uint8'
    const [h, s, v] = toHsv(isBytes ? x.to('float32').div(255) : x)
    const turned = fromHsv(h.add(factor).remainder(1), s, v)
    return isBytes ? turned.mul(255).to('uint8') : turned
  })
}

/** Hue, saturation and value of a picture in red, green and blue. */
function toHsv(x: Tensor): [h: Tensor, s: Tensor, v: Tensor] {
  const [r, g, b] = x.unbind(-3)
  const most = x.amax({ dim: -3 })
  const range = most.sub(x.amin({ dim: -3 }))
  const isGrey = range.eq(0)
  // Of grey nothing is used that is divided here.
  const divisor = where(isGrey, 1, range)
  const saturation = range.div(where(isGrey, 1, most))
  const [rc, gc, bc] = [r, g, b].map((c) => most.sub(c).div(divisor))
  const isRed = most.eq(r)
  const isGreen = most.eq(g)
  const h = where(isRed, bc.sub(gc), where(isGreen, rc.add(2).sub(bc), gc.add(4).sub(rc)))
  return [h.div(6).add(1).fmod(1), saturation, most]
}

function fromHsv(h: Tensor, s: Tensor, v: Tensor): Tensor {
  const six = h.mul(6)
  const sector = six.floor()
  const f = six.sub(sector)
  const between = (x: Tensor) => x.clamp(0, 1)
  const p = between(v.mul(s.neg().add(1)))
  const q = between(v.mul(s.mul(f).neg().add(1)))
  const t = between(v.mul(s.mul(f.neg().add(1)).neg().add(1)))
  const i = sector.to('int32').remainder(6).unsqueeze(-3)
  const pick = (...values: Tensor[]) => stack(values, -3).gather(-3, i)
  return cat([pick(v, q, p, p, t, v), pick(t, v, v, q, p, p), pick(p, p, t, v, v, q)], -3)
}

const readGamma = signature(
  'adjust_gamma',
  required('img', imageOrTensor),
  required('gamma', finite),
  optional('gain', finite, 1),
)
/**
 * A picture with its values from 0 to 1 raised to the power `gamma`, times `gain`.
 *
 * @example
 * adjustGamma(tensor([[[0.5, 1]]]), 2) // tensor([[[0.2500, 1.0000]]])
 */
export function adjustGamma<P extends Picture>(img: P, gamma: number, gain = 1): P {
  const [picture, power, factor] = readGamma([img, gamma, gain])
  if (!(power >= 0)) throw new ValueError('Gamma should be a non-negative real number')
  return onColours(picture as P, (x) => {
    checkChannels(x, [1, 3])
    const values = isFloat(x.dtype) ? x : convertImageDtype(x, 'float32')
    return convertImageDtype(values.pow(power).mul(factor).clamp(0, 1), x.dtype)
  })
}

const readInvert = signature('invert', required('img', imageOrTensor))
/**
 * The negative of a picture.
 *
 * @example
 * invert(tensor([[[0.25]]])) // tensor([[[0.7500]]])
 */
export function invert<P extends Picture>(img: P): P {
  return onValues(readInvert([img])[0] as P, (x) => {
    if (x.dim() < 3) throw tooFew(x)
    checkChannels(x, [1, 3])
    return x.neg().add(boundOf(x.dtype))
  })
}

export const tooFew = (x: Tensor) =>
  new TypeError(`Input image tensor should have at least 3 dimensions, but found ${x.dim()}`)

const greyOf = (x: Tensor): Tensor => {
  if (x.dim() < 3) throw tooFew(x)
  if (checkChannels(x, [1, 3]) === 1) return x
  const [r, g, b] = floats(x).unbind(-3)
  return r.mul(0.2989).add(g.mul(0.587)).add(b.mul(0.114)).to(x.dtype).unsqueeze(-3)
}

const readGrey = signature('rgb_to_grayscale', required('img', imageOrTensor), optional('numOutputChannels', int, 1))
/**
 * A picture in grey, with 1 or 3 equal channels. An `Image` is converted as PIL does it.
 *
 * @example
 * rgbToGrayscale(ones(3, 2, 2)).shape // [1, 2, 2]
 */
export function rgbToGrayscale<P extends Picture>(
  img: P,
  numOutputChannels: number | { readonly numOutputChannels?: number } = 1,
): P {
  const [picture, channels] = readGrey([img, numOutputChannels])
  const checkCount = () => {
    if (channels !== 1 && channels !== 3) throw new ValueError('num_output_channels should be either 1 or 3')
  }
  if (picture instanceof Image) {
    checkCount()
    const grey = picture.convert('L')
    return (channels === 1 ? grey : grey.convert('RGB')) as P
  }
  return onTensor(picture, (x) => {
    const grey = greyOf(x)
    checkCount()
    if (channels === 1 || dimensionsOf(x)[0] === 1) return grey
    return grey.expand([...x.shape])
  }) as P
}

const readToGrey = signature('to_grayscale', required('img', anything), optional('numOutputChannels', int, 1))
/**
 * An `Image` in grey, with 1 or 3 equal channels; `rgbToGrayscale` takes tensors, too.
 *
 * Throws a TypeError for what is no `Image`.
 *
 * @example
 * toGrayscale(new io.Image(2, 1, 'RGB'), 3) // <Image mode=RGB size=2x1>
 */
export function toGrayscale(
  img: AnyImage,
  numOutputChannels: number | { readonly numOutputChannels?: number } = 1,
): Image {
  const [picture, channels] = readToGrey([img, numOutputChannels])
  if (!(picture instanceof Image)) throw new TypeError('Input should be PIL Image', 'rgbToGrayscale takes tensors.')
  return rgbToGrayscale(picture, channels)
}
