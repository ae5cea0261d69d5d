// Logistic regression on the Wisconsin breast cancer set, all 30 features, full batch: is a tumour benign?
import { formatFrame, loadBreastCancer, StandardScaler } from '@flambeau/data'
import { compile, formatExponent, formatFixed, manualSeed, nn, optim, type Tensor } from 'flambeau'
import { move, type Options, print as log, type Training } from '../lesson.ts'

class MyModel extends nn.Module {
  linear: nn.Linear
  act: nn.Sigmoid

  constructor(inputDim: number, outputDim: number) {
    super()
    this.linear = new nn.Linear(inputDim, outputDim)
    this.act = new nn.Sigmoid()
  }

  forward(x: Tensor): Tensor {
    return this.act.forward(this.linear.forward(x))
  }
}

export function* breastCancer({ epochs = 200_000, seed = 0, compiled = true, print = log }: Options = {}): Training {
  const { data, target } = loadBreastCancer()
  let x = new StandardScaler().fitTransform(data).float()
  let y = target.float().unsqueeze(1)

  manualSeed(seed)
  const model = new MyModel(x.size(-1), y.size(-1))
  const crit = new nn.BCELoss()
  const optimizer = new optim.SGD(model.parameters(), { lr: 1e-2 })
  const printInterval = Math.min(10_000, epochs)

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
  print(formatFrame({ y: y.flatten().toArray(), y_hat: yHat.detach().flatten().toArray() }))
}
