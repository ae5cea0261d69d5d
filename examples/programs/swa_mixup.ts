// Mixup by a Beta distribution, and stochastic weight averaging with its own learning rate.
import { distributions, F, manualSeed, nn, optim, randn, randperm, type Tensor, tensor } from 'flambeau'
import type { Compile, Print } from './setting.ts'

const { AveragedModel, SWALR } = optim.swaUtils

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const x = randn(40, 5)
  const y = x.sum(1).gt(0).long()
  const model = new nn.Sequential(new nn.Linear(5, 12), new nn.SiLU(), new nn.Linear(12, 2))
  const swaModel = new AveragedModel(model)
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.3 })
  const scheduler = new optim.lrScheduler.CosineAnnealingLR(optimizer, { TMax: 20 })
  const swaScheduler = new SWALR(optimizer, { annealStrategy: 'linear', annealEpochs: 3, swaLr: 0.1 })
  const mix = new distributions.Beta(tensor(0.4), tensor(0.4))

  const step = compile((lam: Tensor, index: Tensor) => {
    const rest = tensor(1).sub(lam)
    const mixed = lam.mul(x).add(rest.mul(x.at(index)))
    const out = model.forward(mixed)
    const loss = lam.mul(F.crossEntropy(out, y)).add(rest.mul(F.crossEntropy(out, y.at(index))))
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  })

  for (let epoch = 1; epoch <= 24; epoch++) {
    const loss = step(mix.sample(), randperm(40))
    if (epoch > 12) {
      swaModel.updateParameters(model)
      swaScheduler.step()
    } else scheduler.step()
    if (epoch % 8 === 0)
      print(`epoch ${epoch} loss ${loss.item().toFixed(4)} lr ${optimizer.paramGroups[0].lr.toFixed(4)}`)
  }
  const averaged = F.crossEntropy(swaModel.forward(x), y)
  print(`averaged ${averaged.item().toFixed(4)} of ${swaModel.nAveraged.item()}`)
}
