// PNG and JPEG files to images, by fast-png and jpeg-js. Sizes are read from the header and compared with the size of
// the file before either library allocates memory, which they then do for that size only. Whatever a library throws
// becomes an error that names the file.
import { decode as decodePng } from 'fast-png'
import jpeg from 'jpeg-js'
import { type AnyImage, broken, Image, type ImageMode, modeOf, type PlainMode } from './image.ts'
import { plainPng } from './png-data.ts'

/** The size and the samples that a header claims. */
interface Header {
  readonly width: number
  readonly height: number
  /** Bits of a pixel; a mean, where channels differ in size. */
  readonly bits: number
}

interface Format {
  readonly name: string
  readonly begin: readonly number[]
  header(bytes: Uint8Array): Header | undefined
  decode(bytes: Uint8Array, header: Header): AnyImage
  /** How many bytes of samples one byte of a file can stand for. */
  readonly ratio: number
}

/** PIL's limit on pixels, above which a picture counts as an attack. */
const MOST_PIXELS = 178_956_970

/**
 * The picture in the bytes of a PNG or JPEG file, in the mode that PIL reads it in. `file` is the name for errors.
 *
 * Throws a RuntimeError with that name if the bytes are no such picture, or a broken one, or if its header claims more
 * pixels than PIL accepts or than the file can hold; that is found out before memory is allocated for them.
 */
export function decodePicture<N extends PlainMode>(bytes: Uint8Array, file: string, mode: N): Image<N>
export function decodePicture(bytes: Uint8Array, file: string, mode?: PlainMode): AnyImage
export function decodePicture(bytes: Uint8Array, file: string, mode?: PlainMode): AnyImage {
  const format = formats.find(({ begin }) => begin.every((byte, i) => bytes[i] === byte))
  if (format === undefined) throw broken(file, 'cannot identify image file', unknownHint(bytes))
  const header = format.header(bytes)
  if (header === undefined) throw broken(file, `the header of the ${format.name} is broken`, damaged)
  const { width, height, bits } = header
  const size = `${width} x ${height}`
  if (width === 0 || height === 0) throw broken(file, `the ${format.name} has no pixels (${size})`)
  if (width * height > MOST_PIXELS) {
    throw broken(
      file,
      `Image size (${width * height} pixels) exceeds limit of ${MOST_PIXELS} pixels, could be decompression bomb DOS attack.`,
      `The ${format.name} claims ${size} pixels. Scale it down with another program.`,
    )
  }
  if ((width * height * bits) / 8 > bytes.length * format.ratio) {
    throw broken(
      file,
      `image file is truncated`,
      `Its header claims ${size} pixels, which ${bytes.length} bytes cannot hold.`,
    )
  }
  let image: AnyImage
  try {
    image = format.decode(bytes, header)
  } catch (error) {
    throw broken(file, `broken data stream when reading image file (${(error as Error).message})`, damaged)
  }
  return mode === undefined ? image : image.convert(mode)
}

const damaged = 'The file is damaged: copy or download it again.'

// ---- PNG ----

const png: Format = {
  name: 'PNG',
  begin: [137, 80, 78, 71, 13, 10, 26, 10],
  // Deflate turns at most 258 bytes into two bits.
  ratio: 1032,
  header(bytes) {
    if (bytes.length < 33) return undefined
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    const [depth, colour] = [bytes[24], bytes[25]]
    const channels = [1, 0, 3, 1, 2, 0, 4][colour] ?? 0
    const isHeader = view.getUint32(8) === 13 && view.getUint32(12) === 0x49484452
    if (!isHeader || channels === 0 || ![1, 2, 4, 8, 16].includes(depth)) return undefined
    return { width: view.getUint32(16), height: view.getUint32(20), bits: channels * depth }
  },
  decode(bytes, { width, height, bits }) {
    const [depth, colour] = [bytes[24], bytes[25]]
    const { passes, palette } = plainPng(bytes, width, height, bits)
    const channels = bits / depth
    // PIL keeps 16 bits of grey, and 8 of colours and of anything with alpha.
    const isDeep = depth === 16 && colour === 0
    const values = new (isDeep ? Int32Array : Uint8Array)(width * height * channels)
    const factor = depth < 8 && colour === 0 ? 255 / (2 ** depth - 1) : 1
    const shift = depth === 16 && !isDeep ? 8 : 0
    for (const { file, x, y, columns, rows } of passes) {
      const part = decodePng(file)
      const samples = depth < 8 ? unpack(part.data, part.width, depth) : part.data
      for (let row = 0, i = 0; row < part.height; row++) {
        let to = ((y + row * rows) * width + x) * channels
        for (let column = 0; column < part.width; column++, to += columns * channels)
          for (let c = 0; c < channels; c++) values[to + c] = (samples[i++] >> shift) * factor
      }
    }
    const mode = colour === 3 ? 'P' : isDeep ? 'I' : depth === 1 ? '1' : modeOf(channels)
    const image: AnyImage = new Image<ImageMode>(width, height, mode, values, palette)
    return depth === 16 && colour === 4 ? image.convert('RGBA') : image
  },
}

/** One sample per byte, from rows of whole bytes with several. */
function unpack(rows: ArrayLike<number>, width: number, depth: number): Uint8Array {
  const perByte = 8 / depth
  const stride = Math.ceil(width / perByte)
  const values = new Uint8Array((rows.length / stride) * width)
  for (let i = 0; i < values.length; i++) {
    const x = i % width
    const byte = rows[((i - x) / width) * stride + Math.floor(x / perByte)]
    values[i] = (byte >> (8 - depth - depth * (x % perByte))) & (2 ** depth - 1)
  }
  return values
}

// ---- JPEG ----

/** More scans than any encoder writes, each of which goes over the whole picture: it would be a file made to take time. */
const MOST_SCANS = 100

interface Frame extends Header {
  readonly channels: number
}

/** The frame header: the first of the markers 0xc0 to 0xcf that is not a table. */
function frameOf(bytes: Uint8Array): Frame | undefined {
  for (let i = 2; i + 9 < bytes.length; ) {
    if (bytes[i] !== 0xff) return undefined
    const marker = bytes[i + 1]
    if (marker === 0xff) {
      i++
      continue
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
    if (isFrame) {
      const at = (k: number) => bytes[i + k] * 256 + bytes[i + k + 1]
      const bits = bitsOf(bytes.subarray(i + 10), bytes[i + 9])
      return bits === undefined ? undefined : { height: at(5), width: at(7), channels: bytes[i + 9], bits }
    }
    const length = bytes[i + 2] * 256 + bytes[i + 3]
    if (length < 2) return undefined
    i += 2 + length
  }
  return undefined
}

/** The bits of a pixel from the sampling factors of the channels; undefined for channels that no picture has. */
function bitsOf(channels: Uint8Array, count: number): number | undefined {
  if (![1, 3, 4].includes(count) || channels.length < 3 * count) return undefined
  const factors = Array.from({ length: count }, (_, c) => [channels[3 * c + 1] >> 4, channels[3 * c + 1] & 15])
  if (factors.flat().some((factor) => factor < 1 || factor > 4)) return undefined
  const most = (k: number) => Math.max(...factors.map((factor) => factor[k]))
  return (8 * factors.reduce((sum, [h, v]) => sum + h * v, 0)) / (most(0) * most(1))
}

const scansOf = (bytes: Uint8Array): number => {
  let scans = 0
  for (let i = bytes.indexOf(0xff); i >= 0; i = bytes.indexOf(0xff, i + 1)) if (bytes[i + 1] === 0xda) scans++
  return scans
}

/**
 * The memory that jpeg-js needs for a frame, as it counts: coefficients of 4 bytes and a sample for each, in whole
 * blocks of the largest channel, and twice the pixels. A second frame in the file, or thousands of tables, need more.
 */
const megabytesOf = ({ width, height, channels, bits }: Frame): number => {
  const whole = (size: number) => Math.ceil(size / 32) * 32
  return 1 + (whole(width) * whole(height) * (bits / 8) * 5 + width * height * (channels + 3)) / 2 ** 20
}

const jpg: Format = {
  name: 'JPEG',
  begin: [255, 216, 255],
  // A block of 64 samples takes at least a bit.
  ratio: 512,
  header: frameOf,
  decode(bytes) {
    const frame = frameOf(bytes) as Frame
    const scans = scansOf(bytes)
    if (scans > MOST_SCANS) throw new Error(`it has ${scans} scans`)
    const { width, height, data } = jpeg.decode(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      tolerantDecoding: false,
      maxResolutionInMP: (frame.width * frame.height + 1) / 1e6,
      maxMemoryUsageInMB: megabytesOf(frame),
    })
    const image = new Image(width, height, 'RGB', data)
    if (frame.channels !== 1) return image
    // Grey times three: the library always returns colours.
    return new Image(
      width,
      height,
      'L',
      Uint8Array.from({ length: width * height }, (_, i) => data[3 * i]),
    )
  },
}

const formats = [png, jpg]

/** Other formats by their first bytes. */
const others: readonly (readonly [begin: string, name: string])[] = [
  ['GIF8', 'a GIF'],
  ['RIFF', 'a WebP or another RIFF file'],
  ['BM', 'a BMP'],
  ['II*\0', 'a TIFF'],
  ['MM\0*', 'a TIFF'],
  ['%PDF', 'a PDF'],
  ['<', 'an SVG or another text'],
]
const unknownHint = (bytes: Uint8Array): string => {
  if (bytes.length === 0) return 'The file is empty.'
  const text = String.fromCharCode(...bytes.subarray(0, 4))
  const name = others.find(([begin]) => text.startsWith(begin))?.[1]
  return `PNG and JPEG are read.${name === undefined ? '' : ` This looks like ${name}: convert it first.`}`
}
