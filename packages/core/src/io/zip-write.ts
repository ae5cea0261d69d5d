// Writes zip archives: stored entries whose bytes begin at multiples of some number, as PyTorch's and NumPy's readers like
// them, and zip64 where a number needs it.
import { RuntimeError } from '../base/errors.ts'
import { joined } from './tensors.ts'
import { toUtf8 } from './utf8.ts'
import {
  centralBytes,
  centralMark,
  crc32,
  descriptorMark,
  elsewhere,
  end64Bytes,
  end64Mark,
  endBytes,
  endMark,
  localBytes,
  localMark,
  locatorBytes,
  locatorMark,
  viewOf,
} from './zip-format.ts'

export interface ZipInput {
  readonly name: string
  readonly bytes: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>
  readonly size: number
}

const set64 = (view: DataView, at: number, value: number): void => view.setBigUint64(at, BigInt(value), true)

/** A header with a name and an extra field: `fill` sets the numbers. */
function header(bytes: number, name: Uint8Array, extra: Uint8Array, fill: (view: DataView) => void): Uint8Array {
  const out = new Uint8Array(bytes + name.length + extra.length)
  fill(viewOf(out))
  out.set(name, bytes)
  out.set(extra, bytes + name.length)
  return out
}

/** A zip64 field with some numbers. */
function field64(...numbers: readonly number[]): Uint8Array {
  if (numbers.length === 0) return new Uint8Array(0)
  const view = new DataView(new ArrayBuffer(4 + 8 * numbers.length))
  view.setUint16(0, 1, true)
  view.setUint16(2, 8 * numbers.length, true)
  numbers.forEach((x, i) => void set64(view, 4 + 8 * i, x))
  return new Uint8Array(view.buffer)
}

/** A field that fills `room` bytes; PyTorch's own readers know it by its mark, 'FB'. */
function padding(room: number): Uint8Array {
  if (room === 0) return new Uint8Array(0)
  const out = new Uint8Array(room).fill(0x5a)
  viewOf(out).setUint16(0, 0x4246, true)
  viewOf(out).setUint16(2, room - 4, true)
  return out
}

/**
 * The bytes of an archive of stored entries, in pieces. The bytes of each entry begin at a multiple of `align`. All have
 * one date, so that the same entries give the same file.
 */
export async function* writeZip(
  entries: Iterable<ZipInput> | AsyncIterable<ZipInput>,
  { align }: { readonly align: number },
): AsyncGenerator<Uint8Array> {
  const directory: Uint8Array[] = []
  let at = 0
  for await (const { name, bytes, size } of entries) {
    const label = toUtf8(name)
    const local = at
    const isLarge = size >= elsewhere
    // The checksum and the sizes of what comes in pieces follow it.
    const known = bytes instanceof Uint8Array
    let crc = known ? crc32(bytes) : 0
    const flags = known ? 0x800 : 0x808
    const sizes64 = isLarge ? field64(known ? size : 0, known ? size : 0) : field64()
    let room = (align - ((at + localBytes + label.length + sizes64.length) % align)) % align
    if (room > 0 && room < 4) room += align
    const head = header(localBytes, label, joined([sizes64, padding(room)]), (view) => {
      view.setUint32(0, localMark, true)
      view.setUint16(4, isLarge ? 45 : 20, true)
      view.setUint16(6, flags, true)
      view.setUint16(12, 0x21, true)
      view.setUint32(14, crc, true)
      for (const place of [18, 22]) view.setUint32(place, isLarge ? elsewhere : known ? size : 0, true)
      view.setUint16(26, label.length, true)
      view.setUint16(28, sizes64.length + room, true)
    })
    yield head
    at += head.length
    let written = 0
    for await (const piece of known ? [bytes] : bytes) {
      if (!known) crc = crc32(piece, crc)
      written += piece.length
      yield piece
    }
    if (written !== size) throw new RuntimeError(`save(): '${name}' has ${written} bytes instead of ${size}`)
    at += size
    if (!known) {
      const after = new Uint8Array(isLarge ? 24 : 16)
      const view = viewOf(after)
      view.setUint32(0, descriptorMark, true)
      view.setUint32(4, crc, true)
      for (const i of [0, 1]) {
        if (isLarge) set64(view, 8 + 8 * i, size)
        else view.setUint32(8 + 4 * i, size, true)
      }
      yield after
      at += after.length
    }
    const isFar = local >= elsewhere
    const extra = field64(...(isLarge ? [size, size] : []), ...(isFar ? [local] : []))
    directory.push(
      header(centralBytes, label, extra, (view) => {
        view.setUint32(0, centralMark, true)
        for (const place of [4, 6]) view.setUint16(place, isLarge || isFar ? 45 : 20, true)
        view.setUint16(8, flags, true)
        view.setUint16(14, 0x21, true)
        view.setUint32(16, crc, true)
        for (const place of [20, 24]) view.setUint32(place, isLarge ? elsewhere : size, true)
        view.setUint16(28, label.length, true)
        view.setUint16(30, extra.length, true)
        view.setUint32(42, isFar ? elsewhere : local, true)
      }),
    )
  }
  const start = at
  const count = directory.length
  const central = joined(directory)
  yield central
  const end = new Uint8Array(endBytes)
  const view = viewOf(end)
  const is64 = start >= elsewhere || central.length >= elsewhere || count >= 0xffff
  if (is64) {
    const large = new Uint8Array(end64Bytes + locatorBytes)
    const view64 = viewOf(large)
    view64.setUint32(0, end64Mark, true)
    set64(view64, 4, end64Bytes - 12)
    for (const place of [12, 14]) view64.setUint16(place, 45, true)
    for (const place of [24, 32]) set64(view64, place, count)
    set64(view64, 40, central.length)
    set64(view64, 48, start)
    view64.setUint32(end64Bytes, locatorMark, true)
    set64(view64, end64Bytes + 8, start + central.length)
    view64.setUint32(end64Bytes + 16, 1, true)
    yield large
  }
  view.setUint32(0, endMark, true)
  for (const place of [8, 10]) view.setUint16(place, is64 ? 0xffff : count, true)
  view.setUint32(12, is64 ? elsewhere : central.length, true)
  view.setUint32(16, is64 ? elsewhere : start, true)
  yield end
}
