#!/usr/bin/env python3
"""Writes packages/core/test/golden/sentences.json: what real PyTorch 1.13 says to wrong arguments, op by op.

    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/sentences.py

Every argument of every op here is left out, given twice and replaced by each of some wrong values; what comes of it is written where the op's argument parser refused it. packages/core/test/sentences.test.ts does the same.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from format import write  # noqa: E402


def T():
    return torch.tensor([[0.25, 0.5], [0.75, 0.5]])


def row():
    return torch.tensor([0.25, 0.75])


def index():
    return torch.tensor([[0, 1]])


WRONG = {
    'null': None,
    'text': 'x',
    'a fraction': 0.5,
    'true': True,
    'a list': [1, 'a'],
    'more than an int': 10**30,
    'a tensor': row(),
}

# Methods of a matrix by their names in flambeau: PyTorch's arguments with valid values.
METHODS = {
    'chunk': [('chunks', 2), ('dim', 0)],
    'argmax': [('dim', 0), ('keepdim', True)],
    'argmin': [('dim', 0), ('keepdim', True)],
    'amax': [('dim', 0), ('keepdim', True)],
    'amin': [('dim', 0), ('keepdim', True)],
    'topk': [('k', 1), ('dim', 0), ('largest', True), ('sorted', True)],
    'unsqueeze': [('dim', 0)],
    'squeeze': [('dim', 0)],
    'flatten': [('start_dim', 0), ('end_dim', 1)],
    'transpose': [('dim0', 0), ('dim1', 1)],
    'narrow': [('dim', 0), ('start', 0), ('length', 1)],
    'select': [('dim', 0), ('index', 0)],
    'diagonal': [('offset', 0), ('dim1', 0), ('dim2', 1)],
    'unfold': [('dimension', 0), ('size', 1), ('step', 1)],
    'mm': [('mat2', T())],
    'mv': [('vec', row())],
    'matmul': [('other', T())],
    'addmm': [('mat1', T()), ('mat2', T())],
    'cumsum': [('dim', 0)],
    'cumprod': [('dim', 0)],
    'cummax': [('dim', 0)],
    'scatter_reduce': [('dim', 0), ('index', index()), ('src', T()), ('reduce', 'sum')],
    'softmax': [('dim', 0)],
    'logsumexp': [('dim', 0), ('keepdim', True)],
    'sum': [('dim', 0), ('keepdim', True)],
    'mean': [('dim', 0), ('keepdim', True)],
    'prod': [('dim', 0), ('keepdim', True)],
    'sort': [('dim', 0), ('descending', True)],
    'gather': [('dim', 0), ('index', index())],
    'index_select': [('dim', 0), ('index', index()[0])],
    'masked_select': [('mask', T() > 0.5)],
    'masked_fill': [('mask', T() > 0.5), ('value', 1)],
    'expand_as': [('other', T())],
    'equal': [('other', T())],
    'allclose': [('other', T()), ('rtol', 0.1), ('atol', 0.1), ('equal_nan', True)],
    'isclose': [('other', T()), ('rtol', 0.1), ('atol', 0.1), ('equal_nan', True)],
    'clamp': [('min', 0), ('max', 1)],
    'fill_': [('value', 1)],
    'copy_': [('other', T())],
    'uniform_': [('from', 0), ('to', 1)],
    'normal_': [('mean', 0), ('std', 1)],
    'bernoulli_': [('p', 0.5)],
    'requires_grad_': [('requires_grad', True)],
}
FUNCTIONS = {
    'linspace': (torch.linspace, [('start', 0), ('end', 1), ('steps', 2)]),
    'eye': (torch.eye, [('n', 2), ('m', 2)]),
    'randperm': (torch.randperm, [('n', 2)]),
    'full': (torch.full, [('size', [2, 2]), ('fill_value', 1)]),
    'F.mseLoss': (F.mse_loss, [('input', T()), ('target', T())]),
    'F.crossEntropy': (F.cross_entropy, [('input', T()), ('target', index()[0])]),
    'F.dropout': (F.dropout, [('input', T()), ('p', 0.5), ('training', True)]),
    'nn.Linear': (torch.nn.Linear, [('in_features', 2), ('out_features', 2), ('bias', True)]),
    'nn.Dropout': (torch.nn.Dropout, [('p', 0.5), ('inplace', True)]),
    'nn.Flatten': (torch.nn.Flatten, [('start_dim', 0), ('end_dim', 1)]),
}
# Messages of argument parsers, in C++ and in Python; other errors come from the op's computation.
PARSER = ('must be', 'missing', 'unexpected keyword', 'multiple values', 'positional argument', 'Overflow when')


def camel(name):
    head, *rest = name.rstrip('_').split('_')
    return head + ''.join(part.capitalize() for part in rest) + ('_' if name.endswith('_') else '')


def sentence(name, fn, args, kwargs):
    """What the parser of this very function says, not that of one that it calls."""
    try:
        fn(*args, **kwargs)
    except Exception as error:  # whatever it is: only what a parser says is kept
        text = str(error).split('\n')[0]
        own = f'{name}(' in text or f'{name}.__init__(' in text or text.startswith('Overflow')
        if own and any(words in text for words in PARSER) and 'invalid combination' not in text:
            return f'{type(error).__name__}: {text}'
    return None


def said(name, fn, params):
    def of(args, kwargs):
        return sentence(name, fn, args, kwargs)

    names = [name for name, _ in params]
    good = [value for _, value in params]
    found = {
        'nothing': of([], {}),
        'one more': of([*good, 7], {}),
        'colour': of(good, {'colour': 1}),
        'the first twice': of(good, {names[0]: good[0]}),
    }
    for i, name_ in enumerate(names):
        found[f'{camel(name_)} by name'] = of(good[:i], dict(zip(names[i:], ['x', *good[i + 1:]])))
        for what, wrong in WRONG.items():
            text = of([*good[:i], wrong, *good[i + 1:]], {})
            # The message may name an argument of a function that is called inside.
            if text is not None and (f"'{name_}'" in text or text.startswith('RuntimeError: Overflow')):
                found[f'{camel(name_)} = {what}'] = text
    return {key: text for key, text in found.items() if text is not None}


golden = {}
for name, params in METHODS.items():
    golden[f'x.{camel(name)}'] = said(name, lambda *a, name=name, **k: getattr(T(), name)(*a, **k), params)
for name, (fn, params) in FUNCTIONS.items():
    golden[name] = said(fn.__name__, fn, params)
write('packages/core/test/golden/sentences.json', {key: value for key, value in golden.items() if value}, depth=2)
