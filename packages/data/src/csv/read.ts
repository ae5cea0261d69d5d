// Reading CSV files. How text is read differs between Node and the browser: package.json's "imports" picks the file.
import { readText } from '#read-text'
import type { ColumnTable } from 'arquero'
import { type CsvOptions, parseCsv } from './parse.ts'

/**
 * Reads a CSV file into a data frame: a path or a file URL in Node, a URL in Node and in the browser.
 *
 * Errors are those of `parseCsv`, with the file's name, and the system's own for a file that cannot be read.
 *
 * @example
 * // not run: there is no such file
 * const houses = await readCsv('houses.csv', { numeric: true })
 */
export const readCsv = async (source: string | URL, options: CsvOptions = {}): Promise<ColumnTable> =>
  parseCsv(await readText(source), { file: String(source), ...options })
