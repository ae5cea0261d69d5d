// Looking inside, against the same written out in PyTorch (tools/golden/looking.py), and what is refused.
import { readFileSync } from 'node:fs'
import { manualSeed, nn, noGrad, ones, randn, type Tensor, tensor, zeros } from 'flambeau'
import { describe, expect, it } from 'vitest'
import {
  deconvnet,
  featureMaps,
  firstFilters,
  gramMatrix,
  inputGradient,
  saliency,
  strongest,
} from '../src/inspect/index.ts'
import { googlenet, lenet5, zfnet } from '../src/models/index.ts'
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
