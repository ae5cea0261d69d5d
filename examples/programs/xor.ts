// XOR by a network with one hidden layer, initialised by hand.
import { manualSeed, nn, optim, tensor } from 'flambeau'
import type { Compile, Print } from './setting.ts'

function initWeights(module: nn.Module): void {
  if (module instanceof nn.Linear) {
    nn.init.xavierUniform_(module.weight, { gain: 2 })
    nn.init.zeros_(module.bias!)
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const x = tensor([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ])
  const y = tensor([[0], [1], [1], [0]])
  const model = new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 1), new nn.Sigmoid())
  model.apply(initWeights)
  const criterion = new nn.BCELoss()
  const optimizer = new optim.RMSprop(model.parameters(), { lr: 0.01 })

  const step = compile(() => {
    optimizer.zeroGrad()
    const loss = criterion.forward(model.forward(x), y)
    loss.backward()
    optimizer.step()
    return loss
  })

  for (let epoch = 1; epoch <= 120; epoch++) {
    const loss = step()
    if (epoch % 40 === 0) print(`epoch ${epoch} loss ${loss.item().toFixed(4)}`)
  }
  const outputs = model.forward(x).round()
  for (let i = 0; i < x.length; i++) {
    const [a, b] = x.at(i).tolist() as number[]
    print(a.toFixed(1), b.toFixed(1), outputs.at(i).item().toFixed(1))
  }
}
