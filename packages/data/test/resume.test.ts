// A loader that is interrupted after any batch and goes on in another loader gives the batches, and leaves the random
// numbers, of one that is not.
import { defaultGenerator, Generator, manualSeed, rand, TypeError, ValueError } from '@flambeau/core'
import 'flambeau'
import { describe, expect, it } from 'vitest'
import {
  BatchSampler,
  DataLoader,
  type DataLoaderOptions,
  Dataset,
  getWorkerInfo,
  IterableDataset,
  type LoaderState,
  RandomSampler,
  StratifiedBatchSampler,
  SubsetRandomSampler,
  WeightedRandomSampler,
} from '../src/index.ts'

const numbers = Array.from({ length: 70 }, (_, i) => i)
/** Draws a random number for each sample, as an augmentation does. */
class Shaken extends Dataset<number> {
  readonly length = 7
  at(index: number): number {
    return index + rand([]).item()
  }
}
/** Reads ahead. */
class Ahead extends Shaken {
  prefetch(index: number): Promise<() => number> {
    return Promise.resolve(() => this.at(index))
  }
}
class Lines extends IterableDataset<number> {
  override *[Symbol.iterator](): Iterator<number> {
    const { id, numWorkers } = getWorkerInfo() ?? { id: 0, numWorkers: 1 }
    for (let i = id; i < 7; i += numWorkers) yield i
  }
}
class ShuffledLines extends Lines {
  override *[Symbol.iterator](): Iterator<number> {
    for (let i = 0; i < 7; i++) yield rand([]).item()
  }
}

type Source = readonly number[] | Dataset<number> | Lines
interface Case {
  readonly set?: Source
  readonly options: (own: Generator) => DataLoaderOptions<number>
  readonly isAsync?: true
}
const all = [0, 1, 2, 3, 4, 5, 6]
const cases: Record<string, Case> = {
  'in order': { options: () => ({ batchSize: 3 }) },
  shuffled: { options: () => ({ batchSize: 3, shuffle: true }) },
  'with a generator of its own': { options: (generator) => ({ batchSize: 3, shuffle: true, generator }) },
  'without the last batch': { options: () => ({ batchSize: 3, shuffle: true, dropLast: true }) },
  'samples without batches': { options: () => ({ batchSize: null, shuffle: true }) },
  'with random transforms': { set: new Shaken(), options: () => ({ batchSize: 2, shuffle: true }) },
  'drawn with replacement, 32 at a time': {
    set: numbers,
    options: (generator) => ({ batchSize: 9, sampler: new RandomSampler(numbers, { replacement: true, generator }) }),
  },
  'a subset, by the default generator': { options: () => ({ batchSize: 3, sampler: new SubsetRandomSampler(all) }) },
  weighted: {
    options: (generator) => ({ batchSize: 3, sampler: new WeightedRandomSampler(all, 7, { generator }) }),
  },
  stratified: {
    options: (generator) => ({ batchSampler: new StratifiedBatchSampler([0, 0, 0, 1, 1, 1, 1], 3, { generator }) }),
  },
  'batches of a random sampler': {
    options: (generator) => ({ batchSampler: new BatchSampler(new RandomSampler(all, { generator }), 3, false) }),
  },
  'reading ahead': { set: new Ahead(), options: () => ({ batchSize: 2, shuffle: true, numWorkers: 1 }), isAsync: true },
  'reading ahead with replacement': {
    set: new Ahead(),
    options: (generator) => ({
      batchSize: 4,
      numWorkers: 2,
      sampler: new RandomSampler(all, { replacement: true, numSamples: 40, generator }),
    }),
    isAsync: true,
  },
  'an iterable dataset': { set: new Lines(), options: () => ({ batchSize: 3 }) },
  'an iterable dataset that draws': { set: new ShuffledLines(), options: () => ({ batchSize: 3 }) },
  'an iterable dataset, asynchronously': { set: new ShuffledLines(), options: () => ({ batchSize: 3 }), isAsync: true },
  'an iterable dataset with workers': {
    set: new Lines(),
    options: () => ({ batchSize: 2, numWorkers: 2 }),
    isAsync: true,
  },
}

/** The generators of a training that is at one of its batches. */
interface Saved {
  readonly loader: string
  readonly random: Uint8Array
}

/** Two passes with a draw after every batch: what they give, and a state after each batch. */
const train = async ({ set = all, options, isAsync }: Case, from?: Saved): Promise<[string[], Saved[]]> => {
  const loader = new DataLoader<number, unknown>(set as number[], options(new Generator().manualSeed(7)) as object)
  manualSeed(3)
  if (from !== undefined) {
    loader.loadStateDict(JSON.parse(from.loader) as LoaderState)
    defaultGenerator.setState(from.random)
  }
  const [seen, saved]: [string[], Saved[]] = [[], []]
  const step = (batch: unknown): void => {
    seen.push(`${batch} ${rand([1]).item()}`)
    saved.push({ loader: JSON.stringify(loader.stateDict()), random: defaultGenerator.getState() })
  }
  for (let pass = 0; pass < 2; pass++) {
    if (isAsync) for await (const batch of loader) step(batch)
    else for (const batch of loader) step(batch)
    seen.push(`end of a pass ${rand([1]).item()}`)
  }
  return [seen, saved]
}

describe('a loader goes on where another was', () => {
  it.each(Object.entries(cases))('%s', async (_, given) => {
    const [straight, states] = await train(given)
    expect(states.length).toBeGreaterThan(3)
    // A training that is resumed in its second pass makes two more here; what is compared is the rest of the first one.
    const batches = straight.map((line, i) => (line.startsWith('end') ? -1 : i)).filter((i) => i >= 0)
    for (const [k, state] of states.entries()) {
      const rest = straight.slice(batches[k] + 1)
      const [resumed] = await train(given, state)
      expect(resumed.slice(0, rest.length)).toEqual(rest)
    }
  })

  it('a state that was just loaded is the same state', () => {
    const loader = new DataLoader(all, { batchSize: 3, shuffle: true })
    expect(loader.stateDict()).toEqual({ pass: null, generators: [] })
    for (const _ of loader) break
    expect(loader.stateDict().pass).toBeNull()
    const batches = loader[Symbol.iterator]()
    batches.next()
    const saved = loader.stateDict()
    expect(saved.pass).toMatchObject({ batches: 1, drawn: 1 })
    const other = new DataLoader(all, { batchSize: 3, shuffle: true })
    other.loadStateDict(saved)
    expect(other.stateDict()).toEqual(saved)
    expect([...other].map(String)).toEqual([batches.next(), batches.next()].map(({ value }) => String(value)))
    expect(other.stateDict().pass).toBeNull()
  })

  it('refuses states that are not its own, and changes nothing', () => {
    const loaderOf = (set: readonly number[], sampler?: Iterable<number>, generator?: Generator) =>
      new DataLoader(set, { batchSize: 3, sampler: sampler as number[], generator })
    const own = new Generator().manualSeed(1)
    const loader = loaderOf(all, undefined, own)
    for (const _ of loader) if (loader.stateDict().pass?.batches === 2) break
    const batches = loader[Symbol.iterator]()
    batches.next()
    const saved = loader.stateDict()
    const before = [own.getState(), defaultGenerator.getState()]
    const others: [string, () => unknown, unknown][] = [
      ['another order', () => loaderOf(all, [6, 5, 4, 3, 2, 1, 0], own), saved],
      ['fewer samples', () => loaderOf([0, 1], undefined, own), saved],
      ['no generator', () => loaderOf(all), saved],
    ]
    for (const [what, make] of others)
      expect(() => (make() as DataLoader<number>).loadStateDict(saved), what).toThrow(ValueError)
    const pass = saved.pass
    const wrong: unknown[] = [
      undefined,
      null,
      [],
      3,
      {},
      { ...saved, pass: 1 },
      { ...saved, generators: [['x']] },
      { ...saved, pass: { ...pass, batches: -1 } },
      { ...saved, pass: { ...pass, drawn: 0.5 } },
      { ...saved, pass: { ...pass, generators: [[300], [1]] } },
    ]
    for (const state of wrong) expect(() => loader.loadStateDict(state as LoaderState)).toThrow(TypeError)
    expect(() => loader.loadStateDict({ ...saved, generators: [new Array<number>(5056).fill(0)] })).toThrow('mt19937')
    expect(() => loaderOf([0, 1], undefined, own).loadStateDict(saved)).toThrow(
      'the sampler draws other indices than before',
    )
    expect([own.getState(), defaultGenerator.getState()]).toEqual(before)
    expect(loader.stateDict()).toEqual(saved)
  })
})
