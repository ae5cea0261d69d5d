// Linear regression: a line through noisy points, by nn.Linear and SGD.
import { linspace, manualSeed, nn, optim, randn } from 'flambeau'
import type { Compile, Print } from './setting.ts'

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const x = linspace(-1, 1, 40).unsqueeze(1)
  const y = x.mul(3).sub(0.5).add(randn(40, 1).mul(0.1))
  const model = new nn.Linear(1, 1)
  const criterion = new nn.MSELoss()
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 })

  const step = compile(() => {
    const loss = criterion.forward(model.forward(x), y)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  })

  for (let epoch = 0; epoch < 60; epoch++) {
    const loss = step()
    if (epoch % 20 === 19) print(`epoch ${epoch + 1} loss ${loss.item().toFixed(5)}`)
  }
  print(`weight ${model.weight.item().toFixed(4)} bias ${model.bias!.item().toFixed(4)}`)
}
