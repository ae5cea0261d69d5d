// Where eager and compiled code give the same bits on native, and where they are only close. Random steps without sums
// of floats are compared bit for bit; steps with sums, within the difference that another order of additions may make.
import { compile, F, manualSeed, nn, noGrad, ones, optim, randn, type Tensor, tensor, useDevice } from '@flambeau/core'
import { expect } from 'vitest'
import { nativeMissing, testWith } from '../../../tools/test/machine.ts'
import { native } from '../src/index.ts'

const it = (name: string, body: () => void | Promise<void>) => testWith('native', nativeMissing, name, body)

/** Numbers from 0 to n - 1, the same in every run. */
function dice(seed: number): (n: number) => number {
  let state = seed * 2654435761 + 1
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return (state >>> 8) % n
  }
}

type Op = (x: Tensor, y: Tensor, w: Tensor) => Tensor
/** Ops on [rows, n] and [rows, n], with a matrix of [n, n], that can be computed in one way only. */
const exact: Readonly<Record<string, Op>> = {
  add: (x, y) => x.add(y),
  sub: (x, y) => x.mul(0.5).sub(y),
  mul: (x, y) => x.mul(y),
  div: (x, y) => x.div(y.mul(y).add(1)),
  exp: (x) => x.clamp({ min: -5, max: 5 }).exp(),
  tanh: (x, y) => x.add(y).tanh(),
  sigmoid: (x) => x.sigmoid().mul(3).sub(1),
  leakyRelu: (x) => F.leakyRelu(x, { negativeSlope: 0.1 }),
  relu: (x) => F.relu(x.sub(0.1)),
  where: (x, y) => x.where(x.gt(0), y),
  sin: (x) => x.sin(),
  sqrt: (x) => x.abs().add(0.5).sqrt(),
  pow: (x) => x.abs().add(0.1).pow(1.3),
  maximum: (x, y) => x.maximum(y).minimum(3),
  clamp: (x) => x.clamp({ min: -1, max: 2 }),
  matmul: (x, _, w) => x.matmul(w),
  'linear, relu': (x, _, w) => F.relu(F.linear(x, w)),
  'transposed matmul': (x, y, w) => x.matmul(w.t()).add(y),
  softmax: (x) => F.softmax(x, { dim: 1 }),
  logSoftmax: (x) => F.logSoftmax(x, { dim: 1 }).mul(0.3),
  max: (x) => x.sub(x.detach().max(1, { keepdim: true }).values),
  cumsum: (x) => x.mul(0.1).cumsum(1).tanh(),
  flip: (x) => x.flip([1]),
  sort: (x) => x.sort(1).values,
}
/** Ops with sums whose order of additions depends on what else the pass computes. */
const close: Readonly<Record<string, Op>> = {
  ...exact,
  sum: (x) => x.add(x.sum({ dim: 1, keepdim: true }).mul(0.01)),
  mean: (x) => x.sub(x.mean({ dim: 0, keepdim: true })),
  bias: (x, y, w) => F.linear(x, w, y.at(0)).tanh(),
}

/** A step of some random ops, with its gradients; the number of elements stays. */
function random(seed: number, ops: Readonly<Record<string, Op>>) {
  const roll = dice(seed)
  const [rows, n] = [1 + roll(70), 1 + roll(90)]
  manualSeed(seed)
  const leaves = [randn(rows, n), randn(rows, n), randn(n, n).div(Math.sqrt(n))].map((x) => x.requiresGrad_())
  const names = Object.keys(ops)
  const chosen = Array.from({ length: 3 + roll(8) }, () => names[roll(names.length)])
  const picks = chosen.map(() => [roll(3), roll(3)])
  const step = () => {
    const [a, b, w] = leaves
    for (const leaf of leaves) leaf.grad = null
    const values: Tensor[] = [a, b]
    chosen.forEach((name, i) => {
      const [first, second] = picks[i].map((back) => values[Math.max(0, values.length - 1 - back)])
      values.push(ops[name](first, second, w))
    })
    const last = values.at(-1) as Tensor
    last.backward(ones(rows, n))
    return last.detach()
  }
  const state = (y: Tensor) =>
    [y, ...leaves.map((leaf) => leaf.grad)].map((x) => (x === null ? [] : Array.from(x.reshape(-1).toArray())))
  return { step, state, text: `seed ${seed}, [${rows}, ${n}]: ${chosen.join(', ')}` }
}

it('random steps without sums give the same bits, eager and compiled', async () => {
  useDevice(await native())
  for (let seed = 1; seed <= 40; seed++) {
    const { step, state, text } = random(seed, exact)
    const expected = state(step())
    const compiled = compile(step)
    for (let call = 0; call < 5; call++) {
      const found = state(compiled())
      const same = found.every((values, i) => values.every((x, k) => Object.is(x, expected[i][k])))
      expect(same, `${text}, call ${call}`).toBe(true)
    }
  }
})

it('random steps with sums differ by no more than another order of additions', async () => {
  useDevice(await native())
  for (let seed = 1; seed <= 20; seed++) {
    const { step, state, text } = random(seed, close)
    const expected = state(step())
    const compiled = compile(step)
    for (let call = 0; call < 4; call++) {
      state(compiled()).forEach((values, i) => {
        const size = expected[i].reduce((most, x) => Math.max(most, Math.abs(x)), 1e-3)
        const off = values.reduce((most, x, k) => Math.max(most, Math.abs(x - expected[i][k])), 0)
        expect(off / size, `${text}, call ${call}`).toBeLessThanOrEqual(2e-4)
      })
    }
  }
})

it('sums of integers, maxima and minima are exact in any order', async () => {
  useDevice(await native())
  manualSeed(1)
  const x = randn(70, 90)
  const whole = x.mul(100).to('int32')
  const calculate = () => [
    whole.mul(whole).sum({ dim: 0 }),
    whole.sum(),
    x.mul(2).max(),
    x.exp().min(1).values,
    x.gt(0).sum({ dim: 1 }),
  ]
  const expected = calculate().map((y) => y.tolist())
  const compiled = compile(calculate)
  for (let call = 0; call < 5; call++) expect(compiled().map((y) => y.tolist())).toEqual(expected)
})

it('a compiled training gives the same bits, whichever of its calls are repeats', async () => {
  useDevice(await native())
  const training = () => {
    manualSeed(3)
    const model = new nn.Sequential(new nn.Linear(20, 33), new nn.Tanh(), new nn.Linear(33, 5))
    const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2 })
    const [x, y] = [
      randn(64, 20),
      tensor(
        Array.from({ length: 64 }, (_, i) => i % 5),
        { dtype: 'int32' },
      ),
    ]
    const step = compile(() => {
      const loss = F.crossEntropy(model.forward(x), y)
      optimizer.zeroGrad()
      loss.backward()
      optimizer.step()
      return loss
    })
    return { step, bits: () => noGrad(() => model.parameters().map((p) => p.tolist())) }
  }
  const straight = training()
  for (let i = 0; i < 24; i++) straight.step()
  const other = training()
  for (let i = 0; i < 4; i++) other.step()
  other.step.repeat(13)
  for (let i = 0; i < 7; i++) other.step()
  expect(other.bits()).toEqual(straight.bits())
})
