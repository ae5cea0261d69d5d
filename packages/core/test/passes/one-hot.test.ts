// Sums that select by an index: gathered, with the bits of the sum over all positions.
import { compile, F, manualSeed, randint, randn, type Tensor, tensor, where, zeros } from '@flambeau/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { prepare } from '../../src/compile/prepare.ts'
import { instrText } from '../../src/compile/text.ts'
import { backend, recorded } from './steps.ts'

const text = (step: () => readonly Tensor[]): string => {
  const { stages } = prepare(recorded(step), backend)
  const { program } = stages[stages.length - 1]
  return `\n${program.instrs.map((instr) => instrText(program, instr)).join('\n')}\n`
}

function compare(step: () => readonly Tensor[]): void {
  const elements = (xs: readonly Tensor[]): unknown => xs.map((x) => [x.shape, [...x.detach().toArray()]])
  const compiled = compile(step)
  const eager = elements(step())
  for (let call = 0; call < 4; call++) expect(elements(compiled())).toEqual(eager)
}

describe('one-hot sums', () => {
  test('cross entropy of class indices', () => {
    manualSeed(2)
    const x = randn(64, 100).requiresGrad_()
    const y = randint(0, 100, [64])
    expect(
      text(() => {
        x.grad = null
        const loss = F.crossEntropy(x, y)
        loss.backward()
        return [loss]
      }),
    ).toMatchInlineSnapshot(`
      "
      v1 float32[64, 1] = map(v0 as [64, 100]) { max over 1 of x0 }  # amax
      v2 float32[64, 100]; v3 float32[64, 1] = map(v0 as [64, 100], v1 as [64, 100] by (1, 0)) { t0 = exp(sub(x0, x1)); t0; sum over 1 of t0 }  # exp
      v7 int32[] = map(v6 as [64, 1], -100, 100) { sum over 0, 1 of int32(ne(x0, x1)) } check and(ne(x0, x1), or(lt(x0, 0), ge(x0, x2)))  # nllLoss
      v8 int32[100] = iota() { axis: 0 }  # arange
      v15 int32[64, 1] = map(v6 as [64, 1]) { select(and(ge(x0, 0), lt(x0, 100)), x0, 0) }  # sub+nllLoss
      v16 float32[64, 1] = gather(v0 as [64, 100], v15) { axis: 1 }  # sub+nllLoss
      v9 float32[] = map(v6 as [64, 1], v16, v1, v3) { sum over 0, 1 of add(select(and(and(ge(x0, 0), lt(x0, 100)), ne(float32(x0), -100)), neg(float32(sub(sub(x1, x2), float32(log(x3))))), 0), 0) }  # log+sub+nllLoss
      v10 float32[] = map(v9, v7) { div(x0, float32(x1)) }  # div
      v13 float32[64, 1] = map(v6 as [64, 1], v7 as [64, 1] by (0, 0)) { sum over 1 of add(select(and(and(ge(x0, 0), lt(x0, 100)), ne(float32(x0), -100)), neg(float32(div(1, float32(x1)))), 0), 0) }  # nllLossBackward+SumBackward1
      v14 float32[64, 100] = map(v8 as [64, 100] by (0, 1), v6 as [64, 100] by (1, 0), v7 as [64, 100] by (0, 0), v2, v13 as [64, 100] by (1, 0), v3 as [64, 100] by (1, 0)) { t0 = float32(x1); sub(select(and(eq(float32(x0), t0), ne(t0, -100)), neg(float32(div(1, float32(x2)))), 0), mul(x3, div(x4, x5))) }  # nllLossBackward+SumBackward1+logSoftmaxBackwardData
      "
    `)
  })

  test('cross entropy equals eager bit for bit: classes, weights, ignored indices, reductions', () => {
    const losses = fc.record({
      rows: fc.integer({ min: 1, max: 40 }),
      classes: fc.integer({ min: 30, max: 90 }),
      ignored: fc.constantFrom(-100, 3),
      weighted: fc.boolean(),
      reduction: fc.constantFrom('mean', 'sum', 'none'),
    })
    fc.assert(
      fc.property(losses, ({ rows, classes, ignored, weighted, reduction }) => {
        manualSeed(rows)
        const x = randn(rows, classes).requiresGrad_()
        const y = where(randn(rows).gt(1), tensor(ignored, { dtype: 'int32' }), randint(0, classes, [rows])).int()
        const weight = weighted ? randn(classes).abs() : undefined
        compare(() => {
          x.grad = null
          const loss = F.crossEntropy(x, y, { ignoreIndex: ignored, weight, reduction: reduction as 'mean' })
          loss.sum().backward()
          return [loss, x.grad as unknown as Tensor]
        })
      }),
      { numRuns: 40 },
    )
  })

  test('indices out of bounds select nothing, and -0 adds up to 0', () => {
    const x = zeros(8, 200)
    for (const ignoreIndex of [-1, -300, 200, 100000]) {
      const y = tensor([0, ignoreIndex, 199, 7, ignoreIndex, 100, 5, 5], { dtype: 'int32' })
      const step = (): Tensor[] => [F.nllLoss(x, y, { ignoreIndex, reduction: 'none' })]
      expect(text(step)).toContain('gather')
      compare(step)
    }
  })

  test('few positions are compared', () => {
    const x = randn(4, 5)
    const y = randint(0, 5, [4])
    expect(text(() => [F.crossEntropy(x, y)])).not.toContain('gather')
  })
})
