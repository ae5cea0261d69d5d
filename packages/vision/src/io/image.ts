// Images as Python's PIL has them: rows of interleaved 8-bit pixels. Decoders return them, data sets hold them, and
// transforms turn them into tensors.
import { RuntimeError, signatures, ValueError } from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'

/** Grey, grey with alpha, colours, and colours with alpha. */
export type ImageMode = 'L' | 'LA' | 'RGB' | 'RGBA'

export const channelsOf: Readonly<Record<ImageMode, number>> = { L: 1, LA: 2, RGB: 3, RGBA: 4 }
const isMode = (x: unknown): x is ImageMode => typeof x === 'string' && Object.hasOwn(channelsOf, x)

/** The mode of a number of channels. */
export const modeOf = (channels: number): ImageMode => (Object.keys(channelsOf) as ImageMode[])[channels - 1]

/**
 * A picture in memory: `data` holds the pixels row by row, and the channels of a pixel one after the other.
 *
 * Throws a ValueError for sizes that are not positive integers, for an unknown mode, and for data of another length.
 *
 * @example
 * const red = new Image(2, 1, 'RGB', Uint8Array.of(255, 0, 0, 255, 0, 0))
 * red.convert('L').data // Uint8Array(2) [ 76, 76 ]
 */
export class Image {
  readonly width: number
  readonly height: number
  readonly mode: ImageMode
  readonly data: Uint8Array

  constructor(width: number, height: number, mode: ImageMode, data?: Uint8Array)
  constructor(...args: readonly unknown[]) {
    const [width, height, mode, data] = readImage(args)
    if (width <= 0 || height <= 0) throw new ValueError('Width and height must be > 0')
    if (!isMode(mode)) throw new ValueError(`unrecognized image mode '${mode}'`, modesHint)
    const length = width * height * channelsOf[mode]
    if (data !== undefined && data.length !== length) {
      throw new ValueError(
        data.length < length ? 'not enough image data' : 'too much image data',
        `${width} x ${height} pixels of mode ${mode} are ${length} bytes, not ${data.length}.`,
      )
    }
    this.width = width
    this.height = height
    this.mode = mode
    this.data = data ?? new Uint8Array(length)
  }

  /** The number of channels. */
  get channels(): number {
    return channelsOf[this.mode]
  }

  /** Width and height, in PIL's order. */
  get size(): [width: number, height: number] {
    return [this.width, this.height]
  }

  /**
   * The image in another mode, or itself: grey is PIL's mix of 299, 587 and 114 parts of red, green and blue; a new
   * alpha channel is opaque, and an old one is dropped.
   */
  convert(mode: ImageMode): Image {
    if (!isMode(mode)) throw new ValueError(`conversion from ${this.mode} to ${String(mode)} not supported`, modesHint)
    if (mode === this.mode) return this
    const { data: from, channels } = this
    const result = new Image(this.width, this.height, mode)
    const { data: to, channels: wanted } = result
    const coloured = channels >= 3
    const hasAlpha = channels % 2 === 0
    for (let i = 0, j = 0; i < from.length; i += channels, j += wanted) {
      const r = from[i]
      const g = coloured ? from[i + 1] : r
      const b = coloured ? from[i + 2] : r
      if (wanted >= 3) {
        to[j] = r
        to[j + 1] = g
        to[j + 2] = b
      } else to[j] = coloured ? (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16 : r
      if (wanted % 2 === 0) to[j + wanted - 1] = hasAlpha ? from[i + channels - 1] : 255
    }
    return result
  }

  /** As PIL prints it. */
  toString(): string {
    return `<Image mode=${this.mode} size=${this.width}x${this.height}>`
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}

const modesHint = `The modes are ${Object.keys(channelsOf).join(', ')}.`
const { constructing, int, optional, required, str } = signatures
/** The kind of argument that is bytes. */
export const bytesKind: signatures.Kind<Uint8Array> = { expected: 'bytes', accepts: (x) => x instanceof Uint8Array }
const readImage = constructing(
  'Image',
  required('width', int),
  required('height', int),
  required('mode', str),
  optional('data', bytesKind, undefined),
)

/** The kind of argument that is an image. */
export const imageKind: signatures.Kind<Image> = signatures.instance(Image, 'Image')

/** The error of a file whose content is wrong: the file's name first. */
export const broken = (file: string, what: string, hint?: string): RuntimeError =>
  new RuntimeError(`${file}: ${what}`, hint)

nameClasses({ Image })
