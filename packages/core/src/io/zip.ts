// Reads zip archives, the shell of PyTorch's and NumPy's files. Core has no dependencies, so this reads what these files
// need: stored and deflated entries, CRC-32, and zip64. It takes nothing on trust: an entry must lie in the file, apart
// from all others, and its elements are counted while they are inflated, so that nothing becomes larger than it says it
// is. The platform's DecompressionStream inflates.
import { RuntimeError } from '../base/errors.ts'
import { checkRange, cutOff, damaged, type Source } from './source.ts'
import { joined } from './tensors.ts'
import { fromUtf8 } from './utf8.ts'
import {
  centralBytes,
  centralMark,
  crc32,
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

/** A number of 64 bits; one that no file reaches may be rounded. */
const uint64 = (view: DataView, at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32

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
