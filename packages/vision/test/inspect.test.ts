// Looking inside, against the same written out in PyTorch (tools/golden/looking.py), and what is refused.
import { readFileSync } from 'node:fs'
import { arange, manualSeed, nn, noGrad, ones, rand, randn, type Tensor, tensor, zeros } from 'flambeau'
import { describe, expect, it } from 'vitest'
import {
  deconvnet,
  featureMaps,
  firstFilters,
  gramMatrix,
  inputGradient,
  saliency,
  strongest,
  strongestPatches,
  styleTransfer,
} from '../src/inspect/index.ts'
import { googlenet, lenet5, vgg11, zfnet } from '../src/models/index.ts'
import { image } from './image.ts'

/** Every `step`-th element of a tensor. */
interface Golden {
  readonly sizes: readonly number[]
  readonly step: number
  readonly data: readonly number[]
}
const golden: Readonly<Record<string, Golden>> = JSON.parse(
  readFileSync(new URL('golden/looking.json', import.meta.url), 'utf8'),
)
function expectNear(x: Tensor, { sizes, step, data }: Golden): void {
  expect(x.sizes).toEqual(sizes)
  const largest = Math.max(...data.map(Math.abs))
  expect(largest).toBeGreaterThan(0)
  const found = x.detach().toArray()
  for (const [i, value] of data.entries()) {
    expect(Math.abs(found[i * step] - value)).toBeLessThanOrEqual(1e-5 * largest)
  }
}

manualSeed(0)
const model = lenet5({ pooling: 'max', activation: 'relu' }).eval()
const x = image([2, 1, 28, 28])

describe('views of LeNet-5 are those of PyTorch', () => {
  it('maps, and their Gram matrices', () => {
    const maps = featureMaps(model, x)
    expect(Object.keys(maps)).toEqual(['features.0', 'features.3'])
    expectNear(maps['features.3'], golden.maps)
    expectNear(gramMatrix(maps['features.3']), golden.gram)
  })

  it('gradients by the pixels, and saliency, also in noGrad', () => {
    for (const target of [3, [3, 3], tensor([3, 3], { dtype: 'int32' })]) {
      expectNear(inputGradient(model, x, target), golden.inputGradient)
    }
    noGrad(() => expectNear(saliency(model, x), golden.saliency))
    expect(model.parameters().every((p) => p.grad === null)).toBe(true)
  })

  it('the deconvnet, also with strides and overlapping pooling', () => {
    noGrad(() => expectNear(deconvnet(model.features.slice(0, 5), x, { channel: 3 }), golden.deconvnet))
    manualSeed(0)
    const { features } = zfnet({ numClasses: 10, width: 0.125 }).eval()
    const view = deconvnet(features.slice(0, 6), image([1, 3, 224, 224]), { channel: 3 })
    expectNear(view, golden.zfnet)
  })
})

it('maps of named layers belong to the graph and survive layers in place', () => {
  const layers = new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.ReLU({ inplace: true }))
  const image = randn(1, 1, 4, 4)
  const maps = featureMaps(layers, image, ['0', '1'])
  const [before, after] = ['0', '1'].map((name) => maps[name])
  expect(before.relu().equal(after)).toBe(true)
  expect(before.equal(after)).toBe(false)
  gramMatrix(before).sum().backward()
  expect((layers[0] as nn.Conv2d).weight.grad).not.toBeNull()
  // The hooks are gone.
  expect(Object.keys(layers[0])).not.toContain('forward')
})

it('the first filters are a copy', () => {
  const filters = firstFilters(model)
  expect(filters.sizes).toEqual([6, 1, 5, 5])
  filters.fill_(0)
  expect((model.features[0] as nn.Conv2d).weight.abs().sum().item()).toBeGreaterThan(0)
})

it('the strongest activations come in falling order', () => {
  const maps = tensor([
    [
      [
        [0, 1],
        [2, 3],
      ],
    ],
    [
      [
        [9, 1],
        [2, 3],
      ],
    ],
    [
      [
        [0, 5],
        [2, 3],
      ],
    ],
  ])
  expect(strongest(maps, 0, { count: 2 })).toEqual([
    { image: 1, row: 0, column: 0, value: 9 },
    { image: 2, row: 0, column: 1, value: 5 },
  ])
})

describe('the strongest patches', () => {
  const { AdaptiveAvgPool2d, AvgPool2d, Conv2d, MaxPool2d, ReLU } = nn
  // Every weight is positive, so each pixel of the window counts and no other one does.
  const positive = (...layers: nn.Module[]): nn.Module[] => {
    for (const layer of layers) for (const p of layer.parameters()) noGrad(() => p.copy_(rand(p.sizes).add(0.1)))
    return layers.map((layer) => layer.eval())
  }
  const stacks: Readonly<Record<string, readonly [layers: nn.Module[], size: readonly [number, number]]>> = {
    'a convolution': [[new Conv2d(1, 1, 3)], [3, 3]],
    'a stride': [
      [new Conv2d(1, 1, [3, 5], { stride: [2, 3], padding: 1 }), new Conv2d(1, 1, 2)],
      [5, 8],
    ],
    'a dilation': [
      [new Conv2d(1, 1, 3, { dilation: 2, padding: 'same' }), new AvgPool2d(2)],
      [6, 6],
    ],
    'overlapping windows': [
      [new Conv2d(1, 1, 3), new ReLU(), new AvgPool2d(3, { stride: 2 })],
      [5, 5],
    ],
    'an image that is smaller': [
      [new Conv2d(1, 1, 3, { padding: 1 }), new AdaptiveAvgPool2d(1)],
      [16, 15],
    ],
  }
  it.each(Object.entries(stacks))('show what an activation depends on: %s', (_, [layers, size]) => {
    const x = rand(4, 1, 16, 15)
    const { activations, patches, views } = strongestPatches(positive(...layers), x, 0, { count: 3 })
    expect(patches.sizes).toEqual([3, 1, ...size])
    const whole = deconvnet(layers, x, { channel: 0 })
    for (const [i, { image }] of activations.entries()) {
      // Nothing of the view is outside, unless the window is moved inwards, nothing inside is empty.
      const [view, all] = [views.select(0, i), whole.select(0, image)]
      expect(view.ne(0).sum().item()).toBe(all.ne(0).sum().item())
      const inside = all.ne(0).sum().item() === size[0] * size[1]
      if (inside)
        expect(x.select(0, image).mul(all.ne(0)).sum().item()).toBeCloseTo(patches.select(0, i).sum().item(), 3)
    }
  })

  it('lie where the activation is, within the image', () => {
    const x = arange(2 * 81)
      .float()
      .reshape(2, 1, 9, 9)
    const layers = positive(new Conv2d(1, 1, 3, { padding: 1 }), new MaxPool2d(3, { stride: 2 }))
    const { activations, patches } = strongestPatches(layers, x, 0)
    // Values grow, so the last window is the strongest, and its lower right corner is the image's but for the padding.
    expect(activations.map(({ image, row, column }) => [image, row, column])).toEqual([
      [1, 3, 3],
      [0, 3, 3],
    ])
    expect(patches.equal(x.flip(0).slice(2, 4, 9).slice(3, 4, 9))).toBe(true)
  })
})

describe('style transfer', () => {
  manualSeed(0)
  const { features } = vgg11({ numClasses: 10, width: 0.125, inChannels: 1 }).eval().double()
  const layers = (features as nn.Sequential).slice(0, 7)
  const [content, style] = [24, 20].map((size) => image([1, 1, size, size]).double().add(1).div(2))
  const options = { styleLayers: ['0', '3'], steps: 4 }

  it("makes PyTorch's picture, also in noGrad, and leaves the model alone", () => {
    const before = layers.parameters().map((p) => p.detach().clone())
    noGrad(() => expectNear(styleTransfer(layers, content, style, options), golden.style))
    expect(layers.parameters().every((p, i) => p.grad === null && p.equal(before[i]))).toBe(true)
  })

  it('comes nearer with every step', () => {
    const losses: (readonly [step: number, loss: number])[] = []
    const onStep = (...seen: [step: number, loss: number]) => void losses.push(seen)
    styleTransfer(layers, content, style.mul(0.3), { ...options, onStep })
    expect(losses.map(([step]) => step)).toEqual([1, 2, 3, 4])
    expect(losses).toEqual([...losses].sort(([, a], [, b]) => b - a))
  })

  it('finds the picture itself if it has the style already', () => {
    expect(styleTransfer(layers, content, content, { steps: 2 }).equal(content)).toBe(true)
  })

  const wrong: readonly (readonly [what: string, call: () => unknown, error: RegExp])[] = [
    ['one picture', () => styleTransfer(layers, content.squeeze(0), style), /expected maps \[N, C, H, W\]/],
    ['values beyond 1', () => styleTransfer(layers, content, style.mul(3)), /style should have values from 0 to 1/],
    ['NaN', () => styleTransfer(layers, content.mul(Number.NaN), style), /content should have values from 0 to 1/],
    ['fewer than no steps', () => styleTransfer(layers, content, style, { steps: -1 }), /steps should be at least 0/],
    ['a weight below 0', () => styleTransfer(layers, content, style, { styleWeight: -1 }), /should be at least 0/],
    ['a layer that is not there', () => styleTransfer(layers, content, style, { styleLayers: ['9'] }), /no attribute/],
    ['no layer', () => styleTransfer(new nn.ReLU().eval(), content, style), /no layer to compare/],
    ['training mode', () => styleTransfer(lenet5(), content, style), /training mode/],
    ['a black picture', () => styleTransfer(layers, content, style.mul(0), { styleLayers: ['1'] }), /mean square of/],
  ]
  it.each(wrong)('refuses %s', (_, call, error) => expect(call).toThrow(error))
})

describe('refuses', () => {
  const wrong: readonly (readonly [what: string, call: () => unknown, error: RegExp])[] = [
    ['one image without a batch', () => saliency(model, ones(1, 28, 28)), /expected maps \[N, C, H, W\], got 3/],
    ['a class that does not exist', () => saliency(model, x, 10), /Target 10 is out of bounds/],
    ['too few classes', () => saliency(model, x, [1]), /expected one target for each of 2 images, got 1/],
    [
      'several outputs',
      () => saliency(googlenet({ numClasses: 2, width: 0.05 }), zeros(2, 3, 32, 32)),
      /does not return scores/,
    ],
    ['an unknown layer', () => featureMaps(model, x, ['features.9']), /no attribute/],
    ['a layer that does not run', () => featureMaps(new Skipping(), ones(1)), /layer 'skipped' does not run/],
    ['a model without convolutions', () => firstFilters(new nn.Linear(1, 1)), /no convolution/],
    ['a channel beyond the maps', () => strongest(ones(1, 2, 3, 3), 2), /channel 2 is out of range for maps of 2/],
    ['a count of nothing', () => strongest(ones(1, 2, 3, 3), 0, { count: 0 }), /count should be at least 1/],
    ['training mode', () => deconvnet(lenet5().features, x, { channel: 0 }), /training mode/],
    [
      'a layer without a way back',
      () => deconvnet(lenet5().eval().features, x, { channel: 0 }),
      /no way back through Tanh/,
    ],
    ['maps that are none', () => gramMatrix(ones(2, 2)), /expected maps/],
  ]
  it.each(wrong)('%s', (_, call, error) => expect(call).toThrow(error))
})

class Skipping extends nn.Module {
  skipped = new nn.Conv2d(1, 1, 1)
  override forward(x: Tensor): Tensor {
    return x
  }
}
