// Between images, whose channels are interleaved, and uint8 or int32 tensors [channels, height, width]; and bytes in pieces.
import { RuntimeError, type Tensor, tensor, ValueError } from '@flambeau/core'
import { type AnyImage, Image, modeOf } from './image.ts'

/** One channel after the other, of pixels with `channels` samples each. */
export function planes(data: AnyImage['data'], channels: number): AnyImage['data'] {
  if (channels === 1) return data
  const size = data.length / channels
  const result = new Uint8Array(data.length)
  for (let c = 0, k = 0; c < channels; c++) for (let i = c; k < (c + 1) * size; i += channels) result[k++] = data[i]
  return result
}

/** One pixel after the other, of `channels` planes. */
export function interleaved(data: Uint8Array, channels: number): Uint8Array {
  if (channels === 1) return data
  const size = data.length / channels
  const result = new Uint8Array(data.length)
  for (let c = 0, k = 0; c < channels; c++) for (let i = c; k < (c + 1) * size; i += channels) result[i] = data[k++]
  return result
}

/** The pixels as a uint8 tensor [channels, height, width], or an int32 one in mode I. */
export const pixelsOf = ({ data, channels, width, height }: AnyImage): Tensor =>
  tensor(planes(data, channels)).reshape([channels, height, width])

/** A tensor like the pixels of an image as an image of the same mode, if it has as many channels. */
export function imageLike(x: Tensor, { mode, channels, palette }: AnyImage): AnyImage {
  if (x.shape[0] !== channels || !['1', 'I', 'P'].includes(mode)) return imageOf(x)
  const data = x.detach().toArray() as AnyImage['data']
  return new Image(x.shape[2], x.shape[1], mode, mode === '1' ? data.map((v) => (v === 0 ? 0 : 255)) : data, palette)
}

/** A uint8 tensor [channels, height, width] as an image; throws for other dtypes and shapes. */
export function imageOf(x: Tensor): Image {
  if (x.dtype !== 'uint8')
    throw new RuntimeError(`Input tensor dtype should be uint8, but got ${x.dtype}`, 'Multiply by 255 and cast it.')
  if (x.dim() !== 3) throw new RuntimeError(`Input data should be 3-dimensional, but got ${x.dim()} dimensions`)
  const [channels, height, width] = x.shape
  if (channels < 1 || channels > 4)
    throw new ValueError(
      `The number of channels should be 1 to 4, but got ${channels}`,
      'The shape is [channels, height, width].',
    )
  const data = interleaved(x.detach().toArray() as Uint8Array, channels)
  return new Image(width, height, modeOf(channels), data)
}

/** Pieces one after the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    result.set(part, at)
    at += part.length
  }
  return result
}
