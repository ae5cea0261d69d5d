// Normal numbers on a backend that makes them itself, against js's bit for bit: sizes around sixteens, means, deviations,
// everything that draws them, and the stream afterwards.
import { js } from '@flambeau/backend-js'
import {
  compile,
  empty,
  getRngState,
  nn,
  manualSeed,
  noGrad,
  normal,
  rand,
  randn,
  randnLike,
  setRngState,
  type Tensor,
  useDevice,
  zeros,
} from '@flambeau/core'
import type { Backend } from '@flambeau/core/backend'
import { expect, it } from 'vitest'

const sizes = [0, 1, 15, 16, 17, 31, 32, 100, 255, 256, 257, 1000, 4099]
const moments = [
  [0, 1],
  [0, 0.02],
  [0, 0],
  [0, -0],
  [1, 1],
  [-0.3, 1e-3],
  [0, 1e-40],
  [0, Infinity],
] as const

type Draws = (n: number, mean: number, std: number) => readonly Tensor[]
const draws: Readonly<Record<string, Draws>> = {
  normal: (n, mean, std) => [normal(mean, std, [n])],
  'normal in float64': (n, mean, std) => [normal(mean, std, [n], { dtype: 'float64' })],
  normal_: (n, mean, std) => [zeros(n).normal_(mean, std)],
  'init.normal_': (n, mean, std) => [nn.init.normal_(empty(n), mean, std)],
  'init.kaimingNormal_': (n) => [nn.init.kaimingNormal_(empty(n + 1, 3))],
  'normal_ of a view': (n, mean, std) => {
    const x = zeros(n + 5)
    x.narrow(0, 3, n).normal_(mean, std)
    return [x]
  },
  'normal_ of every other element': (n, mean, std) => {
    const x = zeros(n, 2)
    noGrad(() => x.select(1, 1).normal_(mean, std))
    return [x]
  },
  'normal_ of columns': (n, mean, std) => [zeros(3, n).t().normal_(mean, std)],
  randnLike: (n) => [randnLike(zeros(n)), randnLike(zeros(2, n).t())],
  'after few and after words': (n) => [randn(3), randn(n), rand(7), randn(n), randn(1)],
  'from a state': (n) => {
    const first = [rand(n), randn(n)]
    const state = getRngState()
    const second = randn(n)
    setRngState(state)
    return [...first, second, randn(n)]
  },
  'compiled steps': (n, mean, std) => {
    const step = compile((x: Tensor) => normal(mean, std, [n]).add(x))
    return [1, 2, 3].map((i) => step(zeros(1).add(i)))
  },
}

const bits = (x: Tensor): readonly unknown[] => [x.dtype, ...x.shape, ...x.reshape(-1).tolist()]
const outcomes = (draw: Draws, n: number, mean: number, std: number): readonly unknown[] => {
  manualSeed(n)
  return [...draw(n, mean, std), rand(2)].map(bits)
}

export function describeNormals(device: Backend): void {
  const plain = js()

  it.each(Object.keys(draws))('%s draws the numbers of js', (name) => {
    for (const n of sizes) {
      for (const [mean, std] of moments) {
        useDevice(plain)
        const expected = outcomes(draws[name], n, mean, std)
        useDevice(device)
        expect(outcomes(draws[name], n, mean, std), `${n} of mean ${mean} and deviation ${std}`).toEqual(expected)
      }
    }
  })

  it('the host makes them, from sixteen on', () => {
    const { fill } = device
    if (fill === undefined) throw new Error(`${device.name} fills no memory`)
    const made: number[] = []
    device.fill = (out, elements) =>
      fill.call(device, out, (memory, make) =>
        elements(memory, (words, std) => {
          made.push(words.length)
          make?.(words, std)
        }),
      )
    try {
      useDevice(device)
      manualSeed(1)
      const found = randn(100).tolist()
      randn(15)
      zeros(32).normal_(1, 2)
      useDevice(plain)
      manualSeed(1)
      expect(found).toEqual(randn(100).tolist())
      expect(made).toEqual([100, 16, 32])
    } finally {
      device.fill = fill
    }
  })
}
