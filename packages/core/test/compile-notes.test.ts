// The host state that flambeau's own code reads while a step is recorded is checked again at every call: if any of it
// changes between two calls, a compiled step behaves like eager, to the bit. The changes are found by walking objects.
import { js } from '@flambeau/backend-js'
import { compile, manualSeed, nn, noGrad, optim, randn, type Tensor, tensor, useDevice } from '@flambeau/core'
import { type Guard, guardOf, type Note, valueOf } from '../src/compile/notes.ts'
import { beforeAll, describe, expect, test, vi } from 'vitest'

beforeAll(() => {
  useDevice(js())
  vi.spyOn(console, 'warn').mockReturnValue()
})

const numbers = (x: Tensor): number[] => Array.from(x.detach().toArray())

type Through = (step: () => Tensor) => () => Tensor
const eager: Through = (step) => step

/** A training with a value on the host that changes after some calls. */
interface World {
  readonly parameters: readonly Tensor[]
  readonly step: () => Tensor
}

/** The results and states of calls before and after a change, eager and compiled. */
function traces<W extends World>(make: (through: Through) => W, change: (world: W) => void, calls: number): unknown[] {
  return [eager, ((step) => compile(step)) as Through].map((through) => {
    manualSeed(3)
    const world = make(through)
    const seen: unknown[] = []
    const see = (): void => {
      let loss: number | string
      try {
        loss = world.step().item()
      } catch (error) {
        loss = `${(error as Error).name}: ${(error as Error).message.split('\n')[0]}`
      }
      const { parameters } = world
      seen.push([loss, parameters.map((p) => [numbers(p), p.requiresGrad, p.grad === null ? null : numbers(p.grad)])])
    }
    for (let i = 0; i < calls; i++) see()
    change(world)
    for (let i = 0; i < 3; i++) see()
    return seen
  })
}

const agree = <W extends World>(make: (through: Through) => W, change: (world: W) => void, calls: number): void => {
  const [expected, found] = traces(make, change, calls)
  expect(found).toEqual(expected)
}

interface Line extends World {
  readonly w: Tensor
  readonly frozen: Tensor
  readonly optimizer: optim.SGD
}

/** One parameter that the loss depends on, and one that it does not, under SGD. */
const line =
  (options: object = {}) =>
  (through: Through): Line => {
    const [w, v, frozen] = [[1, 2], [5], [3, 4]].map((values) => tensor(values, { requiresGrad: true }))
    const optimizer = new optim.SGD([w, v, frozen], { lr: 0.1, ...options })
    const step = through(() => {
      const loss = w.square().sum().add(v.sum())
      w.grad = null
      v.grad = null
      loss.backward()
      optimizer.step()
      return loss
    })
    return { w, frozen, optimizer, step, parameters: [w, v, frozen] }
  }

const changes: Readonly<Record<string, (line: Line) => void>> = {
  'the gradient of what the loss does not reach': ({ frozen }) => void (frozen.grad = tensor([5, 5])),
  'that gradient, and none again': ({ frozen, step }) => {
    frozen.grad = tensor([5, 5])
    for (let i = 0; i < 4; i++) step()
    frozen.grad = null
  },
  'a group for another': ({ optimizer }) =>
    void (optimizer.paramGroups[0] = { ...optimizer.paramGroups[0], lr: 0.5, weightDecay: 0.1 }),
  'a parameter more': ({ optimizer, frozen }) => {
    frozen.grad = tensor([1, 1])
    const more = tensor([7, 7], { requiresGrad: true })
    more.grad = frozen.grad
    optimizer.paramGroups[0].params.push(more)
  },
  'a parameter less': ({ optimizer }) => void optimizer.paramGroups[0].params.shift(),
  'no states': ({ optimizer }) => optimizer.state.clear(),
  'another state of a parameter': ({ optimizer, w }) => optimizer.state.set(w, { momentumBuffer: tensor([9, 9]) }),
  'a leaf that is detached in place': ({ w }) => void w.detach_(),
  'other memory': ({ w }) => void Object.assign(w, { storage: tensor([5, 6]).storage }),
}

describe('the state of an optimizer', () => {
  describe.each(Object.entries(changes))('%s', (_, change) => {
    test.each([1, 2, 3, 5, 9])('after %i calls', (calls) => agree(line({ momentum: 0.9 }), change, calls))
  })
})

describe('writes that a replay would not repeat', () => {
  test('a learning rate that the step sets is an error, which changes nothing', () => {
    const { w, optimizer } = line()(eager)
    let rate = 0.1
    const step = compile(() => {
      optimizer.paramGroups[0].lr = rate
      rate *= 0.5
      w.grad = null
      w.sum().backward()
      optimizer.step()
    })
    step()
    const before = numbers(w)
    expect(() => step()).toThrow('lr of a parameter group is set inside a compiled step')
    expect([numbers(w), optimizer.paramGroups[0].lr]).toEqual([before, 0.1])
  })

  test('a scheduler in the step, or beside it, is allowed', () => {
    agree(
      (through) => {
        const made = line()(eager)
        const scheduler = new optim.lrScheduler.StepLR(made.optimizer, { stepSize: 2, gamma: 0.5 })
        const step = through(() => {
          const loss = made.step()
          scheduler.step()
          return loss
        })
        return { ...made, step }
      },
      ({ optimizer }) => void (optimizer.paramGroups[0].lr = 0.3),
      6,
    )
  })

  test('train() and requiresGrad_() in a step are repeated at every call', () => {
    for (const calls of [1, 2, 4, 7]) {
      agree(
        (through) => {
          const model = new nn.Sequential(new nn.Linear(2, 2), new nn.Dropout(0.5))
          const x = randn(3, 2)
          const step = through(() => {
            model.train()
            model[0].requiresGrad_(true)
            const loss = (model.forward(x) as Tensor).sum()
            model[0].requiresGrad_(false)
            return loss.detach()
          })
          return { model, step, parameters: model.parameters() }
        },
        ({ model, step }) => {
          for (let i = 0; i < 4; i++) {
            model.eval()
            step()
            expect(model.training).toBe(true)
            expect(model.parameters().map((p) => p.requiresGrad)).toEqual([false, false])
          }
        },
        calls,
      )
    }
  })
})

describe('an argument that the step changes through a tensor from outside', () => {
  const inPlace = (c: Tensor) => (x: Tensor) =>
    noGrad(() => {
      c.add_(1)
      return c.add_(x).clone()
    })

  test('is an error from the first call on', () => {
    const c = tensor([1, 2])
    const step = compile(inPlace(c))
    expect(() => step(c)).toThrow('argument 0 is written in place inside a compiled step')
    expect(numbers(c)).toEqual([1, 2])
  })

  test.each([1, 2, 5])('also after %i calls with other arguments, and as a view', (calls) => {
    const c = tensor([1, 2])
    const step = compile(inPlace(c))
    for (let i = 0; i < calls; i++) step(tensor([1, 1]))
    const before = numbers(c)
    for (const x of [c, c.flip(0).copy_(c), c.slice(0, 0, 2)]) {
      if (x.storage !== c.storage) continue
      expect(() => step(x)).toThrow('argument 0 is written in place inside a compiled step')
      expect(numbers(c)).toEqual(before)
    }
    expect(numbers(step(tensor([0, 0])))).toEqual(before.map((v) => v + 1))
  })
})

test('a hook on a leaf argument is that of the tensor of the call', () => {
  const seen: number[][] = []
  const step = compile((x: Tensor) => {
    x.grad = null
    const y = x.square().sum()
    y.backward()
    return y
  })
  for (let i = 0; i < 12; i++) {
    const x = tensor([1, i], { requiresGrad: true })
    if (i % 3 === 2) x.registerHook((dy) => dy.mul(10))
    step(x)
    seen.push(numbers(x.grad as Tensor))
  }
  expect(seen).toEqual(Array.from({ length: 12 }, (_, i) => [2, 2 * i].map((v) => (i % 3 === 2 ? 10 * v : v))))
})

test('state that keeps changing is reported once', () => {
  const warned = vi.spyOn(console, 'warn').mockReturnValue()
  const model = new nn.Dropout(0.5)
  const x = randn(4)
  const step = compile(() => model.forward(x))
  for (let i = 0; i < 20; i++) {
    Object.assign(model, { p: i / 40 })
    step()
  }
  const texts = warned.mock.calls.map(([text]) => String(text)).filter((text) => text.includes('p of a Dropout'))
  expect(texts).toHaveLength(1)
  expect(texts[0]).toMatch(/was 0\.1\d*, then 0\.2/)
})

describe('a guard', () => {
  const object = { zero: 0, minus: -0, nan: Number.NaN, text: "a'b`", part: {}, [Symbol('s')]: 1, 'not a name': true }
  const note = (key: PropertyKey, by: Note['by'] = 'value'): Note => {
    const about = { object, argument: -1, key, by }
    return { ...about, before: valueOf(about, []), after: undefined }
  }
  const notes = [...Reflect.ownKeys(object).map((key) => note(key)), note('zero', 'zero'), note('part', 'zero')]
  const made: Readonly<Record<string, () => Guard>> = {
    'of text': () => guardOf(notes),
    'of several texts': () => guardOf(Array.from({ length: 40 }, () => notes).flat()),
    'where functions cannot be made of text': () => {
      vi.stubGlobal('Function', function forbidden() {
        throw new EvalError('forbidden')
      })
      try {
        return guardOf(notes)
      } finally {
        vi.unstubAllGlobals()
      }
    },
  }
  const others = { zero: -0, minus: 0, nan: 0, text: 'a', part: {}, 'not a name': 1 }

  test.each(Object.keys(made))('%s sees every change', (name) => {
    const guard = made[name]()
    expect(guard([])).toBe(true)
    for (const key of Reflect.ownKeys(object)) {
      const before = Reflect.get(object, key)
      Reflect.set(object, key, Reflect.get(others, key) ?? 'other')
      expect(guard([]), String(key)).toBe(false)
      Reflect.set(object, key, before)
    }
    expect(guard([])).toBe(true)
  })
})
