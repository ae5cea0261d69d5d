// Why residuals train: networks of 20 and of 56 layers, with shortcuts and without, take the same steps on the same
// pictures, and their training losses are drawn side by side.
import { DataLoader } from '@flambeau/data'
import { models, transforms } from '@flambeau/vision'
import { F, formatExponent, formatFixed, manualSeed, noGrad, optim, type Tensor } from 'flambeau'
import { lesson, type Score } from '../lesson.ts'

const { Compose, Normalize, ToTensor } = transforms
const builds = {
  'residual, 20 layers': models.resnet20,
  'residual, 56 layers': models.resnet56,
  'plain, 20 layers': models.plain20,
  'plain, 56 layers': models.plain56,
}

interface Sizes {
  readonly width: number
  readonly batchSize: number
  readonly lr: number
}

/** The lesson with networks of a width, batches of a size and a learning rate. */
export const resnetOf = ({ width, batchSize, lr }: Sizes) =>
  lesson({ epochs: 5, printInterval: 1, passes: 4 }, function* (course) {
    const { seed, images, printInterval, print, compile, forEachEpoch, forEachBatch } = course
    const { dataset, root } = images
    const transform = new Compose([new ToTensor(), new Normalize([0.5], [0.5])])
    const train = new dataset(root, { train: true, transform })
    const test = new dataset(root, { train: false, transform })

    const networks = Object.entries(builds).map(([name, build]) => {
      manualSeed(seed)
      const model = build({ width, inChannels: 1 })
      const optimizer = new optim.SGD(model.parameters(), { lr, momentum: 0.9, weightDecay: 1e-4 })
      const scheduler = new optim.lrScheduler.ExponentialLR(optimizer, { gamma: 0.6 })

      const measure = (x: Tensor, y: Tensor) => {
        const logits = model.forward(x)
        const loss = F.crossEntropy(logits, y)
        return { loss, accuracy: logits.argmax({ dim: 1 }).eq(y).float().mean() }
      }

      const step = compile((x: Tensor, y: Tensor) => {
        const means = measure(x, y)

        optimizer.zeroGrad()
        means.loss.backward()
        optimizer.step()
        return means
      })
      const evaluate = compile((x: Tensor, y: Tensor) => noGrad(() => measure(x, y)))
      return { name, model, optimizer, scheduler, step, evaluate }
    })

    const trainLoader = new DataLoader(train, { batchSize, shuffle: true })
    const testLoader = new DataLoader(test, { batchSize: 500 })
    const things = networks.flatMap(({ model, optimizer, scheduler }) => [model, optimizer, scheduler])

    yield* forEachEpoch(things, function* (epoch) {
      const curves: Record<string, Score> = {}
      for (const { name, step } of networks) curves[name] = yield* forEachBatch(trainLoader, step)
      for (const { scheduler } of networks) scheduler.step()
      if (epoch % printInterval === 0) {
        print(`Epoch ${epoch}`)
        for (const [name, { loss }] of Object.entries(curves)) print(`  ${name}: loss=${formatExponent(loss, 4)}`)
      }
      return { loss: curves['residual, 56 layers'].loss, curves }
    })

    for (const { name, model, evaluate } of networks) {
      model.eval()
      const { accuracy } = yield* forEachBatch(testLoader, evaluate)
      print(`Test accuracy, ${name}: ${formatFixed(accuracy, 4)}`)
    }
  })

/** A quarter of the channels, with which four networks train in minutes. */
export const resnet = resnetOf({ width: 0.25, batchSize: 50, lr: 0.03 })
