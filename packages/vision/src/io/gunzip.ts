// Unpacks gzip files in memory that the size of the file bounds, and checks what comes out: fflate does neither.
import { gunzipSync } from 'fflate'
import { broken } from './image.ts'

/** Deflate turns at most 258 bytes into two bits. */
const MOST = 1032

const table = Int32Array.from({ length: 256 }, (_, n) => {
  let c = n
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1
  return c
})
/** The checksum of gzip and of PNG. */
export const crc32 = (bytes: Uint8Array): number => {
  let c = -1
  for (let i = 0; i < bytes.length; i++) c = table[(c ^ bytes[i]) & 255] ^ (c >>> 8)
  return ~c >>> 0
}

export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b

/** The content of a gzip file; throws a RuntimeError with the file's name if it is truncated or damaged. */
export function gunzip(bytes: Uint8Array, file: string): Uint8Array {
  const damaged = (why: string) => broken(file, `the gzip file is damaged: ${why}`, 'Copy or download it again.')
  if (bytes.length < 18) throw damaged(`it has ${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const size = view.getUint32(bytes.length - 4, true)
  if (size > bytes.length * MOST) throw damaged('it is truncated, or has bytes behind its end')
  let content: Uint8Array
  try {
    content = gunzipSync(bytes)
  } catch (error) {
    throw damaged((error as Error).message)
  }
  if (content.length !== size || crc32(content) !== view.getUint32(bytes.length - 8, true))
    throw damaged('its checksum differs')
  return content
}
