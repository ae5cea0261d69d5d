// Compiled steps must equal eager bit for bit, including optimizer state, gradients and the generator, and report what
// cannot be captured.
import { js } from '@flambeau/backend-js'
import {
  compile,
  F,
  Generator,
  getRngState,
  manualSeed,
  nn,
  noGrad,
  optim,
  rand,
  randn,
  randperm,
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

  test('a schedule: the learning rate is read at every step', () => {
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

type MakeOptimizer = (parameters: Iterable<Tensor>) => optim.Optimizer
const sgd =
  (options: optim.SGDOptions): MakeOptimizer =>
  (p) =>
    new optim.SGD(p, options)
const adam =
  (Class: typeof optim.Adam | typeof optim.AdamW, options: optim.AdamOptions = {}): MakeOptimizer =>
  (p) =>
    new Class(p, { lr: 1e-2, ...options })

describe('every optimizer, over shuffled mini-batches with dropout, for 1,000 steps', () => {
  test.each<[string, MakeOptimizer]>([
    ['SGD', sgd({ lr: 1e-2 })],
    ['SGD, weight decay, climbing', sgd({ lr: 1e-4, weightDecay: 0.1, maximize: true })],
    ['SGD, momentum', sgd({ lr: 1e-2, momentum: 0.9 })],
    ['SGD, momentum, dampening, weight decay', sgd({ lr: 1e-2, momentum: 0.9, dampening: 0.3, weightDecay: 0.01 })],
    ['SGD, Nesterov', sgd({ lr: 1e-2, momentum: 0.9, nesterov: true })],
    ['Adam', adam(optim.Adam)],
    ['Adam, weight decay', adam(optim.Adam, { weightDecay: 0.01, betas: [0.8, 0.9], eps: 1e-6 })],
    ['Adam, amsgrad', adam(optim.Adam, { amsgrad: true })],
    ['Adam, climbing', adam(optim.Adam, { lr: 1e-5, maximize: true })],
    ['AdamW', adam(optim.AdamW)],
    ['AdamW, amsgrad', adam(optim.AdamW, { amsgrad: true })],
    ['RMSprop', (p) => new optim.RMSprop(p)],
    ['RMSprop, centered, momentum', (p) => new optim.RMSprop(p, { centered: true, momentum: 0.5, weightDecay: 0.01 })],
  ])('%s', (_, make) => {
    compare(() => {
      const [x, y] = [randn(24, 3), randn(24, 1)]
      const model = new nn.Sequential(new nn.Linear(3, 4), new nn.Tanh(), new nn.Dropout(0.25), new nn.Linear(4, 1))
      return train(model, make(model.parameters()), () => {
        const batch = randperm(24).slice(0, 0, 8)
        return F.mseLoss(model.forward(x.indexSelect(0, batch)) as Tensor, y.indexSelect(0, batch))
      })
    }, 1000)
  })

  test('two optimizers, a schedule for each, batch norm averaging over all batches, a generator of its own', () => {
    compare(() => {
      const generator = new Generator().manualSeed(11)
      const model = new nn.Sequential(
        new nn.Linear(3, 4),
        new nn.BatchNorm1d(4, { momentum: null }),
        new nn.Linear(4, 1),
      )
      const [first, , last] = model as unknown as [nn.Linear, nn.Module, nn.Linear]
      const one = new optim.Adam(first.parameters(), { lr: 1e-2 })
      const two = new optim.SGD(last.parameters(), { lr: 1e-2, momentum: 0.5 })
      const schedules = [
        new optim.lrScheduler.StepLR(one, 100, { gamma: 0.7 }),
        new optim.lrScheduler.ExponentialLR(two, 0.999),
      ]
      const step = (): Tensor => {
        const x = randn([16, 3], { generator })
        const loss = F.mseLoss(model.forward(x) as Tensor, x.sum(1, { keepdim: true }))
        model.zeroGrad()
        loss.backward()
        one.step()
        two.step()
        for (const schedule of schedules) schedule.step()
        return loss
      }
      return { model, optimizer: one, step }
    }, 1000)
  })

  test('gradients that accumulate over two batches and are cleared by hand with zeros', () => {
    compare(() => {
      const [x, y] = [randn(16, 3), randn(16, 1)]
      const model = new nn.Linear(3, 1)
      const optimizer = new optim.SGD(model.parameters(), { lr: 1e-2 })
      const step = (): Tensor => {
        optimizer.zeroGrad({ setToNone: false })
        const losses = [0, 8].map((i) =>
          F.mseLoss(model.forward(x.slice(0, i, i + 8)), y.slice(0, i, i + 8)).add(randn([]).mul(0.01)),
        )
        for (const loss of losses) loss.backward()
        noGrad(() => {
          for (const p of model.parameters()) p.sub_((p.grad as Tensor).mul(0.01))
        })
        return losses[0].add(losses[1])
      }
      return { model, optimizer, step }
    }, 1000)
  })
})

describe('fused ops', () => {
  const steps: Record<string, (x: Tensor) => Tensor> = {
    'a product overflows': (x) => x.mul(1e30).mul(1e-30),
    'a product vanishes': (x) => x.mul(1e-30).mul(1e30),
    'a sum loses digits': (x) => x.add(16777216).sub(16777216),
    'a choice is of float32s': (x) => x.mul(0.1).leakyRelu(0.1).neg().clamp(-3, 1e30).mul(3),
    'a sum adds up float32s': (x) => x.div(3).sum(),
    'a whole number was rounded before': (x) => x.div(3).mul(3).floor(),
  }
  test.each(Object.keys(steps))('%s round like stores to memory', (name) => {
    const x = tensor([1e30, -1e30, 1e-30, 0.1, -0.7, 3, 16777215, -0, Number.NaN])
    const step = compile(() => steps[name](x))
    step()
    step()
    expect(step().toNested()).toEqual(steps[name](x).toNested())
  })

  test('float32 overflows where it does in PyTorch', () => {
    const x = tensor([1e30])
    const step = compile(() => [x.mul(1e30).mul(1e-30), x.mul(1e-38).mul(1e-38).mul(1e38)])
    step()
    step()
    expect(step().map((y) => y.item())).toEqual([Number.POSITIVE_INFINITY, 0])
  })
})

describe('a recorded call, whose results the program computes', () => {
  /** A step that uses its second parameter from its second call on, or whose optimizer is new in every call. */
  const steps = (anew: boolean) => {
    const [a, b] = [tensor([1, 2], { requiresGrad: true }), tensor([3, 4], { requiresGrad: true })]
    const make = () => new optim.SGD([a, b], { lr: 0.1, momentum: 0.9 })
    const kept = make()
    let calls = 0
    const step = () => {
      const first = calls++ === 0
      const loss = first ? a.mul(a).sum() : a.mul(b).sum()
      const optimizer = anew ? make() : kept
      optimizer.zeroGrad()
      loss.backward()
      optimizer.step()
      return loss
    }
    const state = () => [a, b, ...(anew ? [] : [a, b].map((p) => kept.state.get(p)?.momentumBuffer as Tensor))]
    return { step, state: () => state().map((x) => x?.tolist()), count: () => calls }
  }

  test.each([false, true])('state that the step creates in a later call; in every call: %s', (anew) => {
    const [eager, compiled] = [steps(anew), steps(anew)]
    const step = compile(compiled.step)
    for (let call = 0; call < 6; call++) {
      expect(step().item()).toBe(eager.step().item())
      expect(compiled.state()).toEqual(eager.state())
    }
    // Its own code ran again where only that creates the state. Then two recordings have agreed.
    expect(compiled.count()).toBe(anew ? 4 : 5)
  })

  test('an error of the program leaves everything as it was', () => {
    const w = tensor([1, 2, 3], { requiresGrad: true })
    const step = compile((index: Tensor) => {
      const loss = w.mul(2).gather(0, index).sum()
      w.grad = null
      loss.backward()
      noGrad(() => w.sub_(w.grad as unknown as Tensor))
      return loss
    })
    const [good, bad] = [tensor([1], { dtype: 'int32' }), tensor([3], { dtype: 'int32' })]
    expect(step(good).item()).toBe(4)
    const [version, grad] = [w.version, w.grad]
    for (let i = 0; i < 2; i++) expect(() => step(bad)).toThrow('out of bounds')
    expect(w.version).toBe(version)
    expect(w.grad).toBe(grad)
    expect(w.tolist()).toEqual([1, 0, 3])
    expect([1, 2, 3].map(() => step(good).item())).toEqual([0, -4, -8])
  })

  test('a tensor that it made and did not return cannot be used', () => {
    const kept: Tensor[] = []
    const step = compile(() => {
      const x = zeros(3)
      kept.push(x)
      return x
    })
    for (let i = 0; i < 3; i++) step()
    expect(kept[0].tolist()).toEqual([0, 0, 0])
    for (const x of kept.slice(1)) expect(() => x.tolist()).toThrow('a tensor that was made inside a compiled step')
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

test('assigning one value through a mask reads no positions, so the mask may change', () => {
  const [x, one] = [randn(3, 4), randn(1)]
  const masks: readonly (() => Tensor)[] = [() => x.gt(0), () => x.select(1, 0).gt(0)]
  const step = (): readonly Tensor[] => masks.flatMap((mask) => [7, one].map((value) => x.clone().setAt(mask(), value)))
  const compiled = compile(step)
  for (let i = 0; i < 5; i++) {
    x.copy_(randn(3, 4))
    expect(compiled().map((y) => [...y.toArray()])).toStrictEqual(step().map((y) => [...y.toArray()]))
  }
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

  test.each([0, 1])('an effect at every other call is reported: %i', (odd) => {
    const x = randn(3)
    let n = 0
    const step = compile(() => {
      if (n++ % 2 === odd) manualSeed(3)
      return x.mul(2)
    })
    expect(() => {
      for (let i = 0; i < 12; i++) step()
    }).toThrow(
      /besides its instructions the step did (a counter or schedule, then nothing more|nothing more, then a counter or schedule)/,
    )
  })

  test('a result that is not a tensor', () => {
    const step = compile((() => ({ loss: 3 })) as never)
    expect(() => [1, 2].map(() => (step as () => unknown)())).toThrow('must return tensors')
  })

  test('a step that throws while it is recorded restores the seed', () => {
    let fail = false
    const step = compile(() => {
      manualSeed(3)
      if (fail) throw new Error('no')
      return rand(2)
    })
    step()
    const before = rand(5) && [...getRngState().toArray()]
    fail = true
    expect(() => step()).toThrow('no')
    expect([...getRngState().toArray()]).toStrictEqual(before)
  })

  test('a step that throws while it is recorded leaves the device unchanged', () => {
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
