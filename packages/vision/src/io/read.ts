// Pictures in files: torchvision.io's functions, which return tensors, and PIL's `Image.open`.
import { readBytes, writeFileNow } from '#files'
import { signatures, type Tensor } from '@flambeau/core'
import { decodePicture } from './decode.ts'
import { encodeJpeg, encodePng } from './encode.ts'
import { type AnyImage, bytesKind, type Image, type PlainMode, plainKind } from './image.ts'
import { pixelsOf } from './pixels.ts'

const { optional, required, signature } = signatures
const address: signatures.Kind<string | URL> = {
  expected: 'path or URL',
  accepts: (x) => typeof x === 'string' || x instanceof URL,
}

/** How a picture is read. */
export interface ReadOptions {
  /** The mode to convert it to; by default that of the file. */
  readonly mode?: PlainMode
}
export interface DecodeOptions extends ReadOptions {
  /** The name of the file, for errors. */
  readonly file?: string
}

const readOpen = signature('open', required('fp', address), optional('mode', plainKind, undefined))
/**
 * The picture in a PNG or JPEG file, by a path or a URL in Node and by a URL in browsers, as PIL's `Image.open`.
 *
 * Throws a RuntimeError that names the file if it cannot be read, is no picture, a broken one or one of too many
 * pixels.
 *
 * @example
 * // not run: there is no such file
 * const cat = await io.openImage('cat.png', { mode: 'RGB' })
 */
export async function openImage<M extends PlainMode>(
  source: string | URL,
  options: { readonly mode: M },
): Promise<Image<M>>
export async function openImage(source: string | URL, options?: ReadOptions): Promise<AnyImage>
export async function openImage(source: string | URL, options?: ReadOptions): Promise<AnyImage> {
  const [from, wanted] = readOpen([source, options])
  return decodePicture(await readBytes(from), String(from), wanted)
}

const readImageArguments = signature('read_image', required('path', address), optional('mode', plainKind, undefined))
/**
 * The pixels of a PNG or JPEG file as a uint8 tensor [channels, height, width], or an int32 one for grey of 16 bits; a
 * palette gives its indices, unless `mode` asks for colours. Otherwise as `openImage`.
 *
 * @example
 * // not run: there is no such file
 * const x = await io.readImage('cat.png') // [3, 224, 224]
 */
export async function readImage(source: string | URL, options?: ReadOptions): Promise<Tensor> {
  readImageArguments([source, options])
  return pixelsOf(await openImage(source, options))
}

const readDecode = signature(
  'decode_image',
  required('input', bytesKind),
  optional('mode', plainKind, undefined),
  optional('file', signatures.str, 'image'),
)
/**
 * The pixels of the bytes of a PNG or JPEG file as a tensor [channels, height, width], as `readImage`.
 *
 * Throws a RuntimeError that names the `file` if they are no picture, a broken one or one of too many pixels.
 *
 * @example
 * io.decodeImage(io.encodePng(new io.Image(4, 2, 'L'))).shape // [1, 2, 4]
 */
export function decodeImage(input: Uint8Array, options?: DecodeOptions): Tensor {
  return pixelsOf(imageFrom(input, options))
}

/**
 * The picture in the bytes of a PNG or JPEG file; the errors are those of `decodeImage`.
 *
 * @example
 * io.imageFrom(io.encodePng(new io.Image(4, 2, 'RGB')), { mode: 'L' }).size // [4, 2]
 */
export function imageFrom<M extends PlainMode>(
  input: Uint8Array,
  options: { readonly mode: M; readonly file?: string },
): Image<M>
export function imageFrom(input: Uint8Array, options?: DecodeOptions): AnyImage
export function imageFrom(input: Uint8Array, options?: DecodeOptions): AnyImage {
  const [read, wanted, file] = readDecode([input, options])
  return decodePicture(read, file, wanted)
}

const path: signatures.Kind<string> = signatures.str
const writing = (name: string) => signature(name, required('filename', path))
const readWritePng = writing('write_png')
const readWriteJpeg = writing('write_jpeg')

/**
 * Writes a picture, an `Image` or a uint8 tensor [channels, height, width], as a PNG file. Only in Node.
 *
 * @example
 * // not run: writes a file
 * io.writePng(zeros([3, 2, 2], { dtype: 'uint8' }), 'black.png')
 */
export function writePng(input: AnyImage | Tensor, filename: string): void {
  const [file] = readWritePng([filename])
  writeFileNow(file, encodePng(input))
}

/**
 * Writes a picture, an `Image` or a uint8 tensor [channels, height, width], as a JPEG file. Only in Node.
 *
 * @example
 * // not run: writes a file
 * io.writeJpeg(zeros([3, 2, 2], { dtype: 'uint8' }), 'black.jpg', { quality: 90 })
 */
export function writeJpeg(
  input: AnyImage | Tensor,
  filename: string,
  quality?: number | { readonly quality?: number },
): void {
  const [file] = readWriteJpeg([filename])
  writeFileNow(file, encodeJpeg(input, quality))
}
