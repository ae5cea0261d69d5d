// Draws from further distributions against real PyTorch (tools/golden/draws.py), by the same names: every element by a
// CRC, and the stream after them.
import { crc32 } from 'node:zlib'
import { js } from '@flambeau/backend-js'
import {
  binomial,
  compile,
  type DType,
  distributions,
  F,
  Generator,
  grad,
  manualSeed,
  multinomial,
  noGrad,
  NotImplementedError,
  ones,
  poisson,
  rand,
  randn,
  random,
  type Tensor,
  tensor,
  useDevice,
  zeros,
} from '@flambeau/core'
import { describe, expect, it } from 'vitest'
import { sampleDirichlet, standardGamma } from '../src/ops/random/families.ts'
import golden from './golden/draws.json' with { type: 'json' }

useDevice(js())

const N = 3000
/** Numbers between two, that both languages compute alike. */
const spread = (dtype: DType, low: number, high: number, n = N): Tensor =>
  tensor(
    Array.from({ length: n }, (_, i) => low + ((high - low) * ((i * 7919) % n)) / n),
    { dtype },
  )
const empty = (dtype: DType, n = N): Tensor => zeros([n], { dtype })
const rows = (dtype: DType): Tensor => spread(dtype, 0, 2, 60).reshape(6, 10)

const drawn: Record<string, (dtype: DType) => Tensor> = {
  'exponential_()': (t) => empty(t).exponential_(),
  'exponential_(0.37)': (t) => empty(t).exponential_(0.37),
  'x.t().exponential_()': (t) => empty(t).reshape(3, -1).t().exponential_(),
  'geometric_(0.3)': (t) => empty(t).geometric_(0.3),
  'geometric_ of integers': () => empty('int32').geometric_(0.01),
  'geometric_ of bytes': () => empty('uint8').geometric_(0.01),
  'cauchy_()': (t) => empty(t).cauchy_(),
  'cauchy_(0.3, 1.7)': (t) => empty(t).cauchy_(0.3, 1.7),
  'logNormal_()': (t) => empty(t).logNormal_(),
  'logNormal_(0.1, 0.37), odd': (t) => empty(t, 7).logNormal_(0.1, 0.37),
  'F.rrelu(x, 0.1, 0.3, true)': (t) => F.rrelu(spread(t, -1, 1), 0.1, 0.3, true),
  'poisson of few': (t) => poisson(spread(t, 0, 10)),
  'poisson of many': (t) => poisson(spread(t, 10, 1000)),
  'binomial of few': (t) => binomial(spread(t, -1, 30).floor(), spread(t, 0, 1).flip(0)),
  'binomial of many': (t) => binomial(tensor([200, 1000], { dtype: t }), spread(t, 0, 1).reshape(-1, 1)),
  'gamma of small shapes': (t) => standardGamma(spread(t, 0, 1)),
  gamma: (t) => standardGamma(spread(t, 1, 50)),
  dirichlet: (t) => sampleDirichlet(spread(t, 0.01, 4).reshape(-1, 5)).value,
  'multinomial(1)': (t) => multinomial(rows(t), 1),
  'multinomial(7)': (t) => multinomial(rows(t), 7),
  'multinomial(3) of columns': (t) => multinomial(rows(t).t(), 3),
  'multinomial(1, true)': (t) => multinomial(rows(t), 1, true),
  'multinomial(500, true)': (t) => multinomial(rows(t), 500, true),
  'multinomial(500, true) of a vector': (t) => multinomial(spread(t, 0, 1, 300), 500, true),
}
const bytes = (x: Tensor): Uint8Array => {
  const { buffer, byteOffset, byteLength } = x.toArray()
  return new Uint8Array(buffer, byteOffset, byteLength)
}

it('every draw has a row', () => expect(Object.keys(drawn)).toEqual(Object.keys(golden.drawn)))
describe.each(Object.entries(golden.drawn))('%s', (key, byDtype) => {
  it.each(Object.entries(byDtype))('%s', (dtype, records) => {
    for (const [i, seed] of [0, 42].entries()) {
      manualSeed(seed)
      const x = drawn[key](dtype as DType)
      const { shape, crc, first, next } = records[i]
      const found = x.to(x.dtype.startsWith('float') ? 'float32' : 'int32').contiguous()
      expect([x.shape, crc32(bytes(found)).toString(16).padStart(8, '0')]).toEqual([shape, crc])
      // In float64 the last bits of the host's functions may differ.
      const values = x.flatten().toArray()
      for (const [at, value] of first.entries()) {
        const wanted = dtype === 'float32' ? Math.fround(value) : value
        expect(Math.abs(values[at] - wanted)).toBeLessThanOrEqual(1e-14 * Math.abs(wanted))
      }
      expect([rand(1).item(), randn(1).item()]).toEqual(next)
    }
  })
})

describe('gradients of draws', () => {
  const f64 = { dtype: 'float64' } as const
  const repeated = (data: number[] | number[][]): Tensor =>
    noGrad(() => {
      const x = tensor(data, f64)
      return x.repeat(20, ...x.shape.slice(1).map(() => 1))
    })
  const close = (found: Tensor, wanted: readonly number[]): void =>
    found.toArray().forEach((value, i) => void expect(Math.abs(value / wanted[i] - 1), `${i}`).toBeLessThan(1e-9))

  it('gamma', () => {
    const shapes = repeated([0.05, 0.3, 0.9, 1, 2.5, 7, 8.5, 20, 300]).requiresGrad_()
    manualSeed(1)
    standardGamma(shapes).sum().backward()
    close(shapes.grad as Tensor, golden.slopes.gamma)
  })

  it('dirichlet', () => {
    const shapes = repeated([
      [0.05, 0.3],
      [0.9, 4],
      [1, 1],
      [7, 9],
      [3, 40],
      [300, 200],
    ])
    manualSeed(1)
    const { gradient } = sampleDirichlet(shapes)
    close(gradient(tensor([1, 2], f64)).flatten(), golden.slopes.dirichlet)
  })

  it('of binomial throw in the backward pass', () => {
    const y = binomial(ones(2), ones(2).mul(0.5).requiresGrad_())
    expect(y.requiresGrad).toBe(true)
    expect(() => y.sum().backward()).toThrow('derivative for aten::binomial')
  })

  it('are known once', () => {
    const shapes = tensor([2, 3], { requiresGrad: true })
    for (const draw of [standardGamma, (x: Tensor) => new distributions.Dirichlet(x).rsample()]) {
      const [first] = grad([draw(shapes).square().sum()], [shapes], { createGraph: true })
      expect(() => grad([first.sum()], [shapes])).toThrow(NotImplementedError)
    }
  })

  it('counts have none', () => {
    const rate = ones(3).requiresGrad_()
    const y = poisson(rate.mul(1))
    expect(y.gradFn?.name).toBe('PoissonBackward0')
    y.sum().backward()
    expect(rate.grad?.tolist()).toEqual([0, 0, 0])
    const x = ones(2).requiresGrad_().mul(1)
    expect(x.exponential_().gradFn?.name).toBe('ExponentialBackward0')
  })
})

// biome-ignore lint/suspicious/noExplicitAny: functions are called with wrong arguments
type Any = any
const ints = tensor([1, 2], { dtype: 'int32' })
const zeroRow = tensor([
  [1, 1],
  [0, 0],
])
const thrown: Record<string, () => unknown> = {
  'exponential_(-1)': () => empty('float32', 2).exponential_(-1),
  'exponential_(NaN)': () => empty('float32', 2).exponential_(Number.NaN),
  'exponential_ of integers': () => ints.clone().exponential_(),
  'geometric_(0)': () => empty('float32', 2).geometric_(0),
  'geometric_(1.5)': () => empty('float32', 2).geometric_(1.5),
  'geometric_()': () => empty('float32', 2).geometric_(),
  'geometric_ of booleans': () => tensor([true]).geometric_(0.5),
  'cauchy_ of integers': () => ints.clone().cauchy_(),
  'logNormal_(0, -1)': () => empty('float32', 2).logNormal_(0, -1),
  'logNormal_ of integers': () => ints.clone().logNormal_(),
  'poisson of integers': () => poisson(ints),
  'poisson(-1)': () => poisson(tensor([1, -1])),
  'binomial of integers': () => binomial(ints, ints),
  'binomial of two dtypes': () => binomial(ints, tensor([0.5, 0.5])),
  'binomial of other sizes': () => binomial(ones(3), ones(2)),
  'binomial, backward': () => binomial(ones(2), ones(2).mul(0.5).requiresGrad_()).sum().backward(),
  'multinomial of integers': () => multinomial(ints, 1),
  'multinomial of three dims': () => multinomial(ones(2, 2, 2), 1),
  'multinomial(0)': () => multinomial(ones(2), 0),
  'multinomial(3) of two': () => multinomial(ones(2), 3),
  'multinomial of -1': () => multinomial(tensor([1, -1]), 1),
  'multinomial of infinity': () => multinomial(tensor([1, Infinity]), 1),
  'multinomial of a row of 0': () => multinomial(zeroRow, 1),
  'multinomial(2, true) of -1': () => multinomial(tensor([1, -1]), 2, true),
  'multinomial(2, true) of NaN': () => multinomial(tensor([1, Number.NaN]), 2, true),
  'multinomial(2, true) of infinity': () => multinomial(tensor([1, Infinity]), 2, true),
  'multinomial(2, true) of a row of 0': () => multinomial(zeroRow, 2, true),
  'multinomial()': () => multinomial(ones(2)),
  "multinomial('a')": () => ones(2).multinomial('a' as Any),
}
describe('mistakes', () => {
  it('every mistake has a row', () => expect(Object.keys(thrown)).toEqual(Object.keys(golden.thrown)))
  it.each(Object.entries(golden.thrown))('%s', (key, { error, message }) => {
    manualSeed(0)
    const before = rand(1).item()
    manualSeed(0)
    let caught: Any = null
    try {
      thrown[key]()
    } catch (e) {
      caught = e
    }
    expect([caught?.name, caught?.message.split('\n')[0]]).toEqual([error, message])
    if (!key.includes('backward')) expect(rand(1).item()).toBe(before)
  })

  it('a compiled step takes draws whose number is known', () => {
    const weights = tensor([
      [0.1, 5, 2, 0.5],
      [1, 0, 0.3, 7],
    ])
    const eager = (): Tensor[] => [
      multinomial(weights.add(1), 2),
      empty('float32', 3).exponential_(),
      multinomial(weights, 9, true),
      multinomial(weights.select(0, 1).double(), 3, true),
      rand(2),
      new distributions.Categorical({ logits: weights }).sample([2]),
    ]
    const step = compile(eager)
    const run = (fn: () => readonly Tensor[]): unknown => {
      manualSeed(3)
      return Array.from({ length: 12 }, () => fn().map((x) => x.tolist()))
    }
    expect(run(() => step() as Tensor[])).toEqual(run(eager))
    const bad = compile((x: Tensor) => multinomial(x, 2, true))
    bad(ones(2))
    manualSeed(3)
    const before = rand(1).item()
    manualSeed(3)
    for (const wrong of [tensor([1, -1]), tensor([1, Infinity]), tensor([0, 0]), tensor([1, Number.NaN])])
      expect(() => bad(wrong).tolist()).toThrow('invalid multinomial distribution')
    expect(rand(1).item()).toBe(before)
  })
})

describe('in a compiled step, between other draws, is as without', () => {
  /** Calls, then repetitions, and what each stream gives afterwards. */
  const traced = (draw: () => Tensor[], isCompiled: boolean): number[][] => {
    manualSeed(3)
    const run = isCompiled ? compile(draw) : draw
    const rows = Array.from({ length: 5 }, () => run())
    if (isCompiled) rows.push((run as ReturnType<typeof compile<[], Tensor[]>>).repeat(3))
    else for (let i = 0; i < 3; i++) rows[5] = run()
    return [...rows, [rand(3)]].map((row) => row.flatMap((x) => Array.from(x.detach().toArray())))
  }
  // rrelu reads its input, which a recording refuses.
  it.each(Object.keys(drawn).filter((key) => !key.startsWith('F.rrelu')))('%s', (key) => {
    const between = (): Tensor[] => {
      const [before, x, after] = [randn(5), drawn[key]('float32'), rand(4)]
      // Depends on what was drawn in this run; the last draw is not read.
      const counts = poisson(x.flatten().at(':20').float().abs().add(after.sum()))
      randn(2)
      return [before, x, after, counts, rand(2), standardGamma(counts.add(0.5)), randn(20)]
    }
    expect(traced(between, true)).toEqual(traced(between, false))
  })

  it('with gradients, other generators, and a draw that fails', () => {
    const generator = new Generator().manualSeed(5)
    const rates = tensor([1, 2, 30])
    const step = (): Tensor[] => {
      const shapes = rates.clone().requiresGrad_()
      const x = new distributions.Gamma(shapes, rates).rsample()
      const y = new distributions.Dirichlet(shapes).rsample()
      const counts = poisson(rates, generator)
      const [dx] = grad([x.mul(y).sum()], [shapes])
      return [x, y, dx, counts, rand(3, { generator }), rand(3)]
    }
    const run = (isCompiled: boolean): number[][] => {
      generator.manualSeed(5)
      return traced(step, isCompiled)
    }
    expect(run(true)).toEqual(run(false))

    const fails = compile(() => [rand(2), poisson(rates), rand(2)])
    for (let i = 0; i < 3; i++) fails()
    noGrad(() => rates.neg_())
    manualSeed(8)
    expect(() => fails()).toThrow('invalid Poisson rate')
    const next = rand(4).tolist()
    manualSeed(8)
    expect(rand(4).tolist()).toEqual(next)
  })
})

it('what is drawn in forkRng changes nothing outside', () => {
  manualSeed(3)
  const expected = [rand(2), randn(3)].map((x) => x.tolist())
  manualSeed(3)
  const first = rand(2)
  const inside = random.forkRng(() => {
    manualSeed(3)
    return [rand(2), randn(1)]
  })
  expect(() =>
    random.forkRng(() => {
      randn(1)
      throw new Error('inside')
    }),
  ).toThrow('inside')
  expect(inside[0].tolist()).toEqual(first.tolist())
  expect([first, randn(3)].map((x) => x.tolist())).toEqual(expected)
  expect(() => random.forkRng(async () => {})).toThrow('forkRng cannot run an async function')
  expect(() => compile(() => random.forkRng(() => rand(1)))()).toThrow(/forkRng\(\) cannot be .*\nCall it around/)
})
