// An LSTMCell unrolled over a sine wave, which predicts its next value.
import { arange, cat, F, manualSeed, nn, optim, rand, sin, type Tensor, zeros } from 'flambeau'
import type { Compile, Print } from './setting.ts'

class Sequence extends nn.Module {
  lstm = new nn.LSTMCell(1, 8)
  linear = new nn.Linear(8, 1)

  forward(input: Tensor): Tensor {
    const outputs: Tensor[] = []
    let ht = zeros(input.size(0), 8)
    let ct = zeros(input.size(0), 8)
    for (const inputT of input.split(1, { dim: 1 })) {
      ;[ht, ct] = this.lstm.forward(inputT, [ht, ct])
      outputs.push(this.linear.forward(ht))
    }
    return cat(outputs, { dim: 1 })
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const t = arange(9).float().mul(0.6).add(rand(4, 1).mul(6))
  const data = sin(t)
  const model = new Sequence()
  const optimizer = new optim.Adamax(model.parameters(), { lr: 0.05 })

  const step = compile(() => {
    optimizer.zeroGrad()
    const loss = F.mseLoss(model.forward(data.at(':, :-1')), data.at(':, 1:'))
    loss.backward()
    nn.utils.clipGradValue_(model.parameters(), 0.1)
    optimizer.step()
    return loss
  })

  for (let i = 1; i <= 18; i++) {
    const loss = step()
    if (i % 6 === 0) print(`step ${i} loss ${loss.item().toFixed(4)}`)
  }
}
