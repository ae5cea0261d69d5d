// The options of a DataLoader: by position and by name, and which exclude each other.
import { Generator, signatures, ValueError } from '@flambeau/core'
import { className } from '@flambeau/core/backend'
import type { Batch } from './collate.ts'
import { dataset as datasetKind, iterableDataset, type IterableDataset, type Samples } from './dataset.ts'
import { type Sampler, samplerKind } from './samplers.ts'

export interface DataLoaderOptions<T, B = Batch<T>> {
  /** Samples per batch; by default 1. null gives the samples themselves, without batches. */
  readonly batchSize?: number | null
  /** Whether to shuffle for every pass. */
  readonly shuffle?: boolean | null
  /** Whether to drop an incomplete last batch. */
  readonly dropLast?: boolean
  /** Draws the order; by default the default generator seeds a new one for every pass. */
  readonly generator?: Generator | null
  /** The indices of a pass, instead of all of them: an array, or a sampler of this package. */
  readonly sampler?: Sampler | null
  /** The lists of indices of a pass, one for each batch. */
  readonly batchSampler?: Sampler<readonly number[]> | null
  /** Makes a batch from a list of samples; by default `defaultCollate`. */
  readonly collateFn?: ((samples: T[]) => B) | null
  /** The same as `collateFn`. */
  readonly collate?: (samples: T[]) => B
  /** How many threads read and decode samples ahead, in a `for await` loop; by default none. */
  readonly numWorkers?: number
  /** How many batches each worker is ahead; by default 2. */
  readonly prefetchFactor?: number
  /** Whether workers outlive a pass; they always do, so it only checks that there are some. */
  readonly persistentWorkers?: boolean
  /** PyTorch's for GPUs; it changes nothing. */
  readonly pinMemory?: boolean
}
export type LoaderArguments<T, B> = signatures.Arguments<
  [
    batchSize: number,
    shuffle: boolean | null,
    sampler: Sampler | null,
    batchSampler: Sampler<readonly number[]> | null,
    numWorkers: number,
    collateFn: ((samples: T[]) => B) | null,
    pinMemory: boolean,
    dropLast: boolean,
    timeout: 0,
    workerInitFn: null,
    multiprocessingContext: null,
    generator: Generator | null,
  ],
  DataLoaderOptions<T, B>
>

/** The options of a loader of samples: `batchSize` is null, and `collate` takes one sample. */
export interface SampleOptions<T, B = T>
  extends Omit<DataLoaderOptions<T, B>, 'batchSize' | 'dropLast' | 'batchSampler' | 'collateFn' | 'collate'> {
  readonly batchSize: null
  /** Makes what the loader yields from a sample; by default the sample itself. */
  readonly collateFn?: (sample: T) => B
  /** The same as `collateFn`. */
  readonly collate?: (sample: T) => B
}

export type Source<T> = Samples<T> | IterableDataset<T>
export interface NoCollate {
  readonly collateFn?: undefined
  readonly collate?: undefined
}

const { also, bool, constructing, either, fn, instance, keyword, nothing, nullable, number, optional, required } =
  signatures
const notHere = 'Workers here are threads of this package, which run no function of yours.'
const readLoader = constructing(
  'DataLoader',
  required('dataset', either(datasetKind, iterableDataset)),
  optional('batchSize', nullable(number), undefined),
  optional('shuffle', nullable(bool), null),
  optional('sampler', nullable(samplerKind), null),
  optional('batchSampler', nullable(samplerKind), null),
  optional('numWorkers', number, 0),
  also(optional('collateFn', nullable(fn), null), 'collate'),
  optional('pinMemory', bool, false),
  optional('dropLast', bool, false),
  optional(
    'timeout',
    { ...number, accepts: (x) => x === 0, expected: '0', hint: 'A batch is waited for without an end.' },
    0,
  ),
  optional('workerInitFn', nothing(notHere), null),
  optional('multiprocessingContext', nothing(notHere), null),
  optional('generator', nullable(instance(Generator, 'Generator')), null),
  keyword('prefetchFactor', number, 2),
  keyword('persistentWorkers', bool, false),
)

/** Throws PyTorch's error for an option that an iterable dataset has no use for. */
const refuse = (options: { shuffle: boolean; sampler: unknown; batchSampler: unknown }): void => {
  const wrong = Object.entries(options).find(([, value]) => value !== false && value !== undefined)
  if (wrong === undefined) return
  const name = wrong[0] === 'batchSampler' ? 'batch_sampler' : wrong[0]
  const value = wrong[1] === true ? 'True' : className((wrong[1] as object).constructor)
  throw new ValueError(
    `DataLoader with IterableDataset: expected unspecified ${name} option, but got ${name}=${value}`,
    'An iterable dataset decides its order itself. A dataset with length and at(index) can be shuffled.',
  )
}

/** The arguments of the constructor, with PyTorch's error for options that do not go together. */
export function loaderOptions(args: readonly unknown[]) {
  const [set, batchSize, shuffled, own, ofBatches, numWorkers, collate, , dropLast, , , , drawn, prefetchFactor, stay] =
    readLoader(args)
  const shuffle = shuffled ?? false
  const sampler = own ?? undefined
  const batchSampler = ofBatches ?? undefined
  const generator = drawn ?? undefined
  if (!(Number.isSafeInteger(numWorkers) && numWorkers >= 0)) {
    throw new ValueError(
      'num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.',
      `It is ${numWorkers}.`,
    )
  }
  if (!(Number.isSafeInteger(prefetchFactor) && prefetchFactor >= 1))
    throw new ValueError(`prefetch_factor option should be positive, but got ${prefetchFactor}`)
  if (numWorkers === 0 && prefetchFactor !== 2) {
    throw new ValueError(
      'prefetch_factor option could only be specified in multiprocessing.let num_workers > 0 to enable multiprocessing.',
    )
  }
  if (stay && numWorkers === 0) throw new ValueError('persistent_workers option needs num_workers > 0')
  if (!datasetKind.accepts(set)) refuse({ shuffle, sampler, batchSampler })
  if (sampler !== undefined && shuffle) throw new ValueError('sampler option is mutually exclusive with shuffle')
  if (batchSampler !== undefined && (batchSize !== undefined || shuffle || sampler !== undefined || dropLast)) {
    throw new ValueError('batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last')
  }
  if (batchSize === null && dropLast) {
    throw new ValueError('batch_size=None option disables auto-batching and is mutually exclusive with drop_last')
  }
  return {
    set,
    batchSize,
    shuffle,
    sampler,
    batchSampler,
    collate: collate ?? undefined,
    dropLast,
    generator,
    numWorkers,
    prefetchFactor,
    persistentWorkers: stay,
  }
}
