// The effect of each pass on the steps of the lessons' models, before and after, and on small steps made for a single
// rule.
import { compile, manualSeed, noGrad, rand, randn, type Tensor, tensor, zeros } from '@flambeau/core'
import { describe, expect, test } from 'vitest'
import type { Backend, Capabilities } from '../../src/backend/backend.ts'
import type { Program, ProgramInstr } from '../../src/backend/program.ts'
import type { Layout } from '../../src/base/layout.ts'
import { compose } from '../../src/compile/passes/compose.ts'
import { deadCode } from '../../src/compile/passes/dead-code.ts'
import { epilogues } from '../../src/compile/passes/epilogue.ts'
import { finish } from '../../src/compile/passes/finish.ts'
import { inline, recompute } from '../../src/compile/passes/inline.ts'
import { merge } from '../../src/compile/passes/merge.ts'
import { subexpressions } from '../../src/compile/passes/subexpressions.ts'
import { unfused } from '../../src/compile/passes/unfused.ts'
import { prepare } from '../../src/compile/prepare.ts'
import { instrText } from '../../src/compile/text.ts'
import { adam, backend, batchNorm, boston, breastCancer, crossEntropy, mlp, recorded } from './steps.ts'

/** The instructions alone. */
const text = (program: Program): string => `\n${program.instrs.map((instr) => instrText(program, instr)).join('\n')}\n`

/** A program after some of the passes, in order. */
const after = (program: Program, ...run: ((program: Program, backend: Backend) => Program)[]): Program =>
  run.reduce((now, pass) => pass(now, backend), program)

const fused = [deadCode, subexpressions, inline, epilogues, merge, recompute]
const able = (caps: Partial<Capabilities>): Backend => ({ ...backend, caps: { ...backend.caps, ...caps } }) as Backend
const kinds = (program: Program): string[] => program.instrs.map((instr) => instr.kind)

describe('dead code', () => {
  test('instructions that no result needs are removed, except draws and those that may throw', () => {
    const x = randn(4)
    const program = recorded(() => {
      rand(3).exp()
      x.exp().sum()
      return [x.mul(2)]
    })
    expect(text(program)).toMatchInlineSnapshot(`
      "
      v1 float32[3] = map(v0) { exp(x0) }  # exp
      v3 float32[4] = map(v2) { exp(x0) }  # exp
      v4 float32[] = map(v3) { sum over 0 of x0 }  # sum
      v5 float32[4] = map(v2, 2) { mul(x0, x1) }  # mul
      "
    `)
    const without = deadCode(program)
    expect(text(without)).toMatchInlineSnapshot(`
      "
      v5 float32[4] = map(v2, 2) { mul(x0, x1) }  # mul
      "
    `)
    expect(without.host.map((step) => step.kind)).toEqual(['draw'])
  })

  test('a check stays even if nothing reads the output', () => {
    const program = recorded(breastCancer())
    const [check] = deadCode({ ...program, results: [], kept: [] }).instrs.filter((instr) => instr.check !== undefined)
    expect(check.outputs).toHaveLength(1)
  })

  test('unread outputs and operands are removed', () => {
    const program = recorded(adam())
    const { results } = program
    const alone = deadCode({ ...program, results, kept: program.kept.slice(0, 1) })
    expect(text(alone)).toMatchInlineSnapshot(`
      "
      v1 float32[3] = map(v0, v0) { mul(x0, x1) }  # mul
      v2 float32[] = map(v1) { sum over 0 of x0 }  # sum
      v3 float32[] = map(1) { x0 }  # fill
      v4 float32[3] = map(v3 as [3] by (0), v0) { mul(x0, x1) }  # mul
      v5 float32[3] = map(v3 as [3] by (0), v0) { mul(x0, x1) }  # mul
      v6 float32[3] = map(v4, v5) { add(x0, x1) }  # add
      v9 float32[3] = map(v0, v7, v8, v6, reading 0, reading 1, reading 2, reading 3, reading 4, reading 5, reading 6) { add(x0, float32(div(float32(mul(float32(fma(x3, x5, float32(mul(x1, x4)))), x8)), float32(add(float32(div(float32(sqrt(float32(fma(float32(mul(x3, x7)), x3, float32(mul(x2, x6)))))), x9)), x10))))) }  # adam
      "
    `)
    expect(alone.given.size).toBe(3)
  })

  test('a view that only gives a reduction its shape stays', () => {
    const program = recorded(() => [zeros(3).mul(0).add(1).sum()])
    const { instrs } = after(program, inline)
    expect(instrs.at(-1)?.inputs.length).toBeGreaterThan(0)
  })
})

describe('common subexpressions', () => {
  test('Adam: equal products, and equal nodes of an expression, are computed once', () => {
    const program = recorded(adam())
    expect(text(program)).toMatchInlineSnapshot(`
      "
      v1 float32[3] = map(v0, v0) { mul(x0, x1) }  # mul
      v2 float32[] = map(v1) { sum over 0 of x0 }  # sum
      v3 float32[] = map(1) { x0 }  # fill
      v4 float32[3] = map(v3 as [3] by (0), v0) { mul(x0, x1) }  # mul
      v5 float32[3] = map(v3 as [3] by (0), v0) { mul(x0, x1) }  # mul
      v6 float32[3] = map(v4, v5) { add(x0, x1) }  # add
      v9 float32[3]; v10 float32[3]; v11 float32[3] = map(v0, v7, v8, v6, reading 0, reading 1, reading 2, reading 3, reading 4, reading 5, reading 6, reading 7) { t0 = fma(x3, x5, float32(mul(x1, x4))); t1 = fma(float32(mul(x3, x7)), x3, float32(mul(x2, x6))); add(x0, float32(div(float32(mul(float32(t0), x8)), float32(add(float32(div(float32(sqrt(float32(t1))), x9)), x10))))); t0; t1 }  # adam
      "
    `)
    expect(text(after(program, subexpressions))).toMatchInlineSnapshot(`
      "
      v1 float32[3] = map(v0, v0) { mul(x0, x1) }  # mul
      v2 float32[] = map(v1) { sum over 0 of x0 }  # sum
      v3 float32[] = map(1) { x0 }  # fill
      v4 float32[3] = map(v3 as [3] by (0), v0) { mul(x0, x1) }  # mul
      v6 float32[3] = map(v4, v4) { add(x0, x1) }  # add
      v9 float32[3]; v10 float32[3]; v11 float32[3] = map(v0, v7, v8, v6, reading 0, reading 1, reading 2, reading 3, reading 4, reading 5, reading 6) { t0 = fma(x3, x5, float32(mul(x1, x4))); t1 = fma(float32(mul(x3, x7)), x3, float32(mul(x2, x6))); add(x0, float32(div(float32(mul(float32(t0), x8)), float32(add(float32(div(float32(sqrt(float32(t1))), x9)), x10))))); t0; t1 }  # adam
      "
    `)
  })

  test('readers of a copy read its source, and the copy stays if it leaves the step', () => {
    const x = randn(3, 4)
    const program = recorded(() => {
      const copy = x.t().clone()
      return [copy, copy.sum(0), x.contiguous().narrow(0, 1, 2).clone().exp()]
    })
    expect(text(after(program, subexpressions))).toMatchInlineSnapshot(`
      "
      v1 float32[4, 3] = map(v0 as [4, 3] by (1, 4)) { x0 }  # clone
      v2 float32[3] = map(v0 as [4, 3] by (1, 4)) { sum over 0 of x0 }  # SumBackward1
      v4 float32[2, 4] = map(v0 as [2, 4] by (4, 1) from 4) { exp(x0) }  # exp
      "
    `)
  })

  test('two equal results are one computation and one copy', () => {
    const x = randn(3)
    const program = after(
      recorded(() => [x.exp(), x.exp(), x.exp().sum()]),
      subexpressions,
    )
    expect(text(program)).toMatchInlineSnapshot(`
      "
      v1 float32[3] = map(v0) { exp(x0) }  # exp
      v2 float32[3] = map(v1) { x0 }  # copy
      v4 float32[] = map(v1) { sum over 0 of x0 }  # sum
      "
    `)
    expect(new Set(program.results.map((use) => use.value)).size).toBe(3)
  })

  test('an equal value that leaves the step replaces the first', () => {
    const x = randn(3)
    const program = after(
      recorded(() => [x.exp().neg(), x.exp()]),
      subexpressions,
    )
    expect(kinds(program)).toEqual(['map', 'map'])
    expect(program.instrs[0].outputs).toEqual([program.results[1].value])
  })

  test('draws are never equal, and readings are equal for one function without an effect in between', () => {
    const x = randn(3)
    const rate = (): number => 2
    manualSeed(1)
    const program = recorded(() => [x.mul(rate).add(x.mul(rate)), rand(3).add(rand(3))])
    const read = after(program, subexpressions).instrs.filter((instr) => instr.origin.name === 'mul')
    expect(read).toHaveLength(1)
    const apart: Program = {
      ...program,
      host: program.host.flatMap((step) => [{ kind: 'effect' as const, fn: () => () => {} }, step]),
    }
    expect(after(apart, subexpressions).instrs.filter((instr) => instr.origin.name === 'mul')).toHaveLength(2)
    expect(program.host.filter((step) => step.kind === 'draw')).toHaveLength(2)
  })

  test('an assignment to all of a tensor is a copy', () => {
    const x = zeros(2, 3)
    const y = randn(3)
    const program = recorded(() => {
      noGrad(() => x.narrow(1, 0, 3).copy_(y.exp()))
      return [x.sum()]
    })
    expect(kinds(program)).toContain('assign')
    expect(kinds(after(program, subexpressions))).not.toContain('assign')
  })

  test('a backend without strided kernels keeps copies', () => {
    const x = randn(3, 4)
    const program = recorded(() => [x.t().clone().exp()])
    expect(subexpressions(program, backend).instrs).toHaveLength(1)
    expect(subexpressions(program, able({ strided: false })).instrs).toHaveLength(2)
  })
})

describe('inlining', () => {
  test('softmax cross entropy: constants and chains are inlined into their readers', () => {
    const program = after(recorded(crossEntropy()), deadCode, subexpressions)
    expect(text(program)).toMatchInlineSnapshot(`
      "
      v1 int32[8, 1]; v2 int32[] = map(v0 as [8, 1], -100, 10) { t0 = ne(x0, x1); select(t0, x0, 0); sum over 0, 1 of int32(t0) } check and(ne(x0, x1), or(lt(x0, 0), ge(x0, x2)))  # nllLoss
      v4 float32[8, 1] = map(v3 as [8, 10]) { max over 1 of x0 }  # amax
      v5 float32[8, 10]; v6 float32[8, 1] = map(v3 as [8, 10], v4 as [8, 10] by (1, 0)) { t0 = exp(sub(x0, x1)); t0; sum over 1 of t0 }  # exp
      v7 float32[8, 1] = gather(v3 as [8, 10], v1) { axis: 1 }  # gather
      v8 float32[] = map(v7, v4, v6, v0 as [8, 1], -100) { sum over 0, 1 of select(ne(float32(x3), x4), neg(sub(sub(x0, x1), log(x2))), 0) }  # nllLoss
      v9 float32[] = map(v8, v2) { div(x0, float32(x1)) }  # div
      v10 float32[] = map(1) { x0 }  # fill
      v11 float32[8, 1] = map(v10 as [8, 1] by (0, 0), v2 as [8, 1] by (0, 0), v0 as [8, 1], -100, 1) { select(ne(float32(x2), x3), neg(div(mul(x4, x0), float32(x1))), 0) }  # nllLossBackward
      v12 float32[8, 10] = map(v11 as [8, 10] by (1, 0), v5, v6 as [8, 10] by (1, 0)) { sub(0, mul(x1, div(x0, x2))) }  # logSoftmaxBackwardData
      v13 float32[8, 10] = scatter(v12, v1, v11) { axis: 1; fn: "add" }  # scatterAdd
      "
    `)
    expect(text(inline(program, backend))).toMatchInlineSnapshot(`
      "
      v1 int32[8, 1]; v2 int32[] = map(v0 as [8, 1], -100, 10) { t0 = ne(x0, x1); select(t0, x0, 0); sum over 0, 1 of int32(t0) } check and(ne(x0, x1), or(lt(x0, 0), ge(x0, x2)))  # nllLoss
      v4 float32[8, 1] = map(v3 as [8, 10]) { max over 1 of x0 }  # amax
      v5 float32[8, 10]; v6 float32[8, 1] = map(v3 as [8, 10], v4 as [8, 10] by (1, 0)) { t0 = exp(sub(x0, x1)); t0; sum over 1 of t0 }  # exp
      v7 float32[8, 1] = gather(v3 as [8, 10], v1) { axis: 1 }  # gather
      v8 float32[] = map(v7, v4, v6, v0 as [8, 1], -100) { sum over 0, 1 of select(ne(float32(x3), x4), neg(sub(sub(x0, x1), log(x2))), 0) }  # nllLoss
      v9 float32[] = map(v8, v2) { div(x0, float32(x1)) }  # div
      v11 float32[8, 1] = map(v0 as [8, 1], v2 as [8, 1] by (0, 0)) { select(ne(float32(x0), -100), neg(div(1, float32(x1))), 0) }  # nllLossBackward
      v12 float32[8, 10] = map(v11 as [8, 10] by (1, 0), v5, v6 as [8, 10] by (1, 0)) { sub(0, mul(x1, div(x0, x2))) }  # logSoftmaxBackwardData
      v13 float32[8, 10] = scatter(v12, v1, v11) { axis: 1; fn: "add" }  # scatterAdd
      "
    `)
  })

  test('an expensive value is not recomputed for every element that it is broadcast to', () => {
    const [x, y] = [randn(3, 1), randn(3, 4)]
    const once = recorded(() => [x.exp().add(y)])
    expect(inline(once, backend).instrs).toHaveLength(2)
    const same = recorded(() => [x.exp().expand(3, 4).t().contiguous().add(1)])
    expect(inline(same, backend).instrs).toHaveLength(2)
  })

  test('through permutations, slices and flips', () => {
    const x = randn(3, 4)
    const program = recorded(() => [x.add(1).t().narrow(0, 1, 2).flip([1]).exp()])
    expect(text(after(program, subexpressions, inline))).toMatchInlineSnapshot(`
      "
      v3 float32[2, 3] = map(v0 as [2, 3] by (1, -4) from 9) { exp(float32(add(x0, 1))) }  # add+exp
      "
    `)
  })

  test('not beyond the number of buffers that kernels read', () => {
    const xs = Array.from({ length: 6 }, () => randn(3))
    const program = recorded(() => [xs.reduce((sum, x) => sum.add(x))])
    expect(inline(program, backend).instrs).toHaveLength(1)
    const few = inline(program, able({ maxArgs: 3 }))
    expect(few.instrs.length).toBeGreaterThan(1)
    for (const instr of few.instrs) expect(instr.inputs.length).toBeLessThanOrEqual(3)
  })
})

describe('epilogues', () => {
  test('13-10-5-1: derivatives become epilogues of the products that only they read', () => {
    const program = after(recorded(mlp()), deadCode, subexpressions, inline)
    expect(text(program)).toMatchInlineSnapshot(`
      "
      v3 float32[506, 10] = contract(v0 as [506, 13], v1 as [13, 10] by (1, 13), v2 as [506, 10] by (0, 1)) { add(x0, x1) }  # addmm
      v4 float32[506, 10] = map(v3, 0.01) { select(gt(x0, 0), x0, mul(x0, x1)) }  # leakyRelu
      v7 float32[506, 5] = contract(v4, v5 as [10, 5] by (1, 10), v6 as [506, 5] by (0, 1)) { add(x0, x1) }  # addmm
      v8 float32[506, 5] = map(v7, 0.01) { select(gt(x0, 0), x0, mul(x0, x1)) }  # leakyRelu
      v11 float32[506, 1] = contract(v8, v9 as [5, 1], v10 as [506, 1] by (0, 0)) { add(x0, x1) }  # addmm
      v13 float32[] = map(v11, v12 as [506, 1]) { t0 = sub(x0, x1); sum over 0, 1 of mul(t0, t0) }  # mseLoss
      v14 float32[] = map(v13, 506) { div(x0, x1) }  # div
      v16 float32[506, 1] = map(v11, v12 as [506, 1]) { mul(div(2, 506), sub(x0, x1)) }  # mseLossBackward
      v17 float32[506, 5] = contract(v16, v9 as [1, 5])  # mm
      v18 float32[1, 5] = contract(v16 as [1, 506], v8)  # mm
      v19 float32[1] = map(v16) { sum over 0 of x0 }  # SumBackward1
      v20 float32[506, 5] = map(v17, 0.01, v8) { select(gt(x2, 0), x0, mul(x0, x1)) }  # leakyReluBackward
      v21 float32[506, 10] = contract(v20, v5 as [5, 10])  # mm
      v22 float32[5, 10] = contract(v20 as [5, 506] by (1, 5), v4)  # mm
      v23 float32[5] = map(v20) { sum over 0 of x0 }  # SumBackward1
      v24 float32[506, 10] = map(v21, 0.01, v4) { select(gt(x2, 0), x0, mul(x0, x1)) }  # leakyReluBackward
      v25 float32[10, 13] = contract(v24 as [10, 506] by (1, 10), v0 as [506, 13])  # mm
      v26 float32[10] = map(v24) { sum over 0 of x0 }  # SumBackward1
      v27 float32[10, 13] = map(v1 as [10, 13], v25, reading 0) { fma(x1, x2, x0) }  # sgd
      v28 float32[10] = map(v2, v26, reading 2) { fma(x1, x2, x0) }  # sgd
      v29 float32[5, 10] = map(v5 as [5, 10], v22, reading 4) { fma(x1, x2, x0) }  # sgd
      v30 float32[5] = map(v6, v23, reading 6) { fma(x1, x2, x0) }  # sgd
      v31 float32[1, 5] = map(v9 as [1, 5], v18, reading 8) { fma(x1, x2, x0) }  # sgd
      v32 float32[1] = map(v10, v19, reading 10) { fma(x1, x2, x0) }  # sgd
      "
    `)
    expect(text(epilogues(program, backend))).toMatchInlineSnapshot(`
      "
      v4 float32[506, 10] = contract(v0 as [506, 13], v1 as [13, 10] by (1, 13), v2 as [506, 10] by (0, 1)) { t0 = float32(add(x0, x1)); select(gt(t0, 0), t0, mul(t0, 0.01)) }  # addmm+leakyRelu
      v8 float32[506, 5] = contract(v4, v5 as [10, 5] by (1, 10), v6 as [506, 5] by (0, 1)) { t0 = float32(add(x0, x1)); select(gt(t0, 0), t0, mul(t0, 0.01)) }  # addmm+leakyRelu
      v11 float32[506, 1] = contract(v8, v9 as [5, 1], v10 as [506, 1] by (0, 0)) { add(x0, x1) }  # addmm
      v13 float32[] = map(v11, v12 as [506, 1]) { t0 = sub(x0, x1); sum over 0, 1 of mul(t0, t0) }  # mseLoss
      v14 float32[] = map(v13, 506) { div(x0, x1) }  # div
      v16 float32[506, 1] = map(v11, v12 as [506, 1]) { mul(div(2, 506), sub(x0, x1)) }  # mseLossBackward
      v18 float32[1, 5] = contract(v16 as [1, 506], v8)  # mm
      v19 float32[1] = map(v16) { sum over 0 of x0 }  # SumBackward1
      v20 float32[506, 5] = contract(v16, v9 as [1, 5], v8) { select(gt(x1, 0), x0, mul(x0, 0.01)) }  # mm+leakyReluBackward
      v22 float32[5, 10] = contract(v20 as [5, 506] by (1, 5), v4)  # mm
      v23 float32[5] = map(v20) { sum over 0 of x0 }  # SumBackward1
      v24 float32[506, 10] = contract(v20, v5 as [5, 10], v4) { select(gt(x1, 0), x0, mul(x0, 0.01)) }  # mm+leakyReluBackward
      v25 float32[10, 13] = contract(v24 as [10, 506] by (1, 10), v0 as [506, 13])  # mm
      v26 float32[10] = map(v24) { sum over 0 of x0 }  # SumBackward1
      v27 float32[10, 13] = map(v1 as [10, 13], v25, reading 0) { fma(x1, x2, x0) }  # sgd
      v28 float32[10] = map(v2, v26, reading 2) { fma(x1, x2, x0) }  # sgd
      v29 float32[5, 10] = map(v5 as [5, 10], v22, reading 4) { fma(x1, x2, x0) }  # sgd
      v30 float32[5] = map(v6, v23, reading 6) { fma(x1, x2, x0) }  # sgd
      v31 float32[1, 5] = map(v9 as [1, 5], v18, reading 8) { fma(x1, x2, x0) }  # sgd
      v32 float32[1] = map(v10, v19, reading 10) { fma(x1, x2, x0) }  # sgd
      "
    `)
  })

  test('not if the product is read twice, transposed, reduced, or returned', () => {
    const [x, y] = [randn(3, 4), randn(4, 5)]
    const steps: (() => Tensor[])[] = [
      () => [x.matmul(y).exp(), x.matmul(y).neg()],
      () => [x.matmul(y).t().exp()],
      () => [x.matmul(y).sum()],
      () => {
        const product = x.matmul(y)
        return [product, product.exp()]
      },
    ]
    for (const step of steps) {
      const program = after(recorded(step), subexpressions)
      expect(epilogues(program, backend).instrs).toHaveLength(program.instrs.length)
    }
  })
})

describe('merging', () => {
  test('Boston: loss, its derivative and the gradient of the bias are one pass', () => {
    const program = after(recorded(boston()), deadCode, subexpressions, inline, epilogues)
    expect(text(program)).toMatchInlineSnapshot(`
      "
      v3 float32[506, 1] = contract(v0 as [506, 13], v1 as [13, 1], v2 as [506, 1] by (0, 0)) { add(x0, x1) }  # addmm
      v5 float32[] = map(v3, v4 as [506, 1]) { t0 = sub(x0, x1); sum over 0, 1 of mul(t0, t0) }  # mseLoss
      v6 float32[] = map(v5, 506) { div(x0, x1) }  # div
      v8 float32[506, 1] = map(v3, v4 as [506, 1]) { mul(div(2, 506), sub(x0, x1)) }  # mseLossBackward
      v9 float32[1, 13] = contract(v8 as [1, 506], v0 as [506, 13])  # mm
      v10 float32[1] = map(v8) { sum over 0 of x0 }  # SumBackward1
      v11 float32[1, 13] = map(v1 as [1, 13], v9, reading 0) { fma(x1, x2, x0) }  # sgd
      v12 float32[1] = map(v2, v10, reading 2) { fma(x1, x2, x0) }  # sgd
      "
    `)
    expect(text(merge(program, backend))).toMatchInlineSnapshot(`
      "
      v3 float32[506, 1] = contract(v0 as [506, 13], v1 as [13, 1], v2 as [506, 1] by (0, 0)) { add(x0, x1) }  # addmm
      v5 float32[]; v8 float32[506, 1]; v10 float32[1] = map(v3, v4 as [506, 1]) { t0 = sub(x0, x1); t1 = float32(mul(div(2, 506), t0)); sum over 0, 1 of mul(t0, t0); t1; sum over 0 of t1 }  # mseLoss+mseLossBackward+SumBackward1
      v6 float32[] = map(v5, 506) { div(x0, x1) }  # div
      v9 float32[1, 13] = contract(v8 as [1, 506], v0 as [506, 13])  # mm
      v11 float32[1, 13] = map(v1 as [1, 13], v9, reading 0) { fma(x1, x2, x0) }  # sgd
      v12 float32[1] = map(v2, v10, reading 2) { fma(x1, x2, x0) }  # sgd
      "
    `)
  })

  test('breast cancer: with the check of the loss', () => {
    expect(text(after(recorded(breastCancer()), ...fused))).toMatchInlineSnapshot(`
      "
      v4 float32[569, 1] = contract(v0 as [569, 30], v1 as [30, 1], v2 as [569, 1] by (0, 0)) { div(1, add(1, exp(neg(float32(add(x0, x1)))))) }  # addmm+sigmoid
      v6 float32[]; v10 float32[569, 1]; v12 float32[1] = map(v5 as [569, 1], v4) { t0 = sub(1, x1); t1 = mul(t0, x1); t2 = float32(mul(float32(div(div(sub(x1, x0), max(t1, 1e-12)), 569)), t1)); sum over 0, 1 of sub(mul(sub(x0, 1), max(log(t0), -100)), mul(x0, max(log(x1), -100))); t2; sum over 0 of t2 } check not(and(ge(x1, 0), le(x1, 1)))  # binaryCrossEntropy+binaryCrossEntropyBackward+sigmoidBackward+SumBackward1
      v7 float32[] = map(v6, 569) { div(x0, x1) }  # div
      v11 float32[1, 30] = contract(v10 as [1, 569], v0 as [569, 30])  # mm
      v13 float32[1, 30] = map(v1 as [1, 30], v11, reading 0) { fma(x1, x2, x0) }  # sgd
      v14 float32[1] = map(v2, v12, reading 2) { fma(x1, x2, x0) }  # sgd
      "
    `)
  })

  test('batch norm and Adam: statistics, derivatives, updates', () => {
    expect(text(after(recorded(batchNorm()), ...fused))).toMatchInlineSnapshot(`
      "
      v3 float32[32, 16] = contract(v0 as [32, 8], v1 as [8, 16] by (1, 8), v2 as [32, 16] by (0, 1)) { add(x0, x1) }  # addmm
      v4 float32[16] = map(v3) { sum over 0 of x0 }  # SumBackward1
      v5 float32[16] = map(v4, 32) { div(x0, x1) }  # div
      v6 float32[16] = map(v3, v5 as [32, 16] by (0, 1)) { t0 = sub(x0, x1); sum over 0 of mul(t0, t0) }  # sum
      v7 float32[16]; v9 float32[16]; v11 float32[16]; v17 float32[16]; v18 float32[16] = map(v6, v8, v10, v5, v15, v16) { t0 = float32(div(1, sqrt(add(div(x0, 32), 0.00001)))); t1 = float32(mul(t0, x1)); t0; t1; sub(x2, mul(x3, t1)); add(float32(mul(x3, 0.1)), float32(mul(x4, 0.9))); add(float32(mul(float32(div(x0, 31)), 0.1)), float32(mul(x5, 0.9))) }  # rsqrt+mul+sub+batchNorm
      v19 float32[32, 16]; v21 float32[32, 16] = map(v3, v9 as [32, 16] by (0, 1), v11 as [32, 16] by (0, 1), v20) { t0 = max(float32(add(mul(x0, x1), x2)), 0); t0; mul(t0, x3) }  # nativeBatchNorm+relu+mul
      v24 float32[32, 2] = contract(v21, v22 as [16, 2] by (1, 16), v23 as [32, 2] by (0, 1)) { add(x0, x1) }  # addmm
      v26 float32[]; v29 float32[32, 2]; v32 float32[2] = map(v24, v25 as [32, 2]) { t0 = sub(x0, x1); t1 = float32(mul(div(2, 64), t0)); sum over 0, 1 of mul(t0, t0); t1; sum over 0 of t1 }  # mseLoss+mseLossBackward+SumBackward1
      v14 int32[]; v27 float32[] = map(v13 as [], v26) { add(x0, 1); div(x1, 64) }  # add+div
      v31 float32[2, 16] = contract(v29 as [2, 32] by (1, 2), v21)  # mm
      v34 float32[32, 16] = contract(v29, v22 as [2, 16], v19, v20) { select(le(x1, 0), 0, float32(mul(x0, x2))) }  # mm+mul+thresholdBackward
      v35 float32[16]; v36 float32[16] = map(v34, v3, v5 as [32, 16] by (0, 1)) { sum over 0 of x0; sum over 0 of mul(x0, sub(x1, x2)) }  # sum
      v37 float32[16]; v39 float32[16]; v40 float32[16]; v56 float32[16]; v57 float32[16]; v58 float32[16]; v61 float32[16]; v62 float32[16]; v63 float32[16] = map(v36, v7, v9, v35, v8, reading 17, v54, reading 16, reading 20, reading 19, v55, reading 18, reading 21, reading 22, v10, reading 25, v59, reading 24, reading 28, reading 27, v60, reading 26, reading 29, reading 30) { t0 = float32(mul(x0, x1)); t1 = fma(t0, x5, float32(mul(x6, x7))); t2 = fma(float32(mul(t0, x9)), t0, float32(mul(x10, x11))); t3 = fma(x3, x15, float32(mul(x16, x17))); t4 = fma(float32(mul(x3, x19)), x3, float32(mul(x20, x21))); t0; neg(mul(mul(mul(t0, 0.03125), x1), x2)); neg(mul(mul(x3, 0.03125), x2)); add(x4, float32(div(float32(mul(float32(t1), x8)), float32(add(float32(div(float32(sqrt(float32(t2))), x12)), x13))))); t1; t2; add(x14, float32(div(float32(mul(float32(t3), x18)), float32(add(float32(div(float32(sqrt(float32(t4))), x22)), x23))))); t3; t4 }  # mul+adam
      v41 float32[32, 16]; v43 float32[16] = map(v34, v9 as [32, 16] by (0, 1), v3, v5 as [32, 16] by (0, 1), v39 as [32, 16] by (0, 1), v40 as [32, 16] by (0, 1)) { t0 = float32(add(mul(x0, x1), add(mul(sub(x2, x3), x4), x5))); t0; sum over 0 of t0 }  # nativeBatchNormBackward+SumBackward1
      v42 float32[16, 8] = contract(v41 as [16, 32] by (1, 16), v0 as [32, 8])  # mm
      v46 float32[16, 8]; v47 float32[16, 8]; v48 float32[16, 8] = map(v1 as [16, 8], v44 as [16, 8], v45 as [16, 8], v42, reading 0, reading 1, reading 2, reading 3, reading 4, reading 5, reading 6) { t0 = fma(x3, x5, float32(mul(x1, x4))); t1 = fma(float32(mul(x3, x7)), x3, float32(mul(x2, x6))); add(x0, float32(div(float32(mul(float32(t0), x8)), float32(add(float32(div(float32(sqrt(float32(t1))), x9)), x10))))); t0; t1 }  # adam
      v51 float32[16]; v52 float32[16]; v53 float32[16] = map(v2, v49, v50, v43, reading 8, reading 9, reading 10, reading 11, reading 12, reading 13, reading 14) { t0 = fma(x3, x5, float32(mul(x1, x4))); t1 = fma(float32(mul(x3, x7)), x3, float32(mul(x2, x6))); add(x0, float32(div(float32(mul(float32(t0), x8)), float32(add(float32(div(float32(sqrt(float32(t1))), x9)), x10))))); t0; t1 }  # adam
      v66 float32[2, 16]; v67 float32[2, 16]; v68 float32[2, 16] = map(v22 as [2, 16], v64 as [2, 16], v65 as [2, 16], v31, reading 32, reading 33, reading 34, reading 35, reading 36, reading 37, reading 38) { t0 = fma(x3, x5, float32(mul(x1, x4))); t1 = fma(float32(mul(x3, x7)), x3, float32(mul(x2, x6))); add(x0, float32(div(float32(mul(float32(t0), x8)), float32(add(float32(div(float32(sqrt(float32(t1))), x9)), x10))))); t0; t1 }  # adam
      v71 float32[2]; v72 float32[2]; v73 float32[2] = map(v23, v69, v70, v32, reading 40, reading 41, reading 42, reading 43, reading 44, reading 45, reading 46) { t0 = fma(x3, x5, float32(mul(x1, x4))); t1 = fma(float32(mul(x3, x7)), x3, float32(mul(x2, x6))); add(x0, float32(div(float32(mul(float32(t0), x8)), float32(add(float32(div(float32(sqrt(float32(t1))), x9)), x10))))); t0; t1 }  # adam
      "
    `)
  })

  test('not if one depends, even indirectly, on a reduction of the other', () => {
    const x = randn(3, 4)
    const program = recorded(() => {
      const sum = x.sum()
      return [sum, x.add(sum.exp().exp())]
    })
    expect(merge(program, backend).instrs.map((instr) => instr.outputs.length)).toEqual([1, 1, 1])
  })

  test('not if kernels have one output or would read too much', () => {
    const [x, y] = [randn(3), randn(3)]
    const program = recorded(() => [x.add(y).exp(), x.sum()])
    expect(merge(program, backend).instrs).toHaveLength(1)
    expect(merge(program, able({ multiOutput: false })).instrs).toHaveLength(program.instrs.length)
    for (const instr of merge(program, able({ maxArgs: 1 })).instrs as ProgramInstr<'map'>[]) {
      if (instr.outputs.length > 1) expect(instr.inputs.length).toBe(1)
    }
  })
})

describe('recomputing', () => {
  test('a cheap value is recomputed rather than stored', () => {
    const x = randn(3, 4)
    const program = after(
      recorded(() => {
        const doubled = x.mul(2)
        return [doubled.sub(doubled.sum({ dim: 1, keepdim: true }).exp())]
      }),
      inline,
      merge,
    )
    expect(text(program)).toMatchInlineSnapshot(`
      "
      v1 float32[3, 4]; v2 float32[3, 1] = map(v0 as [3, 4]) { t0 = float32(mul(x0, 2)); t0; sum over 1 of t0 }  # mul+SumBackward1
      v3 float32[3, 1] = map(v2) { exp(x0) }  # exp
      v4 float32[3, 4] = map(v1, v3 as [3, 4] by (1, 0)) { sub(x0, x1) }  # sub
      "
    `)
    expect(text(recompute(program, backend))).toMatchInlineSnapshot(`
      "
      v2 float32[3, 1] = map(v0 as [3, 4]) { sum over 1 of float32(mul(x0, 2)) }  # mul+SumBackward1
      v3 float32[3, 1] = map(v2) { exp(x0) }  # exp
      v4 float32[3, 4] = map(v0 as [3, 4], v3 as [3, 4] by (1, 0)) { sub(float32(mul(x0, 2)), x1) }  # mul+SumBackward1+sub
      "
    `)
  })

  test('an expensive value, or one computed from more elements, is stored', () => {
    const xs = [randn(3, 4), randn(3, 4), randn(3, 4)]
    const steps: ((x: Tensor, y: Tensor, z: Tensor) => Tensor)[] = [(x) => x.exp(), (x, y, z) => x.add(y).add(z)]
    for (const step of steps) {
      const program = after(
        recorded(() => {
          const made = step(xs[0], xs[1], xs[2])
          return [made.sub(made.sum({ dim: 1, keepdim: true }).exp())]
        }),
        inline,
        merge,
      )
      expect(text(recompute(program, backend))).toBe(text(program))
    }
  })
})

describe('finish', () => {
  const finished = (step: (x: Tensor) => readonly Tensor[]): Program => {
    const x = randn(4, 3)
    return after(
      recorded(() => step(x)),
      ...fused,
      finish,
    )
  }

  test('means and deviations are fused into their sums, also several in one map', () => {
    expect(text(finished((x) => [x.mean(1), x.std(0)]))).toMatchInlineSnapshot(`
      "
      v2 float32[4]; v4 float32[1, 3] = map(v0 as [4, 3]) { div(sum over 1 of x0, 3); div(sum over 0 of x0, 4) }  # sum+div
      v6 float32[3] = map(v0 as [4, 3], v4 as [4, 3] by (0, 1)) { t0 = sub(x0, x1); sqrt(div(sum over 0 of mul(t0, t0), 3)) }  # pow+sqrt
      "
    `)
    expect(text(finished((x) => [x.sum().div(12).neg().exp(), x.amax()]))).toMatchInlineSnapshot(`
      "
      v4 float32[]; v5 float32[] = map(v0 as [4, 3]) { exp(neg(float32(div(sum over 0, 1 of x0, 12)))); max over 0, 1 of x0 }  # sum+amax+div+neg+exp
      "
    `)
  })

  test('not with other readers, with tensor operands, or if the dtype or the order changes', () => {
    const steps: ((x: Tensor) => readonly Tensor[])[] = [
      (x) => [x.sum(0), x.sum(0).div(2)],
      (x) => [x.sum(0).div(x.at([0]))],
      (x) => [x.sum(0).gt(2)],
      (x) => [x.sum(0).flip([0]).div(2)],
      (x) => [x.sum(0).expand(2, 3).div(2)],
    ]
    const sum = recorded(() => [randn(4, 3).mean()])
    expect(finish(sum, able({ reducedPost: false }))).toBe(sum)
    for (const step of steps) {
      const program = finished(step)
      expect(text(finish(program, backend))).toBe(text(program))
      expect(text(program)).not.toMatch(/\(sum over/)
    }
  })
})

describe('notes', () => {
  test('why instructions stayed apart', () => {
    expect(unfused(after(recorded(boston()), ...fused), backend)).toMatchInlineSnapshot(`
      [
        "v3 not into v5, v8, v10: a product has one output",
        "v5 not into v6: v5 is reduced",
        "v9 not into v11: v9 leaves the step",
        "v10 not into v12: v10 is reduced",
      ]
    `)
    expect(unfused(after(recorded(batchNorm()), ...fused), backend)).toMatchInlineSnapshot(`
      [
        "v3 not into v4: v3 has other readers",
        "v4 not into v5: v4 is reduced",
        "v3 not into v6: v3 has other readers",
        "v5 not into v6: they iterate over different shapes; v5 is broadcast: it would be computed more often",
        "v6 not into v7, v9, v11, v17, v18: v6 is reduced",
        "v5 not into v7, v9, v11, v17, v18: an instruction between them reads the one and is read by the other; reading it costs less than computing it again",
        "v3 not into v19, v21: v3 has other readers",
        "v9 not into v19, v21: they iterate over different shapes; v9 is broadcast: it would be computed more often",
        "v11 not into v19, v21: they iterate over different shapes; v11 is broadcast: it would be computed more often",
        "v24 not into v26, v29, v32: a product has one output",
        "v26 not into v14, v27: v26 is reduced",
        "v34 not into v35, v36: v34 has other readers",
        "v3 not into v35, v36: v3 has other readers",
        "v5 not into v35, v36: they iterate over different shapes; v5 is broadcast: it would be computed more often",
        "v36 not into v37, v39, v40, v56, v57, v58, v61, v62, v63: v36 is reduced",
        "v7 not into v37, v39, v40, v56, v57, v58, v61, v62, v63: an instruction between them reads the one and is read by the other; reading it costs less than computing it again",
        "v9 not into v37, v39, v40, v56, v57, v58, v61, v62, v63: an instruction between them reads the one and is read by the other; reading it costs less than computing it again",
        "v35 not into v37, v39, v40, v56, v57, v58, v61, v62, v63: v35 is reduced",
        "v34 not into v41, v43: v34 has other readers",
        "v9 not into v41, v43: they iterate over different shapes; v9 is broadcast: it would be computed more often",
        "v3 not into v41, v43: v3 has other readers",
        "v5 not into v41, v43: they iterate over different shapes; v5 is broadcast: it would be computed more often",
        "v39 not into v41, v43: they iterate over different shapes; v39 is broadcast: it would be computed more often",
        "v40 not into v41, v43: they iterate over different shapes; v40 is broadcast: it would be computed more often",
        "v42 not into v46, v47, v48: v42 leaves the step",
        "v43 not into v51, v52, v53: v43 is reduced",
        "v31 not into v66, v67, v68: v31 leaves the step",
        "v32 not into v71, v72, v73: v32 is reduced",
      ]
    `)
  })

  test('stages of a prepared program have them', () => {
    const { stages } = prepare(recorded(boston()), backend)
    expect(stages.flatMap(({ name, notes }) => (notes.length === 0 ? [] : [name]))).toEqual(['recompute'])
  })
})

describe('layouts of layouts', () => {
  test('read the elements of the composed views', () => {
    const transposed = { sizes: [3, 4], strides: [1, 3], offset: 2 }
    expect(compose({ sizes: [4, 3], strides: [1, 4], offset: 0 }, transposed)).toEqual({
      sizes: [4, 3],
      strides: [3, 1],
      offset: 2,
    })
    expect(compose({ sizes: [3], strides: [-5], offset: 10 }, transposed)).toEqual({
      sizes: [3],
      strides: [-4],
      offset: 10,
    })
    expect(compose({ sizes: [6, 2], strides: [2, 1], offset: 0 }, { sizes: [3, 4], strides: [0, 1], offset: 0 })).toBe(
      null,
    )
    expect(compose({ sizes: [12], strides: [1], offset: 0 }, { sizes: [3, 4], strides: [0, 0], offset: 7 })).toEqual({
      sizes: [12],
      strides: [0],
      offset: 7,
    })
  })

  test('read the same elements for any views, and none outside them', () => {
    const upTo = (n: number): number[] => [...Array(n).keys()]
    const elements = ({ sizes, strides, offset }: Layout): number[] =>
      sizes.reduce((all, size, d) => all.flatMap((x) => upTo(size).map((i) => x + i * strides[d])), [offset])
    const steps = [-4, -3, -2, -1, 1, 2, 3, 4]
    const inners = [
      [1, 2],
      [-3, 1],
      [4, -1],
      [0, 1],
      [5, 0],
    ].flatMap((strides) =>
      [
        [2, 3],
        [3, 2],
      ].map((shape) => ({ sizes: shape, strides, offset: 20 })),
    )
    const outers = upTo(6).flatMap((offset) =>
      steps.flatMap((a) => [
        ...[2, 3].map((size) => ({ sizes: [size], strides: [a], offset })),
        ...steps.map((b) => ({ sizes: [2, 2], strides: [a, b], offset })),
      ]),
    )
    let composed = 0
    for (const inner of inners) {
      const read = elements(inner)
      for (const outer of outers.filter((x) => elements(x).every((i) => i >= 0 && i < 6))) {
        const layout = compose(outer, inner)
        if (layout === null) continue
        composed++
        expect(elements(layout)).toEqual(elements(outer).map((i) => read[i]))
      }
    }
    expect(composed).toBeGreaterThan(100)
  })
})

test('the constant of a fill is rounded like its elements', () => {
  const x = tensor([1, 2], { dtype: 'float64' })
  const step = compile(() => x.mul(zeros(2).add(0.1)))
  for (let call = 0; call < 4; call++) expect(step().toNested()).toEqual([Math.fround(0.1), 2 * Math.fround(0.1)])
})
