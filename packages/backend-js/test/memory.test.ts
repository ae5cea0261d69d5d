// Nobody has to dispose of tensors: V8 frees their memory, even in loops that never return to the event loop. Measured
// as array-buffer bytes, which grow until V8 collects; so the tests compare the least that is seen in a stretch of
// steps. bench/soak is the long version.
import { memoryUsage } from 'node:process'
import { setTimeout } from 'node:timers/promises'
import { F, manualSeed, nn, optim, randn, type Tensor, useDevice } from '@flambeau/core'
import { garbage } from '@flambeau/core/backend'
import { beforeAll, expect, test } from 'vitest'
import { js } from '../src/index.ts'

beforeAll(() => void useDevice(js()))

/** An epoch of the size of the breast cancer lesson: 569 rows of 30 features. */
function training(): () => { yHat: Tensor; loss: Tensor } {
  manualSeed(0)
  const x = randn(569, 30)
  const y = x.select(1, 0).gt(0).float().view(-1, 1)
  const linear = new nn.Linear(30, 1)
  const optimizer = new optim.SGD(linear.parameters(), { lr: 1e-2 })
  return () => {
    const yHat = linear.forward(x).sigmoid()
    const loss = F.binaryCrossEntropy(yHat, y)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return { yHat, loss }
  }
}

/** The fewest array-buffer bytes seen while `step` runs `steps` times. */
function least(step: () => void, steps: number): number {
  let bytes = Number.POSITIVE_INFINITY
  for (let i = 1; i <= steps; i++) {
    step()
    if (i % 20 === 0) bytes = Math.min(bytes, memoryUsage().arrayBuffers)
  }
  return bytes
}

/** More steps than V8 lets pass between two collections of young objects. */
const stretch = 2000

test('a synchronous loop of training steps keeps nothing', { timeout: 60_000 }, () => {
  const epoch = training()
  const before = least(epoch, stretch)
  for (let i = 0; i < stretch; i++) epoch()
  const after = least(epoch, stretch)
  expect(after).toBeLessThan(before * 1.05 + 1e6)
})

test('a list of losses does not hold the memory of the steps they come from', { timeout: 60_000 }, () => {
  const epoch = training()
  const kept: Tensor[] = []
  const step = (): void => void kept.push(epoch().loss.detach())
  const before = least(step, stretch)
  const after = least(step, stretch)
  expect(after - before).toBeLessThan(stretch * 1024 + 1e6)
})

// Host memory is that of js and native.
test('a loop works in memory of which little is garbage', () => {
  const x = randn(2 ** 18)
  const before = memoryUsage().arrayBuffers
  let most = 0
  for (let i = 0; i < 200; i++) {
    x.add(1)
    most = Math.max(most, memoryUsage().arrayBuffers - before)
  }
  // Results of a mebibyte; V8 would wait for 32 of them. Collections must not take more time than work, so some are late.
  expect(most).toBeLessThan(24 * 2 ** 20)
})

test('what a backward pass has used is collected after it', async () => {
  const x = randn(2 ** 17).requiresGrad_()
  let fewest = Number.POSITIVE_INFINITY
  // Several times, because collections that took longer than the work between them wait.
  for (let i = 0; i < 10; i++) {
    garbage.all()
    const before = memoryUsage().arrayBuffers
    // Nine results of half a mebibyte, fewer than what is collected after otherwise.
    let y = x
    for (let k = 0; k < 8; k++) y = y.sin()
    y.sum().backward()
    x.grad = null
    // V8 frees what it has found on another thread.
    await setTimeout(50)
    fewest = Math.min(fewest, memoryUsage().arrayBuffers - before)
  }
  expect(fewest).toBeLessThan(2 * 2 ** 20)
})

// The last test, because its garbage is freed some time after it.
test('the measurement notices what is kept', { timeout: 60_000 }, () => {
  const epoch = training()
  const kept: Tensor[] = []
  const step = (): void => void kept.push(epoch().yHat.detach())
  const before = least(step, stretch)
  const after = least(step, stretch)
  expect(after - before).toBeGreaterThan(stretch * 569 * 4)
})
