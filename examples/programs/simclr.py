"""Contrastive learning (SimCLR): two views of each image, and the normalised temperature-scaled cross entropy."""
import torch
from torch import nn, optim
import torch.nn.functional as F


def nt_xent(z1, z2, t):
    n = z1.size(0)
    z = F.normalize(torch.cat([z1, z2]), dim=1)
    sim = z @ z.t() / t
    sim.fill_diagonal_(float('-inf'))
    target = torch.cat([torch.arange(n, 2 * n), torch.arange(n)])
    return F.cross_entropy(sim, target)


def main(seed):
    torch.manual_seed(seed)
    x = torch.randn(8, 3, 6, 6)
    enc = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(inplace=True),
                        nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten())
    proj = nn.Sequential(nn.Linear(4, 8), nn.ReLU(True), nn.Linear(8, 4))
    opt = optim.SGD(list(enc.parameters()) + list(proj.parameters()), lr=0.1, momentum=0.9, nesterov=True,
                    weight_decay=0.0001)
    for e in range(9):
        a = x + 0.1 * torch.randn_like(x)
        b = x.flip(-1) * torch.empty(8, 1, 1, 1).uniform_(0.8, 1.2)
        loss = nt_xent(proj(enc(a)), proj(enc(b)), 0.5)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if e % 3 == 2:
            print(f'{loss.item():.4f}')
    print(enc[1].running_mean, enc[1].num_batches_tracked)
    enc.eval()
    with torch.no_grad():
        h = F.normalize(enc(x))
        s = h @ h.T
        v, i = s.topk(3, dim=1)
        print(i.tolist())
        print(v.mean())
    print(F.cosine_similarity(h[:, None], h[None], dim=-1).sub(s).abs().max().lt(1e-06).item())
