// The lesson on LeNet-5 with MNIST's digits, and how its network reads a digit. Loaded when the lesson is begun: the
// digits are 2 MB.
import { filesOf } from '@flambeau/data-mnist'
import { datasets, io, models } from '@flambeau/vision'
import { F, nn, noGrad, type Tensor } from 'flambeau'
import { lenet5, transform } from '../src/lenet5/index.ts'
import { SIDE } from './digit.ts'
import type { Maps, Reading } from './messages.ts'

const mapsOf = (x: Tensor): Maps => {
  const [, channels, height, width] = x.sizes
  return { sizes: [channels, height, width], values: Float32Array.from(x.flatten().toArray()) }
}

/**
 * Reads a digit with the weights that the network has now. It goes through the layers itself, because a hook, or another
 * mode, would make the compiled training step be recorded again.
 */
const look = (model: nn.Module, digit: Uint8Array): Reading => {
  if (!(model instanceof models.LeNet5)) throw new TypeError(`cannot read a digit with ${model}`)
  return noGrad(() => {
    const [{ device }] = model.parameters()
    let x = transform
      .forward(new io.Image(SIDE, SIDE, 'L', digit))
      .to(device)
      .unsqueeze(0)
    const maps: Maps[] = []
    for (const layer of model.features) {
      x = layer.forward(x)
      if (layer instanceof nn.Conv2d) maps.push(mapsOf(x))
    }
    const probabilities = F.softmax(model.classifier.forward(x), { dim: 1 }).flatten().toArray()
    return { probabilities: [...probabilities], maps }
  })
}

export const load = async () => ({
  run: lenet5,
  make: () => models.lenet5({ pooling: 'max', activation: 'relu' }),
  look,
  images: { dataset: datasets.MNIST, root: await filesOf('MNIST') },
})
