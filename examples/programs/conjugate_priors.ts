// Conjugate priors: beta, gamma and Dirichlet posteriors, their predictive distributions, and a marginal likelihood.
import {
  allclose,
  arange,
  bernoulli,
  distributions,
  full,
  lgamma,
  manualSeed,
  special,
  stack,
  type Tensor,
  tensor,
} from 'flambeau'
import type { Print } from './setting.ts'

const {
  AffineTransform, Beta, Binomial, Dirichlet, ExpTransform, Gamma, Geometric, HalfNormal, klDivergence, LogNormal, Multinomial,
  NegativeBinomial, Normal, Poisson, SigmoidTransform, StudentT, TransformedDistribution,
} = distributions // biome-ignore format: a list

const listed = (x: Tensor, digits = 4): string =>
  `[${x
    .flatten()
    .tolist()
    .map((v) => `'${v.toFixed(digits)}'`)
    .join(', ')}]`

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const flips = bernoulli(full([40], 0.3))
  const prior = new Beta(2, 2)
  const posterior = new Beta(flips.sum().add(2), flips.neg().add(1).sum().add(2))
  print('beta', listed(stack([posterior.mean, posterior.variance, posterior.entropy(), posterior.mode])))
  print('kl', listed(klDivergence(posterior, prior)))
  const { concentration1: a, concentration0: b } = posterior
  const k = arange(4).float()
  const predictive = lgamma(tensor(4))
    .sub(lgamma(k.add(1)))
    .sub(lgamma(k.neg().add(4)))
    .add(lgamma(a.add(k)))
    .add(lgamma(b.add(3).sub(k)))
    .sub(lgamma(a.add(b).add(3)))
    .sub(lgamma(a))
    .sub(lgamma(b))
    .add(lgamma(a.add(b)))
    .exp()
  print('beta-binomial', listed(predictive), predictive.sum().item().toFixed(4))

  const counts = new Poisson(4).sample([30])
  const gamma = new Gamma(counts.sum().add(1), 0.5 + 30)
  const draws = gamma.sample([500])
  print('gamma', listed(stack([gamma.mean, gamma.stddev])), listed(stack([draws.mean(), draws.std()]), 3))
  const ahead = new NegativeBinomial(gamma.concentration, { probs: gamma.rate.add(1).reciprocal() })
  print('negative binomial', listed(ahead.logProb(tensor([2, 4, 6]))))
  const tail = special.gammaincc(tensor(5), gamma.mean)
  print(
    'poisson at most 4',
    listed(tail),
    listed(new Poisson(gamma.mean).logProb(arange(5).float()).logsumexp(0).exp()),
  )

  const words = new Multinomial(50, tensor([0.5, 0.3, 0.2])).sample()
  const dirichlet = new Dirichlet(words.add(1))
  print(
    'dirichlet',
    listed(dirichlet.mean),
    listed(dirichlet.entropy(), 3),
    dirichlet.rsample().sum().item().toFixed(4),
  )
  print(
    'geometric',
    listed(new Geometric(0.25).logProb(tensor([0, 3]))),
    listed(new Binomial(5, 0.4).logProb(tensor(2))),
  )

  const x = tensor([0.1, 0.5, 0.9])
  const logitNormal = new TransformedDistribution(new Normal(0, 1), [
    new AffineTransform(0.5, 2),
    new SigmoidTransform(),
  ])
  print('logit normal', listed(logitNormal.logProb(x)), listed(logitNormal.cdf(x)))
  const byHand = new TransformedDistribution(new Normal(0.2, 0.7), new ExpTransform())
  const same = allclose(byHand.logProb(x), new LogNormal(0.2, 0.7).logProb(x))
  print('log normal', same ? 'True' : 'False', listed(new LogNormal(0.2, 0.7).mean))
  const robust = new StudentT(3, 0, 1)
  print('student', listed(robust.logProb(x)), listed(new HalfNormal(2).icdf(x)))
  const shape = tensor([2.5], { requiresGrad: true })
  new Gamma(shape, 1).rsample([3]).sum().backward()
  print('implicit', listed(shape.grad!, 3))
}
