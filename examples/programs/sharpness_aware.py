"""Sharpness-aware minimisation: an optimizer around another that climbs before it descends, and lookahead weights."""
from collections import defaultdict
import torch
from torch import nn


class SAM(torch.optim.Optimizer):
    def __init__(self, params, base_optimizer, rho=0.05, adaptive=False, **kwargs):
        if rho < 0:
            raise ValueError(f'Invalid rho, should be non-negative: {rho}')
        defaults = dict(rho=rho, adaptive=adaptive, **kwargs)
        super().__init__(params, defaults)
        self.base_optimizer = base_optimizer(self.param_groups, **kwargs)
        self.param_groups = self.base_optimizer.param_groups
        self.defaults.update(self.base_optimizer.defaults)

    @torch.no_grad()
    def first_step(self, zero_grad=False):
        grad_norm = self._grad_norm()
        for group in self.param_groups:
            scale = group['rho'] / (grad_norm + 1e-12)
            for p in group['params']:
                if p.grad is None:
                    continue
                self.state[p]['old_p'] = p.data.clone()
                e_w = (p.pow(2) if group['adaptive'] else 1.0) * p.grad * scale.to(p)
                p.add_(e_w)
        if zero_grad:
            self.zero_grad()

    @torch.no_grad()
    def second_step(self, zero_grad=False):
        for group in self.param_groups:
            for p in group['params']:
                if p.grad is None:
                    continue
                p.data = self.state[p]['old_p']
        self.base_optimizer.step()
        if zero_grad:
            self.zero_grad()

    @torch.no_grad()
    def step(self, closure=None):
        assert closure is not None
        closure = torch.enable_grad()(closure)
        self.first_step(zero_grad=True)
        loss = closure()
        self.second_step()
        return loss

    def _grad_norm(self):
        return torch.norm(torch.stack([
            ((torch.abs(p) if group['adaptive'] else 1.0) * p.grad).norm(p=2)
            for group in self.param_groups for p in group['params'] if p.grad is not None
        ]), p=2)


class Lookahead:
    def __init__(self, optimizer, k=4, alpha=0.5):
        self.optimizer, self.k, self.alpha, self.count = optimizer, k, alpha, 0
        self.slow = [[p.clone().detach() for p in g['params']] for g in optimizer.param_groups]

    def step(self):
        self.optimizer.step()
        self.count += 1
        if self.count % self.k == 0:
            for g, slow in zip(self.optimizer.param_groups, self.slow):
                for p, q in zip(g['params'], slow):
                    q.add_(p.data - q, alpha=self.alpha)
                    p.data.copy_(q)


def main(seed):
    torch.manual_seed(seed)
    x = torch.randn(64, 2)
    y = (x[:, 0] * x[:, 1] > 0).long()
    for adaptive in (False, True):
        torch.manual_seed(seed + 1)
        model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.BatchNorm1d(16), nn.Linear(16, 2))
        decay = [p for n, p in model.named_parameters() if p.ndim > 1]
        rest = [p for n, p in model.named_parameters() if p.ndim <= 1]
        opt = SAM([{'params': decay}, {'params': rest, 'weight_decay': 0.0, 'rho': 0.1}], torch.optim.SGD, rho=0.5 if adaptive else 0.05, adaptive=adaptive, lr=0.1, momentum=0.9, weight_decay=1e-3)
        loss_fn = nn.CrossEntropyLoss()
        for epoch in range(12):
            def closure():
                loss = loss_fn(model(x), y)
                loss.backward()
                return loss
            first = closure()
            second = opt.step(closure)
            opt.zero_grad()
            if epoch % 4 == 3:
                acc = (model(x).argmax(1) == y).float().mean()
                print(f'{epoch} {first:.4f} {second:.4f} {second - first:+.4f} {acc:.3f}')
        print(opt)
        print(len(opt.state), [len(g['params']) for g in opt.param_groups], sorted(opt.defaults))
    base = torch.optim.Adam(model.parameters(), 0.05)
    ahead = Lookahead(base)
    for _ in range(9):
        base.zero_grad(set_to_none=True)
        loss_fn(model(x), y).backward()
        total = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        ahead.step()
    print(f'{loss_fn(model(x), y).item():.4f} {total:.4f}', ahead.count, f'{ahead.slow[0][0].sum():.4f}')
    try:
        SAM(model.parameters(), torch.optim.SGD, rho=-1, lr=0.1)
    except ValueError as e:
        print(e)


if __name__ == '__main__':
    main(0)
