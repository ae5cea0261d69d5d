"""A training that resumes: states of model, optimizer, schedule and generator, and what a wrong state says."""
import copy
import torch
from torch import nn, optim
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


class EarlyStop(Exception):
    pass


def make():
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.PReLU(8), nn.Linear(8, 1))
    rest = [p for n, p in model.named_parameters() if not n.startswith('0.')]
    opt = optim.AdamW([{'params': model[0].parameters(), 'lr': 0.02}, {'params': rest}], lr=0.01, weight_decay=0.05)
    sched = optim.lr_scheduler.MultiStepLR(opt, milestones=[2, 4], gamma=0.5)
    return model, opt, sched


def epoch(model, opt, loader):
    model.train()
    losses = []
    for x, y in loader:
        loss = F.mse_loss(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


def main(seed):
    torch.manual_seed(seed)
    x = torch.randn(20, 4)
    data = TensorDataset(x, (x ** 2).sum(1, keepdim=True))
    loader = DataLoader(data, batch_size=6, shuffle=True)
    model, opt, sched = make()
    history, saved = [], None
    for e in range(6):
        history.append(epoch(model, opt, loader))
        sched.step()
        if e == 2:
            saved = {'epoch': e, 'model': copy.deepcopy(model.state_dict()), 'opt': copy.deepcopy(opt.state_dict()),
                     'sched': copy.deepcopy(sched.state_dict()), 'rng': torch.get_rng_state()}
    print(' '.join(f'{v:.4f}' for v in history))
    print(list(saved['model']), saved['rng'].dtype, saved['rng'].shape)
    groups = saved['opt']['param_groups']
    print([(g['lr'], g['initial_lr'], g['weight_decay'], g['params']) for g in groups])
    print(len(saved['opt']['state'][0]), saved['opt']['state'][4]['step'])
    print(saved['sched']['gamma'], saved['sched']['last_epoch'])
    torch.manual_seed(99)
    model, opt, sched = make()
    print(model.load_state_dict(saved['model']))
    opt.load_state_dict(saved['opt'])
    sched.load_state_dict(saved['sched'])
    torch.set_rng_state(saved['rng'])
    again = []
    for e in range(saved['epoch'] + 1, 6):
        again.append(epoch(model, opt, loader))
        sched.step()
    print(again == history[3:], sched.get_last_lr())
    try:
        for e in range(10):
            if e == 3:
                raise EarlyStop(f'stopped at {e}')
    except EarlyStop as stop:
        print(stop)
    broken = dict(saved['model'])
    broken['3.weight'] = torch.zeros(2, 8)
    del broken['2.weight']
    broken['extra'] = torch.zeros(1)
    try:
        model.load_state_dict(broken)
    except RuntimeError as error:
        print(error)
    print(model.load_state_dict({k: v for k, v in broken.items() if k != '3.weight'}, strict=False))
    print(opt)
