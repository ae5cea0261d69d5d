"""A mixture of Gaussians by EM, and the same by gradient with MixtureSameFamily."""
import torch
import torch.distributions as D


def em(x, mu, sigma, pi, steps):
    for _ in range(steps):
        log_p = D.Normal(mu, sigma).log_prob(x[:, None]) + pi.log()
        r = torch.softmax(log_p, dim=1)
        n = r.sum(0)
        mu = (r * x[:, None]).sum(0) / n
        sigma = ((r * (x[:, None] - mu) ** 2).sum(0) / n).sqrt()
        pi = n / n.sum()
    return mu, sigma, pi, torch.logsumexp(log_p, dim=1).mean()


def main(seed):
    torch.manual_seed(seed)
    x = torch.cat([torch.randn(40) * 0.5 - 2, torch.randn(60) + 1.5])
    mu, sigma, pi, likelihood = em(x, torch.tensor([-1., 1.]), torch.ones(2), torch.ones(2) / 2, 15)
    print('EM', ' '.join(f'{v:.3f}' for v in mu.tolist() + sigma.tolist() + pi.tolist()))
    print(f'likelihood {likelihood.item():.4f}')

    logits = torch.zeros(2, requires_grad=True)
    means = torch.tensor([-1., 1.], requires_grad=True)
    log_scales = torch.zeros(2, requires_grad=True)
    optimizer = torch.optim.Adam([logits, means, log_scales], lr=0.05)

    def step():
        mixture = D.MixtureSameFamily(D.Categorical(logits=logits), D.Normal(means, log_scales.exp()))
        loss = -mixture.log_prob(x).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    for epoch in range(1, 61):
        loss = step()
        if epoch % 20 == 0:
            print(f'epoch {epoch} loss {loss.item():.4f}')
    print('gradient', ' '.join(f'{v:.3f}' for v in means.tolist()))


if __name__ == '__main__':
    main(0)
