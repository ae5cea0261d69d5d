import { readFileSync } from 'node:fs'
import {
  AssertionError,
  arange,
  Generator,
  manualSeed,
  ones,
  rand,
  tensor,
  TypeError,
  ValueError,
} from '@flambeau/core'
import 'flambeau'
import { describe, expect, it } from 'vitest'
import {
  DataLoader,
  type Dataset,
  defaultCollate,
  defaultConvert,
  randomSplit,
  Subset,
  TensorDataset,
} from '../src/index.ts'

interface LoaderCase {
  n: number
  seed: number
  own: number | null
  part: number[] | null
  options: { batch_size?: number; shuffle?: boolean; drop_last?: boolean }
  length: number
  passes: number[][][]
  after: number[]
  afterOwn: number[] | null
}

interface SplitCase {
  n: number
  lengths: number[]
  seed: number
  own: number | null
  parts: number[][]
  after: number[]
}

const golden = JSON.parse(readFileSync(new URL('golden/loader.json', import.meta.url), 'utf8')) as {
  cases: LoaderCase[]
  splits: SplitCase[]
  errors: Record<string, string>
}

const sentence = (name: string): string => golden.errors[name].replace(/^\w+: /, '')
const generatorOf = (seed: number | null) => (seed === null ? undefined : new Generator().manualSeed(seed))
const drawn = (generator?: Generator): number[] => Array.from(rand([3], { generator }).toArray())

describe('DataLoader draws what PyTorch draws', () => {
  it.each(golden.cases.map((c, i) => [i, JSON.stringify(c.options), c] as const))('case %i %s', (_, __, c) => {
    manualSeed(c.seed)
    const x = arange(c.n, { dtype: 'float32' })
    const all = new TensorDataset(x, x.mul(10))
    const dataset = c.part === null ? all : new Subset(all, c.part)
    const generator = generatorOf(c.own)
    const { batch_size: batchSize, shuffle, drop_last: dropLast } = c.options
    const loader = new DataLoader(dataset, { batchSize, shuffle, dropLast, generator })
    expect(loader.length).toBe(c.length)
    const passes = c.passes.map(() =>
      [...loader].map(([a, b]) => {
        expect(Array.from(b.toArray())).toEqual(Array.from(a.toArray(), (v) => v * 10))
        return Array.from(a.toArray())
      }),
    )
    expect(passes).toEqual(c.passes)
    expect(drawn()).toEqual(c.after)
    if (c.afterOwn !== null) expect(drawn(generator)).toEqual(c.afterOwn)
  })

  it('draws no more than PyTorch has when a loop breaks', () => {
    manualSeed(0)
    for (const batch of new DataLoader([1, 2, 3])) {
      expect(batch.toArray()).toEqual(Float32Array.of(1))
      break
    }
    const after = drawn()
    manualSeed(0)
    rand(2)
    expect(drawn()).toEqual(after)
  })

  it('gives the same batches sample by sample as from whole tensors', () => {
    const set = new TensorDataset(arange(7, { dtype: 'float32' }).reshape(7, 1), arange(7))
    const samples: Dataset<readonly unknown[]> = { length: set.length, at: (i) => set.at(i) }
    const options = { batchSize: 3, shuffle: true }
    manualSeed(5)
    const rows = [...new DataLoader(set, options)].map((batch) => batch.map((t) => [t.dtype, t.toNested()]))
    manualSeed(5)
    const stacked = [...new DataLoader(samples, { ...options, collate: defaultCollate })]
    expect(stacked.map((batch) => (batch as typeof set.tensors).map((t) => [t.dtype, t.toNested()]))).toEqual(rows)
  })

  it('collates with the user’s function', () => {
    const loader = new DataLoader(['a', 'b', 'c'], { batchSize: 2, collate: (samples) => samples.join('') })
    expect([...loader]).toEqual(['ab', 'c'])
  })

  it('says PyTorch’s sentences', () => {
    expect(() => new DataLoader([1], { batchSize: 0 })).toThrow(ValueError)
    expect(() => new DataLoader([1], { batchSize: 0 })).toThrow(sentence('batchSize'))
    expect(() => new DataLoader([1], { batchSize: 1.5 })).toThrow(ValueError)
    expect(() => new DataLoader([], { shuffle: true })).toThrow(sentence('empty'))
    expect(() => [...new DataLoader([[1, 2], [1]], { batchSize: 2 })]).toThrow(sentence('ragged'))
    expect(() => [...new DataLoader([null])]).toThrow(TypeError)
  })

  it('takes its first options by position, as PyTorch does, and refuses unknown ones', () => {
    const set = [1, 2, 3, 4]
    expect(new DataLoader(set, 2).length).toBe(2)
    manualSeed(3)
    const named = [...new DataLoader(set, { batchSize: 3, shuffle: true })].map(String)
    manualSeed(3)
    expect([...new DataLoader(set, 3, true)].map(String)).toEqual(named)
    expect(new DataLoader(set, 3, { dropLast: true }).length).toBe(1)
    expect(() => new DataLoader(set, { batch_size: 2 } as never)).toThrow(
      "DataLoader.__init__() got an unexpected keyword argument 'batch_size'\nDid you mean batchSize?",
    )
    expect(() => new DataLoader(set, 2, { batchSize: 2 })).toThrow("got multiple values for argument 'batch_size'")
  })
})

describe('defaultCollate', () => {
  it('stacks tensors, makes tensors from numbers, and recurses into lists and objects', () => {
    const batch = defaultCollate([
      { image: ones(2), size: [1, true], name: 'a', raw: Int32Array.of(1, 2) },
      { image: ones(2).mul(2), size: [2.5, false], name: 'b', raw: Int32Array.of(3, 4) },
    ]) as Record<string, unknown>
    expect(String(batch.image)).toBe('tensor([[1., 1.],\n        [2., 2.]])')
    expect(String(batch.size)).toBe('tensor([1.0000, 2.5000]),tensor([ True, False])')
    expect(batch.name).toEqual(['a', 'b'])
    expect(String(batch.raw)).toBe('tensor([[1, 2],\n        [3, 4]])')
  })
})

it('defaultConvert makes tensors of typed arrays, wherever they are', () => {
  const kept = ones(2)
  const converted = defaultConvert({ x: Float32Array.of(1, 2), more: [Int32Array.of(3), 'a', 4, null, kept] })
  expect([String(converted.x), String(converted.more[0])]).toEqual(['tensor([1., 2.])', 'tensor([3])'])
  expect(converted.more.slice(1, 4)).toEqual(['a', 4, null])
  expect(converted.more[4]).toBe(kept)
  expect(defaultConvert('text')).toBe('text')
  const cyclic: unknown[] = []
  cyclic.push(cyclic)
  expect(() => defaultConvert(cyclic)).toThrow('Does it contain itself?')
})

describe('a sample that cannot be collated', () => {
  it('is an error, whether alone or beside others', () => {
    const cyclic: unknown[] = []
    cyclic.push(cyclic, cyclic)
    expect(() => defaultCollate([cyclic])).toThrow('a sample has too many dimensions\nDoes it contain itself?')
    let deep: unknown = 1
    for (let i = 0; i < 100; i++) deep = [deep]
    expect(() => defaultCollate([deep])).toThrow('too many dimensions')
    expect(() => defaultCollate([1, 'a'])).toThrow('found string beside number')
    expect(() => defaultCollate([{ x: 1 }, { y: 1 }])).toThrow('found undefined beside number')
    expect(() => defaultCollate([[1], null])).toThrow('found object beside list'.replace('object', 'null'))
  })
})

describe('randomSplit', () => {
  it.each([[[-5, 15]], [[2.5, 7.5]], [[11, -1]]])('refuses %j of ten', (lengths) => {
    const wrong = lengths.find((n) => n < 0 || n % 1 !== 0)
    expect(() => randomSplit(Array(10).fill(0), lengths)).toThrow(
      new RegExp(`^random_split\\(\\): lengths must be numbers of samples, .* but got ${wrong} at index`),
    )
  })

  it.each(golden.splits.map((c, i) => [i, c] as const))('case %i', (_, c) => {
    manualSeed(c.seed)
    const dataset = Array.from({ length: c.n }, (_, i) => i)
    const parts = randomSplit(dataset, c.lengths, { generator: generatorOf(c.own) })
    expect(parts.map((part) => [...part.indices])).toEqual(c.parts)
    expect(parts.map((part) => part.indices.map((_, i) => part.at(i)))).toEqual(c.parts)
    expect(drawn()).toEqual(c.after)
  })

  it('says PyTorch’s sentences', () => {
    expect(() => randomSplit([1, 2, 3], [1, 1])).toThrow(ValueError)
    expect(() => randomSplit([1, 2, 3], [1, 1])).toThrow(sentence('split'))
    expect(() => randomSplit([1, 2, 3], [1.5, -0.5])).toThrow(sentence('fraction'))
  })
})

describe('TensorDataset and Subset', () => {
  const set = new TensorDataset(
    tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]),
    tensor([7, 8, 9]),
  )

  it('returns the rows of an index, which counts from the end if negative', () => {
    expect(set.length).toBe(3)
    expect(set.at(1).map((t) => t.toNested())).toEqual([[3, 4], 8])
    expect(set.at(-1).map((t) => t.toNested())).toEqual([[5, 6], 9])
    expect(new Subset(set, [2, 0]).at(-1)[1].item()).toBe(7)
  })

  it('refuses an index out of range and sizes that differ', () => {
    expect(() => set.at(3)).toThrow('index 3 is out of bounds')
    expect(() => new Subset(set, [0]).at(1)).toThrow('index 1 is out of bounds')
    expect(() => new Subset([1, 2] as never, [5]).at(0)).toThrow('index 5 is out of bounds for dimension 0 with size 2')
    expect(() => new TensorDataset(ones(2), ones(3))).toThrow(AssertionError)
    expect(() => new TensorDataset(ones(2), ones(3))).toThrow(sentence('sizes'))
  })
})
