"""A mixture of experts by topk, and vector quantisation with a straight-through gradient and moving averages."""
import torch
from torch import nn, optim
import torch.nn.functional as F


class VQ(nn.Module):
    def __init__(self, K, d, decay=0.9):
        super().__init__()
        self.K = K
        self.decay = decay
        self.register_buffer('code', torch.randn(K, d))
        self.register_buffer('n', torch.ones(K))
        self.register_buffer('s', self.code.clone())

    def forward(self, z):
        dist = z.pow(2).sum(1, keepdim=True) - 2 * z @ self.code.t() + self.code.pow(2).sum(1)
        idx = dist.argmin(1)
        hot = F.one_hot(idx, self.K).type_as(z)
        q = F.embedding(idx, self.code)
        if self.training:
            with torch.no_grad():
                self.n.mul_(self.decay).add_(hot.sum(0), alpha=1 - self.decay)
                self.s.mul_(self.decay).add_(hot.t() @ z, alpha=1 - self.decay)
                n = self.n.sum()
                c = (self.n + 1e-05) / (n + self.K * 1e-05) * n
                self.code.copy_(self.s / c.unsqueeze(1))
        commit = F.mse_loss(q.detach(), z)
        q = z + (q - z).detach()
        p = hot.mean(0)
        perp = torch.exp(-(p * torch.log(p + 1e-10)).sum())
        return (q, commit, perp)


class MoE(nn.Module):
    def __init__(self, d, E, k):
        super().__init__()
        self.gate = nn.Linear(d, E, bias=False)
        self.experts = nn.ModuleList((nn.Sequential(nn.Linear(d, d), nn.SiLU()) for _ in range(E)))
        self.k = k

    def forward(self, x):
        g, idx = torch.topk(self.gate(x), self.k, dim=-1)
        w = torch.zeros(x.size(0), len(self.experts)).scatter(1, idx, g.softmax(-1))
        out = torch.zeros_like(x)
        for e, ex in enumerate(self.experts):
            rows = (idx == e).any(-1).nonzero(as_tuple=True)[0]
            if rows.numel():
                out.index_add_(0, rows, ex(x[rows]) * w[rows, e, None])
        return (out, w.sum(0).var())


def main(seed):
    torch.manual_seed(seed)
    x = torch.randn(20, 4)
    moe, vq, dec = (MoE(4, 3, 2), VQ(5, 4), nn.Linear(4, 4))
    opt = optim.Adam([*moe.parameters(), *dec.parameters()], lr=0.02)
    for e in range(9):
        h, bal = moe(x)
        q, c, perp = vq(h)
        loss = F.mse_loss(dec(q), x) + 0.25 * c + 0.01 * bal
        opt.zero_grad()
        loss.backward()
        opt.step()
        if e % 4 == 0:
            print(f'{loss.item():.4f} {perp.item():.3f} {bal.item():.4f}')
    print(vq.n, sorted(vq.state_dict()))
