// Bayes by backprop: a linear layer with a normal distribution over its weights, warm restarts, and a divergence of one's
// own.
import {
  distributions,
  empty,
  erf,
  exp,
  F,
  full,
  log,
  manualSeed,
  nn,
  optim,
  randn,
  type Tensor,
  tensor,
  zeros,
  zerosLike,
} from 'flambeau'
import type { Print } from './setting.ts'

const { klDivergence, Laplace, Normal, registerKl } = distributions

class BayesianLinear extends nn.Module {
  mean: nn.Parameter
  rho: nn.Parameter
  declare priorScale: Tensor

  constructor(inputs: number, outputs: number) {
    super()
    this.mean = new nn.Parameter(empty(outputs, inputs))
    this.rho = new nn.Parameter(full([outputs, inputs], -3))
    nn.init.xavierUniform_(this.mean, { gain: nn.init.calculateGain('tanh') })
    this.registerBuffer('priorScale', tensor(0.5))
  }

  posterior() {
    return new Normal(this.mean, F.softplus(this.rho))
  }

  override forward(x: Tensor): Tensor {
    return F.linear(x, this.posterior().rsample())
  }

  divergence(): Tensor {
    return klDivergence(this.posterior(), new Laplace(zerosLike(this.mean), this.priorScale)).sum()
  }
}

registerKl(Normal, Laplace, (p, q) => {
  // The mean of |x| under a normal distribution around p.loc - q.loc.
  const d = p.loc.sub(q.loc).div(p.scale)
  const near = exp(d.mul(d).neg().div(2)).mul((2 / Math.PI) ** 0.5)
  const folded = p.scale.mul(near.add(d.mul(erf(d.div(2 ** 0.5)))))
  return p
    .entropy()
    .neg()
    .add(log(q.scale.mul(2)))
    .add(folded.div(q.scale))
})

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const x = randn(50, 4)
  const y = x.matmul(tensor([[1.5], [0], [-2], [0]])).add(randn(50, 1).mul(0.1))
  const layer = new BayesianLinear(4, 1)
  const optimizer = new optim.Adamax(layer.parameters(), { lr: 0.1 })
  const scheduler = new optim.lrScheduler.CosineAnnealingWarmRestarts(optimizer, { T0: 10, TMult: 2, etaMin: 0.01 })
  for (let step = 0; step < 70; step++) {
    const nll = new Normal(layer.forward(x), 0.3).logProb(y).sum().neg()
    const loss = nll.add(layer.divergence())
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if (step % 20 === 9)
      print(`step ${step} elbo ${(-loss.item()).toFixed(3)} lr ${optimizer.paramGroups[0].lr.toFixed(4)}`)
  }
  const q = layer.posterior()
  const listed = (x: Tensor, digits: number): string =>
    `[${x
      .tolist()
      .map((v) => `'${v.toFixed(digits)}'`)
      .join(', ')}]`
  print('means', listed(q.mean.at(0), 2))
  const inside = q.cdf(zeros(1, 4)).sub(0.5).abs().lt(0.45).squeeze(0).tolist<boolean[]>()
  print('inside', `[${inside.map((v) => (v ? 'True' : 'False')).join(', ')}]`)
  print('quantiles', listed(new Normal(0, 1).icdf(tensor([0.025, 0.5, 0.975])), 3))
}
