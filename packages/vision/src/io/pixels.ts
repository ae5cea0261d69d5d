// Between images, whose channels are interleaved, and uint8 tensors [channels, height, width].
import { RuntimeError, type Tensor, tensor, ValueError } from '@flambeau/core'
import { Image, modeOf } from './image.ts'

/** One channel after the other, of pixels with `channels` samples each. */
export function planes(data: Uint8Array, channels: number): Uint8Array {
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

/** The pixels as a uint8 tensor [channels, height, width]. */
export const pixelsOf = ({ data, channels, width, height }: Image): Tensor =>
  tensor(planes(data, channels)).reshape([channels, height, width])

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
