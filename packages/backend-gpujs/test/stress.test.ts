// Long random work with few textures and few kernels, so that both are constantly evicted and restored; every value is
// compared with that of js. This detects mixed-up textures.
import { js, type Tensor, tensor, useDevice } from 'flambeau'
import { afterEach, expect, it } from 'vitest'
import { GpujsBackend } from '../src/backend.ts'
import { choose } from '../src/modes.ts'
import * as planning from '../src/plans/index.ts'
import { found } from './each-mode.ts'

afterEach(() => void useDevice(js()))

/** A tensor on each device. */
interface Pair {
  readonly here: Tensor
  readonly there: Tensor
}

/** Numbers from 0 to 1, the same in every run. */
function* random(): Generator<number, never> {
  for (let state = 1; ; ) {
    state = (Math.imul(state, 48271) >>> 0) % 2147483647
    yield state / 2147483647
  }
}

const steps = 500
const most = 40

it.each(found)('%s: evicted textures and kernels are never mixed up', { timeout: 120_000 }, async (mode) => {
  const { engine, tried } = await choose(mode)
  const limits = { bytes: 2 ** 20, textures: 24, kernels: { kernels: 24, bytes: 2 ** 28 } }
  const device = new GpujsBackend(engine, { why: 'the test', tried }, planning, limits)
  useDevice(device)
  const host = js()
  const numbers = random()
  const below = (n: number): number => Math.floor(numbers.next().value * n)
  const pairs: Pair[] = []
  const any = (): Pair => pairs[below(pairs.length)]
  const alike = ({ here }: Pair): Pair => {
    const same = pairs.filter((x) => `${x.here.shape}` === `${here.shape}`)
    return same[below(same.length)]
  }
  const both = (work: (at: (x: Pair) => Tensor) => Tensor): Pair => ({
    here: work((x) => x.here),
    there: work((x) => x.there),
  })
  const written = (): Pair => {
    const shape = [1 + below(4), 1 + below(5)]
    const data = Float32Array.from({ length: shape[0] * shape[1] }, () => below(9) - 4)
    const here = tensor(data).reshape(shape)
    useDevice(host)
    const there = tensor(data).reshape(shape)
    useDevice(device)
    return { here, there }
  }
  const kinds: (() => Pair)[] = [
    written,
    () =>
      both(
        (
          (a, b) => (at) =>
            at(a).add(at(b))
        )(...withAlike()),
      ),
    () =>
      both(
        (
          (a, b) => (at) =>
            at(a).mul(at(b)).clamp({ min: -50, max: 50 })
        )(...withAlike()),
      ),
    () =>
      both(
        (
          (a, x) => (at) =>
            at(a).mul(x)
        )(any(), below(3) - 1),
      ),
    () =>
      both(
        (
          (a) => (at) =>
            at(a).t()
        )(any()),
      ),
    () =>
      both(
        (
          (a) => (at) =>
            at(a).sum({ dim: 1, keepdim: true }).clamp({ min: -50, max: 50 })
        )(any()),
      ),
    () =>
      both(
        (
          (a) => (at) =>
            at(a).matmul(at(a).t()).clamp({ min: -50, max: 50 })
        )(any()),
      ),
    () =>
      both(
        (
          (a) => (at) =>
            at(a).slice(0, 0, 1).add(1)
        )(any()),
      ),
    () => {
      const x = any()
      const { here, there } = x
      here.add_(1)
      there.add_(1)
      return x
    },
  ]
  const withAlike = (): [Pair, Pair] => {
    const a = any()
    return [a, alike(a)]
  }
  pairs.push(written(), written())
  for (let i = 0; i < steps; i++) {
    pairs.push(kinds[below(kinds.length)]())
    while (pairs.length > most) pairs.splice(below(pairs.length), 1)
    if (i % 7 === 0) {
      const { here, there } = any()
      expect(here.tolist(), `step ${i}`).toEqual(there.tolist())
    }
  }
  for (const { here, there } of pairs) expect(here.tolist()).toEqual(there.tolist())
  const { kernels, spills, textures } = device.report()
  expect(kernels).toBeLessThanOrEqual(24)
  if (engine.context !== null) {
    expect(spills).toBeGreaterThan(most)
    expect(textures).toBeLessThanOrEqual(24 * 1.25 + 4)
  }
  device.dispose()
})
