// Layers over windows as in PyTorch (tools/golden/windows.py): their text, initial values, results, gradients, errors.
import { js } from '@flambeau/backend-js'
import { manualSeed, nn, ones, type Tensor, tensor, useDevice } from '@flambeau/core'
import { describe, expect, it } from 'vitest'
import {
  bitsOf,
  cotangent,
  expectClose,
  expectError,
  type GoldenError,
  type GoldenTensor,
  type Make,
  readGolden,
} from './golden-tensors.ts'

useDevice(js())

const golden = readGolden<{
  readonly layers: readonly {
    readonly make: Make
    readonly input: number[]
    readonly more: readonly unknown[]
    readonly text: string
    readonly bits: Readonly<Record<string, readonly string[]>>
    readonly output: GoldenTensor
    readonly inputGrad: GoldenTensor
    readonly grads: Readonly<Record<string, GoldenTensor>>
  }[]
  readonly errors: readonly (GoldenError & {
    readonly make: Make
    readonly input?: number[]
    readonly more?: readonly unknown[]
  })[]
}>('windows')

type Class = new (...args: readonly unknown[]) => nn.Module
const layerOf = ([name, ...args]: Make): nn.Module =>
  new (nn as unknown as Readonly<Record<string, Class>>)[name](...args)
const valuesOf = (sizes: number[]): Tensor =>
  tensor(Array.from({ length: ones(sizes).numel() }, (_, i) => (((7 * i + 3) % 23) - 11) / 8)).reshape(sizes)

describe('layers', () => {
  golden.layers.forEach(({ make, input, more, text, bits, output, inputGrad, grads }, n) => {
    it(`${n}: ${JSON.stringify(make)}`, () => {
      manualSeed(1)
      const layer = layerOf(make)
      expect(String(layer)).toBe(text)
      expect(Object.fromEntries(layer.namedParameters().map(([name, p]) => [name, bitsOf(p)]))).toEqual(bits)
      const x = valuesOf(input).detach().requiresGrad_()
      const y: Tensor = layer.forward(x, ...more)
      y.backward(cotangent(y))
      expectClose(y, output, 1e-6, 'output')
      expectClose(x.grad, inputGrad, 2e-6, 'gradient of the input')
      for (const [key, wanted] of Object.entries(grads)) expectClose(layer.getParameter(key).grad, wanted, 4e-6, key)
    })
  })
})

describe('errors', () => {
  golden.errors.forEach(({ make, input, more = [], ...error }, n) => {
    it(`${n}: ${JSON.stringify([make, input, more])}`, () =>
      expectError(() => {
        const layer = layerOf(make)
        if (input !== undefined) layer.forward(valuesOf(input), ...more)
      }, error))
  })

  it.each<[string, () => unknown, string]>([
    [
      'padding of an unknown name',
      () => new nn.Conv2d(1, 1, 3, { padding: 'x' as never }),
      "Invalid padding string 'x'",
    ],
    [
      'an unknown padding mode',
      () => new nn.Conv2d(1, 1, 3, { paddingMode: 'x' as never }),
      "padding_mode must be one of {'zeros', 'reflect', 'replicate', 'circular'}, but got padding_mode='x'",
    ],
    [
      'too many numbers',
      () => new nn.Conv2d(1, 1, [3, 3, 3]),
      'expected kernel_size to be a single integer value or a list of 2 values',
    ],
    ['no stride', () => new nn.Conv2d(1, 1, 3, { stride: 0 }), 'non-positive stride is not supported'],
    ['no dilation', () => new nn.Conv2d(1, 1, 3, { dilation: [1, 0] }), 'non-positive dilation is not supported'],
    ['negative padding', () => new nn.Conv2d(1, 1, 3, { padding: -1 }), 'negative padding is not supported'],
    [
      'negative output padding',
      () => new nn.ConvTranspose2d(1, 1, 3, { outputPadding: -1 }),
      'negative output_padding is not supported',
    ],
  ])('a constructor refuses %s, which PyTorch reports later or in another order of words', (_, call, sentence) =>
    expect(call).toThrow(sentence),
  )
})
