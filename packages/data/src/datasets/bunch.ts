// What the loaders of the shipped sets return: scikit-learn's Bunch, in camelCase.
import type { DType, Tensor } from '@flambeau/core'
import type { ColumnTable } from 'arquero'
import { parseCsv } from '../csv/parse.ts'
import { toTensor } from '../frame/convert.ts'

/** A data set with everything that is known about it. */
export interface Bunch {
  /** The features: float64, [samples, features]. */
  readonly data: Tensor
  /** What is to be predicted: float64 for a regression, int32 class labels else; [samples]. */
  readonly target: Tensor
  /** Features and target together, as columns of a data frame. */
  readonly frame: ColumnTable
  readonly featureNames: string[]
  /** The classes in the order of their labels; for a regression the name of the target. */
  readonly targetNames: readonly string[]
  /** The name of the target's column in `frame`. */
  readonly targetColumn: string
  /** What the set is and where it comes from. */
  readonly description: string
}

/** A set whose last column is the target. The tensors are made when they are asked for, on the default device. */
export const bunch = (
  csv: string,
  about: { file: string; targetNames: readonly string[]; targetDtype: DType; description: string },
): Bunch => {
  const frame = parseCsv(csv, { file: about.file, numeric: true })
  const names = frame.columnNames()
  const featureNames = names.slice(0, -1)
  const targetColumn = names[names.length - 1]
  return {
    get data() {
      return toTensor(frame, featureNames, { dtype: 'float64' })
    },
    get target() {
      return toTensor(frame, targetColumn, { dtype: about.targetDtype })
    },
    frame,
    featureNames,
    targetNames: about.targetNames,
    targetColumn,
    description: about.description,
  }
}
