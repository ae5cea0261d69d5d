// Three classes: iris, 4-10-3, softmax and cross entropy. The labels may be class numbers or one-hot rows: the loss is the
// same.
import { loadIris, StandardScaler } from '@flambeau/data'
import { compile, F, formatExponent, formatFixed, manualSeed, nn, optim, zeros } from 'flambeau'
import { move, type Options, print as log, type Training } from '../lesson.ts'

export function* iris({ epochs = 200, seed = 0, compiled = true, print = log }: Options = {}): Training {
  const { data, target } = loadIris()
  let x = new StandardScaler().fitTransform(data).float()
  let label = target
  let oneHot = F.oneHot(label, 3).float()

  manualSeed(seed)
  const model = new nn.Sequential(new nn.Linear(x.size(-1), 10), new nn.LeakyReLU(), new nn.Linear(10, 3))
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2 })
  print(model)
  const printInterval = Math.min(20, epochs)

  const train = () => {
    const logits = model.forward(x)
    const loss = F.crossEntropy(logits, label)

    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return { loss, logits }
  }
  const step = compiled ? compile(train) : train
  let logits = zeros(label.size(0), 3)
  const correct = () => F.softmax(logits, { dim: 1 }).argmax({ dim: 1 }).eq(label).sum()

  for (let epoch = 1; epoch <= epochs; epoch++) {
    const seen = step()
    logits = seen.logits
    if (epoch % printInterval === 0) print(`Epoch ${epoch}: loss=${formatExponent(seen.loss.item(), 4)}`)
    const device = yield { epoch, epochs, loss: seen.loss, correct, oneHotLoss: () => F.crossEntropy(logits, oneHot) }
    if (device !== undefined) [x, label, oneHot] = move(device, model, optimizer, x, label, oneHot)
  }

  print(`One-hot labels: loss=${formatExponent(F.crossEntropy(logits, oneHot).item(), 4)}`)
  print(`Accuracy: ${formatFixed(correct().div(label.size(0)).item(), 4)}`)
}
