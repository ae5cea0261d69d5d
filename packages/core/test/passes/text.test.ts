// Programs as text: every part of a program is shown, and shared subexpressions are shown once.
import { describe, expect, test } from 'vitest'
import type { Program } from '../../src/backend/program.ts'
import { plan } from '../../src/compile/plan.ts'
import { settle } from '../../src/compile/passes/settle.ts'
import { programText } from '../../src/compile/text.ts'
import { contiguousLayout } from '../../src/base/layout.ts'
import { Generator } from '../../src/random/generator.ts'
import { s } from '../../src/expr/expr.ts'
import { adam, boston, recorded } from './steps.ts'

describe('text of a program', () => {
  test('Boston: memory, readings, views, epilogues, reductions, kept values and results', () => {
    expect(`\n${programText(recorded(boston()))}\n`).toMatchInlineSnapshot(`
      "
      v0 float32[6578]: memory from before the step
      v1 float32[13]: memory from before the step
      v2 float32[1]: memory from before the step
      v4 float32[506]: memory from before the step
      host: effect, reading 0, reading 1, reading 2, reading 3
      v3 float32[506, 1] = contract(v0 as [506, 13], v1 as [13, 1], v2 as [506, 1] by (0, 0)) { add(x0, x1) }  # addmm
      v5 float32[] = map(v3, v4 as [506, 1]) { sum over 0, 1 of mul(sub(x0, x1), sub(x0, x1)) }  # mseLoss
      v6 float32[] = map(v5, 506) { div(x0, x1) }  # div
      v7 float32[] = map(1) { x0 }  # fill
      v8 float32[506, 1] = map(v7 as [506, 1] by (0, 0), 506, v3, v4 as [506, 1]) { mul(mul(div(2, x1), sub(x2, x3)), x0) }  # mseLossBackward
      v9 float32[1, 13] = contract(v8 as [1, 506], v0 as [506, 13])  # mm
      v10 float32[1] = map(v8) { sum over 0 of x0 }  # SumBackward1
      v11 float32[1, 13] = map(v1 as [1, 13], v9, reading 0, reading 1) { fma(x1, x2, x0) }  # sgd
      v12 float32[1] = map(v2, v10, reading 2, reading 3) { fma(x1, x2, x0) }  # sgd
      kept: v11 in place of v1
      kept: v12 in place of v2
      results: v6; v9; v10
      "
    `)
  })

  test('a plan shows the places of values', () => {
    const program = settle(recorded(boston()))
    const text = programText(program, plan(program))
    expect(text).toMatch(/v3 float32\[506, 1\] @\d+ = contract\(/)
    expect(text).toContain('v6 float32[] @result 0 = map(')
    expect(text).toContain('v11 float32[1, 13] @buffer = map(')
  })

  test('a node that is used twice is named', () => {
    expect(programText(recorded(adam()))).toContain('{ t0 = fma(x3, x5, float32(mul(x1, x4))); t1 = ')
  })

  test('given data, draws, host effects, offsets, checks and attributes', () => {
    const x = s.input(0, 'float32')
    const program: Program = {
      values: [
        { sizes: [6], dtype: 'float32' },
        { sizes: [2], dtype: 'float32' },
        { sizes: [2, 2], dtype: 'float32' },
        { sizes: [2, 2], dtype: 'float32' },
        { sizes: [4, 2], dtype: 'float32' },
      ],
      given: new Map([
        [0, { from: 'constant', data: Float32Array.of(0, 1, 2, 3, 4, 5) }],
        [1, { from: 'draw', draw: 0 }],
        [2, { from: 'argument', argument: 1 }],
      ]),
      host: [
        { kind: 'effect', fn: () => () => {} },
        {
          kind: 'draw',
          draw: 0,
          produce: () => new Float32Array(2),
          stream: new Generator(),
        },
      ],
      instrs: [
        {
          kind: 'map',
          attrs: { outs: [{ expr: s.neg(x) }] },
          inputs: [{ value: 0, dtype: 'float32', sizes: [2, 2], strides: [2, 1], offset: 2 }],
          outputs: [3],
          check: { expr: s.lt(x, 0), error: () => new Error() },
          origin: { name: 'neg' },
        },
        {
          kind: 'concat',
          attrs: { axis: 0 },
          inputs: [2, 3].map((value) => ({ value, dtype: 'float32' as const, ...contiguousLayout([2, 2]) })),
          outputs: [4],
          origin: { name: 'cat' },
        },
      ],
      kept: [],
      results: [{ value: 4, dtype: 'float32', ...contiguousLayout([8]) }],
    }
    expect(`\n${programText(program)}\n`).toMatchInlineSnapshot(`
      "
      v0 float32[6]: constant 0, 1, 2, 3, ...
      v1 float32[2]: draw 0
      v2 float32[2, 2]: argument 1
      host: effect, draw 0
      v3 float32[2, 2] = map(v0 as [2, 2] by (2, 1) from 2) { neg(x0) } check lt(x0, 0)  # neg
      v4 float32[4, 2] = concat(v2, v3) { axis: 0 }  # cat
      results: v4 as [8]
      "
    `)
  })
})
