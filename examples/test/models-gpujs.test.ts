// Narrow members of the families on gpu.js: scores, loss and the parameters after a training step are those on js, and
// nothing runs elsewhere. WebGL compiles a shader for every shape, which takes software most of a minute for a whole
// GoogLeNet, so there is less of it.
import { gpujs } from '@flambeau/backend-gpujs'
import { models } from '@flambeau/vision'
import { F, js, manualSeed, nn, noGrad, optim, rand, setStrict, type Tensor, tensor, useDevice } from 'flambeau'
import { afterEach, expect } from 'vitest'
import { testWith } from '../../tools/test/machine.ts'
import { modes } from './modes.ts'

interface Member {
  readonly build: () => nn.Module
  /** Channels, height and width of an image. */
  readonly image: readonly [number, number, number]
}
const small = { numClasses: 10, inChannels: 1 }
const members: Readonly<Record<string, Member>> = {
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
const onEach: Readonly<Record<string, readonly string[]>> = {
  webasm: ['alexnet', 'zfnet', 'vgg11', 'googlenet'],
  webgl2: ['alexnet', 'an inception module'],
}

/** What comes out, by name: the scores in evaluation, the loss in training, and the parameters after a step. */
function results({ build, image }: Member): ReadonlyMap<string, Tensor> {
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

afterEach(() => {
  setStrict(false)
  useDevice(js())
})

for (const { mode, missing } of modes.filter(({ mode }) => mode in onEach)) {
  for (const name of onEach[mode]) {
    testWith('gpujs', missing, `${name} on ${mode} is that on js`, async () => {
      const expected = results(members[name])
      const device = await gpujs({ mode })
      useDevice(device)
      setStrict(true)
      const found = results(members[name])
      device.dispose()
      useDevice(js())
      for (const [what, x] of expected) {
        const largest = x.abs().max().item()
        const off = found.get(what)?.sub(x).abs().max().item()
        expect(largest, what).toBeGreaterThan(0)
        // A bias that was 0 consists of the step alone, in which rounding shows: its scale is that of the others.
        expect(off, what).toBeLessThanOrEqual(1e-4 * Math.max(largest, 0.1))
      }
    })
  }
}
