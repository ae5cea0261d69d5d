"""An optimizer of one's own (Lion) with groups, slow weights around it, and a schedule of one's own with a warm-up."""
import math
import torch
from torch import nn, optim
import torch.nn.functional as F


class Lion(optim.Optimizer):
    def __init__(self, params, lr=0.0001, betas=(0.9, 0.99), weight_decay=0.0):
        if not 0.0 <= lr:
            raise ValueError('Invalid learning rate: {}'.format(lr))
        defaults = dict(lr=lr, betas=betas, weight_decay=weight_decay)
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group['params']:
                if p.grad is None:
                    continue
                p.data.mul_(1 - group['lr'] * group['weight_decay'])
                grad = p.grad
                state = self.state[p]
                if len(state) == 0:
                    state['exp_avg'] = torch.zeros_like(p)
                    state['step'] = 0
                state['step'] += 1
                exp_avg = state['exp_avg']
                beta1, beta2 = group['betas']
                update = exp_avg * beta1 + grad * (1 - beta1)
                p.add_(torch.sign(update), alpha=-group['lr'])
                exp_avg.mul_(beta2).add_(grad, alpha=1 - beta2)
        return loss


class Lookahead:
    def __init__(self, base, k=3, alpha=0.5):
        self.base, self.k, self.alpha, self.n = (base, k, alpha, 0)
        self.slow = [[p.clone().detach() for p in g['params']] for g in base.param_groups]

    def zero_grad(self):
        self.base.zero_grad()

    def step(self):
        self.base.step()
        self.n += 1
        if self.n % self.k:
            return
        for slow, g in zip(self.slow, self.base.param_groups):
            for q, p in zip(slow, g['params']):
                q.data.add_(p.data - q.data, alpha=self.alpha)
                p.data.copy_(q.data)


class WarmupCosine(optim.lr_scheduler._LRScheduler):
    def __init__(self, optimizer, warmup, total, last_epoch=-1):
        self.warmup, self.total = (warmup, total)
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        s = self.last_epoch
        if s < self.warmup:
            return [b * (s + 1) / self.warmup for b in self.base_lrs]
        q = (s - self.warmup) / (self.total - self.warmup)
        return [b * 0.5 * (1 + math.cos(math.pi * q)) for b in self.base_lrs]


def main(seed):
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(5, 8), nn.Hardswish(), nn.Linear(8, 1))
    x = torch.randn(20, 5)
    y = (x ** 2).sum(1, keepdim=True)
    groups = [{'params': net[0].parameters()}, {'params': net[2].parameters(), 'lr': 0.005}]
    opt = Lion(groups, lr=0.01, weight_decay=0.1)
    print(opt)
    sched = WarmupCosine(opt, 4, 20)
    la = Lookahead(opt)
    for e in range(20):
        loss = F.mse_loss(net(x), y)
        la.zero_grad()
        loss.backward()
        la.step()
        sched.step()
        if e % 6 == 0:
            print(f'{loss.item():.5f}', ['%.6f' % v for v in sched.get_last_lr()])

    def closure():
        opt.zero_grad()
        l = F.l1_loss(net(x), y)
        l.backward()
        return l
    print(f'{opt.step(closure).item():.5f}')
    sd = opt.state_dict()
    shape = list(sd['state'][1]['exp_avg'].shape)
    print(sorted(sd['state'].keys()), sd['state'][0]['step'], shape, [g['params'] for g in sd['param_groups']])
    other = Lion([{'params': list(net[0].parameters())}, {'params': list(net[2].parameters())}])
    other.load_state_dict(sd)
    averages = [o.state[net[0].weight]['exp_avg'] for o in (other, opt)]
    print(other.param_groups[1]['lr'] == opt.param_groups[1]['lr'], torch.equal(*averages))
    extra = nn.Parameter(torch.zeros(3))
    other.add_param_group({'params': extra, 'weight_decay': 0.5})
    print(len(other.param_groups), other.param_groups[2]['weight_decay'], other.defaults['betas'])
    schedule = optim.lr_scheduler
    constant = schedule.ConstantLR(other, factor=0.1, total_iters=2)
    chained = schedule.ChainedScheduler([constant, schedule.ExponentialLR(other, gamma=0.9)])
    for _ in range(4):
        other.step()
        chained.step()
    print(['%.7f' % v for v in chained.get_last_lr()])
