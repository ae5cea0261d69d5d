// Metric learning: a Siamese network with TripletMarginLoss and a nearest-neighbour check.
import { arange, F, manualSeed, nn, noGrad, optim, randint, randn, type Tensor } from 'flambeau'
import type { Compile, Print } from './setting.ts'

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const prototypes = randn(3, 6)
  const labels = arange(3).repeatInterleave(8)
  const x = prototypes.at(labels).add(randn(24, 6).mul(1.5))
  const net = new nn.Sequential(new nn.Linear(6, 16), new nn.PReLU(), new nn.Linear(16, 2))
  const criterion = new nn.TripletMarginLoss({ margin: 1 })
  const optimizer = new optim.SGD(net.parameters(), { lr: 0.01, momentum: 0.9, nesterov: true })

  const step = compile((anchor: Tensor, positive: Tensor, negative: Tensor) => {
    const loss = criterion.forward(net.forward(anchor), net.forward(positive), net.forward(negative))
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  })

  for (let epoch = 1; epoch <= 30; epoch++) {
    const anchor = randint(24, [12])
    const positive = labels
      .at(anchor)
      .mul(8)
      .add(randint(8, [12]))
    const negative = anchor
      .add(8)
      .add(randint(0, 2, [12]).mul(8))
      .remainder(24)
    const loss = step(x.at(anchor), x.at(positive), x.at(negative))
    if (epoch % 10 === 0) print(`epoch ${epoch} loss ${loss.item().toFixed(4)}`)
  }
  noGrad(() => {
    const z = net.forward(x)
    const distances = z.at(':', null).sub(z.at(null)).norm({ dim: 2 })
    distances.fillDiagonal_(Infinity)
    const nearest = labels.at(distances.argmin(1))
    print(`accuracy ${nearest.eq(labels).float().mean().item().toFixed(3)}`)
    print(`similarity ${F.cosineSimilarity(z.at(0), z.at(1), { dim: 0 }).item().toFixed(3)}`)
  })
}
