// Long steps: 20,000 operations in a row are recorded, prepared and replayed. Quadratic algorithms would not finish
// here, and recursion along a graph would overflow the stack.
import { js } from '@flambeau/backend-js'
import { compile, manualSeed, noGrad, randn, type Tensor, useDevice } from '@flambeau/core'
import { beforeAll, expect, test } from 'vitest'

beforeAll(() => void useDevice(js()))

function chain(length: number): () => readonly Tensor[] {
  const x = randn(4)
  return () => {
    let y = x
    for (let i = 0; i < length; i++) y = y.mul(0.999).add(0.001)
    return [y]
  }
}

const steps: Readonly<Record<string, () => () => readonly Tensor[]>> = {
  'a chain of maps': () => chain(10_000),
  'products, reductions that are subtracted, writes to a part, with gradients': () => {
    const [w, x, state] = [randn(4, 4).mul(0.4).requiresGrad_(), randn(3, 4), randn(3, 4)]
    return () => {
      let y = x
      for (let i = 0; i < 1_200; i++) {
        y = y.matmul(w).tanh()
        if (i % 3 === 0) y = y.sub(y.mean(1, { keepdim: true }))
        if (i % 5 === 0) noGrad(() => state.select(0, i % 3).add_(y.select(0, 0).detach()))
      }
      w.grad = null
      const loss = y.square().sum()
      loss.backward()
      return [loss, w.grad as unknown as Tensor, state.clone()]
    }
  },
  'as many results': () => {
    const x = randn(4)
    return () => Array.from({ length: 4_000 }, (_, i) => x.mul(i + 0.5).sum())
  },
}

const trace = (step: () => readonly Tensor[]): string =>
  JSON.stringify(Array.from({ length: 4 }, () => step().map((x) => [...x.detach().toArray()])))

test.each(Object.entries(steps))('%s', { timeout: 300_000 }, (_, make) => {
  manualSeed(1)
  const expected = trace(make())
  manualSeed(1)
  const step = compile(make())
  // Without expect, which would take longer than the steps.
  expect(trace(step) === expected).toBe(true)
})

test('one that became few deep expressions can be explained', { timeout: 300_000 }, () => {
  const step = compile(chain(2_000))
  for (let i = 0; i < 3; i++) step()
  expect(step.explain()).toContain('As recorded: 4,000 instructions')
  expect(step.graph()).toContain('flowchart TD')
})
