// Evolution strategies on a pendulum, with mirrored noise and ranks, and the cross-entropy method on a quadratic.
import {
  arange,
  cat,
  corrcoef,
  cos,
  cov,
  diag,
  distributions as D,
  einsum,
  empty,
  emptyLike,
  eye,
  Generator,
  manualSeed,
  nn,
  noGrad,
  ones,
  randn,
  randperm,
  sin,
  stack,
  tanh,
  tensor,
  type Tensor,
} from 'flambeau'
import type { Print } from './setting.ts'

const pack = (model: nn.Module) => nn.utils.parametersToVector(model.parameters())

function rollout(model: nn.Sequential, gravity = 9.8, steps = 30) {
  let s = tensor([0.0, 0.0, 0.1, 0.0])
  let reward = 0
  for (let i = 0; i < steps; i++) {
    const a = tanh(model.forward(s)).squeeze().mul(10)
    const [x, v, th, om] = s.unbind()
    const acc = sin(th)
      .mul(gravity)
      .sub(a.mul(cos(th)))
    s = stack([x.add(v.mul(0.02)), v.add(a.mul(0.02)), th.add(om.mul(0.02)), om.add(acc.mul(0.02))])
    reward += 1.0 - Math.min(1.0, Math.abs(s.at(2).item())) - 0.1 * Math.abs(s.at(0).item())
  }
  return reward
}

export function main(seed: number, print: Print): void {
  noGrad(() => {
    const gen = new Generator().manualSeed(seed)
    manualSeed(seed)
    const model = new nn.Sequential(new nn.Linear(4, 6), new nn.Tanh(), new nn.Linear(6, 1))
    const theta = pack(model)
    print(`${theta.size()}`, rollout(model).toFixed(4))
    const npop = 10
    const sigma = 0.2
    const lr = 0.1
    for (let it = 0; it < 6; it++) {
      let eps = randn(npop, theta.numel(), { generator: gen })
      eps = cat([eps, eps.neg()])
      const R = empty(2 * npop)
      for (let j = 0; j < 2 * npop; j++) {
        nn.utils.vectorToParameters(theta.add(eps.at(j).mul(sigma)), model.parameters())
        R.setAt(j, rollout(model))
      }
      const ranks = emptyLike(R)
      ranks.setAt(R.argsort(), arange(R.length, { dtype: R.dtype }))
      const util = ranks.div(R.length - 1).sub(0.5)
      const A = R.sub(R.mean()).div(R.std().add(1e-8))
      theta.add_(
        eps
          .t()
          .matmul(util)
          .mul(lr / (2 * npop * sigma)),
      )
      nn.utils.vectorToParameters(theta, model.parameters())
      print(`${it} now ${rollout(model).toFixed(4)}`, `${R.max()} ${R.mean()} ${R.median()} ${A.abs().max()}`)
    }
    const H = diag(tensor([1.0, 10.0, 100.0]))
    let mean = ones(3)
    let covariance = eye(3)
    let elite!: Tensor
    for (let it = 0; it < 5; it++) {
      const pop = new D.MultivariateNormal(mean, { covarianceMatrix: covariance }).sample([24])
      const cost = einsum('ni,ij,nj->n', pop, H, pop)
      elite = pop.at(cost.topk(6, { largest: false }).indices)
      mean = elite.mean(0)
      covariance = cov(elite.T).add(eye(3).mul(1e-3))
    }
    print(`${mean}\n${covariance}`)
    print(`${corrcoef(elite.T)}`)
    print(String(gen.initialSeed()), `${randperm(5, { generator: gen })}`)
  })
}
