// Logistic regression: two clouds of points, by BCEWithLogitsLoss and Adam with a learning rate that falls in steps.
import { cat, manualSeed, nn, noGrad, ones, optim, randn, sigmoid, zeros } from 'flambeau'
import type { Compile, Print } from './setting.ts'

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const x = cat([randn(50, 2).sub(1), randn(50, 2).add(1)])
  const y = cat([zeros(50), ones(50)])
  const model = new nn.Linear(2, 1)
  const criterion = new nn.BCEWithLogitsLoss()
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.2, weightDecay: 1e-3 })
  const scheduler = new optim.lrScheduler.StepLR(optimizer, { stepSize: 20, gamma: 0.5 })

  const step = compile(() => {
    const loss = criterion.forward(model.forward(x).squeeze(1), y)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    return loss
  })

  for (let epoch = 0; epoch < 60; epoch++) {
    const loss = step()
    if (epoch % 20 === 19)
      print(`epoch ${epoch + 1} loss ${loss.item().toFixed(5)} lr ${scheduler.getLastLr()[0].toFixed(4)}`)
  }
  const predicted = noGrad(() => sigmoid(model.forward(x)).squeeze(1).gt(0.5))
  const accuracy = predicted.eq(y.bool()).float().mean().item()
  print(`accuracy ${accuracy.toFixed(2)}`)
}
