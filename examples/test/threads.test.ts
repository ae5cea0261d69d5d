// Native gives the same bits with one thread and with two, and from run to run.
import { native } from '@flambeau/backend-native'
import { compile, F, js, manualSeed, nn, optim, randn, type Tensor, useDevice } from 'flambeau'
import { afterAll, expect } from 'vitest'
import { nativeMissing, testWith } from '../../tools/test/machine.ts'
import { boston } from '../src/boston/index.ts'
import { breastCancer } from '../src/breast-cancer/index.ts'
import type { Options, Training } from '../src/lesson.ts'
import { shallowNetwork } from '../src/shallow-network/index.ts'

afterAll(() => void useDevice(js()))

const bitsOf = (numbers: readonly number[]): Buffer => Buffer.from(Float32Array.from(numbers).buffer)

/** The bits of a lesson's losses and final results. */
const losses = (run: (options: Options) => Training, compiled: boolean): Buffer => {
  const seen: number[] = []
  for (const { loss } of run({ epochs: 20, seed: 0, compiled, print: () => {} }))
    seen.push(typeof loss === 'number' ? loss : loss.item())
  return bitsOf(seen)
}

/** Large enough that threads share everything: products, their epilogues, elementwise ops, reductions, Adam. */
const large = (compiled: boolean): Buffer => {
  manualSeed(0)
  const model = new nn.Sequential(new nn.Linear(300, 257), new nn.Tanh(), new nn.Linear(257, 100))
  const optimizer = new optim.Adam(model.parameters())
  const x = randn(700, 300)
  const y = randn(700, 100)
  const train = (): Tensor => {
    const loss = F.mseLoss(model.forward(x), y)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  }
  const step = compiled ? compile(train) : train
  const last = Array.from({ length: 6 }, () => step().item())
  const columns = model.forward(x).softmax({ dim: 1 }).sum({ dim: 0 })
  const numbers = [
    last,
    ...[...model.parameters(), columns, x.exp().sum().view(1)].map((p) => [...p.detach().toArray()]),
  ]
  return bitsOf(numbers.flat())
}

const programs: Readonly<Record<string, (compiled: boolean) => Buffer>> = {
  boston: (compiled) => losses(boston, compiled),
  'breast-cancer': (compiled) => losses(breastCancer, compiled),
  'shallow networks': (compiled) => losses(shallowNetwork, compiled),
  'a large network': large,
}

for (const [name, program] of Object.entries(programs)) {
  for (const compiled of [true, false]) {
    testWith('native', nativeMissing, `${name}, ${compiled ? 'compiled' : 'eager'}: the same bits`, async () => {
      const runs: Buffer[] = []
      for (const threads of [1, 2, 2, 1]) {
        const backend = await native({ threads })
        expect(backend.report().threads).toBe(threads)
        useDevice(backend)
        runs.push(program(compiled))
      }
      expect(runs[0].length).toBeGreaterThanOrEqual(80)
      for (const run of runs) expect(Buffer.compare(run, runs[0])).toBe(0)
    })
  }
}
