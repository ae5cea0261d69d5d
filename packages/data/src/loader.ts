// DataLoader: batches of a dataset, in PyTorch's order for the same seed. It draws what PyTorch draws, when PyTorch draws
// it, so that everything random after it agrees too.
import {
  defaultGenerator,
  Generator,
  RuntimeError,
  randperm,
  stack,
  Tensor,
  tensor,
  TypeError,
  type TypedArray,
  ValueError,
} from '@flambeau/core'
import { type Dataset, Subset, TensorDataset } from './dataset.ts'

/** What `defaultCollate` makes of samples of type T: tensors get a dimension in front, numbers become tensors. */
export type Batch<T> = T extends Tensor | number | boolean | TypedArray
  ? Tensor
  : T extends string
    ? string[]
    : { [K in keyof T]: Batch<T[K]> }

export interface DataLoaderOptions<T, B = Batch<T>> {
  /** Samples in a batch; 1 unless told otherwise. */
  readonly batchSize?: number
  /** A new order at every pass. */
  readonly shuffle?: boolean
  /** Leave out the last batch when it is not full. */
  readonly dropLast?: boolean
  /** Draws the order; without one the default generator seeds a new one at every pass. */
  readonly generator?: Generator
  /** Makes a batch of a list of samples; `defaultCollate` unless told otherwise. */
  readonly collate?: (samples: T[]) => B
}

/**
 * Iterates over a dataset in batches; every `for` loop is one pass. `length` is the number of batches.
 *
 * The order is PyTorch's for the same seed. As there, starting a pass draws one 64-bit number from the generator even
 * without `shuffle`.
 *
 * Throws a ValueError for a batch size that is not a positive whole number, and for shuffling an empty dataset.
 *
 * @example
 * for (const [x, y] of new DataLoader(new TensorDataset(images, labels), { batchSize: 64, shuffle: true })) {
 *   const loss = F.crossEntropy(model.forward(x), y)
 * }
 */
export class DataLoader<T, B = Batch<T>> implements Iterable<B> {
  readonly dataset: Dataset<T>
  readonly batchSize: number
  readonly shuffle: boolean
  readonly dropLast: boolean
  readonly generator: Generator | undefined
  readonly #collate: ((samples: T[]) => B) | undefined

  constructor(dataset: Dataset<T>, options: DataLoaderOptions<T, B> = {}) {
    const { batchSize = 1, shuffle = false, dropLast = false, generator, collate } = options
    if (!Number.isInteger(batchSize) || batchSize <= 0) {
      throw new ValueError(`batch_size should be a positive integer value, but got batch_size=${batchSize}`)
    }
    if (shuffle && dataset.length === 0) {
      throw new ValueError(
        'num_samples should be a positive integer value, but got num_samples=0',
        'The dataset is empty; there is nothing to shuffle.',
      )
    }
    this.dataset = dataset
    this.batchSize = batchSize
    this.shuffle = shuffle
    this.dropLast = dropLast
    this.generator = generator
    this.#collate = collate
  }

  /** The number of batches in a pass. */
  get length(): number {
    const batches = this.dataset.length / this.batchSize
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches)
  }

  [Symbol.iterator](): Iterator<B> {
    // PyTorch's seed for worker processes. There are none here, but the draw moves the stream.
    drawSeed(this.generator ?? defaultGenerator)
    return this.#batches()
  }

  *#batches(): Steps<B> {
    let indices: number[] = []
    for (const index of this.#order()) {
      indices.push(index)
      if (indices.length === this.batchSize) {
        yield this.#fetch(indices)
        indices = []
      }
    }
    if (indices.length > 0 && !this.dropLast) yield this.#fetch(indices)
  }

  *#order(): Steps<number> {
    const n = this.dataset.length
    if (!this.shuffle) {
      for (let i = 0; i < n; i++) yield i
      return
    }
    const generator = this.generator ?? new Generator().manualSeed(drawSeed(defaultGenerator))
    yield* randperm(n, { generator }).toArray()
    // PyTorch 1.13 permutes once more for the samples beyond a whole number of passes, of which there are none.
    randperm(n, { generator })
  }

  #fetch(indices: number[]): B {
    if (this.#collate !== undefined) return this.#collate(indices.map((i) => this.dataset.at(i) as T))
    return (fetchRows(this.dataset, indices) ?? defaultCollate(indices.map((i) => this.dataset.at(i)))) as B
  }
}

type Steps<T> = globalThis.Generator<T, void, undefined>

/** PyTorch's `random_()` on int64: two words, of which only the low one matters as a seed. */
const drawSeed = (generator: Generator): number => {
  generator.engine.u32()
  return generator.engine.u32()
}

/** A batch taken from the tensors at once, where the dataset is made of tensors. */
const fetchRows = (dataset: Dataset<unknown>, indices: readonly number[]): unknown => {
  let set = dataset
  let rows = indices
  while (set instanceof Subset) {
    const { indices: inner } = set as Subset<unknown>
    rows = rows.map((i) => inner[i])
    set = (set as Subset<unknown>).dataset
  }
  return set instanceof TensorDataset ? set.rows(tensor(Int32Array.from(rows))) : undefined
}

/**
 * Makes a batch of samples, as PyTorch's `default_collate`: tensors are stacked, numbers become a float32 tensor, booleans
 * a bool one, strings a list; lists and objects are collated entry by entry.
 *
 * Throws a TypeError for a sample of any other kind.
 */
export const defaultCollate = (samples: readonly unknown[]): unknown => {
  const first = samples[0]
  if (first instanceof Tensor) return stack(samples as Tensor[])
  if (typeof first === 'number' || typeof first === 'boolean') return tensor(samples as number[])
  if (ArrayBuffer.isView(first)) return stack(samples.map((sample) => tensor(sample as TypedArray)))
  if (typeof first === 'string') return [...samples]
  if (Array.isArray(first)) {
    const lists = samples as unknown[][]
    if (lists.some((list) => list.length !== first.length)) {
      throw new RuntimeError('each element in list of batch should be of equal size')
    }
    return first.map((_, i) => defaultCollate(lists.map((list) => list[i])))
  }
  if (typeof first === 'object' && first !== null && Object.getPrototypeOf(first) === Object.prototype) {
    const records = samples as Record<string, unknown>[]
    return Object.fromEntries(Object.keys(first).map((key) => [key, defaultCollate(records.map((r) => r[key]))]))
  }
  throw new TypeError(
    `default_collate: batch must contain tensors, numbers, dicts or lists; found ${first === null ? 'null' : typeof first}`,
    'Pass { collate: (samples) => ... } to make batches of your own.',
  )
}
