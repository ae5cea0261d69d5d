// Ten classes in batches: handwritten digits, 64-32-10. A DataLoader shuffles 1,500 of them; the accuracy is that on
// the 297 digits that the network has not seen.
import { DataLoader, loadDigits, randomSplit, StandardScaler, TensorDataset } from '@flambeau/data'
import { F, formatExponent, formatFixed, manualSeed, nn, noGrad, optim, type Tensor } from 'flambeau'
import { lesson } from '../lesson.ts'

export const digits = lesson({ epochs: 20, printInterval: 2 }, function* (course) {
  const { seed, printInterval, print, compile, forEachEpoch } = course
  const { data, target: label } = loadDigits()
  const x = new StandardScaler().fitTransform(data).float()

  manualSeed(seed)
  const model = new nn.Sequential(new nn.Linear(x.size(-1), 32), new nn.LeakyReLU(), new nn.Linear(32, 10))
  const optimizer = new optim.SGD(model.parameters(), { lr: 5e-2, momentum: 0.9 })
  print(model)

  const [train, test] = randomSplit(new TensorDataset(x, label), [1500, 297])
  const loader = new DataLoader(train, { batchSize: 64, shuffle: true })
  const [[testX, testLabel]] = new DataLoader(test, { batchSize: 297 })

  const step = compile((batch: Tensor, target: Tensor) => {
    const logits = model.forward(batch)
    const loss = F.crossEntropy(logits, target)

    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return { loss, logits }
  })

  const { correct, oneHotLoss } = yield* forEachEpoch([model, optimizer, x, label, testX, testLabel], (epoch) => {
    let total = 0
    let oneHotTotal = 0
    for (const [batch, target] of loader) {
      const { loss, logits } = step(batch, target)
      const oneHotLoss = F.crossEntropy(logits, F.oneHot(target, 10).float())
      total += loss.item() * batch.size(0)
      oneHotTotal += oneHotLoss.item() * batch.size(0)
    }
    const loss = total / train.length
    if (epoch % printInterval === 0) print(`Epoch ${epoch}: loss=${formatExponent(loss, 4)}`)
    const correct = () => noGrad(() => model.forward(testX).argmax({ dim: 1 }).eq(testLabel).sum())
    return { loss, correct, oneHotLoss: () => oneHotTotal / train.length }
  })

  print(`One-hot labels: loss=${formatExponent(oneHotLoss(), 4)}`)
  print(`Accuracy: ${formatFixed(correct().div(test.length).item(), 4)}`)
})
