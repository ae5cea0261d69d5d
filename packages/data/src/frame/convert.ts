// From data frames to tensors. Rows come in the order in which the frame shows them, after its filter.
import { type DType, signatures, type Tensor, tensor, ValueError } from '@flambeau/core'
import { type Columns, columnsOf, type Frame, frame as frameKind, type View, viewOf } from './frame.ts'
import { sourceOf } from './source.ts'

/**
 * The numbers of some columns, row by row in float64: missing values are NaN, booleans 1 and 0. For anything else,
 * throws a ValueError with its place: file, line and column if the frame was read from a file.
 */
export const numbersOf = (frame: View, names: readonly string[]): Float64Array => {
  const rows = frame.indices()
  const numbers = new Float64Array(rows.length * names.length)
  for (const [j, column] of columnsOf(frame, names).entries()) {
    for (let i = 0; i < rows.length; i++) {
      const value = column.at(rows[i])
      const number = numberOf(value)
      if (number === undefined) throw notANumber(frame, names[j], i, rows[i], value)
      numbers[i * names.length + j] = number
    }
  }
  return numbers
}

/** A cell as a number, or undefined if it is not one. */
export const numberOf = (value: unknown): number | undefined => {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean' || typeof value === 'bigint') return Number(value)
  return value === null || value === undefined ? Number.NaN : undefined
}

const placeOf = (frame: View, name: string, position: number, row: number): string => {
  const source = sourceOf(frame.column(name) as object)
  return source === undefined
    ? `row ${position}, column '${name}'`
    : `${source.file}, line ${source.lines[row]}, column '${source.column}'`
}

/** Python's sentence for a value that is not a number. */
export const notFloat = (value: unknown): string =>
  typeof value === 'object' || typeof value === 'function'
    ? `float() argument must be a string or a real number, not '${typeof value}'`
    : `could not convert ${typeof value} to float: '${String(value)}'`

const notANumber = (frame: View, name: string, position: number, row: number, value: unknown): ValueError =>
  new ValueError(
    `${placeOf(frame, name, position, row)}: ${notFloat(value)}`,
    'A tensor holds only numbers: leave the column out, or convert its values to numbers first.',
  )

/**
 * Makes a tensor from a data frame's columns: shape [rows, columns] for a list of names, [rows] for one name. Missing
 * values are NaN. The dtype is float32 by default; an integer dtype accepts only whole numbers.
 *
 * Throws a ValueError for a column that the frame lacks, and for a value that is not a number or does not fit the
 * dtype, with its file, line and column.
 *
 * @example
 * const { frame, featureNames } = loadIris()
 * toTensor(frame, featureNames).size() // torch.Size([150, 4])
 * toTensor(frame, 'target', { dtype: 'int32' }).size() // torch.Size([150])
 */
export const toTensor = (
  frame: Frame | Columns,
  columns?: string | readonly string[],
  options?: { readonly dtype?: DType },
): Tensor => {
  const [table, wanted, dtype] = toTensorArguments([frame, columns, options])
  const from = viewOf(table)
  const names = wanted === null ? from.columnNames() : typeof wanted === 'string' ? [wanted] : wanted
  const numbers = numbersOf(from, names)
  if (dtype !== 'float32' && dtype !== 'float64') checkFits(from, names, numbers, dtype)
  const rows = from.numRows()
  return tensor(numbers, { dtype }).reshape(typeof wanted === 'string' ? [rows] : [rows, names.length])
}

const { either, keyword, list, optional, required, str } = signatures
const toTensorArguments = signatures.signature(
  'toTensor',
  required('frame', frameKind),
  optional('columns', either(str, list(str)), null),
  keyword('dtype', signatures.dtype, 'float32'),
)

const RANGES: Record<'int32' | 'uint8' | 'bool', readonly [number, number]> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint8: [0, 255],
  bool: [0, 1],
}

const checkFits = (
  frame: View,
  names: readonly string[],
  numbers: Float64Array,
  dtype: 'int32' | 'uint8' | 'bool',
): void => {
  const [low, high] = RANGES[dtype]
  const bad = numbers.findIndex((n) => !Number.isInteger(n) || n < low || n > high)
  if (bad < 0) return
  const position = Math.floor(bad / names.length)
  const place = placeOf(frame, names[bad % names.length], position, frame.indices()[position])
  throw new ValueError(
    `${place}: ${numbers[bad]} is not a value of dtype ${dtype}`,
    `It takes whole numbers from ${low} to ${high}; read the column as float32, or correct the value.`,
  )
}
