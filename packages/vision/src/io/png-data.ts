// What of a PNG file makes its pixels, with the data unpacked no further than the header's size needs: fast-png unpacks
// all that a file holds, a thousand times its size at worst, and also colour profiles and texts, which nobody reads here.
import { Unzlib } from 'fflate'
import { crc32 } from './gunzip.ts'
import { joined } from './pixels.ts'

/** The bytes that are unpacked at a time, each of which may become a thousand. */
const STEP = 4096
/** The bytes that a stored block of deflate holds. */
const BLOCK = 65_535
/** Where the passes of an interlaced picture begin, and the distance of their pixels: x, y, columns, rows. */
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
]

/** A part of a picture: each `columns`-th pixel of each `rows`-th row, beginning at x and y. */
export interface Pass {
  /** A PNG file of its own, neither packed nor interlaced. */
  readonly file: Uint8Array
  readonly x: number
  readonly y: number
  readonly columns: number
  readonly rows: number
}

/** What of a PNG file makes its pixels. */
export interface PlainPng {
  readonly passes: readonly Pass[]
  /** Red, green, blue and alpha of each colour. */
  readonly palette: Uint8Array | undefined
}

/**
 * The passes and the palette of a PNG file. The indices of a palette are the greys of the files of the passes.
 *
 * Throws an Error that says what is wrong for a file that is truncated or damaged.
 */
export function plainPng(bytes: Uint8Array, width: number, height: number, bits: number): PlainPng {
  const parts = (bytes[28] === 0 ? [[0, 0, 1, 1]] : adam7)
    .map(([x, y, columns, rows]) => {
      const [w, h] = [Math.ceil((width - x) / columns), Math.ceil((height - y) / rows)]
      // Each row begins with the byte of its filter.
      return { x, y, columns, rows, w, h, size: h * (1 + Math.ceil((w * bits) / 8)) }
    })
    .filter(({ w, h }) => w > 0 && h > 0)
  const { data, chunks } = unpacked(
    bytes,
    parts.reduce((sum, { size }) => sum + size, 0),
  )
  const palette = bytes[25] === 3 ? paletteOf(chunks) : undefined
  let at = 0
  const passes = parts.map(({ w, h, size, ...place }) => {
    const rows = data.subarray(at, (at += size))
    return { ...place, file: joined([bytes.subarray(0, 8), header(bytes, w, h), chunk('IDAT', stored(rows)), end]) }
  })
  return { passes, palette }
}

/** The header of another one, for a pass. */
function header(bytes: Uint8Array, width: number, height: number): Uint8Array {
  // Not by `slice`, which of Node's buffers is no copy.
  const body = Uint8Array.from(bytes.subarray(16, 29))
  const view = new DataView(body.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  if (body[9] === 3) body[9] = 0
  body[12] = 0
  return chunk('IHDR', [body])
}

function paletteOf({ PLTE: colours, tRNS: alphas }: Partial<Record<string, Uint8Array>>): Uint8Array {
  if (colours === undefined) throw new Error('no palette')
  if (colours.length % 3 !== 0 || colours.length > 768) throw new Error(`its palette has ${colours.length} bytes`)
  const count = colours.length / 3
  return Uint8Array.from({ length: 4 * count }, (_, i) =>
    i % 4 === 3 ? (alphas?.[(i - 3) / 4] ?? 255) : colours[3 * (i >> 2) + (i % 4)],
  )
}

/** The first `size` bytes of the data of a PNG file, and its palette and transparency. */
function unpacked(bytes: Uint8Array, size: number): { data: Uint8Array; chunks: Partial<Record<string, Uint8Array>> } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const data = new Uint8Array(size)
  let filled = 0
  const unpack = new Unzlib((part) => {
    const taken = part.subarray(0, data.length - filled)
    data.set(taken, filled)
    filled += taken.length
  })
  const chunks: Partial<Record<string, Uint8Array>> = {}
  for (let at = 8; ; ) {
    const end = at + 12 + (at + 12 > bytes.length ? 0 : view.getUint32(at))
    if (end > bytes.length) throw new Error('the file is truncated')
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    if (type === 'IEND') break
    const isData = type === 'IDAT'
    const isKept = type === 'PLTE' || type === 'tRNS'
    if ((isData || isKept || at === 8) && crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4))
      throw new Error(`the checksum of ${type} differs`)
    if (type === 'IHDR' && at !== 8) throw new Error('it has two headers')
    if (isKept) chunks[type] = bytes.subarray(at + 8, end - 4)
    // Bytes behind the last row are left out, as libpng does.
    for (let from = at + 8; isData && from < end - 4 && filled < data.length; from += STEP)
      unpack.push(bytes.subarray(from, Math.min(from + STEP, end - 4)), false)
    at = end
  }
  if (filled < data.length) unpack.push(new Uint8Array(0), true)
  if (filled < data.length) throw new Error(`its data have ${filled} bytes of ${data.length}`)
  return { data, chunks }
}

/** Deflate's form of bytes that are not packed. Their checksum is left out: fast-png does not look at it. */
function stored(data: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [Uint8Array.of(0x78, 1)]
  for (let at = 0; at < data.length; at += BLOCK) {
    const block = data.subarray(at, at + BLOCK)
    const { length } = block
    const isLast = at + length === data.length
    parts.push(Uint8Array.of(+isLast, length & 255, length >> 8, ~length & 255, (~length >> 8) & 255), block)
  }
  return [...parts, new Uint8Array(4)]
}

/** A chunk with a checksum of 0, which fast-png does not look at either. */
function chunk(type: string, parts: readonly Uint8Array[]): Uint8Array {
  const body = joined(parts)
  const result = new Uint8Array(body.length + 12)
  new DataView(result.buffer).setUint32(0, body.length)
  for (let i = 0; i < 4; i++) result[4 + i] = type.charCodeAt(i)
  result.set(body, 8)
  return result
}

const end = chunk('IEND', [])
