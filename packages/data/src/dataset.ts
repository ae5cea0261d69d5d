// PyTorch's datasets: anything with a length and `at`, so every array is one.
import { AssertionError, defaultGenerator, type Generator, randperm, type Tensor, ValueError } from '@flambeau/core'

/**
 * A number of samples, each found by its index. Arrays are datasets as they are.
 *
 * @example
 * class Squares implements Dataset<number> {
 *   readonly length = 10
 *   at(index: number) { return index ** 2 }
 * }
 */
export interface Dataset<T> {
  readonly length: number
  at(index: number): T | undefined
}

const checkIndex = (index: number, length: number): number => {
  const at = index < 0 ? index + length : index
  if (!Number.isInteger(at) || at < 0 || at >= length) {
    throw new RangeError(`index ${index} is out of range for a dataset of ${length} samples`)
  }
  return at
}

/**
 * Tensors whose first dimension counts the samples: sample i is the list of their i-th rows.
 *
 * Throws an AssertionError if the first dimensions differ.
 *
 * @example
 * const set = new TensorDataset(x, y)
 * const [x0, y0] = set.at(0)
 */
export class TensorDataset<T extends readonly Tensor[] = Tensor[]> implements Dataset<T> {
  readonly tensors: T

  constructor(...tensors: T) {
    if (tensors.some((t) => t.shape[0] !== tensors[0].shape[0])) {
      throw new AssertionError(
        'Size mismatch between tensors',
        `Every tensor needs the same first dimension; they have ${tensors.map((t) => t.shape[0]).join(', ')}.`,
      )
    }
    this.tensors = tensors
  }

  /** The number of samples. */
  get length(): number {
    return this.tensors[0].shape[0]
  }

  /** The rows of one sample; a negative index counts from the end. Throws a RangeError beyond them. */
  at(index: number): T {
    const row = checkIndex(index, this.length)
    return this.tensors.map((t) => t.select(0, row)) as unknown as T
  }

  /** The samples of several indices at once, one tensor for each of the dataset's: what stacking them would give. */
  rows(indices: Tensor): T {
    return this.tensors.map((t) => t.indexSelect(0, indices)) as unknown as T
  }
}

/** Some samples of another dataset, in the order of `indices`. */
export class Subset<T> implements Dataset<T> {
  readonly dataset: Dataset<T>
  readonly indices: readonly number[]

  constructor(dataset: Dataset<T>, indices: readonly number[]) {
    this.dataset = dataset
    this.indices = indices
  }

  /** The number of samples. */
  get length(): number {
    return this.indices.length
  }

  /** One sample; a negative index counts from the end. Throws a RangeError beyond them. */
  at(index: number): T {
    return this.dataset.at(this.indices[checkIndex(index, this.length)]) as T
  }
}

/**
 * Splits a dataset at random, in PyTorch's order: one `randperm` of the generator. `lengths` are numbers of samples, or
 * fractions that sum to 1 (what is left over goes to the first parts, one each).
 *
 * Throws a ValueError if the lengths do not add up.
 *
 * @example
 * const [train, test] = randomSplit(new TensorDataset(x, y), [3, 1])
 */
export const randomSplit = <T>(
  dataset: Dataset<T>,
  lengths: readonly number[],
  { generator = defaultGenerator }: { generator?: Generator } = {},
): Subset<T>[] => {
  const sizes = sizesOf(dataset.length, lengths)
  const total = sizes.reduce((a, b) => a + b, 0)
  if (total !== dataset.length) {
    throw new ValueError(
      'Sum of input lengths does not equal the length of the input dataset!',
      `The lengths sum to ${total}, the dataset has ${dataset.length} samples.`,
    )
  }
  const order = Array.from(randperm(total, { generator }).toArray())
  let start = 0
  return sizes.map((size) => new Subset(dataset, order.slice(start, (start += size))))
}

const sizesOf = (length: number, lengths: readonly number[]): number[] => {
  const sum = lengths.reduce((a, b) => a + b, 0)
  const areFractions = sum <= 1 && Math.abs(sum - 1) <= 1e-9
  if (!areFractions) return [...lengths]
  const sizes = lengths.map((fraction, i) => {
    if (fraction < 0 || fraction > 1) throw new ValueError(`Fraction at index ${i} is not between 0 and 1`)
    return Math.floor(length * fraction)
  })
  const rest = length - sizes.reduce((a, b) => a + b, 0)
  for (let i = 0; i < rest; i++) sizes[i % sizes.length]++
  return sizes
}
