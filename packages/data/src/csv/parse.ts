// CSV text to an arquero table. Papaparse splits the text; this file decides what the cells are, and says where in the
// file a cell is wrong. Reading files is read.ts.
import { ValueError } from '@flambeau/core'
import { type ColumnTable, table } from 'arquero'
import Papa from 'papaparse'
import { type Column, remember, type Source } from '../frame/source.ts'

/** What `parseCsv` and `readCsv` can be told about the text. */
export interface CsvOptions {
  /** The name used in error messages; `readCsv` takes it from the path. */
  readonly file?: string
  /** What separates the cells; a comma unless told otherwise. */
  readonly delimiter?: string
  /** false: the first line is data, and the columns are named '0', '1', ... */
  readonly header?: boolean
  /** The columns to keep, in this order; one that the file lacks is an error. */
  readonly columns?: readonly string[]
  /** Columns in which every cell has to be a number (or missing); true: all of them. */
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

/** The number that a cell spells, or undefined. */
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
 * Reads CSV text into a data frame. A column in which every cell is a number becomes a typed column (Int32Array where all
 * are whole numbers that fit, else Float64Array), one of `true` and `false` booleans, every other one strings.
 *
 * Throws a ValueError that names file, line and column for a row that is too long or too short, a quote that is not
 * closed, a column that is missing or named twice, text where `numeric` asks for a number, and an empty file.
 *
 * @example
 * const houses = parseCsv('rooms,price\n3,24.0\n4,21.6\n', { numeric: true })
 * houses.numRows() // 2
 */
export const parseCsv = (text: string, options: CsvOptions = {}): ColumnTable => {
  const file = options.file ?? 'CSV text'
  const rows = split(text, options.delimiter ?? ',', file)
  if (rows.cells.length === 0) throw new ValueError(`${file}: No columns to parse from file`, 'The file is empty.')

  const hasHeader = options.header ?? true
  const names = hasHeader ? rows.cells[0] : rows.cells[0].map((_, i) => String(i))
  checkNames(names, file, rows.lines[0])
  const first = hasHeader ? 1 : 0
  checkWidths(rows, names, first, file)

  const wanted = options.columns ?? names
  const absent = wanted.filter((name) => !names.includes(name))
  if (absent.length > 0) {
    throw new ValueError(
      `${file}, line ${rows.lines[0]}: no column named ${absent.map((name) => `'${name}'`).join(', ')}`,
      `The file has the columns ${names.map((name) => `'${name}'`).join(', ')}.`,
    )
  }

  const missing = new Set(options.missing ?? MISSING)
  const lines = rows.lines.subarray(first)
  const numeric = options.numeric ?? false
  const columns: [string, Column][] = wanted.map((name) => {
    const at = names.indexOf(name)
    const cells = rows.cells.slice(first).map((row) => row[at])
    const source: Source = { file, column: name, lines }
    const strict = typeof numeric === 'boolean' ? numeric : numeric.includes(name)
    return [name, remember(columnOf(cells, missing, strict ? source : undefined), source)]
  })
  return table(new Map(columns))
}

const split = (text: string, delimiter: string, file: string): Rows => {
  const parsed = Papa.parse<string[]>(text.replace(/^\ufeff/, ''), { delimiter })
  const cells: string[][] = []
  const lines: number[] = []
  const starts: number[] = []
  let line = 1
  for (const row of parsed.data) {
    starts.push(line)
    // An empty line is skipped, as pandas does; it still counts.
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

const checkNames = (names: readonly string[], file: string, line: number): void => {
  const twice = names.findIndex((name, i) => names.indexOf(name) !== i)
  if (twice >= 0) {
    throw new ValueError(
      `${file}, line ${line}: the column name '${names[twice]}' occurs twice (columns ${names.indexOf(names[twice]) + 1} and ${twice + 1})`,
      'Give every column a name of its own, or read with { header: false }.',
    )
  }
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

/** The column that the cells make. With `strict`, all of them have to be numbers. */
const columnOf = (cells: readonly string[], missing: ReadonlySet<string>, strict: Source | undefined): Column => {
  const numbers = new Float64Array(cells.length)
  let whole = cells.length > 0
  let numeric = true
  for (let i = 0; i < cells.length && numeric; i++) {
    const cell = cells[i]
    const value = missing.has(cell) ? Number.NaN : numberOf(cell)
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
    // Too large for int32: an array of numbers keeps them whole, up to 2^53.
    return numbers.every(Number.isSafeInteger) ? Array.from(numbers) : numbers
  }
  if (numeric) return numbers
  const flags = cells.map((cell) => (/^true$/i.test(cell) ? true : /^false$/i.test(cell) ? false : undefined))
  if (!flags.includes(undefined)) return flags
  return cells.map((cell) => (missing.has(cell) ? null : cell))
}

/** The error for text in row `i` where a number belongs. */
const notANumber = (source: Source, i: number, cell: string): ValueError =>
  new ValueError(
    `${source.file}, line ${source.lines[i]}, column '${source.column}': could not convert string to float: '${cell}'`,
    'Correct the cell, leave it empty for a missing value, or leave the column out with { columns: [...] }.',
  )
