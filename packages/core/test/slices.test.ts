// Gradients of slices: for any slices of a tensor in any order, the first and second gradients equal those of index
// selection; and the work does not grow with the number of slices.
import { js } from '@flambeau/backend-js'
import {
  compile,
  detectAnomaly,
  grad,
  manualSeed,
  randn,
  registerDevice,
  type Tensor,
  tensor,
  useDevice,
} from '@flambeau/core'
import { numelOf } from '@flambeau/core/backend'
import { beforeAll, describe, expect, it } from 'vitest'
import { wrapped } from '../../backend-conformance/src/watched.ts'

let written = 0
const inner = js()
const counting = wrapped(inner, {
  name: 'counting',
  run(instr) {
    for (const { sizes } of instr.outputs) written += numelOf(sizes)
    inner.run(instr)
  },
})
beforeAll(() => void useDevice(inner))

/** `length` slices along a dimension from `start`, every `step`; `drops` removes the dimension. */
type Slice = readonly [dim: number, start: number, length: number, options?: { step?: number; drops?: boolean }]
const cut = (x: Tensor, [dim, start, length, { step = 1, drops = false } = {}]: Slice): Tensor =>
  drops ? x.select(dim, start) : x.slice(dim, start, start + (length - 1) * step + 1, step)
const picked = (x: Tensor, [dim, start, length, { step = 1, drops = false } = {}]: Slice): Tensor => {
  const places = Array.from({ length }, (_, i) => start + i * step)
  const y = x.indexSelect(dim, tensor(places, { dtype: 'int32' }))
  return drops ? y.squeeze(dim) : y
}

type Make = (x: Tensor, one: typeof cut) => readonly Tensor[]
const rows = [0, 1, 2, 3, 4, 5]
const cases: Readonly<Record<string, Make>> = {
  'rows in order': (x, one) => rows.map((i) => one(x, [0, i, 1, { drops: true }])),
  'rows backwards': (x, one) => [...rows].reverse().map((i) => one(x, [0, i, 1, { drops: true }])),
  columns: (x, one) => [0, 1, 2, 3].map((i) => one(x, [1, i, 1, { drops: true }])),
  'some rows': (x, one) => [4, 1].map((i) => one(x, [0, i, 1, { drops: true }])),
  'parts of two': (x, one) => [0, 2, 4].map((i) => one(x, [0, i, 2])),
  'all but an end': (x, one) => [one(x, [1, 1, 3]), one(x, [1, 0, 3])],
  windows: (x, one) => [0, 1, 2, 3].map((i) => one(x, [0, i, 3])),
  'one row often': (x, one) => [3, 1, 3, 3].map((i) => one(x, [0, i, 1, { drops: true }])),
  'a row with and without its dimension': (x, one) => [one(x, [0, 2, 1, { drops: true }]), one(x, [0, 2, 1])],
  'a column with and without its dimension': (x, one) => [one(x, [1, 2, 1, { drops: true }]), one(x, [1, 2, 1])],
  'a column without and with its dimension': (x, one) => [one(x, [1, 2, 1]), one(x, [1, 2, 1, { drops: true }])],
  'with steps': (x, one) => [one(x, [0, 0, 3, { step: 2 }]), one(x, [0, 1, 3, { step: 2 }]), one(x, [0, 2, 2])],
  'both dimensions': (x, one) => [one(x, [0, 1, 3]), one(x, [1, 2, 2]), one(x, [0, 4, 2]), one(x, [1, 0, 1])],
  'slices of slices': (x, one) => [0, 3].flatMap((i) => [0, 2].map((j) => one(one(x, [0, i, 3]), [1, j, 2]))),
  'beside the whole': (x, one) => [one(x, [0, 0, 2]), x.mul(3), one(x, [0, 1, 3]), x.exp()],
  'all of it': (x, one) => [one(x, [0, 0, 6]), one(x, [1, 0, 4])],
  'of a result with several outputs': (x, one) => {
    const y = x.logSoftmax(1)
    const { values } = x.sort(0)
    return [0, 1, 2].flatMap((i) => [one(y, [0, i, 2]), one(values, [0, 2 * i, 1, { drops: true }])])
  },
}
const sources: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  'a leaf': (x) => x,
  'a result': (x) => x.mul(2),
  'a view': (x) => x.view(6, 4),
}

/** The result of the pieces, its gradient, and the gradient of a function of that. */
function gradients(make: Make, one: typeof cut, source: (x: Tensor) => Tensor): readonly Tensor[] {
  manualSeed(5)
  const x = randn(6, 4, { dtype: 'float64', requiresGrad: true })
  const parts = make(source(x), one).map((part, k) =>
    part
      .mul(part)
      .mul(k + 1)
      .sum(),
  )
  const sum = parts.reduce((a, b) => a.add(b))
  const [first] = grad(sum, x, { createGraph: true })
  const [second] = grad(first.mul(first).mul(x).sum(), x, { retainGraph: true })
  sum.backward()
  return [sum, first, second, x.grad as Tensor].map((t) => t.detach())
}
const close = (actual: readonly Tensor[], expected: readonly Tensor[]): void =>
  actual.forEach((x, i) => void expect(x.allclose(expected[i], { rtol: 1e-12, atol: 1e-12 }), `value ${i}`).toBe(true))

describe.each(Object.keys(sources))('slices of %s', (kind) => {
  it.each(Object.keys(cases))('%s', (name) => {
    const expected = gradients(cases[name], picked, sources[kind])
    close(gradients(cases[name], cut, sources[kind]), expected)
    // In anomaly mode each gradient has the size of the whole.
    close(
      detectAnomaly(() => gradients(cases[name], cut, sources[kind])),
      expected,
    )
  })
})

it.each(Object.keys(cases))('compiled, to the bit: %s', (name) => {
  const x = randn(6, 4, { requiresGrad: true })
  const step = (): Tensor[] => {
    const sum = cases[name](x.mul(2), cut).map((part, k) =>
      part
        .mul(part)
        .mul(k + 1)
        .sum(),
    )
    return grad(
      sum.reduce((a, b) => a.add(b)),
      [x],
    )
  }
  const [expected] = step()
  const compiled = compile(step)
  for (let i = 0; i < 6; i++) expect(Array.from(compiled()[0].toArray())).toEqual(Array.from(expected.toArray()))
})

const ways: Readonly<Record<string, (x: Tensor, n: number) => Tensor[]>> = {
  unbind: (x, n) => x.view(n, -1).unbind(0),
  'unbind of columns': (x, n) => x.view(-1, n).unbind(1),
  chunk: (x, n) => x.chunk(n),
  split: (x, n) => x.split(x.numel() / n),
  select: (x, n) => {
    const y = x.view(n, -1)
    return Array.from({ length: n }, (_, i) => y.select(0, i))
  },
  at: (x, n) => {
    const y = x.view(n, -1)
    return Array.from({ length: n }, (_, i) => y.at((i * 5) % n))
  },
  rows: (x, n) => [...x.view(n, -1)],
  narrow: (x, n) => Array.from({ length: n }, (_, i) => x.narrow(0, (i * 256) / n, 256 / n)),
  'overlapping windows': (x, n) => Array.from({ length: n - 1 }, (_, i) => x.narrow(0, (i * 256) / n, 512 / n)),
}

describe('the work does not grow with the number of slices', () => {
  beforeAll(() => void registerDevice(counting))
  /** Elements that the backward pass of n slices writes. */
  const work = (way: (x: Tensor, n: number) => Tensor[], n: number): number => {
    const x = randn(256, { requiresGrad: true, device: 'counting' })
    const ys = way(x.mul(1), n)
    const gradOutputs = ys.map((y) => y.detach().add(1))
    written = 0
    grad(ys, x, { gradOutputs })
    return written
  }
  it.each(Object.keys(ways))('%s', (name) => {
    expect(work(ways[name], 64)).toBeLessThan(work(ways[name], 4) + 64 * 8)
  })
})
