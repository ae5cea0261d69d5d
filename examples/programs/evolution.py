"""Evolution strategies on a pendulum, with mirrored noise and ranks, and the cross-entropy method on a quadratic."""
import torch
from torch import nn
import torch.distributions as D


def pack(model):
    return nn.utils.parameters_to_vector(model.parameters())


def rollout(model, gravity=9.8, steps=30):
    s = torch.tensor([0.0, 0.0, 0.1, 0.0])
    reward = 0.0
    for _ in range(steps):
        a = torch.tanh(model(s)).squeeze() * 10
        x, v, th, om = s.unbind()
        acc = gravity * torch.sin(th) - a * torch.cos(th)
        s = torch.stack([x + 0.02 * v, v + 0.02 * a, th + 0.02 * om, om + 0.02 * acc])
        reward += 1.0 - min(1.0, abs(s[2].item())) - 0.1 * abs(s[0].item())
    return reward


@torch.no_grad()
def main(seed):
    gen = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 1))
    theta = pack(model)
    print(theta.shape, f'{rollout(model):.4f}')
    npop, sigma, lr = (10, 0.2, 0.1)
    for it in range(6):
        eps = torch.randn(npop, theta.numel(), generator=gen)
        eps = torch.cat([eps, -eps])
        R = torch.empty(2 * npop)
        for j in range(2 * npop):
            nn.utils.vector_to_parameters(theta + sigma * eps[j], model.parameters())
            R[j] = rollout(model)
        ranks = torch.empty_like(R)
        ranks[R.argsort()] = torch.arange(len(R), dtype=R.dtype)
        util = ranks / (len(R) - 1) - 0.5
        A = (R - R.mean()) / (R.std() + 1e-08)
        theta += lr / (2 * npop * sigma) * (eps.t() @ util)
        nn.utils.vector_to_parameters(theta, model.parameters())
        print(f'{it} now {rollout(model):.4f}', R.max(), R.mean(), R.median(), A.abs().max())
    H = torch.diag(torch.tensor([1.0, 10.0, 100.0]))
    mean, cov = (torch.ones(3), torch.eye(3))
    for it in range(5):
        pop = D.MultivariateNormal(mean, covariance_matrix=cov).sample((24,))
        cost = torch.einsum('ni,ij,nj->n', pop, H, pop)
        elite = pop[cost.topk(6, largest=False).indices]
        mean = elite.mean(0)
        cov = torch.cov(elite.T) + 0.001 * torch.eye(3)
    print(mean, cov, sep='\n')
    print(torch.corrcoef(elite.T))
    print(gen.initial_seed(), torch.randperm(5, generator=gen))
