// Many pictures in one, and pictures of tensors in files.
import { full, noGrad, RuntimeError, signatures, stack, type Tensor, TypeError, ValueError } from '@flambeau/core'
import { writeJpeg, writePng } from '../io/read.ts'

const { bool, either, finite, int, list, nullable, optional, required, signature, tensor, tensors } = signatures

/** torchvision's options of `makeGrid`. */
export interface GridOptions {
  /** Pictures in a row; 8 by default. */
  readonly nrow?: number
  /** Pixels around every picture; 2 by default. */
  readonly padding?: number
  /** Whether to scale values to 0 to 1; false by default. */
  readonly normalize?: boolean
  /** With `normalize`: the values that become 0 and 1; by default the least and the greatest of all. */
  readonly valueRange?: readonly [low: number, high: number] | null
  /** With `normalize`: whether every picture has its own least and greatest value. */
  readonly scaleEach?: boolean
  /** The value of the padding; 0 by default. */
  readonly padValue?: number
}

const gridParameters = [
  optional('nrow', int, 8),
  optional('padding', int, 2),
  optional('normalize', bool, false),
  optional('valueRange', nullable(list(finite)), null),
  optional('scaleEach', bool, false),
  optional('padValue', finite, 0),
] as const
const pictures = required('tensor', either(tensor, tensors))
const readGrid = signature('make_grid', pictures, ...gridParameters)

/**
 * One picture of many, as torchvision's `make_grid`: takes a batch [n, channels, height, width], a list of pictures
 * [channels, height, width], or one picture, also [height, width]; returns [3, height, width] for 1 or 3 channels. The
 * result of one picture is the picture without padding.
 *
 * Throws a TypeError for a range that is no pair, and a RuntimeError for another number of dimensions and for an empty
 * batch.
 *
 * @example
 * utils.makeGrid(rand(10, 1, 28, 28), { nrow: 5 }).shape // [3, 62, 152]
 */
export function makeGrid(pictures: Tensor | readonly Tensor[], options?: GridOptions): Tensor {
  const [given, nrow, padding, normalize, valueRange, scaleEach, padValue] = readGrid([pictures, options])
  if (valueRange !== null && valueRange.length !== 2)
    throw new TypeError('value_range has to be a tuple (min, max) if specified. min and max are numbers')
  if (nrow < 1 || padding < 0)
    throw new RuntimeError(`make_grid needs nrow > 0 and padding >= 0, but got nrow=${nrow} and padding=${padding}`)
  return noGrad(() => {
    let batch = batchOf(Array.isArray(given) ? stack([...(given as readonly Tensor[])]) : (given as Tensor))
    if (batch.shape[0] === 0) throw new RuntimeError('make_grid needs at least one picture', 'The batch is empty.')
    if (normalize) {
      const scaled = (x: Tensor): Tensor => {
        const [low, high] = valueRange ?? [x.min().item(), x.max().item()]
        return x
          .clamp(low, high)
          .sub(low)
          .div(Math.max(high - low, 1e-5))
      }
      batch = scaleEach ? stack(batch.unbind(0).map(scaled)) : scaled(batch)
    }
    const [n, channels, height, width] = batch.shape
    if (n === 1) return batch.squeeze(0)
    const columns = Math.min(nrow, n)
    const [down, across] = [height + padding, width + padding]
    const grid = full([channels, down * Math.ceil(n / columns) + padding, across * columns + padding], padValue, {
      dtype: batch.dtype,
      device: batch.device,
    })
    for (let k = 0; k < n; k++) {
      const [row, column] = [Math.floor(k / columns), k % columns]
      grid
        .narrow(1, row * down + padding, height)
        .narrow(2, column * across + padding, width)
        .copy_(batch.select(0, k))
    }
    return grid
  })
}

/** Pictures as a batch; grey ones get three channels. */
function batchOf(x: Tensor): Tensor {
  if (x.dim() === 2) return batchOf(x.unsqueeze(0))
  if (x.dim() === 3) return batchOf(x.unsqueeze(0))
  if (x.dim() !== 4)
    throw new RuntimeError(
      `make_grid expects pictures of 2 to 4 dimensions, but got ${x.dim()}`,
      'A batch has the shape [n, channels, height, width].',
    )
  return x.shape[1] === 1 ? x.expand([x.shape[0], 3, x.shape[2], x.shape[3]]) : x
}

const readSave = signature('save_image', pictures, required('fp', signatures.str), ...gridParameters)

/**
 * Writes pictures with values from 0 to 1 into a file, a grid of those of `makeGrid`: PNG, or JPEG for a name that ends
 * with .jpg or .jpeg. Only in Node.
 *
 * Throws a ValueError for a name that ends otherwise, and a RuntimeError for bytes.
 *
 * @example
 * // not run: writes a file
 * utils.saveImage(rand(10, 1, 28, 28), 'digits.png', { nrow: 5 })
 */
export function saveImage(pictures: Tensor | readonly Tensor[], file: string, options?: GridOptions): void {
  readSave([pictures, file, options])
  const extension = /\.[^./\\]*$/.exec(file)?.[0] ?? ''
  if (!/^\.(png|jpe?g)$/i.test(extension))
    throw new ValueError(`unknown file extension: ${extension}`, 'Pictures are written as .png, .jpg and .jpeg.')
  const grid = makeGrid(pictures, options)
  if (!grid.isFloatingPoint()) {
    throw new RuntimeError(
      `result type Float can't be cast to the desired output type ${grid.dtype === 'uint8' ? 'Byte' : 'Long'}`,
      'saveImage takes values from 0 to 1: divide bytes by 255. io.writePng writes bytes as they are.',
    )
  }
  const bytes = noGrad(() => grid.mul(255).add(0.5).clamp(0, 255).to('uint8'))
  const write = /\.jpe?g$/i.test(file) ? writeJpeg : writePng
  write(bytes, file)
}
