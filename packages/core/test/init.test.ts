// Initialisations bit for bit like real PyTorch's, gains, and invalid initialisations (tools/golden/train.py).
import { js } from '@flambeau/backend-js'
import { manualSeed, nn, noGrad, ones, type Tensor, useDevice, zeros } from '@flambeau/core'
import { describe, expect, it, vi } from 'vitest'
import { bitsOf, expectError, type GoldenError, type Make, makeModule, readGolden } from './golden-tensors.ts'

useDevice(js())

const golden = readGolden<{
  readonly fills: readonly {
    readonly fn: string
    readonly shape: readonly number[]
    readonly args: readonly number[]
    readonly options: Readonly<Record<string, unknown>>
    readonly seed: number
    readonly bits: readonly string[]
  }[]
  readonly gains: readonly { readonly args: readonly [string, number?]; readonly value: number }[]
  readonly layers: readonly {
    readonly make: Make
    readonly seed: number
    readonly bits: Readonly<Record<string, readonly string[]>>
  }[]
  readonly errors: Readonly<Record<string, GoldenError>>
}>('init')
type Fill = (x: Tensor, ...rest: unknown[]) => Tensor
const fills = nn.init as unknown as Readonly<Record<string, Fill>>

/** PyTorch factorises in float32, this library in float64. */
function expectNear(x: Tensor, bits: readonly string[]): void {
  const view = new DataView(new ArrayBuffer(4))
  for (const [i, value] of x.detach().toArray().entries()) {
    view.setUint32(0, Number.parseInt(bits[i], 16))
    expect(Math.abs(value - view.getFloat32(0))).toBeLessThan(1e-6)
  }
}

describe('fills', () => {
  for (const { fn, shape, args, options, seed, bits } of golden.fills) {
    it(`${fn}([${shape}], ${JSON.stringify([...args, options])}), seed ${seed}`, () => {
      manualSeed(seed)
      const x = zeros([...shape], { requiresGrad: true })
      expect(fills[fn](x, ...args, ...(Object.keys(options).length > 0 ? [options] : []))).toBe(x)
      if (fn === 'orthogonal_') expectNear(x, bits)
      else expect(bitsOf(x)).toEqual(bits)
      expect([x.isLeaf, x.requiresGrad]).toEqual([true, true])
    })
  }

  it('does nothing to a tensor without elements, with a warning', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    nn.init.kaimingUniform_(zeros(0, 3))
    expect(warn).toHaveBeenCalledWith('UserWarning: Initializing zero-element tensors is a no-op')
  })

  it('writes through views', () => {
    const base = zeros(2, 3)
    nn.init.constant_(base.select(0, 1), 2)
    expect(base.toNested()).toEqual([
      [0, 0, 0],
      [2, 2, 2],
    ])
  })
})

describe('new layers', () => {
  for (const { make, seed, bits } of golden.layers) {
    it(`${JSON.stringify(make)}, seed ${seed}`, () => {
      manualSeed(seed)
      const found = makeModule(make).namedParameters()
      expect(Object.fromEntries(found.map(([name, p]) => [name, bitsOf(p)]))).toEqual(bits)
    })
  }

  it('draw only their weights, also in noGrad', () => {
    manualSeed(1)
    const first = bitsOf(new nn.Linear(4, 4).weight)
    manualSeed(1)
    expect(noGrad(() => bitsOf(new nn.Linear(4, 4).weight))).toEqual(first)
  })
})

it('gains', () => {
  for (const { args, value } of golden.gains) expect(nn.init.calculateGain(...args)).toBe(value)
})

describe('invalid initialisations', () => {
  const wrong: Readonly<Record<string, () => unknown>> = {
    'kaimingUniform_ of a vector': () => nn.init.kaimingUniform_(ones(3)),
    'xavierNormal_ of a vector': () => nn.init.xavierNormal_(ones(3)),
    'kaimingNormal_ mode': () => nn.init.kaimingNormal_(ones(3, 3), { mode: 'fan' as never }),
    'calculateGain unknown': () => nn.init.calculateGain('gelu'),
    'eye_ of a vector': () => nn.init.eye_(ones(3)),
    'dirac_ of a matrix': () => nn.init.dirac_(ones(3, 3)),
    'dirac_ of groups that do not divide': () => nn.init.dirac_(ones(3, 3, 3), 2),
    'sparse_ of a vector': () => nn.init.sparse_(ones(3), 0.5),
    'orthogonal_ of a vector': () => nn.init.orthogonal_(ones(3)),
    'truncNormal_ without room': () => nn.init.truncNormal_(ones(3), { a: 1, b: -1 }),
  }
  for (const [key, error] of Object.entries(golden.errors)) it(key, () => expectError(wrong[key], error))
})
