// Layers on inputs of several dimensions, as in real PyTorch (tools/golden/layers.py): texts, keys and initial values of
// states, outputs and their nodes, gradients, buffers and errors.
import { js } from '@flambeau/backend-js'
import { manualSeed, type Tensor, tensor, useDevice } from '@flambeau/core'
import { describe, expect, it } from 'vitest'
import {
  cotangent,
  expectClose,
  expectError,
  type GoldenError,
  type GoldenTensor,
  type Make,
  made,
  makeModule,
  readGolden,
} from './golden-tensors.ts'

useDevice(js())

type Tensors = Readonly<Record<string, GoldenTensor>>
interface Call {
  readonly make: Make
  readonly sizes: readonly (readonly number[])[]
}
interface Layer extends Call {
  readonly train: boolean
  readonly text: string
  readonly initial: Tensors
  readonly state: Tensors
  readonly output: GoldenTensor
  /** The node of the output. */
  readonly node: string | null
  readonly inputGrads: readonly GoldenTensor[]
  readonly grads: Tensors
  readonly after: Tensors
}
const golden = readGolden<{ readonly layers: readonly Layer[]; readonly errors: readonly (Call & GoldenError)[] }>(
  'layers',
)

const input = (sizes: readonly number[], k: number): Tensor => {
  const n = sizes.reduce((a, b) => a * b, 1)
  const values = Array.from({ length: n }, (_, i) => (((7 * i + 3 * k + 5) % 23) - 11) / 8)
  return tensor(values, { requiresGrad: true }).reshape([...sizes])
}
const forward = (module: object, xs: readonly Tensor[]): Tensor =>
  (module as { forward(...xs: readonly Tensor[]): Tensor }).forward(...xs)

function expectAll(found: Iterable<readonly [string, Tensor]>, wanted: Tensors, tolerance: number, what: string): void {
  const all = new Map(found)
  expect([...all.keys()], what).toEqual(Object.keys(wanted))
  for (const [key, value] of Object.entries(wanted)) expectClose(all.get(key), value, tolerance, `${what}: ${key}`)
}

describe('layers as in PyTorch', () => {
  golden.layers.forEach(({ make, sizes, train, text, initial, state, output, node, inputGrads, grads, after }, n) => {
    it(`${n}: ${JSON.stringify(make)} on ${JSON.stringify(sizes)}${train ? '' : ' in evaluation'}`, () => {
      manualSeed(0)
      const module = makeModule(make)
      expect(String(module)).toBe(text)
      expectAll(module.stateDict(), initial, 1e-7, 'initial')
      module.loadStateDict(Object.fromEntries(Object.entries(state).map(([key, value]) => [key, made(value)])))
      module.train(train)
      const xs = sizes.map((size, k) => input(size, k))
      for (const x of xs) x.retainGrad()
      manualSeed(0)
      const y = forward(
        module,
        xs.map((x) => x.mul(1)),
      )
      if (node !== null) expect(y.gradFn?.name).toBe(node)
      y.backward(cotangent(y))
      expectClose(y, output, 1e-6, 'output')
      inputGrads.forEach((wanted, k) => void expectClose(xs[k].grad, wanted, 2e-6, `gradient of input ${k}`))
      const found = module.namedParameters().flatMap(([key, p]) => (p.grad === null ? [] : [[key, p.grad] as const]))
      expectAll(found, grads, 2e-6, 'gradient')
      expectAll(module.namedBuffers(), after, 1e-6, 'buffer')
    })
  })
})

describe('errors as in PyTorch', () => {
  golden.errors.forEach((wanted, n) => {
    const { make, sizes } = wanted
    it(`${n}: ${JSON.stringify(make)} on ${JSON.stringify(sizes)}: ${wanted.message.split('\n')[0]}`, () => {
      expectError(() => forward(makeModule(make), sizes.map(input)), wanted)
    })
  })
})
