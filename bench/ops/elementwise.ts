// Elementwise chains on a million elements beside hand-written loops over typed arrays: one loop and one new array for
// each operation, as eager tensors do it. Both alternate among several operands, so that the engine cannot treat an
// array as a constant.
import { manualSeed, randn, type Tensor } from 'flambeau'
import { measure, timed } from '../src/harness.ts'
import { report, type Row } from '../src/report.ts'

const size = 1_000_000
type Numbers = Float32Array

const times = (x: Numbers, value: number): Numbers => {
  const out = new Float32Array(x.length)
  for (let i = 0; i < x.length; i++) out[i] = x[i] * value
  return out
}
const plus = (x: Numbers, value: number): Numbers => {
  const out = new Float32Array(x.length)
  for (let i = 0; i < x.length; i++) out[i] = x[i] + value
  return out
}
const relu = (x: Numbers): Numbers => {
  const out = new Float32Array(x.length)
  for (let i = 0; i < x.length; i++) out[i] = x[i] < 0 ? 0 : x[i]
  return out
}
const tanh = (x: Numbers): Numbers => {
  const out = new Float32Array(x.length)
  for (let i = 0; i < x.length; i++) out[i] = Math.tanh(x[i])
  return out
}
const exp = (x: Numbers): Numbers => {
  const out = new Float32Array(x.length)
  for (let i = 0; i < x.length; i++) out[i] = Math.exp(x[i])
  return out
}
const sigmoid = (x: Numbers): Numbers => {
  const out = new Float32Array(x.length)
  for (let i = 0; i < x.length; i++) out[i] = 1 / (1 + Math.exp(-x[i]))
  return out
}
const add = (x: Numbers, y: Numbers): Numbers => {
  const out = new Float32Array(x.length)
  for (let i = 0; i < x.length; i++) out[i] = x[i] + y[i]
  return out
}
const sub = (x: Numbers, y: Numbers): Numbers => {
  const out = new Float32Array(x.length)
  for (let i = 0; i < x.length; i++) out[i] = x[i] - y[i]
  return out
}
const mul = (x: Numbers, y: Numbers): Numbers => {
  const out = new Float32Array(x.length)
  for (let i = 0; i < x.length; i++) out[i] = x[i] * y[i]
  return out
}
const sum = (x: Numbers): Numbers => {
  let total = 0
  for (let i = 0; i < x.length; i++) total += x[i]
  return new Float32Array([total])
}

interface Chain {
  readonly js: (x: Tensor, y: Tensor) => Tensor
  readonly loops: (x: Numbers, y: Numbers) => Numbers
}

const chains: Readonly<Record<string, Chain>> = {
  'x + y': { js: (x, y) => x.add(y), loops: add },
  'x * 2 + 1': { js: (x) => x.mul(2).add(1), loops: (x) => plus(times(x, 2), 1) },
  'relu(x * 2 + 1)': { js: (x) => x.mul(2).add(1).relu(), loops: (x) => relu(plus(times(x, 2), 1)) },
  '((x - y) * (x - y)) * 0.5, summed': {
    js: (x, y) => {
      const d = x.sub(y)
      return d.mul(d).mul(0.5).sum()
    },
    loops: (x, y) => {
      const d = sub(x, y)
      return sum(times(mul(d, d), 0.5))
    },
  },
  'exp(x)': { js: (x) => x.exp(), loops: exp },
  'tanh(x)': { js: (x) => x.tanh(), loops: tanh },
  'sigmoid(x * y + x)': { js: (x, y) => x.mul(y).add(x).sigmoid(), loops: (x, y) => sigmoid(add(mul(x, y), x)) },
}

manualSeed(0)
const tensors = Array.from({ length: 4 }, () => randn(size))
const arrays = tensors.map((t) => t.toArray() as Numbers)

function check(name: string, { js, loops }: Chain): void {
  const found = js(tensors[0], tensors[1]).toArray()
  const expected = loops(arrays[0], arrays[1])
  if (found.length !== expected.length) throw new Error(`${name}: ${found.length} elements, not ${expected.length}`)
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(found[i] - expected[i])
    if (!(error <= 1e-5 * (1 + Math.abs(expected[i])))) throw new Error(`${name}: ${found[i]}, not ${expected[i]}`)
  }
}

const rows: Row[] = []
for (const [name, chain] of Object.entries(chains)) {
  check(name, chain)
  const { js, loops } = chain
  const measured = await measure(
    {
      js: timed((n) => {
        let out = tensors[0]
        for (let i = 0; i < n; i++) out = js(tensors[i & 3], tensors[(i + 1) & 3])
        return out
      }),
      loops: timed((n) => {
        let out = arrays[0]
        for (let i = 0; i < n; i++) out = loops(arrays[i & 3], arrays[(i + 1) & 3])
        return out
      }),
    },
    { rounds: 31, sampleMs: 20, warmupMs: 300 },
  )
  const { median, p10, p90 } = measured.ratio('js', 'loops')
  const ms = (subject: 'js' | 'loops'): string => (measured.statistics(subject).median / 1e6).toFixed(2)
  const note = `${p10.toFixed(2)} to ${p90.toFixed(2)}; js ${ms('js')} ms, loops ${ms('loops')} ms`
  rows.push({
    what: `\`${name}\`, a million, time in hand-written loops'`,
    value: median,
    unit: 'x',
    note,
    atMost: 1.5,
  })
}
report(rows)
