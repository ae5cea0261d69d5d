"""t-SNE: perplexities by bisection, early exaggeration, and the embedding itself as the parameter."""
import math
import torch
from torch import optim
import torch.nn.functional as F


def pairwise(X):
    s = X.pow(2).sum(1)
    return (s[:, None] + s[None, :] - 2 * X @ X.T).clamp(min=0)


def hbeta(Drow, beta):
    P = torch.exp(-Drow * beta)
    s = P.sum()
    return (torch.log(s) + beta * (Drow * P).sum() / s, P / s)


def main(seed):
    torch.manual_seed(seed)
    X = torch.cat([torch.randn(8, 5) + 4 * torch.eye(5)[i] for i in range(3)])
    n = len(X)
    Dm = pairwise(X)
    P = torch.zeros(n, n)
    keep = ~torch.eye(n, dtype=torch.bool)
    logU = math.log(5.0)
    betas = []
    for i in range(n):
        lo, hi, beta = (None, None, torch.tensor(1.0))
        Di = Dm[i][keep[i]]
        for _ in range(30):
            H, p = hbeta(Di, beta)
            d = (H - logU).item()
            if abs(d) < 0.0001:
                break
            if d > 0:
                lo = beta.clone()
                beta = beta * 2 if hi is None else (beta + hi) / 2
            else:
                hi = beta.clone()
                beta = beta / 2 if lo is None else (beta + lo) / 2
        P[i, keep[i]] = p
        betas.append(beta)
    betas = torch.stack(betas)
    P = (P + P.t()) / (2 * n)
    P = torch.max(P, torch.tensor([1e-12]))
    print(P.sum(), betas.std(), P.argmax().item())
    Y = (0.01 * torch.randn(n, 2)).requires_grad_()
    opt = optim.SGD([Y], lr=20.0, momentum=0.5)
    for it in range(40):
        num = 1 / (1 + pairwise(Y))
        num = num.masked_fill(torch.eye(n, dtype=torch.bool), 0.0)
        Q = (num / num.sum()).clamp_min(1e-12)
        ex = 4.0 if it < 15 else 1.0
        kl = F.kl_div(Q.log(), P * ex, reduction='sum') / ex
        opt.zero_grad()
        kl.backward()
        if it == 20:
            opt.param_groups[0]['momentum'] = 0.8
        opt.step()
        with torch.no_grad():
            Y -= Y.mean(0)
        if it % 10 == 9:
            print(f'{it} {kl.item():.4f} {Y.grad.norm():.5f}')
    lab = torch.arange(3).repeat_interleave(8)
    nn_ = torch.cdist(Y.detach(), Y.detach()).fill_diagonal_(float('inf')).argmin(1)
    print((lab[nn_] == lab).float().mean())
