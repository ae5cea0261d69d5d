// Linear regression on the Boston housing set, all 13 features, full batch. README.md explains the problem with one of
// them.
import { loadBoston, StandardScaler } from '@flambeau/data'
import { compile, F, formatExponent, manualSeed, nn, optim } from 'flambeau'
import { move, type Options, print as log, type Training } from '../lesson.ts'

export function* boston({ epochs = 2000, seed = 0, compiled = true, print = log }: Options = {}): Training {
  const { data, target } = loadBoston()
  let x = new StandardScaler().fitTransform(data).float()
  let y = target.float().unsqueeze(1)

  manualSeed(seed)
  const model = new nn.Linear(x.size(-1), y.size(-1))
  const optimizer = new optim.SGD(model.parameters(), { lr: 1e-3 })
  const printInterval = Math.min(100, epochs)

  const train = () => {
    const yHat = model.forward(x)
    const loss = F.mseLoss(yHat, y)

    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  }
  const step = compiled ? compile(train) : train

  for (let epoch = 1; epoch <= epochs; epoch++) {
    const loss = step()
    if (epoch % printInterval === 0) print(`Epoch ${epoch}: loss=${formatExponent(loss.item(), 4)}`)
    const device = yield { epoch, epochs, loss }
    if (device !== undefined) [x, y] = move(device, model, optimizer, x, y)
  }
}
