// DataLoader: batches of a dataset, in PyTorch's order for the same seed. It draws the same random numbers at the same
// points as PyTorch, so that later random numbers agree, too.
import {
  defaultGenerator,
  Generator,
  RuntimeError,
  signatures,
  stack,
  Tensor,
  tensor,
  TypeError,
  type TypedArray,
  ValueError,
} from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import { begun, checkIndex, type Dataset, dataset as datasetKind, Subset } from './dataset.ts'
import {
  BatchSampler,
  drawSeed,
  lengthOf,
  RandomSampler,
  type Sampler,
  samplerKind,
  SequentialSampler,
} from './samplers.ts'

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
  /** The indices of a pass, instead of all of them: an array, or a sampler of this package. */
  readonly sampler?: Sampler
  /** The lists of indices of a pass, one for each batch. */
  readonly batchSampler?: Sampler<readonly number[]>
  /** Makes a batch from a list of samples; by default `defaultCollate`. */
  readonly collate?: (samples: T[]) => B
  /** How many threads read and decode samples ahead, in a `for await` loop; by default none. */
  readonly numWorkers?: number
  /** How many batches each worker is ahead; by default 2. */
  readonly prefetchFactor?: number
}

/**
 * Iterates over a dataset in batches; every `for` loop is one pass. `length` is the number of batches.
 *
 * The order is PyTorch's for the same seed. As in PyTorch, starting a pass draws one 64-bit number from the generator
 * even without `shuffle`.
 *
 * With `numWorkers`, loop with `for await`: worker threads read and decode the samples of datasets that can (those of
 * files of images) ahead of the loop. Order and random numbers are those without workers.
 *
 * Pass options by name, or the first ones by position: `new DataLoader(set, 64, true)`.
 *
 * Throws a TypeError for an unknown option or one of the wrong kind, and a ValueError for a batch size that is not
 * positive, for shuffling an empty dataset, and for options that exclude each other. The error of a sample, whatever
 * its class, says at its end which sample it was.
 *
 * @example
 * for (const [x, y] of new DataLoader(new TensorDataset(images, labels), { batchSize: 64, shuffle: true })) {
 *   const loss = F.crossEntropy(model.forward(x), y)
 * }
 */
export class DataLoader<T, B = Batch<T>> implements Iterable<B>, AsyncIterable<B> {
  readonly dataset: Dataset<T>
  /** Samples per batch; undefined if a `batchSampler` decides. */
  readonly batchSize: number | undefined
  readonly dropLast: boolean
  readonly sampler: Sampler | undefined
  readonly batchSampler: Sampler<readonly number[]>
  readonly generator: Generator | undefined
  readonly numWorkers: number
  readonly prefetchFactor: number
  readonly #collate: ((samples: T[]) => B) | undefined

  constructor(
    dataset: Dataset<T>,
    batchSize?: number | DataLoaderOptions<T, B>,
    shuffle?: boolean | DataLoaderOptions<T, B>,
    options?: DataLoaderOptions<T, B>,
  )
  constructor(...args: readonly unknown[]) {
    const [set, batchSize, shuffle, dropLast, generator, collate, sampler, batchSampler, workers, factor] =
      readLoader(args)
    for (const [name, count, least] of [
      ['num_workers', workers, 0],
      ['prefetch_factor', factor, 1],
    ] as const) {
      if (Number.isSafeInteger(count) && count >= least) continue
      throw new ValueError(`${name} option should be ${least === 0 ? 'non-negative' : 'positive'}, but got ${count}`)
    }
    if (sampler !== undefined && shuffle) throw new ValueError('sampler option is mutually exclusive with shuffle')
    if (batchSampler !== undefined && (batchSize !== undefined || shuffle || sampler !== undefined || dropLast)) {
      throw new ValueError(
        'batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last',
      )
    }
    this.dataset = set as Dataset<T>
    this.dropLast = dropLast
    this.generator = generator
    this.numWorkers = workers
    this.prefetchFactor = factor
    this.#collate = collate as ((samples: T[]) => B) | undefined
    if (batchSampler === undefined) {
      const every = () => (shuffle ? new RandomSampler(set, { generator }) : new SequentialSampler(set))
      this.sampler = sampler === undefined ? every() : (sampler as Sampler)
      this.batchSize = batchSize ?? 1
      this.batchSampler = new BatchSampler(this.sampler, this.batchSize, dropLast)
    } else this.batchSampler = batchSampler as Sampler<readonly number[]>
  }

  /** The number of batches in a pass. Throws a TypeError if the sampler has no length. */
  get length(): number {
    return lengthOf(this.batchSampler)
  }

  [Symbol.iterator](): Iterator<B> {
    if (this.numWorkers > 0) {
      throw new RuntimeError(
        `a DataLoader with num_workers=${this.numWorkers} works ahead, which a synchronous loop cannot wait for`,
        'Write `for await (const batch of loader)`, or leave out numWorkers.',
      )
    }
    this.#drawSeed()
    return this.#batches()
  }

  [Symbol.asyncIterator](): AsyncIterator<B> {
    this.#drawSeed()
    return this.#batchesAhead()
  }

  /** PyTorch draws a seed for worker processes, also without any. */
  #drawSeed(): void {
    drawSeed(this.generator ?? defaultGenerator)
  }

  *#batches(): Steps<B> {
    for (const indices of this.batchSampler) {
      const at = this.#checked(indices)
      const rows = this.#collate === undefined ? fetchRows(this.dataset, at) : undefined
      yield rows === undefined ? this.#batchOf(at.map((i) => named(i, () => this.dataset.at(i) as T))) : (rows as B)
    }
  }

  async *#batchesAhead(): AsyncGenerator<B, void, undefined> {
    if (this.numWorkers === 0 || this.dataset.prefetch === undefined) {
      yield* this.#batches()
      return
    }
    const steps = this.batchSampler[Symbol.iterator]()
    const most = this.numWorkers * this.prefetchFactor
    const ahead: { indices: readonly number[]; samples: Promise<() => T | undefined>[] }[] = []
    const fill = (): void => {
      while (ahead.length < most) {
        const step = steps.next()
        if (step.done === true) return
        const indices = this.#checked(step.value)
        const samples = indices.map((i) => begun(this.dataset, i, this.numWorkers))
        // An error is thrown when its sample's turn comes, and not at all if the loop ends before.
        for (const sample of samples) sample.catch(() => {})
        ahead.push({ indices, samples })
      }
    }
    try {
      for (fill(); ahead.length > 0; ) {
        const { indices, samples } = ahead.shift() as (typeof ahead)[0]
        fill()
        const done: T[] = []
        for (const [k, i] of indices.entries()) {
          const finish = await samples[k].catch((error: unknown) => () => {
            throw error
          })
          done.push(named(i, finish) as T)
        }
        yield this.#batchOf(done)
      }
    } finally {
      steps.return?.()
    }
  }

  /** The indices of one batch, of which a sampler may say anything. */
  #checked(indices: readonly number[]): readonly number[] {
    if (!Array.isArray(indices))
      throw new TypeError(`a batch sampler must yield lists of indices, not ${typeof indices}`)
    for (const i of indices) {
      if (Number.isSafeInteger(i)) continue
      throw new TypeError(`a sampler must yield indices, not ${typeof i === 'number' ? i : typeof i}`)
    }
    return indices
  }

  #batchOf(samples: T[]): B {
    if (this.#collate !== undefined) return this.#collate(samples)
    return collate(samples, [], this.dataset.integers === true) as B
  }
}

const { bool, constructing, fn, instance, keyword, number, optional, required } = signatures
const readLoader = constructing(
  'DataLoader',
  required('dataset', datasetKind),
  optional('batchSize', number, undefined),
  optional('shuffle', bool, false),
  keyword('dropLast', bool, false),
  keyword('generator', instance(Generator, 'Generator'), undefined),
  keyword('collate', fn, undefined),
  keyword('sampler', samplerKind, undefined),
  keyword('batchSampler', samplerKind, undefined),
  keyword('numWorkers', number, 0),
  keyword('prefetchFactor', number, 2),
)

type Steps<T> = globalThis.Generator<T, void, undefined>

/** The result of `finish`; an error that it throws says which sample it was. */
const named = <T>(index: number, finish: () => T): T => {
  try {
    return finish()
  } catch (error) {
    if (error instanceof Error) {
      const note = `\nThis happened at sample ${index} of the dataset.`
      const { message, stack } = error
      // The engine wrote the message into the stack, which is what consoles print.
      if (Reflect.set(error, 'message', message + note) && stack?.includes(message))
        Reflect.set(
          error,
          'stack',
          stack.replace(message, () => message + note),
        )
    }
    throw error
  }
}

/** The batch of a dataset that makes it at once. */
const fetchRows = (dataset: Dataset<unknown>, indices: readonly number[]): unknown => {
  let set = dataset
  let rows = indices
  while (set instanceof Subset) {
    const { indices: inner } = set as Subset<unknown>
    rows = rows.map((i) => inner[i] ?? inner[checkIndex(i, inner.length)])
    set = (set as Subset<unknown>).dataset
  }
  return set.collated?.(rows)
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
export const defaultCollate = (samples: readonly unknown[]): unknown => collate(readSamples([samples])[0], [], false)

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

/**
 * `outer` are the first samples of the enclosing lists and objects, to detect a sample that contains itself; `integers`:
 * numbers become int32.
 */
const collate = (samples: readonly unknown[], outer: readonly unknown[], integers: boolean): unknown => {
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
    collate(samples.map(pick as (x: unknown) => unknown), [...outer, first], integers)
  switch (kind) {
    case 'tensor':
      return stack(samples as Tensor[])
    case 'number':
      return integers && typeof first === 'number' ? labels(samples as number[]) : tensor(samples as number[])
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

/** Class labels as int32. */
const labels = (samples: readonly number[]): Tensor => {
  const wrong = samples.find((label) => (label | 0) !== label)
  if (wrong === undefined) return tensor(Int32Array.from(samples))
  throw new ValueError(
    `default_collate: the numbers of this dataset are class labels, but found ${wrong}`,
    'Return a tensor from the transform of targets for other numbers.',
  )
}

nameClasses({ DataLoader })
