// A Siamese network: a contrastive loss and pairs of one's own, distances, and a threshold from their order.
import { DataLoader, Dataset } from '@flambeau/data'
import {
  arange,
  cdist,
  clamp,
  F,
  manualSeed,
  mean,
  nn,
  noGrad,
  optim,
  pow,
  rand,
  randint,
  randn,
  type Tensor,
  tensor,
  trapezoid,
  triuIndices,
} from 'flambeau'
import type { Compile, Print } from './setting.ts'

/** Pairs of images, half of them of the same class. */
class Pairs extends Dataset<[Tensor, Tensor, Tensor]> {
  images: Tensor
  labels: Tensor

  constructor(images: Tensor, labels: Tensor) {
    super()
    this.images = images
    this.labels = labels
  }

  at(index: number): [Tensor, Tensor, Tensor] {
    const same = rand(1).item() < 0.5
    const equal = this.labels.eq(this.labels.at(index))
    const candidates = (same ? equal : equal.logicalNot()).nonzero().squeeze(1)
    const other = candidates.at(randint(candidates.length, [1])).item()
    return [this.images.at(index), this.images.at(other), tensor(same ? 0 : 1)]
  }

  get length() {
    return this.labels.length
  }
}

class ContrastiveLoss extends nn.Module {
  margin: number

  constructor(margin = 1) {
    super()
    this.margin = margin
  }

  forward(a: Tensor, b: Tensor, label: Tensor) {
    const d = F.pairwiseDistance(a, b, { keepdim: false })
    const apart = pow(clamp(d.neg().add(this.margin), { min: 0 }), 2)
    return mean(label.neg().add(1).mul(pow(d, 2)).add(label.mul(apart)))
  }

  extraRepr() {
    return `margin=${this.margin.toFixed(1)}`
  }
}

class Siamese extends nn.Module {
  cnn = new nn.Sequential(
    new nn.ReflectionPad2d(1),
    new nn.Conv2d(1, 4, { kernelSize: 3 }),
    new nn.ReLU({ inplace: true }),
    new nn.BatchNorm2d(4),
    new nn.Dropout2d({ p: 0.2 }),
    new nn.MaxPool2d(2, { stride: 2 }),
  )
  fc = new nn.Sequential(new nn.LazyLinear(16), new nn.ReLU({ inplace: true }), new nn.Linear(16, 3))

  embed(x: Tensor) {
    const out = this.cnn.forward(x)
    return this.fc.forward(out.view(out.size(0), -1))
  }

  forward(a: Tensor, b: Tensor): [Tensor, Tensor] {
    return [this.embed(a), this.embed(b)]
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const protos = randn(3, 1, 8, 8)
  const labels = arange(24).remainder(3)
  const images = protos.at(labels).add(randn(24, 1, 8, 8).mul(0.3))
  const loader = new DataLoader(new Pairs(images, labels), { batchSize: 8, shuffle: true })
  const net = new Siamese()
  const criterion = new ContrastiveLoss(2)
  net.forward(images.at(':2'), images.at('2:4'))
  print(`${criterion}`, `${net.fc[0]}`)
  const opt = new optim.Adam(net.parameters(), { lr: 5e-3, amsgrad: true })
  const step = compile((a: Tensor, b: Tensor, label: Tensor) => {
    opt.zeroGrad()
    const loss = criterion.forward(...net.forward(a, b), label)
    loss.backward()
    opt.step()
    return loss
  })
  for (let epoch = 0; epoch < 3; epoch++) {
    let total = 0
    for (const [a, b, label] of loader) total += step(a, b, label).item() * a.size(0)
    print(`epoch ${epoch}: ${(total / loader.dataset.length).toFixed(4)}`)
  }
  net.eval()
  noGrad(() => {
    const e = net.embed(images)
    const d = F.pdist(e)
    const [i, j] = triuIndices(24, 24, { offset: 1 })
    const same = labels.at(i).eq(labels.at(j))
    const other = same.logicalNot()
    print(`${d.size()}`, `${d.at(same).mean().item().toFixed(4)} ${d.at(other).mean().item().toFixed(4)}`)
    const order = d.argsort()
    const hits = same.at(order).float().cumsum(0).div(same.sum())
    const falses = other.at(order).float().cumsum(0).div(other.sum())
    print(trapezoid(hits, falses).item().toFixed(4))
    const best = hits.sub(falses).argmax()
    print(d.at(order).at(best).item().toFixed(4), `${cdist(e.at(':2'), e.at('2:5'))}`)
  })
}
