// Base64 encoding of bytes, without Node or the DOM.
import { ValueError } from './errors.ts'

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const places = new Map(Array.from(digits, (digit, i) => [digit, i]))

export function toBase64(bytes: Uint8Array): string {
  const chunks: string[] = []
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i
    const word = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    chunks.push(
      digits[word >> 18],
      digits[(word >> 12) & 63],
      left > 1 ? digits[(word >> 6) & 63] : '=',
      left > 2 ? digits[word & 63] : '=',
    )
  }
  return chunks.join('')
}

/** Decodes base64. Throws a ValueError for other text. */
export function fromBase64(text: string): Uint8Array {
  const end = text.endsWith('==') ? text.length - 2 : text.endsWith('=') ? text.length - 1 : text.length
  const bytes = new Uint8Array(Math.floor((end * 3) / 4))
  let word = 0
  for (let i = 0; i < end; i++) {
    const place = places.get(text[i])
    if (place === undefined || text.length % 4 !== 0) throw new ValueError('the elements of a tensor are not base64')
    word = ((word << 6) | place) & 0xffffff
    if (i % 4 > 0) bytes[i - Math.floor(i / 4) - 1] = (word >> (6 - 2 * (i % 4))) & 255
  }
  return bytes
}
