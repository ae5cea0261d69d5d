// What wasm has of its own: what JavaScript computes runs between its calls, no fallback, invalid words are refused,
// and long synchronous trainings.
import { js } from '@flambeau/backend-js'
import {
  compile,
  F,
  linalg,
  manualSeed,
  nn,
  optim,
  randn,
  report,
  setStrict,
  type Tensor,
  useDevice,
} from '@flambeau/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { WasmBackend } from '../src/backend.ts'
import { wasm } from '../src/index.ts'
import { load } from '../src/load.ts'

let device: WasmBackend
beforeEach(async () => {
  device = (await wasm()) as WasmBackend
  useDevice(device)
})
afterEach(() => void setStrict(false))

it('what JavaScript computes needs no fallback, eager, in programs and in their loops', () => {
  const calculate = (x: Tensor): Tensor => {
    let y = x.matmul(x.t()).add(1)
    for (let i = 0; i < 6; i++) y = linalg.inv(y.add(i)).mul(2).add(linalg.det(y).mul(1e-3))
    return y.cumsum(0)
  }
  const run = (): number[][] => {
    manualSeed(5)
    const x = randn(5, 5)
    const step = compile(calculate)
    return Array.from({ length: 5 }, (_, i) => [
      ...(step(x.mul(1 + i))
        .reshape(-1)
        .toArray() as Float32Array),
    ])
  }
  useDevice(js())
  const expected = run()
  useDevice(device)
  setStrict(true)
  for (const [i, values] of run().entries())
    for (const [k, value] of values.entries()) expect(value).toBeCloseTo(expected[i][k], 2)
  expect(Object.keys(report()).filter((name) => name.startsWith('wasm'))).toEqual([])
})

it('C++ refuses inconsistent words, and goes on', () => {
  const { host } = device
  // A map of one input and one output that reads a value that does not exist.
  const words = Int32Array.of(0, 22, 0, 1, 1, 1, 0, 4, 0, 0, 4, 0, 3, 1, 1, 0, 4, 0, 3, 1, -1, -2)
  expect(() => host.define(0, words, 22, 2, 0)).toThrow(
    'wasm: instruction 0 (map): an input of an expression does not exist',
  )
  expect(() => host.define(0, words, 21, 2, 0)).toThrow('its length is out of range')
  // What is emitted for a program reads the words of the encoder before they are checked.
  host.emits = false
  expect(() => host.program(words, 2, 0)).toThrow('an input of an expression does not exist')
  host.emits = true
  expect(() => host.define(-1, words, 22, 2, 0)).toThrow('define takes a number below 65536')
  expect(randn(3).mul(0).sum().item()).toBe(0)
})

it('a training of many steps in one turn keeps memory and learns', async () => {
  device = new WasmBackend((await load()).exports, 2 ** 23)
  useDevice(device)
  manualSeed(1)
  const model = new nn.Sequential(new nn.Linear(10, 32), new nn.ReLU(), new nn.Linear(32, 1))
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 })
  const x = randn(16, 10)
  const y = randn(16, 1)
  const train = (): Tensor => {
    const loss = F.mseLoss(model.forward(x), y)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  }
  const step = compile(train)
  const rounds = Array.from({ length: 3 }, () => {
    let loss = 0
    for (let i = 0; i < 300; i++) loss = i % 2 === 0 ? train().item() : step().item()
    return { loss, pages: device.host.memory.resident, memory: process.memoryUsage().rss }
  })
  expect(rounds[2].loss).toBeLessThan(rounds[0].loss)
  for (const { pages } of rounds) expect(pages).toBeLessThanOrEqual(2 ** 23)
  expect(rounds[2].memory - rounds[1].memory).toBeLessThan(2 ** 26)
})
