#!/usr/bin/env python3
"""Losses, batch normalisation and optimizers, closer than train.py looks. Run by /usr/bin/python3 from anywhere.

A tensor is {"dtype", "shape", "data"}. Names and options are in camelCase.

packages/core/test/golden/losses.json
  cases    [{fn, args, options, grads, out, first, second?}]: F.<fn>(...args, options) in float64. `grads` are the positions
           of the arguments that want a gradient. `first` are the gradients under the cotangent c of train.py,
           `second` those of the sum of c' * g * g over all first gradients g, where PyTorch has them.
  errors   [{fn, args, options, error, message}]
  names    [{fn, options, name}]: the node of the result
packages/core/test/golden/steps.json
  cases    [{optimizer, options, after: {"1": bits, "6": bits}}]: a parameter of 37 float32 after 1 and 6 steps with given
           gradients, bit for bit; p[i] = ((11 i + 5) mod 23 - 11) / 7.3, step k's g[i] = ((7 i + 13 k + 3) mod 29 - 14) / 9.7.
"""
import os
import sys
import warnings

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from format import write  # noqa: E402
from train import attempt, bits, camel, cotangent, options_of, snake, tensor_record  # noqa: E402

warnings.simplefilter('ignore')
torch.set_num_threads(1)


def spread(shape, a, b, low, high):
    """Numbers between low and high that repeat late."""
    n = 1
    for size in shape:
        n *= size
    values = [low + (high - low) * (((a * i + b) % 31) / 31) for i in range(n)]
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


X = spread([2, 3], 7, 3, -2, 2)
Y = spread([2, 3], 11, 5, -1, 2)
P = spread([2, 3], 7, 3, 0.05, 0.95)
T = spread([2, 3], 11, 5, 0.1, 0.9)
CLASSES = spread([3, 4], 9, 2, -2, 2)
EXTREME = torch.tensor([[-torch.inf, 1, 2, 0], [1e4, -1e4, 0, 9999], [-1, -torch.inf, -torch.inf, -torch.inf]], dtype=torch.float64)
PIXELS = spread([2, 3, 2], 9, 2, -2, 2)
IMAGES = spread([2, 3, 2, 2], 9, 2, -2, 2)
WEIGHT = torch.tensor([1, 0.5, 2, 3], dtype=torch.float64)
SOFT = F.softmax(spread([3, 4], 5, 1, -1, 1), 1)
LABELS = torch.tensor([1, 3, 0])
SOME = torch.tensor([1, -100, 0])

CASES = []
for reduction in ('mean', 'sum', 'none'):
    r = {'reduction': reduction}
    CASES += [
        ('mse_loss', [X, Y], r, [0, 1]),
        ('mse_loss', [X, Y[0]], r, [0, 1]),
        ('mse_loss', [X[:, :1], Y[0]], r, [0, 1]),
        ('l1_loss', [X, Y], r, [0, 1]),
        ('l1_loss', [X[:, :1], Y], r, [0, 1]),
        ('binary_cross_entropy', [P, T], r, [0]),
        ('binary_cross_entropy', [P, T], r, [0, 1]),
        ('binary_cross_entropy', [P, T], {**r, 'weight': WEIGHT[:3]}, [0]),
        ('binary_cross_entropy_with_logits', [X, T], r, [0, 1]),
        ('binary_cross_entropy_with_logits', [X, T], {**r, 'weight': WEIGHT[:3]}, [0, 1]),
        ('binary_cross_entropy_with_logits', [X, T], {**r, 'pos_weight': WEIGHT[:3]}, [0]),
        ('binary_cross_entropy_with_logits', [X, T], {**r, 'weight': WEIGHT[:2, None], 'pos_weight': WEIGHT[1:]}, [0]),
        ('nll_loss', [CLASSES, LABELS], r, [0]),
        ('nll_loss', [CLASSES, SOME], {**r, 'weight': WEIGHT}, [0]),
        ('nll_loss', [CLASSES, LABELS], {**r, 'ignore_index': 3}, [0]),
        ('nll_loss', [CLASSES[0], torch.tensor(2)], r, [0]),
        ('nll_loss', [PIXELS, torch.tensor([[0, 2], [1, 1]])], {**r, 'weight': WEIGHT[:3]}, [0]),
        ('nll_loss', [IMAGES, torch.tensor([[[0, 2], [1, 1]], [[2, 2], [-100, 0]]])], r, [0]),
        ('cross_entropy', [CLASSES, LABELS], r, [0]),
        ('cross_entropy', [EXTREME, LABELS], r, [0]),
        ('cross_entropy', [CLASSES[1], torch.tensor(3)], r, [0]),
        ('cross_entropy', [CLASSES, SOME], {**r, 'weight': WEIGHT}, [0]),
        ('cross_entropy', [CLASSES, SOME], {**r, 'label_smoothing': 0.2}, [0]),
        ('cross_entropy', [CLASSES, SOME], {**r, 'label_smoothing': 0.2, 'weight': WEIGHT}, [0]),
        ('cross_entropy', [PIXELS, torch.tensor([[0, 2], [1, 1]])], {**r, 'label_smoothing': 0.1}, [0]),
        ('cross_entropy', [CLASSES, SOFT], r, [0, 1]),
        ('cross_entropy', [CLASSES[0], SOFT[0]], r, [0, 1]),
        ('cross_entropy', [CLASSES, SOFT], {**r, 'weight': WEIGHT, 'label_smoothing': 0.3}, [0, 1]),
        ('cross_entropy', [PIXELS, F.softmax(PIXELS * 2, 1)], {**r, 'weight': WEIGHT[:3]}, [0, 1]),
    ]
BATCH = spread([4, 3], 7, 3, -2, 2)
ROWS = spread([3, 2, 4], 13, 3, -2, 2)
MEAN, VARIANCE = torch.tensor([0.1, -0.2, 0.3], dtype=torch.float64), torch.tensor([1.5, 0.5, 2], dtype=torch.float64)
GAIN, SHIFT = torch.tensor([0.5, 2, -1], dtype=torch.float64), torch.tensor([0.1, 0, -0.3], dtype=torch.float64)
CASES += [
    ('batch_norm', [BATCH, None, None], {'training': True}, [0]),
    ('batch_norm', [BATCH, None, None, GAIN, SHIFT], {'training': True}, [0, 3, 4]),
    ('batch_norm', [ROWS, None, None, GAIN[:2], SHIFT[:2]], {'training': True, 'eps': 0.1}, [0, 3, 4]),
    ('batch_norm', [BATCH, MEAN, VARIANCE], {}, [0]),
    ('batch_norm', [BATCH, MEAN, VARIANCE, GAIN, SHIFT], {'eps': 0.01}, [0, 3, 4]),
    ('batch_norm', [ROWS, MEAN[:2], VARIANCE[:2], GAIN[:2], SHIFT[:2]], {}, [0, 3, 4]),
]


def argument(x):
    return tensor_record(x) if isinstance(x, torch.Tensor) else x


def header(fn, args, options):
    # Function names are in camelCase, batchNorm included.
    return {
        'fn': camel(fn),
        'args': [argument(x) for x in args],
        'options': {camel(k): argument(v) for k, v in options.items()},
    }


def case(fn, args, options, wanted):
    leaves = [args[i].clone().requires_grad_() for i in wanted]
    call = [x.clone() if isinstance(x, torch.Tensor) else x for x in args]
    for i, leaf in zip(wanted, leaves):
        call[i] = leaf
    out = getattr(F, fn)(*call, **options)
    first = torch.autograd.grad(out, leaves, cotangent(out), create_graph=True)
    record = {
        **header(fn, args, options),
        'grads': wanted,
        'out': tensor_record(out),
        'first': [tensor_record(g) for g in first],
    }
    try:
        total = sum((cotangent(g, 1) * g * g).sum() for g in first)
        second = torch.autograd.grad(total, leaves, allow_unused=True)
        record['second'] = [None if g is None else tensor_record(g) for g in second]
    except RuntimeError:
        pass
    return record


x = X.float()
i = torch.tensor([1, 0])
ERRORS = [
    ('mse_loss', [i, i], {}),
    ('l1_loss', [i, i], {}),
    ('binary_cross_entropy', [P, P.float()], {}),
    ('binary_cross_entropy', [i, i], {}),
    ('binary_cross_entropy', [P, T], {'weight': WEIGHT}),
    ('binary_cross_entropy', [P, T], {'weight': torch.ones(4, 2, 3)}),
    ('binary_cross_entropy_with_logits', [x, torch.ones(2, 3, dtype=torch.int64)], {}),
    ('binary_cross_entropy_with_logits', [X, T], {'pos_weight': WEIGHT}),
    ('binary_cross_entropy_with_logits', [X, T], {'weight': torch.ones(4, 2, 3)}),
    ('nll_loss', [x, i], {'weight': torch.ones(2)}),
    ('nll_loss', [x, i], {'weight': torch.ones(3, dtype=torch.float64)}),
    ('nll_loss', [x, torch.zeros(2, 2, dtype=torch.int64)], {}),
    ('nll_loss', [x, torch.tensor([True, False])], {}),
    ('nll_loss', [torch.tensor(1.0), torch.tensor(0)], {}),
    ('nll_loss', [x[0], i], {}),
    ('nll_loss', [x, torch.tensor(1)], {}),
    ('nll_loss', [torch.ones(2, 3, 4), torch.zeros(2, 3, dtype=torch.int64)], {}),
    ('nll_loss', [torch.ones(2, 3, 4, 5), torch.zeros(2, 3, dtype=torch.int64)], {}),
    ('nll_loss', [torch.ones(2, 3, 4, 5), torch.zeros(2, 4, 4, dtype=torch.int64)], {}),
    ('nll_loss', [torch.ones(1, 2, dtype=torch.int64), torch.tensor([0])], {}),
    ('nll_loss', [x, torch.tensor([2, 5])], {'weight': torch.ones(3)}),
    ('nll_loss', [x, torch.tensor([2, -100])], {'ignore_index': 1}),
    ('nll_loss', [x, i], {'reduction': 'avg'}),
    ('cross_entropy', [x, x], {'ignore_index': 2}),
    ('cross_entropy', [x, i], {'label_smoothing': 1.5}),
    ('cross_entropy', [x, x], {'label_smoothing': 1.5}),
    ('cross_entropy', [x, x], {'weight': torch.ones(2)}),
    ('cross_entropy', [x, i], {'weight': torch.ones(2), 'label_smoothing': 0.1}),
    ('cross_entropy', [torch.tensor(1.0), torch.tensor(1.0)], {}),
    ('cross_entropy', [x, torch.tensor([3, 0])], {'label_smoothing': 0.1}),
    ('batch_norm', [x, MEAN[:2].float(), VARIANCE[:2].float()], {}),
    ('batch_norm', [x, None, None, GAIN[:2].float()], {'training': True}),
    ('batch_norm', [x[:1], None, None], {'training': True}),
    ('batch_norm', [x, None, None], {}),
]


def names():
    x = X.float().requires_grad_()
    p = P.float().requires_grad_()
    labels = torch.tensor([2, 0])
    out = []
    for reduction in ('mean', 'sum', 'none'):
        for fn, args, options in (
            ('mse_loss', [x, Y], {}),
            ('l1_loss', [x, Y], {}),
            ('binary_cross_entropy', [p, T.float()], {}),
            ('binary_cross_entropy_with_logits', [x, T.float()], {}),
            ('nll_loss', [x, labels], {}),
            ('cross_entropy', [x, labels], {}),
            ('cross_entropy', [x, labels], {'label_smoothing': 0.1}),
            ('cross_entropy', [x, T.float()], {}),
        ):
            y = getattr(F, fn)(*args, **options, reduction=reduction)
            out.append({**header(fn, args, {**options, 'reduction': reduction}), 'name': type(y.grad_fn).__name__})
    return out


STEPS = [
    ('SGD', {'lr': 0.1}),
    ('SGD', {'lr': 0.013, 'weightDecay': 0.03}),
    ('SGD', {'lr': 0.1, 'momentum': 0.9}),
    ('SGD', {'lr': 0.1, 'momentum': 0.9, 'dampening': 0.3, 'weightDecay': 0.01, 'maximize': True}),
    ('SGD', {'lr': 0.07, 'momentum': 0.85, 'nesterov': True, 'weightDecay': 0.001}),
    ('Adam', {'lr': 0.1}),
    ('Adam', {'lr': 0.003, 'betas': [0.8, 0.95], 'eps': 1e-6, 'weightDecay': 0.03}),
    ('Adam', {'lr': 0.01, 'amsgrad': True, 'maximize': True}),
    ('AdamW', {'lr': 0.1}),
    ('AdamW', {'lr': 0.02, 'weightDecay': 0.2, 'amsgrad': True, 'betas': [0.7, 0.9]}),
    ('RMSprop', {'lr': 0.1}),
    ('RMSprop', {'lr': 0.013, 'alpha': 0.9, 'eps': 1e-6, 'weightDecay': 0.03, 'maximize': True}),
    ('RMSprop', {'lr': 0.01, 'momentum': 0.85}),
    ('RMSprop', {'lr': 0.02, 'centered': True, 'momentum': 0.9}),
]


def step_case(kind, options):
    p = torch.tensor([((11 * i + 5) % 23 - 11) / 7.3 for i in range(37)], requires_grad=True)
    optimizer = getattr(torch.optim, kind)([p], **options_of(options))
    after = {}
    for k in range(6):
        p.grad = torch.tensor([((7 * i + 13 * k + 3) % 29 - 14) / 9.7 for i in range(37)])
        optimizer.step()
        if k in (0, 5):
            after[str(k + 1)] = bits(p)
    return {'optimizer': kind, 'options': options, 'after': after}


if __name__ == '__main__':
    errors = [{**header(*e), **attempt(lambda e=e: getattr(F, e[0])(*e[1], **e[2]))} for e in ERRORS]
    write(
        'packages/core/test/golden/losses.json',
        {'cases': [case(*c) for c in CASES], 'errors': errors, 'names': names()},
        depth=2,
    )
    write('packages/core/test/golden/steps.json', {'cases': [step_case(*c) for c in STEPS]}, depth=2)
