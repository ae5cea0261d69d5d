// Images to PNG and JPEG files.
import { encode as toPng } from 'fast-png'
import jpeg from 'jpeg-js'
import { signatures, Tensor, ValueError } from '@flambeau/core'
import { type Image, imageKind } from './image.ts'
import { imageOf } from './pixels.ts'

const { either, int, optional, required, signature, tensor } = signatures
const picture = either(imageKind, tensor)
const asImage = (x: Image | Tensor): Image => (x instanceof Tensor ? imageOf(x) : x)

const readPng = signature('encode_png', required('input', picture))
/**
 * The bytes of a PNG file of a picture: an `Image`, or a uint8 tensor [channels, height, width] with 1 to 4 channels.
 *
 * @example
 * const file = io.encodePng(full([3, 2, 2], 255, { dtype: 'uint8' }))
 * io.decodeImage(file).shape // [3, 2, 2]
 */
export function encodePng(input: Image | Tensor): Uint8Array {
  const [read] = readPng([input])
  const { width, height, channels, data } = asImage(read)
  return toPng({ width, height, channels, data, depth: 8 })
}

const readJpeg = signature('encode_jpeg', required('input', picture), optional('quality', int, 75))
/**
 * The bytes of a JPEG file of a picture: an `Image`, or a uint8 tensor [channels, height, width]. It is written in
 * colours, without alpha.
 *
 * Throws a ValueError for a quality outside 1 to 100.
 *
 * @example
 * const file = io.encodeJpeg(full([3, 8, 8], 255, { dtype: 'uint8' }), { quality: 90 })
 * io.decodeImage(file).shape // [3, 8, 8]
 */
export function encodeJpeg(input: Image | Tensor, quality?: number | { readonly quality?: number }): Uint8Array {
  const [read, level] = readJpeg([input, quality])
  if (level < 1 || level > 100) throw new ValueError('Image quality should be a positive number between 1 and 100')
  const { width, height, data } = asImage(read).convert('RGBA')
  return withBuffer(() => new Uint8Array(jpeg.encode({ width, height, data }, level).data))
}

/** jpeg-js ends with `Buffer.from(list)`, which browsers lack: there it finds this one for the length of the call. */
function withBuffer<T>(encode: () => T): T {
  const scope = globalThis as { Buffer?: unknown }
  if (scope.Buffer !== undefined) return encode()
  scope.Buffer = { from: (list: readonly number[]) => Uint8Array.from(list) }
  try {
    return encode()
  } finally {
    delete scope.Buffer
  }
}
