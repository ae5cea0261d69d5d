// The loaders of the shipped sets return a bunch: scikit-learn's Bunch, in camelCase.
import { currentDevice, type Tensor, tensor } from '@flambeau/core'

/** A data set with its description. */
export interface Bunch {
  /** The features, [samples, features]: float64, or float32 if the default device has no float64. */
  readonly data: Tensor
  /** The target, [samples]: for a regression in the features' dtype, otherwise int32 class labels. */
  readonly target: Tensor
  readonly featureNames: string[]
  /** The classes in the order of their labels; for a regression, the name of the target. */
  readonly targetNames: readonly string[]
  /** The name of the target, which is its column in the set's data frame. */
  readonly targetColumn: string
  /** A description of the set and its origin. */
  readonly description: string
}

/** A shipped set as text: a line of names, then a line of numbers for each sample, with the target last. */
export interface Shipped {
  readonly csv: string
  readonly file: string
  readonly targetNames: readonly string[]
  readonly targetDtype: Tensor['dtype']
  readonly description: string
}

/** The numbers of all lines but the first. The text is our own, so it needs no error messages. */
const numbersOf = (csv: string, width: number): Float64Array => {
  const cells = csv
    .slice(csv.indexOf('\n') + 1)
    .trimEnd()
    .split(/[,\n]/)
  if (cells.length % width !== 0) throw new Error('a shipped set has a line of another length')
  return Float64Array.from(cells, Number)
}

/** The dtype if the default device has it; a GPU may lack float64. */
const onDevice = (dtype: Tensor['dtype']): Tensor['dtype'] =>
  currentDevice().backend.caps.dtypes.has(dtype) ? dtype : 'float32'

/** Creates the tensors of a set on demand, on the default device. */
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
