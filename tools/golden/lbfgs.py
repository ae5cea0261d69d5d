#!/usr/bin/env python3
"""L-BFGS, from real PyTorch 1.13. Run by /usr/bin/python3 from anywhere.

packages/core/test/golden/lbfgs.json
  runs    [{problem, options, losses, params, evals, state}]: 4 calls of step; after each, its result, all parameters in
          a row, and how often the closure was called so far. `state` is that after the second call, for one run of each problem; its lists are as long as the history.
          problem 'line': train.py's; 'valley': Rosenbrock's function of x and y, two float64 parameters, from (-1.5, 2)
  repr    the optimizer, printed
  errors  {name: {error, message}}
"""
import os
import sys

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
from format import data_of, write  # noqa: E402
from train import attempt, loss_of, number, options_of, parameters, tensor_record  # noqa: E402

torch.set_num_threads(1)
WOLFE = {'lineSearchFn': 'strong_wolfe'}
RUNS = [
    ('line', {}),
    ('line', {'lr': 0.1, 'maxIter': 3}),
    ('line', {'maxIter': 4, **WOLFE}),
    ('line', {'lr': 0.5, 'maxIter': 5, 'historySize': 2, **WOLFE}),
    ('valley', {'lr': 1e-2, 'maxIter': 5}),
    ('valley', {'maxIter': 4, **WOLFE}),
    ('valley', {'maxIter': 8, 'historySize': 3, **WOLFE}),
    ('valley', {'maxIter': 20, 'maxEval': 7, 'toleranceGrad': 1e-3, 'toleranceChange': 1e-4, **WOLFE}),
    ('valley', {'lr': 30, 'maxIter': 6, **WOLFE}),
]


def start(problem):
    if problem == 'line':
        params = list(parameters())
        return params, lambda: loss_of(*params)
    x, y = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (-1.5, 2.0)]
    return [x, y], lambda: (1 - x) ** 2 + 100 * (y - x**2) ** 2


def plain(value):
    if isinstance(value, list):
        return [plain(x) for x in value]
    if isinstance(value, torch.Tensor):
        return tensor_record(value) if value.dim() else number(value)
    return value


def run(problem, options, keep):
    params, loss_of = start(problem)
    optimizer = torch.optim.LBFGS(params, **options_of(options))
    out = {'problem': problem, 'options': options, 'losses': [], 'params': [], 'evals': []}
    calls = 0

    def closure():
        nonlocal calls
        calls += 1
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        return loss

    for k in range(4):
        out['losses'].append(number(optimizer.step(closure)))
        out['params'].append([x for p in params for x in data_of(p)])
        out['evals'].append(calls)
        if k == 1 and keep:
            state = optimizer.state_dict()['state'][0]
            out['state'] = {name: plain(x) for name, x in state.items() if name != 'al'}
    return out


if __name__ == '__main__':
    params, _ = start('line')
    optimizer = torch.optim.LBFGS(params)
    write(
        'packages/core/test/golden/lbfgs.json',
        {
            'runs': [run(*one, i in (2, 6)) for i, one in enumerate(RUNS)],
            'repr': repr(optimizer),
            'errors': {
                'several groups': attempt(lambda: torch.optim.LBFGS([{'params': [p]} for p in params])),
                'no closure': attempt(lambda: optimizer.step()),
                'no loss': attempt(lambda: optimizer.step(lambda: None)),
            },
        },
        depth=2,
    )
