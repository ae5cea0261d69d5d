// Images as Python's PIL has them: rows of interleaved pixels in a mode. Decoders return them, data sets hold them, and
// transforms turn them into tensors.
import { RuntimeError, signatures, ValueError } from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'

/** A mode that other modes can be converted to: grey, grey with alpha, colours, colours with alpha, and int32. */
export type PlainMode = 'L' | 'LA' | 'RGB' | 'RGBA' | 'I'
/** Also black and white, as 0 and 255, and indices into a palette. */
export type ImageMode = PlainMode | '1' | 'P'
/** A mode whose pixels are bytes. */
export type ByteMode = Exclude<ImageMode, 'I'>
/** The array of pixels of a mode. */
export type PixelsOf<M extends ImageMode> = M extends 'I' ? Int32Array : Uint8Array
/** An image of any mode. */
export type AnyImage = Image<ImageMode>

const plainModes: readonly PlainMode[] = ['L', 'LA', 'RGB', 'RGBA', 'I']
const channelsOf: Readonly<Record<ImageMode, number>> = { L: 1, LA: 2, RGB: 3, RGBA: 4, I: 1, 1: 1, P: 1 }

/** The mode of a number of channels of bytes. */
export const modeOf = (channels: number): ByteMode => plainModes[channels - 1] as ByteMode

/**
 * A picture in memory: `data` holds the pixels row by row, and the channels of a pixel one after the other. They are
 * bytes, and int32 in mode I. In mode P they are indices into `palette`, which has red, green, blue and alpha of each
 * colour; colours that it lacks are greys.
 *
 * Throws a ValueError for sizes that are not positive integers, for an unknown mode, and for data of another length.
 *
 * @example
 * const red = new Image(2, 1, 'RGB', Uint8Array.of(255, 0, 0, 255, 0, 0))
 * red.convert('L').data // Uint8Array(2) [ 76, 76 ]
 */
export class Image<M extends ImageMode = ByteMode> {
  readonly width: number
  readonly height: number
  readonly mode: ImageMode
  readonly data: PixelsOf<M>
  readonly palette: Uint8Array | undefined

  constructor(width: number, height: number, mode: M, data?: PixelsOf<M>, palette?: Uint8Array | undefined)
  constructor(...args: readonly unknown[]) {
    const [width, height, name, data, palette] = readImage(args)
    if (width <= 0 || height <= 0) throw new ValueError('Width and height must be > 0')
    if (!Object.hasOwn(channelsOf, name)) throw new ValueError(`unrecognized image mode '${name}'`, modesHint)
    const mode = name as ImageMode
    if (palette !== undefined && mode !== 'P') throw new ValueError('illegal image mode', 'A palette is for mode P.')
    const Data = mode === 'I' ? Int32Array : Uint8Array
    if (data !== undefined && !(data instanceof Data))
      throw new ValueError('image has wrong mode', `The data of mode ${mode} are in a ${Data.name}.`)
    const length = width * height * channelsOf[mode]
    if (data !== undefined && data.length !== length) {
      throw new ValueError(
        data.length < length ? 'not enough image data' : 'too much image data',
        `${width} x ${height} pixels of mode ${mode} are ${length} values, not ${data.length}.`,
      )
    }
    this.width = width
    this.height = height
    this.mode = mode
    this.data = (data ?? new Data(length)) as PixelsOf<M>
    this.palette = palette
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
   * alpha channel is opaque, and an old one is dropped. A palette gives its colours, and int32 is clamped to bytes.
   */
  convert<N extends PlainMode>(mode: N): Image<N> {
    if (mode === this.mode) return this as unknown as Image<N>
    if (!plainKind.accepts(mode))
      throw new ValueError(`conversion from ${this.mode} to ${String(mode)} not supported`, plainKind.hint)
    const { width, height } = this
    if (mode === 'I') return new Image(width, height, mode, Int32Array.from(this.convert('L').data) as PixelsOf<N>)
    const { data: from, channels } = this.#plain
    const result = new Image(width, height, mode)
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

  /** The image as bytes of grey or colours. */
  get #plain(): Image {
    const { width, height, mode, data, palette } = this
    if (mode === 'I')
      return new Image(
        width,
        height,
        'L',
        Uint8Array.from(data, (v) => Math.min(Math.max(v, 0), 255)),
      )
    if (mode !== 'P') return this as Image
    const colours = new Uint8Array(4 * data.length)
    for (let i = 0; i < colours.length; i++) {
      const [value, c] = [data[i >> 2], i & 3]
      colours[i] = palette?.[4 * value + c] ?? (c === 3 ? 255 : value)
    }
    return new Image(width, height, 'RGBA', colours)
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
/** A mode that a picture can be converted to. */
export const plainKind: signatures.Kind<PlainMode> = {
  expected: 'image mode',
  accepts: (x) => plainModes.includes(x as PlainMode),
  hint: `Pictures are converted to ${plainModes.join(', ')}.`,
}
const { constructing, either, instance, int, optional, required, str } = signatures
/** The kind of argument that is bytes. */
export const bytesKind: signatures.Kind<Uint8Array> = { expected: 'bytes', accepts: (x) => x instanceof Uint8Array }
const readImage = constructing(
  'Image',
  required('width', int),
  required('height', int),
  required('mode', str),
  optional('data', either(bytesKind, instance(Int32Array, 'Int32Array')), undefined),
  optional('palette', bytesKind, undefined),
)

/** The kind of argument that is an image. */
export const imageKind: signatures.Kind<AnyImage> = signatures.instance(Image, 'Image')

/** The error of a file that is no longer there. */
export const gone = (file: string): RuntimeError =>
  new RuntimeError(`No such file or directory: '${file}'`, 'It is gone since.')

/** The error of a file whose content is wrong: the file's name first. */
export const broken = (file: string, what: string, hint?: string): RuntimeError =>
  new RuntimeError(`${file}: ${what}`, hint)

nameClasses({ Image })
