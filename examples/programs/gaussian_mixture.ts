// A mixture of Gaussians by EM, and the same by gradient with MixtureSameFamily.
import {
  cat,
  distributions as D,
  logsumexp,
  manualSeed,
  ones,
  optim,
  randn,
  softmax,
  type Tensor,
  tensor,
  zeros,
} from 'flambeau'
import type { Compile, Print } from './setting.ts'

function em(x: Tensor, mu: Tensor, sigma: Tensor, pi: Tensor, steps: number) {
  let likelihood = zeros()
  for (let i = 0; i < steps; i++) {
    const logP = new D.Normal(mu, sigma).logProb(x.at(':', null)).add(pi.log())
    const r = softmax(logP, { dim: 1 })
    const n = r.sum(0)
    mu = r.mul(x.at(':', null)).sum(0).div(n)
    sigma = r.mul(x.at(':', null).sub(mu).pow(2)).sum(0).div(n).sqrt()
    pi = n.div(n.sum())
    likelihood = logsumexp(logP, { dim: 1 }).mean()
  }
  return [mu, sigma, pi, likelihood] as const
}

const text = (...tensors: readonly Tensor[]) =>
  tensors
    .flatMap((x) => x.tolist() as number[])
    .map((v) => v.toFixed(3))
    .join(' ')

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const x = cat([randn(40).mul(0.5).sub(2), randn(60).add(1.5)])
  const [mu, sigma, pi, likelihood] = em(x, tensor([-1, 1]), ones(2), ones(2).div(2), 15)
  print('EM', text(mu, sigma, pi))
  print(`likelihood ${likelihood.item().toFixed(4)}`)

  const logits = zeros(2, { requiresGrad: true })
  const means = tensor([-1, 1], { requiresGrad: true })
  const logScales = zeros(2, { requiresGrad: true })
  const optimizer = new optim.Adam([logits, means, logScales], { lr: 0.05 })

  const step = compile(() => {
    const mixture = new D.MixtureSameFamily(new D.Categorical({ logits }), new D.Normal(means, logScales.exp()))
    const loss = mixture.logProb(x).mean().neg()
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  })

  for (let epoch = 1; epoch <= 60; epoch++) {
    const loss = step()
    if (epoch % 20 === 0) print(`epoch ${epoch} loss ${loss.item().toFixed(4)}`)
  }
  print('gradient', text(means))
}
