"""Optimal transport: Sinkhorn's iterations in log space, a barycentre of points, and a map learnt through the plan."""
import math
import torch
from torch import nn
import torch.nn.functional as F


def cost(x, y, p=2):
    return torch.cdist(x, y, p=2) ** p


class Sinkhorn(nn.Module):
    def __init__(self, eps=0.1, max_iter=40, thresh=1e-4, reduction='none'):
        super().__init__()
        self.eps, self.max_iter, self.thresh, self.reduction = eps, max_iter, thresh, reduction

    def extra_repr(self):
        return 'eps={eps}, max_iter={max_iter}, thresh={thresh}'.format(**self.__dict__)

    def forward(self, x, y, a=None, b=None):
        c = cost(x, y)
        *batch, n, m = c.shape
        a = x.new_full((*batch, n), 1 / n) if a is None else a
        b = x.new_full((*batch, m), 1. / m) if b is None else b
        u, v = torch.zeros_like(a), torch.zeros_like(b)
        for it in range(self.max_iter):
            old = u
            u = self.eps * (torch.log(a + 1e-8) - torch.logsumexp(self.M(c, u, v), dim=-1)) + u
            v = self.eps * (torch.log(b + 1e-8) - torch.logsumexp(self.M(c, u, v).transpose(-2, -1), dim=-1)) + v
            if (u - old).abs().sum(-1).mean().item() < self.thresh:
                break
        plan = torch.exp(self.M(c, u, v))
        loss = torch.sum(plan * c, dim=(-2, -1))
        if self.reduction == 'mean':
            loss = loss.mean()
        return loss, plan, it + 1

    def M(self, c, u, v):
        return (-c + u.unsqueeze(-1) + v.unsqueeze(-2)) / self.eps


def main(seed):
    torch.manual_seed(seed)
    sinkhorn = Sinkhorn()
    print(sinkhorn)
    x = torch.randn(2, 6, 2)
    y = x.flip(1) + 1.0
    loss, plan, steps = sinkhorn(x, y)
    print(loss, steps, plan.shape, plan.sum((-2, -1)), (plan.sum(-1) - 1 / 6).abs().amax() < 1e-3)
    print(plan[0].argmax(-1).tolist(), torch.allclose(plan[0].sum(0), torch.full((6,), 1 / 6), atol=1e-3))
    w = torch.tensor([0.5, 0.3, 0.1, 0.05, 0.03, 0.02])
    loss, plan, _ = sinkhorn(x[:1], y[:1], a=w[None])
    print(f'{loss.item():.4f}', plan[0].sum(1))
    shapes = torch.stack([
        torch.stack([torch.cos(t), torch.sin(t)], -1) for t in torch.linspace(0, 2 * math.pi, 9)[:-1].chunk(1)
    ] + [torch.stack(torch.meshgrid(torch.linspace(-1, 1, 4), torch.tensor([-.5, .5]), indexing='ij'), -1).reshape(-1, 2)])
    center = nn.Parameter(torch.randn(8, 2) * 0.3)
    opt = torch.optim.Rprop([center], lr=0.1, etas=(0.5, 1.1))
    ot = Sinkhorn(eps=0.05, max_iter=30, reduction='mean')
    for epoch in range(10):
        opt.zero_grad()
        loss, _, n = ot(center.expand(2, -1, -1), shapes)
        loss.backward()
        opt.step()
        if epoch % 5 == 4:
            print(f'{epoch + 1:>3}: {loss:.4f} after {n}')
    print(center.data[center[:, 0].argsort()].round(decimals=2))
    net = nn.Sequential(nn.Linear(2, 16), nn.Softplus(beta=5), nn.Linear(16, 2))
    opt = torch.optim.Adamax(net.parameters(), lr=0.02)
    source, target = torch.rand(20, 2) * 2 - 1, torch.randn(20, 2) * torch.tensor([.3, 1.])
    ot.eps = 0.1
    for epoch in range(1, 11):
        opt.zero_grad()
        moved = source + net(source)
        fit = ot(moved, target)[0]
        move = F.mse_loss(moved, source)
        (fit + 0.05 * move).backward()
        opt.step()
        if epoch % 5 == 0:
            print(f'{epoch} fit={fit.item():.4f}, move={move.item():.4f}')
    rows, cols = ot(moved, target)[1].detach().topk(2, dim=1)
    print((rows[:3] * 20).round(decimals=3), cols[:3])


if __name__ == '__main__':
    main(0)
