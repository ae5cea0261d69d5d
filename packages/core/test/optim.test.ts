// Optimizers and schedulers: trajectories, single steps bit for bit, states, texts and errors as in real PyTorch
// (tools/golden/train.py, tools/golden/nn.py); saving, resuming, recording.
import { js } from '@flambeau/backend-js'
import {
  compile,
  deepCopy,
  F,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  rand,
  Tensor,
  tensor,
  useDevice,
  zeros,
} from '@flambeau/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  bitsOf,
  expectClose,
  expectError,
  type GoldenError,
  type GoldenTensor,
  isGolden,
  made,
  readGolden,
} from './golden-tensors.ts'

useDevice(js())
afterEach(() => void vi.restoreAllMocks())

const kinds = ['SGD', 'Adam', 'AdamW', 'RMSprop'] as const
type Kind = (typeof kinds)[number]
/** Options with which each keeps a state. */
const firstOptions = {
  SGD: { lr: 0.1, momentum: 0.9 },
  Adam: { amsgrad: true },
  AdamW: { amsgrad: true },
  RMSprop: { centered: true },
} as const
type Options = Readonly<Record<string, unknown>>
interface Run {
  readonly optimizer: Kind
  readonly options: Options
  readonly groups?: readonly (Options & { readonly params: 'weight' | 'bias' })[]
}
interface Trajectory extends Run {
  readonly name: string
  readonly changes?: Readonly<Record<number, Options>>
  readonly losses: readonly number[]
  readonly weight: readonly (readonly number[])[]
  readonly bias: readonly (readonly number[])[]
}
const golden = readGolden<{
  readonly problem: Readonly<Record<'x' | 'y' | 'weight' | 'bias', GoldenTensor>>
  readonly trajectories: readonly Trajectory[]
  readonly skipped: readonly (Trajectory & { readonly numbered: readonly number[] })[]
  readonly schedulers: readonly {
    readonly name: 'StepLR' | 'ExponentialLR'
    readonly options: Options
    readonly optimizer: Kind
    readonly optimizerOptions: Options
    readonly lrs: readonly number[]
    readonly weight: readonly (readonly number[])[]
  }[]
  readonly states: readonly (Run & {
    readonly state: { readonly state: Readonly<Record<string, Options>>; readonly paramGroups: readonly Options[] }
  })[]
  readonly reprs: readonly (Run & { readonly text: string })[]
  readonly errors: Readonly<Record<string, GoldenError>>
}>('optim')
const steps = readGolden<{
  readonly cases: readonly (Run & { readonly after: Readonly<Record<string, readonly string[]>> })[]
}>('steps')

const [x, y] = [made(golden.problem.x), made(golden.problem.y)]
const start = (): { weight: Tensor; bias: Tensor } => ({
  weight: made(golden.problem.weight, true),
  bias: made(golden.problem.bias, true),
})
const construct = (kind: Kind, params: unknown, options: Options = {}): optim.Optimizer =>
  new (optim[kind] as unknown as new (params: unknown, options: Options) => optim.Optimizer)(params, options)
const build = ({ optimizer, options, groups }: Run, parts: ReturnType<typeof start>): optim.Optimizer => {
  const params = groups?.map(({ params, ...own }) => ({ ...own, params: [parts[params]] })) ?? [
    parts.weight,
    parts.bias,
  ]
  return construct(optimizer, params, options)
}
const lossOf = ({ weight, bias }: ReturnType<typeof start>, useBias = true): Tensor =>
  F.mseLoss(F.linear(x, weight, useBias ? bias : null), y)
const train = (optimizer: optim.Optimizer, parts: ReturnType<typeof start>, useBias = true): Tensor => {
  const loss = lossOf(parts, useBias)
  optimizer.zeroGrad()
  loss.backward()
  optimizer.step()
  return loss
}
const values = (t: Tensor): number[] => Array.from(t.detach().toArray())
const near = (found: readonly number[], wanted: readonly number[], tolerance = 2e-6): void =>
  found.forEach((value, i) => {
    if (Math.abs(value - wanted[i]) > tolerance * Math.max(1, Math.abs(wanted[i]))) expect(found).toEqual(wanted)
  })

describe('ten steps of training as in PyTorch', () => {
  const follow = (record: Trajectory, useBias: boolean): optim.Optimizer => {
    const parts = start()
    const optimizer = build(record, parts)
    record.losses.forEach((wanted, k) => {
      for (const group of optimizer.paramGroups) Object.assign(group, record.changes?.[k])
      near([train(optimizer, parts, useBias).item()], [wanted])
      near(values(parts.weight), record.weight[k])
      near(values(parts.bias), record.bias[k])
    })
    return optimizer
  }
  for (const record of golden.trajectories) it(`${record.optimizer}: ${record.name}`, () => void follow(record, true))
  for (const record of golden.skipped)
    it(`${record.optimizer}: a parameter without a gradient is unchanged and has no state`, () => {
      const { state } = follow(record, false).stateDict()
      expect(Object.keys(state).map(Number)).toEqual(record.numbered)
    })
})

describe('single steps bit for bit', () => {
  for (const { optimizer: kind, options, after } of steps.cases) {
    it(`${kind} ${JSON.stringify(options)}`, () => {
      const p = tensor(
        Array.from({ length: 37 }, (_, i) => (((11 * i + 5) % 23) - 11) / 7.3),
        { requiresGrad: true },
      )
      const optimizer = construct(kind, [p], options)
      for (let k = 0; k < 6; k++) {
        p.grad = tensor(Array.from({ length: 37 }, (_, i) => (((7 * i + 13 * k + 3) % 29) - 14) / 9.7))
        optimizer.step()
        if (String(k + 1) in after) expect(bitsOf(p)).toEqual(after[k + 1])
      }
    })
  }

  it('is one kernel for each parameter', () => {
    for (const kind of kinds) {
      const parts = start()
      const optimizer = construct(kind, Object.values(parts), {
        weightDecay: 0.1,
        ...(kind === 'SGD' && { momentum: 0.9 }),
      })
      train(optimizer, parts)
      lossOf(parts).backward()
      const run = vi.spyOn(js(), 'run')
      optimizer.step()
      expect(run).toHaveBeenCalledTimes(2)
      run.mockRestore()
    }
  })

  it('works on views and float64', () => {
    const base = zeros(2, 3, { dtype: 'float64' })
    const p = base.t().detach().setRequiresGrad(true)
    const optimizer = new optim.Adam([p], { lr: 0.5 })
    p.mul(tensor([[1, -1], [2, -2], [3, -3]], { dtype: 'float64' })).sum().backward() // biome-ignore format: a matrix
    optimizer.step()
    near(values(base), [-0.5, -0.5, -0.5, 0.5, 0.5, 0.5], 1e-7)
    expect(p.dtype).toBe('float64')
  })
})

describe('schedulers', () => {
  for (const { name, options, optimizer: kind, optimizerOptions, lrs, weight } of golden.schedulers) {
    it(`${name} ${JSON.stringify(options)} of ${kind}`, () => {
      const parts = start()
      const optimizer = construct(kind, Object.values(parts), optimizerOptions)
      const scheduler = new (
        optim.lrScheduler[name] as new (
          o: optim.Optimizer,
          options: Options,
        ) => optim.lrScheduler.LRScheduler
      )(optimizer, options)
      lrs.forEach((lr, k) => {
        train(optimizer, parts)
        scheduler.step()
        expect(scheduler.getLastLr()).toEqual([lr])
        near(values(parts.weight), weight[k])
      })
      expect(scheduler.lastEpoch).toBe(10)
    })
  }

  it('warns if it is stepped before the optimizer', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const optimizer = new optim.SGD([ones(2, { requiresGrad: true })], { lr: 1 })
    const scheduler = new optim.lrScheduler.StepLR(optimizer, 2)
    scheduler.step()
    expect(warn.mock.calls[0][0]).toContain('Detected call of `lr_scheduler.step()` before `optimizer.step()`.')
  })

  it('sets the rates of a scheduler and steps an optimizer of the user’s own, and names the call that is missing', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    class Lion extends optim.Optimizer {
      override step(): undefined {
        for (const { params, lr } of this.paramGroups)
          for (const p of params) noGrad(() => p.sub_(p.grad!.sign().mul(lr)))
      }
    }
    class Warmup extends optim.lrScheduler.LRScheduler {
      steps: number

      constructor(optimizer: optim.Optimizer, steps: number, starts = true) {
        super(optimizer)
        this.steps = steps
        if (starts) this.start()
      }
      protected override getLr(): number[] {
        return this.baseLrs.map((lr) => (lr * (this.lastEpoch + 1)) / this.steps)
      }
    }
    const a = ones(2, { requiresGrad: true })
    const optimizer = new Lion([a], { lr: 1 })
    const scheduler = new Warmup(optimizer, 4)
    for (const sum of [1.5, 0.5]) {
      a.sum().backward()
      optimizer.step()
      scheduler.step()
      expect(a.sum().item()).toBe(sum)
    }
    expect(warn).not.toHaveBeenCalled()
    const unset = new Warmup(optimizer, 4, false)
    expect(() => unset.step()).toThrow('Warmup has set no initial learning rates')
  })

  it('continues from a state', () => {
    const make = () => {
      const optimizer = new optim.SGD([ones(2, { requiresGrad: true })], { lr: 1 })
      return { optimizer, scheduler: new optim.lrScheduler.StepLR(optimizer, { stepSize: 2, gamma: 0.5 }) }
    }
    const [a, b] = [make(), make()]
    const steps = (n: number, { optimizer, scheduler }: typeof a) => {
      for (let i = 0; i < n; i++) {
        optimizer.step()
        scheduler.step()
      }
    }
    steps(3, a)
    b.optimizer.loadStateDict(a.optimizer.stateDict())
    b.scheduler.loadStateDict(a.scheduler.stateDict())
    expect(b.scheduler.getLastLr()).toEqual([0.5])
    steps(1, a)
    steps(1, b)
    expect(b.optimizer.paramGroups[0].lr).toBe(0.25)
    expect(b.optimizer.paramGroups[0].lr).toBe(a.optimizer.paramGroups[0].lr)
  })

  it('names what is missing to resume, and requires an optimizer', () => {
    const optimizer = new optim.SGD([ones(2, { requiresGrad: true })], { lr: 1 })
    expectError(() => new optim.lrScheduler.ExponentialLR(optimizer, { gamma: 0.5, lastEpoch: 3 }), {
      error: 'KeyError',
      message: "param 'initial_lr' is not specified in param_groups[0] when resuming an optimizer",
    })
    expectError(() => new optim.lrScheduler.StepLR({} as never, 1), {
      error: 'TypeError',
      message: 'dict is not an Optimizer',
    })
    expect(optimizer.paramGroups[0].lr).toBe(1)
  })
})

describe('states', () => {
  const same = (found: unknown, wanted: unknown): void => {
    if (isGolden(wanted)) expectClose(found as Tensor, wanted, 2e-6)
    else if (Array.isArray(wanted) || wanted === null || typeof wanted !== 'object') expect(found).toEqual(wanted)
    else {
      expect(Object.keys(found as object)).toEqual(Object.keys(wanted))
      for (const [key, value] of Object.entries(wanted)) same((found as Options)[key], value)
    }
  }
  for (const record of golden.states) {
    it(`${record.optimizer} ${JSON.stringify(record.options)} after three steps`, () => {
      const parts = start()
      const optimizer = build(record, parts)
      for (let k = 0; k < 3; k++) train(optimizer, parts)
      const { state, paramGroups } = optimizer.stateDict()
      same(state, record.state.state)
      paramGroups.forEach((group, i) => {
        const wanted = record.state.paramGroups[i]
        expect(Object.keys(group).sort()).toEqual(Object.keys(wanted).sort())
        expect(group).toEqual(wanted)
      })
    })

    it(`${record.optimizer} ${JSON.stringify(record.options)} resumed from PyTorch's state`, () => {
      const parts = start()
      const optimizer = build(record, parts)
      for (let k = 0; k < 3; k++) train(optimizer, parts)
      const resumed = {
        weight: parts.weight.detach().clone().setRequiresGrad(true),
        bias: parts.bias.detach().clone().setRequiresGrad(true),
      }
      const other = construct(record.optimizer, Object.values(resumed), { lr: 5 })
      const snake = (key: string): string => key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)
      const renamed = (entries: Options): Options =>
        Object.fromEntries(
          Object.entries(entries).map(([key, value]) => [snake(key), isGolden(value) ? made(value) : value]),
        )
      other.loadStateDict({
        state: new Map(Object.entries(record.state.state).map(([n, own]) => [Number(n), renamed(own)])),
        param_groups: record.state.paramGroups.map(renamed),
      })
      for (let k = 0; k < 3; k++) {
        train(optimizer, parts)
        train(other, resumed)
      }
      near(values(resumed.weight), values(parts.weight))
      near(values(resumed.bias), values(parts.bias))
    })
  }

  it('continue exactly after saving and loading, and are not shared with the copy', () => {
    for (const [kind, options] of [
      ['SGD', { lr: 0.1, momentum: 0.9 }],
      ['Adam', { lr: 0.1, amsgrad: true }],
      ['AdamW', {}],
      ['RMSprop', { momentum: 0.9, centered: true }],
    ] as const) {
      const parts = start()
      const optimizer = construct(kind, Object.values(parts), options)
      train(optimizer, parts)
      train(optimizer, parts)
      const kept = deepCopy(optimizer.stateDict())
      const copy = { weight: deepCopy(parts.weight), bias: deepCopy(parts.bias) }
      train(optimizer, parts)
      const other = construct(kind, Object.values(copy))
      other.loadStateDict(kept)
      train(other, copy)
      expect(bitsOf(copy.weight)).toEqual(bitsOf(parts.weight))
      expect(bitsOf(copy.bias)).toEqual(bitsOf(parts.bias))
      // The loaded state itself is unchanged.
      const again = construct(kind, Object.values(copy))
      again.loadStateDict(kept)
      for (const [key, value] of Object.entries(kept.state[0])) {
        const loaded = again.stateDict().state[0][key]
        expect(String(loaded)).toBe(String(value))
        if (value instanceof Tensor) expect((loaded as Tensor).storage).not.toBe(value.storage)
      }
    }
  })

  it('follow their parameters to another dtype', () => {
    const model = new nn.Linear(2, 1)
    const optimizer = new optim.Adam(model.parameters())
    model.forward(ones(1, 2)).sum().backward()
    optimizer.step()
    const kept = optimizer.stateDict()
    model.double()
    const other = new optim.Adam(model.parameters())
    other.loadStateDict(kept)
    expect(other.state.get(model.weight)?.expAvg.dtype).toBe('float64')
    model.zeroGrad()
    model
      .forward(ones(1, 2, { dtype: 'float64' }))
      .sum()
      .backward()
    other.step()
    expect(model.weight.dtype).toBe('float64')
  })

  it('are refused if they do not fit, and nothing is changed', () => {
    const p = ones(2, { requiresGrad: true })
    const optimizer = new optim.SGD([p], { lr: 1, momentum: 0.5 })
    const two = new optim.SGD([{ params: [ones(1)] }, { params: [ones(1)] }], { lr: 9 })
    expectError(() => optimizer.loadStateDict(two.stateDict()), golden.errors['loadStateDict other groups'])
    const larger = new optim.SGD([ones(1), ones(1)], { lr: 9 })
    expectError(() => optimizer.loadStateDict(larger.stateDict()), golden.errors['loadStateDict other sizes'])
    expect(optimizer.paramGroups[0].lr).toBe(1)
    expect(optimizer.paramGroups[0].params[0]).toBe(p)
  })
})

describe('texts and errors', () => {
  for (const record of golden.reprs) {
    it(`prints ${record.optimizer} ${JSON.stringify(record.options)}`, () => {
      expect(String(build(record, start()))).toBe(record.text)
    })
  }

  const p = [ones(2, { requiresGrad: true })]
  const wrong: Readonly<Record<string, () => unknown>> = {
    'SGD lr -1': () => new optim.SGD(p, { lr: -1 }),
    'SGD momentum -1': () => new optim.SGD(p, { lr: 1, momentum: -1 }),
    'SGD weightDecay -1': () => new optim.SGD(p, { lr: 1, weightDecay: -1 }),
    'SGD nesterov without momentum': () => new optim.SGD(p, { lr: 1, nesterov: true }),
    'SGD nesterov with dampening': () => new optim.SGD(p, { lr: 1, momentum: 0.9, dampening: 0.1, nesterov: true }),
    'SGD no parameters': () => new optim.SGD([], { lr: 1 }),
    'SGD non-leaf': () => new optim.SGD([p[0].mul(2)], { lr: 1 }),
    'SGD two groups': () => new optim.SGD([{ params: p }, { params: p }], { lr: 1 }),
    'SGD a tensor': () => new optim.SGD(p[0] as never, { lr: 1 }),
    'SGD a number': () => new optim.SGD([1] as never, { lr: 1 }),
    'SGD None': () => new optim.SGD([null] as never, { lr: 1 }),
    'SGD a group that is None': () => new optim.SGD([{ params: p }, null] as never, { lr: 1 }),
    'SGD a group that is a number': () => new optim.SGD([{ params: p }, 1] as never, { lr: 1 }),
    'SGD a group without params': () => new optim.SGD([{ lr: 1 }] as never, { lr: 1 }),
    'SGD params None': () => new optim.SGD([{ params: null }] as never, { lr: 1 }),
    'SGD params a number': () => new optim.SGD([{ params: 1 }] as never, { lr: 1 }),
    'Adam lr -1': () => new optim.Adam(p, { lr: -1 }),
    'Adam eps -1': () => new optim.Adam(p, { eps: -1 }),
    'Adam beta1 1': () => new optim.Adam(p, { betas: [1, 0.9] }),
    'Adam beta2 -1': () => new optim.Adam(p, { betas: [0.9, -1] }),
    'Adam weightDecay -1': () => new optim.Adam(p, { weightDecay: -1 }),
    'AdamW lr -1': () => new optim.AdamW(p, { lr: -1 }),
    'RMSprop lr -1': () => new optim.RMSprop(p, { lr: -1 }),
    'RMSprop momentum -1': () => new optim.RMSprop(p, { momentum: -1 }),
    'RMSprop alpha -1': () => new optim.RMSprop(p, { alpha: -1 }),
    'RMSprop eps -1': () => new optim.RMSprop(p, { eps: -1 }),
    'RMSprop weightDecay -1': () => new optim.RMSprop(p, { weightDecay: -1 }),
  }
  for (const [key, error] of Object.entries(golden.errors)) {
    if (key.startsWith('loadStateDict')) continue
    it(key, () => expectError(wrong[key], error))
  }

  it('refuses unknown options, and lists the known ones', () => {
    expect(() => new optim.SGD(p, { weight_decay: 1 } as never)).toThrow(
      /^__init__\(\) got an unexpected keyword argument 'weight_decay'\nDid you mean weightDecay\? It takes lr, momentum/,
    )
    expect(() => new optim.Adam(p, { fused: true } as never)).toThrow('the option fused is not supported')
  })

  it('reports invalid lists of parameters', () => {
    const model = new nn.Linear(1, 1)
    expectError(() => new optim.SGD(model.namedParameters() as never), {
      error: 'TypeError',
      message: 'optimizer can only optimize Tensors, but one of the params is list',
    })
    expectError(() => new optim.SGD(3 as never), {
      error: 'TypeError',
      message: 'params argument given to the optimizer should be an iterable of Tensors or dicts, but got int',
    })
  })

  it('throws for a subclass that defines no step', () => {
    const optimizer = new optim.Optimizer(p, {})
    p[0].grad = ones(2)
    expect(() => optimizer.step()).toThrow('Optimizer overrides neither updateParameter nor step')
    p[0].grad = null
  })
})

describe('groups, closures, gradients', () => {
  it('accepts another group later, with its own options', () => {
    const [a, b] = [ones(1, { requiresGrad: true }), ones(1, { requiresGrad: true })]
    const optimizer = new optim.SGD([a], { lr: 1 })
    optimizer.addParamGroup({ params: b, lr: 0.25 })
    expectError(() => optimizer.addParamGroup({ params: [b] }), golden.errors['SGD two groups'])
    a.add(b).backward()
    optimizer.step()
    expect([a.item(), b.item()]).toEqual([0, 0.75])
  })

  it('reads the learning rate at every step', () => {
    const a = ones(1, { requiresGrad: true })
    const optimizer = new optim.SGD([a], { lr: 1 })
    a.sum().backward()
    optimizer.step()
    optimizer.paramGroups[0].lr = 0.5
    optimizer.step()
    expect(a.item()).toBe(-0.5)
  })

  it('evaluates a closure with gradients on, and returns its loss', () => {
    const a = ones(1, { requiresGrad: true })
    const optimizer = new optim.SGD([a], { lr: 0.5 })
    const loss = noGrad(() =>
      optimizer.step(() => {
        optimizer.zeroGrad()
        const loss = a.mul(a).sum()
        loss.backward()
        return loss
      }),
    )
    expect([loss.item(), a.item()]).toEqual([1, 0])
  })

  it('sets gradients to null, or to zeros', () => {
    const a = ones(2, { requiresGrad: true })
    const optimizer = new optim.SGD([a])
    a.sum().backward()
    const { grad } = a
    optimizer.zeroGrad({ setToNone: false })
    expect(a.grad).toBe(grad)
    expect(values(a.grad as Tensor)).toEqual([0, 0])
    a.mul(a).sum().backward(null, { createGraph: true })
    expect(a.grad?.requiresGrad).toBe(true)
    optimizer.zeroGrad({ setToNone: false })
    expect([a.grad?.requiresGrad, ...values(a.grad as Tensor)]).toEqual([false, 0, 0])
    optimizer.zeroGrad()
    expect(a.grad).toBeNull()
  })

  it('lets a subclass define the update of one parameter', () => {
    class SignDescent extends optim.Optimizer<{ lr: number }> {
      protected override updateParameter(p: Tensor, grad: Tensor, { lr }: { lr: number }): void {
        noGrad(() => p.sub_(grad.sign().mul(lr)))
      }
    }
    const a = tensor([1, -1], { requiresGrad: true })
    const optimizer = new SignDescent([a], { lr: 0.25 })
    a.mul(a).sum().backward()
    optimizer.step()
    expect(values(a)).toEqual([0.75, -0.75])
  })
})

describe('recorded steps', () => {
  /** Dropout, batch normalisation, a scheduler and momentum or moments: everything that a replay must repeat. */
  const run = (kind: Kind, options: Options, recorded: boolean): Tensor[] => {
    manualSeed(3)
    const model = new nn.Sequential(
      new nn.Linear(3, 4),
      new nn.BatchNorm1d(4, { momentum: null }),
      new nn.LeakyReLU(),
      new nn.Dropout(0.3),
      new nn.Linear(4, 2),
    )
    const optimizer = construct(kind, model.parameters(), options)
    const scheduler = new optim.lrScheduler.ExponentialLR(optimizer, 0.99)
    const step = () => {
      const loss = F.mseLoss(model.forward(x), y)
      optimizer.zeroGrad()
      loss.backward()
      nn.utils.clipGradNorm_(model.parameters(), 0.5)
      optimizer.step()
      scheduler.step()
      return loss
    }
    const train = recorded ? compile(step) : step
    const losses = Array.from({ length: 60 }, () => train().detach().clone())
    return [...losses, ...model.stateDict().values(), rand(2)]
  }
  for (const [kind, options] of [
    ['SGD', { lr: 0.1, momentum: 0.9, nesterov: true }],
    ['Adam', { lr: 0.1, amsgrad: true }],
    ['AdamW', { lr: 0.1 }],
    ['RMSprop', { lr: 0.01, momentum: 0.9, centered: true }],
  ] as const) {
    it(`${kind} equals eager bit for bit`, () => {
      const eager = run(kind, options, false)
      const recorded = run(kind, options, true)
      expect(recorded.map((t) => [t.shape, values(t)])).toEqual(eager.map((t) => [t.shape, values(t)]))
    })
  }

  it('keeps the state of a parameter that gets its first gradient in a later call', () => {
    const states = (kind: Kind, recorded: boolean): unknown[] => {
      const [a, b] = [tensor([1, 2], { requiresGrad: true }), tensor([3, 4], { requiresGrad: true })]
      const optimizer = construct(kind, [a, b], firstOptions[kind])
      let calls = 0
      const step = (): void => {
        optimizer.zeroGrad()
        const loss = calls++ === 0 ? a : a.mul(b)
        loss.sum().backward()
        optimizer.step()
      }
      const train = recorded ? compile(step) : step
      return Array.from({ length: 6 }, () => {
        train()
        const own = [...optimizer.state.values()].flatMap(Object.values)
        return [a, b, ...own].map((x: Tensor | number) => (typeof x === 'number' ? x : values(x)))
      })
    }
    for (const kind of kinds) expect(states(kind, true)).toEqual(states(kind, false))
  })
})
