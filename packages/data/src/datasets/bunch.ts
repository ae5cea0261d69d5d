// What the loaders of the shipped sets return: scikit-learn's Bunch, in camelCase.
import { currentDevice, type DType, type Tensor, tensor } from '@flambeau/core'

/** A data set with everything that is known about it. */
export interface Bunch {
  /** The features: float64, or float32 where the default device has no float64; [samples, features]. */
  readonly data: Tensor
  /** What is to be predicted: of the features' dtype for a regression, int32 class labels else; [samples]. */
  readonly target: Tensor
  readonly featureNames: string[]
  /** The classes in the order of their labels; for a regression the name of the target. */
  readonly targetNames: readonly string[]
  /** The name of the target: its column in the set's data frame. */
  readonly targetColumn: string
  /** What the set is and where it comes from. */
  readonly description: string
}

/** A shipped set, as text: a line of names, then a line of numbers for each sample, of which the last is the target. */
export interface Shipped {
  readonly csv: string
  readonly file: string
  readonly targetNames: readonly string[]
  readonly targetDtype: DType
  readonly description: string
}

/** The numbers of the lines after the first: the text is ours, so there is nothing to be found wrong with it. */
const numbersOf = (csv: string, width: number): Float64Array => {
  const cells = csv
    .slice(csv.indexOf('\n') + 1)
    .trimEnd()
    .split(/[,\n]/)
  if (cells.length % width !== 0) throw new Error('a shipped set has a line of another length')
  return Float64Array.from(cells, Number)
}

/** The dtype, where the default device has it; a GPU may know no float64. */
const onDevice = (dtype: DType): DType => (currentDevice().backend.caps.dtypes.has(dtype) ? dtype : 'float32')

/** The tensors of a set are made when they are asked for, on the default device. */
export const bunch = ({ csv, targetNames, targetDtype, description }: Shipped): Bunch => {
  const names = csv.slice(0, csv.indexOf('\n')).trimEnd().split(',')
  const width = names.length
  let numbers: Float64Array | undefined
  const read = (): Float64Array => (numbers ??= numbersOf(csv, width))
  const rows = (): number => read().length / width
  return {
    get data() {
      const features = read().filter((_, i) => i % width !== width - 1)
      return tensor(features, { dtype: onDevice('float64') }).reshape(rows(), width - 1)
    },
    get target() {
      return tensor(
        read().filter((_, i) => i % width === width - 1),
        { dtype: onDevice(targetDtype) },
      )
    },
    featureNames: names.slice(0, -1),
    targetNames,
    targetColumn: names[width - 1],
    description,
  }
}
