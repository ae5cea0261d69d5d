#!/usr/bin/env python3
"""Opens the files that flambeau writes in real PyTorch, plain and with weights_only, and compares every value, every view and
every storage with what flambeau says of it. Run by /usr/bin/python3.

packages/core/test/golden/pt-opened.json   {name: SHA-256 of the file that was opened}: a test writes them again
"""
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
from torch import nn  # noqa: E402
from format import ROOT, write  # noqa: E402
from stored import described  # noqa: E402

warnings.simplefilter('ignore')


def differences(found, wanted, path=''):
    if isinstance(found, dict) and isinstance(wanted, dict) and found.keys() == wanted.keys():
        return [line for key in found for line in differences(found[key], wanted[key], f'{path}.{key}')]
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        return [line for i, pair in enumerate(zip(found, wanted)) for line in differences(*pair, f'{path}[{i}]')]
    return [] if found == wanted and type(found) is type(wanted) else [f'{path}: {str(found)[:200]} instead of {str(wanted)[:200]}']


L = torch.optim.lr_scheduler
# Schedulers of other arguments, which take over all that the state has.
SCHEDULERS = {
    'StepLR': lambda o: L.StepLR(o, 7, 0.9),
    'MultiStepLR': lambda o: L.MultiStepLR(o, [1]),
    'ExponentialLR': lambda o: L.ExponentialLR(o, 0.3),
    'LambdaLR': lambda o: L.LambdaLR(o, lambda epoch: 1 / (1 + epoch)),
    'MultiplicativeLR': lambda o: L.MultiplicativeLR(o, lambda epoch: 0.9),
    'ConstantLR': lambda o: L.ConstantLR(o),
    'LinearLR': lambda o: L.LinearLR(o),
    'PolynomialLR': lambda o: L.PolynomialLR(o),
    'CosineAnnealingLR': lambda o: L.CosineAnnealingLR(o, 3),
    'CosineAnnealingWarmRestarts': lambda o: L.CosineAnnealingWarmRestarts(o, 5),
    'CyclicLR': lambda o: L.CyclicLR(o, 0.2, 0.3, mode='triangular2'),
    'OneCycleLR': lambda o: L.OneCycleLR(o, 0.3, total_steps=20),
    'ReduceLROnPlateau': lambda o: L.ReduceLROnPlateau(o),
    'SequentialLR': lambda o: L.SequentialLR(o, [L.ConstantLR(o), L.ExponentialLR(o, 0.3)], [1]),
    'ChainedScheduler': lambda o: L.ChainedScheduler([L.MultiStepLR(o, [1]), L.LinearLR(o)]),
    'SWALR': lambda o: torch.optim.swa_utils.SWALR(o, 0.3),
}


def schedulers_that_differ(states):
    for name, state in states.items():
        optimizer = torch.optim.SGD([torch.ones(2, requires_grad=True)], lr=0.3, momentum=0.5)
        scheduler = SCHEDULERS[name](optimizer)
        optimizer.load_state_dict(state['optimizer'])
        scheduler.load_state_dict(state['scheduler'])
        theirs = {k for k in scheduler.__dict__ if k not in ('optimizer', 'is_better', 'anneal_func', '_scale_fn_ref', '_scale_fn_custom')}
        lacks = theirs - set(state['scheduler']) - {'_get_lr_called_within_step', 'lr_lambdas', 'mode_worse', 'use_beta1', '_optimizer'}
        if lacks:
            yield f'the state of {name} lacks {sorted(lacks)}'
        for wanted in state['next']:
            optimizer.step()
            scheduler.step(*([1] if name == 'ReduceLROnPlateau' else []))
            group = optimizer.param_groups[0]
            found = [group['lr'], group['momentum']]
            if any(abs(a - b) > 1e-12 * abs(b) for a, b in zip(found, wanted)):
                yield f"PyTorch's {name} goes on with {found} instead of {wanted}"


digests = {}
failed = []
with tempfile.TemporaryDirectory() as folder:
    subprocess.run(['node', os.path.join(ROOT, 'tools/golden/pt-written.mjs'), folder], check=True)
    with open(os.path.join(folder, 'cases.json')) as file:
        cases = json.load(file)
    for name, case in cases.items():
        path = os.path.join(folder, f'{name}.pt')
        for weights_only in (False, True):
            try:
                opened = torch.load(path, weights_only=weights_only)
                found = described(opened, {})
            except Exception as error:  # noqa: BLE001
                # What PyTorch 1.13 itself cannot read with weights_only must be named so, and nothing else.
                if not (weights_only and case['plainOnly'] and 'Unsupported operand' in str(error)):
                    failed.append(f'{name}: {error}')
                continue
            if weights_only and case['plainOnly']:
                failed.append(f'{name}: opens with weights_only')
            failed += [f'{name}{line}' for line in differences(found, case['holds'])]
            if name == 'schedulers':
                failed += schedulers_that_differ(opened)
            if name == 'optimizer':
                p, frozen = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1), False)
                adam = torch.optim.Adam([p, frozen])
                adam.load_state_dict(opened['adam'])
                if adam.param_groups[0]['lr'] != 0.01 or not torch.equal(adam.state[p]['exp_avg'], torch.tensor([0.05, 0.025])):
                    failed.append("PyTorch's optimizer does not go on with the state")
                p.grad = torch.ones(2)
                adam.step()
        with open(path, 'rb') as file:
            digests[name] = hashlib.sha256(file.read()).hexdigest()
if failed:
    sys.exit('\n'.join(failed))
print(f'PyTorch {torch.__version__} opened {len(cases)} files')
write('packages/core/test/golden/pt-opened.json', digests)
