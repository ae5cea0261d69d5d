// Data frames that are made here: arquero's tables. Only who imports `@flambeau/data/frame` pays for arquero.
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
 * A data frame of a tensor's columns, named by `columns` ('0', '1', ... without): the tensor has the shape [rows] or
 * [rows, columns]. float32 and float64 columns are typed arrays of that precision, bool ones are booleans.
 *
 * Throws a ValueError if the names do not fit the shape, PyTorch's RuntimeError if the tensor requires grad.
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
