// CSV text to an arquero table. Papaparse splits the text; this file interprets the cells and reports where in the file
// a cell is wrong. read.ts reads files.
import { signatures, ValueError } from '@flambeau/core'
import { type ColumnTable, table } from 'arquero'
import Papa from 'papaparse'
import { checkNames, type Column } from '../frame/frame.ts'
import { remember, type Source } from '../frame/source.ts'

/** Options of `parseCsv` and `readCsv` for the text. */
export interface CsvOptions {
  /** The name used in error messages; `readCsv` takes it from the path. */
  readonly file?: string
  /** The separator between cells; by default a comma. */
  readonly delimiter?: string
  /** false: the first line is data, and the columns are named '0', '1', ... */
  readonly header?: boolean
  /** The columns to keep, in this order; a column that the file lacks is an error. */
  readonly columns?: readonly string[]
  /** Columns in which every cell must be a number (or missing); true means all columns. */
  readonly numeric?: boolean | readonly string[]
  /** Cells that mean "missing"; they become NaN in a column of numbers, null elsewhere. pandas' list by default. */
  readonly missing?: readonly string[]
}

const MISSING = ' #N/A #N/A_N/A #NA -1.#IND -1.#QNAN -NaN -nan 1.#IND 1.#QNAN <NA> N/A NA NULL NaN None n/a nan null'
  .split(' ')
  .map((word) => word.replace('_', ' '))

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/
const INTEGER = /^[+-]?\d+$/
const INFINITE = /^[+-]?inf(inity)?$/i

/** The number that a cell contains, or undefined. */
const numberOf = (cell: string): number | undefined => {
  const text = cell.trim()
  if (NUMBER.test(text)) return Number(text)
  if (INFINITE.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  return undefined
}

interface Rows {
  readonly cells: readonly (readonly string[])[]
  /** The line of the file on which each row starts. */
  readonly lines: Int32Array
}

/**
 * Reads CSV text into a data frame. A column of numbers becomes a typed array (Int32Array if all are integers that fit,
 * otherwise Float64Array), a column of `true` and `false` booleans, and every other column strings.
 *
 * Throws a TypeError for an unknown option, and a ValueError that names file, line and column for a row that is too
 * long or too short, an unclosed quote, a missing or repeated column, text where `numeric` requires a number, and an
 * empty file.
 *
 * @example
 * const houses = parseCsv('rooms,price\n3,24.0\n4,21.6\n', { numeric: true })
 * houses.numRows() // 2
 */
export const parseCsv = (text: string, options?: CsvOptions): ColumnTable => {
  const [source, file, delimiter, hasHeader, columns, numeric, missing] = readArguments(text, options)
  const rows = split(source, delimiter, file)
  if (rows.cells.length === 0) throw new ValueError(`${file}: No columns to parse from file`, 'The file is empty.')

  const names = hasHeader ? rows.cells[0] : rows.cells[0].map((_, i) => String(i))
  const where = `${file}, line ${rows.lines[0]}: `
  checkNames(names, where)
  const first = hasHeader ? 1 : 0
  checkWidths(rows, names, first, file)

  const wanted = columns ?? names
  const isStrict = typeof numeric === 'boolean' ? () => numeric : has(numeric)
  const places = new Map(names.map((name, i) => [name, i]))
  const absent = [...wanted, ...(typeof numeric === 'boolean' ? [] : numeric)].filter((name) => !places.has(name))
  if (absent.length > 0) {
    throw new ValueError(`${where}no column named ${quoted(absent)}`, `The file has the columns ${quoted(names)}.`)
  }
  if (columns !== null) checkNames(columns, `${file}, of the requested columns: `)

  const isMissing = has(missing)
  const lines = rows.lines.subarray(first)
  const body = rows.cells.slice(first)
  const made = wanted.map((name): [string, Column] => {
    const at = places.get(name) as number
    const cells = body.map((row) => row[at])
    const source: Source = { file, column: name, lines }
    return [name, remember(columnOf(cells, isMissing, isStrict(name) ? source : undefined), source)]
  })
  return table(new Map(made))
}

const { bool, either, keyword, list, required, str } = signatures
const parseArguments = signatures.signature(
  'parseCsv',
  required('text', str),
  keyword('file', str, 'CSV text'),
  keyword('delimiter', str, ','),
  keyword('header', bool, true),
  keyword('columns', list(str), null),
  keyword('numeric', either(bool, list(str)), false),
  keyword('missing', list(str), MISSING),
)

const has = (names: readonly string[]): ((name: string) => boolean) => {
  const set = new Set(names)
  return (name) => set.has(name)
}

const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ')

/** Checks the arguments of `parseCsv` without reading any text. */
export const readArguments = (text: string, options: CsvOptions | undefined) => {
  const read = parseArguments([text, options])
  const [, , delimiter] = read
  if (delimiter === '' || /["\r\n\ufeff]/.test(delimiter)) {
    throw new ValueError(
      `parseCsv(): argument 'delimiter' must not be ${JSON.stringify(delimiter)}`,
      'It separates two cells: a comma, a semicolon, a tab; neither a quote nor a line break.',
    )
  }
  return read
}

const split = (text: string, delimiter: string, file: string): Rows => {
  const parsed = Papa.parse<string[]>(text.replace(/^\ufeff/, ''), { delimiter })
  const cells: string[][] = []
  const lines: number[] = []
  const starts: number[] = []
  let line = 1
  for (const row of parsed.data) {
    starts.push(line)
    // Like pandas, skip an empty line; it still counts as a line.
    if (row.length > 1 || row[0] !== '') {
      cells.push(row)
      lines.push(line)
    }
    line += 1 + row.reduce((sum, cell) => sum + cell.split('\n').length - 1, 0)
  }
  const error = parsed.errors.find((e) => e.type === 'Quotes')
  if (error !== undefined) {
    const what = error.code === 'MissingQuotes' ? 'a quoted cell is not closed' : 'a quote inside a quoted cell'
    throw new ValueError(
      `${file}, line ${starts[error.row ?? 0]}: ${what}`,
      'A quote that is part of a quoted cell is written twice: "".',
    )
  }
  return { cells, lines: Int32Array.from(lines) }
}

const checkWidths = (rows: Rows, names: readonly string[], first: number, file: string): void => {
  for (let i = first; i < rows.cells.length; i++) {
    const width = rows.cells[i].length
    if (width === names.length) continue
    const where =
      width < names.length ? `nothing for column '${names[width]}'` : `no column for '${rows.cells[i][names.length]}'`
    throw new ValueError(
      `${file}, line ${rows.lines[i]}: Expected ${names.length} fields, saw ${width}: ${where}`,
      'Every row needs as many cells as the first line has; a cell that holds a comma goes in quotes.',
    )
  }
}

/** The column that the cells form. With `strict`, all of them must be numbers. */
const columnOf = (
  cells: readonly string[],
  isMissing: (cell: string) => boolean,
  strict: Source | undefined,
): Column => {
  const numbers = new Float64Array(cells.length)
  let whole = cells.length > 0
  let numeric = true
  for (let i = 0; i < cells.length && numeric; i++) {
    const cell = cells[i]
    const value = isMissing(cell) ? Number.NaN : numberOf(cell)
    if (value === undefined) {
      if (strict !== undefined) throw notANumber(strict, i, cell)
      numeric = false
    } else {
      numbers[i] = value
      whole &&= INTEGER.test(cell.trim())
    }
  }
  if (numeric && whole) {
    if (numbers.every((n) => n === (n | 0))) return Int32Array.from(numbers)
    // Too large for int32: a plain array keeps integers exact, up to 2^53.
    return numbers.every(Number.isSafeInteger) ? Array.from(numbers) : numbers
  }
  if (numeric) return numbers
  const flags = cells.map((cell) => (/^true$/i.test(cell) ? true : /^false$/i.test(cell) ? false : undefined))
  if (!flags.includes(undefined)) return flags
  return cells.map((cell) => (isMissing(cell) ? null : cell))
}

/** The error for text in row `i` where a number belongs. */
const notANumber = (source: Source, i: number, cell: string): ValueError =>
  new ValueError(
    `${source.file}, line ${source.lines[i]}, column '${source.column}': could not convert string to float: '${cell}'`,
    'Correct the cell, leave it empty for a missing value, or select other columns with { columns: [...] }.',
  )
