// Hamiltonian Monte Carlo: a correlated normal distribution by leapfrog steps along the gradient of its density.
import { autograd, cov, distributions, exp, manualSeed, rand, randn, stack, type Tensor, tensor, zeros } from 'flambeau'
import type { Print } from './setting.ts'

const { MultivariateNormal } = distributions

function leapfrog(target: distributions.Distribution, start: Tensor, speed: Tensor, size: number, steps: number) {
  let [q, p] = [start.clone(), speed]
  for (let i = 0; i < steps; i++) {
    q.requiresGrad_(true)
    let [slope] = autograd.grad(target.logProb(q), q)
    p = p.add(slope.mul(0.5 * size))
    q = q.add(p.mul(size)).detach().requiresGrad_(true)
    ;[slope] = autograd.grad(target.logProb(q), q)
    p = p.add(slope.mul(0.5 * size))
    q = q.detach()
  }
  return [q, p] as const
}

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const covariance = tensor([
    [1, 0.6],
    [0.6, 2],
  ])
  const target = new MultivariateNormal(tensor([1, -1]), covariance)
  let q = zeros(2)
  const chain: Tensor[] = []
  let accepted = 0
  for (let i = 0; i < 150; i++) {
    const p = randn(2)
    const [newQ, newP] = leapfrog(target, q, p, 0.3, 5)
    const before = target.logProb(q).sub(p.dot(p).mul(0.5))
    const after = target.logProb(newQ).sub(newP.dot(newP).mul(0.5))
    if (
      rand([])
        .lt(exp(after.sub(before)))
        .item()
    ) {
      q = newQ
      accepted++
    }
    chain.push(q)
  }
  const samples = stack(chain.slice(50))
  const [mean, spread] = [samples.mean(0), cov(samples.T)]
  const texts = (row: Tensor): string[] => (row.tolist() as number[]).map((x) => x.toFixed(3))
  print('accepted', accepted)
  print('mean', ...texts(mean))
  for (const row of spread) print('covariance', ...texts(row))
  const near = samples.sub(mean).abs().lt(samples.std(0)).all(1).float().mean()
  print(`within one deviation ${near.item().toFixed(2)}`)
}
