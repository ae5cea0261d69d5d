// Creates data frames as arquero's tables. Only importers of `@flambeau/data/frame` load arquero.
import { signatures, type Tensor, ValueError } from '@flambeau/core'
import { type ColumnTable, table } from 'arquero'
import { checkNames } from './frame.ts'

const { list, optional, required, str } = signatures
const fromTensorArguments = signatures.signature(
  'fromTensor',
  required('tensor', signatures.tensor),
  optional('columns', list(str), null),
)

/**
 * Makes a data frame from a tensor's columns, named by `columns` (by default '0', '1', ...): the tensor has the shape
 * [rows] or [rows, columns]. float32 and float64 columns are typed arrays of that precision, bool columns are booleans.
 *
 * Throws a ValueError if the names do not fit the shape, and PyTorch's RuntimeError if the tensor requires grad.
 *
 * @example
 * printFrame(fromTensor(cat([y, yHat], { dim: 1 }).detach(), ['y', 'y_hat']))
 */
export const fromTensor = (t: Tensor, columns?: readonly string[]): ColumnTable => {
  const [, given] = fromTensorArguments([t, columns])
  if (t.dim() !== 1 && t.dim() !== 2) {
    throw new ValueError(`Must pass 2-d input. shape=(${t.shape.join(', ')})`, 'Reshape it to [rows, columns] first.')
  }
  const rows = t.shape[0]
  const width = t.dim() === 1 ? 1 : t.shape[1]
  const names = given ?? Array.from({ length: width }, (_, i) => String(i))
  if (names.length !== width) {
    throw new ValueError(
      `Shape of passed values is (${rows}, ${width}), indices imply (${rows}, ${names.length})`,
      `The tensor has ${width} columns and there are ${names.length} names.`,
    )
  }
  checkNames(names)
  const values = t.toArray()
  const columnAt = (j: number) => {
    const column = values.slice(0, rows)
    for (let i = 0; i < rows; i++) column[i] = values[i * width + j]
    return t.dtype === 'bool' ? Array.from(column, (v) => v !== 0) : column
  }
  return table(new Map(names.map((name, j) => [name, columnAt(j)])))
}
