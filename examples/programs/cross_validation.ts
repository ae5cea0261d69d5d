// Cross-validation by samplers: folds, weighted samples, streams of unequal length, a sampler of one's own.
import {
  BatchSampler,
  ConcatDataset,
  DataLoader,
  Dataset,
  IterableDataset,
  randomSplit,
  Sampler,
  SubsetRandomSampler,
  TensorDataset,
  WeightedRandomSampler,
} from '@flambeau/data'
import {
  arange,
  bincount,
  F,
  full,
  Generator,
  linspace,
  long,
  manualSeed,
  nn,
  noGrad,
  optim,
  randn,
  randperm,
  sin,
  Slice,
  type Tensor,
  tensor,
} from 'flambeau'
import type { Compile, Print } from './setting.ts'

class Waves extends Dataset<{ x: Tensor; y: Tensor; id: number; w: number; name: string }> {
  x: Tensor
  y: Tensor
  constructor(n: number) {
    super()
    this.x = linspace(-1, 1, n).unsqueeze(1)
    this.y = sin(this.x.mul(3)).add(randn(n, 1).mul(0.1))
  }

  get length() {
    return this.x.length
  }

  at(i: number) {
    return { x: this.x.at(i), y: this.y.at(i), id: i, w: 0.5 + i / 10, name: `s${i}` }
  }
}

class Stream extends IterableDataset<[Tensor, number]> {
  start: number
  end: number

  constructor(start: number, end: number) {
    super()
    this.start = start
    this.end = end
  }

  *[Symbol.iterator](): Iterator<[Tensor, number]> {
    for (let i = this.start; i < this.end; i++) yield [full([(i % 3) + 1], i), i * 0.5]
  }
}

class Stratified extends Sampler {
  labels: Tensor
  per: number

  constructor(labels: number[], per: number) {
    super()
    this.per = per
    this.labels = tensor(labels, { dtype: long })
  }

  *[Symbol.iterator]() {
    for (const c of this.labels.unique()) {
      const idx = this.labels.eq(c).nonzero().flatten()
      yield* idx.at(randperm(idx.length).at(Slice(0, this.per))).tolist() as number[]
    }
  }

  get length() {
    return this.labels.unique().length * this.per
  }
}

function padCollate(batch: [Tensor, number][]) {
  const xs = batch.map(([x]) => x)
  const ys = batch.map(([, y]) => y)
  return [
    nn.utils.rnn.padSequence(xs, { batchFirst: true, paddingValue: -1 }),
    tensor(
      xs.map((x) => x.length),
      { dtype: long },
    ),
    tensor(ys),
  ] as const
}

const show = (x: unknown): string =>
  Array.isArray(x) ? `[${x.map(show).join(', ')}]` : typeof x === 'string' ? `'${x}'` : String(x)

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const ds = new Waves(17)
  const perm = randperm(ds.length).tolist() as number[]
  const k = 3
  const folds = Array.from({ length: k }, (_, i) => perm.filter((_, j) => j % k === i))
  const scores: number[] = []
  for (let f = 0; f < k; f++) {
    const trainIds = folds.flatMap((fold, j) => (j !== f ? fold : []))
    const tr = new DataLoader(ds, { batchSize: 4, sampler: new SubsetRandomSampler(trainIds) })
    const va = new DataLoader(ds, { batchSize: 8, sampler: folds[f] })
    const net = new nn.Sequential(new nn.Linear(1, 12), new nn.Tanh(), new nn.Linear(12, 1))
    const opt = new optim.NAdam(net.parameters(), { lr: 0.03 })
    let last!: { id: Tensor; name: string[] }
    const step = compile((x: Tensor, y: Tensor, w: Tensor) => {
      opt.zeroGrad()
      const loss = w
        .unsqueeze(1)
        .float()
        .mul(F.huberLoss(net.forward(x), y, { reduction: 'none', delta: 0.5 }))
        .mean()
      loss.backward()
      opt.step()
      return loss
    })
    for (let e = 0; e < 6; e++)
      for (const b of tr) {
        step(b.x, b.y, b.w)
        last = b
      }
    net.eval()
    let s = 0
    noGrad(() => {
      for (const b of va) s += F.mseLoss(net.forward(b.x), b.y, { reduction: 'sum' }).item()
      s /= folds[f].length
    })
    scores.push(s)
    print(
      `fold ${f}: ${tr.length} batches, last ids ${show(last.id.tolist())}, ${show(last.name)}, val ${s.toFixed(5)}`,
    )
  }
  print(`${tensor(scores).mean().item().toFixed(5)} +- ${tensor(scores).std().item().toFixed(5)}`)
  for (const [x, n, y] of new DataLoader(new Stream(2, 9), { batchSize: 3, collateFn: padCollate }))
    print(`${x}`, `${n}`, `${y}`)
  const labels = [0, 1, 1, 2, 0, 1, 2, 2, 2, 0]
  print(show([...new Stratified(labels, 2)]))
  const lab = tensor(labels, { dtype: long })
  const dl = new DataLoader(new TensorDataset(arange(10), lab), {
    batchSampler: new BatchSampler(new Stratified(labels, 2), 4, { dropLast: true }),
  })
  print(dl.length, show([...dl].map((b) => b.map((t) => t.tolist()))))
  const w = bincount(lab).float().reciprocal()
  const ws = new WeightedRandomSampler(w.at(lab), 8, { generator: new Generator().manualSeed(seed) })
  print(show([...ws]), ws.length)
  const [a, b] = randomSplit(ds, [12, 5], { generator: new Generator().manualSeed(7) })
  print(a.length, show([...b.indices]), b.at(0).id)
  const g = new Generator()
  g.manualSeed(3)
  const dr = new DataLoader(
    Array.from({ length: 7 }, (_, i) => i),
    { batchSize: 3, shuffle: true, dropLast: true, generator: g },
  )
  print(show([...dr].map((b) => b.tolist())), show([...dr].map((b) => b.tolist())), dr.length)
  const cat = new ConcatDataset([a, b])
  print(cat.length, cat.at(-1).id, show(cat.cumulativeSizes))
  const [batch] = new DataLoader(ds, { batchSize: 2 })
  print(`${batch.x}`, `${batch.y.size()}`, show(batch.name))
}
