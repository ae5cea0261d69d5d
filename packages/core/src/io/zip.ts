// Zip archives, the shell of PyTorch's and NumPy's files. Core has no dependencies, so this reads and writes what these
// files need: stored and deflated entries, CRC-32, and zip64. The reader takes nothing on trust: an entry must lie in
// the file, apart from all others, and its elements are counted while they are inflated, so that nothing becomes larger
// than it says it is. The platform's DecompressionStream inflates.
import { RuntimeError } from '../base/errors.ts'
import { checkRange, damaged, type Source } from './source.ts'
import { joined } from './tensors.ts'
import { fromUtf8, toUtf8 } from './utf8.ts'

// ---- CRC-32 ----

/** Tables for four bytes at once, made when they are first needed. */
let tables: readonly Int32Array[] | null = null
function crcTables(): readonly Int32Array[] {
  if (tables !== null) return tables
  const made = Array.from({ length: 4 }, () => new Int32Array(256))
  for (let i = 0; i < 256; i++) {
    let x = i
    for (let bit = 0; bit < 8; bit++) x = x & 1 ? (x >>> 1) ^ 0xedb88320 : x >>> 1
    made[0][i] = x
  }
  for (let k = 1; k < 4; k++)
    for (let i = 0; i < 256; i++) made[k][i] = (made[k - 1][i] >>> 8) ^ made[0][made[k - 1][i] & 255]
  tables = made
  return made
}

/** The CRC-32 of bytes that follow those of `before`. */
export function crc32(bytes: Uint8Array, before = 0): number {
  const [a, b, c, d] = crcTables()
  let crc = ~before
  let at = 0
  for (const last = bytes.length - 3; at < last; at += 4) {
    crc ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
    crc = d[crc & 255] ^ c[(crc >>> 8) & 255] ^ b[(crc >>> 16) & 255] ^ a[crc >>> 24]
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ a[(crc ^ bytes[at]) & 255]
  return ~crc >>> 0
}

// ---- numbers in headers ----

const localMark = 0x04034b50
const centralMark = 0x02014b50
const endMark = 0x06054b50
const end64Mark = 0x06064b50
const locatorMark = 0x07064b50
const descriptorMark = 0x08074b50
const localBytes = 30
const centralBytes = 46
const endBytes = 22
const locatorBytes = 20
const end64Bytes = 56
/** In a field of 32 bits: the number is in a zip64 field. */
const elsewhere = 0xffffffff

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
/** A number of 64 bits; one that no file reaches may be rounded. */
const uint64 = (view: DataView, at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32

// ---- reading ----

export interface ZipLimits {
  /** The most bytes that all entries may have once they are inflated. */
  readonly maxBytes: number
}

export interface ZipEntry {
  readonly name: string
  readonly size: number
  readonly compressedSize: number
  /** Whether its bytes are in the file as they are. */
  readonly stored: boolean
  /** Where its bytes begin in the file. */
  readonly offset: number
  /** Its bytes by range. Read from beginning to end, they are compared with their checksum. */
  readonly source: Source
  /** Its bytes, all or a range. */
  read(start?: number, end?: number): Promise<Uint8Array>
}

interface Found {
  readonly name: string
  readonly size: number
  readonly compressedSize: number
  readonly method: number
  readonly crc: number
  readonly local: number
}

const cutOff = 'The file is cut off or damaged: get it again.'

/** Where the central directory is, and how many entries it has. */
async function directoryOf(source: Source): Promise<{ start: number; end: number; count: number }> {
  const tailStart = Math.max(0, source.size - endBytes - locatorBytes - 0xffff)
  const tail = await source.read(tailStart, source.size)
  const view = viewOf(tail)
  let at = tail.length - endBytes
  while (
    at >= 0 &&
    !(view.getUint32(at, true) === endMark && at + endBytes + view.getUint16(at + 20, true) === tail.length)
  )
    at--
  if (at < 0) throw damaged(source, 'has no directory of a zip archive at its end', cutOff)
  let [count, size, start] = [
    view.getUint16(at + 10, true),
    view.getUint32(at + 12, true),
    view.getUint32(at + 16, true),
  ]
  let end = tailStart + at
  if (at >= locatorBytes && view.getUint32(at - locatorBytes, true) === locatorMark) {
    const place = uint64(view, at - locatorBytes + 8)
    checkRange(source, place, place + end64Bytes, 'the end of the directory')
    const large = viewOf(await source.read(place, place + end64Bytes))
    if (large.getUint32(0, true) !== end64Mark) throw damaged(source, `has no zip64 record at byte ${place}`, cutOff)
    ;[count, size, start] = [uint64(large, 32), uint64(large, 40), uint64(large, 48)]
    end = place
  }
  if (start + size !== end)
    throw damaged(source, `the directory at bytes ${start} to ${start + size} does not end at byte ${end}`, cutOff)
  if (count * centralBytes > size)
    throw damaged(source, `the directory has ${size} bytes, too few for ${count} entries`, cutOff)
  return { start, end, count }
}

/** The sizes and the place of an entry that are in its zip64 field. */
function large(source: Source, name: string, extra: Uint8Array, numbers: readonly number[]): number[] {
  const view = viewOf(extra)
  for (let at = 0; at + 4 <= extra.length; ) {
    const [id, length] = [view.getUint16(at, true), view.getUint16(at + 2, true)]
    at += 4
    if (id !== 1) {
      at += length
      continue
    }
    const end = Math.min(extra.length, at + length)
    return numbers.map((x) => {
      if (x !== elsewhere) return x
      if (at + 8 > end) throw damaged(source, `the zip64 field of '${name}' is too short`, cutOff)
      at += 8
      return uint64(view, at - 8)
    })
  }
  return [...numbers]
}

/** Whether an entry may have a name: it must not lead out of the archive where somebody unpacks it. */
export const isEntryName = (name: string): boolean =>
  name !== '' && !/^\/|^[A-Za-z]:|\\|\0/.test(name) && !name.split('/').includes('..')

/** The entries by name, in the order of the directory. */
async function entriesOf(source: Source, limits: ZipLimits): Promise<Map<string, Found>> {
  const { start, end, count } = await directoryOf(source)
  const bytes = await source.read(start, end)
  const view = viewOf(bytes)
  const entries = new Map<string, Found>()
  let [at, total] = [0, 0]
  for (let i = 0; i < count; i++) {
    const refuse = (what: string, hint = cutOff): never => {
      throw damaged(source, `the directory ${what}, at byte ${start + at}`, hint)
    }
    if (at + centralBytes > bytes.length || view.getUint32(at, true) !== centralMark) return refuse('has no entry')
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((place) => view.getUint16(at + place, true))
    const nameEnd = at + centralBytes + nameBytes
    if (nameEnd + extraBytes + commentBytes > bytes.length) return refuse('ends within an entry')
    const name = fromUtf8(bytes.subarray(at + centralBytes, nameEnd)) ?? refuse('has a name that is not UTF-8')
    if (!isEntryName(name))
      return refuse(`has the name ${JSON.stringify(name)}`, 'Such a name leads out of the archive.')
    if (entries.has(name)) return refuse(`names '${name}' twice`)
    const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)]
    if (flags & 0x2041) return refuse(`has the encrypted entry '${name}'`, 'Save it without a password.')
    if (method !== 0 && method !== 8)
      return refuse(`has '${name}' compressed by method ${method}`, 'Stored and deflated entries can be read.')
    const [size, compressedSize, local] = large(source, name, bytes.subarray(nameEnd, nameEnd + extraBytes), [
      view.getUint32(at + 24, true),
      view.getUint32(at + 20, true),
      view.getUint32(at + 42, true),
    ])
    if (method === 0 && size !== compressedSize)
      return refuse(`says that '${name}' is not compressed, and has ${compressedSize} of its ${size} bytes`)
    // No deflated byte becomes more than 1032.
    if (method === 8 && size > 1032 * compressedSize)
      return refuse(`says that ${compressedSize} bytes of '${name}' become ${size}, which is impossible`)
    total += size
    entries.set(name, { name, size, compressedSize, method, crc: view.getUint32(at + 16, true), local })
    at = nameEnd + extraBytes + commentBytes
  }
  if (start + at !== end)
    throw damaged(source, `the directory goes on after its last entry, at byte ${start + at}`, cutOff)
  if (total > limits.maxBytes)
    throw damaged(
      source,
      `its entries have ${total} bytes, more than ${limits.maxBytes}`,
      'If you trust where it comes from, allow more: { maxBytes }.',
    )
  checkApart(source, [...entries.values()], start)
  return entries
}

/** Throws unless every entry ends before the next one begins: a bomb of a few bytes lets its entries share their data. */
function checkApart(source: Source, entries: readonly Found[], end: number): void {
  let [free, last] = [0, '']
  for (const { name, local, compressedSize } of [...entries].sort((a, b) => a.local - b.local)) {
    if (local < free) throw damaged(source, `'${name}' begins at byte ${local}, within '${last}'`, cutOff)
    free = local + localBytes + compressedSize
    last = name
    if (free > end) throw damaged(source, `'${name}' ends at byte ${free}, within the directory`, cutOff)
  }
}

interface Inflater {
  readonly readable: {
    getReader(): {
      readonly closed: Promise<unknown>
      read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array }>
      cancel(reason?: unknown): Promise<void>
    }
  }
  readonly writable: {
    getWriter(): {
      readonly closed: Promise<unknown>
      readonly ready: Promise<unknown>
      write(bytes: Uint8Array): Promise<void>
      close(): Promise<void>
      abort(reason?: unknown): Promise<void>
    }
  }
}
const pieceBytes = 2 ** 16

/** The inflated bytes of a range, which are as many as they should be. */
async function inflated(
  source: Source,
  start: number,
  length: number,
  size: number,
  name: string,
): Promise<Uint8Array> {
  const { DecompressionStream } = globalThis as { readonly DecompressionStream?: new (format: string) => Inflater }
  if (DecompressionStream === undefined)
    throw new RuntimeError(`${name}: is compressed, and there is no DecompressionStream here`, 'Save it uncompressed.')
  const { readable, writable } = new DecompressionStream('deflate-raw')
  const [reader, writer] = [readable.getReader(), writable.getWriter()]
  const ignore = (): undefined => undefined
  for (const promise of [reader.closed, writer.closed]) promise.catch(ignore)
  /** What went wrong while the source was read. */
  let failed: { readonly error: unknown } | null = null
  const feed = async (): Promise<void> => {
    for (let at = 0; at < length; at += pieceBytes) {
      let piece: Uint8Array
      try {
        piece = await source.read(start + at, start + Math.min(length, at + pieceBytes))
      } catch (error) {
        failed = { error }
        return await writer.abort(error)
      }
      await writer.ready
      await writer.write(piece)
    }
    await writer.close()
  }
  // Writing fails when the data are bad; then reading does, too, and says so.
  const fed = feed().catch(ignore)
  const pieces: Uint8Array[] = []
  let [at, isBroken] = [0, false]
  try {
    while (at <= size) {
      const { done, value } = await reader.read()
      if (done || value === undefined) break
      at += value.length
      pieces.push(value)
    }
  } catch {
    isBroken = true
  }
  await reader.cancel().catch(ignore)
  await fed
  if (failed !== null) throw (failed as { readonly error: unknown }).error
  if (at > size) throw damaged({ name }, `becomes larger than the ${size} bytes that it says`, cutOff)
  if (isBroken) throw damaged({ name }, 'cannot be inflated', cutOff)
  if (at !== size) throw damaged({ name }, `has ${at} bytes, not the ${size} that it says`, cutOff)
  return joined(pieces)
}

/** The bytes of an entry by range, with its checksum compared when they were read in order. */
function entrySource(source: Source, { name, size, compressedSize, method, crc }: Found, offset: number): Source {
  const label = `${source.name}: ${name}`
  let whole: Uint8Array | null = null
  let [at, sum] = [0, 0]
  const check = (start: number, bytes: Uint8Array): void => {
    if (start !== at) return
    sum = crc32(bytes, sum)
    at += bytes.length
    if (at === size && sum !== crc) throw damaged({ name: label }, 'does not have its checksum', cutOff)
  }
  const entry: Source = {
    name: label,
    size,
    async read(start, end) {
      checkRange(entry, start, end)
      if (method === 8 && whole === null) whole = await inflated(source, offset, compressedSize, size, label)
      const bytes = whole === null ? await source.read(offset + start, offset + end) : whole.subarray(start, end)
      check(start, bytes)
      return bytes
    },
    async fill(start, target) {
      if (method === 8) return target.set(await entry.read(start, start + target.length))
      checkRange(entry, start, start + target.length)
      await source.fill(offset + start, target)
      check(start, target)
    },
    async close() {},
  }
  return entry
}

/**
 * The entries of an archive by name. Throws a ValueError for an archive that is damaged or means harm: entries that
 * overlap, names twice or out of the archive, sizes that are impossible or too large.
 */
export async function readZip(source: Source, limits: ZipLimits): Promise<ReadonlyMap<string, ZipEntry>> {
  const entries = new Map<string, ZipEntry>()
  for (const found of (await entriesOf(source, limits)).values()) {
    const { name, size, compressedSize, method, local } = found
    const refuse = (what: string): never => {
      throw damaged(source, `${what} of '${name}', at byte ${local}`, cutOff)
    }
    const head = viewOf(await source.read(local, local + localBytes))
    if (head.getUint32(0, true) !== localMark || head.getUint16(8, true) !== method) refuse('has no header')
    const nameEnd = local + localBytes + head.getUint16(26, true)
    const offset = nameEnd + head.getUint16(28, true)
    checkRange(source, local, offset + compressedSize, `'${name}'`)
    if (fromUtf8(await source.read(local + localBytes, nameEnd)) !== name) refuse('has another name in the header')
    const bytes = entrySource(source, found, offset)
    const read = (start = 0, end = size): Promise<Uint8Array> => bytes.read(start, end)
    entries.set(name, { name, size, compressedSize, stored: method === 0, offset, source: bytes, read })
  }
  return entries
}

// ---- writing ----

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
