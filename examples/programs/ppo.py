"""Proximal policy optimisation: Categorical, Normal and Beta policies at once, advantages by GAE, clipped ratios."""
import torch
from torch import nn, optim
import torch.nn.functional as F
import torch.distributions as D


def main(seed):
    torch.manual_seed(seed)
    body = nn.Sequential(nn.Linear(3, 16), nn.Tanh())
    pi = nn.Linear(16, 4)
    mu = nn.Linear(16, 2)
    log_std = nn.Parameter(torch.zeros(2))
    shape = nn.Linear(16, 2)
    v = nn.Linear(16, 1)
    for l in (pi, mu, v):
        nn.init.orthogonal_(l.weight, 0.01)
        nn.init.zeros_(l.bias)
    params = [*body.parameters(), *pi.parameters(), *mu.parameters(), log_std, *shape.parameters(), *v.parameters()]
    opt = optim.Adam(params, lr=0.003, eps=1e-05)
    obs = torch.randn(10, 3)

    def dists():
        h = body(obs)
        a = F.softplus(shape(h)) + 1
        move = D.Independent(D.Normal(mu(h), log_std.exp().expand(10, 2)), 1)
        return D.Categorical(logits=pi(h)), move, D.Beta(a[:, 0], a[:, 1]), v(h).squeeze(-1)

    with torch.no_grad():
        c, n, b, val = dists()
        chosen, moved, mixed = (c.sample(), n.sample(), b.sample())
        old = c.log_prob(chosen) + n.log_prob(moved) + b.log_prob(mixed)
        r = (chosen == 2).float() - moved.pow(2).sum(-1) + mixed
        advantage = torch.zeros(10)
        last = 0.0
        for t in reversed(range(10)):
            following = val[t + 1] if t < 9 else torch.zeros(())
            delta = r[t] + 0.99 * following - val[t]
            last = delta + 0.99 * 0.95 * last
            advantage[t] = last
        ret = advantage + val
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-08)
    print(chosen.tolist(), old.mean())
    for k in range(8):
        c, n, b, val = dists()
        log_prob = c.log_prob(chosen) + n.log_prob(moved) + b.log_prob(mixed)
        ratio = (log_prob - old).exp()
        policy_loss = -torch.min(ratio * advantage, torch.clamp(ratio, 0.8, 1.2) * advantage).mean()
        value_loss = 0.5 * F.mse_loss(val, ret)
        entropy = (c.entropy() + n.entropy() + b.entropy()).mean()
        kl = (old - log_prob).mean()
        loss = policy_loss + 0.5 * value_loss - 0.01 * entropy
        opt.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(params, 0.5)
        opt.step()
        if k % 3 == 1:
            print(f'{loss.item():.4f} {kl.item():.5f} {entropy.item():.4f} {norm.item():.4f}')
    coins = D.Categorical(logits=torch.tensor([0.1, 0.2])), D.Categorical(probs=torch.tensor([0.5, 0.5]))
    shares = D.Beta(torch.tensor(2.0), torch.tensor(3.0)), D.Beta(torch.tensor(1.0), torch.tensor(1.0))
    print(D.kl_divergence(*coins), D.kl_divergence(*shares))
    transforms = [D.TanhTransform(cache_size=1), D.AffineTransform(loc=1.0, scale=2.0)]
    t = D.TransformedDistribution(D.Normal(torch.zeros(2), torch.ones(2)), transforms)
    a = t.rsample()
    print(a, t.log_prob(a).sum())
    print(t)
