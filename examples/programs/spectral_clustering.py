"""Spectral clustering: two rings, a Gaussian affinity, the smallest eigenpairs of its Laplacian by lobpcg."""
import math

import torch


def ring(n, radius):
    angle = torch.arange(n) * (2 * math.pi / n)
    return torch.stack([angle.cos(), angle.sin()], dim=1) * radius + 0.05 * torch.randn(n, 2)


def main(seed):
    torch.manual_seed(seed)
    x = torch.cat([ring(20, 1.0), ring(30, 3.0)]).double()
    affinity = torch.exp(-torch.cdist(x, x).pow(2) / 0.5)
    affinity.fill_diagonal_(0)
    scale = affinity.sum(1).rsqrt().diag()
    laplacian = torch.eye(len(x), dtype=torch.float64) - scale @ affinity @ scale
    values, vectors = torch.lobpcg(laplacian, k=3, largest=False, tol=1e-9, X=torch.randn(len(x), 3, dtype=torch.float64))
    exact = torch.linalg.eigvalsh(laplacian)[:3]
    print('values', *[f'{v:.5f}' for v in values.abs().tolist()])
    print('as eigvalsh', int(torch.allclose(values, exact, atol=1e-7)))
    rows = scale @ vectors[:, :2]
    rows = rows / rows.norm(dim=1, keepdim=True)
    labels = (rows @ rows[0] > 0.9).long()
    print('sizes', int((labels == 1).sum()), int((labels == 0).sum()))
    print('rings', int((labels[:20] == 1).all()), int((labels[20:] == 0).all()))


if __name__ == '__main__':
    main(0)
