import { readFileSync } from 'node:fs'
import { Generator, manualSeed, ones, rand, tensor, TypeError, ValueError } from '@flambeau/core'
import 'flambeau'
import { describe, expect, it } from 'vitest'
import {
  BatchSampler,
  ConcatDataset,
  DataLoader,
  type Dataset,
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
    }
    for (const [name, call] of Object.entries(calls)) expect(call, name).toThrow(errors[name].split(';')[0])
    expect(() => new DataLoader(set, { numWorkers: -1 })).toThrow(ValueError)
    expect(() => new DataLoader(set, { sampler: new Set([0]) }).length).toThrow("object of type 'Set' has no len()")
    expect(() => [...new DataLoader(set, { sampler: [0.5] })]).toThrow('a sampler must yield indices, not 0.5')
    expect(() => [...new DataLoader(new Subset(new TensorDataset(ones(3)), [1]), { sampler: [1] })]).toThrow(
      'index 1 is out of range for a dataset of 1 samples',
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

describe('class labels', () => {
  it('collate to int32 if the dataset says so, and must be integers', () => {
    const set = Object.assign([[1.5, 2] as const], { integers: true })
    expect(() => [...new DataLoader(set)]).toThrow('the numbers of this dataset are class labels, but found 1.5')
    const [[x, y]] = [...new DataLoader(Object.assign([[tensor(1.5), 2] as const], { integers: true }))]
    expect([x.dtype, y.dtype]).toEqual(['float32', 'int32'])
    expect(() => new DataLoader([1], { sampler: 3 } as never)).toThrow(TypeError)
  })
})
