"""A normalising flow (RealNVP): affine couplings, log-determinants, a Normal as the base."""
import math

import torch
from torch import nn
from torch.distributions import Independent, Normal


class Coupling(nn.Module):
    def __init__(self, flip):
        super().__init__()
        self.flip = flip
        self.net = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 2))

    def forward(self, x):
        a, b = x.chunk(2, dim=1)
        if self.flip:
            a, b = b, a
        s, t = self.net(a).chunk(2, dim=1)
        s = torch.tanh(s)
        b = b * torch.exp(s) + t
        return torch.cat([b, a] if self.flip else [a, b], dim=1), s.sum(dim=1)


class RealNVP(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.couplings = nn.ModuleList(Coupling(i % 2 == 1) for i in range(layers))

    def log_prob(self, x):
        total = torch.zeros(x.size(0))
        for coupling in self.couplings:
            x, log_det = coupling(x)
            total = total + log_det
        base = Independent(Normal(torch.zeros(2), torch.ones(2)), 1)
        return base.log_prob(x) + total


def main(seed):
    torch.manual_seed(seed)
    angle = torch.rand(64) * math.pi
    x = torch.stack([2 * torch.cos(angle), 2 * torch.sin(angle) - 1], dim=-1) + 0.1 * torch.randn(64, 2)
    flow = RealNVP(4)
    optimizer = torch.optim.Adam(flow.parameters(), lr=1e-2)

    def step():
        loss = -flow.log_prob(x).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    for epoch in range(1, 31):
        loss = step()
        if epoch % 10 == 0:
            print(f'epoch {epoch} nll {loss.item():.4f}')


if __name__ == '__main__':
    main(0)
