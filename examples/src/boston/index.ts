// Linear regression on the Boston housing set, all 13 features, full batch. README.md explains the problem with one of
// them.
import { loadBoston, StandardScaler } from '@flambeau/data'
import { F, formatExponent, manualSeed, nn, optim } from 'flambeau'
import { lesson } from '../lesson.ts'

export const boston = lesson({ epochs: 2000, printInterval: 100 }, function* (course) {
  const { seed, printInterval, print, compile, forEachEpoch } = course
  const { data, target } = loadBoston()
  const x = new StandardScaler().fitTransform(data).float()
  const y = target.float().unsqueeze(1)

  manualSeed(seed)
  const model = new nn.Linear(x.size(-1), y.size(-1))
  const optimizer = new optim.SGD(model.parameters(), { lr: 1e-3 })

  const step = compile(() => {
    const yHat = model.forward(x)
    const loss = F.mseLoss(yHat, y)

    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  })

  yield* forEachEpoch([model, optimizer, x, y], (epoch) => {
    const loss = step()
    if (epoch % printInterval === 0) print(`Epoch ${epoch}: loss=${formatExponent(loss.item(), 4)}`)
    return { loss }
  })
})
