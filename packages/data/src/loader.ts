// DataLoader: batches of a dataset, in PyTorch's order for the same seed. It draws the same random numbers at the same
// points as PyTorch, so that later random numbers agree, too.
import {
  defaultGenerator,
  Generator,
  RuntimeError,
  randperm,
  signatures,
  stack,
  Tensor,
  tensor,
  TypeError,
  type TypedArray,
  ValueError,
} from '@flambeau/core'
import { type Dataset, dataset as datasetKind, Subset, TensorDataset } from './dataset.ts'

/** The result of `defaultCollate` for samples of type T: tensors get a leading dimension, numbers become tensors. */
export type Batch<T> = T extends Tensor | number | boolean | TypedArray
  ? Tensor
  : T extends string
    ? string[]
    : { [K in keyof T]: Batch<T[K]> }

export interface DataLoaderOptions<T, B = Batch<T>> {
  /** Samples per batch; by default 1. */
  readonly batchSize?: number
  /** Whether to shuffle for every pass. */
  readonly shuffle?: boolean
  /** Whether to drop an incomplete last batch. */
  readonly dropLast?: boolean
  /** Draws the order; by default the default generator seeds a new one for every pass. */
  readonly generator?: Generator
  /** Makes a batch from a list of samples; by default `defaultCollate`. */
  readonly collate?: (samples: T[]) => B
}

/**
 * Iterates over a dataset in batches; every `for` loop is one pass. `length` is the number of batches.
 *
 * The order is PyTorch's for the same seed. As in PyTorch, starting a pass draws one 64-bit number from the generator
 * even without `shuffle`.
 *
 * Pass options by name, or the first ones by position: `new DataLoader(set, 64, true)`.
 *
 * Throws a TypeError for an unknown option or one of the wrong kind, and a ValueError for a batch size that is not
 * positive or for shuffling an empty dataset.
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

  constructor(
    dataset: Dataset<T>,
    batchSize?: number | DataLoaderOptions<T, B>,
    shuffle?: boolean | DataLoaderOptions<T, B>,
    options?: DataLoaderOptions<T, B>,
  )
  constructor(...args: readonly unknown[]) {
    const [dataset, batchSize, shuffle, dropLast, generator, collate] = readLoader(args)
    if (!Number.isSafeInteger(batchSize) || batchSize <= 0) {
      throw new ValueError(`batch_size should be a positive integer value, but got batch_size=${batchSize}`)
    }
    if (shuffle && dataset.length === 0) {
      throw new ValueError(
        'num_samples should be a positive integer value, but got num_samples=0',
        'The dataset is empty, so there is nothing to shuffle.',
      )
    }
    this.dataset = dataset as Dataset<T>
    this.batchSize = batchSize
    this.shuffle = shuffle
    this.dropLast = dropLast
    this.generator = generator
    this.#collate = collate as ((samples: T[]) => B) | undefined
  }

  /** The number of batches in a pass. */
  get length(): number {
    const batches = this.dataset.length / this.batchSize
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches)
  }

  [Symbol.iterator](): Iterator<B> {
    // PyTorch draws a seed for worker processes. There are none here, but the draw must advance the generator.
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
    // PyTorch 1.13 permutes once more for samples beyond a whole number of passes; there are none.
    randperm(n, { generator })
  }

  #fetch(indices: number[]): B {
    if (this.#collate !== undefined) return this.#collate(indices.map((i) => this.dataset.at(i) as T))
    return (fetchRows(this.dataset, indices) ?? defaultCollate(indices.map((i) => this.dataset.at(i)))) as B
  }
}

const { bool, constructing, fn, instance, keyword, number, optional, required } = signatures
const readLoader = constructing(
  'DataLoader',
  required('dataset', datasetKind),
  optional('batchSize', number, 1),
  optional('shuffle', bool, false),
  keyword('dropLast', bool, false),
  keyword('generator', instance(Generator, 'Generator'), undefined),
  keyword('collate', fn, undefined),
)

type Steps<T> = globalThis.Generator<T, void, undefined>

/** PyTorch's `random_()` on int64: two words, of which only the low one matters for a seed. */
const drawSeed = (generator: Generator): number => {
  generator.engine.u32()
  return generator.engine.u32()
}

/** Gathers a batch from the tensors directly if the dataset consists of tensors. */
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
 * Makes a batch of samples like PyTorch's `default_collate`: tensors are stacked, numbers become a float32 tensor,
 * booleans a bool tensor, strings a list; lists and objects are collated entry by entry.
 *
 * Throws a TypeError for a sample of any other kind.
 *
 * @example
 * defaultCollate([1, 2, 3]) // tensor([1., 2., 3.])
 */
export const defaultCollate = (samples: readonly unknown[]): unknown => collate(readSamples([samples])[0], [])

const anything: signatures.Kind<unknown> = { expected: 'object', accepts: () => true }
const readSamples = signatures.signature('default_collate', required('batch', signatures.list(anything)))

/** How a sample is collated, or undefined if it cannot be. */
const kindOf = (sample: unknown): string | undefined => {
  if (sample instanceof Tensor) return 'tensor'
  if (typeof sample === 'number' || typeof sample === 'boolean') return 'number'
  if (typeof sample === 'string') return 'str'
  if (Array.isArray(sample)) return 'list'
  if (ArrayBuffer.isView(sample)) return 'array'
  if (typeof sample === 'object' && sample !== null && Object.getPrototypeOf(sample) === Object.prototype) return 'dict'
  return undefined
}

/** The maximum nesting depth of lists and objects. */
const DEEPEST = 64

/** `outer` are the first samples of the enclosing lists and objects, to detect a sample that contains itself. */
const collate = (samples: readonly unknown[], outer: readonly unknown[]): unknown => {
  const first = samples[0]
  const kind = kindOf(first)
  const other = samples.findIndex((sample) => kindOf(sample) !== kind)
  if (kind === undefined || other >= 0) {
    const wrong = kind === undefined ? first : samples[other]
    throw new TypeError(
      `default_collate: batch must contain tensors, numbers, dicts or lists; found ${wrong === null ? 'null' : typeof wrong}${kind === undefined ? '' : ` beside ${kind}`}`,
      'Pass { collate: (samples) => ... } to make batches yourself.',
    )
  }
  if (outer.length > DEEPEST || outer.includes(first))
    throw new ValueError('default_collate: a sample has too many dimensions', 'Does it contain itself?')
  const parts = (pick: (sample: never) => unknown) =>
    collate(samples.map(pick as (x: unknown) => unknown), [...outer, first])
  switch (kind) {
    case 'tensor':
      return stack(samples as Tensor[])
    case 'number':
      return tensor(samples as number[])
    case 'array':
      return stack(samples.map((sample) => tensor(sample as TypedArray)))
    case 'str':
      return [...samples]
    case 'list': {
      const { length } = first as unknown[]
      if ((samples as unknown[][]).some((list) => list.length !== length))
        throw new RuntimeError('each element in list of batch should be of equal size')
      return Array.from({ length }, (_, i) => parts((list: unknown[]) => list[i]))
    }
    default:
      return Object.fromEntries(
        Object.keys(first as object).map((key) => [key, parts((record: Record<string, unknown>) => record[key])]),
      )
  }
}
