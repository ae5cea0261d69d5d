// Reading CSV files. How bytes are read differs between Node and the browser: package.json's "imports" picks the file.
import { readBytes } from '#read-bytes'
import { signatures } from '@flambeau/core'
import type { ColumnTable } from 'arquero'
import { decode } from './decode.ts'
import { type CsvOptions, parseCsv, readArguments } from './parse.ts'

/**
 * Reads a CSV file into a data frame: a path or a file URL in Node, a URL in Node and in the browser.
 *
 * Errors are those of `parseCsv`, with the file's name, and the system's own for a file that cannot be read.
 *
 * @example
 * // not run: there is no such file
 * const houses = await readCsv('houses.csv', { numeric: true })
 */
export const readCsv = async (source: string | URL, options?: CsvOptions): Promise<ColumnTable> => {
  const [from] = readSource([source])
  // Before the file is: what is wrong with an option has nothing to do with it.
  readArguments('', options)
  const file = options?.file ?? String(from)
  return parseCsv(decode(await readBytes(from), file), { ...options, file })
}

const address: signatures.Kind<string | URL> = {
  expected: 'path or URL',
  accepts: (x) => typeof x === 'string' || x instanceof URL,
}
const readSource = signatures.signature('readCsv', signatures.required('source', address))
