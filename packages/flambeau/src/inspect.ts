// What a file of tensors holds, as a table for a terminal; bin/inspect.js is the command.
import { io } from '@flambeau/core'

/** Texts from a file, without the controls that a terminal would obey. */
const plain = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}]/gu, (c) => `\\u${c.codePointAt(0)?.toString(16).padStart(4, '0')}`)
const shortened = (text: string): string => (text.length > 72 ? `${text.slice(0, 69)}...` : text)
const count = (n: number): string => n.toLocaleString('en')

/**
 * A table of the tensors in a file, a path or an address: names, dtypes, shapes, sizes and places, without reading their
 * elements; then the metadata.
 *
 * Throws what `io.list` throws, if the file cannot be read or is not one of tensors.
 */
export async function inspect(file: string): Promise<string> {
  const { format, size, tensors, metadata } = await io.list(file)
  const rows = tensors.map(({ name, dtype, stored, shape, bytes, offset }) => [
    plain(name),
    dtype === null ? `${plain(stored)}, not readable` : stored,
    `[${shape.join(', ')}]`,
    count(bytes),
    offset === null ? '' : count(offset),
  ])
  const table = [['name', 'dtype', 'shape', 'bytes', 'offset'], ...rows]
  const widths = table[0].map((_, i) => Math.max(...table.map((row) => row[i].length)))
  const lines = table.map((row) =>
    row
      .map((cell, i) => (i < 3 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join('  ')
      .trimEnd(),
  )
  const elements = tensors.reduce((sum, { shape }) => sum + shape.reduce((n, each) => n * each, 1), 0)
  const [numbers, tensorsToo] = [count(elements), count(tensors.length)]
  return [
    ...lines,
    '',
    `${format}, ${count(size)} bytes: ${tensorsToo} tensor${tensors.length === 1 ? '' : 's'}, ${numbers} numbers`,
    ...Array.from(metadata, ([key, text]) => shortened(`${plain(key)}: ${plain(text)}`)),
  ].join('\n')
}
