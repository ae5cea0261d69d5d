"""Bayesian linear regression: posterior of the weights by solve and inv, predictions with their deviation."""
import torch
from torch.distributions import MultivariateNormal


def main(seed):
    torch.manual_seed(seed)
    x = torch.rand(20) * 4 - 2
    y = 0.5 * x ** 2 - x + 0.3 * torch.randn(20)
    phi = torch.stack([torch.ones(20), x, x ** 2], dim=1)
    alpha, beta = 0.5, 1 / 0.3 ** 2
    precision = alpha * torch.eye(3) + beta * phi.T @ phi
    mean = torch.linalg.solve(precision, beta * phi.T @ y)
    covariance = torch.linalg.inv(precision)
    print('mean', *[f'{m:.4f}' for m in mean.tolist()])
    print('std', *[f'{s:.4f}' for s in covariance.diagonal().sqrt().tolist()])
    print(f'determinant {torch.logdet(precision).item():.4f}')
    posterior = MultivariateNormal(mean, covariance)
    print(f'density {posterior.log_prob(mean).item():.3f} entropy {posterior.entropy().item():.3f}')
    least = torch.linalg.lstsq(phi, y.unsqueeze(1)).solution.squeeze(1)
    print('least squares', *[f'{v:.4f}' for v in least.tolist()])


if __name__ == '__main__':
    main(0)
