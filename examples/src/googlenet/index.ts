// GoogLeNet, a quarter as wide, on pictures of clothes: the auxiliary classifiers in training, and what 1 x 1 convolutions
// save.
import { inspect, models } from '@flambeau/vision'
import { cat, F, manualSeed, nn, optim, type Tensor } from 'flambeau'
import { fit, loadersOf, measured, tested } from '../clothes.ts'
import { lesson } from '../lesson.ts'
import { grid } from '../pictures.ts'

export const googlenet = lesson({ epochs: 5, printInterval: 1 }, function* (course) {
  const { seed, images, print, draw } = course

  manualSeed(seed)
  const loaders = loadersOf(images)
  const model = models.googlenet({ numClasses: 10, width: 0.25, inChannels: 1 })
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.05, momentum: 0.9 })

  const measure = (x: Tensor, y: Tensor) => {
    // 28 x 28 pixels are enough: behind the last pooling one is left.
    const outputs = model.forward(x)
    if (!(outputs instanceof models.GoogLeNetOutputs)) return measured(outputs, y)
    const [scores, scores2, scores1] = outputs
    const { loss, accuracy } = measured(scores, y)
    const [aux1, aux2] = [scores1, scores2].map((each) => F.crossEntropy(each, y))
    return { loss: loss.add(aux1.mul(0.3)).add(aux2.mul(0.3)), accuracy, final: loss, aux1, aux2 }
  }

  yield* fit(course, loaders, model, optimizer, measure)

  tested(course, loaders, model, (x) => model.forward(x) as Tensor)
  draw('saliency', () => {
    const [[x]] = loaders.test
    const some = x.narrow(0, 0, 8)
    return grid(cat([some, inspect.saliency(model, some)]), 3, { scaleEach: true })
  })

  const sizes = [1, 192, 28, 28]
  const rows = [new models.Inception(192, 64, 96, 128, 16, 32, 32), new WithoutReduction()].map((module) => {
    const { totalParameters, multAdds } = nn.utils.summary(module, sizes)
    return `${totalParameters.toLocaleString('en')} parameters, ${multAdds.toLocaleString('en')} multiply-adds`
  })
  print(`The first inception module: ${rows[0]}`)
  print(`Without 1 x 1 convolutions before the larger ones: ${rows[1]}`)
})

/** The first inception module with its larger filters and its pooling right on the input. */
class WithoutReduction extends nn.Module {
  branches = new nn.ModuleList([
    new nn.Conv2d(192, 64, 1, { bias: false }),
    new nn.Conv2d(192, 128, 3, { padding: 1, bias: false }),
    new nn.Conv2d(192, 32, 3, { padding: 1, bias: false }),
    new nn.MaxPool2d(3, { stride: 1, padding: 1 }),
  ])

  override forward(x: Tensor): Tensor {
    return cat(
      Array.from(this.branches, (branch) => branch.forward(x) as Tensor),
      1,
    )
  }
}
