"""A radiance field in two dimensions: positional encoding, stratified and importance sampling, volume rendering."""
import math
import torch
from torch import nn
import torch.nn.functional as F


def encode(x, levels=4):
    freqs = 2.0 ** torch.arange(levels)
    angles = x[..., None] * freqs
    return torch.cat([x, angles.sin().flatten(-2), angles.cos().flatten(-2)], dim=-1)


class Field(nn.Module):
    def __init__(self, levels=4, width=16):
        super().__init__()
        cin = 2 + 2 * 2 * levels
        self.first = nn.Sequential(nn.Linear(cin, width), nn.Softplus(beta=10),
                                   nn.Linear(width, width), nn.Softplus(beta=10))
        self.second = nn.Sequential(nn.Linear(width + cin, width), nn.Softplus(beta=10), nn.Linear(width, 4))
        for m in self.modules():
            if type(m) is nn.Linear:
                nn.init.xavier_uniform_(m.weight, gain=nn.init.calculate_gain('relu'))
                m.bias.data.fill_(0.01)

    def forward(self, x):
        e = encode(x)
        out = self.second(torch.cat((self.first(e), e), -1))
        return out[..., :3].sigmoid(), F.softplus(out[..., 3] - 1)


def render(field, origins, dirs, t):
    points = origins[:, None, :] + dirs[:, None, :] * t[..., None]
    rgb, sigma = field(points)
    delta = torch.cat([t.diff(dim=-1), torch.full_like(t[:, :1], 0.5)], dim=-1)
    alpha = 1 - torch.exp(-sigma * delta)
    trans = torch.cumprod(torch.cat([torch.ones_like(alpha[:, :1]), 1 - alpha + 1e-10], -1), -1)[:, :-1]
    weights = alpha * trans
    return torch.einsum('rs,rsc->rc', weights, rgb), weights, (weights * t).sum(-1)


def sample_pdf(bins, weights, n):
    pdf = (weights + 1e-5) / (weights + 1e-5).sum(-1, keepdim=True)
    cdf = F.pad(pdf.cumsum(-1), (1, 0))
    u = torch.rand(cdf.shape[0], n)
    idx = torch.searchsorted(cdf.detach(), u, right=True)
    below, above = (idx - 1).clamp(min=0), idx.clamp(max=cdf.shape[-1] - 1)
    c0, c1 = torch.gather(cdf, 1, below), torch.gather(cdf, 1, above)
    b0 = torch.gather(bins, 1, below.clamp(max=bins.shape[-1] - 1))
    b1 = torch.gather(bins, 1, above.clamp(max=bins.shape[-1] - 1))
    denom = torch.where(c1 - c0 < 1e-5, torch.ones_like(c0), c1 - c0)
    return b0 + (u - c0) / denom * (b1 - b0)


def main(seed):
    torch.manual_seed(seed)
    angles = torch.linspace(0, 2 * math.pi, 13)[:-1]
    origins = 3 * torch.stack([angles.cos(), angles.sin()], 1)
    dirs = F.normalize(-origins + 0.2 * torch.randn(12, 2), dim=-1)
    target = torch.stack([(angles.sin() + 1) / 2, (angles.cos() + 1) / 2, torch.full_like(angles, 0.3)], -1)
    field = Field()
    opt = torch.optim.Adam(field.parameters(), lr=5e-3, eps=1e-7)
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lr_lambda=lambda it: 0.1 ** (it / 20))
    base = torch.linspace(1.5, 4.5, 9)
    lower, upper = base[:-1], base[1:]
    for it in range(10):
        t = lower + (upper - lower) * torch.rand(12, 8)
        color, weights, depth = render(field, origins, dirs, t)
        loss = F.mse_loss(color, target)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        if it % 3 == 0:
            print(f'{it} {loss:.5f} psnr {-10 * math.log10(loss.item()):.3f} lr {opt.param_groups[0]["lr"]:.6f}')
    with torch.no_grad():
        mids = 0.5 * (t[:, 1:] + t[:, :-1])
        fine = sample_pdf(mids, weights[:, 1:-1], 5)
        both, order = torch.sort(torch.cat([t, fine], dim=-1), dim=-1)
        color, weights, depth = render(field, origins, dirs, both)
        print(both.shape, (order >= 8).sum(-1).tolist() == [5] * 12)
        print(f'{F.mse_loss(color, target):.4f}', depth[:3], weights.sum(-1).max() <= 1 + 1e-6)
