// TensorFlow's records, which event files consist of: the length in 8 bytes, its checksum, the content, its checksum.

/** The table of CRC-32C (Castagnoli), made when the first record is written. */
let table: Int32Array | undefined
const tableOf = (): Int32Array =>
  (table ??= Int32Array.from({ length: 256 }, (_, n) => {
    let c = n
    for (let k = 0; k < 8; k++) c = c & 1 ? 0x82f63b78 ^ (c >>> 1) : c >>> 1
    return c
  }))

export function crc32c(bytes: Uint8Array): number {
  const entries = tableOf()
  let c = -1
  for (let i = 0; i < bytes.length; i++) c = entries[(c ^ bytes[i]) & 255] ^ (c >>> 8)
  return ~c >>> 0
}

/** The checksum as records hold it: rotated and shifted, because the checksum of bytes that hold their own is weak. */
const masked = (bytes: Uint8Array): number => {
  const crc = crc32c(bytes)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

export function record(content: Uint8Array): Uint8Array {
  const result = new Uint8Array(content.length + 16)
  const view = new DataView(result.buffer)
  view.setUint32(0, content.length, true)
  view.setUint32(8, masked(result.subarray(0, 8)), true)
  result.set(content, 12)
  view.setUint32(12 + content.length, masked(content), true)
  return result
}
