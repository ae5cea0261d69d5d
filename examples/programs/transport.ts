// Optimal transport: Sinkhorn's iterations in log space, a barycentre of points, and a map learnt through the plan.
import {
  allclose,
  cdist,
  cos,
  exp,
  F,
  full,
  linspace,
  log,
  logsumexp,
  manualSeed,
  meshgrid,
  nn,
  optim,
  rand,
  randn,
  sin,
  stack,
  sum,
  type Tensor,
  tensor,
  zerosLike,
} from 'flambeau'
import type { Print } from './setting.ts'

const cost = (x: Tensor, y: Tensor, p = 2): Tensor => cdist(x, y, { p: 2 }).pow(p)

class Sinkhorn extends nn.Module {
  eps: number
  maxIter: number
  thresh: number
  reduction: string

  constructor({ eps = 0.1, maxIter = 40, thresh = 1e-4, reduction = 'none' } = {}) {
    super()
    this.eps = eps
    this.maxIter = maxIter
    this.thresh = thresh
    this.reduction = reduction
  }

  override extraRepr(): string {
    return `eps=${this.eps}, max_iter=${this.maxIter}, thresh=${this.thresh}`
  }

  override forward(x: Tensor, y: Tensor, { a, b }: { a?: Tensor; b?: Tensor } = {}): [Tensor, Tensor, number] {
    const c = cost(x, y)
    const [n, m] = c.shape.slice(-2)
    const batch = c.shape.slice(0, -2)
    a ??= x.newFull([...batch, n], 1 / n)
    b ??= x.newFull([...batch, m], 1 / m)
    let [u, v] = [zerosLike(a), zerosLike(b)]
    let steps = 0
    while (steps++ < this.maxIter) {
      const old = u
      u = log(a.add(1e-8))
        .sub(logsumexp(this.M(c, u, v), { dim: -1 }))
        .mul(this.eps)
        .add(u)
      v = log(b.add(1e-8))
        .sub(logsumexp(this.M(c, u, v).transpose(-2, -1), { dim: -1 }))
        .mul(this.eps)
        .add(v)
      if (u.sub(old).abs().sum(-1).mean().item() < this.thresh) break
    }
    const plan = exp(this.M(c, u, v))
    let loss = sum(plan.mul(c), { dim: [-2, -1] })
    if (this.reduction === 'mean') loss = loss.mean()
    return [loss, plan, Math.min(steps, this.maxIter)]
  }

  M(c: Tensor, u: Tensor, v: Tensor): Tensor {
    return c.neg().add(u.unsqueeze(-1)).add(v.unsqueeze(-2)).div(this.eps)
  }
}

export function main(seed: number, out: Print): void {
  const print = (...values: unknown[]): void => out(...values.map(String))
  const says = (x: boolean): string => (x ? 'True' : 'False')
  manualSeed(seed)
  const sinkhorn = new Sinkhorn()
  print(sinkhorn)
  const x = randn(2, 6, 2)
  const y = x.flip(1).add(1.0)
  const [loss, plan, steps] = sinkhorn.forward(x, y)
  print(
    loss,
    steps,
    plan.size(),
    plan.sum([-2, -1]),
    plan
      .sum(-1)
      .sub(1 / 6)
      .abs()
      .amax()
      .lt(1e-3),
  )
  const even = allclose(plan.at(0).sum(0), full([6], 1 / 6), { atol: 1e-3 })
  print(`[${(plan.at(0).argmax(-1).tolist() as number[]).join(', ')}]`, says(even))
  const w = tensor([0.5, 0.3, 0.1, 0.05, 0.03, 0.02])
  const [weighted, rows] = sinkhorn.forward(x.at(':1'), y.at(':1'), { a: w.at(null) })
  print(weighted.item().toFixed(4), rows.at(0).sum(1))
  const shapes = stack([
    ...linspace(0, 2 * Math.PI, 9)
      .at(':-1')
      .chunk(1)
      .map((t) => stack([cos(t), sin(t)], -1)),
    stack(meshgrid(linspace(-1, 1, 4), tensor([-0.5, 0.5]), { indexing: 'ij' }), -1).reshape(-1, 2),
  ])
  const center = new nn.Parameter(randn(8, 2).mul(0.3))
  let opt: optim.Optimizer = new optim.Rprop([center], { lr: 0.1, etas: [0.5, 1.1] })
  const ot = new Sinkhorn({ eps: 0.05, maxIter: 30, reduction: 'mean' })
  for (let epoch = 0; epoch < 10; epoch++) {
    opt.zeroGrad()
    const [loss, , n] = ot.forward(center.expand(2, -1, -1), shapes)
    loss.backward()
    opt.step()
    if (epoch % 5 === 4) print(`${String(epoch + 1).padStart(3)}: ${loss.item().toFixed(4)} after ${n}`)
  }
  print(center.data.at(center.at(':, 0').argsort()).round({ decimals: 2 }))
  const net = new nn.Sequential(new nn.Linear(2, 16), new nn.Softplus({ beta: 5 }), new nn.Linear(16, 2))
  opt = new optim.Adamax(net.parameters(), { lr: 0.02 })
  const [source, target] = [rand(20, 2).mul(2).sub(1), randn(20, 2).mul(tensor([0.3, 1]))]
  ot.eps = 0.1
  let moved = source
  for (let epoch = 1; epoch < 11; epoch++) {
    opt.zeroGrad()
    moved = source.add(net.forward(source))
    const fit = ot.forward(moved, target)[0]
    const move = F.mseLoss(moved, source)
    fit.add(move.mul(0.05)).backward()
    opt.step()
    if (epoch % 5 === 0) print(`${epoch} fit=${fit.item().toFixed(4)}, move=${move.item().toFixed(4)}`)
  }
  const [most, cols] = ot.forward(moved, target)[1].detach().topk(2, { dim: 1 })
  print(most.at(':3').mul(20).round({ decimals: 3 }), cols.at(':3'))
}
