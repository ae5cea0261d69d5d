// A generative adversarial network on one number: two networks, two optimizers, detach.
import { manualSeed, nn, noGrad, normal, ones, optim, randn, zeros } from 'flambeau'
import type { Compile, Print } from './setting.ts'

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const G = new nn.Sequential(new nn.Linear(4, 16), new nn.LeakyReLU(0.2), new nn.Linear(16, 1))
  const D = new nn.Sequential(new nn.Linear(1, 16), new nn.LeakyReLU(0.2), new nn.Linear(16, 1), new nn.Sigmoid())
  const criterion = new nn.BCELoss()
  const optimizerG = new optim.Adam(G.parameters(), { lr: 5e-3, betas: [0.5, 0.999] })
  const optimizerD = new optim.Adam(D.parameters(), { lr: 5e-3, betas: [0.5, 0.999] })
  const [realLabel, fakeLabel] = [ones(16, 1), zeros(16, 1)]

  const step = compile(() => {
    const real = normal(4, 0.5, [16, 1])
    const fake = G.forward(randn(16, 4))

    optimizerD.zeroGrad()
    const lossD = criterion
      .forward(D.forward(real), realLabel)
      .add(criterion.forward(D.forward(fake.detach()), fakeLabel))
    lossD.backward()
    optimizerD.step()

    optimizerG.zeroGrad()
    const lossG = criterion.forward(D.forward(fake), realLabel)
    lossG.backward()
    optimizerG.step()
    return { lossD, lossG }
  })

  for (let i = 1; i <= 60; i++) {
    const { lossD, lossG } = step()
    if (i % 20 === 0) print(`step ${i} D ${lossD.item().toFixed(4)} G ${lossG.item().toFixed(4)}`)
  }
  const samples = noGrad(() => G.forward(randn(100, 4)))
  print(`mean ${samples.mean().item().toFixed(3)} std ${samples.std().item().toFixed(3)}`)
}
