// step.repeat(n): n steps in one call equal n calls, with the last result or all of them.
import { js } from '@flambeau/backend-js'
import {
  compile,
  defaultGenerator,
  F,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  randn,
  type Tensor,
  tensor,
  useDevice,
  zeros,
} from '@flambeau/core'
import type { Backend } from '@flambeau/core/backend'
import { beforeAll, describe, expect, test } from 'vitest'
import { Repeating } from './repeating.ts'

function training(): { step: () => Tensor; model: nn.Module; optimizer: optim.Optimizer } {
  manualSeed(5)
  const [x, y] = [randn(16, 4), randn(16, 1)]
  const model = new nn.Sequential(new nn.Linear(4, 6), new nn.Dropout(0.3), new nn.Linear(6, 1))
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2 })
  const scheduler = new optim.lrScheduler.ExponentialLR(optimizer, 0.99)
  const step = (): Tensor => {
    const loss = F.mseLoss(model.forward(x) as Tensor, y)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    return loss
  }
  return { step, model, optimizer }
}

const stateOf = ({ model, optimizer }: Omit<ReturnType<typeof training>, 'step'>): unknown => [
  ...model.parameters().map((p) => [p.detach().toNested(), p.grad?.toNested(), p.version]),
  optimizer.stepCount,
  optimizer.paramGroups.map(({ lr }) => lr),
]

const repeating = new Repeating()

describe.each([
  ['by calls', js()],
  ['by a backend that repeats', repeating],
])('repeat %s', (_, backend) => {
  beforeAll(() => void useDevice(backend))

  test('equals n calls: losses, parameters, gradients, versions and schedule', () => {
    const eager = training()
    const losses = Array.from({ length: 300 }, () => eager.step().item())
    for (const sizes of [[300], [1, 299], [100, 100, 100], [7, 1, 1, 1, 290]]) {
      const made = training()
      const step = compile(made.step)
      const seen = sizes.flatMap((n) => step.repeat(n, { stack: true }).toNested() as number[])
      expect(seen).toEqual(losses)
      expect(stateOf(made)).toEqual(stateOf(eager))
    }
  })

  test('the last result has the shape of one', () => {
    const eager = training()
    let loss = eager.step()
    for (let i = 1; i < 50; i++) loss = eager.step()
    const last = compile(training().step).repeat(50)
    expect(last.shape).toEqual([])
    expect(last.item()).toBe(loss.item())
  })

  test('every tensor of the result is stacked, parameters with their elements at the time', () => {
    const w = tensor([1, 2])
    const step = compile((x: Tensor) => {
      noGrad(() => w.add_(x))
      return { w, twice: [w.mul(2)], x, view: x.reshape(2, 1), nothing: null }
    })
    const all = step.repeat(6, { stack: true, args: [ones(2)] })
    expect(all.w.toNested()).toEqual([
      [2, 3],
      [3, 4],
      [4, 5],
      [5, 6],
      [6, 7],
      [7, 8],
    ])
    expect(all.twice[0].toNested()).toEqual([
      [4, 6],
      [6, 8],
      [8, 10],
      [10, 12],
      [12, 14],
      [14, 16],
    ])
    expect(all.x.shape).toEqual([6, 2])
    expect(all.view.shape).toEqual([6, 2, 1])
    expect(all.nothing).toBeNull()
    expect(step.repeat(1, { stack: true, args: [zeros(2)] }).w.toNested()).toEqual([[7, 8]])
  })

  test('a step that returns nothing', () => {
    const w = tensor([0])
    const step = compile(() => void noGrad(() => w.add_(1)))
    expect(step.repeat(20)).toBeUndefined()
    expect(step.repeat(20, { stack: true })).toBeUndefined()
    expect(w.item()).toBe(40)
  })

  test('gradients that accumulate', () => {
    const w = tensor([1], { requiresGrad: true })
    const step = compile(() => w.mul(3).sum().backward())
    step.repeat(10)
    expect(w.grad?.toNested()).toEqual([30])
  })

  test('inside another compiled step it becomes part of that', () => {
    const w = tensor([1])
    const inner = compile(() => noGrad(() => w.mul_(2)).clone())
    const outer = compile(() => inner.repeat(3))
    for (let i = 1; i < 6; i++) expect(outer().item()).toBe(8 ** i)
  })

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('%d times is an error', (n) => {
    const step = compile(() => ones(1))
    expect(() => step.repeat(n)).toThrow('a step must be repeated a whole number of times, at least 1')
  })

  test('an error in the middle keeps the effects of the steps before it', () => {
    const w = tensor([0.5])
    const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 })
    const step = compile(() => {
      optimizer.step()
      const loss = F.binaryCrossEntropy(w, ones(1))
      noGrad(() => w.add_(0.125))
      return loss
    })
    expect(() => step.repeat(20)).toThrow('all elements of input should be between 0 and 1')
    expect(w.item()).toBe(1.125)
    expect(optimizer.stepCount).toBe(5)
    expect(w.version).toBe(5)
  })
})

test('repeatAsync gives the results of repeat, and the step cannot be called meanwhile', async () => {
  const expected = compile(training().step).repeat(30, { stack: true }).toNested()
  const step = compile(training().step)
  const promise = step.repeatAsync(30, { stack: true })
  expect(() => step()).toThrow('the step is being repeated')
  expect((await promise).toNested()).toEqual(expected)
  expect(step().shape).toEqual([])
})

test('a backend with repeat gets many steps in one call', () => {
  useDevice(repeating)
  const step = compile(training().step)
  step.repeat(8)
  const before = repeating.calls
  step.repeat(3000)
  expect(repeating.calls - before).toBeLessThan(20)
})

test('an error in the middle of many steps undoes the draws and schedules of those after it', () => {
  const state = (backend: Backend): unknown => {
    useDevice(backend)
    const { model, step, optimizer } = training()
    const w = tensor([0])
    const failing = compile(() => {
      const loss = step()
      noGrad(() => w.add_(1 / 64))
      return F.binaryCrossEntropy(w, ones(1)).add(loss)
    })
    for (const stack of [true, false]) {
      expect(() => failing.repeat(200, { stack })).toThrow('all elements of input should be between 0 and 1')
      noGrad(() => w.mul_(0))
    }
    return [stateOf({ model, optimizer }), w.version, defaultGenerator.getState()]
  }
  expect(state(repeating)).toEqual(state(js()))
})
