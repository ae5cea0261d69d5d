// Unpacks gzip files and checks what comes out, which fflate does not.
import { Gunzip } from 'fflate'
import { broken } from './image.ts'
import { joined } from './pixels.ts'

/** The bytes that are unpacked at a time, each of which may become a thousand. */
const STEP = 65_536

const table = Int32Array.from({ length: 256 }, (_, n) => {
  let c = n
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1
  return c
})
/** The checksum of gzip and of PNG, of bytes behind those of another checksum. */
export const crc32 = (bytes: Uint8Array, before = 0): number => {
  let c = ~before
  for (let i = 0; i < bytes.length; i++) c = table[(c ^ bytes[i]) & 255] ^ (c >>> 8)
  return ~c >>> 0
}

export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b

/**
 * The content of all members of a gzip file, one after the other; throws a RuntimeError with the file's name if it is
 * truncated or damaged.
 */
export function gunzip(bytes: Uint8Array, file: string): Uint8Array {
  const damaged = (why: string) => broken(file, `the gzip file is damaged: ${why}`, 'Copy or download it again.')
  if (bytes.length < 18) throw damaged(`it has ${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const parts: Uint8Array[] = []
  let [size, crc] = [0, 0]
  const unpack = new Gunzip((part) => {
    parts.push(part)
    size += part.length
    crc = crc32(part, crc)
  })
  const checkMember = (end: number) => {
    if (size % 2 ** 32 !== view.getUint32(end - 4, true) || crc !== view.getUint32(end - 8, true))
      throw new Error('its length or its checksum differs')
    size = crc = 0
  }
  unpack.onmember = checkMember
  try {
    for (let at = 0; at < bytes.length; at += STEP)
      unpack.push(bytes.subarray(at, at + STEP), at + STEP >= bytes.length)
    checkMember(bytes.length)
  } catch (error) {
    throw damaged((error as Error).message)
  }
  return joined(parts)
}
