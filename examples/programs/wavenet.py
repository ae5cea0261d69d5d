"""A WaveNet in small: dilated causal convolutions, gates, skips, mu-law codes, one value sampled at a time."""
import math
import torch
from torch import nn
import torch.nn.functional as F

MU = 15


def encode(x):
    mu = torch.tensor(MU, dtype=x.dtype)
    y = torch.sign(x) * torch.log1p(mu * torch.abs(x)) / torch.log1p(mu)
    return ((y + 1) / 2 * mu + 0.5).to(torch.int64)


def decode(codes):
    y = codes / MU * 2 - 1.0
    return torch.sign(y) * (torch.exp(torch.abs(y) * math.log1p(MU)) - 1) / MU


class CausalConv1d(nn.Conv1d):
    def __init__(self, cin, cout, kernel_size, dilation=1):
        super().__init__(cin, cout, kernel_size, dilation=dilation)
        self.left = (kernel_size - 1) * dilation

    def forward(self, x):
        return super().forward(F.pad(x, (self.left, 0)))


class Block(nn.Module):
    def __init__(self, channels, skip, dilation):
        super().__init__()
        self.filter = CausalConv1d(channels, channels, 2, dilation)
        self.gate = CausalConv1d(channels, channels, 2, dilation)
        self.res = nn.Conv1d(channels, channels, 1)
        self.skip = nn.Conv1d(channels, skip, 1)

    def forward(self, x):
        z = torch.tanh(self.filter(x)) * torch.sigmoid(self.gate(x))
        return self.res(z) + x, self.skip(z)


class WaveNet(nn.Module):
    def __init__(self, channels=6, skip=8, dilations=(1, 2, 4)):
        super().__init__()
        self.embed = nn.Embedding(MU + 1, channels)
        self.blocks = nn.ModuleList(Block(channels, skip, d) for d in dilations)
        self.out = nn.Sequential(nn.ReLU(), nn.Conv1d(skip, skip, 1), nn.ReLU(), nn.Conv1d(skip, MU + 1, 1))
        self.register_buffer('receptive', torch.tensor(1 + sum(dilations)))

    def forward(self, codes):
        x = self.embed(codes).transpose(1, 2)
        skips = 0
        for block in self.blocks:
            x, skip = block(x)
            skips = skips + skip
        return self.out(skips)

    @torch.no_grad()
    def generate(self, start, n):
        codes = start
        for _ in range(n):
            logits = self(codes[:, -self.receptive.item():])[:, :, -1]
            probs = F.softmax(logits / 0.7, dim=-1)
            codes = torch.cat([codes, torch.multinomial(probs, 1)], dim=1)
        return codes


def main(seed):
    torch.manual_seed(seed)
    t = torch.arange(64) / 8
    phases = torch.rand(4, 1) * 2 * math.pi
    wave = 0.7 * torch.sin(t + phases) + 0.2 * torch.sin(3 * t)
    codes = encode(wave)
    print(codes[0, :12].tolist(), codes.dtype, codes.min().item(), codes.max().item())
    print(f'{(decode(codes) - wave).abs().max():.4f}')
    net = WaveNet()
    print(net.receptive, [n for n, _ in net.named_buffers()], net.blocks[2].filter)
    opt = torch.optim.Adam(net.parameters(), lr=0.01)
    for i in range(8):
        loss = F.cross_entropy(net(codes[:, :-1]), codes[:, 1:])
        opt.zero_grad()
        loss.backward()
        opt.step()
        if i % 2 == 1:
            print(f'{i + 1} {loss.item():.4f} {math.exp(loss.item()):.3f}')
    a = net(codes[:1, :20])
    changed = codes[:1, :20].clone()
    changed[0, 15] = (changed[0, 15] + 3) % (MU + 1)
    diff = (net(changed) - a).abs().sum(1)[0]
    print((diff > 0).nonzero().flatten().tolist())
    sample = net.generate(codes[:2, :10], 12)
    print(sample[:, 10:].tolist())
    print(decode(sample[:, 10:14]))
