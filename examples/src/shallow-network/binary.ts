// Two classes with one output: breast cancer, 30-6-5-1, a sigmoid at the end, binary cross entropy, Adam.
import { loadBreastCancer, StandardScaler } from '@flambeau/data'
import { formatExponent, formatFixed, manualSeed, nn, optim } from 'flambeau'
import { lesson } from '../lesson.ts'

export const binary = lesson({ epochs: 1000, printInterval: 100 }, function* (course) {
  const { seed, printInterval, print, compile, forEachEpoch } = course
  const { data, target } = loadBreastCancer()
  const x = new StandardScaler().fitTransform(data).float()
  const y = target.float().unsqueeze(1)

  manualSeed(seed)
  const model = new nn.Sequential(
    new nn.Linear(x.size(-1), 6),
    new nn.LeakyReLU(),
    new nn.Linear(6, 5),
    new nn.LeakyReLU(),
    new nn.Linear(5, y.size(-1)),
    new nn.Sigmoid(),
  )
  const crit = new nn.BCELoss()
  const optimizer = new optim.Adam(model.parameters())
  print(model)

  const step = compile(() => {
    const yHat = model.forward(x)
    const loss = crit.forward(yHat, y)

    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return { loss, yHat }
  })

  const { correct } = yield* forEachEpoch([model, optimizer, x, y], (epoch) => {
    const { loss, yHat } = step()
    if (epoch % printInterval === 0) print(`Epoch ${epoch}: loss=${formatExponent(loss.item(), 4)}`)
    return { loss, correct: () => y.eq(yHat.gt(0.5)).sum() }
  })

  print(`Accuracy: ${formatFixed(correct().div(y.size(0)).item(), 4)}`)
})
