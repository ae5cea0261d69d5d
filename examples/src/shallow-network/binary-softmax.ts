// The same two classes with two outputs and a softmax over them. The loss is the negative log likelihood of the right
// class. It uses logSoftmax, because the log of a softmax that has become 0 is minus infinity.
import { loadBreastCancer, StandardScaler } from '@flambeau/data'
import { compile, F, formatExponent, formatFixed, manualSeed, nn, optim, zeros } from 'flambeau'
import { move, type Options, print as log, type Training } from '../lesson.ts'

export function* binarySoftmax({ epochs = 500, seed = 0, compiled = true, print = log }: Options = {}): Training {
  const { data, target } = loadBreastCancer()
  let x = new StandardScaler().fitTransform(data).float()
  let label = target

  manualSeed(seed)
  const model = new nn.Sequential(
    new nn.Linear(x.size(-1), 6),
    new nn.LeakyReLU(),
    new nn.Linear(6, 5),
    new nn.LeakyReLU(),
    new nn.Linear(5, 2),
  )
  const optimizer = new optim.Adam(model.parameters())
  print(model)
  const printInterval = Math.min(50, epochs)

  const train = () => {
    const logits = model.forward(x)
    const loss = F.nllLoss(F.logSoftmax(logits, { dim: 1 }), label)

    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return { loss, logits }
  }
  const step = compiled ? compile(train) : train
  let logits = zeros(label.size(0), 2)
  const correct = () => F.softmax(logits, { dim: 1 }).argmax({ dim: 1 }).eq(label).sum()

  for (let epoch = 1; epoch <= epochs; epoch++) {
    const seen = step()
    logits = seen.logits
    if (epoch % printInterval === 0) print(`Epoch ${epoch}: loss=${formatExponent(seen.loss.item(), 4)}`)
    const device = yield { epoch, epochs, loss: seen.loss, correct }
    if (device !== undefined) [x, label] = move(device, model, optimizer, x, label)
  }

  print(`Accuracy: ${formatFixed(correct().div(label.size(0)).item(), 4)}`)
}
