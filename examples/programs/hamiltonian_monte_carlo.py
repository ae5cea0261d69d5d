"""Hamiltonian Monte Carlo: a correlated normal distribution by leapfrog steps along the gradient of its density."""
import torch
from torch.distributions import MultivariateNormal


def leapfrog(target, q, p, size, steps):
    q = q.clone()
    for _ in range(steps):
        q.requires_grad_(True)
        slope, = torch.autograd.grad(target.log_prob(q), q)
        p = p + 0.5 * size * slope
        q = (q + size * p).detach().requires_grad_(True)
        slope, = torch.autograd.grad(target.log_prob(q), q)
        p = p + 0.5 * size * slope
        q = q.detach()
    return q, p


def main(seed):
    torch.manual_seed(seed)
    target = MultivariateNormal(torch.tensor([1.0, -1.0]), torch.tensor([[1.0, 0.6], [0.6, 2.0]]))
    q = torch.zeros(2)
    samples, accepted = [], 0
    for _ in range(150):
        p = torch.randn(2)
        new_q, new_p = leapfrog(target, q, p, 0.3, 5)
        before = target.log_prob(q) - 0.5 * p.dot(p)
        after = target.log_prob(new_q) - 0.5 * new_p.dot(new_p)
        if torch.rand(()) < torch.exp(after - before):
            q, accepted = new_q, accepted + 1
        samples.append(q)
    samples = torch.stack(samples[50:])
    mean, spread = samples.mean(0), torch.cov(samples.T)
    print('accepted', accepted)
    print('mean', *[f'{x:.3f}' for x in mean.tolist()])
    for row in spread.tolist():
        print('covariance', *[f'{x:.3f}' for x in row])
    print(f'within one deviation {((samples - mean).abs() < samples.std(0)).all(1).float().mean():.2f}')


if __name__ == '__main__':
    main(0)
