"""A tiny GPT: one block of causal self-attention from Linear and softmax, trained on characters, then sampled from."""
import math

import torch
from torch import nn
import torch.nn.functional as F

TEXT = 'hello world, hello torch, hello flame. '


class SelfAttention(nn.Module):
    def __init__(self, dim, heads, block_size):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.register_buffer('mask', torch.tril(torch.ones(block_size, block_size)).view(1, 1, block_size, block_size))

    def forward(self, x):
        B, T, C = x.size()
        q, k, v = self.qkv(x).split(C, dim=2)
        q = q.view(B, T, self.heads, C // self.heads).transpose(1, 2)
        k = k.view(B, T, self.heads, C // self.heads).transpose(1, 2)
        v = v.view(B, T, self.heads, C // self.heads).transpose(1, 2)
        att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        att = att.masked_fill(self.mask[:, :, :T, :T] == 0, float('-inf'))
        att = F.softmax(att, dim=-1)
        y = (att @ v).transpose(1, 2).contiguous().view(B, T, C)
        return self.proj(y)


class Block(nn.Module):
    def __init__(self, dim, heads, block_size):
        super().__init__()
        self.ln1 = nn.LayerNorm(dim)
        self.attn = SelfAttention(dim, heads, block_size)
        self.ln2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class GPT(nn.Module):
    def __init__(self, vocabulary, dim=16, heads=2, layers=1, block_size=8):
        super().__init__()
        self.block_size = block_size
        self.token = nn.Embedding(vocabulary, dim)
        self.position = nn.Embedding(block_size, dim)
        self.blocks = nn.ModuleList([Block(dim, heads, block_size) for _ in range(layers)])
        self.ln = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, vocabulary, bias=False)

    def forward(self, idx):
        B, T = idx.shape
        x = self.token(idx) + self.position(torch.arange(T))
        for block in self.blocks:
            x = block(x)
        return self.head(self.ln(x))

    @torch.no_grad()
    def generate(self, idx, count):
        for _ in range(count):
            logits = self(idx[:, -self.block_size:])[:, -1, :]
            probs = F.softmax(logits, dim=-1)
            idx = torch.cat((idx, torch.multinomial(probs, num_samples=1)), dim=1)
        return idx


def main(seed):
    torch.manual_seed(seed)
    chars = sorted(set(TEXT))
    data = torch.tensor([chars.index(c) for c in TEXT])
    model = GPT(len(chars))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)

    def step(x, y):
        logits = model(x)
        loss = F.cross_entropy(logits.view(-1, logits.size(-1)), y.view(-1))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss

    for i in range(1, 25):
        starts = torch.randint(len(data) - 8, (4,))
        x = torch.stack([data[s:s + 8] for s in starts])
        y = torch.stack([data[s + 1:s + 9] for s in starts])
        loss = step(x, y)
        if i % 8 == 0:
            print(f'step {i} loss {loss.item():.3f}')
    print(sum(p.numel() for p in model.parameters()), 'parameters')
    print(''.join(chars[i] for i in model.generate(data[:1].unsqueeze(0), 12)[0].tolist()))


if __name__ == '__main__':
    main(0)
