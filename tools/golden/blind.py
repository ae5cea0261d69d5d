#!/usr/bin/env python3
"""Writes packages/core/test/golden/blind.json: what a view says of its history after its base, or another view of it, was
written to, with every combination of recording and no_grad, as real PyTorch 1.13 says or refuses it.

    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/blind.py

The same combinations are gone through in packages/core/test/views.test.ts.
"""
import os
import sys
from itertools import product

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
from format import write  # noqa: E402

BASES = {
    'a constant': lambda x: torch.tensor([1., 2.]),
    'a leaf': lambda x: x,
    'a result': lambda x: x * 1,
}
LOOKS = {
    # A recomputed view has as_strided's node in PyTorch and the view's own in flambeau; only its existence is compared.
    'gradFn': lambda v: v.grad_fn is not None,
    'isLeaf': lambda v: v.is_leaf,
    'requiresGrad': lambda v: v.requires_grad,
    'mul': lambda v: (v * 2).requires_grad,
    'detach': lambda v: v.detach().requires_grad,
}
grads = {'recorded': torch.enable_grad, 'in noGrad': torch.no_grad}


def attempt(fn):
    try:
        return fn()
    except RuntimeError as error:
        return str(error).split('\n')[0]


def outcome(base, made, wrote, through, seen):
    x = torch.tensor([3., 4.], requires_grad=True)
    b = BASES[base](x)
    with grads[made]():
        v = b[0:1]
        w = v[0:1]
        other = b[0:1]
    target = b if through == 'the base' else other

    def writing():
        with grads[wrote]():
            target.mul_(torch.tensor([2.]) if b is x else x[0:1])

    error = attempt(writing)
    if error is not None:
        return error
    with grads[seen]():
        return {name: [attempt(lambda: look(y)) for y in (v, w)] for name, look in LOOKS.items()}


KEYS = list(product(BASES, grads, grads, ['the base', 'a view'], grads))
write('packages/core/test/golden/blind.json', {'; '.join(key): outcome(*key) for key in KEYS})
