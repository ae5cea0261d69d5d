// The memory of compiled steps, in bytes that backends and plans count: that of a program does not grow with the layers
// that it has passed, and a recording lets go of what the step itself has let go of.
import { memoryUsage } from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { js } from '@flambeau/backend-js'
import { compile, F, manualSeed, nn, noGrad, optim, randint, randn, type Tensor, useDevice } from '@flambeau/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { plan } from '../src/compile/plan.ts'
import { prepare } from '../src/compile/prepare.ts'
import { backend, recorded, train } from './passes/steps.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as (options?: { readonly type: 'minor' }) => void
/** The bytes of array buffers that something still refers to. */
function alive(): number {
  // The first collection finds them dead, the second frees them.
  collect()
  collect()
  return memoryUsage().arrayBuffers
}

beforeAll(() => void useDevice(js()))

/** Convolutions with batch norm over images of 32 KiB, `n` of them, and a classifier. */
function layers(n: number): nn.Sequential {
  manualSeed(0)
  const convolution = () => [
    new nn.Conv2d(4, 4, 3, { padding: 1, bias: false }),
    new nn.BatchNorm2d(4),
    new nn.ReLU(),
    new nn.Conv2d(4, 4, 3, { padding: 1 }),
    new nn.Tanh(),
  ]
  return new nn.Sequential(
    ...Array.from({ length: n }, convolution).flat(),
    new nn.Flatten(),
    new nn.Linear(4 * 16 * 16, 3),
  )
}
const images = (): Tensor => randn(8, 4, 16, 16)

describe('the arena', () => {
  test('of a forward pass does not grow with the number of layers', () => {
    const bytes = [2, 4, 8].map((n) => {
      const [model, x] = [layers(n).eval(), images()]
      return prepare(
        recorded(() => noGrad(() => [model.forward(x)])),
        backend,
      ).plan.bytes
    })
    expect(bytes[1]).toBe(bytes[0])
    expect(bytes[2]).toBe(bytes[0])
  })

  test('of a training step takes hardly more than its instructions one by one', () => {
    for (const n of [2, 4]) {
      const [model, x, y] = [layers(n), images(), randint(0, 3, [8])]
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 })
      const program = recorded(train(optimizer, () => F.crossEntropy(model.forward(x), y)))
      const { bytes } = prepare(program, backend).plan
      expect(bytes).toBeGreaterThan(0)
      // A map of several outputs makes some of them earlier than they are needed.
      expect(bytes).toBeLessThan(1.05 * plan(program).bytes)
    }
  })
})

const mebibyte = 2 ** 20

test('a recording keeps no memory that the step does not keep', () => {
  const x = randn(mebibyte / 4)
  /** The most bytes alive after one of 24 ops, each with a result of a mebibyte. */
  let most = 0
  const step = compile(() => {
    let y = x
    for (let i = 0; i < 24; i++) {
      y = y.add(1)
      if (i === 12 || i === 23) most = Math.max(most, alive())
    }
    return y.sum()
  })
  for (let call = 0; call < 2; call++) {
    most = 0
    const before = alive()
    step()
    expect(most - before).toBeLessThan(6 * mebibyte)
  }
  const before = alive()
  for (let call = 2; call < 6; call++) step()
  expect(alive() - before).toBeLessThan(mebibyte)
})

test('young garbage of a recording is found as that of eager steps', () => {
  const x = randn(mebibyte / 4)
  let left = 0
  const step = compile(() => {
    const before = memoryUsage().arrayBuffers
    for (let i = 0; i < 24; i++) {
      x.add(1)
      collect({ type: 'minor' })
    }
    left = memoryUsage().arrayBuffers - before
    return x.sum()
  })
  step()
  expect(left).toBeLessThan(6 * mebibyte)
})

test('a step allocates only in its first call', () => {
  const x = randn(mebibyte / 4)
  const allocated: number[] = []
  const step = compile(() => {
    const before = js().memory().bytes
    let y = x
    for (let i = 0; i < 24; i++) y = y.add(1)
    allocated.push(js().memory().bytes - before)
    return y.sum()
  })
  const results = Array.from({ length: 9 }, () => step().item())
  // Calls 2 and 3 are recorded, 8 is compared.
  expect(allocated).toEqual([24 * mebibyte, 0, 0, 0])
  expect(new Set(results).size).toBe(1)
})

test('what a recording leaves is kept, and what it does not leave throws', () => {
  const kept: Tensor[] = []
  const w = randn(3, { requiresGrad: true })
  const step = compile(() => {
    const inside = w.mul(2)
    kept.push(inside)
    const loss = inside.sum()
    w.grad = null
    loss.backward()
    return loss.detach()
  })
  const losses = [step(), step(), step()]
  expect(losses.map((x) => x.item())).toEqual(Array(3).fill(w.detach().mul(2).sum().item()))
  expect(w.grad?.tolist()).toEqual([2, 2, 2])
  // The first call may make state that lasts, so nothing of it is taken back.
  expect(kept.map((x) => x.storage.freed)).toEqual([false, true, true])
  expect(kept[0].sum().item()).toBe(losses[0].item())
  for (const x of kept.slice(1)) expect(() => x.sum()).toThrow('a tensor that was made inside a compiled step is used')
})
