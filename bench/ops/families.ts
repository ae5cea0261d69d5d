// A row for every family of ops, on a million elements or a natural size: flambeau on js, wasm and native beside TensorFlow.js
// on its plain backend, numpy-ts (NumPy in TypeScript, its loops in WebAssembly) and NumPy itself. All get the same numbers, and
// sums of their results are compared first. Each frees its results before the next call. Times are processor time, the least of
// several samples, so that others on the machine matter little. A device that takes longer than a peer made of the same
// misses its target (docs/decisions/0102): js beside TensorFlow.js, and wasm beside numpy-ts; so does native beside
// numpy-ts, because it is what a user of Node has. By hand, `node dist/ops/families.js 'order: top'` runs the rows whose
// names start with that.
import {
  arange,
  bernoulli,
  cat,
  currentDevice,
  distributions,
  eye,
  F,
  flip,
  linalg,
  manualSeed,
  multinomial,
  noGrad,
  nn,
  optim,
  poisson,
  rand,
  randn,
  randperm,
  scope,
  searchsorted,
  setDevice,
  stack,
  type Tensor,
  tensor,
  where,
} from 'flambeau'
import { consume, measure, type Sample } from '../src/harness.ts'
import { NumPy } from '../src/numpy.ts'
import { report, type Row } from '../src/report.ts'
import { peersOfFamilies } from '../src/vs.ts'

const size = 1_000_000
/** The i-th of `size` numbers from -2 to 2; every library makes them itself. */
const spread = (factor: number, prime: number): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => (((i * factor) % prime) / prime) * 4 - 2)

const arrays = {
  a: spread(7919, 10_007),
  b: spread(104_729, 10_009),
}
const indices = Int32Array.from({ length: size }, (_, i) => (i * 7919) % size)
const matrix = Float32Array.from({ length: 64 * 64 }, (_, i) => arrays.a[i] + (i % 65 === 0 ? 16 : 0))

const inputs = () => {
  const [a, b] = [arrays.a, arrays.b].map((data) => tensor(data))
  const s = tensor(matrix).view(64, 64)
  const m = a.view(1000, 1000)
  const definite = m.matmul(m.t()).add(eye(1000).mul(1000))
  const weights = [new nn.Parameter(a.clone())]
  weights[0].grad = b.clone()
  const optimizer = (make: (params: nn.Parameter[]) => optim.Optimizer) => {
    const own = make(weights)
    return (): Tensor => {
      own.step()
      return weights[0]
    }
  }
  return {
    a,
    b,
    /** Positive. */
    p: a.add(2.5),
    mask: a.gt(0),
    none: a.gt(2),
    m,
    n: b.view(1000, 1000),
    index: tensor(indices, { dtype: 'int32' }),
    rows: tensor(indices.subarray(0, 1000), { dtype: 'int32' }).remainder(1000),
    classes: tensor(indices, { dtype: 'int32' }).remainder(1000),
    s,
    positive: s.matmul(s.t()),
    definite,
    part: definite.narrow(0, 0, 512).narrow(1, 0, 512).contiguous(),
    sorted: arange(size, { dtype: 'float32' })
      .div(size / 4)
      .sub(2),
    optimizer,
  }
}
type Inputs = ReturnType<typeof inputs>
type Op = (x: Inputs) => Tensor

/** Results of draws and of steps of optimizers are not compared. */
const drawn = ['draws', 'distributions', 'optimizers']
const families: Readonly<Record<string, Readonly<Record<string, (x: Inputs) => () => Tensor>>>> = {}
const family = (name: string, ops: Readonly<Record<string, Op>>): void => {
  Object.assign(families, {
    [name]: Object.fromEntries(Object.entries(ops).map(([op, run]) => [op, (x: Inputs) => () => run(x)])),
  })
}

family('pointwise', {
  add: ({ a, b }) => a.add(b),
  mul: ({ a, b }) => a.mul(b),
  div: ({ a, p }) => a.div(p),
  pow: ({ p, b }) => p.pow(b),
  maximum: ({ a, b }) => a.maximum(b),
  atan2: ({ a, b }) => a.atan2(b),
  abs: ({ a }) => a.abs(),
  sqrt: ({ p }) => p.sqrt(),
  rsqrt: ({ p }) => p.rsqrt(),
  exp: ({ a }) => a.exp(),
  expm1: ({ a }) => a.expm1(),
  log: ({ p }) => p.log(),
  log1p: ({ p }) => p.log1p(),
  sin: ({ a }) => a.sin(),
  cos: ({ a }) => a.cos(),
  square: ({ a }) => a.square(),
  tanh: ({ a }) => a.tanh(),
  erf: ({ a }) => a.erf(),
  floor: ({ a }) => a.floor(),
  round: ({ a }) => a.round(),
  clamp: ({ a }) => a.clamp(-1, 1),
  gt: ({ a, b }) => a.gt(b),
  where: ({ mask, a, b }) => where(mask, a, b),
  'masked fill': ({ a, mask }) => a.maskedFill(mask, 0),
  'add a row': ({ m, n }) => m.add(n.select(0, 0)),
})
family('activations', {
  relu: ({ a }) => a.relu(),
  leakyRelu: ({ a }) => F.leakyRelu(a, 0.1),
  sigmoid: ({ a }) => a.sigmoid(),
  elu: ({ a }) => F.elu(a),
  selu: ({ a }) => F.selu(a),
  gelu: ({ a }) => F.gelu(a),
  silu: ({ a }) => F.silu(a),
  softplus: ({ a }) => F.softplus(a),
  softmax: ({ m }) => m.softmax(-1),
  logSoftmax: ({ m }) => m.logSoftmax(-1),
})
family('reductions', {
  sum: ({ a }) => a.sum(),
  'sum of rows': ({ m }) => m.sum(1),
  'sum of columns': ({ m }) => m.sum(0),
  mean: ({ a }) => a.mean(),
  'product of rows': ({ m }) => m.div(1000).add(1).prod(1),
  max: ({ a }) => a.max(),
  'argmax of rows': ({ m }) => m.argmax(1),
  'min of columns': ({ m }) => m.amin(0),
  'argmin of columns': ({ m }) => m.argmin(0),
  std: ({ a }) => a.std(),
  variance: ({ a }) => a.var({ correction: 0 }),
  norm: ({ a }) => a.norm(),
  logsumexp: ({ a }) => a.logsumexp(0),
  // Without a true element, because a peer stops at the first one.
  any: ({ none }) => none.any(),
})
family('scans', {
  cumsum: ({ a }) => a.cumsum(0),
  'cumsum of rows': ({ m }) => m.cumsum(1),
  'cumprod of rows': ({ m }) => m.div(2).cumprod(1),
  cummax: ({ a }) => a.cummax(0).values,
})
family('order', {
  sort: ({ a }) => a.sort().values,
  argsort: ({ b }) => b.argsort(),
  'topk of 10': ({ a }) => a.topk(10).values,
  'topk of rows': ({ m }) => m.topk(5).values,
  median: ({ a }) => a.median(),
  quantile: ({ a }) => a.quantile(0.3),
  unique: ({ classes }) => classes.unique(),
  'unique floats': ({ a }) => a.unique(),
  bincount: ({ classes }) => classes.bincount(),
  searchsorted: ({ a, sorted }) => searchsorted(sorted, a),
})
family('index', {
  take: ({ a, index }) => a.take(index),
  gather: ({ m, classes }) => m.gather(1, classes.view(1000, 1000)),
  'rows by number': ({ m, rows }) => m.indexSelect(0, rows),
  'scatter to sums': ({ m, classes }) => m.newZeros(1000).scatterAdd(0, classes, m.view(-1)),
  'one hot': ({ rows }) => F.oneHot(rows, 1000),
  'masked select': ({ a, mask }) => a.maskedSelect(mask),
  transpose: ({ m }) => m.t().contiguous(),
  cat: ({ m, n }) => cat([m, n], 1),
  stack: ({ a, b }) => stack([a, b], 1),
  pad: ({ m }) => F.pad(m, [1, 1, 1, 1]),
  flip: ({ m }) => flip(m, [1]),
  roll: ({ m }) => m.roll(10, 1),
  tile: ({ m }) => m.narrow(0, 0, 100).tile(10, 1),
  tril: ({ m }) => m.tril(),
  slice: ({ m }) => m.slice(1, 0, 1000, 2).contiguous(),
})
family('layers', {
  // Sums of rows that are normalised are 0, which says nothing.
  'layer norm': ({ m }) => F.layerNorm(m, [1000]).add(1),
  embedding: ({ m, rows }) => F.embedding(rows, m),
  conv1d: ({ a, b }) => F.conv1d(a.view(1, 1, -1), b.narrow(0, 0, 5).view(1, 1, 5)),
  conv2d: ({ m, b }) => F.conv2d(m.view(1, 1, 1000, 1000), b.narrow(0, 0, 9).view(1, 1, 3, 3)),
  'max pool': ({ m }) => F.maxPool2d(m.view(1, 1, 1000, 1000), 2),
  'average pool': ({ m }) => F.avgPool2d(m.view(1, 1, 1000, 1000), 2),
})
family('draws', {
  dropout: ({ a }) => F.dropout(a, 0.5),
  rand: () => rand(size),
  randn: () => randn(size),
  bernoulli: ({ p }) => bernoulli(p.div(5)),
  multinomial: ({ n }) => multinomial(n.narrow(0, 0, 1).abs(), 10_000, true),
  exponential: ({ a }) => a.clone().exponential_(),
  poisson: ({ p }) => poisson(p),
  permutation: () => randperm(size),
})
family('linear algebra', {
  matmul: ({ m, n }) => m.narrow(0, 0, 256).matmul(n.narrow(1, 0, 256)),
  bmm: ({ a, b }) =>
    a
      .narrow(0, 0, 250_000)
      .view(100, 50, 50)
      .bmm(b.narrow(0, 0, 250_000).view(100, 50, 50)),
  einsum: ({ m, n }) => m.mul(n).sum(1),
  outer: ({ a, b }) => a.narrow(0, 0, 1000).outer(b.narrow(0, 0, 1000)),
  qr: ({ s }) => linalg.qr(s).R.abs(),
  inv: ({ s }) => linalg.inv(s),
  det: ({ s }) => linalg.det(s.div(16)),
  solve: ({ s, m }) => linalg.solve(s, m.narrow(0, 0, 64)),
  cholesky: ({ positive }) => linalg.cholesky(positive),
  'cholesky of 512': ({ part }) => linalg.cholesky(part),
  'cholesky of 1000': ({ definite }) => linalg.cholesky(definite),
  eigvalsh: ({ positive }) => linalg.eigvalsh(positive),
  svdvals: ({ s }) => linalg.svdvals(s),
  eigh: ({ positive }) => linalg.eigh(positive).eigenvalues,
  svd: ({ s }) => linalg.svd(s).S,
  pinv: ({ s }) => linalg.pinv(s),
  lstsq: ({ s, m }) => linalg.lstsq(s, m.narrow(0, 0, 64)).solution,
})
family('distributions', {
  'Normal.sample': ({ a }) => new distributions.Normal(a, 1, false).sample(),
  'Normal.logProb': ({ a, b }) => new distributions.Normal(a, 2, false).logProb(b),
  'Gamma.sample': ({ p }) => new distributions.Gamma(p, 1, false).sample(),
  'Categorical.logProb': ({ m, rows }) =>
    new distributions.Categorical({ logits: m, validateArgs: false }).logProb(rows),
})
family('losses', {
  mse: ({ a, b }) => F.mseLoss(a, b),
  l1: ({ a, b }) => F.l1Loss(a, b),
  huber: ({ a, b }) => F.huberLoss(a, b),
  'cross entropy': ({ m, rows }) => F.crossEntropy(m, rows),
  'binary cross entropy': ({ a, mask }) => F.binaryCrossEntropyWithLogits(a, mask.float()),
})
Object.assign(families, {
  optimizers: {
    SGD: ({ optimizer }: Inputs) => optimizer((w) => new optim.SGD(w, { lr: 1e-6 })),
    'SGD with momentum': ({ optimizer }: Inputs) => optimizer((w) => new optim.SGD(w, { lr: 1e-6, momentum: 0.9 })),
    Adam: ({ optimizer }: Inputs) => optimizer((w) => new optim.Adam(w, { lr: 1e-6 })),
    Adagrad: ({ optimizer }: Inputs) => optimizer((w) => new optim.Adagrad(w, { lr: 1e-6 })),
    RMSprop: ({ optimizer }: Inputs) => optimizer((w) => new optim.RMSprop(w, { lr: 1e-6 })),
    Adadelta: ({ optimizer }: Inputs) => optimizer((w) => new optim.Adadelta(w, { lr: 1e-6 })),
    Adamax: ({ optimizer }: Inputs) => optimizer((w) => new optim.Adamax(w, { lr: 1e-6 })),
  },
})

// ---- subjects ----

const resting = new Int32Array(new SharedArrayBuffer(4))
/** The processor time of this process in nanoseconds. The system counts that of a thread that runs only now and then. */
function processorTime(): number {
  Atomics.wait(resting, 0, 0, 1)
  const { user, system } = process.cpuUsage()
  return (user + system) * 1000
}
/** Calls before a sample, because another subject had the caches, if they are few among those of the sample. */
const beforeSample = 4

/** Like `timed`, by the processor time of this process. */
const timed =
  (work: (n: number) => unknown): Sample =>
  (n) => {
    if (n > beforeSample) work(beforeSample)
    const start = processorTime()
    const result = work(n)
    const taken = processorTime() - start
    consume(result)
    return taken
  }

/** Does an op n times and frees what it made, the last time after an element of the result has been read. */
const sampleOf = (run: () => Tensor): Sample =>
  timed((n) =>
    noGrad(() => {
      for (let i = 1; i < n; i++) scope(() => void run())
      return scope(() => run().detach().view(-1).narrow(0, 0, 1).item())
    }),
  )

async function devices(): Promise<[string, Inputs][]> {
  const found: [string, Inputs][] = []
  for (const name of ['native', 'wasm', 'js']) {
    try {
      await setDevice(name)
    } catch {
      continue
    }
    manualSeed(0)
    found.unshift([name, inputs()])
  }
  return found
}

const sumOf = (x: Tensor): number => x.to('float64').sum().item()
const near = (a: number, b: number): boolean => Object.is(a, b) || Math.abs(a - b) <= 1e-3 * (1 + Math.abs(b))

const [wanted = ''] = process.argv.slice(2)
const own = await devices()
const { peers, absent } = await peersOfFamilies({ ...arrays, indices, matrix })
const numpy = await NumPy.start()
const rows: Row[] = []
const wrong: string[] = []
const ms = (ns: number): string => `${(ns / 1e6).toFixed(ns < 1e6 ? 3 : 1)} ms`

for (const [name, ops] of Object.entries(families)) {
  for (const [op, bind] of Object.entries(ops)) {
    const what = `${name}: ${op}`
    if (!what.startsWith(wanted)) continue
    const subjects: Record<string, Sample> = {}
    const sums: Record<string, number> = {}
    for (const [device, x] of own) {
      const run = bind(x)
      sums[device] = noGrad(() => sumOf(run()))
      const sample = sampleOf(run)
      subjects[device] = async (n) => {
        if (currentDevice().name !== device) await setDevice(device)
        return sample(n)
      }
    }
    for (const [peer, { [op]: run }] of Object.entries(peers)) {
      if (run === undefined) continue
      sums[peer] = run.sum()
      subjects[peer] = timed(run.times)
    }
    const sum = await numpy?.sumOf(op)
    if (sum !== undefined) {
      sums.numpy = sum
      subjects.numpy = (n) => (numpy as NumPy).time(op, n)
    }
    const others = Object.entries(sums).filter(([, sum]) => !drawn.includes(name) && !near(sum, sums.js))
    for (const [subject, sum] of others) {
      wrong.push(`${op} on ${subject}: ${sum}, not ${sums.js}`)
      delete subjects[subject]
    }
    const measured = await measure(subjects, { rounds: 9, sampleMs: 5, warmupMs: 40, warmupRuns: 1500, budgetMs: 400 })
    const least = (subject: string): number => measured.statistics(subject).min
    const note = Object.keys(subjects)
      .map((subject) => `${subject} ${ms(least(subject))}`)
      .join(', ')
    if (measured.has('tfjs-cpu'))
      rows.push({ what, value: least('js') / least('tfjs-cpu'), unit: 'x', note, atMost: 1 })
    else rows.push({ what, value: least('js') / 1e6, unit: 'ms', note })
    for (const device of ['wasm', 'native'].filter((name) => measured.has(name) && measured.has('numpy-ts'))) {
      const note = `${device} beside numpy-ts`
      rows.push({ what, value: least(device) / least('numpy-ts'), unit: 'x', note, atMost: 1 })
    }
  }
}
numpy?.stop()
if (wrong.length > 0) throw new Error(`other results:\n${wrong.join('\n')}`)
report(rows, [
  'Processor time, the least of nine samples; the figure is js beside TensorFlow.js on its plain backend, or the time where that lacks the op; then wasm and native beside numpy-ts.',
  ...absent,
])
