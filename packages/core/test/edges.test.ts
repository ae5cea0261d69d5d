// Edge cases of ops: empty views, signs of zeros, NaN and infinities, refused calls, leaves that are views, names of
// nodes. Runs every line of golden/edges.json and compares it with real PyTorch (tools/golden/edges.py).
import { js } from '@flambeau/backend-js'
import {
  compile,
  F,
  floatPower,
  grad,
  nn,
  ones,
  onesLike,
  optim,
  pow,
  scope,
  stdMean,
  type Tensor,
  tensor,
  useDevice,
  varMean,
  zeros,
} from '@flambeau/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { asPrinted } from './lines.ts'

beforeAll(() => void useDevice(js()))

/** The same as its namesake in tools/golden/edges.py. */
function bends(f: (x: Tensor) => Tensor, at: Tensor): Tensor[] {
  const x = at.detach().requiresGrad_()
  const y = f(x)
  const seed = onesLike(y)
  const [first] = grad(y, x, { gradOutputs: seed, createGraph: true })
  const [second] = grad(first, x, { gradOutputs: seed })
  const [alone] = grad(f(x), x, { gradOutputs: seed })
  return [y, alone, first.detach(), second]
}

asPrinted('edges', {
  bends,
  floatPower,
  pow,
  linear: F.linear,
  leaky: F.leakyRelu,
  rectified: F.relu,
  cross: F.crossEntropy,
  nll: F.nllLoss,
  stdMean,
  varMean,
})

test('sums of bools are bools, also when compiled', () => {
  const [index, ones3] = [tensor([1, 1, 1], { dtype: 'int32' }), ones(3, { dtype: 'bool' })]
  const step = (x: Tensor): Tensor[] => [
    x.scatterAdd(0, index, ones3),
    x.scatter(0, index, ones3, { reduce: 'add' }),
    x.indexPut([index], ones3, { accumulate: true }),
    x.sum({ dtype: 'bool' }),
    ones3.logicalOr(x).sum(0, { dtype: 'bool' }),
  ]
  const compiled = compile(step)
  for (let call = 0; call < 6; call++) {
    const results = compiled(zeros(3, { dtype: 'bool' })).map((x) => [x.dtype, ...x.toArray()])
    const picked = ['bool', 0, 1, 0]
    expect(results).toEqual([picked, picked, picked, ['bool', 0], ['bool', 1]])
  }
})

test('powers that are roots are roots in compiled steps, too', () => {
  const x = tensor([-0, Number.NEGATIVE_INFINITY, 4])
  const step = compile((y: Tensor) => [y.neg().neg().pow(0.5).mul(1), y.pow(-0.5).mul(1)])
  for (let call = 0; call < 6; call++)
    expect(step(x).map((y) => y.tolist())).toEqual([
      [-0, Number.NaN, 2],
      [Number.NEGATIVE_INFINITY, Number.NaN, 0.5],
    ])
})

test('indexing a number throws the error of 2.x, where 1.13 returns uninitialized memory', () => {
  const x = tensor(3, { requiresGrad: true })
  for (const n of [0, 2]) {
    const sentence = `index_select(): Index to scalar can have only 1 value, got ${n} value(s)`
    expect(() => x.indexSelect(0, zeros(n, { dtype: 'int32' }))).toThrow(sentence)
  }
})

describe('data in a compiled step', () => {
  /** The results and state of a step, call after call; `between` runs before each. */
  const traced = (wrap: typeof compile | null, between: (x: Tensor, call: number) => void): number[][] => {
    const x = tensor([1, 2], { requiresGrad: true })
    const step = (): Tensor => {
      const y = x.mul(x)
      x.data.mul_(0.5)
      const [dx] = grad(y.sum(), x)
      return dx.add(x)
    }
    const run = wrap === null ? step : wrap(step)
    return Array.from({ length: 8 }, (_, call) => {
      between(x, call)
      return [...run().detach().toArray(), ...x.detach().toArray(), x.version]
    })
  }
  const cases: Record<string, (x: Tensor, call: number) => void> = {
    'written through it': () => {},
    'and from outside': (x) => void x.data.add_(1),
    'other memory between calls': (x, call) => {
      if (call % 3 === 2) x.data = tensor([call, 1])
    },
  }
  test.each(Object.keys(cases))('%s', (name) => {
    expect(traced(compile, cases[name])).toEqual(traced(null, cases[name]))
  })

  test('cannot be set inside', () => {
    const x = ones(2)
    const step = compile(() => void (x.data = zeros(2)))
    expect(() => {
      for (let i = 0; i < 4; i++) step()
    }).toThrow('x.data = y cannot be called inside a compiled step')
  })
})

test('data overlaps the memory of the tensor, and reads come before overwrites', () => {
  const x = tensor([1, 2, 3])
  x.at('1:').copy_(x.data.at(':2'))
  expect(Array.from(x.toArray())).toEqual([1, 1, 2])
})

test('the memory of data is freed, and kept by a scope, together with that of the tensor', () => {
  const x = ones(2)
  const { data } = x
  data.dispose()
  for (const t of [x, data]) expect(() => t.toArray()).toThrow('a tensor is used after dispose()')
  const kept = scope(() => ones(2).data)
  expect(Array.from(kept.toArray())).toEqual([1, 1])
  const model = new nn.Linear(2, 1)
  const opt = new optim.SGD(model.parameters(), { lr: 1 })
  model.weight.data = zeros(1, 2)
  model.forward(ones(1, 2)).sum().backward()
  opt.step()
  expect(Array.from(model.weight.detach().toArray())).toEqual([-1, -1])
})
