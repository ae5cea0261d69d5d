"""A bandit by Thompson sampling: Beta posteriors, Bernoulli rewards, and an epsilon-greedy rival."""
import torch
from torch.distributions import Bernoulli, Beta, kl_divergence


def main(seed):
    torch.manual_seed(seed)
    arms = Bernoulli(torch.tensor([0.2, 0.5, 0.8]))
    alpha, beta = torch.ones(3), torch.ones(3)
    for _ in range(60):
        arm = Beta(alpha, beta).sample().argmax().item()
        reward = arms.sample()[arm]
        alpha[arm] += reward
        beta[arm] += 1 - reward
    posterior = Beta(alpha, beta)
    pulls = (alpha + beta - 2).tolist()
    print('pulls', *[int(n) for n in pulls], 'mean', *[f'{m:.3f}' for m in posterior.mean.tolist()])
    print('kl', *[f'{k:.3f}' for k in kl_divergence(posterior, Beta(torch.ones(3), torch.ones(3))).tolist()])

    counts, values = torch.zeros(3), torch.zeros(3)
    for _ in range(60):
        arm = torch.randint(3, (1,)).item() if torch.rand(()).item() < 0.1 else values.argmax().item()
        reward = arms.sample()[arm]
        counts[arm] += 1
        values[arm] += (reward - values[arm]) / counts[arm]
    print('greedy', *[int(n) for n in counts.tolist()], f'best {values.max().item():.3f}')


if __name__ == '__main__':
    main(0)
