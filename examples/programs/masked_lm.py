"""A masked language model: a small transformer encoder with tied weights, sentence pairs, and decay for matrices only."""
import math

import torch
from torch import nn, optim
import torch.nn.functional as F


class PositionalEncoding(nn.Module):
    def __init__(self, d, n=50):
        super().__init__()
        pe = torch.zeros(n, d)
        position = torch.arange(0, n, dtype=torch.float).unsqueeze(1)
        div = torch.exp(torch.arange(0, d, 2).float() * (-math.log(10000.0) / d))
        pe[:, 0::2] = torch.sin(position * div)
        pe[:, 1::2] = torch.cos(position * div)
        self.register_buffer('pe', pe.unsqueeze(0), persistent=False)

    def forward(self, x):
        return x + self.pe[:, :x.size(1)]


class Layer(nn.Module):
    def __init__(self, d, h, p):
        super().__init__()
        self.h = h
        self.q, self.k, self.v, self.o = (nn.Linear(d, d) for _ in range(4))
        self.n1 = nn.LayerNorm(d)
        self.n2 = nn.LayerNorm(d, eps=1e-06)
        self.ff = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Dropout(p), nn.Linear(2 * d, d))
        self.drop = nn.Dropout(p)

    def split(self, x):
        B, T, D_ = x.shape
        return x.view(B, T, self.h, D_ // self.h).permute(0, 2, 1, 3)

    def forward(self, x, mask):
        q, k, v = (self.split(f(x)) for f in (self.q, self.k, self.v))
        s = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(q.size(-1))
        s = s.masked_fill(mask[:, None, None, :] == 0, float('-inf'))
        a = self.drop(torch.softmax(s, -1))
        y = (a @ v).transpose(1, 2).contiguous().flatten(2)
        x = self.n1(x + self.drop(self.o(y)))
        return self.n2(x + self.ff(x))


class Bert(nn.Module):
    def __init__(self, V, d, h, n):
        super().__init__()
        self.emb = nn.Embedding(V, d, padding_idx=0)
        self.seg = nn.Embedding(2, d)
        self.pos = PositionalEncoding(d)
        self.layers = nn.ModuleList([Layer(d, h, 0.1) for _ in range(n)])
        self.head = nn.Linear(d, V, bias=False)
        self.head.weight = self.emb.weight
        self.bias = nn.Parameter(torch.zeros(V))
        self.cls = nn.Linear(d, 2)

    def forward(self, x, seg, mask):
        y = self.pos(self.emb(x) + self.seg(seg))
        for l in self.layers:
            y = l(y, mask)
        return (self.head(y) + self.bias, self.cls(torch.tanh(y[:, 0])))


def main(seed):
    torch.manual_seed(seed)
    V, B, T = (20, 4, 8)
    m = Bert(V, 8, 2, 2)
    print(sorted(m.state_dict().keys())[:5], len(list(m.parameters())), len(m.state_dict()))
    x = torch.randint(4, V, (B, T))
    lengths = torch.tensor([8, 6, 7, 5])
    mask = (torch.arange(T)[None] < lengths[:, None]).long()
    x = x * mask
    seg = (torch.arange(T) >= T // 2).long().expand(B, T)
    follows = torch.randint(0, 2, (B,))
    decay = [p for n, p in m.named_parameters() if p.dim() >= 2]
    rest = [p for n, p in m.named_parameters() if p.dim() < 2]
    opt = optim.AdamW([{'params': decay, 'weight_decay': 0.1}, {'params': rest, 'weight_decay': 0.0}], lr=0.003,
                      betas=(0.9, 0.98))
    sched = optim.lr_scheduler.LambdaLR(opt, lambda s: min((s + 1) ** (-0.5), (s + 1) * 5 ** (-1.5)))
    for e in range(12):
        prob = torch.full(x.shape, 0.3)
        prob.masked_fill_(mask == 0, 0.0)
        chosen = torch.bernoulli(prob).bool()
        labels = x.clone()
        labels[~chosen] = -100
        input = x.clone()
        input[chosen & (torch.rand(x.shape) < 0.8)] = 3
        lm, cls = m(input, seg, mask)
        loss = F.cross_entropy(lm.transpose(1, 2), labels) + F.cross_entropy(cls, follows)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        if e % 4 == 3:
            print(f'{loss.item():.4f} lr {sched.get_last_lr()[0]:.6f} {chosen.sum().item()}')
    m.eval()
    with torch.inference_mode():
        print(m(x, seg, mask)[1].argmax(1).tolist())
