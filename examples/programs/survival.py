"""Survival analysis: Cox's partial likelihood over sets at risk, ties, censoring, concordance, and a baseline hazard."""
import torch
from torch import nn
from torch.distributions import Weibull, Exponential


def cox_loss(risk, time, event):
    order = torch.sort(time, stable=True, descending=True).indices
    risk, event = risk[order], event[order]
    log_cum = torch.logcumsumexp(risk, dim=0)
    return -((risk - log_cum) * event).sum() / event.sum().clamp(min=1)


def efron_loss(risk, time, event):
    total = risk.new_zeros(())
    for t in torch.unique(time[event.bool()]):
        dead = (time == t) & event.bool()
        at_risk = time >= t
        d = int(dead.sum())
        all_risk, tied = risk[at_risk].exp().sum(), risk[dead].exp().sum()
        steps = torch.arange(d) / d
        total = total + risk[dead].sum() - torch.log(all_risk - steps * tied).sum()
    return -total / event.sum()


def concordance(risk, time, event):
    earlier = (time[:, None] < time[None, :]) & event[:, None].bool()
    right = (risk[:, None] > risk[None, :]) & earlier
    same = (risk[:, None] == risk[None, :]) & earlier
    return (right.sum() + 0.5 * same.sum()) / earlier.sum()


def main(seed):
    torch.manual_seed(seed)
    n, d = 80, 4
    x = torch.randn(n, d)
    beta = torch.tensor([1.0, -0.8, 0.0, 0.5])
    life = Weibull(scale=torch.exp(-(x @ beta)), concentration=torch.tensor(1.5)).sample()
    censor = Exponential(torch.full((n,), 0.3)).sample()
    time = torch.minimum(life, censor).mul(4).ceil().div(4)
    event = (life <= censor).float()
    print(f'{int(event.sum())} events, {(1 - event).mean():.2%} censored, {time.unique().numel()} times, longest {time.max()}')
    model = nn.Linear(d, 1, bias=False)
    nn.init.zeros_(model.weight)
    for name, criterion in {'breslow': cox_loss, 'efron': efron_loss}.items():
        opt = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=10)

        def closure():
            opt.zero_grad()
            loss = criterion(model(x).squeeze(-1), time, event) + 1e-3 * model.weight.pow(2).sum()
            loss.backward()
            return loss

        for _ in range(3):
            loss = opt.step(closure)
        with torch.no_grad():
            risk = model(x).squeeze(1)
            print(f'{name:>8} {loss.item():.4f} {criterion(risk, time, event).item():.4f} c {concordance(risk, time, event):.4f}')
        print(*(f'{w:+.3f}' for w in model.weight.flatten().tolist()))
    weight = model.weight.detach()[0]
    information = torch.autograd.functional.hessian(lambda w: cox_loss(x @ w, time, event) * event.sum(), weight)
    se = information.inverse().diagonal().sqrt()
    print('z', weight / se)
    times, where, counts = torch.unique(time, return_inverse=True, return_counts=True)
    deaths = torch.zeros_like(times).index_add_(0, where, event)
    hazards = torch.zeros_like(times).index_add(0, where, risk.exp())
    at_risk = hazards.flip(0).cumsum(0).flip(0)
    hazard = (deaths / at_risk).cumsum(0)
    survival = torch.exp(-hazard)[None] ** risk[:3, None].exp()
    print(times[:5], counts[:5], deaths[:5])
    print(survival[:, ::3])
    km = torch.cumprod(1 - deaths / counts.flip(0).cumsum(0).flip(0), dim=0)
    print(km[-4:], times[torch.searchsorted(-km, torch.tensor(-0.5))].item())
    groups = torch.bucketize(risk, risk.quantile(torch.tensor([1 / 3, 2 / 3])))
    for g in range(3):
        m = groups == g
        print(g, m.sum().item(), time[m].median().item(), f'{event[m].mean():.3f}')


if __name__ == '__main__':
    main(0)
