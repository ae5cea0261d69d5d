// AlexNet, a quarter as wide, on pictures of clothes: what its first layer looks for, and what it takes for what.
import { inspect, models } from '@flambeau/vision'
import { cat, F, manualSeed, optim, type Tensor } from 'flambeau'
import { classNames, fit, loadersOf, measured, tested } from '../clothes.ts'
import { lesson } from '../lesson.ts'
import { grid } from '../pictures.ts'

export const alexnet = lesson({ epochs: 5, printInterval: 1 }, function* (course) {
  const { seed, images, print, draw } = course

  manualSeed(seed)
  const loaders = loadersOf(images)
  const model = models.alexnet({ numClasses: 10, width: 0.25, inChannels: 1 })
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 })
  print(model)
  const before = inspect.firstFilters(model)

  // Of 28 x 28 pixels its strides leave nothing: 63 x 63 is the least that it takes.
  const enlarged = (x: Tensor) => F.interpolate(x, { size: [63, 63], mode: 'bilinear', alignCorners: false })
  const scores = (x: Tensor) => model.forward(enlarged(x))

  yield* fit(course, loaders, model, optimizer, (x, y) => measured(scores(x), y))

  const matrix = tested(course, loaders, model, scores)
  draw('confusion', () => ({ classes: classNames, matrix }))
  const filters = inspect.firstFilters(model)
  draw('filters', () => grid(cat([filters, filters.sub(before)]), 4, { scaleEach: true }))
  const [[x]] = loaders.test
  const mapsOf = (layer: string) =>
    inspect.featureMaps(model, enlarged(x.narrow(0, 0, 1)), [layer])[layer].transpose(0, 1)
  draw('maps', () => grid(mapsOf('features.1'), 4))
  draw('pooled-maps', () => grid(mapsOf('features.2'), 8))
})
