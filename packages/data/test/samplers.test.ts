import { readFileSync } from 'node:fs'
import { Generator, manualSeed, ones, rand, Tensor, tensor, TypeError, ValueError } from '@flambeau/core'
import 'flambeau'
import { describe, expect, it } from 'vitest'
import {
  BatchSampler,
  ChainDataset,
  ConcatDataset,
  DataLoader,
  type Dataset,
  getWorkerInfo,
  type IterableDataset,
  RandomSampler,
  SequentialSampler,
  StratifiedBatchSampler,
  Subset,
  SubsetRandomSampler,
  TensorDataset,
  WeightedRandomSampler,
} from '../src/index.ts'

interface SamplerCase {
  kind: 'RandomSampler' | 'SubsetRandomSampler' | 'WeightedRandomSampler'
  args: never[]
  seed: number
  own: number | null
  options: object
  length: number
  passes: number[][]
  after: number[]
  afterOwn: number[] | null
}

const golden = JSON.parse(readFileSync(new URL('golden/samplers.json', import.meta.url), 'utf8')) as {
  cases: SamplerCase[]
  batches: { n: number; size: number; drop: boolean; batches: number[][] }[]
  loaders: { seed: number; passes: number[][][]; after: number[] }[]
  iterables: {
    n: number
    workers: number
    size: number | null
    drop: boolean
    length: number
    passes: (number | number[])[][]
  }[]
  errors: Record<string, string>
}
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
const drawn = (generator?: Generator): number[] => Array.from(rand([2], { generator }).toArray())

describe('samplers draw what PyTorch draws', () => {
  const kinds = { RandomSampler, SubsetRandomSampler, WeightedRandomSampler }
  it.each(golden.cases.map((c, i) => [i, c.kind, c] as const))('case %i %s', (_, kind, c) => {
    const generator = c.own === null ? undefined : new Generator().manualSeed(c.own)
    const args = kind === 'RandomSampler' ? [upTo(c.args[0])] : c.args
    const sampler = new (kinds[kind] as new (...args: unknown[]) => RandomSampler)(...args, { ...c.options, generator })
    expect(sampler.length).toBe(c.length)
    manualSeed(c.seed)
    expect(c.passes.map(() => [...sampler])).toEqual(c.passes)
    expect(drawn()).toEqual(c.after)
    if (c.afterOwn !== null) expect(drawn(generator)).toEqual(c.afterOwn)
  })

  it('groups them as BatchSampler does', () => {
    for (const { n, size, drop, batches } of golden.batches) {
      const sampler = new BatchSampler(new SequentialSampler(upTo(n)), size, drop)
      expect([...sampler]).toEqual(batches)
      expect(sampler.length).toBe(batches.length)
    }
  })

  it.each(golden.loaders)('in loaders, seed $seed', ({ seed, passes, after }) => {
    manualSeed(seed)
    const set = upTo(11)
    const joined = new ConcatDataset([upTo(3), [10, 11]])
    const weights = [0.1, 0.9, 0.4, 0.7, 3.0, 0.6]
    const loaders = [
      () => new DataLoader(set, { batchSize: 4, sampler: new SubsetRandomSampler([9, 3, 5, 1, 0, 7]) }),
      () => new DataLoader(set, { batchSize: 4, sampler: new WeightedRandomSampler(weights, 9) }),
      () => new DataLoader(set, { batchSampler: new BatchSampler(new RandomSampler(set), 3, true) }),
      () => new DataLoader(joined, 2, true),
    ]
    expect(loaders.map((make) => [...make()].map((batch) => Array.from(batch.toArray())))).toEqual(passes)
    expect(drawn()).toEqual(after)
  })

  it('says PyTorch’s sentences', () => {
    const { errors } = golden
    const set = [1, 2, 3]
    const calls: Record<string, () => unknown> = {
      empty: () => new RandomSampler([]),
      numSamples: () => new WeightedRandomSampler([1], 0),
      batchSize: () => new BatchSampler(set, 0, false),
      matrix: () => new WeightedRandomSampler(ones(2, 2), 1),
      negative: () => new WeightedRandomSampler([-1, 2], 1),
      infinite: () => new WeightedRandomSampler([Infinity, 2], 1),
      nan: () => new WeightedRandomSampler([Number.NaN, 2], 1),
      distinctNegative: () => new WeightedRandomSampler([-1, 2], 1, false),
      distinctNan: () => new WeightedRandomSampler([Number.NaN, 2], 1, false),
      distinctZeros: () => new WeightedRandomSampler([0, 0], 1, false),
      zeros: () => new WeightedRandomSampler([0, 0], 1),
      tooMany: () => new WeightedRandomSampler([1, 1], 3, false),
      shuffle: () => new DataLoader(set, { shuffle: true, sampler: new SequentialSampler(set) }),
      batchSampler: () => new DataLoader(set, { batchSize: 2, batchSampler: [[1]] }),
      concat: () => new ConcatDataset([]),
      numWorkers: () => new DataLoader(set, { numWorkers: -1 }),
      prefetchFactor: () => new DataLoader(set, { prefetchFactor: 4 }),
      persistentWorkers: () => new DataLoader(set, { persistentWorkers: true }),
      unbatchedRest: () => new DataLoader(set, { batchSize: null, dropLast: true } as never),
      iterableShuffle: () => new DataLoader(new Count(3), { shuffle: true }),
      iterableSampler: () => new DataLoader(new Count(3), { sampler: new SequentialSampler(set) }),
      iterableBatches: () => new DataLoader(new Count(3), { batchSampler: [[0]] }),
      iterableLength: () => new DataLoader(new Count(3)).length,
    }
    for (const [name, call] of Object.entries(calls)) expect(call, name).toThrow(errors[name].split(';')[0])
    for (const none of [calls.numSamples, () => new RandomSampler(set, { numSamples: 0 })])
      expect(none).toThrow(new ValueError(errors.numSamples))
    expect(() => new DataLoader(set, { numWorkers: -1 })).toThrow(ValueError)
    expect(() => new DataLoader(set, { sampler: new Set([0]) }).length).toThrow("object of type 'Set' has no len()")
    expect(() => [...new DataLoader(set, { sampler: [0.5] })]).toThrow('a sampler must yield indices, not 0.5')
    expect(() => [...new DataLoader([1, 2], { sampler: [0, 5] })]).toThrow(
      'index 5 is out of bounds for dimension 0 with size 2',
    )
    expect(() => [...new DataLoader(new Subset(new TensorDataset(ones(3)), [1]), { sampler: [1] })]).toThrow(
      'index 1 is out of bounds for dimension 0 with size 1',
    )
  })
})

describe('StratifiedBatchSampler', () => {
  const labels = upTo(103).map((i) => (i % 10 === 0 ? 2 : i % 3 === 0 ? 1 : 0))
  it.each([1, 7, 20, 103])('spreads the classes over batches of %i', (size) => {
    const sampler = new StratifiedBatchSampler(tensor(Int32Array.from(labels)), size)
    const batches = [...sampler]
    expect(sampler.length).toBe(batches.length)
    expect(batches.flat().sort((a, b) => a - b)).toEqual(upTo(103))
    for (const batch of batches) {
      for (const label of [0, 1, 2]) {
        const share = labels.filter((l) => l === label).length / labels.length
        const count = batch.filter((i) => labels[i] === label).length
        expect(Math.abs(count - share * batch.length)).toBeLessThan(2)
      }
    }
  })

  it('follows the seed, and draws another order at every pass', () => {
    const sampler = new StratifiedBatchSampler(labels, 10, { dropLast: true })
    manualSeed(1)
    const first = [...sampler]
    const second = [...sampler]
    expect(first).not.toEqual(second)
    expect(first).toHaveLength(10)
    manualSeed(1)
    expect([...sampler]).toEqual(first)
    expect(() => new StratifiedBatchSampler([], 2)).toThrow('labels should not be empty')
    expect(() => new StratifiedBatchSampler(ones(2, 2), 2)).toThrow('labels should be a 1d sequence')
  })
})

/** A set whose samples are begun elsewhere: the later, the faster, and each finished with a random draw. */
class Slow implements Dataset<readonly [number, number]> {
  readonly integers = true
  readonly length = 9
  begun: number[] = []
  broken = -1
  at(index: number): readonly [number, number] {
    if (index === this.broken) throw new ValueError('cannot identify image file')
    return [index, Math.floor(rand(1).item() * 1000)]
  }
  prefetch = async (index: number, workers: number) => {
    expect(workers).toBe(2)
    this.begun.push(index)
    for (let i = 0; i < 20 - 2 * index; i++) await null
    return () => this.at(index)
  }
}

describe('numWorkers', () => {
  const options = { batchSize: 2, numWorkers: 2, prefetchFactor: 1 }
  const values = (batches: readonly (readonly { toArray(): ArrayLike<number> }[])[]) =>
    batches.map((batch) => batch.map((t) => Array.from(t.toArray())))

  it('gives the batches, in order and with the draws, of a loop without workers', async () => {
    const set = new ConcatDataset<readonly [number, number]>([new Subset(new Slow(), [8, 2, 0, 5, 1]), new Slow()])
    manualSeed(3)
    const plain = values([...new DataLoader(set, 2, true)] as never)
    const after = drawn()
    manualSeed(3)
    const ahead = []
    for await (const batch of new DataLoader(set, { ...options, shuffle: true })) ahead.push(batch)
    expect(values(ahead as never)).toEqual(plain)
    expect(drawn()).toEqual(after)
    expect((ahead as never as { dtype: string }[][])[0][1].dtype).toBe('int32')
    const none = []
    manualSeed(3)
    for await (const batch of new DataLoader(set, 2, true)) none.push(batch)
    expect(values(none as never)).toEqual(plain)
  })

  it('works ahead by as many batches as the options say, and no more when a loop breaks', async () => {
    const set = new Slow()
    for await (const _ of new DataLoader(set, options)) break
    expect(set.begun).toEqual([0, 1, 2, 3, 4, 5])
    const plain: number[] = []
    for await (const batch of new DataLoader([5, 6], options)) plain.push(...batch.toArray())
    expect(plain).toEqual([5, 6])
  })

  it('says which sample failed, when its turn comes, and needs an asynchronous loop', async () => {
    const set = new Slow()
    set.broken = 3
    const seen: unknown[] = []
    const pass = async () => {
      for await (const batch of new DataLoader(set, options)) seen.push(batch)
    }
    const error = await pass().then(
      () => undefined,
      (e: unknown) => e as Error,
    )
    expect(seen).toHaveLength(1)
    expect(error).toBeInstanceOf(ValueError)
    expect(error?.message).toBe('cannot identify image file\nThis happened at sample 3 of the dataset.')
    expect(error?.stack).toContain('sample 3 of the dataset')
    expect(() => [...new DataLoader(set, 2)]).toThrow('This happened at sample 3 of the dataset.')
    expect(() => [...new DataLoader(set, options)]).toThrow('Write `for await (const batch of loader)`')
  })
})

/** The share of a worker of 0, 1, 2, ...; the later workers have fewer, so that they end at different times. */
class Count implements IterableDataset<number> {
  readonly n: number
  constructor(n: number) {
    this.n = n
  }
  *[Symbol.iterator](): Iterator<number> {
    const { id, numWorkers } = getWorkerInfo() ?? { id: 0, numWorkers: 1 }
    for (let i = id; i < this.n - 2 * id; i += numWorkers) yield i
  }
}
/** The same, as a stream that its workers wait for. */
class Stream implements IterableDataset<number> {
  readonly length: number
  constructor(n: number) {
    this.length = n
  }
  async *[Symbol.asyncIterator](): AsyncIterator<number> {
    const all = new Count(this.length)[Symbol.iterator]()
    for (let next = all.next(); next.done !== true; next = all.next()) {
      for (let i = 0; i < (next.value * 7) % 5; i++) await null
      yield next.value
    }
  }
}

describe('iterable datasets', () => {
  const all = async (loader: AsyncIterable<unknown>) => {
    const batches: unknown[] = []
    for await (const batch of loader) batches.push(batch instanceof Tensor ? batch.toNested() : batch)
    return batches
  }

  it.each(golden.iterables)('$n with $workers workers, batches of $size, drop $drop', async (c) => {
    const options = { batchSize: c.size as number, numWorkers: c.workers, dropLast: c.drop }
    for (const set of [Object.assign(new Count(c.n), { length: c.n }), new Stream(c.n)]) {
      const loader = new DataLoader(set as IterableDataset<number>, options)
      expect(loader.length).toBe(c.length)
      for (const pass of c.passes) expect(await all(loader)).toEqual(pass)
      if (c.workers > 0 || set instanceof Stream) expect(() => [...loader]).toThrow('Write `for await')
      else expect([...loader].map((x) => (x instanceof Tensor ? x.toNested() : x))).toEqual(c.passes[0])
    }
    expect(getWorkerInfo()).toBe(null)
  })

  it('tell each worker its number and its seed, which the loader draws', async () => {
    const seen: unknown[] = []
    const set: IterableDataset<number> = {
      integers: true,
      *[Symbol.iterator]() {
        seen.push(getWorkerInfo())
        yield 3
      },
    }
    const seeds = async (own: number) => {
      seen.length = 0
      const generator = new Generator().manualSeed(own)
      const loader = new DataLoader(set, { numWorkers: 2, generator, persistentWorkers: true })
      for await (const batch of loader) expect([batch.dtype, batch.shape]).toEqual(['int32', [1]])
      const infos = seen as { id: number; numWorkers: number; seed: number; dataset: unknown }[]
      expect(infos.map(({ id, numWorkers, dataset }) => [id, numWorkers, dataset === set])).toEqual([
        [0, 2, true],
        [1, 2, true],
      ])
      return infos.map(({ seed }) => seed)
    }
    const [a, b] = await seeds(1)
    expect(b).toBe(a + 1)
    expect(await seeds(1)).toEqual([a, b])
    expect(await seeds(2)).not.toEqual([a, b])
  })

  it('say which sample failed, when its turn comes, and are closed when a loop breaks', async () => {
    let closed = 0
    const set: IterableDataset<number> = {
      *[Symbol.iterator]() {
        try {
          yield 1
          yield 2
          yield 3
          throw new ValueError('cannot read line 4 of lines.txt')
        } finally {
          closed++
        }
      },
    }
    const message = 'cannot read line 4 of lines.txt\nThis happened at sample 3 of the iterable dataset.'
    expect(() => [...new DataLoader(set, 2)]).toThrow(new ValueError(...(message.split('\n') as [string, string])))
    const seen: unknown[] = []
    const pass = async () => {
      for await (const batch of new DataLoader(set, { batchSize: 2, numWorkers: 2 })) seen.push(batch)
    }
    await expect(pass()).rejects.toThrow('This happened at sample 3 of worker 0 of the iterable dataset.')
    expect(seen).toHaveLength(2)
    closed = 0
    for (const _ of new DataLoader(set, 2)) break
    for await (const _ of new DataLoader(set, { numWorkers: 2 })) break
    expect(closed).toBe(3)
  })
})

describe('batchSize: null', () => {
  it('yields samples as they are, in the order of the sampler', async () => {
    const set = [{ a: 1 }, { a: 2 }, { a: 3 }]
    const loader = new DataLoader(set, { batchSize: null, shuffle: true })
    expect([loader.length, loader.batchSize, loader.batchSampler]).toEqual([3, null, undefined])
    manualSeed(0)
    const samples: { a: number }[] = [...loader]
    manualSeed(0)
    const batches = [...new DataLoader(set, { shuffle: true })]
    expect(samples).toEqual(batches.map(({ a }) => ({ a: a.item() })))
    expect(set).toContain(samples[0])
    const texts: string[] = [...new DataLoader(set, { batchSize: null, collate: ({ a }) => `${a}` })]
    expect(texts).toEqual(['1', '2', '3'])
    const slow = []
    for await (const x of new DataLoader(new Slow(), { batchSize: null, numWorkers: 2 })) slow.push(x[0])
    expect(slow).toEqual(upTo(9))
    expect([...new DataLoader(new TensorDataset(ones(2, 3)), null)].map(([x]) => x.shape)).toEqual([[3], [3]])
  })
})

describe('class labels', () => {
  it('collate to int32 if the dataset says so, and must be integers', () => {
    const set = Object.assign([[1.5, 2] as const], { integers: true })
    expect(() => [...new DataLoader(set)]).toThrow('the numbers of this dataset are class labels, but found 1.5')
    const [[x, y]] = [...new DataLoader(Object.assign([[tensor(1.5), 2] as const], { integers: true }))]
    expect([x.dtype, y.dtype]).toEqual(['float32', 'int32'])
    expect(() => new DataLoader([1], { sampler: 3 } as never)).toThrow(TypeError)
  })
})

describe('ChainDataset', () => {
  it('chains datasets that are iterated over', async () => {
    class Count {
      readonly n: number
      constructor(n: number) {
        this.n = n
      }
      *[Symbol.iterator]() {
        yield* upTo(this.n)
      }
    }
    class Later {
      readonly length = 1
      async *[Symbol.asyncIterator]() {
        yield 7
      }
    }
    const chain = new ChainDataset<number>([new Count(2), [5, 6, 7]])
    expect([[...chain], [...chain]]).toEqual([
      [0, 1, 5, 6, 7],
      [0, 1, 5, 6, 7],
    ])
    expect([...new DataLoader(chain, { batchSize: 3 })].map((x) => x.tolist())).toEqual([
      [0, 1, 5],
      [6, 7],
    ])
    expect(new ChainDataset([[1], [2, 3]]).length).toBe(3)
    expect(() => chain.length).toThrow("object of type 'Count' has no len()")
    const mixed = new ChainDataset<number>([[1, 2], new Later()])
    const seen: number[][] = []
    for await (const x of new DataLoader(mixed, { batchSize: 2 })) seen.push(x.tolist() as number[])
    expect(seen).toEqual([[1, 2], [7]])
    expect(() => [...mixed]).toThrow('a dataset yields its samples asynchronously')
    expect(() => [...new ChainDataset([[1], 5 as never])]).toThrow('ChainDataset only supports IterableDataset')
  })
})
