// Several parts of one picture: its corners and its middle, and those of its mirror image; and how large a picture is.
import { nn, signatures, ValueError } from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import { sizeMessage } from './classes.ts'
import { centerCrop, crop, hflip, vflip } from './crop.ts'
import { dimensionsOf, imageOrTensor, type Picture, python, sizeOf, wholes } from './images.ts'

const { bool, constructing, optional, required, signature } = signatures
const img = required('img', imageOrTensor)
const sizeParameter = required('size', wholes)
const flipParameter = optional('verticalFlip', bool, false)
type Size = number | readonly number[]

const readFive = signature('five_crop', img, sizeParameter)
/**
 * Five parts of a picture, each of a size or of [height, width]: the upper left corner, the upper right, the lower left,
 * the lower right, and the middle.
 *
 * Throws a ValueError for a size that is larger than the picture.
 *
 * @example
 * fiveCrop(tensor([[[1, 2, 3]]]), [1, 1])[4] // tensor([[[2.]]])
 */
export function fiveCrop<P extends Picture>(img: P, size: Size): [P, P, P, P, P] {
  const [given, sizes] = readFive([img, size])
  const picture = given as P
  const [height, width] = sizeOf(sizes, sizeMessage)
  const [, rows, columns] = dimensionsOf(picture)
  if (height > rows || width > columns)
    throw new ValueError(
      `Requested crop size ${typeof sizes === 'number' ? python([height, width]) : `[${height}, ${width}]`} is bigger than input size ${python([rows, columns])}`,
    )
  const at = (top: number, left: number): P => crop(picture, top, left, height, width)
  const [bottom, right] = [rows - height, columns - width]
  return [at(0, 0), at(0, right), at(bottom, 0), at(bottom, right), centerCrop(picture, [height, width])]
}

const readTen = signature('ten_crop', img, sizeParameter, flipParameter)
/**
 * The five parts of a picture and those of its mirror image, left to right or with `verticalFlip` top to bottom.
 *
 * Throws a ValueError for a size that is larger than the picture.
 *
 * @example
 * tenCrop(ones(3, 6, 6), 4).length // 10
 */
export function tenCrop<P extends Picture>(
  img: P,
  size: Size,
  verticalFlip: boolean | { readonly verticalFlip?: boolean } = false,
): P[] {
  const [given, sizes, isVertical] = readTen([img, size, verticalFlip])
  const picture = given as P
  return [...fiveCrop(picture, sizes), ...fiveCrop((isVertical ? vflip : hflip)(picture), sizes)]
}

const readFiveCrop = constructing('FiveCrop', sizeParameter)
/**
 * The four corners and the middle of a picture, as a list: `fiveCrop`.
 *
 * @example
 * new FiveCrop(2).forward(ones(3, 4, 6)).length // 5
 */
export class FiveCrop extends nn.Module {
  readonly size: readonly [height: number, width: number]

  constructor(size: Size) {
    super()
    this.size = sizeOf(readFiveCrop([size])[0], sizeMessage)
  }

  override forward<P extends Picture>(img: P): [P, P, P, P, P] {
    return fiveCrop(img, this.size)
  }

  override extraRepr(): string {
    return `size=${python(this.size)}`
  }
}

const readTenCrop = constructing('TenCrop', sizeParameter, flipParameter)
/**
 * The four corners and the middle of a picture and of its mirror image, as a list: `tenCrop`.
 *
 * @example
 * new TenCrop(2).forward(ones(3, 4, 6)).length // 10
 */
export class TenCrop extends nn.Module {
  readonly size: readonly [height: number, width: number]
  readonly verticalFlip: boolean

  constructor(size: Size, verticalFlip: boolean | { readonly verticalFlip?: boolean } = false) {
    super()
    const [sizes, isVertical] = readTenCrop([size, verticalFlip])
    this.size = sizeOf(sizes, sizeMessage)
    this.verticalFlip = isVertical
  }

  override forward<P extends Picture>(img: P): P[] {
    return tenCrop(img, this.size, this.verticalFlip)
  }

  override extraRepr(): string {
    return `size=${python(this.size)}, vertical_flip=${python(this.verticalFlip)}`
  }
}

const readDimensions = signature('get_dimensions', img)
/**
 * Channels, height and width of a picture.
 *
 * @example
 * getDimensions(ones(8, 3, 4, 6)) // [3, 4, 6]
 */
export const getDimensions = (img: Picture): [channels: number, height: number, width: number] =>
  dimensionsOf(readDimensions([img])[0])

const readSize = signature('get_image_size', img)
/**
 * Width and height of a picture, in this order.
 *
 * @example
 * getImageSize(ones(3, 4, 6)) // [6, 4]
 */
export function getImageSize(img: Picture): [width: number, height: number] {
  const [, height, width] = dimensionsOf(readSize([img])[0])
  return [width, height]
}

const readChannels = signature('get_image_num_channels', img)
/**
 * The number of a picture's channels.
 *
 * @example
 * getImageNumChannels(ones(3, 4, 6)) // 3
 */
export const getImageNumChannels = (img: Picture): number => dimensionsOf(readChannels([img])[0])[0]

nameClasses({ FiveCrop, TenCrop })
