// Between data frames and tensors. A frame is an arquero table: its rows in the order that the table shows them, its
// filter respected.
import { type DType, type Tensor, tensor, ValueError } from '@flambeau/core'
import { type ColumnTable, table } from 'arquero'
import { sourceOf } from './source.ts'

/** The values of one column in the order of the table's rows. */
export const columnValues = (frame: ColumnTable, name: string, rows: Uint32Array = frame.indices()): unknown[] => {
  const column = frame.column(name)
  if (column === undefined) {
    const known = frame.columnNames().map((n) => `'${n}'`)
    throw new ValueError(`no column named '${name}'`, `The data frame has the columns ${known.join(', ')}.`)
  }
  return Array.from(rows, (row) => column.at(row))
}

/**
 * The numbers of some columns, row by row in float64: missing values are NaN, booleans 1 and 0. A ValueError names the
 * place of anything else: file, line and column if the frame was read from a file.
 */
export const numbersOf = (frame: ColumnTable, names: readonly string[]): Float64Array => {
  const rows = frame.indices()
  const numbers = new Float64Array(rows.length * names.length)
  names.forEach((name, j) => {
    const values = columnValues(frame, name, rows)
    for (let i = 0; i < values.length; i++) {
      const value = values[i]
      if (typeof value === 'number') numbers[i * names.length + j] = value
      else if (typeof value === 'boolean' || typeof value === 'bigint') numbers[i * names.length + j] = Number(value)
      else if (value === null || value === undefined) numbers[i * names.length + j] = Number.NaN
      else throw notANumber(frame, name, i, rows[i], value)
    }
  })
  return numbers
}

const placeOf = (frame: ColumnTable, name: string, position: number, row: number): string => {
  const source = sourceOf(frame.column(name) as object)
  return source === undefined
    ? `row ${position}, column '${name}'`
    : `${source.file}, line ${source.lines[row]}, column '${source.column}'`
}

const notANumber = (frame: ColumnTable, name: string, position: number, row: number, value: unknown): ValueError =>
  new ValueError(
    `${placeOf(frame, name, position, row)}: could not convert ${typeof value} to float: '${String(value)}'`,
    'A tensor holds numbers only: leave the column out, or turn its values into numbers first.',
  )

/**
 * A tensor of a data frame's columns: shape [rows, columns] for a list of names, [rows] for one name. Missing values are
 * NaN. The dtype is float32 unless told otherwise; an integer dtype takes whole numbers only.
 *
 * Throws a ValueError for a column that the frame lacks, and for a value that is not a number or does not fit the dtype,
 * with its file, line and column.
 *
 * @example
 * const { frame, featureNames } = loadIris()
 * toTensor(frame, featureNames).size() // torch.Size([150, 4])
 * toTensor(frame, 'target', { dtype: 'int32' }).size() // torch.Size([150])
 */
export const toTensor = (
  frame: ColumnTable,
  columns: string | readonly string[] = frame.columnNames(),
  { dtype = 'float32' }: { dtype?: DType } = {},
): Tensor => {
  const names = typeof columns === 'string' ? [columns] : columns
  const numbers = numbersOf(frame, names)
  if (dtype !== 'float32' && dtype !== 'float64') checkFits(frame, names, numbers, dtype)
  const rows = frame.numRows()
  return tensor(numbers, { dtype }).reshape(typeof columns === 'string' ? [rows] : [rows, names.length])
}

const RANGES: Record<'int32' | 'uint8' | 'bool', readonly [number, number]> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint8: [0, 255],
  bool: [0, 1],
}

const checkFits = (
  frame: ColumnTable,
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

/**
 * A data frame of a tensor's columns, named by `columns` ('0', '1', ... without): the tensor has the shape [rows] or
 * [rows, columns]. float32 and float64 columns are typed arrays of that precision, bool ones are booleans.
 *
 * Throws a ValueError if the names do not fit the shape, PyTorch's RuntimeError if the tensor requires grad.
 *
 * @example
 * printFrame(fromTensor(cat([y, yHat], { dim: 1 }).detach(), ['y', 'y_hat']))
 */
export const fromTensor = (t: Tensor, columns?: readonly string[]): ColumnTable => {
  if (t.dim() !== 1 && t.dim() !== 2) {
    throw new ValueError(`Must pass 2-d input. shape=(${t.shape.join(', ')})`, 'Reshape it to [rows, columns] first.')
  }
  const rows = t.shape[0]
  const width = t.dim() === 1 ? 1 : t.shape[1]
  const names = columns ?? Array.from({ length: width }, (_, i) => String(i))
  if (names.length !== width) {
    throw new ValueError(
      `Shape of passed values is (${rows}, ${width}), indices imply (${rows}, ${names.length})`,
      `The tensor has ${width} columns and there are ${names.length} names.`,
    )
  }
  const values = t.toArray()
  const columnAt = (j: number) => {
    const column = values.slice(0, rows)
    for (let i = 0; i < rows; i++) column[i] = values[i * width + j]
    return t.dtype === 'bool' ? Array.from(column, (v) => v !== 0) : column
  }
  return table(new Map(names.map((name, j) => [name, columnAt(j)])))
}
