"""Stein variational gradient descent: particles that repel each other settle on a mixture of normal distributions."""
import torch
from torch import nn
from torch import distributions as D


def rbf(x, h=None):
    d2 = torch.cdist(x, x).pow(2)
    if h is None:
        n = x.size(0)
        med = d2.detach()[torch.triu(torch.ones(n, n), diagonal=1).bool()].median()
        h = med / (2 * torch.log(torch.tensor(n + 1.)))
    k = torch.exp(-d2 / (2 * h))
    dk = -(k @ x - k.sum(1, keepdim=True) * x) / h
    return k, dk


class SVGD:
    def __init__(self, target, optimizer):
        self.target, self.optimizer = target, optimizer

    def step(self, x):
        leaf = x.detach().requires_grad_(True)
        logp = self.target.log_prob(leaf)
        score, = torch.autograd.grad(logp.sum(), leaf)
        k, dk = rbf(x.detach())
        phi = (k @ score + dk) / x.size(0)
        self.optimizer.zero_grad()
        x.grad = -phi
        self.optimizer.step()
        return logp.mean().item(), phi.norm(dim=-1).max().item()


def main(seed):
    torch.manual_seed(seed)
    mix = D.Categorical(torch.tensor([0.3, 0.7]))
    comp = D.Independent(D.Normal(torch.tensor([[-2., 0.], [2., 1.]]), torch.tensor([[.5, .8], [.6, .4]])), 1)
    target = D.MixtureSameFamily(mix, comp)
    print(target)
    print(comp, comp.batch_shape, comp.event_shape, target.mean, target.variance)
    x = nn.Parameter(torch.randn(30, 2))
    opt = torch.optim.Adagrad([x], lr=0.4)
    sched = torch.optim.lr_scheduler.ExponentialLR(opt, gamma=0.98)
    sampler = SVGD(target, opt)
    for it in range(60):
        logp, size = sampler.step(x)
        sched.step()
        if it % 15 == 0 or it == 59:
            print(f'{it:3d}  log p {logp:8.4f}  step {size:.4f}  lr {sched.get_last_lr()[0]:.4f}')
    with torch.no_grad():
        near = torch.stack([(x - m).norm(dim=1) for m in comp.mean]).argmin(0)
        for c in near.unique():
            members = x[near == c]
            print(c.item(), len(members), members.mean(0), members.std(0))
        left = x[x[:, 0] < 0]
        print(left.shape, f'{left[:, 1].abs().mean():.3f}', x.grad.shape, x[:3].data)
    draws = target.sample((200,))
    stat = (draws[..., 0] > 0).float().mean()
    print(f'{stat:.3f}', draws.mean(0), target.log_prob(draws).mean())


if __name__ == '__main__':
    main(0)
