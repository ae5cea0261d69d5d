// Parts of pictures, pictures with borders, and mirror images.
import {
  RuntimeError,
  signatures,
  type Tensor,
  tensor as tensorOf,
  TypeError,
  ValueError,
  pad as padTensor,
  zeros,
} from '@flambeau/core'
import {
  checkPixels,
  dimensionsOf,
  imageOrTensor,
  onTensor,
  type Picture,
  pythonRound,
  sizeOf,
  tensorPicture,
  wholes,
} from './images.ts'

const { bool, finite, int, optional, required, signature, str, tensor } = signatures

/** What a border is filled with: one value, or the picture's edge, or its mirror image without or with the edge. */
export type PaddingMode = 'constant' | 'edge' | 'reflect' | 'symmetric'
export const paddingModes: readonly PaddingMode[] = ['constant', 'edge', 'reflect', 'symmetric']

/** Throws for a padding or a mode that is none. */
export function checkPadding(padding: number | readonly number[], mode: string): asserts mode is PaddingMode {
  if (typeof padding !== 'number' && ![1, 2, 4].includes(padding.length)) {
    throw new ValueError(
      `Padding must be an int or a 1, 2, or 4 element tuple, not a ${padding.length} element tuple`,
      'The elements are all sides; left and right, top and bottom; or left, top, right, bottom.',
    )
  }
  if (!paddingModes.includes(mode as PaddingMode))
    throw new ValueError('Padding mode should be either constant, edge, reflect or symmetric')
}

/** The sides of torchvision's forms of padding. */
const sidesOf = (padding: number | readonly number[]): [left: number, top: number, right: number, bottom: number] => {
  if (typeof padding === 'number') return [padding, padding, padding, padding]
  const [left, top = left, right = left, bottom = top] = padding
  return [left, top, right, bottom]
}

const readPad = signature(
  'pad',
  required('img', imageOrTensor),
  required('padding', wholes),
  optional('fill', finite, 0),
  optional('paddingMode', str, 'constant'),
)

export interface PadOptions {
  /** The value of the border; 0 by default. */
  readonly fill?: number
  /** What the border is filled with; `fill` by default. */
  readonly paddingMode?: PaddingMode
}

/**
 * A picture with a border: `padding` pixels on all sides, [left and right, top and bottom], or [left, top, right,
 * bottom]. Negative numbers cut pixels off.
 *
 * Throws a ValueError for another number of sides or an unknown mode, and a RuntimeError for a reflected border that is
 * wider than the picture.
 *
 * @example
 * pad(tensor([[1, 2]]), [1, 0], { paddingMode: 'edge' }) // tensor([[1., 1., 2., 2.]])
 */
export function pad<P extends Picture>(
  img: P,
  padding: number | readonly number[],
  fill?: number | PadOptions,
  paddingMode?: PaddingMode,
): P {
  const [picture, sides, value, mode] = readPad([img, padding, fill, paddingMode])
  checkPadding(sides, mode)
  const [left, top, right, bottom] = sidesOf(sides)
  const [, rows, columns] = dimensionsOf(picture)
  checkPixels(rows + top + bottom, columns + left + right)
  return onTensor(picture as P, (x) => {
    if (mode === 'constant') return padTensor(x, [left, right, top, bottom], 'constant', value)
    return selected(selected(x, -1, left, right, mode), -2, top, bottom, mode)
  })
}

/** Extends a dimension on both sides by elements of its own. */
function selected(x: Tensor, dim: number, low: number, high: number, mode: PaddingMode): Tensor {
  if (low === 0 && high === 0) return x
  const n = x.shape[x.dim() + dim]
  // Reflection turns at the edge element, or behind it.
  const around = mode === 'reflect' ? n - 1 : n
  if (mode !== 'edge' && Math.max(low, high) > around) {
    throw new RuntimeError(
      `Padding size should be less than the corresponding input dimension, but got: padding (${low}, ${high}) at dimension ${x.dim() + dim} of input [${x.shape.join(', ')}]`,
      'A border of another mode may be wider than the picture.',
    )
  }
  const indices = Array.from({ length: low + n + high }, (_, k) => {
    const i = k - low
    if (mode === 'edge') return Math.min(Math.max(i, 0), n - 1)
    if (i < 0) return mode === 'reflect' ? -i : -i - 1
    return i < n ? i : 2 * around - (mode === 'reflect' ? i : i + 1)
  })
  return x.indexSelect(x.dim() + dim, tensorOf(Int32Array.from(indices), { device: x.device }))
}

const readCrop = signature(
  'crop',
  required('img', imageOrTensor),
  required('top', int),
  required('left', int),
  required('height', int),
  required('width', int),
)

/**
 * A part of a picture, whose top left pixel is at `top`, `left`. Where the part lies outside the picture it is 0.
 *
 * Throws a ValueError for a size that is not positive.
 *
 * @example
 * crop(tensor([[1, 2, 3], [4, 5, 6]]), 0, 1, 2, 2) // tensor([[2., 3.],
 * //         [5., 6.]])
 */
export function crop<P extends Picture>(img: P, top: number, left: number, height: number, width: number): P {
  const [picture, y, x, h, w] = readCrop([img, top, left, height, width])
  if (h <= 0 || w <= 0) throw new ValueError(`Height and width of a crop should be positive, but got ${h} and ${w}`)
  checkPixels(h, w)
  const [, rows, columns] = dimensionsOf(picture)
  const [y1, x1] = [Math.min(y + h, rows), Math.min(x + w, columns)]
  const [y0, x0] = [Math.max(y, 0), Math.max(x, 0)]
  return onTensor(picture as P, (t) => {
    if (y1 <= y0 || x1 <= x0) return zeros([...t.shape.slice(0, -2), h, w], { dtype: t.dtype, device: t.device })
    const part = t.narrow(-2, y0, y1 - y0).narrow(-1, x0, x1 - x0)
    if (y1 - y0 === h && x1 - x0 === w) return part
    return padTensor(part, [x0 - x, x + w - x1, y0 - y, y + h - y1], 'constant', 0)
  })
}

const readCenterCrop = signature('center_crop', required('img', imageOrTensor), required('outputSize', wholes))
/**
 * The middle of a picture, of a size or of [height, width]. A picture that is smaller gets a border of 0.
 *
 * @example
 * centerCrop(tensor([[1, 2, 3, 4]]), [1, 2]) // tensor([[2., 3.]])
 */
export function centerCrop<P extends Picture>(img: P, outputSize: number | readonly number[]): P {
  const [picture, size] = readCenterCrop([img, outputSize])
  const [height, width] = sizeOf(size, 'Please provide only two dimensions (h, w) for size.')
  const [, rows, columns] = dimensionsOf(picture)
  // torchvision rounds a border's half down, and the offset in a larger picture to even.
  const offset = (full: number, part: number) =>
    part > full ? -Math.floor((part - full) / 2) : pythonRound((full - part) / 2)
  return crop(picture as P, offset(rows, height), offset(columns, width), height, width)
}

const readFlip = [
  signature('hflip', required('img', imageOrTensor)),
  signature('vflip', required('img', imageOrTensor)),
]
/**
 * A picture with left and right exchanged.
 *
 * @example
 * hflip(tensor([[1, 2]])) // tensor([[2., 1.]])
 */
export function hflip<P extends Picture>(img: P): P {
  return onTensor(readFlip[0]([img])[0] as P, (x) => x.flip(-1))
}

/**
 * A picture with top and bottom exchanged.
 *
 * @example
 * vflip(tensor([[1], [2]])) // tensor([[2.],
 * //         [1.]])
 */
export function vflip<P extends Picture>(img: P): P {
  return onTensor(readFlip[1]([img])[0] as P, (x) => x.flip(-2))
}

const readErase = signature(
  'erase',
  required('img', tensorPicture),
  required('i', int),
  required('j', int),
  required('h', int),
  required('w', int),
  required('v', tensor),
  optional('inplace', bool, false),
)
/**
 * A tensor with the `h` x `w` pixels from row `i` and column `j` on replaced by `v`, which broadcasts.
 *
 * @example
 * erase(ones(1, 1, 3), 0, 1, 1, 2, zeros(1)) // tensor([[[1., 0., 0.]]])
 */
export function erase(img: Tensor, i: number, j: number, h: number, w: number, v: Tensor, inplace = false): Tensor {
  const [x, row, column, rows, columns, value, isInplace] = readErase([img, i, j, h, w, v, inplace])
  if (x.dim() < 2) throw new TypeError('Tensor is not a torch image.')
  const result = isInplace ? x : x.clone()
  result.narrow(-2, row, rows).narrow(-1, column, columns).copy_(value)
  return result
}
