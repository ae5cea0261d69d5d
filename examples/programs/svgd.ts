// Stein variational gradient descent: particles that repel each other settle on a mixture of normal distributions.
import {
  autograd,
  cdist,
  distributions as D,
  exp,
  log,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  randn,
  stack,
  type Tensor,
  tensor,
  triu,
} from 'flambeau'
import type { Print } from './setting.ts'

function rbf(x: Tensor, h?: Tensor): [Tensor, Tensor] {
  const d2 = cdist(x, x).pow(2)
  if (h === undefined) {
    const n = x.size(0)
    const med = d2
      .detach()
      .at(triu(ones(n, n), { diagonal: 1 }).bool())
      .median()
    h = med.div(log(tensor(n + 1)).mul(2))
  }
  const k = exp(d2.neg().div(h.mul(2)))
  const dk = k
    .matmul(x)
    .sub(k.sum(1, { keepdim: true }).mul(x))
    .neg()
    .div(h)
  return [k, dk]
}

class SVGD {
  target: D.Distribution
  optimizer: optim.Optimizer

  constructor(target: D.Distribution, optimizer: optim.Optimizer) {
    this.target = target
    this.optimizer = optimizer
  }

  step(x: Tensor): [number, number] {
    const leaf = x.detach().requiresGrad_(true)
    const logp = this.target.logProb(leaf)
    const [score] = autograd.grad(logp.sum(), leaf)
    const [k, dk] = rbf(x.detach())
    const phi = k.matmul(score).add(dk).div(x.size(0))
    this.optimizer.zeroGrad()
    x.grad = phi.neg()
    this.optimizer.step()
    return [logp.mean().item(), phi.norm({ dim: -1 }).max().item()]
  }
}

export function main(seed: number, out: Print): void {
  const print = (...values: unknown[]): void => out(...values.map(String))
  manualSeed(seed)
  const mix = new D.Categorical(tensor([0.3, 0.7]))
  const comp = new D.Independent(
    new D.Normal(
      tensor([
        [-2, 0],
        [2, 1],
      ]),
      tensor([
        [0.5, 0.8],
        [0.6, 0.4],
      ]),
    ),
    1,
  )
  const target = new D.MixtureSameFamily(mix, comp)
  print(target)
  print(comp, `torch.Size([${comp.batchShape}])`, `torch.Size([${comp.eventShape}])`, target.mean, target.variance)
  const x = new nn.Parameter(randn(30, 2))
  const opt = new optim.Adagrad([x], { lr: 0.4 })
  const sched = new optim.lrScheduler.ExponentialLR(opt, { gamma: 0.98 })
  const sampler = new SVGD(target, opt)
  for (let it = 0; it < 60; it++) {
    const [logp, size] = sampler.step(x)
    sched.step()
    if (it % 15 === 0 || it === 59)
      print(
        `${String(it).padStart(3)}  log p ${logp.toFixed(4).padStart(8)}  step ${size.toFixed(4)}  lr ${sched.getLastLr()[0].toFixed(4)}`,
      )
  }
  noGrad(() => {
    const near = stack([...comp.mean].map((m) => x.sub(m).norm({ dim: 1 }))).argmin(0)
    for (const c of near.unique()) {
      const members = x.at(near.eq(c))
      print(c.item(), members.length, members.mean(0), members.std(0))
    }
    const left = x.at(x.at(':, 0').lt(0))
    print(left.size(), left.at(':, 1').abs().mean().item().toFixed(3), x.grad!.size(), x.at(':3').data)
  })
  const draws = target.sample([200])
  const stat = draws.at('..., 0').gt(0).float().mean()
  print(stat.item().toFixed(3), draws.mean(0), target.logProb(draws).mean())
}
