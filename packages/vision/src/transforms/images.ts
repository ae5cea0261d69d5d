// What all transforms share: they take an `Image` or a tensor [..., channels, height, width], and return what they took.
import { cat, type DType, empty, randint, rand, signatures, Tensor, TypeError, ValueError } from '@flambeau/core'
import { className } from '@flambeau/core/backend'
import { type AnyImage, Image, imageKind, type ImageMode } from '../io/image.ts'
import { imageLike, pixelsOf } from '../io/pixels.ts'

/** The input of a transform. */
export type Picture = AnyImage | Tensor

const { either, finite, int, ints, list, tensor } = signatures
export const imageOrTensor: signatures.Kind<Picture> = {
  expected: 'Image or Tensor',
  accepts: (x) => x instanceof Image || tensor.accepts(x),
  hint: 'A tensor of pictures has the shape [..., channels, height, width].',
}
/** The type of a value, as Python prints it. */
const pythonType = (x: unknown): string => {
  if (x === null || x === undefined) return "<class 'NoneType'>"
  if (x instanceof Tensor) return "<class 'torch.Tensor'>"
  if (Array.isArray(x)) return "<class 'list'>"
  if (typeof x === 'string') return "<class 'str'>"
  return `<class '${typeof x === 'object' && typeof x.constructor === 'function' ? className(x.constructor) : typeof x}'>`
}
/** A tensor of a picture, for what does not take an `Image`. */
export const tensorPicture: signatures.Kind<Tensor> = {
  ...tensor,
  refuse: (x) =>
    new TypeError(
      `img should be Tensor Image. Got ${pythonType(x)}`,
      x instanceof Image ? 'Put ToTensor before it, which makes a tensor of an Image.' : undefined,
    ),
}
/** An `Image`, for what makes a tensor of it. */
export const imagePicture: signatures.Kind<AnyImage> = {
  ...imageKind,
  refuse: (x) =>
    new TypeError(
      `pic should be PIL Image or ndarray. Got ${pythonType(x)}`,
      x instanceof Tensor
        ? 'It is a tensor already. ConvertImageDtype makes floats from 0 to 1 of bytes.'
        : 'PIL’s Image is io.Image here: await io.openImage(path) reads one.',
    ),
}
/** A number, or several. */
export const numbers = either(finite, list(finite))
/** A whole number, or several. */
export const wholes = either(int, ints)

/** Applies a function of tensors to a picture of either kind. */
export function onTensor<P extends Picture>(picture: P, fn: (x: Tensor) => Tensor): P {
  if (picture instanceof Tensor) {
    if ((picture as Tensor).dim() < 2) throw new TypeError('Tensor is not a torch image.', imageOrTensor.hint)
    return fn(picture) as P
  }
  return imageLike(fn(pixelsOf(picture as AnyImage)), picture as AnyImage) as P
}

/** Applies a function of values to a picture whose values mean grey or colours: bytes, unless `without` is shorter. */
export function onValues<P extends Picture>(
  picture: P,
  fn: (x: Tensor) => Tensor,
  without: readonly ImageMode[] = ['1', 'P', 'I'],
): P {
  if (picture instanceof Image && without.includes(picture.mode)) {
    throw new ValueError(
      'image has wrong mode',
      `Its mode is ${picture.mode}. Convert it first: image.convert('${picture.mode === 'P' ? 'RGB' : 'L'}').`,
    )
  }
  return onTensor(picture, fn)
}

/** Nothing lies between the pixels of a palette, or between black and white. */
export const between = <M>(picture: Picture, mode: M): M | 'nearest' =>
  picture instanceof Image && (picture.mode === 'P' || picture.mode === '1') ? 'nearest' : mode

/** Applies a function of colours to a picture; the transparency of an `Image` stays. */
export const onColours = <P extends Picture>(picture: P, fn: (x: Tensor) => Tensor): P =>
  onValues(picture, (x) => {
    if (picture instanceof Tensor || !picture.mode.endsWith('A')) return fn(x)
    const colours = picture.channels - 1
    return cat([fn(x.narrow(-3, 0, colours)), x.narrow(-3, colours, 1)], -3)
  })

/** Channels, height and width. */
export function dimensionsOf(picture: Picture): [channels: number, height: number, width: number] {
  if (picture instanceof Image) return [picture.channels, picture.height, picture.width]
  const sizes = picture.shape
  const rank = sizes.length
  if (rank < 2) throw new TypeError('Tensor is not a torch image.', imageOrTensor.hint)
  return [rank === 2 ? 1 : sizes[rank - 3], sizes[rank - 2], sizes[rank - 1]]
}

export const isFloat = (dtype: DType): boolean => dtype === 'float32' || dtype === 'float64'
/** Throws for a result of more pixels than arrays can hold, before anything is computed for it. */
export function checkPixels(height: number, width: number): void {
  if (height * width < 2 ** 31) return
  throw new ValueError(`a picture of ${height} x ${width} pixels is too large`, 'It would have 2^31 pixels or more.')
}

/** Integers as float32; floats as they are. */
export const floats = (x: Tensor): Tensor => (isFloat(x.dtype) ? x : x.to('float32'))
/**
 * Applies a function of float batches [n, channels, height, width] to a picture of any rank and dtype; integers are
 * rounded at the end.
 */
export function asBatch(x: Tensor, fn: (batch: Tensor) => Tensor): Tensor {
  const lead = x.shape.slice(0, -3)
  const [channels, height, width] = dimensionsOf(x)
  const result = fn(floats(x).reshape([-1, channels, height, width]))
  const [, , rows, columns] = result.shape
  const shaped = result.reshape(x.dim() === 2 ? [rows, columns] : [...lead, channels, rows, columns])
  return isFloat(x.dtype) ? shaped : shaped.round().to(x.dtype)
}

/** The greatest value of a dtype's pictures. */
export const boundOf = (dtype: DType): number => (isFloat(dtype) ? 1 : 255)

export function checkChannels(x: Tensor, permitted: readonly number[]): number {
  const [channels] = dimensionsOf(x)
  if (permitted.includes(channels)) return channels
  throw new TypeError(
    `Input image tensor permitted channel values are [${permitted.join(', ')}], but found ${channels}`,
    channels === 4 ? "Without transparency it has 3: image.convert('RGB'), or x.narrow(-3, 0, 3)." : undefined,
  )
}

/** Rounds as Python does: halves to even, and to 0 from below. */
export const pythonRound = (x: number): number => {
  const floor = Math.floor(x)
  return x - floor === 0.5 ? floor + (floor % 2 === 0 ? 0 : 1) : Math.round(x) + 0
}

// ---- draws, each as torchvision makes it ----

export const drawUniform = (low: number, high: number): number => empty([1]).uniform_(low, high).item()
export const drawBetween = (low: number, high: number): number => randint(low, high, [1]).item()
export const drawBelow = (high: number): number => drawBetween(0, high)
export const draw01 = (): number => rand(1).item()

// ---- arguments ----

/** [height, width] of one number, a list of one, or a list of two. */
export function sizeOf(size: number | readonly number[], message: string): [height: number, width: number] {
  if (typeof size === 'number') return [size, size]
  if (size.length === 1) return [size[0], size[0]]
  if (size.length !== 2) throw new ValueError(message)
  return [size[0], size[1]]
}

/** A list of floats, or a tuple with '()', as Python prints it. */
export const pythonFloats = (list: readonly number[], [open, close]: string = '[]'): string =>
  `${open}${list.map((x) => (Number.isInteger(x) ? `${x}.0` : String(x))).join(', ')}${close}`

/** A value as Python prints it in reprs. */
export const python = (x: unknown): string => {
  if (x === null || x === undefined) return 'None'
  if (typeof x === 'boolean') return x ? 'True' : 'False'
  if (Array.isArray(x)) return `(${x.map(python).join(', ')}${x.length === 1 ? ',' : ''})`
  return String(x)
}
