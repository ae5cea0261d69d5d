// Reads CSV files. Node and browsers read bytes differently: "imports" in package.json picks the file.
import { readBytes } from '#read-bytes'
import { signatures } from '@flambeau/core'
import type { ColumnTable } from 'arquero'
import { decode } from './decode.ts'
import { type CsvOptions, parseCsv, readArguments } from './parse.ts'

/**
 * Reads a CSV file into a data frame: a path or a file URL in Node, a URL in Node and in the browser.
 *
 * Throws the errors of `parseCsv`, with the file's name, and the system's own error for a file that cannot be read.
 *
 * @example
 * // not run: there is no such file
 * const houses = await readCsv('houses.csv', { numeric: true })
 */
export const readCsv = async (source: string | URL, options?: CsvOptions): Promise<ColumnTable> => {
  const [from] = readSource([source])
  // Check options before reading the file, because their errors don't depend on it.
  readArguments('', options)
  const file = options?.file ?? String(from)
  return parseCsv(decode(await readBytes(from), file), { ...options, file })
}

const address: signatures.Kind<string | URL> = {
  expected: 'path or URL',
  accepts: (x) => typeof x === 'string' || x instanceof URL,
}
const readSource = signatures.signature('readCsv', signatures.required('source', address))
