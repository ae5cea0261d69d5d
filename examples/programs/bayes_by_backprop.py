"""Bayes by backprop: a linear layer with a normal distribution over its weights, warm restarts, and a divergence of one's own."""
import torch
from torch import nn
from torch.distributions import Laplace, Normal, kl_divergence, register_kl


class BayesianLinear(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.mean = nn.Parameter(torch.empty(outputs, inputs))
        self.rho = nn.Parameter(torch.full((outputs, inputs), -3.0))
        nn.init.xavier_uniform_(self.mean, gain=nn.init.calculate_gain('tanh'))
        self.register_buffer('prior_scale', torch.tensor(0.5))

    def posterior(self):
        return Normal(self.mean, nn.functional.softplus(self.rho))

    def forward(self, x):
        return nn.functional.linear(x, self.posterior().rsample())

    def divergence(self):
        return kl_divergence(self.posterior(), Laplace(torch.zeros_like(self.mean), self.prior_scale)).sum()


@register_kl(Normal, Laplace)
def kl_normal_laplace(p, q):
    # The mean of |x| under a normal distribution around p.loc - q.loc.
    d = (p.loc - q.loc) / p.scale
    folded = p.scale * ((2 / torch.pi) ** 0.5 * torch.exp(-d * d / 2) + d * torch.erf(d / 2 ** 0.5))
    return -p.entropy() + torch.log(2 * q.scale) + folded / q.scale


def main(seed):
    torch.manual_seed(seed)
    x = torch.randn(50, 4)
    y = x @ torch.tensor([[1.5], [0.0], [-2.0], [0.0]]) + 0.1 * torch.randn(50, 1)
    layer = BayesianLinear(4, 1)
    optimizer = torch.optim.Adamax(layer.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=10, T_mult=2, eta_min=0.01)
    for step in range(70):
        nll = -Normal(layer(x), 0.3).log_prob(y).sum()
        loss = nll + layer.divergence()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        if step % 20 == 9:
            print(f'step {step} elbo {-loss.item():.3f} lr {optimizer.param_groups[0]["lr"]:.4f}')
    q = layer.posterior()
    print('means', [f'{v:.2f}' for v in q.mean[0].tolist()])
    print('inside', ((q.cdf(torch.zeros(1, 4)) - 0.5).abs() < 0.45).squeeze(0).tolist())
    print('quantiles', [f'{v:.3f}' for v in Normal(0.0, 1.0).icdf(torch.tensor([0.025, 0.5, 0.975])).tolist()])


if __name__ == '__main__':
    main(0)
