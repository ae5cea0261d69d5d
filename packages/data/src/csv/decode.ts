// Bytes to text. Invalid UTF-8 would come out as replacement characters, which nobody notices in a table of numbers.
import { ValueError } from '@flambeau/core'

/**
 * Decodes a file from UTF-8, without its byte order mark. Throws a ValueError that names the line of the first invalid
 * byte.
 */
export const decode = (bytes: Uint8Array, file: string): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    const at = firstWrong(bytes)
    const line = bytes.subarray(0, at).reduce((count, byte) => (byte === 0x0a ? count + 1 : count), 1)
    const byte = bytes[at].toString(16).padStart(2, '0')
    throw new ValueError(
      `${file}, line ${line}: 'utf-8' codec can't decode byte 0x${byte} in position ${at}`,
      'Save the file in UTF-8, or decode it yourself (new TextDecoder(...)) and give the text to parseCsv.',
    )
  }
}

/** The position of the first byte that belongs to no character. */
const firstWrong = (bytes: Uint8Array): number => {
  // A lenient decoder writes this character for invalid bytes; if the file contains it itself, it is three bytes long.
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  const encoder = new TextEncoder()
  let position = 0
  let from = 0
  for (;;) {
    const mark = text.indexOf('\ufffd', from)
    position += encoder.encode(text.slice(from, mark)).length
    const isOwn = bytes[position] === 0xef && bytes[position + 1] === 0xbf && bytes[position + 2] === 0xbd
    if (mark < 0 || !isOwn) return Math.min(position, bytes.length - 1)
    position += 3
    from = mark + 1
  }
}
