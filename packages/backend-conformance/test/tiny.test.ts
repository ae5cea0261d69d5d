// Tests the example backend as its readers will test theirs: it trains a network on its own with the bits of js, and
// passes the suite with js as fallback for the kinds that it does not run.
import { js } from '@flambeau/backend-js'
import { compile, F, manualSeed, nn, optim, randn, setFallback, setStrict, useDevice } from '@flambeau/core'
import type { Backend } from '@flambeau/core/backend'
import { describe, expect, test } from 'vitest'
import { tiny } from '../examples/tiny.ts'
import { describeBackend } from '../src/index.ts'

/** Losses and parameters of some steps of Adam on a network of three layers. */
const trained = (backend: Backend, compiled: boolean): number[] => {
  useDevice(backend)
  manualSeed(0)
  const [x, y] = [randn(8, 5), randn(8, 2)]
  const model = new nn.Sequential(
    new nn.Linear(5, 6),
    new nn.Tanh(),
    new nn.Linear(6, 4),
    new nn.ReLU(),
    new nn.Linear(4, 2),
  )
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2 })
  const train = () => {
    const loss = F.mseLoss(model.forward(x), y)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  }
  const step = compiled ? compile(train) : train
  const losses = Array.from({ length: 20 }, () => step().item())
  return [...losses, ...model.parameters().flatMap((p) => Array.from(p.detach().toArray()))]
}

describe('two kinds of instruction', () => {
  test.each([
    ['eager', false],
    ['compiled', true],
  ])('train a network, %s, with the bits of js and nothing run elsewhere', (_, compiled) => {
    setStrict(true)
    try {
      const numbers = trained(tiny(), compiled)
      expect(numbers[19]).toBeLessThan(numbers[0])
      expect(numbers).toEqual(trained(js(), compiled))
    } finally {
      setStrict(false)
    }
  })
})

setFallback(js())
// Leaves out two slow compiled checks: without a `compile` of its own, a backend replays through the `run` that all
// other checks test.
const checks = [
  'golden values',
  'golden gradients',
  'errors',
  'transposed inputs',
  'sliced inputs',
  'flipped inputs',
  'expanded inputs',
  'special values',
  'nothing',
  'compiled',
]
describeBackend(() => tiny(), { level: 'kernels', checks })
