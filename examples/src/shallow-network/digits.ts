// Ten classes in batches: handwritten digits, 64-32-10. A DataLoader shuffles 1,500 of them; the accuracy is that on
// the 297 digits that the network has not seen.
import { DataLoader, loadDigits, randomSplit, StandardScaler, TensorDataset } from '@flambeau/data'
import { compile, F, formatExponent, formatFixed, manualSeed, nn, noGrad, optim, type Tensor } from 'flambeau'
import { move, type Options, print as log, type Training } from '../lesson.ts'

export function* digits({ epochs = 20, seed = 0, compiled = true, print = log }: Options = {}): Training {
  const { data, target: label } = loadDigits()
  const x = new StandardScaler().fitTransform(data).float()

  manualSeed(seed)
  const model = new nn.Sequential(new nn.Linear(x.size(-1), 32), new nn.LeakyReLU(), new nn.Linear(32, 10))
  const optimizer = new optim.SGD(model.parameters(), { lr: 5e-2, momentum: 0.9 })
  print(model)

  const set = new TensorDataset(x, label)
  const { tensors } = set
  const [train, test] = randomSplit(set, [1500, 297])
  const loader = new DataLoader(train, { batchSize: 64, shuffle: true })
  let [[testX, testLabel]] = new DataLoader(test, { batchSize: 297 })
  const correct = () => noGrad(() => model.forward(testX).argmax({ dim: 1 }).eq(testLabel).sum())
  const printInterval = Math.min(2, epochs)

  const trainOn = (batch: Tensor, target: Tensor) => {
    const logits = model.forward(batch)
    const batchLoss = F.crossEntropy(logits, target)

    optimizer.zeroGrad()
    batchLoss.backward()
    optimizer.step()
    return { batchLoss, logits }
  }
  const step = compiled ? compile(trainOn) : trainOn
  let oneHotLoss = 0

  for (let epoch = 1; epoch <= epochs; epoch++) {
    let total = 0
    let oneHotTotal = 0
    for (const [batch, target] of loader) {
      const { batchLoss, logits } = step(batch, target)
      total += batchLoss.item() * batch.size(0)
      oneHotTotal += F.crossEntropy(logits, F.oneHot(target, 10).float()).item() * batch.size(0)
    }
    const loss = total / train.length
    oneHotLoss = oneHotTotal / train.length

    if (epoch % printInterval === 0) print(`Epoch ${epoch}: loss=${formatExponent(loss, 4)}`)
    const device = yield { epoch, epochs, loss, correct, oneHotLoss: () => oneHotLoss }
    if (device !== undefined) {
      ;[tensors[0], tensors[1], testX, testLabel] = move(device, model, optimizer, ...tensors, testX, testLabel)
    }
  }

  print(`One-hot labels: loss=${formatExponent(oneHotLoss, 4)}`)
  print(`Accuracy: ${formatFixed(correct().div(test.length).item(), 4)}`)
}
