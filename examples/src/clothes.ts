// What the lessons about the families share: the parts of Fashion-MNIST, the loop of the lenet5 lesson around any network,
// and the test part, which is used once.
import { accuracyScore, confusionMatrix, DataLoader, randomSplit } from '@flambeau/data'
import { transforms } from '@flambeau/vision'
import { F, formatExponent, formatFixed, type nn, noGrad, type optim, type Tensor } from 'flambeau'
import type { Batches, Course, Images, Steps } from './lesson.ts'

const { Compose, Normalize, ToTensor } = transforms

export const classNames = [
  'T-shirt',
  'trouser',
  'pullover',
  'dress',
  'coat',
  'sandal',
  'shirt',
  'sneaker',
  'bag',
  'boot',
]

export interface Loaders {
  readonly train: Batches
  readonly validation: Batches
  readonly test: Batches
}

/** The parts in batches: a tenth of the training part is for validation. */
export function loadersOf({ dataset, root }: Images): Loaders {
  const transform = new Compose([new ToTensor(), new Normalize([0.5], [0.5])])
  const all = new dataset(root, { train: true, transform })
  const test = new dataset(root, { train: false, transform })
  const [train, validation] = randomSplit(all, [0.9, 0.1])
  return {
    train: new DataLoader(train, { batchSize: 50, shuffle: true }),
    validation: new DataLoader(validation, { batchSize: 200 }),
    test: new DataLoader(test, { batchSize: 200 }),
  }
}

/** The means over a batch: the loss, by which the network learns, the accuracy, and what else is worth printing. */
export type Measure = (x: Tensor, y: Tensor) => Readonly<Record<'loss' | 'accuracy', Tensor>>

/** The loss and the accuracy of scores [N, classes]. */
export const measured = (scores: Tensor, y: Tensor): { loss: Tensor; accuracy: Tensor } => ({
  loss: F.crossEntropy(scores, y),
  accuracy: scores.argmax({ dim: 1 }).eq(y).float().mean(),
})

/** Trains a network for all epochs. */
export function* fit(
  { printInterval, print, compile, forEachEpoch, forEachBatch }: Course,
  { train, validation }: Loaders,
  model: nn.Module,
  optimizer: optim.Optimizer,
  measure: Measure,
): Steps<void> {
  const step = compile((x: Tensor, y: Tensor) => {
    const means = measure(x, y)

    optimizer.zeroGrad()
    means.loss.backward()
    optimizer.step()
    return means
  })
  const evaluate = compile((x: Tensor, y: Tensor) => noGrad(() => measure(x, y)))

  yield* forEachEpoch([model, optimizer], function* (epoch) {
    model.train()
    const training = yield* forEachBatch<'accuracy'>(train, step)
    model.eval()
    const validated = yield* forEachBatch<'accuracy'>(validation, evaluate)
    if (epoch % printInterval === 0) {
      const { loss, ...others } = training
      const shares = Object.entries(others).map(([name, mean]) => `, ${name}=${formatFixed(mean, 4)}`)
      const validation = formatFixed(validated.accuracy, 4)
      print(`Epoch ${epoch}: loss=${formatExponent(loss, 4)}${shares.join('')}, validation accuracy=${validation}`)
    }
    return { loss: training.loss, curves: { training, validation: validated } }
  })
}

/** Prints the accuracy on the test part, and returns how often each class was taken for which. */
export function tested(
  { print }: Course,
  { test }: Loaders,
  model: nn.Module,
  scores: (x: Tensor) => Tensor,
): number[][] {
  model.eval()
  const [labels, predicted]: [number[], number[]] = [[], []]
  for (const [x, y] of test) {
    labels.push(...y.toArray())
    predicted.push(...noGrad(() => scores(x).argmax({ dim: 1 })).toArray())
  }
  print(`Test accuracy: ${formatFixed(accuracyScore(labels, predicted), 4)}`)
  return confusionMatrix(labels, predicted, { labels: classNames.map((_, label) => label) })
}
