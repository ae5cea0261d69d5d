#!/usr/bin/env python3
"""Averages of weights, from real PyTorch 1.13. Run by /usr/bin/python3 from anywhere.

packages/core/test/golden/swa.json
  rates    [{args, rates}]: SWALR of SGD over two groups with learning rates 0.1 and 0.04; the constructor's, then 6 steps
  errors   [{args, error, message}]: of SWALR
  means    {mean, ema, buffers}: the state of an AveragedModel of Sequential(Linear(2, 2), BatchNorm1d(2)) after 3 updates;
           before update k all its parameters are 0.5 k + i / 8, and it has seen the batch k + i (of [3, 2]) in training
  bn       the state of that model after update_bn with the batches 0 and 1
"""
import os
import sys

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn  # noqa: E402
from format import short, write  # noqa: E402
from train import attempt, options_of, tensor_record  # noqa: E402

torch.set_num_threads(1)


def optimizer_of():
    groups = [{'params': [torch.ones(2, requires_grad=True)]}, {'params': [torch.ones(3, requires_grad=True)], 'lr': 0.04}]
    return torch.optim.SGD(groups, lr=0.1)


def schedule(args):
    *args, options = args
    return SWALR(optimizer_of(), *args, **options_of(options))


def fill(x, k, step):
    with torch.no_grad():
        x.copy_((k + torch.arange(x.numel()) * step).reshape(x.shape))


def batch(k):
    x = torch.zeros(3, 2)
    fill(x, k, 1.0)
    return x * x


def state(model):
    return {name: tensor_record(x) for name, x in model.state_dict().items()}


def averaged(**options):
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    average = AveragedModel(model, **options)
    for k in range(3):
        for p in model.parameters():
            fill(p, 0.5 * k, 0.125)
        model(batch(k))
        average.update_parameters(model)
    return average


def main():
    out = {'rates': [], 'errors': []}
    for args in ([0.05, {}], [[0.5, 0.01], 3, {}], [0.05, 4, 'linear', {}], [0.05, {'annealEpochs': 0}], [0.2, 2, {}]):
        scheduler = schedule([list(a) if isinstance(a, list) else a for a in args])
        rates = []
        for k in range(7):
            if k > 0:
                scheduler.optimizer.step()
                scheduler.step()
            rates.append([short(float(g['lr']), 17) for g in scheduler.optimizer.param_groups])
        out['rates'].append({'args': args, 'rates': rates})
    for args in ([[0.1], {}], [0.1, {'annealStrategy': 'sine'}], [0.1, -1, {}], [0.1, 1.5, {}]):
        out['errors'].append({'args': args, **attempt(lambda: schedule(args))})
    ema = lambda averaged, value, n: averaged * 0.75 + value * 0.25
    out['means'] = {
        'mean': state(averaged()),
        'ema': state(averaged(avg_fn=ema)),
        'buffers': state(averaged(use_buffers=True)),
    }
    model = averaged()
    update_bn([batch(0), [batch(1), 7]], model)
    out['bn'] = state(model)
    write('packages/core/test/golden/swa.json', out, depth=2)


main()
