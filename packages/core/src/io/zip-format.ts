// What readers and writers of zip archives share: CRC-32, and the marks and sizes of headers.

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

export const localMark = 0x04034b50
export const centralMark = 0x02014b50
export const endMark = 0x06054b50
export const end64Mark = 0x06064b50
export const locatorMark = 0x07064b50
export const descriptorMark = 0x08074b50
export const localBytes = 30
export const centralBytes = 46
export const endBytes = 22
export const locatorBytes = 20
export const end64Bytes = 56
/** In a field of 32 bits: the number is in a zip64 field. */
export const elsewhere = 0xffffffff

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
