// Edge cases of passes and plans: values that are nearly the same, that only seem to be unread, or that only seem to be
// free. A compiled step gives the results of eager, including signs of zeros.
import { js } from '@flambeau/backend-js'
import {
  compile,
  F,
  manualSeed,
  noGrad,
  ones,
  randint,
  randn,
  scatterAdd,
  type Tensor,
  tensor,
  useDevice,
  where,
  zeros,
} from '@flambeau/core'
import type { Program, ProgramInstr } from '../../src/backend/program.ts'
import { deadCode } from '../../src/compile/passes/dead-code.ts'
import { wholeUse } from '../../src/compile/passes/graph.ts'
import { merge } from '../../src/compile/passes/merge.ts'
import { prepare } from '../../src/compile/prepare.ts'
import { recorded } from './steps.ts'
import { s } from '../../src/expr/expr.ts'
import { counted } from '../../src/ops/create/create.ts'
import { elementwise as define } from '../../src/ops/define/elementwise.ts'
import { apply } from '../../src/tensor/apply.ts'
import type { Expr } from '../../src/expr/expr.ts'
import { beforeAll, describe, expect, test } from 'vitest'

beforeAll(() => void useDevice(js()))

/** An op with one operand. */
function elementwise(build: (x: Expr) => Expr): (x: Tensor) => Tensor {
  const op = define('edge', build)
  return (x) => apply(op, [x], { sizes: x.sizes, dtype: x.dtype } as never)
}

type Step = () => readonly Tensor[]

/** The results and state of a step at each of five calls; toStrictEqual distinguishes -0 from 0. */
function trace(make: () => readonly [step: Step, state?: readonly Tensor[]], through: (step: Step) => Step): unknown {
  manualSeed(5)
  const [step, state = []] = make()
  const run = through(step)
  return Array.from({ length: 5 }, () => [...run(), ...state].map((x) => [x.dtype, ...x.detach().toArray()]))
}

const steps: Readonly<Record<string, () => readonly [step: Step, state?: readonly Tensor[]]>> = {
  'products with 0 and with -0 of one tensor': () => {
    const x = tensor([1, -2, 3])
    return [() => [x.mul(0), x.mul(-0), x.mul(-0).add(x.mul(0))]]
  },
  'products with 0 and with -0 of many': () => {
    const xs = Array.from({ length: 8 }, () => randn(40))
    return [() => xs.map((x, i) => x.abs().mul(i % 2 === 0 ? 0 : -0))]
  },
  'expressions that differ in the sign of a zero, of many': () => {
    const xs = Array.from({ length: 8 }, () => randn(40))
    const [plus, minus] = [0, -0].map((zero) => elementwise((x) => s.mul(s.abs(x), zero)))
    return [() => xs.map((x, i) => (i % 2 === 0 ? plus(x) : minus(x)))]
  },
  'a product as another dtype': () => {
    const [a, b] = [randn(4, 5), randn(5, 3)]
    return [() => [a.matmul(b).double().mul(0.1), a.matmul(b.abs()).gt(0), a.abs().matmul(b).int()]]
  },
  'a sum of what has no elements of its own': () => [() => [ones(3, 4).sum(1), zeros(2, 3).add(0.1).sum(0).mul(2)]],
  'a sum of what does not read its operand': () => {
    const x = randn(3, 4)
    const two = elementwise((y) => s.constant(2, y.dtype))
    return [() => [two(x).sum(1), two(x).sum(), two(x).mean(0)]]
  },
  'a copy that is written to after its original': () => {
    const c = randn(6, 3)
    const step = (): readonly Tensor[] =>
      noGrad(() => {
        c.select(0, 0).add_(1)
        const copy = c.clone()
        c.select(0, 1).fill_(5)
        copy.select(0, 2).fill_(7)
        return [copy]
      })
    return [step, [c]]
  },
  'a copy that is read after its original was written': () => {
    const c = randn(6, 3)
    const step = (): readonly Tensor[] =>
      noGrad(() => {
        c.select(0, 0).add_(1)
        const copy = c.clone()
        c.select(0, 1).fill_(5)
        c.select(0, 2).mul_(2)
        return [copy.select(0, 1).sum(), copy.sum(1)]
      })
    return [step, [c]]
  },
  'a choice by positions that are two apart, begin later, or run backwards': () => {
    const x = randn(40, 64)
    const index = randint(0, 140, [40, 1])
    const of = (positions: Tensor): Tensor => where(index.eq(positions), x, zeros(40, 64)).sum(1)
    const upTo = (n: number): Tensor => counted(n, 'int32', undefined)
    return [() => [of(upTo(128).at('::2')), of(upTo(70).at('6:')), of(upTo(64).flip(0)), of(upTo(64))]]
  },
}

describe('compiled as eager', () => {
  test.each(Object.keys(steps))('%s', (name) => {
    const make = steps[name]
    expect(trace(make, (step) => compile(step) as Step)).toStrictEqual(trace(make, (step) => step))
  })
})

describe('unread values are checked all the same', () => {
  test('the index of a scatter, in a replay', () => {
    const [x, index, source] = [zeros(3), tensor([0, 2], { dtype: 'int32' }), ones(2)]
    const step = compile(() => {
      scatterAdd(x, 0, index, source)
      return x.add(1)
    })
    for (let i = 0; i < 5; i++) step()
    index.copy_(tensor([0, 3], { dtype: 'int32' }))
    expect(() => step()).toThrow('index 3 is out of bounds')
    index.copy_(tensor([0, 1], { dtype: 'int32' }))
    step()
  })

  test.each([0, 1])('input %i of two losses with common targets', (wrong) => {
    const [p, q, y] = [tensor([0.25, 0.5]), tensor([0.5, 0.75]), tensor([1, 0])]
    const step = compile(() => F.binaryCrossEntropy(p, y).add(F.binaryCrossEntropy(q, y)))
    for (let i = 0; i < 5; i++) step()
    ;[p, q][wrong].fill_(1.5)
    expect(() => step()).toThrow('all elements of input should be between 0 and 1')
    ;[p, q][wrong].fill_(0.5)
    step()
  })
})

describe('programs', () => {
  const program = (
    instrs: readonly ProgramInstr[],
    values: Program['values'],
    results: readonly number[],
  ): Program => ({
    values,
    given: new Map([[0, { from: 'constant', data: Float32Array.from({ length: 12 }, (_, i) => i) }]]),
    host: [],
    instrs,
    kept: [],
    results: results.map((value) => wholeUse(value, values[value])),
  })
  /** Reductions of a number, over the shape that the only operand gives. */
  const counts = (values: Program['values'], fns: readonly ('sum' | 'max')[]): ProgramInstr<'map'>[] =>
    fns.map((fn, k) => ({
      kind: 'map',
      attrs: { outs: [{ expr: s.constant(2, 'float32'), reduce: { fn, axes: [1] } }] },
      inputs: [wholeUse(0, values[0])],
      outputs: [k + 1],
      origin: { name: fn },
    }))
  const values = [[3, 4], [3], [3]].map((shape) => ({ sizes: shape, dtype: 'float32' as const }))

  test('a reduction keeps an operand that only gives its shape', () => {
    const [sum, max] = counts(values, ['sum', 'max'])
    const alone = program([sum], values, [1])
    expect(deadCode(alone).instrs[0].inputs).toHaveLength(1)
    const both = program([sum, max], values, [1, 2])
    const merged = merge(both, js())
    expect(merged.instrs.map(({ inputs, outputs }) => [inputs.length, outputs.length])).toEqual([[1, 2]])
  })

  test('a product has the dtype of its factors, whatever its epilogue is', () => {
    const [a, b] = [randn(4, 5), randn(5, 3)]
    const { program } = prepare(
      recorded(() => [a.matmul(b).double().mul(0.1), a.matmul(b.abs()).gt(0)]),
      js(),
    )
    const products = program.instrs.filter(({ kind }) => kind === 'contract')
    expect(products.map(({ outputs }) => program.values[outputs[0]].dtype)).toEqual(['float32', 'float32'])
  })

  test('rows written one after the other are written into the existing memory', () => {
    const [c, d] = [randn(6, 3), randn(6, 3)]
    const { program, plan } = prepare(
      recorded(() => noGrad(() => [0, 1, 2].map((i) => c.select(0, i).copy_(d.select(0, i)))).slice(3)),
      js(),
    )
    const rows = program.instrs.filter(({ kind }) => kind === 'assign')
    expect(rows.map(({ outputs }) => plan.places[outputs[0]]?.in)).toEqual(['buffer', 'buffer', 'buffer'])
  })
})
