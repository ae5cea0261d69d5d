// PyTorch's datasets: anything with a length and `at`, so every array is one.
import {
  AssertionError,
  defaultGenerator,
  Generator,
  IndexError,
  randperm,
  signatures,
  Tensor,
  TypeError,
  tensor,
  ValueError,
} from '@flambeau/core'
import { className, nameClasses } from '@flambeau/core/backend'

const { constructing, finite, instance, int, list, nullable, optional, required, signature, tensors } = signatures

/**
 * A collection of samples, accessed by index: a class that extends or implements it, an array, a tensor (of its rows).
 *
 * @example
 * class Squares extends Dataset<number> {
 *   readonly length = 10
 *   at(index: number) { return index ** 2 }
 * }
 */
export abstract class Dataset<T = unknown> {
  abstract readonly length: number
  abstract at(index: number): T | undefined
}
/** What a dataset may have besides, for a `DataLoader`. */
export interface DatasetHooks<T = unknown> {
  /** Whether plain numbers in the samples are class labels, which a `DataLoader` collates to int32, not to float32. */
  readonly integers?: boolean | undefined
  /**
   * The collated batch of several samples, where a dataset can make it at once; undefined where it cannot. It must be
   * what collating the samples gives.
   */
  readonly collated?: ((indices: readonly number[]) => unknown) | undefined
  /**
   * Begins a sample in another thread (reads a file, decodes it), of which there may be `workers`, and promises the
   * function that finishes it here and returns what `at` would. A `DataLoader` with `numWorkers` calls it ahead, and
   * finishes samples in their order, so that random transforms draw what they draw without workers.
   */
  readonly prefetch?: ((index: number, workers: number) => Promise<() => T | undefined>) | undefined
  /** The file that a sample is from, for errors. */
  readonly fileOf?: ((index: number) => string | undefined) | undefined
}
/** Anything with a length and `at`: an array, a tensor, a `Dataset`. */
export type Samples<T> = Dataset<T> & DatasetHooks<T>

/**
 * A collection of samples that come one after the other, without indices: lines of a file, records of a stream. A class
 * extends or implements it. Anything that can be iterated over is one, also asynchronously, if it is no `Dataset`; every
 * pass iterates anew, so it should not be an iterator that ends.
 *
 * With workers, a `DataLoader` iterates once for each; `getWorkerInfo()` tells the dataset which share it is asked for.
 *
 * @example
 * class Count extends IterableDataset<number> {
 *   *[Symbol.iterator]() {
 *     const { id, numWorkers } = getWorkerInfo() ?? { id: 0, numWorkers: 1 }
 *     for (let i = id; i < 6; i += numWorkers) yield i
 *   }
 * }
 * Array.from(new DataLoader(new Count(), 4), String) // ['tensor([0., 1., 2., 3.])', 'tensor([4., 5.])']
 */
// biome-ignore lint/correctness/noUnusedVariables: the interface below uses it
export abstract class IterableDataset<T = unknown> {}
export interface IterableDataset<T> {
  [Symbol.iterator]?(): Iterator<T>
  [Symbol.asyncIterator]?(): AsyncIterator<T>
  /** How many samples there are, if that is known. */
  readonly length?: number
  /** As in a `Dataset`. */
  readonly integers?: boolean | undefined
}

/** The kind of argument that accepts an iterable dataset. */
export const iterableDataset: signatures.Kind<IterableDataset<unknown>> = {
  expected: 'Dataset',
  accepts: (x) => {
    if (typeof x !== 'object' || x === null || x instanceof Tensor || ArrayBuffer.isView(x)) return false
    const set = x as IterableDataset<unknown>
    return typeof (set[Symbol.asyncIterator] ?? set[Symbol.iterator]) === 'function'
  },
}

/** The kind of argument that accepts a dataset. */
export const dataset: signatures.Kind<Samples<unknown>> = {
  expected: 'Dataset',
  accepts: (x) => {
    if (typeof x !== 'object' || x === null) return false
    const set = x as Samples<unknown>
    return typeof set.at === 'function' && Number.isSafeInteger(set.length) && set.length >= 0
  },
  hint: 'It has a length and at(index): an array, a TensorDataset, or a class of your own; or it can be iterated over.',
}

const readIndex = signature('at', required('index', int))
/** The place of an index, which counts from the end if negative; throws an IndexError for one out of range. */
export const checkIndex = (index: number, length: number): number => {
  const [read] = readIndex([index])
  const at = read < 0 ? read + length : read
  if (at < 0 || at >= length)
    throw new IndexError(
      `index ${index} is out of bounds for dimension 0 with size ${length}`,
      `The dataset has ${length} samples.`,
    )
  return at
}

/**
 * Tensors whose first dimension indexes the samples: sample i is the list of their i-th rows.
 *
 * Throws an AssertionError if the first dimensions differ, and a TypeError without tensors or for an argument that is
 * not a tensor.
 *
 * @example
 * const set = new TensorDataset(x, y)
 * const [x0, y0] = set.at(0)
 */
export class TensorDataset<T extends readonly Tensor[] = Tensor[]> extends Dataset<T> {
  readonly tensors: T

  constructor(...tensors: T) {
    readTensors([tensors])
    super()
    if (tensors.length === 0)
      throw new TypeError("TensorDataset.__init__() missing 1 required positional argument: 'tensors'")
    const scalar = tensors.findIndex((t) => t.dim() === 0)
    if (scalar >= 0) {
      throw new IndexError(
        'Dimension specified as 0 but tensor has no dimensions',
        `Tensor ${scalar} holds a single number; the first dimension must index the samples.`,
      )
    }
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

  /** The rows of one sample; a negative index counts from the end. Throws an IndexError for an index out of range. */
  at(index: number): T {
    const row = checkIndex(index, this.length)
    return this.tensors.map((t) => t.select(0, row)) as unknown as T
  }

  /** The rows at several indices, for a `DataLoader`. */
  collated(indices: readonly number[]): T {
    return this.rows(tensor(Int32Array.from(readIndices([indices])[0])))
  }

  /** The samples at several indices, one tensor for each tensor of the dataset: the result of stacking them. */
  rows(indices: Tensor): T {
    const [at] = readRows([indices])
    return this.tensors.map((t) => t.indexSelect(0, at)) as unknown as T
  }
}

const readIndices = signature('collated', required('indices', list(int)))
const readRows = signature('rows', required('indices', signatures.tensor))
const readTensors = constructing('TensorDataset', required('tensors', tensors))

/**
 * A selection of samples of another dataset, in the order of `indices`.
 *
 * @example
 * const odd = new Subset(new TensorDataset(x, y), [1, 3])
 * odd.length // 2
 */
export class Subset<T> extends Dataset<T> {
  readonly dataset: Samples<T>
  readonly indices: readonly number[]

  constructor(dataset: Samples<T>, indices: readonly number[]) {
    readSubset([dataset, indices])
    super()
    this.dataset = dataset
    this.indices = indices
  }

  /** The number of samples. */
  get length(): number {
    return this.indices.length
  }

  /** One sample; a negative index counts from the end. Throws an IndexError for an index out of range. */
  at(index: number): T {
    const { dataset } = this
    return dataset.at(checkIndex(this.indices[checkIndex(index, this.length)], dataset.length)) as T
  }

  /** That of the dataset. */
  get integers(): boolean | undefined {
    return this.dataset.integers
  }

  /** That of the dataset, if it has one. */
  get prefetch(): Samples<T>['prefetch'] {
    const { dataset } = this
    if (dataset.prefetch === undefined) return undefined
    return (index, workers) => begun(dataset, this.indices[checkIndex(index, this.length)], workers)
  }

  /** The file of a sample of the dataset, if it has one. */
  fileOf(index: number): string | undefined {
    const own = this.indices[checkIndex(index, this.length)]
    return this.dataset.fileOf?.(own)
  }
}

const readSubset = constructing('Subset', required('dataset', dataset), required('indices', list(int)))

/** A sample; an array, which gives undefined for an index out of range, throws an IndexError as others do. */
export const sampleOf = <T>(set: Samples<T>, index: number): T | undefined =>
  Array.isArray(set) ? (set as readonly T[])[checkIndex(index, set.length)] : set.at(index)

/** Begins a sample with `prefetch` if the dataset has it; otherwise all of the work is to finish it. */
export const begun = async <T>(set: Samples<T>, index: number, workers: number): Promise<() => T | undefined> =>
  set.prefetch === undefined ? () => sampleOf(set, index) : set.prefetch(index, workers)

/**
 * Several datasets one after the other.
 *
 * Throws an AssertionError without datasets.
 *
 * @example
 * const all = new ConcatDataset([['a', 'b'], ['c']])
 * all.at(2) // 'c'
 */
export class ConcatDataset<T> extends Dataset<T> {
  readonly datasets: readonly Samples<T>[]
  /** How many samples there are up to and including each dataset. */
  readonly cumulativeSizes: readonly number[]

  constructor(datasets: readonly Samples<T>[]) {
    const [read] = readConcat([datasets])
    super()
    if (read.length === 0) throw new AssertionError('datasets should not be an empty iterable')
    let sum = 0
    this.datasets = [...datasets]
    this.cumulativeSizes = datasets.map(({ length }) => (sum += length))
  }

  /** The number of samples. */
  get length(): number {
    return this.cumulativeSizes[this.cumulativeSizes.length - 1]
  }

  /** One sample; a negative index counts from the end. Throws an IndexError for an index out of range. */
  at(index: number): T {
    const [set, i] = this.#find(index)
    return set.at(i) as T
  }

  /** True if all datasets have it. */
  get integers(): boolean {
    return this.datasets.every(({ integers }) => integers)
  }

  /** Begins a sample of the datasets that can. */
  get prefetch(): Samples<T>['prefetch'] {
    if (this.datasets.every(({ prefetch }) => prefetch === undefined)) return undefined
    return (index, workers) => begun(...this.#find(index), workers)
  }

  /** The file of a sample of the dataset that it is from, if that has one. */
  fileOf(index: number): string | undefined {
    const [set, i] = this.#find(index)
    return set.fileOf?.(i)
  }

  #find(index: number): [Samples<T>, number] {
    const at = checkIndex(index, this.length)
    const k = this.cumulativeSizes.findIndex((size) => at < size)
    return [this.datasets[k], at - (this.cumulativeSizes[k - 1] ?? 0)]
  }
}

const readConcat = constructing('ConcatDataset', required('datasets', list(dataset)))

/**
 * Several iterable datasets one after the other. Each is iterated over when its turn comes.
 *
 * Throws an AssertionError for a dataset that cannot be iterated over.
 *
 * @example
 * [...new ChainDataset([['a', 'b'], ['c']])] // ['a', 'b', 'c']
 */
export class ChainDataset<T> extends IterableDataset<T> {
  readonly datasets: Iterable<IterableDataset<T>>

  constructor(datasets: Iterable<IterableDataset<T>>) {
    super()
    this.datasets = readChain([datasets])[0] as Iterable<IterableDataset<T>>
  }

  /** The number of samples; a TypeError if a dataset does not know its own. */
  override get length(): number {
    let sum = 0
    for (const set of this.#checked()) {
      if (typeof set.length !== 'number')
        throw new TypeError(
          `object of type '${className(set.constructor)}' has no len()`,
          'Give the dataset a `length`.',
        )
      sum += set.length
    }
    return sum
  }

  override *[Symbol.iterator](): globalThis.Generator<T, void, undefined> {
    for (const set of this.#checked()) {
      if (set[Symbol.iterator] === undefined)
        throw new TypeError('ChainDataset: a dataset yields its samples asynchronously', 'Loop with for await.')
      yield* set as Iterable<T>
    }
  }

  override async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (const set of this.#checked()) yield* set as AsyncIterable<T>
  }

  *#checked(): globalThis.Generator<IterableDataset<T>, void, undefined> {
    for (const set of this.datasets) {
      if (!iterableDataset.accepts(set)) throw new AssertionError('ChainDataset only supports IterableDataset')
      yield set
    }
  }
}

const readChain = constructing('ChainDataset', required('datasets', signatures.iterable))

/**
 * Splits a dataset at random, in PyTorch's order: one `randperm` of the generator. `lengths` are numbers of samples, or
 * fractions that sum to 1 (the remainder goes to the first parts, one sample each).
 *
 * Throws a ValueError if the lengths do not add up, or if one is negative or not an integer.
 *
 * @example
 * const [train, test] = randomSplit(new TensorDataset(x, y), [3, 1])
 */
export const randomSplit = <T>(
  dataset: Samples<T>,
  lengths: readonly number[],
  options?: Generator | null | { readonly generator?: Generator | null },
): Subset<T>[] => {
  const [, wanted, generator] = readSplit([dataset, lengths, options])
  const sizes = sizesOf(dataset.length, wanted)
  const total = sizes.reduce((a, b) => a + b, 0)
  if (total !== dataset.length) {
    throw new ValueError(
      'Sum of input lengths does not equal the length of the input dataset!',
      `The lengths sum to ${total}, the dataset has ${dataset.length} samples.`,
    )
  }
  const order = Array.from(randperm(total, { generator: generator ?? defaultGenerator }).toArray())
  let start = 0
  return sizes.map((size) => new Subset(dataset, order.slice(start, (start += size))))
}

const readSplit = signature(
  'random_split',
  required('dataset', dataset),
  required('lengths', list(finite)),
  optional('generator', nullable(instance(Generator, 'Generator')), null),
)

const sizesOf = (length: number, lengths: readonly number[]): number[] => {
  const sum = lengths.reduce((a, b) => a + b, 0)
  const areFractions = sum <= 1 && Math.abs(sum - 1) <= 1e-9
  if (!areFractions) {
    const wrong = lengths.findIndex((n) => !Number.isSafeInteger(n) || n < 0)
    if (wrong < 0) return [...lengths]
    throw new ValueError(
      `random_split(): lengths must be numbers of samples, or fractions that sum to 1, but got ${lengths[wrong]} at index ${wrong}`,
    )
  }
  const sizes = lengths.map((fraction, i) => {
    if (fraction < 0 || fraction > 1) throw new ValueError(`Fraction at index ${i} is not between 0 and 1`)
    return Math.floor(length * fraction)
  })
  const rest = length - sizes.reduce((a, b) => a + b, 0)
  for (let i = 0; i < rest; i++) sizes[i % sizes.length]++
  return sizes
}

nameClasses({ Dataset, IterableDataset, TensorDataset, Subset, ConcatDataset, ChainDataset })
