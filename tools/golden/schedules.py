#!/usr/bin/env python3
"""Schedulers, from real PyTorch 1.13. Run by /usr/bin/python3 from anywhere.

packages/core/test/golden/schedules.json
  runs     [{name, make, optimizer, metrics?, epochs?, rates, momenta}]: an optimizer over two groups with learning rates
           0.1 and 0.04; `make` is [class, ...args, options?], made for the optimizer, where an argument that is such a list
           is a scheduler itself. rates and momenta are a list for each step, the constructor's first: of each group, the
           learning rate and the momentum or first beta. `metrics` and `epochs` are the arguments of the steps.
           A factor is named: 'slow' is 0.95 ** epoch, 'fast' is 1 / (1 + epoch), 'half' is 0.5 + 0 * x.
  file     torch.save of {number of a run of SGD: {optimizer, scheduler}} after 4 steps, compressed by gzip, in base64; without the functions that
           cannot be written. Tests go on with the states in schedulers of `others`
  others   {class: make}: schedulers with other arguments
  verbose  [{make, metrics?, lines}]: what SGD's steps print, 3 of them
  errors   [{make, optimizer, steps, error, message}]: of the constructor, or of the step after so many
Lists among the arguments are lists in Python, names are in camelCase.
"""
import base64
import contextlib
import gzip
import io
import os
import sys
import warnings

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
from torch.optim import lr_scheduler  # noqa: E402
from format import short, write  # noqa: E402
from train import snake  # noqa: E402

warnings.simplefilter('ignore')
FACTORS = {'slow': lambda epoch: 0.95 ** epoch, 'fast': lambda epoch: 1 / (1 + epoch), 'half': lambda x: 0.5 + 0 * x}
SNAKE = {'TMax': 'T_max', 'T0': 'T_0', 'TMult': 'T_mult'}


def is_make(x):
    return isinstance(x, list) and x and isinstance(x[0], str) and hasattr(lr_scheduler, x[0])


def given(x, optimizer):
    if is_make(x):
        return make(x, optimizer)
    if isinstance(x, list):
        return [given(one, optimizer) for one in x]
    return FACTORS[x] if isinstance(x, str) and x in FACTORS else x


def make(spec, optimizer):
    name, *args = spec
    options = args.pop() if args and isinstance(args[-1], dict) else {}
    own = [] if name == 'ChainedScheduler' else [optimizer]
    return getattr(lr_scheduler, name)(
        *own,
        *[given(x, optimizer) for x in args],
        **{SNAKE.get(k) or snake(k): given(v, optimizer) for k, v in options.items()},
    )


def optimizer_of(kind, options={}):
    groups = [{'params': [torch.ones(2, requires_grad=True)]}, {'params': [torch.ones(3, requires_grad=True)], 'lr': 0.04}]
    return getattr(torch.optim, kind)(groups, lr=0.1, **options)


RUNS = [
    (['StepLR', 3, {'gamma': 0.5}], {}),
    (['MultiStepLR', [2, 5, 5, 9], 0.5], {}),
    (['MultiStepLR', [3]], {}),
    (['ExponentialLR', 0.9], {}),
    (['LambdaLR', 'slow'], {}),
    (['LambdaLR', ['slow', 'fast']], {}),
    (['MultiplicativeLR', ['half', 'slow']], {}),
    (['ConstantLR'], {}),
    (['ConstantLR', 0.25, 3], {}),
    (['LinearLR'], {}),
    (['LinearLR', {'startFactor': 1, 'endFactor': 0.1, 'totalIters': 8}], {}),
    (['PolynomialLR'], {}),
    (['PolynomialLR', 10, 2.5], {}),
    (['CosineAnnealingLR', 4], {}),
    (['CosineAnnealingLR', {'TMax': 10, 'etaMin': 0.001}], {}),
    (['CosineAnnealingWarmRestarts', 3], {}),
    (['CosineAnnealingWarmRestarts', 2, 2, 0.001], {}),
    (['CosineAnnealingWarmRestarts', 2, 2], {'epochs': [0, 0.25, 0.5, 1, 2, 2.75, 5.5, 6, 13.5, None, None, 1]}),
    (['CosineAnnealingWarmRestarts', 3], {'epochs': [0.5, 1.5, 2.5, 3.5, 7.25, None]}),
    (['StepLR', 3], {'epochs': [2, 3, 7, None]}),
    (['MultiStepLR', [2, 2, 5]], {'epochs': [2, 4, 7, None]}),
    (['ExponentialLR', 0.5], {'epochs': [2, 4, 0, None]}),
    (['ConstantLR'], {'epochs': [2, 5, 0, None]}),
    (['LinearLR'], {'epochs': [2, 5, 0, None]}),
    (['PolynomialLR'], {'epochs': [2, 4, 0, None]}),
    (['CosineAnnealingLR', 5], {'epochs': [2, 4, 0, None]}),
    (['LambdaLR', 'slow'], {'epochs': [2, 4, 0, None]}),
    (['CyclicLR', 0.01, 0.1, {'stepSizeUp': 3}], {'only': 'SGD'}),
    (['CyclicLR', 0.01, [0.1, 0.2], 2, 4, 'triangular2'], {'only': 'SGD'}),
    (['CyclicLR', [0.01, 0.02], 0.1, {'stepSizeUp': 4, 'mode': 'exp_range', 'gamma': 0.9, 'cycleMomentum': False}], {}),
    (['CyclicLR', 0.01, 0.1, {'stepSizeUp': 2, 'scaleFn': 'fast', 'scaleMode': 'iterations', 'baseMomentum': [0.5, 0.6], 'maxMomentum': 0.95}], {'only': 'SGD'}),
    (['OneCycleLR', 0.5, 12], {}),
    (['OneCycleLR', [0.5, 0.2], {'epochs': 4, 'stepsPerEpoch': 3, 'pctStart': 0.4, 'annealStrategy': 'linear'}], {}),
    (['OneCycleLR', 0.5, {'totalSteps': 12, 'threePhase': True, 'divFactor': 10, 'finalDivFactor': 100, 'baseMomentum': 0.7, 'maxMomentum': [0.9, 0.8]}], {}),
    (['OneCycleLR', 0.5, {'totalSteps': 20, 'cycleMomentum': False}], {}),
    (['SequentialLR', [['ConstantLR', 0.1, 2], ['ExponentialLR', 0.9]], [4]], {}),
    (['SequentialLR', [['LinearLR', 0.1, {'totalIters': 3}], ['CosineAnnealingLR', 5], ['StepLR', 2]], [3, 8]], {}),
    (['SequentialLR', {'schedulers': [['LambdaLR', 'fast'], ['CosineAnnealingWarmRestarts', 3]], 'milestones': [5]}], {}),
    (['ChainedScheduler', [['ConstantLR', 0.1, 2], ['ExponentialLR', 0.9]]], {}),
    (['ChainedScheduler', [['MultiStepLR', [3, 6]], ['LinearLR', 0.5], ['MultiplicativeLR', 'slow']]], {}),
    (['ReduceLROnPlateau'], {'metrics': [1.0] * 13}),
    (['ReduceLROnPlateau', 'min', 0.5, 1], {'metrics': [1.0, 0.9, 0.90001, 0.95, 0.9, 0.8, 0.81, float('nan'), 0.9, 0.79999, 0.5]}),
    (['ReduceLROnPlateau', {'mode': 'max', 'factor': 0.2, 'patience': 0, 'threshold': 0.01, 'cooldown': 2, 'minLr': [0.03, 0.001]}], {'metrics': [0.1, 0.2, 0.2005, 0.2, 0.2, 0.2, 0.2, 0.3, 0.2]}),
    (['ReduceLROnPlateau', {'patience': 1, 'thresholdMode': 'abs', 'threshold': 0.1, 'eps': 0.05}], {'metrics': [1, 0.95, 0.92, 0.91, 0.89, 0.85, 0.84]}),
    (['ReduceLROnPlateau', {'mode': 'max', 'patience': 1, 'thresholdMode': 'abs', 'minLr': 0.02}], {'metrics': [1, 1, 1, 1.2, 1.1, 1.1, 1.1, 1.1]}),
]
OTHERS = {
    'StepLR': ['StepLR', 7, 0.9],
    'MultiStepLR': ['MultiStepLR', [1]],
    'ExponentialLR': ['ExponentialLR', 0.3],
    'ConstantLR': ['ConstantLR', 0.9, 2],
    'LinearLR': ['LinearLR', 0.9, 0.8, 2],
    'PolynomialLR': ['PolynomialLR', 3, 7],
    'CosineAnnealingLR': ['CosineAnnealingLR', 33, 0.01],
    'CosineAnnealingWarmRestarts': ['CosineAnnealingWarmRestarts', 7, 3, 0.01],
    'CyclicLR': ['CyclicLR', 0.2, 0.3, 7],
    'OneCycleLR': ['OneCycleLR', 0.3, {'totalSteps': 50, 'pctStart': 0.5}],
    'ReduceLROnPlateau': ['ReduceLROnPlateau', 'min', 0.9, 7],
}
ERRORS = [
    (['MultiplicativeLR', ['half']], 'SGD', 0),
    (['LambdaLR', ['half', 'half', 'half']], 'SGD', 0),
    (['ConstantLR', 1.5], 'SGD', 0),
    (['ConstantLR', -0.5], 'SGD', 0),
    (['LinearLR', 1.5], 'SGD', 0),
    (['LinearLR', -1], 'SGD', 0),
    (['LinearLR', {'endFactor': 2}], 'SGD', 0),
    (['CosineAnnealingWarmRestarts', 0], 'SGD', 0),
    (['CosineAnnealingWarmRestarts', 1.5], 'SGD', 0),
    (['CosineAnnealingWarmRestarts', 2, 0], 'SGD', 0),
    (['CyclicLR', 0.1, 0.2], 'Adam', 0),
    (['CyclicLR', [0.1], 0.2], 'SGD', 0),
    (['CyclicLR', 0.1, [0.1, 0.2, 0.3]], 'SGD', 0),
    (['CyclicLR', 0.1, 0.2, {'baseMomentum': [0.1]}], 'SGD', 0),
    (['CyclicLR', 0.1, 0.2, {'mode': 'square'}], 'SGD', 0),
    (['OneCycleLR', 0.1], 'SGD', 0),
    (['OneCycleLR', 0.1, 0], 'SGD', 0),
    (['OneCycleLR', 0.1, 2.5], 'SGD', 0),
    (['OneCycleLR', 0.1, {'epochs': -1, 'stepsPerEpoch': 3}], 'SGD', 0),
    (['OneCycleLR', 0.1, {'epochs': 1, 'stepsPerEpoch': 0}], 'SGD', 0),
    (['OneCycleLR', 0.1, 5, {'pctStart': 1.5}], 'SGD', 0),
    (['OneCycleLR', 0.1, 5, {'annealStrategy': 'sine'}], 'SGD', 0),
    (['OneCycleLR', [0.1], 5], 'SGD', 0),
    (['OneCycleLR', 0.1, 3], 'SGD', 3),
    (['OneCycleLR', 0.1, 5], 'Adagrad', 0),
    (['SequentialLR', [['ConstantLR'], ['ConstantLR']], [1, 2]], 'SGD', 0),
    (['ReduceLROnPlateau', 'mean'], 'SGD', 0),
    (['ReduceLROnPlateau', {'factor': 1}], 'SGD', 0),
    (['ReduceLROnPlateau', {'thresholdMode': 'relative'}], 'SGD', 0),
    (['ReduceLROnPlateau', {'minLr': [0.1]}], 'SGD', 0),
]
VERBOSE = [
    (['ExponentialLR', 0.9, {'verbose': True}], None),
    (['CosineAnnealingWarmRestarts', 3, {'verbose': True}], None),
    (['ReduceLROnPlateau', {'patience': 0, 'verbose': True}], [1, 1, 1]),
]


def main():
    numbers = lambda xs: [short(float(x), 17) for x in xs]
    momentum = lambda group: group['betas'][0] if 'betas' in group else group['momentum']
    out = {'runs': [], 'others': OTHERS, 'verbose': [], 'errors': []}
    states = {}
    for spec, more in RUNS:
        for kind, options in (('SGD', {'momentum': 0.9}), ('Adam', {})):
            if more.get('only', kind) != kind:
                continue
            optimizer = optimizer_of(kind, options)
            scheduler = make(spec, optimizer)
            rates, momenta = [], []

            def note():
                rates.append(numbers(g['lr'] for g in optimizer.param_groups))
                momenta.append(numbers(momentum(g) for g in optimizer.param_groups))

            note()
            extra = {k: [short(x, 17) if x is not None else x for x in more[k]] for k in ('metrics', 'epochs') if k in more}
            for k, x in enumerate(more.get('metrics') or more.get('epochs') or [None] * 12):
                if k == 4 and kind == 'SGD':
                    buffer = io.BytesIO()
                    states[len(out['runs'])] = {
                        'optimizer': optimizer.state_dict(),
                        'scheduler': {
                            k: v for k, v in scheduler.state_dict().items() if k not in ('anneal_func', '_scale_fn_ref') and not callable(v)
                        },
                    }
                    # A copy, because states share lists with what goes on.
                    torch.save(states, buffer)
                    states = torch.load(io.BytesIO(buffer.getvalue()))
                optimizer.step()
                scheduler.step(*([] if x is None else [x]))
                note()
            record = {'make': spec, 'optimizer': kind, **extra, 'rates': rates, 'momenta': momenta}
            out['runs'].append(record)
    buffer = io.BytesIO()
    torch.save(states, buffer)
    out['file'] = base64.b64encode(gzip.compress(buffer.getvalue(), mtime=0)).decode()
    for spec, metrics in VERBOSE:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            optimizer = optimizer_of('SGD')
            scheduler = make(spec, optimizer)
            for x in metrics or [None] * 3:
                optimizer.step()
                scheduler.step(*([] if x is None else [x]))
        record = {'make': spec, 'lines': printed.getvalue().splitlines()}
        out['verbose'].append({**record, **({'metrics': metrics} if metrics else {})})
    for spec, kind, steps in ERRORS:
        try:
            scheduler = make(spec, optimizer_of(kind))
            for _ in range(steps):
                scheduler.step()
            scheduler.step()
        except Exception as error:
            out['errors'].append({'make': spec, 'optimizer': kind, 'steps': steps, 'error': type(error).__name__, 'message': str(error)})
        else:
            raise AssertionError(f'PyTorch accepts {spec}')
    write('packages/core/test/golden/schedules.json', out, depth=2)


main()
