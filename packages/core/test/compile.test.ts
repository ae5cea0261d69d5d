// The first recorder: steps recorded, compared and replayed must equal eager bit for bit, with optimizer state, gradients
// and the generator, and what cannot be captured must say so.
import { js } from '@flambeau/backend-js'
import {
  compile,
  F,
  getRngState,
  manualSeed,
  nn,
  noGrad,
  optim,
  rand,
  randn,
  type Tensor,
  tensor,
  useDevice,
  zeros,
} from '@flambeau/core'
import { beforeAll, describe, expect, test } from 'vitest'

beforeAll(() => void useDevice(js()))

interface Run {
  step: () => Tensor
  model: nn.Module
  optimizer: optim.Optimizer
}

/** Everything that training changes, as bytes and numbers. */
const stateOf = ({ model, optimizer }: Run): unknown => ({
  parameters: [...model.stateDict()].map(([key, value]) => [key, [...(value as Tensor).toArray()]]),
  gradients: [...model.parameters()].map((p) => p.grad?.toNested()),
  versions: [...model.parameters()].map((p) => p.version),
  optimizer: JSON.stringify(optimizer.stateDict(), (_, x) => (x?.toNested !== undefined ? x.toNested() : x)),
  generator: [...getRngState().toArray()],
})

function compare(make: () => Run, steps: number): void {
  const run = (compiled: boolean): { losses: number[]; state: unknown } => {
    manualSeed(7)
    const made = make()
    const step = compiled ? compile(made.step) : made.step
    const losses: number[] = []
    for (let i = 0; i < steps; i++) losses.push(step().item())
    return { losses, state: stateOf(made) }
  }
  const eager = run(false)
  expect(run(true)).toEqual(eager)
  expect(new Set(eager.losses).size).toBeGreaterThan(steps / 2)
}

const train = (model: nn.Module, optimizer: optim.Optimizer, loss: () => Tensor): Run => ({
  model,
  optimizer,
  step: () => {
    const value = loss()
    optimizer.zeroGrad()
    value.backward()
    optimizer.step()
    return value
  },
})

describe('a compiled step equals eager bit for bit for 1,000 steps', () => {
  test('Boston: a linear layer, mean squared error, SGD', () => {
    compare(() => {
      const x = randn(64, 13)
      const y = randn(64, 1)
      const model = new nn.Linear(13, 1)
      return train(model, new optim.SGD(model.parameters(), { lr: 1e-2 }), () => F.mseLoss(model.forward(x), y))
    }, 1000)
  })

  test('breast cancer: sigmoid, binary cross entropy, momentum', () => {
    compare(() => {
      const x = randn(64, 30)
      const y = rand(64, 1).gt(0.5).float()
      const model = new nn.Sequential(new nn.Linear(30, 1), new nn.Sigmoid())
      const loss = new nn.BCELoss()
      const optimizer = new optim.SGD(model.parameters(), { lr: 1e-2, momentum: 0.9, weightDecay: 1e-3 })
      return train(model, optimizer, () => loss.forward(model.forward(x) as Tensor, y))
    }, 1000)
  })

  test('Adam with dropout and batch norm: counters, draws and running statistics are repeated', () => {
    compare(() => {
      const x = randn(32, 8)
      const y = randn(32, 2)
      const model = new nn.Sequential(
        new nn.Linear(8, 16),
        new nn.BatchNorm1d(16),
        new nn.ReLU(),
        new nn.Dropout(0.3),
        new nn.Linear(16, 2),
      )
      const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 })
      return train(model, optimizer, () => F.mseLoss(model.forward(x) as Tensor, y))
    }, 1000)
  })

  test('a schedule: the learning rate is read anew at every step', () => {
    compare(() => {
      const x = randn(16, 4)
      const y = randn(16, 1)
      const model = new nn.Linear(4, 1)
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 })
      const scheduler = new optim.lrScheduler.StepLR(optimizer, 50, { gamma: 0.5 })
      const run = train(model, optimizer, () => F.mseLoss(model.forward(x), y))
      return {
        ...run,
        step: () => {
          const loss = run.step()
          scheduler.step()
          return loss
        },
      }
    }, 400)
  })
})

describe('replay', () => {
  test('does not run the step again, and results are new tensors', () => {
    const w = tensor([1, 2, 3])
    let calls = 0
    const step = compile(() => {
      calls++
      noGrad(() => w.mul_(2))
      return w.sum()
    })
    const results = Array.from({ length: 7 }, () => step())
    expect(calls).toBe(3)
    expect(results.map((x) => x.item())).toEqual([12, 24, 48, 96, 192, 384, 768])
    step()
    expect(calls).toBe(4)
  })

  test('an in-place write raises the version, so that a stale gradient is still refused', () => {
    const w = tensor([1, 2], { requiresGrad: true })
    const step = compile(() => {
      noGrad(() => w.add_(1))
      return w.detach().sum()
    })
    for (let i = 0; i < 4; i++) step()
    const y = w.exp().mul(w)
    step()
    expect(() => y.sum().backward()).toThrow('has been modified by an inplace operation')
  })

  test('train and eval, and which parameters need gradients, are noticed', () => {
    const model = new nn.Sequential(new nn.Dropout(0.5))
    const x = zeros(100).add(1)
    const step = compile(() => (model.forward(x) as Tensor).sum())
    for (let i = 0; i < 6; i++) step()
    model.eval()
    expect(step().item()).toBe(100)
  })
})

describe('what cannot be captured', () => {
  test('item() inside', () => {
    const x = tensor([1, 2])
    const step = compile(() => {
      x.sum().item()
      return x
    })
    expect(() => step()).toThrow('item() cannot be called inside a compiled step')
    expect(x.sum().item()).toBe(3)
  })

  test('a number that differs at every call names the instruction and both values', () => {
    const x = tensor([1, 2])
    let n = 0
    const step = compile(() => x.mul(n++))
    expect(() => {
      for (let i = 0; i < 10; i++) step()
    }).toThrow(
      /differs from call to call: instruction 0 at .*compile.test.ts:\d+:\d+ was mul\(float32\[2\], 6\), then mul\(float32\[2\], 7\)/,
    )
  })

  test('a result that is no tensor', () => {
    const step = compile((() => ({ loss: 3 })) as never)
    expect(() => [1, 2].map(() => (step as () => unknown)())).toThrow('must return tensors')
  })

  test('a step that throws while it is recorded leaves the device as it was', () => {
    let fail = false
    const x = tensor([1, 2])
    const step = compile(() => {
      if (fail) throw new Error('mine')
      return x.add(1)
    })
    step()
    fail = true
    expect(() => step()).toThrow('mine')
    expect(x.add(1).toNested()).toEqual([2, 3])
  })
})
