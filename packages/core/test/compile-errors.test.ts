// A step that cannot be captured throws an error with the line and the remedy, and a step that throws has changed
// nothing.
import { js } from '@flambeau/backend-js'
import {
  addcmul,
  compile,
  F,
  Generator,
  getRngState,
  lerp,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  rand,
  randn,
  randperm,
  registerDevice,
  type Tensor,
  tensor,
  useDevice,
  where,
  zeros,
} from '@flambeau/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { Limited } from './limited.ts'

const other = new Limited()
beforeAll(() => {
  registerDevice(other)
  useDevice(js())
})

const numbers = (x: Tensor): number[] => Array.from(x.detach().toArray())
const here = 'compile-errors.test.ts:\\d+:\\d+'

describe('reading inside a step', () => {
  const x = (): Tensor => tensor([1, 0, 3])
  test.each<[string, (x: Tensor) => unknown]>([
    ['item\\(\\)', (x) => x.sum().item()],
    ['toArray\\(\\)', (x) => x.toArray()],
    ['toNested\\(\\)', (x) => x.toNested()],
    ['printing a tensor', (x) => String(x)],
    ['item\\(\\)', (x) => Number(x.sum())],
    ["to\\('limited'\\)", (x) => x.to('limited')],
  ])('%s', (what, read) => {
    const data = x()
    const step = compile(() => {
      read(data)
      return data.sum()
    })
    expect(() => step()).toThrow(new RegExp(`${what} cannot be called inside a compiled step, at .*${here}\\n`))
    expect(data.sum().item()).toBe(4)
  })

  test('a number on js says where it has to go', () => {
    useDevice(other)
    const rows = tensor([1, 2])
    const number = tensor(3, { device: 'js' })
    const steps: ((x: Tensor) => Tensor)[] = [
      (x) => x.mul(number),
      (x) => x.clone().add_(number),
      (x) => lerp(x, x, number),
      (x) => where(x.gt(1), x, number),
      (x) => x.clamp(number),
      (x) => addcmul(x, x, number),
    ]
    for (const step of steps)
      expect(() => compile(step)(rows)).toThrow("Move the tensor from js once, before the step: x.to('limited').")
    useDevice(js())
  })

  test.each<[string, (x: Tensor) => Tensor]>([
    ['nonzero', (x) => x.nonzero()],
    ['masked_select', (x) => x.maskedSelect(x.gt(0))],
  ])('a shape that depends on the data: %s', (_, read) => {
    const data = x()
    expect(() => compile(() => read(data))()).toThrow(
      new RegExp(
        `whose shape depends on the data, cannot be called inside a compiled step, at .*${here}\\nKeep all elements`,
      ),
    )
  })

  test('a tensor of another device', () => {
    const there = tensor([1, 2]).to('limited')
    const step = compile(() => there.add(1))
    expect(() => step()).toThrow(
      new RegExp(
        `a tensor on device limited is used inside a compiled step on js, at .*${here}\\n.*setDevice\\('limited'\\)`,
      ),
    )
    const add = compile((x: Tensor) => x.add(1))
    expect(() => add(there)).toThrow('Expected all tensors to be on the same device, but argument 0')
  })
})

test('a class that does not exist is refused in every call, in a replay without its number', () => {
  const rows = zeros(2, 3)
  const step = compile((target: Tensor) => F.crossEntropy(rows, target))
  const [good, wrong] = [0, 3].map((label) => tensor([0, label], { dtype: 'int32' }))
  const refused = /^Target (3 )?is out of bounds.\nThere are 3 classes, so targets must be from 0 to 2.$/
  for (let call = 0; call < 6; call++) {
    expect(step(good).item()).toBeCloseTo(Math.log(3))
    expect(() => step(wrong)).toThrow(refused)
  }
})

describe('recordings that keep differing', () => {
  const failing = (step: () => unknown): Error => {
    for (let i = 0; i < 12; i++) {
      try {
        step()
      } catch (error) {
        return error as Error
      }
    }
    throw new Error('no error')
  }

  test('a branch: both instructions with their lines', () => {
    const x = tensor([1, 2])
    let n = 0
    const { message } = failing(
      compile(() => {
        if (n++ % 2 === 0) return x.exp()
        return x.mul(2)
      }),
    )
    expect(message).toMatch(
      new RegExp(
        `differs from call to call: instruction 0 was (exp|mul)\\(.*\\) at .*${here}, then (exp|mul)\\(.*\\) at .*${here}`,
      ),
    )
    expect(message).toContain('Take the branch outside')
  })

  test('an additional instruction', () => {
    const x = tensor([1, 2])
    let n = 0
    const { message } = failing(
      compile(() => {
        let y = x.add(1)
        if (n++ % 2 === 0) y = y.mul(3)
        return y
      }),
    )
    expect(message).toContain('the end of the step')
  })

  test('data created from numbers: the element, both values and the line', () => {
    let n = 0
    const { message } = failing(compile(() => tensor([1, n++]).sum()))
    expect(message).toMatch(
      new RegExp(
        `element 1 of a tensor made from numbers inside the step at .*${here} was \\d+, then \\d+\\n.*copy_\\(batch\\)`,
      ),
    )
  })

  test('a tensor that is replaced', () => {
    let data = tensor([1])
    const step = compile(() => data.mul(2))
    const { message } = failing(() => {
      data = tensor([1])
      return step()
    })
    expect(message).toContain('was in other memory than before')
    expect(message).toContain('write into them, x.copy_(batch)')
  })

  test('a generator created inside', () => {
    const { message } = failing(compile(() => rand([2], { generator: new Generator().manualSeed(1) })))
    expect(message).toContain('random numbers were drawn from another generator\nMake the generator outside the step.')
  })

  test('a result with another structure', () => {
    const x = tensor([1])
    let n = 0
    const { message } = failing(compile((): { a: Tensor; b?: Tensor } => (n++ % 2 === 0 ? { a: x } : { a: x, b: x })))
    expect(message).toMatch(/the result was an object of a(, b)?, then an object of a(, b)?/)
  })

  test('a gradient that only some calls clear', () => {
    const w = tensor([1], { requiresGrad: true })
    let n = 0
    const { message } = failing(
      compile(() => {
        if (n++ % 2 === 0) w.grad = null
        return w.mul(2)
      }),
    )
    expect(message).toContain('the step returned, wrote, or left as gradients, different tensors')
  })

  test('the call that gives up has changed nothing', () => {
    const w = tensor([0])
    let n = 0
    const step = compile(() => noGrad(() => w.add_(1)).mul(n++))
    let calls = 0
    expect(() => {
      for (; calls < 12; calls++) step()
    }).toThrow('differs from call to call')
    expect(w.item()).toBe(calls)
    expect(w.version).toBe(calls)
  })
})

describe('results', () => {
  test.each<[string, unknown, string]>([
    ['a number', 3, 'the result is a number'],
    ['inside', { a: [1] }, 'the result.a[0] is a number'],
    ['a Map', new Map(), 'the result is a Map'],
    ['a promise', Promise.resolve(), 'the result is a Promise\nA step is synchronous'],
  ])('%s is not a valid result', (_, value, message) => {
    const w = tensor([1])
    const step = compile((() => {
      noGrad(() => w.add_(1))
      return value
    }) as () => Tensor)
    expect(() => step()).toThrow(message)
    expect(w.item()).toBe(1)
  })

  test('have no graph', () => {
    const w = tensor([1], { requiresGrad: true })
    const step = compile(() => w.mul(2))
    for (let i = 0; i < 5; i++) expect(step().requiresGrad).toBe(false)
  })

  test('nothing, null, and a parameter itself', () => {
    const w = tensor([1], { requiresGrad: true })
    const step = compile(() => ({ w, nothing: null, missing: undefined, none: [] }))
    for (let i = 0; i < 5; i++) {
      const { w: same, nothing, missing, none } = step()
      expect(same).toBe(w)
      expect([nothing, missing, none]).toEqual([null, undefined, []])
    }
  })
})

describe('tensors that escape', () => {
  const gone = 'a tensor that was made inside a compiled step is used after it'
  test('are refused wherever they are used', () => {
    const x = tensor([1, 2])
    let kept: Tensor = x
    const step = compile(() => {
      kept = x.mul(2)
      return kept.sum()
    })
    step()
    expect(numbers(kept)).toEqual([2, 4])
    for (let i = 0; i < 5; i++) {
      step()
      for (const use of [
        () => numbers(kept),
        () => kept.add(1),
        () => kept.slice(0, 0, 1).mul(x),
        () => String(kept),
      ]) {
        expect(use).toThrow(`${gone}: it was not returned`)
      }
    }
  })

  test('also in the next call: a state that is replaced instead of written', () => {
    let hidden = zeros(2)
    const step = compile(() => {
      hidden = hidden.add(1)
      return hidden.mul(2)
    })
    step()
    step()
    expect(() => step()).toThrow(gone)
  })

  test('results, gradients and an optimizer state created late survive', () => {
    const [a, b] = [tensor([1], { requiresGrad: true }), tensor([1], { requiresGrad: true })]
    const optimizer = new optim.Adam([a, b], { lr: 0.1 })
    let both = false
    const step = compile(() => {
      const loss = both ? a.mul(b).sum() : a.mul(2).sum()
      optimizer.zeroGrad()
      loss.backward()
      optimizer.step()
      return loss
    })
    const results = [step(), step()]
    both = true
    for (let i = 0; i < 6; i++) results.push(step())
    expect(results.map((x) => Number.isFinite(x.item()))).toEqual(new Array(8).fill(true))
    for (const p of [a, b]) {
      expect(p.grad?.item()).toBeTypeOf('number')
      expect(numbers(optimizer.state.get(p)?.expAvg as Tensor).length).toBe(1)
    }
  })
})

describe('a step that throws', () => {
  function made(): { step: () => Tensor; state: () => unknown; fail: { at: number } } {
    manualSeed(1)
    const [x, y] = [randn(8, 4), randn(8, 1)]
    const model = new nn.Sequential(
      new nn.Linear(4, 6),
      new nn.BatchNorm1d(6),
      new nn.Dropout(0.4),
      new nn.Linear(6, 1),
    )
    const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2, amsgrad: true })
    const sgd = new optim.SGD(model.parameters(), { lr: 1e-3, momentum: 0.9 })
    const scheduler = new optim.lrScheduler.StepLR(optimizer, 2, { gamma: 0.5 })
    const generator = new Generator().manualSeed(5)
    const fail = { at: -1 }
    const at = (n: number): void => {
      if (fail.at === n) throw new Error('mine')
    }
    const step = (): Tensor => {
      const order = randperm(8, { generator })
      const loss = F.mseLoss(model.forward(x.indexSelect(0, order)) as Tensor, y.indexSelect(0, order))
      at(0)
      optimizer.zeroGrad()
      at(1)
      loss.backward()
      at(2)
      optimizer.step()
      sgd.step()
      at(3)
      scheduler.step()
      manualSeed(3)
      at(4)
      return loss
    }
    const packed = (o: optim.Optimizer): string =>
      JSON.stringify([o.stateDict(), o.stepCount], (_, v) => (v?.toNested === undefined ? v : v.detach().toNested()))
    const state = (): unknown => [
      [...model.stateDict()].map(([key, v]) => [key, numbers(v), v.version]),
      model.parameters().map((p) => [p.grad === null ? null : numbers(p.grad), p.version]),
      packed(optimizer),
      packed(sgd),
      scheduler.stateDict(),
      [...getRngState().toArray()],
      [...generator.getState()],
    ]
    return { step, state, fail }
  }

  test.each([
    ['in the first call', 0],
    ['in a recorded call', 1],
    ['in a recorded call after replays', 7],
  ])('%s leaves model, gradients, optimizers, schedule and generators unchanged', (_, calls) => {
    for (let at = 0; at < 5; at++) {
      const [eager, compiled] = [made(), made()]
      const seeded = (fn: () => Tensor): number => {
        manualSeed(9)
        return fn().item()
      }
      const step = compile(compiled.step)
      for (let i = 0; i < calls; i++) expect(seeded(step)).toBe(seeded(eager.step))
      const before = compiled.state()
      compiled.fail.at = at
      expect(() => step()).toThrow('mine')
      expect(compiled.state()).toEqual(before)
      compiled.fail.at = -1
      for (let i = 0; i < 5; i++) expect(seeded(step)).toBe(seeded(eager.step))
      expect(compiled.state()).toEqual(eager.state())
    }
  })
})

test('switches that a step changes are restored when it fails', () => {
  const model = new nn.Sequential(new nn.Dropout(0.5), new nn.Linear(2, 2))
  let runs = 0
  const step = compile((fails: boolean) => {
    runs++
    const y = (model.forward(ones(4, 2)) as Tensor).sum()
    if (!fails) return y
    model.eval().requiresGrad_(false)
    throw new Error('mine')
  })
  for (let i = 0; i < 4; i++) step(false)
  for (let i = 0; i < 3; i++) expect(() => step(true)).toThrow('mine')
  expect(model.modules().every(({ training }) => training)).toBe(true)
  expect(model.parameters().every(({ requiresGrad }) => requiresGrad)).toBe(true)
  step(false)
  expect(runs).toBe(6)
})

describe('a check that fails in a replay', () => {
  test('throws in that call like eager, and parameters, counters and schedule are unchanged', () => {
    const [x, y] = [ones(4, 3), zeros(4, 1)]
    const model = new nn.Linear(3, 1)
    noGrad(() => {
      model.weight.zero_()
      model.bias?.fill_(0.5)
    })
    const optimizer = new optim.Adam(model.parameters(), { amsgrad: true })
    const scheduler = new optim.lrScheduler.ExponentialLR(optimizer, 0.9)
    const plain = (): Tensor => {
      const loss = F.binaryCrossEntropy(model.forward(x), y)
      optimizer.zeroGrad()
      loss.backward()
      optimizer.step()
      scheduler.step()
      return loss
    }
    const step = compile(plain)
    for (let i = 0; i < 5; i++) step()
    const state = (): unknown => [
      model.parameters().map((p) => [numbers(p), p.version, numbers(p.grad as Tensor)]),
      [...optimizer.state.values()].map(({ step, ...rest }) => [step, ...Object.values(rest).map(numbers)]),
      [optimizer.stepCount, optimizer.paramGroups[0].lr, scheduler.stateDict()],
    ]
    const before = state()
    x.mul_(1e6)
    expect(plain).toThrow('all elements of input should be between 0 and 1')
    expect(() => step()).toThrow('all elements of input should be between 0 and 1')
    expect(state()).toEqual(before)
    x.fill_(1)
    expect(step().item()).toBeGreaterThan(0)
  })

  test('an index out of bounds', () => {
    const index = tensor([0, 1], { dtype: 'int32' })
    const table = tensor([1, 2, 3])
    const step = compile(() => table.indexSelect(0, index))
    for (let i = 0; i < 4; i++) expect(numbers(step())).toEqual([1, 2])
    index.add_(2)
    expect(() => step()).toThrow('out of')
    index.sub_(1)
    expect(numbers(step())).toEqual([2, 3])
  })
})

test('where() and a mask are the way around shapes that depend on data', () => {
  const x = tensor([1, -2, 3])
  const step = compile(() => where(x.gt(0), x, zeros(3)).sum())
  for (let i = 0; i < 5; i++) expect(step().item()).toBe(4)
})
