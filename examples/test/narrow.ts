// Narrow members of the families, whose scores, loss and parameters after a training step are compared between devices.
import { models } from '@flambeau/vision'
import { F, manualSeed, nn, noGrad, optim, rand, type Tensor, tensor } from 'flambeau'
import { expect } from 'vitest'

export interface Member {
  readonly build: () => nn.Module
  /** Channels, height and width of an image. */
  readonly image: readonly [number, number, number]
}
const small = { numClasses: 10, inChannels: 1 }
export const members: Readonly<Record<string, Member>> = {
  alexnet: { build: () => models.alexnet({ ...small, width: 0.05 }), image: [1, 63, 63] },
  zfnet: { build: () => models.zfnet({ ...small, width: 0.03 }), image: [1, 213, 213] },
  vgg11: { build: () => models.vgg11({ ...small, width: 0.05 }), image: [1, 32, 32] },
  googlenet: { build: () => models.googlenet({ ...small, width: 0.05, initWeights: false }), image: [1, 64, 64] },
  'an inception module': {
    build: () =>
      new nn.Sequential(
        new models.Inception(4, 2, 2, 3, 1, 2, 2),
        new nn.AdaptiveAvgPool2d(1),
        new nn.Flatten(),
        new nn.Linear(9, 10),
      ),
    image: [4, 6, 6],
  },
}

/** What comes out, by name: the scores in evaluation, the loss in training, and the parameters after a step. */
export function results({ build, image }: Member): ReadonlyMap<string, Tensor> {
  manualSeed(0)
  const model = build()
  const x = rand(2, ...image)
  const labels = tensor([3, 7], { dtype: 'int32' })
  const scores = noGrad(() => model.eval().forward(x) as Tensor)
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 })
  const out = model.train().forward(x) as Tensor | models.GoogLeNetOutputs
  const losses = (out instanceof models.GoogLeNetOutputs ? [...out] : [out]).map((y) => F.crossEntropy(y, labels))
  const loss = losses.reduce((sum, each) => sum.add(each))
  loss.backward()
  optimizer.step()
  const all = [['scores', scores], ['loss', loss], ...model.namedParameters()] as const
  return new Map(all.map(([name, x]) => [name, x.detach().to('js')]))
}

/** The scores, loss and parameters are those of another device, up to rounding. */
export function expectSame(found: ReadonlyMap<string, Tensor>, expected: ReadonlyMap<string, Tensor>): void {
  for (const [what, x] of expected) {
    const largest = x.abs().max().item()
    const off = found.get(what)?.sub(x).abs().max().item()
    expect(largest, what).toBeGreaterThan(0)
    // A bias that was 0 consists of the step alone, in which rounding shows: its scale is that of the others.
    expect(off, what).toBeLessThanOrEqual(1e-4 * Math.max(largest, 0.1))
  }
}
