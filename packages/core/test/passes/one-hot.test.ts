// What an index selects: gathered where it is summed, scattered where it is not, with the bits of comparing all positions.
import { compile, F, manualSeed, noGrad, randint, randn, type Tensor, tensor, where, zeros } from '@flambeau/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { prepare } from '../../src/compile/prepare.ts'
import { counted } from '../../src/ops/create.ts'
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

describe('one-hot', () => {
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
      v15 int32[64, 1] = map(v6 as [64, 1]) { select(and(ge(x0, 0), lt(x0, 100)), x0, 0) }  # sub+nllLoss
      v16 float32[64, 1] = gather(v0 as [64, 100], v15) { axis: 1 }  # sub+nllLoss
      v9 float32[] = map(v6 as [64, 1], v16, v1, v3) { sum over 0, 1 of add(select(and(and(ge(x0, 0), lt(x0, 100)), ne(float32(x0), -100)), neg(float32(sub(sub(x1, x2), float32(log(x3))))), 0), 0) }  # log+sub+nllLoss
      v13 float32[64, 1] = map(v6 as [64, 1], v7 as [64, 1] by (0, 0)) { sum over 1 of add(select(and(and(ge(x0, 0), lt(x0, 100)), ne(float32(x0), -100)), neg(float32(div(1, float32(x1)))), 0), 0) }  # nllLossBackward+SumBackward1
      v18 int32[64, 1] = map(v6 as [64, 1]) { select(and(ge(x0, 0), lt(x0, 100)), x0, 0) }  # nllLossBackward+SumBackward1+logSoftmaxBackwardData
      v19 float32[64, 1] = gather(v2, v18) { axis: 1 }  # nllLossBackward+SumBackward1+logSoftmaxBackwardData
      v20 float32[64, 1] = map(v6 as [64, 1], v7 as [64, 1] by (0, 0), v19, v13, v3) { sub(select(and(and(ge(x0, 0), lt(x0, 100)), ne(float32(x0), -100)), neg(float32(div(1, float32(x1)))), 0), mul(x2, div(x3, x4))) }  # nllLossBackward+SumBackward1+logSoftmaxBackwardData
      v17 float32[64, 100] = map(v2, v13 as [64, 100] by (1, 0), v3 as [64, 100] by (1, 0)) { sub(0, mul(x0, div(x1, x2))) }  # nllLossBackward+SumBackward1+logSoftmaxBackwardData
      v14 float32[64, 100] = scatter(v17, v18, v20) { axis: 1; fn: "set" }  # nllLossBackward+SumBackward1+logSoftmaxBackwardData
      v10 float32[] = map(v9, v7) { div(x0, float32(x1)) }  # div
      "
    `)
  })

  test('cross entropy equals eager bit for bit: classes, weights, ignored indices, smoothing, reductions', () => {
    const losses = fc.record({
      rows: fc.integer({ min: 1, max: 40 }),
      classes: fc.integer({ min: 30, max: 90 }),
      ignored: fc.constantFrom(-100, 3),
      labelSmoothing: fc.constantFrom(0, 0, 0.2),
      weighted: fc.boolean(),
      reduction: fc.constantFrom('mean', 'sum', 'none'),
    })
    fc.assert(
      fc.property(losses, ({ rows, classes, ignored, labelSmoothing, weighted, reduction }) => {
        manualSeed(rows)
        const x = randn(rows, classes).requiresGrad_()
        const y = where(randn(rows).gt(1), tensor(ignored, { dtype: 'int32' }), randint(0, classes, [rows])).int()
        const weight = weighted ? randn(classes).abs() : undefined
        compare(() => {
          x.grad = null
          const options = { ignoreIndex: ignored, labelSmoothing, weight, reduction: reduction as 'mean' }
          const loss = F.crossEntropy(x, y, options)
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

  /** `selected` where the class is the index, `value` elsewhere, in expressions that read the position itself. */
  const chosen = (rows: number, classes: number, target: Tensor) => (): Tensor[] => {
    const position = counted(classes, 'int32', undefined)
    const x = position.add(1).div(target.unsqueeze(1).abs().add(3))
    return [
      where(position.eq(target.unsqueeze(1)), x.neg(), x.mul(2))
        .add(position)
        .expand(rows, classes)
        .clone(),
    ]
  }

  test('positions out of bounds select nothing where elements are scattered', () => {
    const target = tensor([0, -1, 99, 100, 7, 5000, -300, 7, 50, 98, 1, 99], { dtype: 'int32' })
    const step = chosen(12, 100, target)
    expect(text(step)).toContain('scatter')
    compare(step)
  })

  test('few classes are compared, and what is kept is not scattered into', () => {
    expect(text(chosen(100, 20, randint(0, 20, [100])))).not.toContain('scatter')
    const table = randn(32, 100)
    const update = (): Tensor[] => {
      const target = tensor([...Array(32).keys()], { dtype: 'int32' }).unsqueeze(1)
      noGrad(() => table.copy_(where(counted(100, 'int32', undefined).eq(target), table.mul(0.5), table.add(1))))
      return []
    }
    expect(text(update)).not.toContain('scatter')
  })
})
