// Three classes: iris, 4-10-3, softmax and cross entropy. The labels may be class numbers or one-hot rows: the loss is the
// same.
import { loadIris, StandardScaler } from '@flambeau/data'
import { F, formatExponent, formatFixed, manualSeed, nn, optim } from 'flambeau'
import { lesson } from '../lesson.ts'

export const iris = lesson({ epochs: 200, printInterval: 20 }, function* (course) {
  const { seed, printInterval, print, compile, forEachEpoch } = course
  const { data, target: label } = loadIris()
  const x = new StandardScaler().fitTransform(data).float()
  const oneHot = F.oneHot(label, 3).float()

  manualSeed(seed)
  const model = new nn.Sequential(new nn.Linear(x.size(-1), 10), new nn.LeakyReLU(), new nn.Linear(10, 3))
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2 })
  print(model)

  const step = compile(() => {
    const logits = model.forward(x)
    const loss = F.crossEntropy(logits, label)

    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return { loss, logits }
  })

  const { correct, oneHotLoss } = yield* forEachEpoch([model, optimizer, x, label, oneHot], (epoch) => {
    const { loss, logits } = step()
    if (epoch % printInterval === 0) print(`Epoch ${epoch}: loss=${formatExponent(loss.item(), 4)}`)
    const correct = () => F.softmax(logits, { dim: 1 }).argmax({ dim: 1 }).eq(label).sum()
    return { loss, correct, oneHotLoss: () => F.crossEntropy(logits, oneHot) }
  })

  print(`One-hot labels: loss=${formatExponent(oneHotLoss().item(), 4)}`)
  print(`Accuracy: ${formatFixed(correct().div(label.size(0)).item(), 4)}`)
})
