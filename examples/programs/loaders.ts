// Data sets and loaders: iterated sets, samples of many kinds, splits, samplers, a collate function of one's own.
import { arange, bincount, Generator, manualSeed, rand, randint, randn, stack, type Tensor, tensor } from 'flambeau'
import {
  BatchSampler,
  ConcatDataset,
  DataLoader,
  Dataset,
  IterableDataset,
  RandomSampler,
  randomSplit,
  SequentialSampler,
  Subset,
  SubsetRandomSampler,
  TensorDataset,
  WeightedRandomSampler,
} from '@flambeau/data'
import type { Print } from './setting.ts'

class Squares extends IterableDataset<Tensor> {
  readonly n: number
  constructor(n: number) {
    super()
    this.n = n
  }
  *[Symbol.iterator]() {
    for (let i = 0; i < this.n; i++) yield tensor([i, i * i], { dtype: 'int64' })
  }
}

type Sample = { x: Tensor; y: Tensor; name: string; w: number; pair: [number, [Tensor, number]] }

class Samples extends Dataset<Sample> {
  x
  y
  constructor(n: number) {
    super()
    this.x = randn(n, 2)
    this.y = randint(0, 3, [n])
  }
  get length() {
    return this.y.length
  }
  at(i: number): Sample {
    return { x: this.x.at(i), y: this.y.at(i), name: `s${i}`, w: i / 2, pair: [i, [this.x.at(i, 0), 1]] }
  }
}

const py = (x: unknown): string =>
  Array.isArray(x) ? `[${x.map(py).join(', ')}]` : typeof x === 'string' ? `'${x}'` : String(x)

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  for (const b of new DataLoader(new Squares(5), { batchSize: 2 })) print(py(b.tolist()))
  for (const b of new DataLoader(new Squares(5), { batchSize: 2, dropLast: true })) print(`${b.size()}`)
  const ds = new Samples(7)
  for (const b of new DataLoader(ds, { batchSize: 3, shuffle: true }))
    print(
      py(b.name),
      py(b.y.tolist()),
      'torch.float64',
      `[${(b.w.tolist() as number[]).map((v) => v.toFixed(1)).join(', ')}]`,
      py(b.pair[0].tolist()),
      b.pair[1].length,
      `${b.x.sum()}`,
    )
  const g = new Generator().manualSeed(seed + 5)
  const [train, valid] = randomSplit(ds, [5, 2], { generator: g })
  print(py(train.indices), py(valid.indices), train.length)
  const [a, b, c] = randomSplit(ds, [0.5, 0.3, 0.2], { generator: g })
  print(a.length, b.length, c.length)
  const collate = (batch: readonly Sample[]): [Tensor, Tensor] => {
    const xs = stack(batch.map((s) => s.x))
    const n = tensor(
      batch.map((s) => s.name.length),
      { dtype: 'int64' },
    )
    return [xs.mean(), n]
  }
  for (const [m, n] of new DataLoader(train, { batchSize: 2, collateFn: collate, dropLast: false })) print(`${m} ${n}`)
  const counts = bincount(ds.y, { minlength: 3 })
  const w = counts.clamp({ min: 1 }).float().reciprocal().at(ds.y)
  print(py([...new WeightedRandomSampler(w, 6, { replacement: true })]))
  print(py([...new BatchSampler(new SequentialSampler([0, 1, 2, 3, 4]), 2, { dropLast: false })]))
  const drawn = new RandomSampler([0, 1, 2, 3], { replacement: true, numSamples: 5 })
  print(py([...new SubsetRandomSampler([3, 1, 2])]), py([...drawn]))
  const dl = new DataLoader(ds, { batchSampler: new BatchSampler(new RandomSampler(ds, { generator: g }), 4, true) })
  print(dl.length, py([...dl].map((b) => b.name)))
  const joined = new ConcatDataset([new TensorDataset(arange(3)), new TensorDataset(arange(10, 12))])
  print(
    `${py(Array.from({ length: joined.length }, (_, i) => joined.at(i)[0].item()))} (${joined.at(-1)[0]},) ${joined.length}`,
  )
  print(py([...new DataLoader(joined, { batchSize: 2, shuffle: true, generator: g })].map((b) => b[0].tolist())))
  print(new Subset(ds, [2, 4]).at(1).name, `${rand(1)}`)
}
