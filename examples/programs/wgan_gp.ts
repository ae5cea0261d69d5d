// A Wasserstein GAN whose critic is penalised for its gradient, which is differentiated again.
import { autograd, manualSeed, nn, onesLike, optim, rand, randn, tensor, type Tensor } from 'flambeau'
import type { Compile, Print } from './setting.ts'

function penalty(critic: nn.Sequential, real: Tensor, fake: Tensor) {
  const a = rand(real.size(0), 1)
  const x = a.mul(real).add(a.neg().add(1).mul(fake)).requiresGrad_(true)
  const d = critic.forward(x)
  const [g] = autograd.grad(d, x, { gradOutputs: onesLike(d), createGraph: true, retainGraph: true })
  return g.norm(2, { dim: 1 }).sub(1).pow(2).mean()
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const generator = new nn.Sequential(new nn.Linear(2, 16), new nn.ReLU(), new nn.Linear(16, 2))
  const critic = new nn.Sequential(
    new nn.Linear(2, 16),
    new nn.LeakyReLU(0.2),
    new nn.LayerNorm(16),
    new nn.Linear(16, 1),
  )
  for (const p of critic.parameters()) if (p.dim() > 1) nn.init.kaimingNormal_(p, 0.2)
  const generatorOptimizer = new optim.Adam(generator.parameters(), { lr: 1e-3, betas: [0, 0.9] })
  const criticOptimizer = new optim.Adam(critic.parameters(), { lr: 1e-3, betas: [0, 0.9] })
  const trainCritic = compile(() => {
    const real = randn(8, 2)
      .matmul(
        tensor([
          [1, 0.5],
          [0, 0.5],
        ]),
      )
      .add(2)
    const fake = generator.forward(randn(8, 2)).detach()
    const criticLoss = critic
      .forward(fake)
      .mean()
      .sub(critic.forward(real).mean())
      .add(penalty(critic, real, fake).mul(10))
    criticOptimizer.zeroGrad()
    criticLoss.backward()
    criticOptimizer.step()
    return criticLoss
  })
  const trainGenerator = compile(() => {
    for (const p of critic.parameters()) p.requiresGrad_(false)
    const generatorLoss = critic
      .forward(generator.forward(randn(8, 2)))
      .mean()
      .neg()
    generatorOptimizer.zeroGrad()
    generatorLoss.backward()
    generatorOptimizer.step()
    for (const p of critic.parameters()) p.requiresGrad_(true)
    return generatorLoss
  })
  for (let it = 0; it < 6; it++) {
    let criticLoss!: Tensor
    for (let k = 0; k < 3; k++) criticLoss = trainCritic()
    const generatorLoss = trainGenerator()
    if (it % 2) print(`${it} ${criticLoss.item().toFixed(4)} ${generatorLoss.item().toFixed(4)}`)
  }
  print(
    `${critic
      .parameters()
      .filter((p) => p.grad !== null)
      .map((p) => p.grad!.pow(2).sum())
      .reduce((a, b) => a.add(b))
      .sqrt()}`,
  )
}
