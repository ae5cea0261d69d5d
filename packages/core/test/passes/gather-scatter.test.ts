// Gathers and scatters: only the gathered elements are computed, and maps of scattered rows are computed separately for
// the zeros and the elements, with the bits of computing everything.
import { compile, F, manualSeed, noGrad, randint, randn, type Tensor, tensor, where, zeros } from '@flambeau/core'
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

/** The number of instructions that make values of this shape. */
const making = (shape: string, step: () => readonly Tensor[]): number =>
  text(step)
    .split('\n')
    .filter((line) => line.split(' = ')[0].includes(`[${shape}]`)).length

describe('losses of class numbers', () => {
  const trained = (loss: (x: Tensor, y: Tensor) => Tensor, rows: number, classes: number) => {
    manualSeed(2)
    const x = randn(rows, classes).requiresGrad_()
    const y = randint(0, classes, [rows])
    return () => {
      x.grad = null
      const value = loss(x, y)
      value.backward()
      return [value, x.grad as unknown as Tensor]
    }
  }

  test('store only the exponentials and the gradient of the scores at full size', () => {
    for (const loss of [
      (x: Tensor, y: Tensor) => F.crossEntropy(x, y),
      (x: Tensor, y: Tensor) => F.nllLoss(F.logSoftmax(x, { dim: 1 }), y),
    ]) {
      const step = trained(loss, 64, 100)
      // The exponentials, their product with a factor per row, and the scatter into that.
      expect(making('64, 100', step)).toBe(3)
      compare(step)
    }
  })

  test('of log-probabilities read one element of each row', () => {
    expect(text(trained((x, y) => F.nllLoss(x, y), 64, 100))).toMatchInlineSnapshot(`
      "
      v1 int32[64, 1]; v2 int32[] = map(v0 as [64, 1], -100, 100) { t0 = ne(x0, x1); select(t0, x0, 0); sum over 0, 1 of int32(t0) } check and(ne(x0, x1), or(lt(x0, 0), ge(x0, x2)))  # nllLoss
      v4 float32[64, 1] = gather(v3 as [64, 100], v1) { axis: 1 }  # gather
      v5 float32[]; v8 float32[64, 1] = map(v0 as [64, 1], v4, v2 as [64, 1] by (0, 0)) { t0 = ne(float32(x0), -100); sum over 0, 1 of select(t0, neg(x1), 0); select(t0, neg(div(1, float32(x2))), 0) }  # nllLoss+nllLossBackward
      v9 float32[64, 100] = map(0) { x0 }  # fill
      v10 float32[64, 100] = scatter(v9, v1, v8) { axis: 1; fn: "set" }  # scatter
      v6 float32[] = map(v5, v2) { div(x0, float32(x1)) }  # div
      "
    `)
  })

  test('equal eager bit for bit: classes, weights, ignored indices, smoothing, reductions', () => {
    const losses = fc.record({
      rows: fc.integer({ min: 1, max: 40 }),
      classes: fc.integer({ min: 30, max: 90 }),
      ignored: fc.constantFrom(-100, 3),
      labelSmoothing: fc.constantFrom(0, 0, 0.2),
      weighted: fc.boolean(),
      apart: fc.boolean(),
      reduction: fc.constantFrom('mean', 'sum', 'none'),
    })
    fc.assert(
      fc.property(losses, ({ rows, classes, ignored, labelSmoothing, weighted, apart, reduction }) => {
        manualSeed(rows)
        const x = randn(rows, classes).requiresGrad_()
        const y = where(randn(rows).gt(1), tensor(ignored, { dtype: 'int32' }), randint(0, classes, [rows])).int()
        const weight = weighted ? randn(classes).abs() : undefined
        compare(() => {
          x.grad = null
          const options = { ignoreIndex: ignored, weight, reduction: reduction as 'mean' }
          const loss = apart
            ? F.nllLoss(F.logSoftmax(x, { dim: 1 }), y, options)
            : F.crossEntropy(x, y, { ...options, labelSmoothing })
          loss.sum().backward()
          return [loss, x.grad as unknown as Tensor]
        })
      }),
      { numRuns: 40 },
    )
  })

  test('ignored targets may be any number', () => {
    const x = randn(8, 200).requiresGrad_()
    for (const ignoreIndex of [-1, -300, 200, 100000]) {
      const y = tensor([0, ignoreIndex, 199, 7, ignoreIndex, 100, 5, 5], { dtype: 'int32' })
      const step = (): Tensor[] => {
        x.grad = null
        const loss = F.nllLoss(x.sigmoid().log(), y, { ignoreIndex, reduction: 'none' })
        loss.sum().backward()
        return [loss, x.grad as unknown as Tensor]
      }
      compare(step)
    }
  })
})

describe('an index', () => {
  const index = (): Tensor => randint(0, 100, [64, 1])

  test('gathers before the source is computed, unless that is small or has other readers', () => {
    const [x, y] = [randn(64, 100), randn(64, 1)]
    const at = index()
    const picked = () => x.mul(y).add(x.t().contiguous().t()).gather(1, at)
    expect(making('64, 100', () => [picked()])).toBe(0)
    expect(making('64, 100', () => [x.mul(y).gather(1, at)])).toBe(0)
    compare(() => [picked(), x.mul(y).gather(1, at)])
    const all = () => {
      const product = x.mul(y)
      return [product.gather(1, at), product]
    }
    expect(making('64, 100', all)).toBe(1)
    expect(making('64, 10', () => [x.narrow(1, 0, 10).mul(y).gather(1, at.clamp(0, 9).int())])).toBe(1)
    compare(all)
  })

  test('scatters into the map of the zeros, and a sum over a scattered row is the element', () => {
    const [x, y] = [randn(64, 100), randn(64, 1)]
    const at = index()
    const rows = (): Tensor => zeros(64, 100).scatter(1, at, y)
    const step = () => {
      const put = rows()
      return [put.mul(x).sub(x), put.sum({ dim: 1 })]
    }
    // The map of the zeros, and the scatter into it; the rows themselves are not stored.
    expect(making('64, 100', step)).toBe(2)
    compare(step)
    compare(() => [rows().sum(), rows().neg().exp(), rows().mul(rows())])
  })

  test('still throws if it is out of bounds', () => {
    const x = randn(64, 100)
    const y = randn(64, 1)
    const at = tensor(new Array(64).fill(5), { dtype: 'int32' }).unsqueeze(1)
    const put = compile(() => [zeros(64, 100).scatter(1, at, y).mul(x)])
    const picked = compile(() => [x.mul(y).gather(1, at)])
    for (let call = 0; call < 4; call++) for (const step of [put, picked]) step()
    at.fill_(100)
    for (const step of [put, picked]) expect(() => step()).toThrow('index 100 is out of bounds')
  })

  test('does not scatter into memory from before the step, which would be copied', () => {
    const table = randn(32, 100)
    const update = (): Tensor[] => {
      const at = tensor([...Array(32).keys()], { dtype: 'int32' }).unsqueeze(1)
      noGrad(() => table.copy_(zeros(32, 100).scatter(1, at, randn(32, 1)).mul(table)))
      return []
    }
    expect(text(update).match(/scatter\(/g)).toHaveLength(1)
  })
})
