"""Sequence to sequence: a GRU encoder, a decoder with additive attention over masked positions, teacher forcing."""
import math

import torch
from torch import nn, optim
import torch.nn.functional as F


class Attention(nn.Module):
    def __init__(self, h):
        super().__init__()
        self.W = nn.Linear(2 * h, h)
        self.v = nn.Linear(h, 1, bias=False)

    def forward(self, hidden, enc, mask):
        L = enc.size(1)
        h = hidden.unsqueeze(1).repeat(1, L, 1)
        e = self.v(torch.tanh(self.W(torch.cat((h, enc), dim=2)))).squeeze(2)
        e = e.masked_fill(~mask, -10000000000.0)
        return F.softmax(e, dim=1)


class Seq2Seq(nn.Module):
    def __init__(self, v, h):
        super().__init__()
        self.emb = nn.Embedding(v, h)
        self.enc = nn.GRUCell(h, h)
        self.dec = nn.GRUCell(2 * h, h)
        self.attn = Attention(h)
        self.out = nn.Linear(2 * h, v)
        self.drop = nn.Dropout(0.1)
        self.h = h

    def forward(self, source, target, mask, ratio=0.5):
        B, L = source.shape
        h = source.new_zeros(B, self.h, dtype=torch.float)
        enc = []
        for t in range(L):
            nh = self.enc(self.drop(self.emb(source[:, t])), h)
            h = torch.where(mask[:, t, None], nh, h)
            enc.append(h)
        enc = torch.stack(enc, dim=1)
        y = target[:, 0]
        outs = []
        ws = []
        for t in range(1, target.shape[1]):
            a = self.attn(h, enc, mask)
            c = torch.bmm(a.unsqueeze(1), enc).squeeze(1)
            h = self.dec(torch.cat([self.emb(y), c], -1), h)
            o = self.out(torch.cat([h, c], -1))
            outs.append(o)
            ws.append(a)
            teacher = torch.rand(1).item() < ratio
            y = target[:, t] if teacher else o.argmax(-1)
        return (torch.stack(outs, 1), torch.stack(ws, 1))


def main(seed):
    torch.manual_seed(seed)
    V = 9
    B = 6
    L = 5
    source = torch.randint(3, V, (B, L))
    lengths = torch.randint(2, L + 1, (B,))
    mask = torch.arange(L).expand(B, L) < lengths.unsqueeze(1)
    source.masked_fill_(~mask, 0)
    target = torch.cat([torch.full((B, 1), 1), source.flip(1)], 1)
    m = Seq2Seq(V, 10)
    m.apply(lambda mod: [nn.init.uniform_(p, -0.08, 0.08) for p in mod.parameters(recurse=False)] and None)
    n = sum((p.numel() for p in m.parameters() if p.requires_grad))
    print(f'The model has {n:,} trainable parameters')
    opt = optim.Adam(m.parameters(), lr=0.05, weight_decay=0.0001, amsgrad=True)
    for e in range(12):
        o, w = m(source, target, mask)
        loss = F.cross_entropy(o.flatten(0, 1), target[:, 1:].flatten(), ignore_index=0, label_smoothing=0.1)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(m.parameters(), 1)
        opt.step()
        if e % 4 == 3:
            print(f'{e} loss {loss:.4f} ppl {math.exp(loss):.3f}')
    m.eval()
    with torch.no_grad():
        o, w = m(source, target, mask, 0)
    print(o.argmax(2)[mask.flip(1)].tolist())
    print(w[0, 0], w.sum(-1).allclose(torch.ones(B, L)))
