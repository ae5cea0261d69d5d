// Layers over windows as in PyTorch (tools/golden/windows.py): their text, initial values, results, gradients, errors.
import { js } from '@flambeau/backend-js'
import { F, gradcheck, gradgradcheck, manualSeed, nn, ones, type Tensor, tensor, useDevice } from '@flambeau/core'
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
    readonly outputs: readonly GoldenTensor[]
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
  golden.layers.forEach(({ make, input, more, text, bits, outputs, inputGrad, grads }, n) => {
    it(`${n}: ${JSON.stringify(make)}`, () => {
      manualSeed(1)
      const layer = layerOf(make)
      expect(String(layer)).toBe(text)
      expect(Object.fromEntries(layer.namedParameters().map(([name, p]) => [name, bitsOf(p)]))).toEqual(bits)
      const x = valuesOf(input).detach().requiresGrad_()
      const made: Tensor | Tensor[] = layer.forward(x, ...more)
      const found = Array.isArray(made) ? made : [made]
      found[0].backward(cotangent(found[0]))
      expect(found).toHaveLength(outputs.length)
      for (const [i, y] of found.entries()) expectClose(y, outputs[i], 1e-6, `output ${i}`)
      expectClose(x.grad, inputGrad, 2e-6, 'gradient of the input')
      for (const [key, wanted] of Object.entries(grads)) expectClose(layer.getParameter(key).grad, wanted, 4e-6, key)
    })
  })
})

describe('pooling', () => {
  const image = (): Tensor => valuesOf([2, 1, 4, 4])

  it('gives the same values whether their places are wanted or not', () => {
    const x = image()
    const [values, indices] = F.maxPool2d(x, { kernelSize: 3, stride: 1, padding: 1, returnIndices: true })
    expect(F.maxPool2d(x, 3, 1, 1).toNested()).toEqual(values.toNested())
    expect(indices.dtype).toBe('int32')
    expect(new nn.MaxPool2d(3, 1, 1).forward(x.requiresGrad_()).toNested()).toEqual(values.toNested())
  })

  it('is typed by whether it returns indices', () => {
    const [, indices] = new nn.MaxPool2d(2, { returnIndices: true }).forward(image())
    const y: Tensor = new nn.MaxPool2d(2, 2).forward(image())
    const [, found] = F.adaptiveMaxPool2d(image(), 2, true)
    expect([indices.shape, y.shape, found.shape]).toEqual([y.shape, y.shape, [2, 1, 2, 2]])
  })

  it('is copied and cloned as a layer', () => {
    const size = [2, 2]
    const layer = new nn.MaxPool2d(size)
    size[0] = 3
    expect(String(layer.clone())).toBe(String(new nn.MaxPool2d([2, 2])))
    expect(layer.clone().forward(image()).shape).toEqual([2, 1, 2, 2])
  })
})

it('unfolding has a gradient and a second one, also of windows that are the elements themselves', () => {
  const x = valuesOf([1, 2, 4, 3]).double().detach().requiresGrad_()
  const [own, wide] = [(t: Tensor) => F.unfold(t, 1), (t: Tensor) => F.unfold(t, [2, 3], 1, 1, [2, 1])]
  for (const fn of [own, wide]) {
    const squared = (t: Tensor): Tensor => fn(t).square()
    expect(gradcheck(squared, [x])).toBe(true)
    expect(gradgradcheck(squared, [x])).toBe(true)
  }
  const y = own(x.detach())
  y.fill_(0)
  expect(x.detach().toNested()).toEqual(valuesOf([1, 2, 4, 3]).double().toNested())
  expect(F.unfold(x, 2).gradFn?.name).toBe('Im2ColBackward0')
  expect(F.fold(F.unfold(x, 2), [4, 3], 2).gradFn?.name).toBe('Col2ImBackward0')
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
    [
      'windows of too many dimensions',
      () => new nn.MaxPool2d([2, 2, 2]),
      'max_pool2d: kernel_size must either be a single int, or a tuple of two ints',
    ],
    ['empty windows', () => new nn.AvgPool3d(0), 'stride should not be zero'],
    ['too much padding', () => new nn.MaxPool1d(2, 1, 2), 'pad should be at most half of kernel size'],
  ])('a constructor refuses %s, which PyTorch reports later or in another order of words', (_, call, sentence) =>
    expect(call).toThrow(sentence),
  )
})
