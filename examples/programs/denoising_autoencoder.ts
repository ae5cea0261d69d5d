// A denoising autoencoder: noise on the input, gradients accumulated over batches, a cyclical learning rate.
import { manualSeed, nn, optim, randn, randnLike, tanh, type Tensor, tensor } from 'flambeau'
import type { Compile, Print } from './setting.ts'

class Autoencoder extends nn.Module {
  encoder = new nn.Sequential(new nn.Linear(10, 6), new nn.ELU(), new nn.Linear(6, 3))
  decoder = new nn.Sequential(new nn.Linear(3, 6), new nn.ELU(), new nn.Linear(6, 10))

  forward(x: Tensor): Tensor {
    return this.decoder.forward(this.encoder.forward(x))
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const clean = tanh(randn(32, 3).matmul(randn(3, 10)))
  const model = new Autoencoder()
  const criterion = new nn.HuberLoss({ delta: 0.5 })
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 })
  const scheduler = new optim.lrScheduler.CyclicLR(optimizer, { baseLr: 0.1, maxLr: 0.5, stepSizeUp: 10 })

  const step = compile(() => {
    optimizer.zeroGrad()
    let total = tensor(0)
    for (const batch of clean.split(8)) {
      const loss = criterion.forward(model.forward(batch.add(randnLike(batch).mul(0.1))), batch).div(4)
      loss.backward()
      total = total.add(loss.detach())
    }
    optimizer.step()
    scheduler.step()
    return total
  })

  for (let epoch = 1; epoch <= 40; epoch++) {
    const loss = step()
    if (epoch % 10 === 0)
      print(`epoch ${epoch} loss ${loss.item().toFixed(5)} lr ${scheduler.getLastLr()[0].toFixed(3)}`)
  }
  const error = criterion.forward(model.forward(clean), clean)
  print(`code ${model.encoder.forward(clean).shape[1]} error ${error.item().toFixed(5)}`)
}
