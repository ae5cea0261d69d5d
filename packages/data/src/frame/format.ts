// A data frame as text, as pandas prints it in a program: `str(df)` with default options (precision 6, at most 60 rows,
// the columns that fit the terminal). The rules are those of pandas' io/formats/format.py and string.py.
import { formatExponent, formatFixed, signatures, ValueError } from '@flambeau/core'
import { type Column, type Columns, columnsOf, type Frame, frame as frameKind, viewOf } from './frame.ts'

const PRECISION = 6
const MAX_ROWS = 60
const HALF_ROWS = 5
const MAX_CELL = 50

/** A column as lines of text: the header, then one line per row. */
type Strings = string[]

// Python counts characters, JavaScript UTF-16 units.
const width = (text: string): number => [...text].length
const widest = (lines: readonly string[]): number => lines.reduce((w, line) => Math.max(w, width(line)), 0)
const padLeft = (text: string, to: number): string => ' '.repeat(Math.max(0, to - width(text))) + text
const padRight = (text: string, to: number): string => text + ' '.repeat(Math.max(0, to - width(text)))

/**
 * Formats a data frame as text, exactly as pandas prints it in a terminal `width` characters wide: of a long frame the
 * first and last five rows with `...` between, of a wide frame the columns that fit; then its size.
 *
 * @example
 * console.log(formatFrame({ y: [0, 1], y_hat: Float32Array.of(0.25, 0.75) }))
 * //    y  y_hat
 * // 0  0   0.25
 * // 1  1   0.75
 */
export const formatFrame = (frame: Frame | Columns, options?: { readonly width?: number }): string => {
  const [table, line] = formatArguments([frame, options])
  if (line < 1) throw new ValueError(`formatFrame(): argument 'width' must be positive, but got ${line}`)
  const from = viewOf(table)
  const names = from.columnNames()
  const rows = from.indices()
  if (names.length === 0 || rows.length === 0) {
    const index = rows.length === 0 ? '[]' : `[${Array.from(rows.keys()).join(', ')}]`
    return `Empty DataFrame\nColumns: [${names.join(', ')}]\nIndex: ${index}`
  }
  const tall = rows.length > MAX_ROWS
  const shown = tall ? around(Array.from(rows.keys()), HALF_ROWS) : Array.from(rows.keys())
  const picked = Uint32Array.from(shown, (position) => rows[position])
  const labels = shown.map(String)
  const index = ['', ...labels].map((label) => padRight(label, widest(labels)))
  const columns = columnsOf(from, names).map((column, i) => columnStrings(column, names[i], picked))

  const dots = index.map(() => ' ...')
  // pandas keeps at most as many columns as the line has characters before it measures any.
  const kept = Math.floor(line / 2)
  const [candidates, measured] =
    names.length > line ? [around(columns, kept), around(columns, kept, dots)] : [columns, columns]
  const fitting = columnsThatFit([index, ...measured], line)
  const wide = names.length > fitting
  const half = Math.floor(fitting / 2)
  const visible = wide ? around(candidates, half, dots) : candidates
  if (tall) insertDots(index, visible, wide ? half : -1)

  const text = adjoin([index, ...visible])
  return tall || wide ? `${text}\n\n[${rows.length} rows x ${names.length} columns]` : text
}

const formatArguments = signatures.signature(
  'formatFrame',
  signatures.required('frame', frameKind),
  signatures.keyword('width', signatures.int, 80),
)

/**
 * Prints a data frame as pandas does.
 *
 * @example
 * printFrame({ y: [0, 1], y_hat: [0.25, 0.75] })
 */
export const printFrame = (frame: Frame | Columns): void => console.log(formatFrame(frame))

const around = <T>(items: readonly T[], count: number, ...middle: T[]): T[] => [
  ...items.slice(0, count),
  ...middle,
  ...items.slice(items.length - count),
]

const columnStrings = (column: Column, name: string, rows: Uint32Array): Strings => {
  const values = Array.from(rows, (row) => column.at(row))
  const single = column instanceof Float32Array
  const kind = single || column instanceof Float64Array ? 'float' : ArrayBuffer.isView(column) ? 'int' : kindOf(column)
  const cells = rightAligned(cellsOf(values, kind, single), 0)
  const header = kind === 'object' ? name : ` ${name}`
  const aligned = rightAligned(cells, width(header))
  return [padLeft(header, widest([header, ...aligned])), ...aligned]
}

type Kind = 'float' | 'int' | 'bool' | 'object'

/**
 * The dtype that pandas infers from a plain list: a missing value turns integers into floats and booleans into objects.
 */
const kindOf = (column: Column): Kind => {
  const values = [...(column as unknown as Iterable<unknown>)]
  const present = values.filter((v) => v !== null && v !== undefined && !Number.isNaN(v))
  const complete = present.length === values.length
  if (complete && present.length > 0 && present.every((v) => typeof v === 'boolean')) return 'bool'
  if (!present.every((v) => typeof v === 'number' || typeof v === 'bigint')) return 'object'
  // A column with only None is an object; one NaN makes it a float.
  if (present.length === 0 && !values.some((v) => typeof v === 'number')) return 'object'
  return complete && present.every((v) => typeof v === 'bigint' || Number.isSafeInteger(v)) ? 'int' : 'float'
}

const cellsOf = (values: readonly unknown[], kind: Kind, single: boolean): string[] => {
  if (kind === 'float') return floatCells(values.map(toFloat), single)
  if (kind === 'int') return values.map((v) => ((v as number) < 0 ? String(v) : ` ${v}`))
  return values.map(objectCell)
}

const toFloat = (value: unknown): number => (value === null || value === undefined ? Number.NaN : Number(value))

const objectCell = (value: unknown): string => {
  if (value === null || value === undefined) return ' None'
  if (typeof value === 'boolean') return value ? ' True' : ' False'
  if (typeof value === 'number') {
    if (Number.isNaN(value)) return ' NaN'
    if (Number.isSafeInteger(value)) return ` ${value}`
    return signed(value, trimSingle(formatFixed(value, PRECISION)))
  }
  return ` ${String(value).replace(/\t/g, '\\t').replace(/\r/g, '\\r').replace(/\n/g, '\\n')}`
}

const trimSingle = (text: string): string => text.replace(/0+$/, '').replace(/\.$/, '.0')

/** Python's "{: f}": a blank in place of the sign of a non-negative number. */
const signed = (value: number, text: string): string => (value < 0 || Object.is(value, -0) ? text : ` ${text}`)

const floatCells = (values: readonly number[], single: boolean): string[] => {
  const formatted = (digits: (v: number) => string): string[] =>
    trimZeros(
      values.map((v) => {
        if (Number.isNaN(v)) return 'NaN'
        return Number.isFinite(v) ? signed(v, digits(v)) : signed(v, v < 0 ? '-inf' : 'inf')
      }),
    )
  const fixed = formatted((v) => formatFixed(v, PRECISION))
  const small = single ? Math.fround(1e-6) : 1e-6
  const sizes = values.map(Math.abs)
  const hasSmall = sizes.some((v) => v > 0 && v < small)
  const tooLong = widest(fixed) > PRECISION + 6 && sizes.some((v) => v > 1e6)
  return hasSmall || tooLong ? formatted((v) => formatExponent(v, PRECISION)) : fixed
}

const DECIMAL = /^\s*[+-]?[0-9]+\.[0-9]*$/

/** Removes the trailing zeros that all numbers share, but keeps one digit after the point. */
const trimZeros = (cells: readonly string[]): string[] => {
  const decimals = cells.filter((cell) => DECIMAL.test(cell))
  if (decimals.length === 0) return [...cells]
  const zeros = Math.min(...decimals.map((cell) => (/0*$/.exec(cell) as RegExpExecArray)[0].length))
  return cells.map((cell) => {
    if (!DECIMAL.test(cell)) return cell
    const trimmed = zeros === 0 ? cell : cell.slice(0, -zeros)
    return trimmed.endsWith('.') ? `${trimmed}0` : trimmed
  })
}

const rightAligned = (cells: readonly string[], minimum: number): string[] => {
  const wanted = Math.max(widest(cells), minimum)
  const to = Math.min(wanted, MAX_CELL)
  return cells.map((cell) => {
    const cut = width(cell) > to ? `${[...cell].slice(0, to - 3).join('')}...` : cell
    return padLeft(cut, to)
  })
}

/** The line of dots between the first and the last rows; `dotColumn` is the column of dots, if there is one. */
const insertDots = (index: Strings, columns: readonly Strings[], dotColumn: number): void => {
  const at = HALF_ROWS
  const dots = (columnWidth: number): string => (columnWidth > 3 ? '...' : '..')
  columns.forEach((column, i) => {
    const columnWidth = width(column[at])
    column.splice(at + 1, 0, i === dotColumn ? ' ...' : padLeft(dots(columnWidth), columnWidth))
  })
  index.splice(at + 1, 0, padRight(dots(width(index[at])), width(index[at])))
}

/**
 * How many columns fit the line: pandas removes columns from the middle until the rest fits, and keeps at least two.
 */
const columnsThatFit = (strings: readonly Strings[], line: number): number => {
  const widths = strings.map(widest)
  let excess = widths.reduce((sum, w) => sum + w + 1, -1) - line + 1
  while (excess > 0 && widths.length > 1) {
    const [dropped] = widths.splice(roundHalfEven(widths.length / 2), 1)
    excess -= dropped + 1
  }
  return Math.max(widths.length - 1, 2)
}

const roundHalfEven = (n: number): number => (n % 1 === 0.5 ? 2 * Math.round(n / 2) : Math.round(n))

const adjoin = (columns: readonly Strings[]): string => {
  const height = Math.max(...columns.map((column) => column.length))
  const lengths = columns.map((column, i) => widest(column) + (i < columns.length - 1 ? 1 : 0))
  return Array.from({ length: height }, (_, row) =>
    columns.map((column, i) => padRight(column[row] ?? '', lengths[i])).join(''),
  ).join('\n')
}
