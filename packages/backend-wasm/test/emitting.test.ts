// Compiled steps of the backend with emitted functions and without: the same bits, and what happens where a page may not
// compile them.
import { compile, F, grad, manualSeed, rand, randn, scope, type Tensor, useDevice, zeros } from '@flambeau/core'
import { afterEach, expect, it, vi } from 'vitest'
import type { WasmBackend } from '../src/backend.ts'
import { Functions } from '../src/emit/functions.ts'
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

it('a step that is one function is called directly: the same bits, the same errors, and several runs in one call', async () => {
  const told = async (emit: boolean): Promise<unknown[]> => {
    const device = (await wasm({ emit })) as WasmBackend
    useDevice(device)
    const runs = vi.spyOn(device.host, 'run')
    manualSeed(4)
    const y = rand(70)
    const step = compile((x: Tensor): Tensor => F.binaryCrossEntropy(x, y, { reduction: 'none' }).mul(x.exp()))
    const said: unknown[] = []
    for (const offset of [0, 0, 0, 2, 0]) {
      try {
        said.push(Array.from(step(rand(70).add(offset)).toArray() as ArrayLike<number>))
      } catch (error) {
        said.push((error as Error).message)
      }
    }
    const z = zeros(33)
    const counting = compile((): Tensor => z.add_(z.mul(0.5).add(1)))
    for (let i = 0; i < 4; i++) counting()
    said.push(Array.from(counting.repeat(5).toArray() as ArrayLike<number>), runs.mock.calls.length)
    runs.mockRestore()
    return said
  }
  const said = await told(true)
  expect(said[3]).toMatch(/between 0 and 1/)
  expect(said).toEqual(await told(false))
})

it('an eager map that has computed much is emitted: the same bits', async () => {
  const told = async (emit: boolean): Promise<unknown[]> => {
    const device = (await wasm({ emit })) as WasmBackend
    useDevice(device)
    const compiled = vi.spyOn(device.host, 'compile')
    manualSeed(5)
    const [x, row] = [randn(1 << 11, 1 << 10), randn(1 << 10)]
    const said: unknown[] = []
    for (let i = 0; i < 6; i++) {
      const y = x.clamp(-1, 1.5).maximum(row)
      // Whoever computes little is interpreted, and so is what nothing can be emitted for.
      said.push(y.sum().item(), y.sub(x).abs().amax(0).toArray(), y.select(0, 7).relu().toArray(), x.amax().item())
    }
    const made = compiled.mock.results.filter(({ value }) => value === true).length
    expect(made).toBe(emit ? 5 : 0)
    compiled.mockRestore()
    return said
  }
  expect(await told(true)).toEqual(await told(false))
})

it('functions of eager maps of any number of shapes: some stay, the others are removed', async () => {
  useDevice(await wasm())
  const counts = { alive: 0, most: 0, all: 0 }
  const { add, remove } = Functions.prototype
  vi.spyOn(Functions.prototype, 'add').mockImplementation(function (this: Functions, ...args) {
    counts.alive++
    counts.all++
    counts.most = Math.max(counts.most, counts.alive)
    return add.apply(this, args)
  })
  vi.spyOn(Functions.prototype, 'remove').mockImplementation(function (this: Functions, functions) {
    counts.alive -= functions.length
    remove.call(this, functions)
  })
  const x = zeros(1 << 22, { dtype: 'uint8' })
  const shapes = 200
  for (let k = 0; k < shapes; k++) {
    const part = x.narrow(0, 0, (1 << 22) - k)
    for (let i = 0; i < 3; i++) scope(() => expect(part.bitwiseXor(k).select(0, k).item()).toBe(k))
  }
  vi.restoreAllMocks()
  expect(counts.all).toBeGreaterThan(0.9 * shapes)
  // As many as are compiled before programs are numbered anew, and those of numbers that were not given again.
  expect(counts.most).toBeLessThanOrEqual(2 * 128)
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
