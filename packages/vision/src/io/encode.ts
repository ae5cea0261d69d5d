// Images to PNG and JPEG files.
import { encode as toPng } from 'fast-png'
import jpeg from 'jpeg-js'
import { RuntimeError, signatures, Tensor, ValueError } from '@flambeau/core'
import { crc32 } from './gunzip.ts'
import { type AnyImage, imageKind } from './image.ts'
import { imageOf, joined } from './pixels.ts'

const { either, int, optional, required, signature, tensor } = signatures
const picture = either(imageKind, tensor)
const asImage = (x: AnyImage | Tensor): AnyImage => (x instanceof Tensor ? imageOf(x) : x)

const readPng = signature('encode_png', required('input', picture))
/**
 * The bytes of a PNG file of a picture: an `Image`, or a uint8 tensor [channels, height, width] with 1 to 4 channels.
 *
 * @example
 * const file = io.encodePng(full([3, 2, 2], 255, { dtype: 'uint8' }))
 * io.decodeImage(file).shape // [3, 2, 2]
 */
export function encodePng(input: AnyImage | Tensor): Uint8Array {
  const [read] = readPng([input])
  const { width, height, channels, mode, data, palette } = asImage(read)
  const size = { width, height, channels }
  if (mode === '1') return toPng({ ...size, data: packed(data, width), depth: 1 })
  if (mode === 'I')
    return toPng({ ...size, data: Uint16Array.from(data, (v) => Math.min(Math.max(v, 0), 65_535)), depth: 16 })
  if (mode !== 'P') return toPng({ ...size, data: data as Uint8Array, depth: 8 })
  const colours = palette ?? Uint8Array.from({ length: 1024 }, (_, i) => (i % 4 === 3 ? 255 : i >> 2))
  const entries = Array.from(
    { length: colours.length / 4 },
    (_, i) => Array.from(colours.subarray(4 * i, 4 * i + 3)) as [number, number, number],
  )
  const file = toPng({ ...size, data: data as Uint8Array, depth: 8, palette: entries })
  const alphas = colours.filter((_, i) => i % 4 === 3)
  return alphas.every((alpha) => alpha === 255) ? file : transparent(file, alphas)
}

/** A PNG file with the alphas of its palette, which fast-png writes without those of 255 between them. */
function transparent(file: Uint8Array, alphas: Uint8Array): Uint8Array {
  const body = Uint8Array.of(0x74, 0x52, 0x4e, 0x53, ...alphas)
  const numbers = new DataView(new ArrayBuffer(8))
  numbers.setUint32(0, alphas.length)
  numbers.setUint32(4, crc32(body))
  const [length, checksum] = [new Uint8Array(numbers.buffer, 0, 4), new Uint8Array(numbers.buffer, 4)]
  // Behind the header and the palette.
  const at = 8 + 25 + 12 + 3 * alphas.length
  return joined([file.subarray(0, at), length, body, checksum, file.subarray(at)])
}

/** Black and white, eight pixels in a byte. */
function packed(data: ArrayLike<number>, width: number): Uint8Array {
  const stride = Math.ceil(width / 8)
  const rows = new Uint8Array((data.length / width) * stride)
  for (let i = 0; i < data.length; i++) {
    const x = i % width
    if (data[i] !== 0) rows[((i - x) / width) * stride + (x >> 3)] |= 128 >> (x & 7)
  }
  return rows
}

const readJpeg = signature('encode_jpeg', required('input', picture), optional('quality', int, 75))
/**
 * The bytes of a JPEG file of a picture: an `Image`, or a uint8 tensor [channels, height, width]. It is written in
 * colours, without alpha.
 *
 * Throws a ValueError for a quality outside 1 to 100, and a RuntimeError for an `Image` of mode P or I.
 *
 * @example
 * const file = io.encodeJpeg(full([3, 8, 8], 255, { dtype: 'uint8' }), { quality: 90 })
 * io.decodeImage(file).shape // [3, 8, 8]
 */
export function encodeJpeg(input: AnyImage | Tensor, quality?: number | { readonly quality?: number }): Uint8Array {
  const [read, level] = readJpeg([input, quality])
  if (level < 1 || level > 100) throw new ValueError('Image quality should be a positive number between 1 and 100')
  const image = asImage(read)
  if (image.mode === 'P' || image.mode === 'I')
    throw new RuntimeError(`cannot write mode ${image.mode} as JPEG`, "Convert it first: image.convert('RGB').")
  const { width, height, data } = image.convert('RGBA')
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
