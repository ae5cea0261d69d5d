"""Denoising diffusion (DDPM) of points on a circle: a schedule, a network that predicts noise, averaged weights."""
import math
import torch
from torch import nn, optim
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.ff = nn.Linear(d, d)
        self.act = nn.SiLU()

    def forward(self, x):
        return x + self.act(self.ff(x))


class Denoiser(nn.Module):
    def __init__(self, T, d=24):
        super().__init__()
        self.time = nn.Embedding(T, d)
        self.inp = nn.Linear(2, d)
        self.mid = nn.Sequential(*[Block(d) for _ in range(2)])
        self.out = nn.Linear(d, 2)

    def forward(self, x, t):
        return self.out(self.mid(self.inp(x) + self.time(t)))


class EMA:
    def __init__(self, model, decay):
        self.decay = decay
        self.shadow = {k: v.clone() for k, v in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model):
        for k, v in model.state_dict().items():
            self.shadow[k].mul_(self.decay).add_(v, alpha=1 - self.decay)


def main(seed):
    torch.manual_seed(seed)
    T = 20
    betas = torch.linspace(0.0001, 0.2, T)
    alphas = 1.0 - betas
    abar = torch.cumprod(alphas, dim=0)
    abar_prev = F.pad(abar[:-1], (1, 0), value=1.0)
    post_var = betas * (1.0 - abar_prev) / (1.0 - abar)
    print(abar[:4], post_var[:4])

    def extract(a, t, shape):
        return a.gather(-1, t).reshape(t.shape[0], *(1,) * (len(shape) - 1))
    theta = torch.rand(64) * 2 * math.pi
    data = torch.stack((theta.cos(), theta.sin()), dim=-1) * 2 + 0.05 * torch.randn(64, 2)
    model = Denoiser(T)
    ema = EMA(model, 0.9)
    opt = optim.AdamW(model.parameters(), lr=0.005, weight_decay=0.01)
    for step in range(40):
        idx = torch.randperm(64)[:32]
        x0 = data[idx]
        t = torch.randint(0, T, (32,)).long()
        noise = torch.randn_like(x0)
        xt = extract(abar.sqrt(), t, x0.shape) * x0 + extract((1 - abar).sqrt(), t, x0.shape) * noise
        loss = F.smooth_l1_loss(model(xt, t), noise)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        ema.update(model)
        if step % 10 == 9:
            print(f'step {step:3d} loss {loss.item():.5f}')
    model.load_state_dict(ema.shadow)
    model.eval()
    with torch.inference_mode():
        x = torch.randn(8, 2)
        for i in reversed(range(T)):
            t = torch.full((8,), i, dtype=torch.long)
            noise = extract(betas, t, x.shape) * model(x, t) / extract((1 - abar).sqrt(), t, x.shape)
            mean = (x - noise) / extract(alphas.sqrt(), t, x.shape)
            x = mean + (extract(post_var, t, x.shape).sqrt() * torch.randn_like(x) if i > 0 else 0)
        print(x[:3], x.norm(dim=1).mean(), x.is_inference())
