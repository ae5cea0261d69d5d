"""Conjugate priors: beta, gamma and Dirichlet posteriors, their predictive distributions, and a marginal likelihood."""
import torch
from torch.distributions import (AffineTransform, Beta, Binomial, Dirichlet, ExpTransform, Gamma, Geometric, HalfNormal, LogNormal,
                                 Multinomial, NegativeBinomial, Normal, Poisson, SigmoidTransform, StudentT, TransformedDistribution, kl_divergence)


def listed(x, digits=4):
    return [f'{v:.{digits}f}' for v in x.flatten().tolist()]


def main(seed):
    torch.manual_seed(seed)
    flips = torch.bernoulli(torch.full((40,), 0.3))
    prior = Beta(2.0, 2.0)
    posterior = Beta(2 + flips.sum(), 2 + (1 - flips).sum())
    print('beta', listed(torch.stack([posterior.mean, posterior.variance, posterior.entropy(), posterior.mode])))
    print('kl', listed(kl_divergence(posterior, prior)))
    a, b = posterior.concentration1, posterior.concentration0
    k = torch.arange(4.0)
    predictive = (torch.lgamma(torch.tensor(4.0)) - torch.lgamma(k + 1) - torch.lgamma(4 - k)
                  + torch.lgamma(a + k) + torch.lgamma(b + 3 - k) - torch.lgamma(a + b + 3)
                  - torch.lgamma(a) - torch.lgamma(b) + torch.lgamma(a + b)).exp()
    print('beta-binomial', listed(predictive), f'{predictive.sum().item():.4f}')

    counts = Poisson(4.0).sample((30,))
    gamma = Gamma(1 + counts.sum(), 0.5 + 30)
    draws = gamma.sample((500,))
    print('gamma', listed(torch.stack([gamma.mean, gamma.stddev])), listed(torch.stack([draws.mean(), draws.std()]), 3))
    ahead = NegativeBinomial(gamma.concentration, probs=1 / (1 + gamma.rate))
    print('negative binomial', listed(ahead.log_prob(torch.tensor([2.0, 4.0, 6.0]))))
    tail = torch.special.gammaincc(torch.tensor(5.0), gamma.mean)
    print('poisson at most 4', listed(tail), listed(Poisson(gamma.mean).log_prob(torch.arange(5.0)).logsumexp(0).exp()))

    words = Multinomial(50, torch.tensor([0.5, 0.3, 0.2])).sample()
    dirichlet = Dirichlet(1 + words)
    print('dirichlet', listed(dirichlet.mean), listed(dirichlet.entropy(), 3), f'{dirichlet.rsample().sum().item():.4f}')
    print('geometric', listed(Geometric(0.25).log_prob(torch.tensor([0.0, 3.0]))), listed(Binomial(5, 0.4).log_prob(torch.tensor(2.0))))

    x = torch.tensor([0.1, 0.5, 0.9])
    logit_normal = TransformedDistribution(Normal(0.0, 1.0), [AffineTransform(0.5, 2.0), SigmoidTransform()])
    print('logit normal', listed(logit_normal.log_prob(x)), listed(logit_normal.cdf(x)))
    by_hand = TransformedDistribution(Normal(0.2, 0.7), ExpTransform())
    print('log normal', torch.allclose(by_hand.log_prob(x), LogNormal(0.2, 0.7).log_prob(x)), listed(LogNormal(0.2, 0.7).mean))
    robust = StudentT(3.0, 0.0, 1.0)
    print('student', listed(robust.log_prob(x)), listed(HalfNormal(2.0).icdf(x)))
    shape = torch.tensor([2.5], requires_grad=True)
    Gamma(shape, 1.0).rsample((3,)).sum().backward()
    print('implicit', listed(shape.grad, 3))


if __name__ == '__main__':
    main(0)
