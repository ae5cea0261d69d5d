// Lazy layers as in PyTorch (tools/golden/lazy.py), and what may be done with them before their first input.
import { js } from '@flambeau/backend-js'
import { manualSeed, moveTo, nn, ones, optim, Tensor, tensor, useDevice } from '@flambeau/core'
import { describe, expect, it } from 'vitest'
import {
  bitsOf,
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
    readonly before: string
    readonly keys: readonly string[]
    readonly after: string
    readonly bits: Readonly<Record<string, readonly string[]>>
    readonly output: GoldenTensor
  }[]
  readonly errors: readonly (GoldenError & { readonly make: Make; readonly input: number[] })[]
}>('lazy')

type Class = new (...args: readonly unknown[]) => nn.Module
const types = nn as unknown as Readonly<Record<string, Class>>
const layerOf = ([name, ...args]: Make): nn.Module => new types[name](...args)
const valuesOf = (sizes: number[]): Tensor =>
  tensor(Array.from({ length: ones(sizes).numel() }, (_, i) => (((7 * i + 3) % 23) - 11) / 8)).reshape(sizes)

describe('lazy layers', () => {
  golden.layers.forEach(({ make, input, before, keys, after, bits, output }, n) => {
    it(`${n}: ${JSON.stringify(make)}`, () => {
      const layer = layerOf(make)
      expect([String(layer), [...layer.stateDict().keys()]]).toEqual([before, keys])
      const parameters = layer.parameters()
      manualSeed(1)
      const y: Tensor = layer.forward(valuesOf(input))
      expectClose(y, output, 1e-6, 'output')
      expect(String(layer)).toBe(after)
      expect(Object.fromEntries(layer.namedParameters().map(([name, p]) => [name, bitsOf(p)]))).toEqual(bits)
      expect(layer).toBeInstanceOf(types[make[0].replace('Lazy', '')])
      // An optimizer made before the first input has the parameters.
      layer.parameters().forEach((p, i) => {
        expect(p).toBe(parameters[i])
        expect([p.constructor, p.requiresGrad]).toEqual([nn.Parameter, true])
      })
    })
  })

  golden.errors.forEach(({ make, input, ...error }) => {
    it(`${JSON.stringify([make, input])} is PyTorch’s error, and leaves the layer as it was`, () => {
      const layer = layerOf(make)
      const before = String(layer)
      expectError(() => layer.forward(valuesOf(input)), error)
      expect(String(layer)).toBe(before)
      expect(layer.parameters().map(String)).toEqual(layer.parameters().map(() => '<UninitializedParameter>'))
    })
  })

  it('refuse a number of output channels that groups do not divide when they are made', () => {
    expect(() => new nn.LazyConv2d(3, 1, { groups: 2 })).toThrow('out_channels must be divisible by groups')
  })

  it('stay lazy if their first call fails', () => {
    for (const [layer, x] of [
      [new nn.LazyLinear(2), ones(2, 3, { dtype: 'int32' })],
      [new nn.LazyConv2d(2, 5), ones(1, 3, 4, 4)],
      [new nn.LazyBatchNorm1d(), ones(1, 3)],
    ] as const) {
      const before = [String(layer), layer.parameters().map(String)]
      expect(() => layer.forward(x)).toThrow()
      expect([String(layer), layer.parameters().map(String)]).toEqual(before)
    }
  })

  it('refuse every use of a parameter before the first input', () => {
    const { weight } = new nn.LazyLinear(2)
    const used = /^Attempted to use an uninitialized parameter/
    for (const use of [
      () => weight.add(1),
      () => weight.sum(),
      () => weight.numel(),
      () => weight.detach().add(1),
      () => weight.reshape(0),
      () => nn.init.ones_(weight),
    ])
      expect(use).toThrow(used)
    expect(() => weight.shape).toThrow(/^Can't access the shape of an uninitialized parameter or buffer/)
    expect(String(weight)).toBe('<UninitializedParameter>')
  })

  it('move before the first input, and stay lazy', () => {
    const model = new nn.Sequential(new nn.LazyLinear(4), new nn.LazyBatchNorm1d())
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 })
    moveTo('float64', model, optimizer)
    expect(model.parameters().map((p) => [String(p), p.dtype])).toEqual(
      model.parameters().map(() => ['<UninitializedParameter>', 'float64']),
    )
    expect(() => model.parameters()[0].sum()).toThrow(/^Attempted to use an uninitialized parameter/)
    const y = model
      .float()
      .double()
      .to('js')
      .forward(ones(2, 3, { dtype: 'float64' }))
    expect([y.dtype, [...model.stateDict().values()].map((x) => x.dtype)]).toEqual([
      'float64',
      [...Array<string>(6).fill('float64'), 'int32'],
    ])
    const [weight] = model.parameters()
    const before = weight.clone()
    y.sum().add(weight.sum()).backward()
    optimizer.step()
    expect(weight.equal(before)).toBe(false)
  })

  it('train with an optimizer that was made before the first input', () => {
    const model = new nn.Sequential(new nn.LazyConv2d(2, 2), new nn.Flatten(), new nn.LazyLinear(1))
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 })
    const x = valuesOf([2, 1, 3, 3])
    const step = (): number => {
      optimizer.zeroGrad()
      const loss = model.forward(x).square().mean()
      loss.backward()
      optimizer.step()
      return loss.item()
    }
    const first = step()
    expect(step()).toBeLessThan(first)
    expect(String(model)).toContain('(0): Conv2d(1, 2, kernel_size=(2, 2), stride=(1, 1))')
  })

  it('load a state before their first input; a layer that knows its sizes does not load theirs', () => {
    const saved = new nn.Linear(3, 2)
    const layer = new nn.LazyLinear(2)
    layer.loadStateDict(saved.stateDict())
    const x = valuesOf([4, 3])
    expect(layer.forward(x).tolist()).toEqual(saved.forward(x).tolist())
    expect(String(layer)).toBe(String(saved))
    const norm = new nn.LazyBatchNorm1d()
    norm.loadStateDict(new nn.BatchNorm1d(3).stateDict())
    expect(norm.runningVar?.tolist()).toEqual([1, 1, 1])
    expect(() => saved.loadStateDict(new nn.LazyLinear(2).stateDict())).toThrow("Can't access the shape")
    const fresh = new nn.LazyLinear(2)
    expect(() => fresh.loadStateDict({ weight: ones(2, 3), other: ones(1) })).toThrow('Missing key(s)')
    expect(String(fresh.weight)).toBe('<UninitializedParameter>')
  })

  it('are copied as they are', () => {
    const layer = new nn.LazyConv1d(2, 1)
    const copy = layer.clone()
    copy.forward(ones(3, 4))
    expect([String(copy.weight.shape), String(layer.weight)]).toEqual(['2,3,1', '<UninitializedParameter>'])
  })

  it('may have hooks', () => {
    const layer = new nn.LazyLinear(2)
    let calls = 0
    layer.registerForwardHook(() => void calls++)
    layer.forward(ones(1, 3))
    layer.forward(ones(1, 3))
    expect([calls, layer.inFeatures]).toEqual([2, 3])
  })

  it("may be a module of the user's", () => {
    class Scale extends nn.Module {
      weight: nn.Parameter = new nn.UninitializedParameter({ dtype: 'float64' })
      override forward(x: Tensor): Tensor {
        const { weight } = this
        if (weight instanceof nn.UninitializedParameter) {
          weight.materialize([x.shape[1]])
          nn.init.constant_(weight, 2)
        }
        return x.mul(this.weight)
      }
    }
    const layer = new Scale()
    const { weight } = layer
    expect(layer.parameters()).toEqual([weight])
    expect(() => (weight as nn.UninitializedParameter).materialize([-1])).toThrow('negative dimension')
    expect(String(weight)).toBe('<UninitializedParameter>')
    expect(layer.forward(ones(1, 3)).tolist()).toEqual([[2, 2, 2]])
    expect([layer.weight === weight, weight.dtype, weight.constructor, weight.requiresGrad]).toEqual([
      true,
      'float64',
      nn.Parameter,
      true,
    ])
    const buffer = new nn.UninitializedBuffer()
    buffer.materialize(2, { dtype: 'int32' })
    expect([buffer.shape, buffer.dtype, buffer.constructor, buffer.add(1).shape]).toEqual([[2], 'int32', Tensor, [2]])
  })
})
