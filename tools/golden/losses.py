#!/usr/bin/env python3
"""Writes packages/core/test/golden/more-losses.json: losses of regression, likelihood, margins and triplets in real
PyTorch 1.13, in the form that nn.py describes; and its modules in the form of train.py.

    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/losses.py

modules  [{make, text, args, output, grads}]: printing, and the loss of float32 inputs with its gradients
"""
import os
import sys
import warnings

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from format import write  # noqa: E402
from nn import CLASSES, LABELS, P, T, WEIGHT, X, Y, case, header, spread  # noqa: E402
from train import attempt, cotangent, make, snake, tensor_record  # noqa: E402

warnings.simplefilter('ignore')
torch.set_num_threads(1)

Z = spread([2, 3], 13, 2, -2, 2)
V = spread([2, 3], 7, 9, 0.2, 2)
COUNTS = torch.tensor([[0.0, 1, 2], [3, 1, 7]], dtype=torch.float64)
SIGNS = torch.tensor([[1.0, -1, 1], [-1, 1, -1]], dtype=torch.float64)
PAIRS = torch.tensor([1.0, -1], dtype=torch.float64)
LISTS = torch.tensor([[3, 0, -1, 1], [2, 2, 1, -1], [-1, 0, 1, 2]])
nan, inf = float('nan'), float('inf')
KINKS = torch.tensor([0.0, 1, -1, 0.5, -0.5, 3, nan, inf, -inf], dtype=torch.float64)
ZEROS = torch.zeros(9, dtype=torch.float64)
FLAT = torch.tensor([[0.0, 0], [1, 2]], dtype=torch.float64)

CASES = []
for reduction in ('mean', 'sum', 'none'):
    r = {'reduction': reduction}
    CASES += [
        ('smooth_l1_loss', [X, Y], r, [0, 1]),
        ('smooth_l1_loss', [X[:, :1], Y[0]], {**r, 'beta': 0.5}, [0, 1]),
        ('huber_loss', [X, Y], r, [0, 1]),
        ('huber_loss', [X, Y[0]], {**r, 'delta': 0.5}, [0, 1]),
        ('kl_div', [P.log(), T], r, [0, 1]),
        ('kl_div', [P.log(), T.log()], {**r, 'log_target': True}, [0, 1]),
        ('kl_div', [P.log(), T[0]], r, [0, 1]),
        ('poisson_nll_loss', [X, COUNTS], r, [0]),
        ('poisson_nll_loss', [X, COUNTS], {**r, 'full': True}, [0]),
        ('poisson_nll_loss', [V, V + 1], {**r, 'full': True, 'log_input': False, 'eps': 0.1}, [0, 1]),
        ('gaussian_nll_loss', [X, Y, V], r, [0, 1, 2]),
        ('gaussian_nll_loss', [X, Y, V[:, 0]], {**r, 'full': True}, [0, 1, 2]),
        ('gaussian_nll_loss', [X, Y[0], V[:, :1]], {**r, 'eps': 1}, [0, 1, 2]),
        ('margin_ranking_loss', [X, Y, SIGNS], {**r, 'margin': 0.3}, [0, 1, 2]),
        ('margin_ranking_loss', [X[0], Y[0], SIGNS[0]], r, [0, 1]),
        ('hinge_embedding_loss', [X, SIGNS], r, [0]),
        ('hinge_embedding_loss', [X, COUNTS[0]], {**r, 'margin': 0.3}, [0]),
        ('soft_margin_loss', [X, SIGNS], r, [0]),
        ('soft_margin_loss', [X, SIGNS[0]], r, [0]),
        ('cosine_embedding_loss', [X, Y, PAIRS], r, [0, 1]),
        ('cosine_embedding_loss', [X, Y, -PAIRS], {**r, 'margin': -0.4}, [0, 1]),
        ('cosine_embedding_loss', [X[0], Y[0], PAIRS[1]], r, [0, 1]),
        ('triplet_margin_loss', [X, Y, Z], r, [0, 1, 2]),
        ('triplet_margin_loss', [X, Y, Z], {**r, 'swap': True, 'p': 1, 'margin': 2, 'eps': 0.01}, [0, 1, 2]),
        ('triplet_margin_loss', [X[0], Y[0], Z[0]], {**r, 'p': 3, 'margin': 5}, [0, 1, 2]),
        ('triplet_margin_with_distance_loss', [X, Y, Z], {**r, 'margin': 3}, [0, 1, 2]),
        ('triplet_margin_with_distance_loss', [X, Y, Z], {**r, 'swap': True}, [0, 1, 2]),
        ('multi_margin_loss', [CLASSES, LABELS], r, [0]),
        ('multi_margin_loss', [CLASSES, LABELS], {**r, 'p': 2, 'margin': 0.5, 'weight': WEIGHT}, [0]),
        ('multi_margin_loss', [CLASSES[0], LABELS[0]], r, [0]),
        ('multi_margin_loss', [CLASSES[0], LABELS[:1]], r, [0]),
        ('multilabel_margin_loss', [CLASSES, LISTS], r, [0]),
        ('multilabel_margin_loss', [CLASSES[0], LISTS[0]], r, [0]),
        ('multilabel_soft_margin_loss', [X, T], r, [0, 1]),
        ('multilabel_soft_margin_loss', [X[0], T], {**r, 'weight': WEIGHT[:3]}, [0, 1]),
    ]
n = {'reduction': 'none'}
CASES += [
    ('kl_div', [P.log(), T], {'reduction': 'batchmean'}, [0, 1]),
    ('kl_div', [P[0, 0].log(), T[0, 0]], {'reduction': 'batchmean'}, [0, 1]),
    ('kl_div', [P.log(), COUNTS], {'reduction': 'sum'}, [0]),
    ('smooth_l1_loss', [KINKS, ZEROS], n, [0, 1]),
    ('smooth_l1_loss', [KINKS[1:5], ZEROS[:4]], {**n, 'beta': 0}, [0, 1]),
    ('huber_loss', [KINKS, ZEROS], n, [0, 1]),
    ('huber_loss', [KINKS, ZEROS], {**n, 'delta': 0.5}, [0, 1]),
    ('kl_div', [KINKS, ZEROS], n, [0]),
    ('poisson_nll_loss', [KINKS, ZEROS + 1], {**n, 'full': True}, [0]),
    ('poisson_nll_loss', [KINKS.abs(), ZEROS + 1], {**n, 'log_input': False}, [0]),
    ('gaussian_nll_loss', [KINKS, ZEROS, ZEROS], n, [0, 2]),
    ('margin_ranking_loss', [KINKS, ZEROS, ZEROS + 1], n, [0, 1]),
    ('hinge_embedding_loss', [KINKS, ZEROS - 1], n, [0]),
    ('soft_margin_loss', [KINKS * 1000, ZEROS + 1], n, [0]),
    ('cosine_embedding_loss', [FLAT, FLAT.flip(0), PAIRS], n, [0, 1]),
    ('triplet_margin_loss', [FLAT, FLAT, FLAT], n, [0, 1, 2]),
    ('multi_margin_loss', [KINKS[:6], torch.tensor(0)], n, [0]),
    ('multi_margin_loss', [KINKS, torch.tensor(0)], n, [0]),
    ('multi_margin_loss', [X[0, 0], torch.tensor(0)], {}, [0]),
    ('multilabel_margin_loss', [KINKS[:6], torch.tensor([0, 3, -1, 1, 1, 1])], n, [0]),
    ('multilabel_margin_loss', [X[0, 0], torch.tensor([0])], {}, [0]),
]

x = X.float()
i = torch.tensor([[1, 0, 2], [0, 1, 2]])
b = torch.tensor([[True, False, True]])
avg = {'reduction': 'avg'}
ERRORS = [
    ('smooth_l1_loss', [i, i], {}),
    ('smooth_l1_loss', [b, b], {}),
    ('smooth_l1_loss', [x, x], {'beta': -1}),
    ('smooth_l1_loss', [x, x[:, :2]], {}),
    ('smooth_l1_loss', [x, x], avg),
    ('huber_loss', [i, i], {}),
    ('huber_loss', [i, x], {}),
    ('huber_loss', [x, x], {'delta': 0}),
    ('huber_loss', [x, x], {'delta': -2}),
    ('huber_loss', [x, x], avg),
    ('kl_div', [i, x], {}),
    ('kl_div', [x, i], {'log_target': True}),
    ('kl_div', [x, x[:, :2]], {}),
    ('kl_div', [x, x], avg),
    ('poisson_nll_loss', [x, x], avg),
    ('poisson_nll_loss', [x, b], {'full': True}),
    ('poisson_nll_loss', [x, x[:, :2]], {}),
    ('gaussian_nll_loss', [x, x, x], avg),
    ('gaussian_nll_loss', [x, x, -x.abs()], {}),
    ('gaussian_nll_loss', [x, x, x[0]], {}),
    ('gaussian_nll_loss', [x, x, x[:, :2]], {}),
    ('gaussian_nll_loss', [x, x, i], {}),
    ('gaussian_nll_loss', [x, b, x.abs()], {}),
    ('margin_ranking_loss', [x, x[0], x], {}),
    ('margin_ranking_loss', [b, b, b], {}),
    ('margin_ranking_loss', [x, x[:, :2], x], {}),
    ('margin_ranking_loss', [x, x, x], avg),
    ('hinge_embedding_loss', [i, i], {}),
    ('hinge_embedding_loss', [b, b], {}),
    ('hinge_embedding_loss', [x, x[:, :2]], {}),
    ('soft_margin_loss', [i, i], {}),
    ('soft_margin_loss', [b, b], {}),
    ('soft_margin_loss', [x[0], x], {}),
    ('soft_margin_loss', [x, x[:, :2]], {}),
    ('cosine_embedding_loss', [x, x, x], {}),
    ('cosine_embedding_loss', [x[0], x[0], x[0]], {}),
    ('cosine_embedding_loss', [x, x, x[0, 0]], {}),
    ('cosine_embedding_loss', [x, x[:, :2], x[:, 0]], {}),
    ('triplet_margin_loss', [x, x, x[0]], {}),
    ('triplet_margin_loss', [x, x, x[:, :2]], {}),
    ('triplet_margin_loss', [x, x, x], avg),
    ('triplet_margin_with_distance_loss', [x, x, x], avg),
    *(('multi_margin_loss', [x, torch.tensor(t)], {}) for t in ([0, 3], [-1, 0], [0, 1, 2], [[0, 1]], [0.0, 1.0])),
    ('multi_margin_loss', [i, torch.tensor([0, 1])], {}),
    ('multi_margin_loss', [x[:, :0], torch.tensor([0, 1])], {}),
    ('multi_margin_loss', [x[None], torch.tensor([0])], {}),
    ('multi_margin_loss', [x, torch.tensor([0, 1])], {'p': 3}),
    ('multi_margin_loss', [x, torch.tensor([0, 1])], {'weight': torch.ones(1, 3)}),
    ('multi_margin_loss', [x, torch.tensor([0, 1])], {'weight': WEIGHT[:3]}),
    ('multi_margin_loss', [x, torch.tensor([0, 1])], avg),
    *(('multilabel_margin_loss', [x, torch.tensor(t)], {}) for t in ([[0, 1, 3]] * 2, [[0, 1, -2]] * 2, [0, 1], [[0, 1]])),
    ('multilabel_margin_loss', [x, torch.zeros(2, 3)], {}),
    ('multilabel_margin_loss', [i, i], {}),
    ('multilabel_margin_loss', [x[None], i[None]], {}),
    ('multilabel_margin_loss', [x, i], avg),
    ('multilabel_soft_margin_loss', [x, x], avg),
    ('multilabel_soft_margin_loss', [i, x], {}),
    ('multilabel_soft_margin_loss', [x, b], {}),
    ('multilabel_soft_margin_loss', [x, x], {'weight': torch.ones(2)}),
    ('multilabel_soft_margin_loss', [x[0, 0], x[0, 0]], {}),
]


def names():
    x, y = X.float().requires_grad_(), Y.float()
    out = []
    for reduction in ('mean', 'sum', 'none'):
        for fn, args, options in (
            ('smooth_l1_loss', [x, y], {}),
            ('huber_loss', [x, y], {}),
            ('kl_div', [x, V.float()], {}),
            ('kl_div', [x, y], {'log_target': True}),
            ('poisson_nll_loss', [x, COUNTS.float()], {}),
            ('poisson_nll_loss', [x, COUNTS.float()], {'full': True}),
            ('gaussian_nll_loss', [x, y, V.float()], {}),
            ('gaussian_nll_loss', [x, y, V.float()], {'full': True}),
            ('margin_ranking_loss', [x, y, SIGNS.float()], {}),
            ('hinge_embedding_loss', [x, SIGNS.float()], {}),
            ('soft_margin_loss', [x, SIGNS.float()], {}),
            ('cosine_embedding_loss', [x, y, PAIRS.float()], {}),
            ('triplet_margin_loss', [x, y, Z.float()], {}),
            ('triplet_margin_with_distance_loss', [x, y, Z.float()], {}),
            ('multi_margin_loss', [x, torch.tensor([2, 0])], {}),
            ('multilabel_margin_loss', [x, torch.tensor([[2, 0, -1], [1, -1, -1]])], {}),
            ('multilabel_soft_margin_loss', [x, T.float()], {}),
        ):
            found = getattr(F, fn)(*args, **options, reduction=reduction)
            out.append({**header(fn, args, {**options, 'reduction': reduction}), 'name': type(found.grad_fn).__name__})
    return out


MODULES = [
    (['SmoothL1Loss'], [X, Y]),
    (['SmoothL1Loss', None, None, 'sum', 0.5], [X, Y]),
    (['HuberLoss', 'none', 0.3], [X, Y]),
    (['KLDivLoss', {'reduction': 'batchmean', 'logTarget': True}], [X, Y]),
    (['PoissonNLLLoss'], [X, COUNTS]),
    (['PoissonNLLLoss', False, True, None, 0.1], [V, COUNTS]),
    (['GaussianNLLLoss', {'full': True, 'eps': 0.5}], [X, Y, V]),
    (['MarginRankingLoss', 0.5], [X, Y, SIGNS]),
    (['HingeEmbeddingLoss', 0.5, None, None, 'sum'], [X, SIGNS]),
    (['SoftMarginLoss', {'reduction': 'sum'}], [X, SIGNS]),
    (['CosineEmbeddingLoss', 0.1], [X, Y, PAIRS]),
    (['TripletMarginLoss', 2, 1, 0.01, True], [X, Y, Z]),
    (['TripletMarginWithDistanceLoss', {'margin': 2, 'swap': True}], [X, Y, Z]),
    (['TripletMarginWithDistanceLoss', {'distanceFunction': ['PairwiseDistance', 1]}], [X, Y, Z]),
    (['MultiMarginLoss', 2, 0.5, None, None, None, 'sum'], [CLASSES, LABELS]),
    (['MultiLabelMarginLoss'], [CLASSES, LISTS]),
    (['MultiLabelSoftMarginLoss', {'reduction': 'none'}], [X, T]),
]


def module(spec, args):
    # A module among the options is its own record.
    made = [
        {k: make(v) if k == 'distanceFunction' else v for k, v in part.items()} if isinstance(part, dict) else part
        for part in spec
    ]
    options = made.pop() if isinstance(made[-1], dict) else {}
    loss = getattr(torch.nn, made[0])(*made[1:], **{snake(k): v for k, v in options.items()})
    inputs = [a.float() if a.is_floating_point() else a for a in args]
    inputs[0].requires_grad_()
    out = loss(*inputs)
    out.backward(cotangent(out))
    return {
        'make': spec,
        'text': repr(loss),
        'args': [tensor_record(a) for a in inputs],
        'output': tensor_record(out),
        'grads': [tensor_record(inputs[0].grad)] + [None] * (len(inputs) - 1),
    }


if __name__ == '__main__':
    errors = [{**header(*e), **attempt(lambda e=e: getattr(F, e[0])(*e[1], **e[2]))} for e in ERRORS]
    write(
        'packages/core/test/golden/more-losses.json',
        {
            'cases': [case(*c) for c in CASES],
            'errors': errors,
            'names': names(),
            'modules': [module(*m) for m in MODULES],
        },
        depth=2,
    )
