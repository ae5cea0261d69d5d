// A graph convolutional network: two communities, a few labels, a normalised adjacency matrix.
import { arange, bernoulli, eye, F, manualSeed, nn, optim, type Tensor, tensor, triu, where } from 'flambeau'
import type { Compile, Print } from './setting.ts'

class GCN extends nn.Module {
  first: nn.Linear
  second: nn.Linear

  constructor(features: number, hidden: number, classes: number) {
    super()
    this.first = new nn.Linear(features, hidden, { bias: false })
    this.second = new nn.Linear(hidden, classes, { bias: false })
  }

  forward(adjacency: Tensor, input: Tensor): Tensor {
    const x = F.relu(adjacency.matmul(this.first.forward(input)))
    return F.logSoftmax(adjacency.matmul(this.second.forward(x)), { dim: 1 })
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const n = 24
  const community = arange(n)
    .ge(n / 2)
    .long()
  const same = community.unsqueeze(0).eq(community.unsqueeze(1))
  const chance = where(same, tensor(0.5), tensor(0.05))
  const edges = triu(bernoulli(chance), { diagonal: 1 })
  let adjacency = edges.add(edges.T).add(eye(n))
  const scale = adjacency.sum(1).rsqrt()
  adjacency = scale.unsqueeze(1).mul(adjacency).mul(scale)
  print(`edges ${edges.sum().item()} degree ${adjacency.sum(1).mean().item().toFixed(4)}`)

  const model = new GCN(n, 8, 2)
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.05, weightDecay: 5e-4 })
  const known = tensor([0, 1, n - 2, n - 1], { dtype: 'long' })
  const x = eye(n)
  const step = compile(() => {
    optimizer.zeroGrad()
    const out = model.forward(adjacency, x)
    const loss = F.nllLoss(out.at(known), community.at(known))
    loss.backward()
    optimizer.step()
    return [loss, out] as const
  })
  for (let epoch = 1; epoch <= 60; epoch++) {
    const [loss, out] = step()
    if (epoch % 20 === 0) {
      const accuracy = out.argmax({ dim: 1 }).eq(community).float().mean()
      print(`epoch ${epoch} loss ${loss.item().toFixed(4)} accuracy ${accuracy.item().toFixed(3)}`)
    }
  }
}
