// Invalid states are refused where they are passed, with PyTorch's sentence (tools/golden/state.py), and nothing has
// changed: gradients, optimizers' states and options, modules' states.
import { js } from '@flambeau/backend-js'
import {
  compile,
  deepCopy,
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
import { describe, expect, it, test } from 'vitest'
import { update } from '../src/ops/write/update.ts'
import { bitsOf, expectError, type GoldenError, readGolden } from './golden-tensors.ts'

useDevice(js())

const golden = readGolden<Readonly<Record<'gradients' | 'states', Readonly<Record<string, GoldenError>>>>>('state')

describe('an invalid gradient', () => {
  const x = ones(3, { requiresGrad: true })
  const given: Readonly<Record<string, unknown>> = {
    'a number': 5,
    'a string': 'x',
    'a list': [1, 2],
    'another size': ones(2),
    'another rank': ones(1, 3),
    'another dtype': ones(3, { dtype: 'float64' }),
    'whole numbers': ones(3, { dtype: 'int32' }),
    itself: x,
  }
  it('has a case for every golden one', () => expect(Object.keys(given)).toEqual(Object.keys(golden.gradients)))
  it.each(Object.entries(golden.gradients))('%s', (name, error) => {
    const before = ones(3)
    x.grad = before
    expectError(() => void (x.grad = given[name] as Tensor), error)
    expect(x.grad).toBe(before)
  })

  it('is null for undefined; views and the elements of the tensor itself are gradients', () => {
    x.grad = undefined as never
    expect(x.grad).toBe(null)
    for (const g of [x.detach(), ones(6).at('::2'), ones(1).expand(3)]) {
      x.grad = g
      expect(x.grad).toBe(g)
    }
  })
})

type Kind = 'SGD' | 'Adam' | 'AdamW' | 'RMSprop'
type Saved = { state: Record<number, Record<string, unknown>>; paramGroups: Record<string, unknown>[] }

/** An optimizer that has made a step, as in tools/golden/state.py. */
function trained(kind: Kind): optim.Optimizer {
  const p = ones(50, { requiresGrad: true })
  const optimizer =
    kind === 'SGD'
      ? new optim.SGD([p], { lr: 0.1, momentum: 0.9 })
      : kind === 'RMSprop'
        ? new optim.RMSprop([p], { momentum: 0.9, centered: true })
        : new optim[kind]([p], { amsgrad: true })
  p.grad = ones(50)
  optimizer.step()
  return optimizer as unknown as optim.Optimizer
}

/** The complete state of an optimizer, to the bit. */
const textOf = (optimizer: optim.Optimizer): string =>
  JSON.stringify([optimizer.stateDict(), optimizer.stepCount, optimizer.paramGroups[0].params], (_, x) =>
    x?.toArray === undefined ? x : [x.shape, x.dtype, ...bitsOf(x)],
  )

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase())

/** Makes the change named by a golden case. */
function change(saved: Saved, name: string): void {
  const [, group, entry] = name.match(/^\w+( group)? without (\w+)$/) ?? []
  if (entry !== undefined) {
    delete (group === undefined ? (saved as unknown as Record<string, unknown>) : saved.paramGroups[0])[camel(entry)]
    return
  }
  const [, key, what] = name.match(/^\w+ (\w+) (.+)$/) as RegExpMatchArray
  const own = saved.state[0]
  if (what === 'missing') delete own[camel(key)]
  else own[camel(key)] = what === 'text' ? 'x' : ones(JSON.parse(what))
}

describe('a saved state that does not fit its parameter is refused, and nothing has changed', () => {
  it.each(Object.entries(golden.states))('%s', (name, error) => {
    const kind = name.split(' ')[0] as Kind
    const saved = deepCopy(trained(kind).stateDict()) as unknown as Saved
    change(saved, name)
    const optimizer = trained(kind)
    const before = textOf(optimizer)
    expectError(() => optimizer.loadStateDict(saved), error)
    expect(textOf(optimizer)).toBe(before)
  })

  type Change = (saved: Saved) => void
  it.each<[string, Change, string]>([
    [
      'a rate that is text',
      ({ paramGroups: [g] }) => void (g.lr = 'x'),
      "Adam(): argument 'lr' must be float, not str",
    ],
    [
      'a rate of null',
      ({ paramGroups: [g] }) => void (g.lr = null),
      "Adam(): argument 'lr' must be float, not NoneType",
    ],
    [
      'one beta',
      ({ paramGroups: [g] }) => void (g.betas = [0.9]),
      "Adam(): argument 'betas' must have 2 elements, not 1",
    ],
    [
      'betas of text',
      ({ paramGroups: [g] }) => void (g.betas = [0.9, 'x']),
      "argument 'betas' must be tuple of floats",
    ],
    ['a switch of text', ({ paramGroups: [g] }) => void (g.amsgrad = 'x'), "argument 'amsgrad' must be bool, not str"],
    ['steps of text', ({ state }) => void (state[0].step = 'x'), "could not convert string to float: 'x'"],
    ['steps of NaN', ({ state }) => void (state[0].step = tensor(Number.NaN)), 'Invalid step: NaN'],
    ['steps of several numbers', ({ state }) => void (state[0].step = ones(2)), 'a Tensor with 2 elements cannot be'],
    ['an average of null', ({ state }) => void (state[0].expAvg = null), "'NoneType' object has no attribute 'mul_'"],
    ['a state that is text', ({ state }) => void (state[0] = 'x' as never), "'str' object is not subscriptable"],
    ['a state of null', ({ state }) => void (state[0] = null as never), "'NoneType' object is not subscriptable"],
    [
      'a state that is a tensor',
      ({ state }) => void (state[0] = ones(2) as never),
      "'torch.FloatTensor' object is not",
    ],
    ['a group of null', (saved) => void (saved.paramGroups[0] = null as never), "'NoneType' object is not"],
    ['states in a list', (saved) => void (saved.state = [] as never), "'list' object is not subscriptable"],
    ['groups of null', (saved) => void (saved.paramGroups = null as never), "'NoneType' object is not subscriptable"],
    [
      'a state that was freed',
      ({ state }) => (state[0].expAvg as Tensor).dispose(),
      'a tensor is used after dispose()',
    ],
  ])('%s', (_, change, message) => {
    const saved = deepCopy(trained('Adam').stateDict()) as unknown as Saved
    change(saved)
    const optimizer = trained('Adam')
    const before = textOf(optimizer)
    expect(() => optimizer.loadStateDict(saved)).toThrow(message)
    expect(textOf(optimizer)).toBe(before)
  })

  it.each([undefined, null])('is accepted without a momentum, %s: the next step is a first one', (momentumBuffer) => {
    const after = (load: boolean): string[] => {
      const p = ones(2, { requiresGrad: true })
      const optimizer = new optim.SGD([p], { lr: 0.1, momentum: 0.9, dampening: 0.5 })
      const { paramGroups } = optimizer.stateDict()
      if (load) optimizer.loadStateDict({ state: { 0: { momentumBuffer } }, paramGroups })
      for (let k = 0; k < 2; k++) {
        p.grad = ones(2)
        optimizer.step()
      }
      return bitsOf(p)
    }
    expect(after(true)).toEqual(after(false))
  })

  it('is accepted without the switches that older versions of PyTorch lack, which are then off', () => {
    const saved = deepCopy(trained('SGD').stateDict()) as unknown as Saved
    const [group] = saved.paramGroups
    for (const name of ['nesterov', 'maximize', 'foreach', 'differentiable']) delete group[name]
    const optimizer = trained('SGD')
    optimizer.paramGroups[0] = Object.assign(optimizer.paramGroups[0], { maximize: true })
    optimizer.loadStateDict(saved as never)
    expect(optimizer.paramGroups[0]).toMatchObject({ maximize: false, nesterov: false, foreach: null, lr: 0.1 })
  })
})

describe('options of another kind', () => {
  const p = (): Tensor[] => [ones(2, { requiresGrad: true })]
  const wrong: readonly unknown[] = ['0.1', null, true, [1], { value: 1 }, () => 1]
  const numbers = {
    SGD: ['lr', 'momentum', 'dampening', 'weightDecay'],
    Adam: ['lr', 'eps', 'weightDecay'],
    AdamW: ['lr'],
    RMSprop: ['lr', 'momentum', 'alpha', 'eps', 'weightDecay'],
  }
  const cases = Object.entries(numbers).flatMap(([kind, names]) => names.map((name) => [kind as Kind, name] as const))
  const made = (kind: Kind, options: unknown): optim.Optimizer =>
    new (optim[kind] as unknown as new (params: unknown, options: unknown) => optim.Optimizer)(p(), options)

  test.each(cases)(
    '%s %s: refused by the constructor, in a group, and by a step when it was set later',
    (kind, name) => {
      for (const value of wrong) {
        const sentence = new RegExp(`${kind}\\(\\): argument '\\w+' must be float, not `)
        expect(() => made(kind, { [name]: value })).toThrow(sentence)
        expect(() => new optim[kind]([{ params: p(), [name]: value }])).toThrow(sentence)
        const optimizer = made(kind, { lr: 0.1 })
        const [x] = optimizer.paramGroups[0].params
        x.grad = ones(2)
        ;(optimizer.paramGroups[0] as unknown as Record<string, unknown>)[name] = value
        expect(() => optimizer.step()).toThrow(sentence)
        expect([[...x.detach().toArray()], optimizer.state.size, optimizer.stepCount]).toEqual([[1, 1], 0, 0])
      }
    },
  )

  test.each(Object.keys(numbers) as Kind[])('%s: zero is in range for every number', (kind) => {
    const { defaults } = made(kind, {}) as unknown as { defaults: Record<string, unknown> }
    for (const [name, value] of Object.entries(defaults)) {
      const zero = typeof value === 'number' ? 0 : Array.isArray(value) ? [0, 0] : value
      expect(made(kind, { [name]: zero }).paramGroups[0]).toMatchObject({ [name]: zero })
    }
  })

  test('a list is checked, even the default itself', () => {
    const optimizer = new optim.Adam(p())
    const [group] = optimizer.paramGroups
    group.params[0].grad = ones(2)
    group.betas = optimizer.defaults.betas
    optimizer.step()
    Object.assign(group.betas, { 0: 'x' })
    expect(() => optimizer.step()).toThrow("argument 'betas' must be tuple of floats")
  })

  test('foreach is a switch or null, and nothing else', () => {
    for (const foreach of [true, false, null])
      expect(made('SGD', { foreach }).paramGroups[0]).toMatchObject({ foreach })
    for (const foreach of ['x', 1, []])
      expect(() => made('SGD', { foreach })).toThrow("argument 'foreach' must be bool")
  })

  test('only the rate may be passed by position', () => {
    expect(made('SGD', 0.5).paramGroups[0].lr).toBe(0.5)
    expect(new optim.SGD(p(), 0.5, { momentum: 0.9 }).paramGroups[0]).toMatchObject({ lr: 0.5, momentum: 0.9 })
    for (const lr of [null, '0.1', [0.1]])
      expect(() => made('SGD', lr)).toThrow("SGD(): argument 'lr' (position 2) must be float, not ")
    for (const options of [null, [], 'x'])
      expect(() => new optim.SGD(p(), 0.5, options as never)).toThrow(
        "SGD(): argument 'momentum' (position 3) must be float",
      )
    expect(() => new optim.SGD(p(), 0.5, { lr: 1 })).toThrow("got multiple values for argument 'lr'")
    expect(new optim.SGD(p(), 0.5, 0.9, 0, 0.1, true).defaults).toMatchObject({
      momentum: 0.9,
      weightDecay: 0.1,
      nesterov: true,
    })
    expect(() => new optim.SGD(p(), 0.5, 0, 0, 0, false, true as never)).toThrow(
      'takes from 2 to 7 positional arguments but 8 were given',
    )
    expect(() => new optim.SGD([{ params: p(), weight_decay: 1 } as never])).toThrow('Did you mean weightDecay?')
    expect(new optim.SGD([{ params: p(), lr: undefined, name: 'head' } as never]).paramGroups[0]).toMatchObject({
      lr: 1e-3,
      name: 'head',
    })
  })

  test.each<[string, (optimizer: optim.SGD) => unknown, string]>([
    ['StepLR', (o) => new optim.lrScheduler.StepLR(o, '2' as never), "'step_size' (position 1) must be int, not str"],
    ['StepLR', (o) => new optim.lrScheduler.StepLR(o, 0), 'step_size must be at least 1, but got 0'],
    [
      'StepLR',
      (o) => new optim.lrScheduler.StepLR(o, 2, { gamma: null as never }),
      "'gamma' must be float, not NoneType",
    ],
    [
      'ExponentialLR',
      (o) => new optim.lrScheduler.ExponentialLR(o, 'x' as never),
      "'gamma' (position 1) must be float",
    ],
  ])('of %s', (_, make, message) => {
    const optimizer = new optim.SGD(p(), { lr: 0.1 })
    expect(() => make(optimizer)).toThrow(message)
    expect(optimizer.paramGroups[0]).not.toHaveProperty('initialLr')
  })

  test('a scheduler whose rule fails, or an invalid state, changes nothing', () => {
    class Broken extends optim.lrScheduler.LRScheduler {
      rates: () => unknown = () => [0.2]
      constructor(optimizer: optim.Optimizer) {
        super(optimizer)
        this.start()
      }
      protected override getLr(): number[] {
        return this.rates() as number[]
      }
    }
    const optimizer = new optim.SGD(p(), { lr: 0.1 })
    const scheduler = new Broken(optimizer)
    const before = JSON.stringify([scheduler.stateDict(), optimizer.paramGroups[0].lr])
    for (const rates of [
      () => ['x'],
      () => [null],
      () => {
        throw new Error('mine')
      },
    ]) {
      scheduler.rates = rates
      expect(() => scheduler.step()).toThrow()
      expect(JSON.stringify([scheduler.stateDict(), optimizer.paramGroups[0].lr])).toBe(before)
    }
    for (const state of [{ lastEpoch: 'x' }, { baseLrs: ['x'] }, { stepCount: null }, { lastLr: 3 }])
      expect(() => scheduler.loadStateDict({ lastEpoch: 7, ...state })).toThrow('Broken(): argument')
    expect(scheduler.lastEpoch).toBe(0)
  })
})

describe('a step that fails', () => {
  type Break = (p: Tensor, optimizer: optim.Adam) => unknown
  test.each<[string, Break, string]>([
    ['a parameter that was freed', (p) => p.dispose(), 'a tensor is used after dispose()'],
    ['a gradient that was freed', (p) => p.grad?.dispose(), 'a tensor is used after dispose()'],
    ['a state that was freed', (p, o) => o.state.get(p)?.expAvg.dispose(), 'a tensor is used after dispose()'],
    [
      'a state of another shape',
      (p, o) => Object.assign(o.state.get(p) as object, { expAvg: ones(1) }),
      'broadcast shape [3]',
    ],
    ['a state that is text', (p, o) => Object.assign(o.state.get(p) as object, { expAvg: 'x' }), "no attribute 'mul_'"],
    [
      'a count that is text',
      (p, o) => Object.assign(o.state.get(p) as object, { step: 'x' }),
      'could not convert string',
    ],
    ['a parameter over one element', (p) => Object.assign(p, { strides: [0] }), 'refers to a single memory location'],
    ['a gradient of another shape', (p) => p.collect(ones(4)), 'The size of tensor a (4) must match'],
  ])('%s: no parameter has moved, no state and no counter', (_, broken, message) => {
    const params = Array.from({ length: 3 }, () => ones(3, { requiresGrad: true }))
    const optimizer = new optim.Adam(params)
    const gradients = (): void => {
      for (const p of params) p.grad = randn(3)
    }
    gradients()
    optimizer.step()
    gradients()
    const [a, b] = params
    const texts = (): string =>
      JSON.stringify(
        [a, b].map((p) => [
          bitsOf(p),
          Object.values(optimizer.state.get(p) ?? {}).map((x) => x?.version ?? x),
          p.version,
        ]),
      )
    const before = texts()
    broken(params[2], optimizer)
    expect(() => optimizer.step()).toThrow(message)
    expect(texts()).toBe(before)
    expect(optimizer.stepCount).toBe(1)
  })
})

describe('an update of several tensors by one kernel', () => {
  const swap = update('swap', 2, (x, y) => [y, x])
  const values = (...xs: Tensor[]): number[][] => xs.map((x) => [...x.toArray()])

  test.each<[string, () => [Tensor[], Tensor[]], string]>([
    ['another size', () => [[ones(2), ones(3)], []], 'The size of tensor a (3) must match the size of tensor b (2)'],
    ['one element', () => [[ones(2), ones(1)], []], "output with shape [1] doesn't match the broadcast shape [2]"],
    [
      'more dimensions',
      () => [[ones(2), ones(3, 2)], []],
      "output with shape [2] doesn't match the broadcast shape [3, 2]",
    ],
    ['another dtype', () => [[ones(2), ones(2, { dtype: 'float64' })], []], 'of one dtype, but got Float and Double'],
    [
      'the same tensor',
      () => {
        const x = ones(2)
        return [[x, x], []]
      },
      'refer to a single memory location',
    ],
    [
      'a tensor and a part of it',
      () => {
        const x = ones(2)
        return [[x, x.view(2)], []]
      },
      'refer to a single memory location',
    ],
    [
      'one that was freed',
      () => {
        const x = ones(2)
        x.dispose()
        return [[ones(2), x], []]
      },
      'is used after dispose()',
    ],
  ])('refuses %s', (_, make, message) => {
    const [targets, more] = make()
    expect(() => swap(targets, more)).toThrow(message)
    expect(
      values(...targets.filter(({ storage }) => !storage.freed))
        .flat()
        .every((x) => x === 1),
    ).toBe(true)
  })

  test('refuses a value that does not broadcast, and reads a value before writing a target that overlaps it', () => {
    const shift = update('shift', 1, (_, y) => [y])
    const x = tensor([1, 2, 3, 4])
    expect(() => shift([x], [ones(2, 4)])).toThrow("output with shape [4] doesn't match the broadcast shape [2, 4]")
    shift([x], [x.flip(0)])
    expect(values(x)).toEqual([[4, 3, 2, 1]])
    const m = tensor([
      [1, 2],
      [3, 4],
    ])
    shift([m], [m.t()])
    expect(values(m)).toEqual([[1, 3, 2, 4]])
    const n = tensor([1, 2, 3, 4, 5])
    shift([n.at('1:')], [n.at(':4')])
    expect(values(n)).toEqual([[1, 1, 2, 3, 4]])
  })
})

describe('a module', () => {
  const model = (): nn.Sequential => new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3), new nn.Linear(3, 1))
  const textOfModel = (m: nn.Module): string =>
    JSON.stringify([...m.namedParameters(), ...m.namedBuffers()].map(([name, x]) => [name, x.version, ...bitsOf(x)]))

  test('is loaded completely or not at all, with each tensor of the state in turn freed or invalid', () => {
    const names = [...model().stateDict().keys()]
    for (const name of names) {
      for (const broken of ['freed', 'text'] as const) {
        const state = deepCopy(model().stateDict())
        if (broken === 'freed') state.get(name)?.dispose()
        else state.set(name, 'x' as never)
        const target = model()
        const before = textOfModel(target)
        expect(() => target.loadStateDict(state)).toThrow(
          broken === 'freed' ? 'after dispose()' : "received <class 'str'>",
        )
        expect(textOfModel(target)).toBe(before)
      }
    }
  })

  test('with a freed parameter is neither loaded nor moved', () => {
    const target = model()
    const state = deepCopy(model().stateDict())
    target[2].parameters()[1].dispose()
    const alive = target[0] as nn.Module
    const before = textOfModel(alive)
    expect(() => target.loadStateDict(state)).toThrow('after dispose()')
    expect(() => target.double()).toThrow('after dispose()')
    expect(textOfModel(alive)).toBe(before)
    expect(alive.parameters().every(({ dtype }) => dtype === 'float32')).toBe(true)
  })
})

test('a backward that fails half-way has changed no gradient', () => {
  const params = Array.from({ length: 3 }, () => ones(2, { requiresGrad: true }))
  const [a, b, c] = params
  b.grad = ones(2)
  c.registerHook(() => {
    throw new Error('mine')
  })
  const loss = (): Tensor => a.mul(b).add(c.mul(a)).sum()
  expect(() => loss().backward()).toThrow('mine')
  expect(params.map(({ grad }) => grad === null || [...grad.toArray()])).toEqual([true, [1, 1], true])
  const kept = noGrad(() => a.clone())
  expect(kept.equal(a)).toBe(true)
})

describe('resumed schedules', () => {
  type Make = (optimizer: optim.Optimizer, lastEpoch?: number) => optim.lrScheduler.LRScheduler
  const schedules: Readonly<Record<string, Make>> = {
    StepLR: (o, lastEpoch = -1) => new optim.lrScheduler.StepLR(o, { stepSize: 2, gamma: 0.5, lastEpoch }),
    ExponentialLR: (o, lastEpoch = -1) => new optim.lrScheduler.ExponentialLR(o, { gamma: 0.5, lastEpoch }),
  }
  const epoch = (optimizer: optim.Optimizer, scheduler: optim.lrScheduler.LRScheduler): void => {
    optimizer.step()
    scheduler.step()
  }

  it.each(Object.keys(schedules))('%s from lastEpoch', (name) => {
    const straight = new optim.SGD([zeros(2)], { lr: 1 })
    const scheduler = schedules[name](straight)
    for (let k = 0; k < 3; k++) epoch(straight, scheduler)
    const resumed = new optim.SGD([zeros(2)], { lr: 1 })
    resumed.loadStateDict(deepCopy(straight.stateDict()))
    // The constructor makes the step after the last epoch.
    const other = schedules[name](resumed, 3)
    for (let k = 0; k < 3; k++) {
      epoch(straight, scheduler)
      if (k > 0) epoch(resumed, other)
      expect([resumed.paramGroups[0].lr, other.lastEpoch]).toEqual([straight.paramGroups[0].lr, scheduler.lastEpoch])
    }
  })

  it('restore the learning rates if the recorded step fails', () => {
    const optimizer = new optim.SGD([zeros(2)], { lr: 1 })
    const scheduler = schedules.ExponentialLR(optimizer)
    let fail = false
    const step = compile(() => {
      epoch(optimizer, scheduler)
      if (fail) throw new Error('no')
      return zeros(1)
    })
    step()
    const before = [optimizer.paramGroups[0].lr, scheduler.lastEpoch, scheduler.getLastLr()]
    fail = true
    expect(() => step()).toThrow('no')
    expect([optimizer.paramGroups[0].lr, scheduler.lastEpoch, scheduler.getLastLr()]).toEqual(before)
  })
})
