// LeNet-5 on handwritten digits, or on pictures of clothes: convolutions, batches from a loader, and a validation part
// beside the test part, which is used once.
import { DataLoader, randomSplit } from '@flambeau/data'
import { models, transforms } from '@flambeau/vision'
import { F, formatExponent, formatFixed, manualSeed, noGrad, optim, type Tensor } from 'flambeau'
import { lesson } from '../lesson.ts'

const { Compose, Normalize, ToTensor } = transforms

export const transform = new Compose([new ToTensor(), new Normalize([0.5], [0.5])])

export const lenet5 = lesson({ epochs: 15, printInterval: 1 }, function* (course) {
  const { seed, images, printInterval, print, compile, forEachEpoch, forEachBatch } = course
  const { dataset, root } = images
  const all = new dataset(root, { train: true, transform })
  const test = new dataset(root, { train: false, transform })

  manualSeed(seed)
  const [train, validation] = randomSplit(all, [0.9, 0.1])
  const trainLoader = new DataLoader(train, { batchSize: 50, shuffle: true })
  const validationLoader = new DataLoader(validation, { batchSize: 500 })
  const testLoader = new DataLoader(test, { batchSize: 500 })

  const model = models.lenet5({ pooling: 'max', activation: 'relu' })
  const optimizer = new optim.SGD(model.parameters(), { lr: 5e-2, momentum: 0.9 })
  const scheduler = new optim.lrScheduler.ExponentialLR(optimizer, { gamma: 0.85 })
  print(model)

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

  yield* forEachEpoch([model, optimizer, scheduler], function* (epoch) {
    model.train()
    const training = yield* forEachBatch(trainLoader, step)
    model.eval()
    const validation = yield* forEachBatch(validationLoader, evaluate)
    scheduler.step()
    if (epoch % printInterval === 0) {
      const [loss, accuracy] = [formatExponent(training.loss, 4), formatFixed(validation.accuracy, 4)]
      print(`Epoch ${epoch}: loss=${loss}, validation accuracy=${accuracy}`)
    }
    return { loss: training.loss, curves: { training, validation } }
  })

  const { accuracy } = yield* forEachBatch(testLoader, evaluate)
  print(`Test accuracy: ${formatFixed(accuracy, 4)}`)
})
