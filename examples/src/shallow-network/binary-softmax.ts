// The same two classes with two outputs and a softmax over them. The loss is the negative log likelihood of the right
// class. It uses logSoftmax, because the log of a softmax that has become 0 is minus infinity.
import { loadBreastCancer, StandardScaler } from '@flambeau/data'
import { F, formatExponent, formatFixed, manualSeed, nn, optim } from 'flambeau'
import { lesson } from '../lesson.ts'

export const binarySoftmax = lesson({ epochs: 500, printInterval: 50 }, function* (course) {
  const { seed, printInterval, print, compile, forEachEpoch } = course
  const { data, target: label } = loadBreastCancer()
  const x = new StandardScaler().fitTransform(data).float()

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

  const step = compile(() => {
    const logits = model.forward(x)
    const loss = F.nllLoss(F.logSoftmax(logits, { dim: 1 }), label)

    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return { loss, logits }
  })

  const { correct } = yield* forEachEpoch([model, optimizer, x, label], (epoch) => {
    const { loss, logits } = step()
    if (epoch % printInterval === 0) print(`Epoch ${epoch}: loss=${formatExponent(loss.item(), 4)}`)
    return { loss, correct: () => F.softmax(logits, { dim: 1 }).argmax({ dim: 1 }).eq(label).sum() }
  })

  print(`Accuracy: ${formatFixed(correct().div(label.size(0)).item(), 4)}`)
})
