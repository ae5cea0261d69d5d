// ZFNet, an eighth as wide, on pictures of clothes: which parts of the pictures excite its channels, and what in them the
// deconvnet shows.
import { inspect, models } from '@flambeau/vision'
import { argsort, cat, F, manualSeed, type nn, noGrad, optim, type Tensor } from 'flambeau'
import { fit, loadersOf, measured, tested } from '../clothes.ts'
import { lesson } from '../lesson.ts'
import { grid } from '../pictures.ts'

export const zfnet = lesson({ epochs: 2, printInterval: 1 }, function* (course) {
  const { seed, images, print, draw } = course

  manualSeed(seed)
  const loaders = loadersOf(images)
  const model = models.zfnet({ numClasses: 10, width: 0.125, inChannels: 1 })
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 })
  print(model)

  // Its linear layers take maps of 6 x 6, and 213 x 213 is the least size that gives them.
  const enlarged = (x: Tensor) => F.interpolate(x, { size: [213, 213], mode: 'bilinear', alignCorners: false })
  const scores = (x: Tensor) => model.forward(enlarged(x))

  yield* fit(course, loaders, model, optimizer, (x, y) => measured(scores(x), y))

  tested(course, loaders, model, scores)
  const [[x]] = loaders.test
  const some = enlarged(x.narrow(0, 0, Math.min(100, x.size(0))))
  draw('layer-3', () => exciting(model.features.slice(0, 10), some))
  draw('layer-5', () => exciting(model.features.slice(0, 14), some))
})

/** A row for each of the six most active channels: what excites it in four pictures, and the deconvnet's view of each. */
function exciting(layers: nn.Sequential, x: Tensor): Tensor {
  const maps = noGrad(() => layers.forward(x.clone()))
  const channels = argsort(maps.amax({ dim: [0, 2, 3] }), { descending: true })
    .toArray()
    .slice(0, 6)
  // The pictures were enlarged more than seven times, so means of 3 x 3 pixels leave out only the grain of the filters.
  const reduced = (pictures: Tensor) => F.avgPool2d(pictures, 3)
  const rows = Array.from(channels, (channel) => {
    const { patches, views } = inspect.strongestPatches(layers, x, channel, { count: 4 })
    const coarse = reduced(views)
    // Grey is 0 in a view.
    const largest = coarse
      .abs()
      .amax({ dim: [1, 2, 3], keepdim: true })
      .clamp({ min: 1e-12 })
    return cat([reduced(patches).div(2), coarse.div(largest).div(2)])
  })
  return grid(cat(rows), 2, { nrow: 8, valueRange: [-0.5, 0.5] })
}
