import { s, type Expr, type Instr, type Operand, type Output } from '@flambeau/core/backend'
import { describe, expect, it } from 'vitest'
import { buffer, elementsOf, output, runner, view } from './run-plan.ts'

const origin = { name: 'test' }
const mapOf = (expr: Expr, inputs: readonly Operand[], out: Output): Instr<'map'> => ({
  kind: 'map',
  attrs: { outs: [{ expr }] },
  inputs,
  outputs: [out],
  origin,
})
const x = s.input(0, 'float32')
const y = s.input(1, 'float32')

describe.each(['cpu', 'webasm'] as const)('maps in %s', (mode) => {
  const { run } = runner(mode)
  it('adds a row to a transposed matrix', () => {
    const a = view(buffer(Float32Array.from({ length: 13 }, (_, i) => i)), [3, 4], 'float32', [1, 3], 1)
    const b = view(buffer([10, 20, 30, 40]), [3, 4], 'float32', [0, 1])
    const got = run(mapOf(s.add(x, s.mul(y, 2)), [a, b], output([3, 4])) as Instr).outputs[0]
    const [p, q] = [a, b].map((v) => elementsOf(v, [3, 4]))
    expect(got).toEqual(p.map((v, i) => v + 2 * q[i]))
  })
  it('reduces', () => {
    for (const [shape, axes] of [
      [[3, 5], [1]],
      [[3, 5], [0]],
      [
        [3, 5],
        [0, 1],
      ],
      [
        [2, 3, 4],
        [0, 2],
      ],
      [[2, 70, 5], [1]],
      [[3, 5000], [1]],
      [[5000, 3], [0]],
      [
        [40, 3, 60],
        [0, 2],
      ],
      [[1025], [0]],
      [[2100000], [0]],
    ] as const) {
      const n = shape.reduce((p: number, q: number) => p * q, 1)
      const data = buffer(Float32Array.from({ length: n }, (_, i) => ((i * 7919) % 13) - 5))
      const out = shape.filter((_, i) => !(axes as readonly number[]).includes(i))
      for (const fn of ['sum', 'max', 'min'] as const) {
        const got = run({
          kind: 'map',
          attrs: { outs: [{ expr: s.mul(x, 1), reduce: { fn, axes } }] },
          inputs: [view(data, shape)],
          outputs: [output(out)],
          origin,
        } as Instr).outputs[0]
        const want = new Array(out.reduce((p, q) => p * q, 1)).fill(
          fn === 'sum' ? 0 : fn === 'max' ? -Infinity : Infinity,
        )
        data.data.forEach((v, i) => {
          let rest = i
          const idx: number[] = []
          for (let d = shape.length - 1; d >= 0; d--) {
            idx[d] = rest % shape[d]
            rest = Math.floor(rest / shape[d])
          }
          let o = 0
          shape.forEach((sz, d) => {
            if (!(axes as readonly number[]).includes(d)) o = o * sz + idx[d]
          })
          want[o] = fn === 'sum' ? want[o] + v : fn === 'max' ? Math.max(want[o], v) : Math.min(want[o], v)
        })
        expect(got, `${fn} ${shape} over ${axes}`).toEqual(want)
      }
    }
  })
})
