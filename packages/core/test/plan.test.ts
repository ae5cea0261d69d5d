// Memory plans: no value that is still needed is overwritten, memory sharing is nearly optimal, and memory from before
// the step is updated in place where that is valid.
import { compile, nn, noGrad, optim, F, manualSeed, randint, randn, type Tensor, tensor, zeros } from '@flambeau/core'
import { describe, expect, test } from 'vitest'
import type { Prims } from '../src/backend/backend.ts'
import { type Given, isUse, type Program, type ProgramInstr, type Use } from '../src/backend/program.ts'
import { contiguousLayout } from '../src/base/layout.ts'
import { mayOverwrite } from '../src/compile/alias.ts'
import { settle } from '../src/compile/passes/settle.ts'
import { plan, type Unit } from '../src/compile/plan.ts'
import { prepare } from '../src/compile/prepare.ts'
import { s } from '../src/expr/expr.ts'
import { bytesOf, wrongIn } from '../src/backend/plan-model.ts'
import { adam, backend, batchNorm, boston, breastCancer, crossEntropy, mlp, recorded, train } from './passes/steps.ts'

/** 784-256-128-10, batches of 64, Adam. */
function digits(): () => readonly Tensor[] {
  manualSeed(7)
  const [x, y] = [randn(64, 784), randint(0, 10, [64])]
  const model = new nn.Sequential(
    new nn.Linear(784, 256),
    new nn.ReLU(),
    new nn.Linear(256, 128),
    new nn.ReLU(),
    new nn.Linear(128, 10),
  )
  return train(new optim.Adam(model.parameters(), { lr: 1e-3 }), () => F.crossEntropy(model.forward(x) as Tensor, y))
}

const steps = { boston, breastCancer, mlp, batchNorm, crossEntropy, adam, digits }
const units: readonly Unit[] = ['bytes', 'buffers']

/** The maximum bytes in whole lines that are alive at an instruction, with in-place outputs counted once. */
function lowerBound(program: Program, isInArena: (value: number) => boolean): number {
  const lines = (value: number): number => Math.max(1, Math.ceil(bytesOf(program, value) / 64)) * 64
  const { instrs } = program
  const reads = (at: number, value: number): boolean => instrs[at].inputs.some((x) => isUse(x) && x.value === value)
  const lastRead = (value: number): number => instrs.reduce((last, _, at) => (reads(at, value) ? at : last), -1)
  let most = 0
  instrs.forEach((instr, at) => {
    const before = instrs.slice(0, at).flatMap(({ outputs }) => outputs)
    const live = before.filter((value) => isInArena(value) && lastRead(value) >= at)
    const dying = new Set(live.filter((value) => lastRead(value) === at))
    let bytes = live.reduce((sum, value) => sum + lines(value), 0)
    instr.outputs.forEach((value, k) => {
      if (!isInArena(value)) return
      const under = [...dying].find((old) => mayOverwrite(program, instr, k, old))
      if (under === undefined) bytes += lines(value)
      else dying.delete(under)
    })
    most = Math.max(most, bytes)
  })
  return most
}

describe('the steps of the examples', () => {
  for (const [name, step] of Object.entries(steps)) {
    test(`${name}: no live value is overwritten, before passes and after`, () => {
      const program = recorded(step())
      for (const settled of [settle(program), prepare(program, backend).program]) {
        for (const unit of units) expect(wrongIn(settled, plan(settled, unit))).toBeUndefined()
      }
    })

    test(`${name}: the arena is at most 1.1 times the least possible, before passes and after`, () => {
      const program = recorded(step())
      for (const settled of [settle(program), prepare(program, backend).program]) {
        const { places, bytes } = plan(settled)
        const least = lowerBound(settled, (value) => places[value]?.in === 'arena')
        expect(bytes).toBeGreaterThanOrEqual(least)
        expect(bytes).toBeLessThanOrEqual(1.1 * least)
      }
    })
  }

  test('parameters and their state are updated in place', () => {
    for (const step of [boston, breastCancer, mlp, adam, batchNorm]) {
      const program = recorded(step())
      expect(settle(program).instrs.length).toBe(program.instrs.length)
      expect(program.kept.length).toBeGreaterThan(0)
    }
  })
})

// ---- hand-written programs ----

const vector = (n: number) => ({ sizes: [n], dtype: 'float32' as const })
const buffer = (): Given => ({ from: 'buffer', buffer: { backend, length: 0 } })

/** A program over vectors of `n`: `given` first, then the value of each line. */
function programOf(
  n: number,
  given: readonly Given[],
  instrs: readonly { readonly of: readonly (number | Use)[]; readonly sum?: boolean; readonly outs?: number }[],
  rest: Partial<Pick<Program, 'kept' | 'results'>>,
): Program {
  const values = given.map(() => vector(n))
  const whole = (value: number): Use => ({ value, dtype: 'float32', ...contiguousLayout(values[value].sizes) })
  const made = instrs.map(({ of, sum, outs = 1 }): ProgramInstr<'map'> => {
    const inputs = of.map((x) => (typeof x === 'number' ? whole(x) : x))
    const expr = of.map((_, i) => s.input(i, 'float32')).reduce((a, b) => s.add(a, b))
    const attrs: Prims['map'] = {
      outs: Array.from({ length: outs }, () => (sum ? { expr, reduce: { fn: 'sum', axes: [0] } } : { expr })),
    }
    const outputs = attrs.outs.map(() => values.push(vector(sum ? 1 : n)) - 1)
    return { kind: 'map', attrs, inputs, outputs, origin: { name: 'add' } }
  })
  return {
    values,
    given: new Map(given.map((x, i) => [i, x])),
    host: [],
    instrs: made,
    kept: rest.kept ?? [],
    results: rest.results ?? [],
  }
}
const use = (value: number, n: number): Use => ({ value, dtype: 'float32', ...contiguousLayout([n]) })

describe('the checks of these tests', () => {
  const program = programOf(4, [buffer()], [{ of: [0] }, { of: [1] }, { of: [1, 2] }], {
    kept: [{ first: 0, last: 3 }],
  })
  const planned = plan(program)
  const withPlace = (value: number, at: number) => ({
    ...planned,
    places: planned.places.map((place, i) => (i === value ? ({ in: 'arena', at } as const) : place)),
  })

  test('detect a value placed over a live one', () => {
    expect(wrongIn(program, planned)).toBeUndefined()
    expect(wrongIn(program, withPlace(2, (planned.places[1] as { at: number }).at))).toBe(
      'instruction 2 reads v1, overwritten',
    )
  })

  test('detect a value that partly overlaps an input, lies outside the arena, or not in its kept memory', () => {
    expect(wrongIn(program, { ...withPlace(2, (planned.places[1] as { at: number }).at + 8), bytes: 1000 })).toBe(
      'instruction 1: v2 is written while v1 is read',
    )
    expect(wrongIn(program, withPlace(2, 4096))).toBe('v2 is outside of the arena')
    expect(wrongIn(program, withPlace(3, 128))).toBe('v3 is not in the place of v0 at the end')
  })
})

describe('plan', () => {
  test('a chain of maps shares one place; a value that is read later keeps its own', () => {
    const chain = programOf(100, [buffer()], [{ of: [0] }, { of: [1] }, { of: [2] }, { of: [3] }], {})
    expect(plan(chain).bytes).toBe(448)
    const kept = programOf(100, [buffer()], [{ of: [0] }, { of: [1] }, { of: [2] }, { of: [1, 3] }], {})
    expect(plan(kept).bytes).toBe(896)
  })

  test('a chain that ends in a result uses its memory', () => {
    const chain = programOf(100, [buffer()], [{ of: [0] }, { of: [1] }, { of: [1, 2] }, { of: [3] }], {
      results: [use(4, 100)],
    })
    for (const unit of units) {
      const planned = plan(chain, unit)
      expect(planned.places.slice(1).map((place) => place?.in)).toEqual(['result', 'arena', 'result', 'result'])
      expect(wrongIn(chain, planned)).toBeUndefined()
    }
    // The maker of v3 reads v1 after the result v2.
    const later = programOf(100, [buffer()], [{ of: [0] }, { of: [1] }, { of: [1] }], { results: [use(2, 100)] })
    expect(plan(later).places[1]?.in).toBe('arena')
  })

  test('whole buffers are shared by values of one dtype and size only', () => {
    const program = programOf(100, [buffer()], [{ of: [0], sum: true }, { of: [0] }, { of: [2], sum: true }], {
      results: [],
    })
    const { places } = plan(program, 'buffers')
    expect(places[1]).toEqual(places[3])
    expect(places[1]).not.toEqual(places[2])
    expect(wrongIn(program, plan(program, 'buffers'))).toBeUndefined()
  })

  test('a reduction, a transposed or a repeated read is not written in place', () => {
    const reversed: Use = { ...use(1, 4), strides: [-1], offset: 3 }
    const program = programOf(4, [buffer()], [{ of: [0] }, { of: [reversed] }], { results: [] })
    expect(plan(program).bytes).toBe(128)
    expect(plan(programOf(1, [buffer()], [{ of: [0] }, { of: [1], sum: true }], {})).bytes).toBe(128)
  })

  test('outputs of one instruction never lie over each other', () => {
    const program = programOf(4, [buffer()], [{ of: [0] }, { of: [1], outs: 3 }], { results: [] })
    for (const unit of units) expect(wrongIn(program, plan(program, unit))).toBeUndefined()
    expect(plan(program).bytes).toBe(192)
  })
})

describe('settle', () => {
  const settled = (program: Program): Program => {
    const done = settle(program)
    for (const unit of units) expect(wrongIn(done, plan(done, unit))).toBeUndefined()
    return done
  }

  test('an update waits for later readers of the old value instead of being copied', () => {
    // v1 = v0 + v0 replaces v0, then v2 = v0 is read.
    const program = programOf(4, [buffer()], [{ of: [0, 0] }, { of: [0] }], {
      kept: [{ first: 0, last: 1 }],
      results: [use(2, 4)],
    })
    expect(settled(program).instrs.map(({ outputs }) => outputs[0])).toEqual([2, 1])
  })

  test('a reader of both the old and the new value costs a copy', () => {
    const program = programOf(4, [buffer()], [{ of: [0, 0] }, { of: [0, 1] }], {
      kept: [{ first: 0, last: 1 }],
      results: [use(2, 4)],
    })
    const { instrs, kept } = settled(program)
    expect(instrs.map(({ origin }) => origin.name)).toEqual(['add', 'add', 'copy'])
    expect(kept).toEqual([{ first: 0, last: 3 }])
  })

  test('two parameters that exchange their values', () => {
    const program = programOf(4, [buffer(), buffer()], [], {
      kept: [
        { first: 0, last: 1 },
        { first: 1, last: 0 },
      ],
    })
    expect(settled(program).instrs.length).toBe(3)
  })

  test('three parameters that are updated from each other in a cycle', () => {
    const program = programOf(4, [buffer(), buffer(), buffer()], [{ of: [0, 1] }, { of: [1, 2] }, { of: [2, 0] }], {
      kept: [
        { first: 0, last: 3 },
        { first: 1, last: 4 },
        { first: 2, last: 5 },
      ],
    })
    expect(settled(program).instrs.length).toBe(4)
  })

  test('one value kept in two buffers is copied to the second', () => {
    const program = programOf(4, [buffer(), buffer()], [{ of: [0, 1] }], {
      kept: [
        { first: 0, last: 2 },
        { first: 1, last: 2 },
      ],
    })
    const { kept, instrs } = settled(program)
    expect(new Set(kept.map(({ last }) => last)).size).toBe(2)
    expect(instrs.length).toBe(2)
  })

  test('returned old values, constants and draws get their own memory, shared by their views', () => {
    const data = new Float32Array(4)
    const given: Given[] = [buffer(), { from: 'constant', data }, { from: 'draw', draw: 0 }]
    const program = programOf(4, given, [{ of: [0, 0] }], {
      kept: [{ first: 0, last: 3 }],
      results: [use(0, 4), use(1, 4), use(2, 4), { ...use(2, 4), strides: [0] }, use(3, 4)],
    })
    const done = settled(program)
    const { places, results } = plan(done)
    expect(done.results.map(({ value }) => places[value]?.in)).toEqual([
      'result',
      'result',
      'result',
      'result',
      'buffer',
    ])
    expect(results.length).toBe(3)
  })

  test('a draw that is kept and returned is a view of the kept memory', () => {
    const program = programOf(4, [buffer(), { from: 'draw', draw: 0 }], [], {
      kept: [{ first: 0, last: 1 }],
      results: [use(1, 4)],
    })
    const { kept, results, instrs } = settled(program)
    expect(results[0].value).toBe(kept[0].last)
    expect(instrs.length).toBe(1)
  })

  test('a chain of ten thousand instructions that must wait', () => {
    const chain = Array.from({ length: 10_000 }, (_, i) => ({ of: [i] }))
    const program = programOf(1, [buffer()], [...chain, { of: [0] }], { kept: [{ first: 0, last: 1 }], results: [] })
    expect(settle(program).instrs[0].outputs).toEqual([10_001])
  })
})

describe('compiled steps that write to memory from before', () => {
  /** Runs a step eagerly and compiled on separate states; everything must be equal after every call. */
  const compare = (make: () => { state: readonly Tensor[]; step: () => readonly Tensor[] }): void => {
    const eager = make()
    const other = make()
    const step = compile(other.step)
    for (let i = 0; i < 7; i++) {
      const expected = eager.step().map((x) => x.toNested())
      expect(step().map((x) => x.toNested())).toEqual(expected)
      expect(other.state.map((x) => x.toNested())).toEqual(eager.state.map((x) => x.toNested()))
    }
  }

  test('a swap', () => {
    compare(() => {
      const [a, b] = [tensor([1, 2, 3]), tensor([4, 5, 6])]
      const step = () => {
        const old = a.clone()
        noGrad(() => {
          a.copy_(b)
          b.copy_(old)
        })
        return []
      }
      return { state: [a, b], step }
    })
  })

  test('a result that is the old value, the new one, and a view of it', () => {
    compare(() => {
      const w = tensor([1, 2, 3, 4])
      const step = () => {
        const old = w.clone()
        noGrad(() => void w.mul_(w.flip(0)).mul_(0.5))
        return [old, w, w.view(2, 2).select(0, 1), w.sum()]
      }
      return { state: [w], step }
    })
  })

  test('memory that is read in part before it is written whole, and rows that are written one by one', () => {
    compare(() => {
      const w = zeros(5, 3)
      const step = () => {
        const first = w.select(0, 0).add(1)
        noGrad(() => {
          w.select(0, 1).copy_(first)
          w.select(0, 2).add_(w.select(0, 1))
          w.select(0, 0).add_(2)
        })
        return [first.sum()]
      }
      return { state: [w], step }
    })
  })

  test('results share memory only with each other and with their bases', () => {
    const w = tensor([1, 2, 3])
    const step = compile(() => {
      const y = w.mul(2)
      noGrad(() => w.copy_(y))
      return [y, y.select(0, 0), w.view(3, 1), tensor([7, 8]), y.mul(1), y.mul(1)]
    })
    for (let i = 0; i < 6; i++) {
      const [y, first, view, constant, one, other] = step()
      expect(constant.toNested()).toEqual([7, 8])
      y.mul_(0.5)
      expect(first.item()).toBe(y.at(0).item())
      view.mul_(0.5)
      expect(w.toNested()).toEqual([1, 2, 3])
      one.zero_()
      expect(other.toNested()).toEqual([2, 4, 6])
      constant.zero_()
    }
  })

  test('rows written one by one into memory from before the step take no extra memory', () => {
    const w = zeros(500, 3)
    const row = tensor([1, 2, 3])
    const program = settle(
      recorded(() => {
        noGrad(() => {
          for (const i of [0, 7, 9]) w.select(0, i).copy_(row)
        })
        return []
      }),
    )
    expect(plan(program).bytes).toBe(0)
  })
})
