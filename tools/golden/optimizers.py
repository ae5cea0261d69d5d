#!/usr/bin/env python3
"""Optimizers by rules, from real PyTorch 1.13. Run by /usr/bin/python3 from anywhere.

packages/core/test/golden/optimizers.json, with the problem of train.py
  trajectories  [{optimizer, options, groups?, changes?, losses, weight, bias}]: as in optim.json
  states        [{optimizer, options, state}]: stateDict() after 3 steps in which only the weight has a gradient
  reprs         [{optimizer, options, text}]
  errors        [{optimizer, options, error, message}]: of the constructor
"""
import os
import sys

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
from format import write  # noqa: E402
from train import attempt, build, parameters, run, state_of  # noqa: E402

torch.set_num_threads(1)
B = {'betas': [0.8, 0.95], 'eps': 1e-4}
TRAJECTORIES = {
    'Adagrad': [{}, {'lr': 0.1}, {'lr': 0.1, 'lrDecay': 0.1, 'initialAccumulatorValue': 0.5, 'eps': 1e-3}, {'lr': 0.1, 'weightDecay': 0.1, 'maximize': True}],
    'Adadelta': [{}, {'lr': 0.5, 'rho': 0.8, 'eps': 1e-3}, {'weightDecay': 0.1}, {'eps': 1e-4, 'maximize': True}],
    'Adamax': [{}, {'lr': 0.1, **B}, {'lr': 0.1, 'weightDecay': 0.1}, {'lr': 0.05, 'maximize': True}],
    'RAdam': [{}, {'lr': 0.1, **B}, {'lr': 0.1, 'weightDecay': 0.1}, {'lr': 0.1, 'betas': [0.5, 0.5]}],
    'NAdam': [{}, {'lr': 0.1, **B}, {'lr': 0.1, 'weightDecay': 0.1}, {'lr': 0.1, 'momentumDecay': 0.5}],
    'ASGD': [{}, {'lr': 0.1, 'lambd': 0.1, 'alpha': 0.5}, {'lr': 0.1, 't0': 3}, {'lr': 0.05, 'weightDecay': 0.1, 'maximize': True}],
    'Rprop': [{}, {'lr': 0.1}, {'lr': 0.1, 'etas': [0.3, 1.5], 'stepSizes': [0.01, 0.15]}, {'lr': 0.05, 'maximize': True}],
}
GROUPS = [{'params': 'weight', 'lr': 0.2}, {'params': 'bias'}]
CHANGES = {3: {'lr': 0.02}, 6: {'weightDecay': 0.2}}
WRONG = {
    'Adagrad': [{'lr': -1}, {'lrDecay': -1}, {'weightDecay': -1}, {'initialAccumulatorValue': -1}, {'eps': -1}],
    'Adadelta': [{'lr': -1}, {'rho': 1.5}, {'rho': -1}, {'eps': -1}, {'weightDecay': -1}],
    'Adamax': [{'lr': -1}, {'eps': -1}, {'betas': [1, 0.9]}, {'betas': [0.9, -1]}, {'weightDecay': -1}],
    'RAdam': [{'lr': -1}, {'eps': -1}, {'betas': [1, 0.9]}, {'betas': [0.9, -1]}, {'weightDecay': -1}],
    'NAdam': [{'lr': -1}, {'eps': -1}, {'betas': [1, 0.9]}, {'betas': [0.9, -1]}, {'weightDecay': -1}, {'momentumDecay': -1}],
    'ASGD': [{'lr': -1}, {'weightDecay': -1}],
    'Rprop': [{'lr': -1}, {'etas': [0, 1.2]}, {'etas': [0.5, 0.9]}],
}


def main():
    out = {'trajectories': [], 'states': [], 'reprs': [], 'errors': []}
    for kind, all_options in TRAJECTORIES.items():
        for options in all_options:
            out['trajectories'].append({'optimizer': kind, 'options': options, **run(kind, options)[1]})
        changes = {k: v for k, v in CHANGES.items() if kind != 'Rprop' or 'lr' in v}
        out['trajectories'].append({'optimizer': kind, 'options': {'lr': 0.1}, 'groups': GROUPS, **run(kind, {'lr': 0.1}, GROUPS)[1]})
        out['trajectories'].append({'optimizer': kind, 'options': {'lr': 0.1}, 'changes': changes, **run(kind, {'lr': 0.1}, changes=changes)[1]})
        own = {'lr': 0.1, 't0': 1} if kind == 'ASGD' else {'lr': 0.1}
        optimizer, _ = run(kind, own, steps=3, use_bias=False)
        out['states'].append({'optimizer': kind, 'options': own, 'state': state_of(optimizer)})
        weight, bias = parameters()
        out['reprs'].append({'optimizer': kind, 'options': {}, 'text': repr(build(kind, {}, None, weight, bias))})
        for options in WRONG[kind]:
            error = attempt(lambda: build(kind, options, None, weight, bias))
            out['errors'].append({'optimizer': kind, 'options': options, **error})
    write('packages/core/test/golden/optimizers.json', out, depth=2)


main()
