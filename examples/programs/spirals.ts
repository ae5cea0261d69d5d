// Three spirals, told apart by a small network: CrossEntropyLoss, one-cycle learning rate, clipped gradients.
import { cat, cos, F, full, linspace, long, manualSeed, nn, optim, randn, sin, stack, type Tensor } from 'flambeau'
import type { Compile, Print } from './setting.ts'

function makeSpirals(points: number, classes: number) {
  const xs: Tensor[] = []
  const ys: Tensor[] = []
  for (let c = 0; c < classes; c++) {
    const r = linspace(0.05, 1, points)
    const t = linspace(c * 4, (c + 1) * 4, points).add(randn(points).mul(0.2))
    xs.push(stack([r.mul(sin(t)), r.mul(cos(t))], { dim: 1 }))
    ys.push(full([points], c, { dtype: long }))
  }
  return [cat(xs), cat(ys)] as const
}

class Net extends nn.Module {
  fc1 = new nn.Linear(2, 32)
  fc2 = new nn.Linear(32, 3)

  forward(x: Tensor): Tensor {
    return this.fc2.forward(F.relu(this.fc1.forward(x)))
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const [x, y] = makeSpirals(40, 3)
  const model = new Net()
  const criterion = new nn.CrossEntropyLoss()
  const optimizer = new optim.AdamW(model.parameters(), { lr: 0.01 })
  const scheduler = new optim.lrScheduler.OneCycleLR(optimizer, { maxLr: 0.05, totalSteps: 100 })

  const step = compile(() => {
    optimizer.zeroGrad()
    const loss = criterion.forward(model.forward(x), y)
    loss.backward()
    const norm = nn.utils.clipGradNorm_(model.parameters(), 0.5)
    optimizer.step()
    scheduler.step()
    return [loss, norm] as const
  })

  print(`chance ${Math.log(3).toFixed(4)}`)
  for (let epoch = 1; epoch <= 100; epoch++) {
    const [loss, norm] = step()
    if (epoch % 25 === 0) print(`epoch ${epoch} loss ${loss.item().toFixed(3)} norm ${norm.item().toFixed(3)}`)
  }
  const accuracy = model.forward(x).argmax({ dim: 1 }).eq(y).float().mean()
  print(`accuracy ${accuracy.item().toFixed(2)}`)
}
