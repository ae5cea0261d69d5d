// Pictures of another size.
import { F, signatures, ValueError } from '@flambeau/core'
import { Image } from '../io/image.ts'
import { crop } from './crop.ts'
import { asBatch, between, checkPixels, dimensionsOf, imageOrTensor, onTensor, type Picture, wholes } from './images.ts'

const { bool, int, nullable, optional, required, signature } = signatures

/** How values between pixels are found: torchvision's names. */
export const InterpolationMode = { NEAREST: 'nearest', BILINEAR: 'bilinear', BICUBIC: 'bicubic' } as const
export type Interpolation = (typeof InterpolationMode)[keyof typeof InterpolationMode]
export const interpolationKind: signatures.Kind<Interpolation> = {
  expected: 'InterpolationMode',
  accepts: (x) => Object.values(InterpolationMode).includes(x as Interpolation),
  hint: `The modes are ${Object.values(InterpolationMode).join(', ')}.`,
}

export interface ResizeOptions {
  /** 'bilinear' by default. */
  readonly interpolation?: Interpolation
  /** The most that the longer side may have, where only the shorter one is given. */
  readonly maxSize?: number | null
  /** Whether to average over the pixels that a smaller one stands for. Images always do. */
  readonly antialias?: boolean | null
}
export const resizeParameters = [
  required('size', wholes),
  optional('interpolation', interpolationKind, 'bilinear' as Interpolation),
  optional('maxSize', nullable(int), null),
  optional('antialias', nullable(bool), null),
] as const
const readResize = signature('resize', required('img', imageOrTensor), ...resizeParameters)

/** Height and width of a size that may give only the shorter side. */
function resizedSize(
  size: number | readonly number[],
  height: number,
  width: number,
  maxSize: number | null,
): [height: number, width: number] {
  const sizes = typeof size === 'number' ? [size] : size
  if (sizes.length !== 1 && sizes.length !== 2) {
    throw new ValueError(
      `Size must be an int or a 1 or 2 element tuple/list, not a ${sizes.length} element tuple/list`,
      'Two elements are height and width.',
    )
  }
  if (sizes.some((s) => s <= 0)) throw new ValueError(`Size must be positive, but got ${sizes.join(', ')}`)
  if (sizes.length === 2) {
    if (maxSize === null) return [sizes[0], sizes[1]]
    throw new ValueError(
      'max_size should only be passed if size specifies the length of the smaller edge, i.e. size should be an int or a sequence of length 1 in torchscript mode.',
    )
  }
  let [short] = sizes
  let long = Math.floor((short * Math.max(height, width)) / Math.min(height, width))
  if (maxSize !== null) {
    if (maxSize <= short) {
      throw new ValueError(
        `max_size = ${maxSize} must be strictly greater than the requested size for the smaller edge size = [${short}]`,
      )
    }
    if (long > maxSize) [short, long] = [Math.floor((maxSize * short) / long), maxSize]
  }
  return width <= height ? [long, short] : [short, long]
}

/**
 * A picture in another size: [height, width], or the length of its shorter side.
 *
 * Throws a ValueError for another number of sizes, for sizes that are not positive, for a picture without pixels, and for
 * antialiasing of 'nearest'.
 *
 * @example
 * resize(ones(3, 4, 8), 2).shape // [3, 2, 4]
 */
export function resize<P extends Picture>(img: P, size: number | readonly number[], options?: ResizeOptions): P {
  const [picture, wanted, interpolation, maxSize, antialias] = readResize([img, size, options])
  const mode = between(picture, interpolation)
  const [, height, width] = dimensionsOf(picture)
  if (height === 0 || width === 0)
    throw new ValueError('height and width must be > 0', `The picture has ${height} x ${width} pixels.`)
  const to = resizedSize(wanted, height, width, maxSize)
  // Images are antialiased, as PIL does it, where there is such a filter.
  const smooth = picture instanceof Image ? mode !== 'nearest' : (antialias ?? false)
  if (smooth && mode === 'nearest')
    throw new ValueError('Antialias option is supported for bilinear and bicubic interpolation modes only')
  if (to[0] === height && to[1] === width) return picture as P
  checkPixels(...to)
  return onTensor(picture as P, (x) =>
    asBatch(x, (batch) => {
      const result = F.interpolate(batch, {
        size: to,
        mode,
        antialias: smooth,
        ...(mode === 'nearest' ? {} : { alignCorners: false }),
      })
      return mode === 'bicubic' && x.dtype === 'uint8' ? result.clamp(0, 255) : result
    }),
  )
}

const readResizedCrop = signature(
  'resized_crop',
  required('img', imageOrTensor),
  required('top', int),
  required('left', int),
  required('height', int),
  required('width', int),
  required('size', wholes),
  optional('interpolation', interpolationKind, 'bilinear' as Interpolation),
  optional('antialias', nullable(bool), null),
)
/**
 * A part of a picture in another size: `crop`, then `resize`.
 *
 * @example
 * resizedCrop(ones(3, 8, 8), 2, 2, 4, 4, [8, 8]).shape // [3, 8, 8]
 */
export function resizedCrop<P extends Picture>(
  img: P,
  top: number,
  left: number,
  height: number,
  width: number,
  size: number | readonly number[],
  options?: Omit<ResizeOptions, 'maxSize'>,
): P {
  const [picture, y, x, h, w, wanted, interpolation, antialias] = readResizedCrop([
    img,
    top,
    left,
    height,
    width,
    size,
    options,
  ])
  return resize(crop(picture as P, y, x, h, w), wanted, { interpolation, antialias })
}
