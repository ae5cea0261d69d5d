// PyTorch's samplers: iterables of indices, in PyTorch's order for the same seed. Every `for` loop is one pass, which
// draws anew; `length` is the number of indices, or of batches, in a pass.
import {
  defaultGenerator,
  Generator,
  RuntimeError,
  rand,
  randint,
  randperm,
  signatures,
  Tensor,
  TypeError,
  ValueError,
} from '@flambeau/core'
import { className, nameClasses } from '@flambeau/core/backend'
import { type Samples, dataset } from './dataset.ts'

const { bool, constructing, instance, ints, list, nullable, number, optional, required } = signatures

/**
 * What a `DataLoader` accepts as a sampler: an iterable of indices, whose length it asks for if it has one. A class
 * extends or implements it.
 *
 * @example
 * class Backwards extends Sampler {
 *   *[Symbol.iterator]() {
 *     for (let i = 9; i >= 0; i--) yield i
 *   }
 *   get length() {
 *     return 10
 *   }
 * }
 */
export abstract class Sampler<T = number> implements Iterable<T> {
  abstract [Symbol.iterator](): Iterator<T>
}
// In an interface, because TypeScript then allows a getter, too.
// biome-ignore lint/correctness/noUnusedVariables: it has to have the parameters of the class
export interface Sampler<T> {
  /** How many indices a pass has. */
  readonly length?: number
}

type Steps<T> = globalThis.Generator<T, void, undefined>
const generatorKind = instance(Generator, 'Generator')

/** PyTorch's `random_()` on int64: two words, of which only the low one matters for a seed. */
export const drawSeed = (generator: Generator): number => {
  generator.engine.u32()
  return generator.engine.u32()
}

const checkCount = (name: string, value: number, hint?: string): void => {
  if (Number.isSafeInteger(value) && value > 0) return
  throw new ValueError(`${name} should be a positive integer value, but got ${name}=${value}`, hint)
}

/**
 * The indices of a dataset in order.
 *
 * @example
 * [...new SequentialSampler(['a', 'b', 'c'])] // [0, 1, 2]
 */
export class SequentialSampler implements Sampler {
  readonly dataSource: Samples<unknown>

  constructor(dataSource: Samples<unknown>) {
    this.dataSource = readSequential([dataSource])[0]
  }

  /** The number of indices in a pass. */
  get length(): number {
    return this.dataSource.length
  }

  *[Symbol.iterator](): Steps<number> {
    for (let i = 0, n = this.length; i < n; i++) yield i
  }
}
const readSequential = constructing('SequentialSampler', required('dataSource', dataset))

/** PyTorch's options of `RandomSampler`. */
export interface RandomSamplerOptions {
  /** Whether an index may come more than once; false by default. */
  readonly replacement?: boolean
  /** The number of indices in a pass; by default the dataset's length. */
  readonly numSamples?: number
  /** Draws the order; by default the default generator seeds a new one for every pass. */
  readonly generator?: Generator
}

/**
 * The indices of a dataset in random order, or drawn with `replacement`.
 *
 * Throws a ValueError if there is nothing to draw.
 *
 * @example
 * manualSeed(0)
 * Array.from(new RandomSampler([10, 20, 30, 40])) // [2, 3, 0, 1]
 */
export class RandomSampler implements Sampler {
  readonly dataSource: Samples<unknown>
  readonly replacement: boolean
  readonly generator: Generator | undefined
  readonly #numSamples: number | undefined

  constructor(
    ...args: [
      dataSource: Samples<unknown>,
      ...signatures.Arguments<
        [replacement: boolean, numSamples: number | null, generator: Generator | null],
        RandomSamplerOptions
      >,
    ]
  ) {
    const [source, replacement, numSamples, generator] = readRandom(args)
    this.dataSource = source
    this.replacement = replacement
    this.generator = generator ?? undefined
    this.#numSamples = numSamples ?? undefined
    const isEmpty = source.length === 0
    checkCount(
      'num_samples',
      this.length,
      isEmpty ? 'The dataset is empty, so there is nothing to shuffle.' : undefined,
    )
  }

  /** The number of indices in a pass. */
  get length(): number {
    return this.#numSamples ?? this.dataSource.length
  }

  *[Symbol.iterator](): Steps<number> {
    const n = this.dataSource.length
    const { length } = this
    const generator = this.generator ?? new Generator().manualSeed(drawSeed(defaultGenerator))
    // The sizes of PyTorch's draws: 32 indices at a time with replacement, whole permutations without, and the rest.
    const step = this.replacement ? 32 : n
    const draw = (size: number): Iterable<number> =>
      this.replacement
        ? randint(n, [size], { generator }).toArray()
        : randperm(n, { generator }).toArray().subarray(0, size)
    for (let left = length; left >= step; left -= step) yield* draw(step)
    yield* draw(length % step)
  }
}
const readRandom = constructing(
  'RandomSampler',
  required('dataSource', dataset),
  optional('replacement', bool, false),
  optional('numSamples', nullable(number), undefined),
  optional('generator', nullable(generatorKind), undefined),
)

/** The option of samplers that draw from the default generator otherwise. */
export interface SamplerOptions {
  /** Draws the order; by default the default generator. */
  readonly generator?: Generator
}

/**
 * The given indices in random order.
 *
 * @example
 * manualSeed(0)
 * Array.from(new SubsetRandomSampler([10, 20, 30, 40])) // [10, 20, 40, 30]
 */
export class SubsetRandomSampler implements Sampler {
  readonly indices: readonly number[]
  readonly generator: Generator

  constructor(
    ...args: [indices: readonly number[], ...signatures.Arguments<[generator: Generator | null], SamplerOptions>]
  ) {
    const [read, generator] = readSubset(args)
    this.indices = read
    this.generator = generator ?? defaultGenerator
  }

  /** The number of indices in a pass. */
  get length(): number {
    return this.indices.length
  }

  *[Symbol.iterator](): Steps<number> {
    for (const i of randperm(this.length, { generator: this.generator }).toArray()) yield this.indices[i]
  }
}
const readSubset = constructing(
  'SubsetRandomSampler',
  required('indices', ints),
  optional('generator', nullable(generatorKind), null),
)

/** PyTorch's options of `WeightedRandomSampler`. */
export interface WeightedRandomSamplerOptions extends SamplerOptions {
  /** Whether an index may come more than once; true by default. */
  readonly replacement?: boolean
}

/**
 * Draws `numSamples` indices, each with a probability in proportion to its weight.
 *
 * Throws a ValueError for weights that are not a list or a 1-d tensor, and for a number of samples that is not positive;
 * a RuntimeError for a weight that is negative, infinite or NaN, for weights that sum to zero, and for more samples than
 * weights without replacement.
 *
 * @example
 * manualSeed(0)
 * Array.from(new WeightedRandomSampler([0.1, 0.9, 0.4], 4)) // [2, 1, 1, 2]
 */
export class WeightedRandomSampler implements Sampler {
  readonly weights: Float64Array
  readonly numSamples: number
  readonly replacement: boolean
  readonly generator: Generator

  constructor(
    weights: readonly number[] | Tensor,
    numSamples: number,
    ...more: signatures.Arguments<[replacement: boolean, generator: Generator | null], WeightedRandomSamplerOptions>
  )
  constructor(...args: readonly unknown[]) {
    const [weights, numSamples, replacement, generator] = readWeighted(args)
    checkCount('num_samples', numSamples)
    if (weights instanceof Tensor && weights.dim() !== 1) {
      const shape = weights.shape.join(', ')
      throw new ValueError(`weights should be a 1d sequence but given weights have shape (${shape})`)
    }
    this.weights = Float64Array.from(weights instanceof Tensor ? weights.detach().toArray() : weights)
    this.numSamples = numSamples
    this.replacement = replacement
    this.generator = generator ?? defaultGenerator
    this.#check()
  }

  /** The number of indices in a pass. */
  get length(): number {
    return this.numSamples
  }

  [Symbol.iterator](): Iterator<number> {
    const draw = this.replacement ? drawRepeating : drawDistinct
    return draw(this.weights, this.numSamples, this.generator)[Symbol.iterator]()
  }

  #check(): void {
    const { weights, replacement, numSamples } = this
    const wrong = weights.find((w) => !(w >= 0 && w < Infinity))
    if (wrong !== undefined) {
      throw new RuntimeError(
        replacement
          ? `invalid multinomial distribution (encountering probability entry ${wrong === Infinity ? '= infinity or NaN' : '< 0'})`
          : 'probability tensor contains either `inf`, `nan` or element < 0',
        `Weights must be finite and at least 0; that at index ${weights.findIndex((w) => Object.is(w, wrong))} is ${wrong}.`,
      )
    }
    if (!weights.some((w) => w > 0))
      throw new RuntimeError('invalid multinomial distribution (sum of probabilities <= 0)')
    if (!replacement && numSamples > weights.length)
      throw new RuntimeError('cannot sample n_sample > prob_dist.size(-1) samples without replacement')
  }
}
const readWeighted = constructing(
  'WeightedRandomSampler',
  required('weights', signatures.either(list(number), signatures.tensor)),
  required('numSamples', number),
  optional('replacement', bool, true),
  optional('generator', nullable(generatorKind), null),
)

const uniforms = (n: number, generator: Generator) => rand([n], { dtype: 'float64', generator }).toArray()

/** Draws with replacement: each uniform number falls into a slot of the cumulative distribution. */
const drawRepeating = (weights: Float64Array, n: number, generator: Generator): Iterable<number> => {
  const upTo = new Float64Array(weights.length)
  let sum = 0
  for (let i = 0; i < weights.length; i++) upTo[i] = sum += weights[i]
  for (let i = 0; i < weights.length; i++) upTo[i] /= sum
  upTo[weights.length - 1] = 1
  return Array.from(uniforms(n, generator), (u) => {
    let low = 0
    let high = weights.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (upTo[middle] < u) low = middle + 1
      else high = middle
    }
    return low
  })
}

/** Draws without replacement: the largest quotients of a weight and an exponentially distributed number. */
const drawDistinct = (weights: Float64Array, n: number, generator: Generator): Iterable<number> => {
  const keys = Float64Array.from(uniforms(weights.length, generator), (u, i) => weights[i] / -Math.log(1 - u))
  return Array.from(keys.keys())
    .sort((a, b) => keys[b] - keys[a])
    .slice(0, n)
}

/**
 * Groups the indices of a sampler into batches, for the option `batchSampler` of a `DataLoader`.
 *
 * Throws a ValueError for a batch size that is not positive.
 *
 * @example
 * [...new BatchSampler([0, 1, 2, 3, 4], 2, true)] // [[0, 1], [2, 3]]
 */
export class BatchSampler implements Sampler<number[]> {
  readonly sampler: Sampler
  readonly batchSize: number
  readonly dropLast: boolean

  constructor(sampler: Sampler, batchSize: number, dropLast: boolean | { readonly dropLast: boolean }) {
    const [read, size, drop] = readBatch([sampler, batchSize, dropLast])
    checkCount('batch_size', size)
    this.sampler = read as Sampler
    this.batchSize = size
    this.dropLast = drop
  }

  /** The number of batches in a pass. Throws a TypeError if the sampler has no length. */
  get length(): number {
    const batches = lengthOf(this.sampler) / this.batchSize
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches)
  }

  *[Symbol.iterator](): Steps<number[]> {
    let batch: number[] = []
    for (const index of this.sampler) {
      if (batch.push(index) < this.batchSize) continue
      yield batch
      batch = []
    }
    if (batch.length > 0 && !this.dropLast) yield batch
  }
}
/** Anything that a `for` loop takes, arrays included. */
export const samplerKind: signatures.Kind<Iterable<unknown>> = {
  ...signatures.iterable,
  expected: 'Sampler',
  hint: 'A sampler is an iterable of indices: an array, or one of the samplers of this package.',
}
const readBatch = constructing(
  'BatchSampler',
  required('sampler', samplerKind),
  required('batchSize', number),
  required('dropLast', bool),
)

/** The length of a sampler; throws Python's error if it has none. */
export const lengthOf = (sampler: Sampler<unknown>): number => {
  const { length } = sampler
  if (typeof length === 'number') return length
  const type = sampler.constructor === undefined ? 'object' : className(sampler.constructor)
  throw new TypeError(`object of type '${type}' has no len()`, 'Give the sampler a `length`.')
}

/** The options of `StratifiedBatchSampler`. */
export interface StratifiedBatchSamplerOptions extends SamplerOptions {
  /** Whether to drop an incomplete last batch. */
  readonly dropLast?: boolean
}

/**
 * Batches with the classes in the proportions of all labels, for the option `batchSampler` of a `DataLoader`: the
 * samples of each class, in random order, are spread evenly over the pass, so a batch has its share of them, give or
 * take one or two.
 *
 * `labels` holds the class of every sample: a list, or a tensor [samples]. Throws a ValueError without labels, for
 * labels that are not a list or a 1-d tensor, and for a batch size that is not positive.
 *
 * @example
 * const batches = [...new StratifiedBatchSampler([0, 0, 0, 0, 1, 1], 3)]
 * batches.map((batch) => batch.filter((i) => i >= 4).length) // [1, 1]
 */
export class StratifiedBatchSampler implements Sampler<number[]> {
  readonly labels: readonly number[]
  readonly batchSize: number
  readonly dropLast: boolean
  readonly generator: Generator

  constructor(labels: readonly number[] | Tensor, batchSize: number, options?: StratifiedBatchSamplerOptions) {
    const [read, size, dropLast, generator] = readStratified([labels, batchSize, options])
    checkCount('batch_size', size)
    if (read instanceof Tensor && read.dim() !== 1)
      throw new ValueError(`labels should be a 1d sequence but given labels have shape (${read.shape.join(', ')})`)
    this.labels = Array.from(read instanceof Tensor ? read.detach().toArray() : read)
    if (this.labels.length === 0) throw new ValueError('labels should not be empty')
    this.batchSize = size
    this.dropLast = dropLast
    this.generator = generator
  }

  /** The number of batches in a pass. */
  get length(): number {
    const batches = this.labels.length / this.batchSize
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches)
  }

  [Symbol.iterator](): Iterator<number[]> {
    const { generator } = this
    const classes = new Map<number, number[]>()
    this.labels.forEach((label, i) => {
      const members = classes.get(label)
      if (members === undefined) classes.set(label, [i])
      else members.push(i)
    })
    // Spreads each class evenly over the pass, beginning at a random place, so that every stretch of the pass holds a
    // class's share of it.
    const starts = uniforms(classes.size, generator)
    const placed = [...classes.values()].flatMap((members, c) =>
      Array.from(randperm(members.length, { generator }).toArray(), (m, k) => ({
        index: members[m],
        place: (k + starts[c]) / members.length,
      })),
    )
    const order = placed.sort((a, b) => a.place - b.place).map(({ index }) => index)
    return new BatchSampler(order, this.batchSize, this.dropLast)[Symbol.iterator]()
  }
}
const readStratified = constructing(
  'StratifiedBatchSampler',
  required('labels', signatures.either(list(number), signatures.tensor)),
  required('batchSize', number),
  optional('dropLast', bool, false),
  optional('generator', generatorKind, defaultGenerator),
)

nameClasses({
  Sampler,
  SequentialSampler,
  RandomSampler,
  SubsetRandomSampler,
  WeightedRandomSampler,
  BatchSampler,
  StratifiedBatchSampler,
})
