// Compiled steps of the backend with emitted functions and without: the same bits, and what happens where a page may not
// compile them.
import { compile, F, grad, manualSeed, randn, type Tensor, useDevice } from '@flambeau/core'
import { afterEach, expect, it, vi } from 'vitest'
import { wasm } from '../src/index.ts'
import { type Engine, engine } from '../src/webassembly.ts'

afterEach(async () => {
  vi.unstubAllGlobals()
  await wasm({ emit: true })
})

/** A step with products, expressions after them, reductions and stored maps, and what its calls return. */
async function results(emit: boolean, calls = 3): Promise<number[][]> {
  useDevice(await wasm({ emit }))
  manualSeed(3)
  const [x, w, b] = [randn(37, 13), randn(13, 9), randn(9)].map((tensor) => tensor.requiresGrad_())
  const step = compile((): Tensor[] => {
    const y = F.linear(x, w.t(), b)
      .tanh()
      .mul(x.sin().sum(1, { keepdim: true }))
    const loss = y.sub(y.mean(0)).pow(2).sum()
    return [loss, y, ...grad(loss, [x, w, b])]
  })
  let last: Tensor[] = []
  for (let i = 0; i < calls; i++) last = step()
  return last.map((tensor) => Array.from(tensor.detach().reshape(-1).toArray() as ArrayLike<number>))
}

it('a compiled step gives the same bits with emitted functions and without', async () => {
  expect(await results(true)).toEqual(await results(false))
})

it('a page that may not compile more gets the interpreter, and the same numbers', async () => {
  const expected = await results(true)
  const { CompileError, Instance } = engine() as Engine
  let asked = 0
  class Forbidden {
    constructor() {
      asked++
      throw new CompileError('Refused to compile or instantiate WebAssembly module')
    }
  }
  vi.stubGlobal('WebAssembly', { CompileError, Instance, Module: Forbidden })
  expect(await results(true)).toEqual(expected)
  expect(asked).toBeGreaterThan(0)
})
