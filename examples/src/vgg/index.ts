// VGG-11 with batch normalisation, an eighth as wide, on pictures of clothes: what its layers see at each depth, and a
// picture in the style of another.
import { inspect, models, transforms } from '@flambeau/vision'
import { cat, F, manualSeed, nn, noGrad, optim, type Tensor } from 'flambeau'
import { fit, loadersOf, measured, tested } from '../clothes.ts'
import { lesson } from '../lesson.ts'
import { grid } from '../pictures.ts'
import { scene, weave } from './drawings.ts'

export const vgg = lesson({ epochs: 5, printInterval: 1 }, function* (course) {
  const { seed, images, print, draw } = course

  manualSeed(seed)
  const loaders = loadersOf(images)
  const model = models.vgg11Bn({ numClasses: 10, width: 0.125, inChannels: 1 })
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.02, momentum: 0.9 })
  print(model)

  // Five times half of 32 is 1, so 32 x 32 is the least that it takes: two pixels of background on each side.
  const padded = (x: Tensor) => F.pad(x, [2, 2, 2, 2], { value: -1 })
  const scores = (x: Tensor) => model.forward(padded(x))

  yield* fit(course, loaders, model, optimizer, (x, y) => measured(scores(x), y))

  tested(course, loaders, model, scores)
  const [[x]] = loaders.test
  draw('depth', () => depths(model, padded(x.narrow(0, 0, 1))))
  draw('style', () => inStyle(model))
})

/** Eight maps of each block's last layer, a block in a row; they have 32, 16, 8, 4 and 2 pixels. */
function depths(model: models.VGG, x: Tensor): Tensor {
  const names = ['features.2', 'features.6', 'features.13', 'features.20', 'features.27']
  const maps = noGrad(() => inspect.featureMaps(model, x, names))
  const rows = names.map((name) => {
    const some = maps[name].narrow(1, 0, 8).transpose(0, 1)
    return F.interpolate(some.div(some.max().clamp({ min: 1e-6 })), { size: [64, 64], mode: 'nearest' })
  })
  return grid(cat(rows, 0), 1, { nrow: 8 })
}

/** A scene, a weave, and the scene in the style of the weave. */
function inStyle(model: models.VGG): Tensor {
  const blocks = (model.features as nn.Sequential).slice(0, 15)
  const layers = new nn.Sequential(new transforms.Normalize([0.5], [0.5]), ...blocks).eval()
  // The network has seen grey pictures only, so red, green and blue are three of them.
  const [content, style] = [scene(96), weave(96)].map((picture) => picture.unsqueeze(1))
  const options = { steps: 100, lr: 0.03, styleWeight: 100 }
  const result = inspect.styleTransfer(layers, content, style, options)
  return grid(cat([content, style, result], 1).transpose(0, 1), 2, { normalize: false })
}
