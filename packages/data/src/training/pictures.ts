// Tensors as the pictures of an event file: PNG, by fast-png.
import { AssertionError, noGrad, RuntimeError, type Tensor, ValueError } from '@flambeau/core'
import { encode } from 'fast-png'
import type { Picture } from './events.ts'

/** Pictures of a batch that are side by side. */
const COLUMNS = 8

/** The picture of a tensor whose dimensions are the letters of `formats`; a batch becomes a grid. */
export function pictureOf(x: Tensor, formats: string): Picture {
  const letters = [...formats.toUpperCase()]
  const wanted = ['HW', 'CHW', 'NCHW'].find((known) => [...known].sort().join() === [...letters].sort().join())
  if (wanted === undefined) {
    throw new ValueError(
      `dataformats must have the letters of HW, CHW or NCHW in some order, but got '${formats}'`,
      'N numbers the pictures; C, H and W are channels, height and width.',
    )
  }
  if (x.dim() !== letters.length) {
    throw new AssertionError(
      `size of input tensor and input format are different.         tensor shape: (${x.shape.join(', ')}), input_format: ${formats}`,
    )
  }
  if (x.elements === 0)
    throw new RuntimeError(`a picture of no pixels: the tensor has the shape (${x.shape.join(', ')})`)
  return noGrad(() => {
    let pixels = x.detach().permute([...wanted].map((letter) => letters.indexOf(letter)))
    if (wanted === 'HW') pixels = pixels.unsqueeze(0)
    if (wanted !== 'NCHW') pixels = pixels.unsqueeze(0)
    const channels = pixels.shape[1]
    const isGrey = channels === 1
    if (!isGrey && channels !== 3 && (channels !== 4 || wanted === 'NCHW')) {
      throw new ValueError(
        `pictures have 1 or 3 channels${wanted === 'NCHW' ? '' : ', or 4 with alpha'}, but got ${channels}`,
        `The tensor of shape (${x.shape.join(', ')}) was read as ${formats}.`,
      )
    }
    // What is no uint8 is from 0 to 1.
    const values = pixels.dtype === 'uint8' ? pixels : pixels.to('float32').mul(255)
    return grid(values.contiguous().toArray(), pixels.shape, isGrey)
  })
}

/** Pictures [n, channels, height, width] in rows. */
function grid(values: ArrayLike<number>, [n, from, height, width]: readonly number[], isGrey: boolean): Picture {
  const columns = Math.min(n, COLUMNS)
  const rows = Math.ceil(n / columns)
  const channels = isGrey ? 3 : from
  const line = columns * width
  // Clamps, and cuts off what is behind the point.
  const data = new Uint8Array(rows * height * line * channels)
  for (let k = 0; k < n; k++) {
    const [top, left] = [Math.floor(k / columns) * height, (k % columns) * width]
    for (let c = 0; c < channels; c++) {
      let i = (k * from + (isGrey ? 0 : c)) * height * width
      for (let y = 0; y < height; y++) {
        let at = ((top + y) * line + left) * channels + c
        for (let x = 0; x < width; x++, i++, at += channels) data[at] = Math.min(Math.max(values[i], 0), 255)
      }
    }
  }
  const [w, h] = [line, rows * height]
  return { width: w, height: h, channels, png: encode({ width: w, height: h, channels, data, depth: 8 }) }
}
