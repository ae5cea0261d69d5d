"""Gaussian process regression: a kernel's parameters by the marginal likelihood, through a Cholesky factor."""
import math

import torch


def rbf(a, b, scale):
    return torch.exp(-0.5 * (a[:, None] - b[None, :]) ** 2 / scale ** 2)


def main(seed):
    torch.manual_seed(seed)
    x = torch.linspace(0, 5, 12)
    y = torch.sin(x) + 0.1 * torch.randn(12)
    log_scale = torch.zeros((), requires_grad=True)
    log_noise = torch.tensor(-1.0, requires_grad=True)
    optimizer = torch.optim.Adam([log_scale, log_noise], lr=0.1)

    def factor():
        K = rbf(x, x, log_scale.exp()) + log_noise.exp() ** 2 * torch.eye(12)
        return torch.linalg.cholesky(K)

    for i in range(1, 21):
        L = factor()
        z = torch.linalg.solve_triangular(L, y.unsqueeze(1), upper=False)
        loss = 0.5 * (z ** 2).sum() + torch.log(torch.diagonal(L)).sum() + 6 * math.log(2 * math.pi)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if i % 5 == 0:
            print(f'step {i} loss {loss.item():.4f}')
    with torch.no_grad():
        L = factor()
        at = torch.tensor([2.5, 6.0])
        k = rbf(x, at, log_scale.exp())
        v = torch.linalg.solve_triangular(L, k, upper=False)
        mean = v.T @ torch.linalg.solve_triangular(L, y.unsqueeze(1), upper=False)
        deviation = (1 - (v ** 2).sum(0)).sqrt()
    print('mean', *[f'{m:.3f}' for m in mean.squeeze(1).tolist()], 'std', *[f'{d:.3f}' for d in deviation.tolist()])


if __name__ == '__main__':
    main(0)
