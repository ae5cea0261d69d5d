// Zip archives that a test builds, whose headers may lie.
import { deflateRawSync } from 'node:zlib'
import { crc32 } from '../../src/io/zip-format.ts'

export interface Archived {
  readonly name: string
  readonly data: Uint8Array
  readonly method?: number
  /** What the headers say instead of the truth. */
  readonly size?: number
  readonly crc?: number
  readonly flags?: number
}
/** An archive whose headers may lie. */
export function archive(entries: readonly Archived[]): Uint8Array {
  const [locals, centrals]: [Buffer[], Buffer[]] = [[], []]
  let at = 0
  for (const { name, data, method = 8, size = data.length, crc = crc32(data), flags = 0 } of entries) {
    const packed = method === 8 ? deflateRawSync(data) : data
    const label = Buffer.from(name)
    const header = (bytes: number, mark: number, from: number): Buffer => {
      const head = Buffer.alloc(bytes)
      head.writeUInt32LE(mark)
      head.writeUInt16LE(flags, from)
      head.writeUInt16LE(method, from + 2)
      head.writeUInt32LE(crc, from + 8)
      head.writeUInt32LE(packed.length, from + 12)
      head.writeUInt32LE(size, from + 16)
      head.writeUInt16LE(label.length, from + 20)
      return head
    }
    const central = header(46, 0x02014b50, 8)
    central.writeUInt32LE(at, 42)
    centrals.push(central, label)
    const local = Buffer.concat([header(30, 0x04034b50, 6), label, packed])
    locals.push(local)
    at += local.length
  }
  const directory = Buffer.concat(centrals)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50)
  for (const place of [8, 10]) end.writeUInt16LE(entries.length, place)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(at, 16)
  return new Uint8Array(Buffer.concat([...locals, directory, end]))
}
