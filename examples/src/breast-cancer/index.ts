// Logistic regression on the Wisconsin breast cancer set, all 30 features, full batch: is a tumour benign?
import { formatFrame, loadBreastCancer, StandardScaler } from '@flambeau/data'
import { formatExponent, formatFixed, manualSeed, nn, optim, type Tensor } from 'flambeau'
import { lesson } from '../lesson.ts'

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

export const breastCancer = lesson({ epochs: 200_000, printInterval: 10_000 }, function* (course) {
  const { seed, printInterval, print, compile, forEachEpoch } = course
  const { data, target } = loadBreastCancer()
  const x = new StandardScaler().fitTransform(data).float()
  const y = target.float().unsqueeze(1)

  manualSeed(seed)
  const model = new MyModel(x.size(-1), y.size(-1))
  const crit = new nn.BCELoss()
  const optimizer = new optim.SGD(model.parameters(), { lr: 1e-2 })

  const step = compile(() => {
    const yHat = model.forward(x)
    const loss = crit.forward(yHat, y)

    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return { loss, yHat }
  })

  const { yHat, correct } = yield* forEachEpoch([model, optimizer, x, y], (epoch) => {
    const { loss, yHat } = step()
    if (epoch % printInterval === 0) print(`Epoch ${epoch}: loss=${formatExponent(loss.item(), 4)}`)
    return { loss, yHat, correct: () => y.eq(yHat.gt(0.5)).sum() }
  })

  const correctCnt = correct()
  const totalCnt = y.size(0)
  print(`Accuracy: ${formatFixed(correctCnt.div(totalCnt).item(), 4)}`)
  print(formatFrame({ y: y.flatten().toArray(), y_hat: yHat.detach().flatten().toArray() }))
})
