// What of a PNG file makes its pixels, with the data unpacked no further than the header's size needs: fast-png unpacks
// all that a file holds, a thousand times its size at worst, and also colour profiles and texts, which nobody reads here.
import { Unzlib } from 'fflate'
import { crc32 } from './gunzip.ts'

/** The bytes that are unpacked at a time, each of which may become a thousand. */
const STEP = 4096
/** The bytes that a stored block of deflate holds. */
const BLOCK = 65_535
/** Where the passes of an interlaced picture begin, and the distance of their pixels: x, y, columns, rows. */
const passes = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
]

/** The bytes of the rows of a picture, each with the byte of its filter. */
const rowBytes = (width: number, height: number, bits: number): number =>
  width > 0 && height > 0 ? height * (1 + Math.ceil((width * bits) / 8)) : 0

/** The bytes that the data of a picture unpack to. */
const sizeOf = (width: number, height: number, bits: number, isInterlaced: boolean): number =>
  isInterlaced
    ? passes.reduce(
        (sum, [x, y, columns, rows]) =>
          sum + rowBytes(Math.ceil((width - x) / columns), Math.ceil((height - y) / rows), bits),
        0,
      )
    : rowBytes(width, height, bits)

/**
 * A PNG file of the header, the palette and the transparency of another one, with its data stored instead of packed.
 *
 * Throws an Error that says what is wrong for a file that is truncated or damaged.
 */
export function plainPng(bytes: Uint8Array, width: number, height: number, bits: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const data = new Uint8Array(sizeOf(width, height, bits, bytes[28] !== 0))
  let filled = 0
  const unpack = new Unzlib((part) => {
    const taken = part.subarray(0, data.length - filled)
    data.set(taken, filled)
    filled += taken.length
  })
  const kept: Uint8Array[] = [bytes.subarray(0, 8)]
  for (let at = 8; ; ) {
    const end = at + 12 + (at + 12 > bytes.length ? 0 : view.getUint32(at))
    if (end > bytes.length) throw new Error('the file is truncated')
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    if (type === 'IEND') break
    const isData = type === 'IDAT'
    const isKept = type === 'IHDR' || type === 'PLTE' || type === 'tRNS'
    if ((isData || isKept) && crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4))
      throw new Error(`the checksum of ${type} differs`)
    if (type === 'IHDR' && at !== 8) throw new Error('it has two headers')
    if (isKept) kept.push(bytes.subarray(at, end))
    // Bytes behind the last row are left out, as libpng does.
    for (let from = at + 8; isData && from < end - 4 && filled < data.length; from += STEP)
      unpack.push(bytes.subarray(from, Math.min(from + STEP, end - 4)), false)
    at = end
  }
  if (filled < data.length) unpack.push(new Uint8Array(0), true)
  if (filled < data.length) throw new Error(`its data have ${filled} bytes of ${data.length}`)
  return joined([...kept, chunk('IDAT', stored(data)), chunk('IEND', [])])
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

/** A chunk with a checksum of 0. */
function chunk(type: string, parts: readonly Uint8Array[]): Uint8Array {
  const body = joined(parts)
  const result = new Uint8Array(body.length + 12)
  new DataView(result.buffer).setUint32(0, body.length)
  for (let i = 0; i < 4; i++) result[4 + i] = type.charCodeAt(i)
  result.set(body, 8)
  return result
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    result.set(part, at)
    at += part.length
  }
  return result
}
