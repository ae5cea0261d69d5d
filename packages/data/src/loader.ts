// DataLoader: batches of a dataset, in PyTorch's order for the same seed. It draws the same random numbers at the same
// points as PyTorch, so that later random numbers agree, too.
import { defaultGenerator, Generator, RuntimeError } from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import { type Batch, collate } from './collate.ts'
import { begun, dataset as datasetKind, type IterableDataset, type Samples, sampleOf } from './dataset.ts'
import { checked, fetchRows, named, noted } from './fetch.ts'
import {
  type LoaderArguments,
  loaderOptions,
  type NoCollate,
  type SampleOptions,
  type Source,
} from './loader-options.ts'
import { type LoaderState, parsed, Pass } from './pass.ts'
import { BatchSampler, drawSeed, lengthOf, RandomSampler, type Sampler, SequentialSampler } from './samplers.ts'
import { shareOf } from './share.ts'

type Steps<T> = globalThis.Generator<T, void, undefined>

/**
 * Iterates over a dataset in batches; every `for` loop is one pass. `length` is the number of batches.
 *
 * The order is PyTorch's for the same seed. As in PyTorch, starting a pass draws one 64-bit number from the generator
 * even without `shuffle`.
 *
 * With `numWorkers`, loop with `for await`: worker threads read and decode the samples of datasets that can (those of
 * files of images) ahead of the loop. Order and random numbers are those without workers. An iterable dataset is iterated
 * once for each worker instead, as in PyTorch: it takes its share by `getWorkerInfo()`, and the batches come from the
 * workers in turn.
 *
 * Pass options by name, or by position in PyTorch's order: `new DataLoader(set, 64, true)`. With `{ batchSize: null }` it
 * yields the samples themselves. A tensor is the dataset of its rows.
 *
 * Throws a TypeError for an unknown option or one of the wrong kind, and a ValueError for a batch size that is not
 * positive, for shuffling an empty dataset, and for options that exclude each other. The error of a sample, whatever
 * its class, says at its end which sample it was, and the file of one that has a file.
 *
 * @example
 * for (const [x, y] of new DataLoader(new TensorDataset(images, labels), { batchSize: 64, shuffle: true })) {
 *   const loss = F.crossEntropy(model.forward(x), y)
 * }
 */
export class DataLoader<T, B = Batch<T>, D = Source<T>> implements Iterable<B>, AsyncIterable<B> {
  readonly dataset: D
  /** Samples per batch; undefined if a `batchSampler` decides, null if there are no batches. */
  readonly batchSize: number | null | undefined
  readonly dropLast: boolean
  /** Undefined if there is none: a `batchSampler` was given, or the dataset is iterable. */
  readonly sampler: Sampler | undefined
  /** Undefined if there are no batches, or the dataset is iterable. */
  readonly batchSampler: Sampler<readonly number[]> | undefined
  readonly generator: Generator | undefined
  readonly numWorkers: number
  readonly prefetchFactor: number
  readonly persistentWorkers: boolean
  readonly #collate: ((samples: unknown) => B) | undefined
  /** The pass that began last, until its loop ends. */
  #pass: Pass | null = null
  /** The pass of a loaded state, until a loop goes on with it. */
  #resumed: Pass | null = null

  constructor(
    dataset: Source<T> & Source<B> & D,
    batchSize: null | (SampleOptions<T> & NoCollate),
    options?: Omit<SampleOptions<T>, 'batchSize' | 'collateFn' | 'collate'> & NoCollate,
  )
  constructor(dataset: Source<T> & D, options: SampleOptions<T, B>)
  constructor(dataset: Source<T> & D, ...more: LoaderArguments<T, B>)
  constructor(...args: readonly unknown[]) {
    const { set, batchSize, shuffle, sampler, batchSampler, collate, dropLast, generator, ...more } =
      loaderOptions(args)
    const isIterable = !datasetKind.accepts(set)
    this.dataset = set as D
    this.dropLast = dropLast
    this.generator = generator
    this.numWorkers = more.numWorkers
    this.prefetchFactor = more.prefetchFactor
    this.persistentWorkers = more.persistentWorkers
    this.#collate = collate as ((samples: unknown) => B) | undefined
    if (batchSampler !== undefined) {
      this.batchSampler = batchSampler as Sampler<readonly number[]>
      return
    }
    this.batchSize = batchSize === undefined ? 1 : batchSize
    if (!isIterable) {
      const map = set as Samples<unknown>
      const every = () => (shuffle ? new RandomSampler(map, { generator }) : new SequentialSampler(map))
      this.sampler = sampler === undefined ? every() : (sampler as Sampler)
    }
    // The sampler of an iterable dataset is never asked; it checks the size.
    const batches = this.batchSize === null ? undefined : new BatchSampler(this.sampler ?? [], this.batchSize, dropLast)
    if (!isIterable) this.batchSampler = batches
  }

  /**
   * The number of batches in a pass, or of samples without batches. Throws a TypeError if the sampler, or the iterable
   * dataset, has no length.
   */
  get length(): number {
    if (this.batchSampler !== undefined) return lengthOf(this.batchSampler)
    const samples = lengthOf(this.sampler ?? (this.dataset as Iterable<T>))
    const batches = samples / (this.batchSize ?? 1)
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches)
  }

  [Symbol.iterator](): Iterator<B> {
    if (this.numWorkers > 0) {
      throw new RuntimeError(
        `a DataLoader with num_workers=${this.numWorkers} works ahead, which a synchronous loop cannot wait for`,
        'Write `for await (const batch of loader)`, or leave out numWorkers.',
      )
    }
    const { dataset } = this
    const isMap = datasetKind.accepts(dataset)
    if (!isMap && (dataset as Partial<Iterable<T>>)[Symbol.iterator] === undefined) {
      throw new RuntimeError(
        'the dataset can only be iterated asynchronously, which a synchronous loop cannot wait for',
        'Write `for await (const batch of loader)`.',
      )
    }
    const pass = this.#begin()
    return isMap ? this.#batches(pass) : this.#gathered(pass)
  }

  [Symbol.asyncIterator](): AsyncIterator<B> {
    const pass = this.#begin()
    return datasetKind.accepts(this.dataset) ? this.#batchesAhead(pass) : this.#gatheredAhead(pass)
  }

  // ---- its place ----

  /**
   * Where the loader is: how many batches the loop has had of the pass under way, and what gives their order again. It
   * is plain JSON. The next loop over a loader that has loaded it goes on with the next batch, or begins a pass if none
   * was under way: one that ended, also by `break`, is over.
   *
   * The state of the default generator is not in it, only that at the beginning of the pass.
   *
   * @example
   * const loader = new DataLoader([1, 2, 3, 4], 2)
   * const batches = loader[Symbol.iterator]()
   * batches.next() // the first batch
   * const other = new DataLoader([1, 2, 3, 4], 2)
   * other.loadStateDict(loader.stateDict())
   * Array.from(other, String) // ['tensor([3., 4.])']
   */
  stateDict(): LoaderState {
    const pass = this.#pass ?? this.#resumed
    const generators = this.#generators().map((generator) => Array.from(generator.getState()))
    return { pass: pass?.state() ?? null, generators }
  }

  toJSON(): LoaderState {
    return this.stateDict()
  }

  /**
   * Goes on from what `stateDict` returned, from a loader of the same dataset with the same options. Samples that the
   * loop has had are not read again, unless the dataset is iterable: it is then iterated over from its beginning.
   *
   * Throws, with nothing changed, a TypeError for anything else, and a ValueError if the sampler draws other indices
   * than it drew before, as that of a changed dataset does.
   */
  loadStateDict(stateDict: LoaderState, ...none: []): void {
    const own = this.#generators()
    const { pass: from, began, now } = parsed([stateDict, ...none], own.length)
    const pass = from === null ? null : new Pass([defaultGenerator, ...own], from, began)
    if (pass !== null && from !== null && datasetKind.accepts(this.dataset)) {
      pass.rewind()
      try {
        this.#drawSeed()
        pass.redraw(from, this.#indices())
      } finally {
        pass.leave()
      }
    }
    own.forEach((generator, i) => void generator.setState(now[i]))
    this.#pass = null
    this.#resumed = pass
  }

  /** The generators of the loader and its samplers, but for the default one. */
  #generators(): Generator[] {
    const owners = [this, this.sampler, this.batchSampler, (this.batchSampler as Partial<BatchSampler>)?.sampler]
    const generators = owners.map((owner) => (owner as { generator?: unknown } | undefined)?.generator)
    const own = generators.filter((x): x is Generator => x instanceof Generator && x !== defaultGenerator)
    return [...new Set(own)]
  }

  /** Begins a pass, or goes on with that of a loaded state. */
  #begin(): Pass {
    const resumed = this.#resumed
    this.#resumed = null
    this.#pass = resumed ?? new Pass([defaultGenerator, ...this.#generators()])
    if (resumed === null) this.#pass.seed = this.#drawSeed()
    return this.#pass
  }

  #end(pass: Pass): void {
    pass.leave()
    if (this.#pass === pass) this.#pass = null
  }

  /** Goes back to the beginning of a pass over an iterable dataset, until the loop has the next batch. */
  #rewind(pass: Pass): void {
    if (!pass.isResumed) return
    pass.rewind()
    pass.seed = this.#drawSeed()
    pass.arrive()
  }

  /** PyTorch draws a seed for worker processes, also without any. */
  #drawSeed(): number {
    return drawSeed(this.generator ?? defaultGenerator)
  }

  // ---- datasets with indices ----

  /** The lists of indices of a pass; without batches, each has one. */
  *#indices(): Steps<readonly number[]> {
    if (this.batchSampler === undefined) for (const i of this.sampler as Sampler) yield checked([i])
    else for (const indices of this.batchSampler) yield checked(indices)
  }

  *#batches(pass: Pass): Steps<B> {
    const set = this.dataset as Samples<T>
    const isPlain = this.#collate === undefined && this.batchSize !== null
    try {
      for (const at of pass.lists ?? pass.counted(this.#indices())) {
        const rows = isPlain ? fetchRows(set, at) : undefined
        const batch = rows ?? this.#batchOf(at.map((i) => named(set, i, () => sampleOf(set, i) as T)))
        pass.batches++
        yield batch as B
      }
    } finally {
      this.#end(pass)
    }
  }

  async *#batchesAhead(pass: Pass): AsyncGenerator<B, void, undefined> {
    const set = this.dataset as Samples<T>
    if (this.numWorkers === 0 || set.prefetch === undefined) {
      yield* this.#batches(pass)
      return
    }
    const steps = pass.lists ?? pass.counted(this.#indices())
    const most = this.numWorkers * this.prefetchFactor
    const ahead: { indices: readonly number[]; samples: Promise<() => T | undefined>[] }[] = []
    const fill = (): void => {
      while (ahead.length < most) {
        const step = steps.next()
        if (step.done === true) return
        const indices = step.value
        const samples = indices.map((i) => begun(set, i, this.numWorkers))
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
          done.push(named(set, i, finish) as T)
        }
        const batch = this.#batchOf(done)
        pass.batches++
        yield batch
      }
    } finally {
      steps.return()
      this.#end(pass)
    }
  }

  // ---- iterable datasets ----

  *#gathered(pass: Pass): Steps<B> {
    this.#rewind(pass)
    const samples = (this.dataset as Iterable<T>)[Symbol.iterator]()
    let count = 0
    const next = () => {
      const step = noted(`sample ${count} of the iterable dataset`, () => samples.next())
      count++
      return step
    }
    try {
      for (let isLast = false; !isLast; ) {
        const batch: T[] = []
        while (!isLast && batch.length < (this.batchSize ?? 1)) {
          const step = next()
          if (step.done === true) isLast = true
          else batch.push(step.value)
        }
        if (this.#isWhole(batch, isLast) && !pass.skips()) yield this.#batchOf(batch)
      }
    } finally {
      samples.return?.()
      this.#end(pass)
    }
  }

  /** Every worker iterates over the dataset, ahead of the loop, which takes their batches in turn. */
  async *#gatheredAhead(pass: Pass): AsyncGenerator<B, void, undefined> {
    this.#rewind(pass)
    const set = this.dataset as IterableDataset<T>
    const { numWorkers } = this
    const { seed } = pass
    const infos = Array.from({ length: numWorkers }, (_, id) => ({ id, numWorkers, seed: seed + id, dataset: set }))
    const batches = {
      size: this.batchSize ?? 1,
      prefetchFactor: this.prefetchFactor,
      isWhole: (batch: readonly T[], isLast: boolean) => this.#isWhole(batch, isLast),
    }
    let workers = (numWorkers === 0 ? [null] : infos).map((info) => shareOf(set, info, batches))
    try {
      while (workers.length > 0) {
        for (const worker of workers) {
          const batch = await worker.next()
          if (batch === undefined) workers = workers.filter((other) => other !== worker)
          else if (!pass.skips()) yield this.#batchOf(batch)
        }
      }
    } finally {
      for (const worker of workers) worker.close()
      this.#end(pass)
    }
  }

  /** Whether a batch of an iterable dataset is one: nothing is, and with `dropLast` neither is the rest. */
  #isWhole(batch: readonly T[], isLast: boolean): boolean {
    return batch.length > 0 && !(isLast && this.dropLast && batch.length < (this.batchSize ?? 1))
  }

  #batchOf(samples: T[]): B {
    if (this.batchSize === null)
      return this.#collate === undefined ? (samples[0] as unknown as B) : this.#collate(samples[0])
    if (this.#collate !== undefined) return this.#collate(samples)
    return collate(samples, [], (this.dataset as Source<T>).integers === true) as B
  }
}

nameClasses({ DataLoader })
