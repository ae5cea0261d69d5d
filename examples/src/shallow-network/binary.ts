// Two classes with one output: breast cancer, 30-6-5-1, a sigmoid at the end, binary cross entropy, Adam.
import { loadBreastCancer, StandardScaler } from '@flambeau/data'
import { compile, formatExponent, formatFixed, manualSeed, nn, optim } from 'flambeau'
import { move, type Options, print as log, type Training } from '../lesson.ts'

export function* binary({ epochs = 1000, seed = 0, compiled = true, print = log }: Options = {}): Training {
  const { data, target } = loadBreastCancer()
  let x = new StandardScaler().fitTransform(data).float()
  let y = target.float().unsqueeze(1)

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
  const printInterval = Math.min(100, epochs)

  const train = () => {
    const yHat = model.forward(x)
    const loss = crit.forward(yHat, y)

    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return { loss, yHat }
  }
  const step = compiled ? compile(train) : train
  let yHat = y
  const correct = () => y.eq(yHat.gt(0.5)).sum()

  for (let epoch = 1; epoch <= epochs; epoch++) {
    const seen = step()
    yHat = seen.yHat
    if (epoch % printInterval === 0) print(`Epoch ${epoch}: loss=${formatExponent(seen.loss.item(), 4)}`)
    const device = yield { epoch, epochs, loss: seen.loss, correct }
    if (device !== undefined) [x, y] = move(device, model, optimizer, x, y)
  }

  print(`Accuracy: ${formatFixed(correct().div(y.size(0)).item(), 4)}`)
}
