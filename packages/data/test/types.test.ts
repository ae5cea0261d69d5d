// Programs as a PyTorch user writes them: that they compile is the test of the types, and what they compute is checked.
import 'flambeau'
import { Generator, type Tensor, tensor } from '@flambeau/core'
import { expect, expectTypeOf, it } from 'vitest'
import {
  ChainDataset,
  DataLoader,
  Dataset,
  defaultCollate,
  IterableDataset,
  randomSplit,
  Sampler,
  TensorDataset,
} from '../src/index.ts'

const x = tensor([
  [1, 2],
  [3, 4],
  [5, 6],
])
const y = tensor([0, 1, 1], { dtype: 'int32' })

it('rows of a TensorDataset are tuples', () => {
  const set = new TensorDataset(x, y)
  expectTypeOf(set.at(0)).toEqualTypeOf<[Tensor, Tensor]>()
  const [input, label] = set.at(-1)
  expect([input.tolist(), label.item()]).toEqual([[5, 6], 1])
  for (const batch of new DataLoader(set, 2)) expectTypeOf(batch).toEqualTypeOf<[Tensor, Tensor]>()
  const [train] = randomSplit(set, [2, 1], new Generator().manualSeed(0))
  expectTypeOf(train.at(0)).toEqualTypeOf<[Tensor, Tensor]>()
})

it('a tensor is the dataset of its rows', () => {
  expect(x.length).toBe(3)
  expect(() => tensor(1).length).toThrow('len() of a 0-d tensor')
  const batches = [...new DataLoader(x, 2)]
  expectTypeOf(batches).toEqualTypeOf<Tensor[]>()
  expect(batches.map((batch) => batch.shape)).toEqual([
    [2, 2],
    [1, 2],
  ])
  expect(batches[1].tolist()).toEqual([[5, 6]])
  expect(() => new DataLoader(tensor(1))).toThrow('len() of a 0-d tensor')
})

it('a loader knows the class of its dataset', () => {
  const loader = new DataLoader(new TensorDataset(x, y), { batchSize: 2 })
  expectTypeOf(loader.dataset.length).toEqualTypeOf<number>()
  expect(loader.dataset.tensors[0]).toBe(x)
  const lists = new DataLoader(['a', 'b'], { batchSize: null })
  expectTypeOf(lists.dataset).toEqualTypeOf<string[]>()
  const epoch = (batches: DataLoader<[Tensor, Tensor]>): number => [...batches].length
  expect(epoch(loader)).toBe(2)
})

it('a collated batch has the type of its samples', () => {
  const batch = defaultCollate([
    { pixels: x, name: 'a' },
    { pixels: x, name: 'b' },
  ])
  expectTypeOf(batch).toEqualTypeOf<{ pixels: Tensor; name: string[] }>()
  expect([batch.pixels.shape, batch.name]).toEqual([
    [2, 3, 2],
    ['a', 'b'],
  ])
})

class Squares extends Dataset<number> {
  readonly length = 4
  at(index: number): number {
    return index ** 2
  }
}
class Cubes implements Dataset<readonly [number, string]> {
  get length(): number {
    return 2
  }
  at(index: number): readonly [number, string] {
    return [index ** 3, `${index}`]
  }
}
class Count extends IterableDataset<number> {
  override *[Symbol.iterator](): Iterator<number> {
    for (let i = 0; i < 3; i++) yield i
  }
}
class Backwards extends Sampler {
  *[Symbol.iterator](): Iterator<number> {
    for (let i = 3; i >= 0; i--) yield i
  }
  override get length() {
    return 4
  }
}

it('a class extends or implements Dataset, IterableDataset and Sampler', () => {
  const set = new Squares()
  expect([set instanceof Dataset, new TensorDataset(x) instanceof Dataset]).toEqual([true, true])
  const backwards = new DataLoader(set, 4, false, new Backwards())
  expect(backwards.length).toBe(1)
  const [batch] = backwards
  expectTypeOf(batch).toEqualTypeOf<Tensor>()
  expect(batch.tolist()).toEqual([9, 4, 1, 0])
  const [[cubes, names]] = new DataLoader(new Cubes(), 2)
  expectTypeOf(names).toEqualTypeOf<string[]>()
  expect([cubes.tolist(), names]).toEqual([
    [0, 1],
    ['0', '1'],
  ])
  const counted = new DataLoader(new ChainDataset([new Count(), new Set([7])]), 3)
  expect([...counted].map((some) => some.tolist())).toEqual([[0, 1, 2], [7]])
})

it('takes all arguments of a DataLoader by position', () => {
  const sum = (samples: number[]): number => samples.reduce((a, b) => a + b)
  const loader = new DataLoader(new Squares(), 2, true, null, null, 0, sum, false, true, 0, null, null, new Generator())
  expectTypeOf([...loader]).toEqualTypeOf<number[]>()
  expect([loader.dropLast, [...loader].reduce((a, b) => a + b)]).toEqual([true, 14])
  expect([...new DataLoader(['a', 'b'], { batchSize: 2, collateFn: (words) => words.join('') })]).toEqual(['ab'])
})
