#!/usr/bin/env python3
"""Writes packages/core/test/golden/ops-b.json: indexing, assignment, masks, conversions and writes into tensors as real
PyTorch 1.13 prints them and refuses them.

    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/ops_b.py

A key is a line of TypeScript, which the test performs (after its last semicolon an expression); beside it stands the same
in Python. Value: {"printed": text} or {"error": class, "message": first line}. Both sides know
  I B F R D   tensors of whole numbers (int64, int32 there), booleans, floats, floats that require a gradient, float64
  m           0 1 2 / 3 4 5 in float32; c: 2 x 3 x 4 of them
  slopes(f, ...)   f of leaves, as printed, then the gradients of sum(y * y * k) by them, k = i mod 5 - 1.5, and the
                   gradients of the sum of those gradients' squares, plus 0: there are no negative zeros
"""
import os
import sys
import warnings

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from format import write  # noqa: E402

warnings.simplefilter('ignore')
nan, inf = float('nan'), float('inf')


def slopes(f, *leaves):
    leaves = [x.detach().clone().requires_grad_() for x in leaves]
    y = f(*leaves)
    k = (torch.arange(y.numel(), dtype=y.dtype) % 5 - 1.5).reshape(y.shape)
    first = torch.autograd.grad((y * y * k).sum(), leaves, create_graph=True)
    total = sum((g * g).sum() for g in first)
    second = torch.autograd.grad(total, leaves, allow_unused=True)
    return Text('\n'.join(repr(x if x is None or x is y else x.detach() + 0) for x in (y, *first, *second)))


class Text(str):
    def __repr__(self):
        return str(self)


def floats(*values):
    return torch.tensor([float(v) for v in values])


scope = {
    'torch': torch,
    'one_hot': F.one_hot,
    'slopes': slopes,
    'I': lambda *a: torch.tensor(a, dtype=torch.int64),
    'B': lambda *a: torch.tensor([bool(x) for x in a]),
    'F': floats,
    'R': lambda *a: floats(*a).requires_grad_(),
    'D': lambda *a: floats(*a).double(),
    'U': lambda *a: torch.tensor(a, dtype=torch.uint8),
    'T': torch.tensor,
    'nan': nan,
    'inf': inf,
}


def put(x, at, value):
    x[at] = value
    return x


scope['put'] = put

# Pairs of TypeScript and Python.
ROWS = [
    # --- reading ---
    ('m.at(1)', 'm[1]'),
    ('m.at(-1)', 'm[-1]'),
    ('m.at(1, 2)', 'm[1, 2]'),
    ('m.at(Slice(1))', 'm[1:]'),
    ('m.at(Slice(null, 1))', 'm[:1]'),
    ('m.at(Slice(), Slice(0, -1))', 'm[:, 0:-1]'),
    ('m.at(Slice(), Slice(null, null, 2))', 'm[:, ::2]'),
    ('m.at(Slice(-1, 100), Slice(2, 1))', 'm[-1:100, 2:1]'),
    ("m.at('1:')", 'm[1:]'),
    ("m.at(':, ::2')", 'm[:, ::2]'),
    ("m.at(' : , None , -1 ')", 'm[:, None, -1]'),
    ("m.at('...', 0)", 'm[..., 0]'),
    ("c.at(1, '...', '1:3')", 'c[1, ..., 1:3]'),
    ('m.at()', 'm[()]'),
    ('m.at(null, 0)', 'm[None, 0]'),
    ('m.at(0, null)', 'm[0, None]'),
    ('T(5).at(null)', 'T(5.)[None]'),
    ("T(5).at('...')", 'T(5.)[...]'),
    ('m.at(true)', 'm[True]'),
    ('m.at(false)', 'm[False]'),
    ('m.at([1, 0, 1])', 'm[[1, 0, 1]]'),
    ('m.at([[1, 0], [0, 0]], 2)', 'm[[[1, 0], [0, 0]], 2]'),
    ('m.at([true, false])', 'm[[True, False]]'),
    ('m.at(I(1, -2))', 'm[I(1, -2)]'),
    ('m.at(I(0, 1), I(2, 0))', 'm[I(0, 1), I(2, 0)]'),
    ('m.at(I(0, 1).unsqueeze(1), I(2, 0))', 'm[I(0, 1)[:, None], I(2, 0)]'),
    ('m.at(Slice(), I(2, 2))', 'm[:, I(2, 2)]'),
    ('m.at(0, I(2, 2))', 'm[0, I(2, 2)]'),
    ('m.at(I(1)).storage === m.storage', 'm[I(1)].storage().data_ptr() == m.storage().data_ptr()'),
    ('m.at(1).storage === m.storage', 'm[1].storage().data_ptr() == m.storage().data_ptr()'),
    ('m.at(I(1).at(0)).storage === m.storage', 'm[I(1)[0]].storage().data_ptr() == m.storage().data_ptr()'),
    ('c.at(I(0, 1), Slice(), I(3, 1))', 'c[I(0, 1), :, I(3, 1)]'),
    ('c.at(Slice(), I(0, 2), I(3, 1))', 'c[:, I(0, 2), I(3, 1)]'),
    ('c.at(Slice(), I(0, 2), null, 0)', 'c[:, I(0, 2), None, 0]'),
    ('c.at(null, I(0, 1), 0, I(3, 1))', 'c[None, I(0, 1), 0, I(3, 1)]'),
    ('c.at(I(0, 1), null, I(2, 1)).shape', 'list(c[I(0, 1), None, I(2, 1)].shape)'),
    ('c.at(true, I(0, 1)).shape', 'list(c[True, I(0, 1)].shape)'),
    ('c.transpose(0, 2).at(Slice(), I(1, 1), I(1, 0))', 'c.transpose(0, 2)[:, I(1, 1), I(1, 0)]'),
    ('m.at(m.gt(2))', 'm[m > 2]'),
    ('m.at(m.gt(9))', 'm[m > 9]'),
    ('m.at(B(0, 1))', 'm[B(0, 1)]'),
    ('m.at(Slice(), B(1, 0, 1))', 'm[:, B(1, 0, 1)]'),
    ('m.at(0, B(1, 0, 1))', 'm[0, B(1, 0, 1)]'),
    ('m.at(U(1, 0))', 'm[U(1, 0)]'),
    ('m.at(B(1, 1), I(2))', 'm[B(1, 1), I(2)]'),
    ('c.at(B(1, 0), Slice(), B(0, 0, 1, 1)).shape', 'list(c[B(1, 0), :, B(0, 0, 1, 1)].shape)'),
    ('c.at(c.sum(2).gt(40), I(0))', 'c[c.sum(2) > 40, I(0)]'),
    ("c.at('...', c.at(0).gt(6))", 'c[..., c[0] > 6]'),
    ('T(5).at(B(1).at(0))', 'T(5.)[T(True)]'),
    ('m.at([])', 'm[[]]'),
    ('zeros(0, 3).at(I()).shape', 'list(torch.zeros(0, 3)[I()].shape)'),
    ('zeros(0, 3).at(Slice(), I(7)).shape', 'list(torch.zeros(0, 3)[:, I(7)].shape)'),
    ('R(1, 2).at(0)', 'R(1, 2)[0]'),
    ('R(1, 2).at(Slice(1))', 'R(1, 2)[1:]'),
    ('R(1, 2).at(null)', 'R(1, 2)[None]'),
    ("R(1, 2).at('...')", 'R(1, 2)[...]'),
    ('R(1, 2).at(Slice(0, 2), null).at(Slice(0, 2), Slice(0, 1))', 'R(1, 2)[0:2, None][0:2, 0:1]'),
    ('R(1, 2).at(I(1, 1, 0))', 'R(1, 2)[I(1, 1, 0)]'),
    ('R(1, 2).at(B(1, 0))', 'R(1, 2)[B(1, 0)]'),
    # --- what cannot be read ---
    ('m.at(5)', 'm[5]'),
    ('m.at(0, -4)', 'm[0, -4]'),
    ('m.at(null, 5)', 'm[None, 5]'),
    ('m.at(0, 0, 0)', 'm[0, 0, 0]'),
    ('m.at(Slice(), Slice(), Slice())', 'm[:, :, :]'),
    ("m.at('...', '...', 0)", 'm[..., ..., 0]'),
    ('m.at(1.5)', 'm[1.5]'),
    ('m.at(Slice(1.5))', 'm[1.5:]'),
    ('m.at(Slice(null, null, 0))', 'm[::0]'),
    ('m.at(Slice(null, null, -1))', 'm[::-1]'),
    ('T(5).at(0)', 'T(5.)[0]'),
    ('T(5).at(Slice())', 'T(5.)[:]'),
    ('T(5).at(I(0))', 'T(5.)[I(0)]'),
    ('m.at(I(0, 2))', 'm[I(0, 2)]'),
    ('m.at(I(-3))', 'm[I(-3)]'),
    ('m.at(Slice(), I(0, 5))', 'm[:, I(0, 5)]'),
    ('m.at(I(0), I(0, 5))', 'm[I(0), I(0, 5)]'),
    ('m.at(I(5).at(0))', 'm[T(5)]'),
    ('m.at(I(0, 1), I(0, 1, 2))', 'm[I(0, 1), I(0, 1, 2)]'),
    ('m.at(B(1, 0, 1))', 'm[B(1, 0, 1)]'),
    ('m.at(Slice(), B(1, 0))', 'm[:, B(1, 0)]'),
    ('m.at(zeros(2, 2).bool())', 'm[torch.zeros(2, 2).bool()]'),
    ('m.at(zeros(2, 3, 1).bool())', 'm[torch.zeros(2, 3, 1).bool()]'),
    ('m.at(F(0, 1))', 'm[F(0, 1)]'),
    ('zeros(0, 3).at(I(0))', 'torch.zeros(0, 3)[I(0)]'),
    # --- gradients of reading ---
    ('slopes((x) => x.at(1, Slice(1)), m)', 'slopes(lambda x: x[1, 1:], m)'),
    ('slopes((x) => x.at(Slice(), null, -1), m)', 'slopes(lambda x: x[:, None, -1], m)'),
    ('slopes((x) => x.at(I(0, 0, 1)), m)', 'slopes(lambda x: x[I(0, 0, 1)], m)'),
    ('slopes((x) => x.at(I(0, 0), I(1, 1)), m)', 'slopes(lambda x: x[I(0, 0), I(1, 1)], m)'),
    ('slopes((x) => x.at(x.gt(2)), m)', 'slopes(lambda x: x[x > 2], m)'),
    ('slopes((x) => x.at(I(1, 1), Slice(), I(3, 3)), c)', 'slopes(lambda x: x[I(1, 1), :, I(3, 3)], c)'),
    ('slopes((x) => x.t().at(I(1, 1)), m)', 'slopes(lambda x: x.t()[I(1, 1)], m)'),
    # --- assignment ---
    ('m.setAt(0, 5)', 'put(m, 0, 5)'),
    ('m.setAt([0, 1], F(5))', 'put(m, (0, 1), F(5))'),
    ('m.setAt([Slice(), Slice(1)], F(7, 8))', 'put(m, (slice(None), slice(1, None)), F(7, 8))'),
    ("m.setAt(':, 0', F(7, 8))", 'put(m, (slice(None), 0), F(7, 8))'),
    ("m.setAt('...', 9)", 'put(m, ..., 9)'),
    ('m.setAt(null, 9)', 'put(m, None, 9)'),
    ('m.setAt([], 9)', 'put(m, (), 9)'),
    ('m.setAt(0, ones(1, 1, 3))', 'put(m, 0, torch.ones(1, 1, 3))'),
    ('m.setAt(0, D(1.5, 2, 3))', 'put(m, 0, D(1.5, 2, 3))'),
    ('m.setAt(I(1, 0), F(7, 8, 9))', 'put(m, I(1, 0), F(7, 8, 9))'),
    ('m.setAt([I(1, 0), I(2, 2)], F(7, 8))', 'put(m, (I(1, 0), I(2, 2)), F(7, 8))'),
    ('m.setAt([Slice(), I(0, -1)], F(7, 8))', 'put(m, (slice(None), I(0, -1)), F(7, 8))'),
    ('m.setAt(I(0, 0), F(7, 8).at(Slice(), null))', 'put(m, I(0, 0), F(7, 8)[:, None])'),
    ('m.setAt([0, I(0, 2)], 1.5)', 'put(m, (0, I(0, 2)), 1.5)'),
    ('m.setAt([[0, 1]], 6)', 'put(m, [0, 1], 6)'),
    ('m.setAt(m.gt(2), 0)', 'put(m, m > 2, 0)'),
    ('m.setAt(m.gt(2), F(7, 8, 9))', 'put(m, m > 2, F(7, 8, 9))'),
    ('m.setAt(m.gt(2), true)', 'put(m, m > 2, True)'),
    ('m.setAt(B(1, 0), F(7, 8, 9))', 'put(m, B(1, 0), F(7, 8, 9))'),
    ('m.setAt([Slice(), B(1, 0, 1)], 8)', 'put(m, (slice(None), B(1, 0, 1)), 8)'),
    ('m.setAt(true, 4)', 'put(m, True, 4)'),
    ('m.setAt(false, 4)', 'put(m, False, 4)'),
    ('c.setAt([I(0, 1), Slice(), I(3, 1)], F(7, 8, 9))', 'put(c, (I(0, 1), slice(None), I(3, 1)), F(7, 8, 9))'),
    ('I(1, 2).setAt(0, 7.9)', 'put(I(1, 2), 0, 7.9)'),
    ('I(1, 2).setAt(I(0), 7.9)', 'put(I(1, 2), I(0), 7.9)'),
    ('B(1, 0).setAt(1, 3)', 'put(B(1, 0), 1, 3)'),
    ('B(1, 0).setAt(B(0, 1), 3)', 'put(B(1, 0), B(0, 1), 3)'),
    ('const v = m.t().at(1); v.setAt(0, 50); m', 'v = m.t()[1]; v[0] = 50; m'),
    ('m.t().setAt(I(0, 1), F(7, 8)); m', 'put(m.t(), I(0, 1), F(7, 8)); m'),
    ('m.setAt(0, m.at(1)); m', 'put(m, 0, m[1]); m'),
    ('m.setAt(Slice(1), m.at(Slice(0, 1))); m', 'put(m, slice(1, None), m[0:1]); m'),
    ('m.setAt(0, F(1, 2))', 'put(m, 0, F(1, 2))'),
    ('m.setAt(0, ones(2, 3))', 'put(m, 0, torch.ones(2, 3))'),
    ('m.setAt(I(0, 1), F(1, 2))', 'put(m, I(0, 1), F(1, 2))'),
    ('m.setAt(I(0, 1), D(1, 2, 3))', 'put(m, I(0, 1), D(1, 2, 3))'),
    ('I(1, 2).setAt(I(0), F(1.5))', 'put(I(1, 2), I(0), F(1.5))'),
    ('m.setAt(m.gt(0), F(1, 2, 3))', 'put(m, m > 0, F(1, 2, 3))'),
    ('m.setAt(I(5), 1)', 'put(m, I(5), 1.)'),
    ('m.setAt(5, 1)', 'put(m, 5, 1.)'),
    ("m.setAt(0, 'a')", "put(m, 0, 'a')"),
    ('m.setAt(0, [1, 2, 3])', 'put(m, 0, [1, 2, 3])'),
    ('R(1, 2).setAt(0, 5)', 'put(R(1, 2), 0, 5)'),
    ('R(1, 2).setAt(I(0), 5)', 'put(R(1, 2), I(0), 5)'),
    ('R(1, 2).setAt(B(1, 0), 5)', 'put(R(1, 2), B(1, 0), 5)'),
    ('const x = R(1, 2); noGrad(() => x.setAt(0, 5)); x', 'x = R(1, 2)\nwith torch.no_grad(): put(x, 0, 5)\nx'),
    ('R(1, 2).mul(1).setAt(0, 5)', 'put(R(1, 2) * 1, 0, 5)'),
    ('R(1, 2).mul(1).setAt(I(0), 5)', 'put(R(1, 2) * 1, I(0), 5)'),
    ('R(1, 2).mul(1).setAt(B(1, 0), 5)', 'put(R(1, 2) * 1, B(1, 0), 5)'),
    ('R(1, 2).mul(1).setAt(B(1, 0), F(5))', 'put(R(1, 2) * 1, B(1, 0), F(5))'),
    ("R(1, 2).mul(1).setAt(['...', I(0)], 5)", 'put(R(1, 2) * 1, (..., I(0)), 5)'),
    ('zeros(2).setAt(0, R(3).at(0))', 'put(torch.zeros(2), 0, R(3)[0])'),
    ('slopes((x, v) => x.mul(x).setAt(0, v), m, F(7, 8, 9))', 'slopes(lambda x, v: put(x * x, 0, v), m, F(7, 8, 9))'),
    ('slopes((x, v) => x.mul(x).setAt(I(0, 1), v), m, F(7, 8, 9))', 'slopes(lambda x, v: put(x * x, I(0, 1), v), m, F(7, 8, 9))'),
    (
        'slopes((x, v) => x.mul(x).setAt([Slice(), I(0, 2)], v), m, F(7, 8))',
        'slopes(lambda x, v: put(x * x, (slice(None), I(0, 2)), v), m, F(7, 8))',
    ),
    (
        'slopes((x, v) => x.mul(x).setAt([I(0, 1), I(0, 2)], v), m, F(7, 8))',
        'slopes(lambda x, v: put(x * x, (I(0, 1), I(0, 2)), v), m, F(7, 8))',
    ),
    (
        'slopes((x, v) => x.mul(x).setAt(x.gt(2), v), m, F(7, 8, 9))',
        'slopes(lambda x, v: put(x * x, x > 2, v), m, F(7, 8, 9))',
    ),
    (
        'slopes((x, v) => x.mul(x).setAt(x.gt(2), v.at(0)), m, F(7, 8, 9))',
        'slopes(lambda x, v: put(x * x, x > 2, v[0]), m, F(7, 8, 9))',
    ),
    (
        'slopes((x) => { const y = x.mul(x); y.t().setAt(1, 0); return y.mul(x) }, m)',
        'slopes(lambda x: (lambda y: (put(y.t(), 1, 0), y * x)[1])(x * x), m)',
    ),
    # --- index_put ---
    ('m.indexPut([I(0, 0)], F(7, 8, 9), { accumulate: true })', 'm.index_put((I(0, 0),), F(7, 8, 9), accumulate=True)'),
    ('m.indexPut([I(0, 1), I(1, 2)], F(7, 8))', 'm.index_put((I(0, 1), I(1, 2)), F(7, 8))'),
    ('m.indexPut_([m.gt(3)], F(7).at(0))', 'm.index_put_((m > 3,), F(7)[0])'),
    ('R(1, 2).indexPut([I(0)], F(7))', 'R(1, 2).index_put((I(0),), F(7))'),
    ('R(1, 2).indexPut_([I(0)], F(7))', 'R(1, 2).index_put_((I(0),), F(7))'),
    ('m.indexPut([I(0, 1)], ones(3, 3))', 'm.index_put((I(0, 1),), torch.ones(3, 3))'),
    ('m.indexPut([I(0), I(0), I(0)], F(7))', 'm.index_put((I(0), I(0), I(0)), F(7))'),
    ('m.indexPut([I(7)], F(7))', 'm.index_put((I(7),), F(7))'),
    ('m.indexPut([I(0)], D(7))', 'm.index_put((I(0),), D(7))'),
    ('m.indexPut([I(0)], 7.5)', 'm.index_put((I(0),), 7.5)'),
    ('slopes((x, v) => x.indexPut([I(0, 0)], v), m, F(7, 8, 9))', 'slopes(lambda x, v: x.index_put((I(0, 0),), v), m, F(7, 8, 9))'),
    (
        'slopes((x, v) => x.indexPut([I(0, 0)], v, { accumulate: true }), m, F(7, 8, 9))',
        'slopes(lambda x, v: x.index_put((I(0, 0),), v, accumulate=True), m, F(7, 8, 9))',
    ),
    (
        'slopes((x, v) => x.indexPut([I(0, 0), I(1, 1)], v, { accumulate: true }), m, F(7, 8))',
        'slopes(lambda x, v: x.index_put((I(0, 0), I(1, 1)), v, accumulate=True), m, F(7, 8))',
    ),
    # --- gather, scatter ---
    ('m.gather(1, I(2, 0).view(2, 1))', 'm.gather(1, I(2, 0).view(2, 1))'),
    ('T(5).gather(0, I(0, 0))', 'T(5.).gather(0, I(0, 0))'),
    ('m.gather(0, I())', 'm.gather(0, I())'),
    ('m.gather(1, I(3, 0).view(2, 1))', 'm.gather(1, I(3, 0).view(2, 1))'),
    ('m.gather(1, I(-1, 0).view(2, 1))', 'm.gather(1, I(-1, 0).view(2, 1))'),
    ('m.gather(2, I(0).view(1, 1))', 'm.gather(2, I(0).view(1, 1))'),
    ('m.gather(1, I(0, 0))', 'm.gather(1, I(0, 0))'),
    ('m.gather(1, I(0, 0, 0).view(3, 1))', 'm.gather(1, I(0, 0, 0).view(3, 1))'),
    ('m.gather(1, F(0).view(1, 1))', 'm.gather(1, F(0).view(1, 1))'),
    ('m.scatter(1, I(2, 0).view(2, 1), 7)', 'm.scatter(1, I(2, 0).view(2, 1), 7)'),
    ('m.scatter(1, I(2, 0).view(2, 1), F(8, 9).view(2, 1))', 'm.scatter(1, I(2, 0).view(2, 1), F(8, 9).view(2, 1))'),
    ("m.scatter(1, I(2, 0).view(2, 1), 7, { reduce: 'add' })", "m.scatter(1, I(2, 0).view(2, 1), 7, reduce='add')"),
    (
        "m.scatter(1, I(2, 1).view(2, 1), ones(2, 1).mul(3), { reduce: 'multiply' })",
        "m.scatter(1, I(2, 1).view(2, 1), torch.ones(2, 1) * 3, reduce='multiply')",
    ),
    ('zeros(2).scatter_(0, I(1), 7)', 'torch.zeros(2).scatter_(0, I(1), 7)'),
    ('R(1, 2).mul(1).scatter_(0, I(1), 7)', '(R(1, 2) * 1).scatter_(0, I(1), 7)'),
    ('R(1, 2).mul(1).scatterAdd_(0, I(1), F(7))', '(R(1, 2) * 1).scatter_add_(0, I(1), F(7))'),
    ('R(1, 2).scatter_(0, I(1), 7)', 'R(1, 2).scatter_(0, I(1), 7)'),
    ('I(1, 2).scatter(0, I(0), 1.7)', 'I(1, 2).scatter(0, I(0), 1.7)'),
    ('B(1, 0).scatterAdd(0, I(0), B(1))', 'B(1, 0).scatter_add(0, I(0), B(1))'),
    ('m.scatter(1, I(3).view(1, 1), 7)', 'm.scatter(1, I(3).view(1, 1), 7)'),
    ('m.scatter(1, I(0, 0, 0).view(3, 1), ones(3, 1))', 'm.scatter(1, I(0, 0, 0).view(3, 1), torch.ones(3, 1))'),
    ('m.scatter(1, I(0, 0), F(1, 2))', 'm.scatter(1, I(0, 0), F(1, 2))'),
    ('m.scatter(1, I(0).view(1, 1), D(1).view(1, 1))', 'm.scatter(1, I(0).view(1, 1), D(1).view(1, 1))'),
    ("m.scatter(1, I(0).view(1, 1), 7, { reduce: 'amax' })", "m.scatter(1, I(0).view(1, 1), torch.ones(1, 1), reduce='amax')"),
    (
        "R(1, 2).scatter(0, I(0), 7, { reduce: 'add' }).sum().backward()",
        "R(1, 2).scatter(0, I(0), 7, reduce='add').sum().backward()",
    ),
    (
        'slopes((x) => x.gather(1, I(2, 2, 0, 0).view(2, 2)), m)',
        'slopes(lambda x: x.gather(1, I(2, 2, 0, 0).view(2, 2)), m)',
    ),
    (
        'slopes((x, v) => x.scatter(1, I(2, 0).view(2, 1), v), m, F(8, 9).view(2, 1))',
        'slopes(lambda x, v: x.scatter(1, I(2, 0).view(2, 1), v), m, F(8, 9).view(2, 1))',
    ),
    ('slopes((x) => x.scatter(1, I(2, 0).view(2, 1), 7), m)', 'slopes(lambda x: x.scatter(1, I(2, 0).view(2, 1), 7), m)'),
    (
        'slopes((x, v) => x.scatterAdd(1, I(2, 2, 0, 1).view(2, 2), v), m, F(6, 7, 8, 9).view(2, 2))',
        'slopes(lambda x, v: x.scatter_add(1, I(2, 2, 0, 1).view(2, 2), v), m, F(6, 7, 8, 9).view(2, 2))',
    ),
    # --- index_select, masks, nonzero, one-hot ---
    ('m.indexSelect(1, I(2, 2, 0))', 'm.index_select(1, I(2, 2, 0))'),
    ('m.indexSelect(0, I(0, 1).at(1))', 'm.index_select(0, T(1))'),
    ('R(1, 2).indexSelect(0, I(1))', 'R(1, 2).index_select(0, I(1))'),
    ('T(5).indexSelect(0, I(0))', 'T(5.).index_select(0, I(0))'),
    ('m.indexSelect(0, I(3))', 'm.index_select(0, I(3))'),
    ('m.indexSelect(0, I(-1))', 'm.index_select(0, I(-1))'),
    ('m.indexSelect(2, I(0))', 'm.index_select(2, I(0))'),
    ('m.indexSelect(0, I(0).view(1, 1))', 'm.index_select(0, I(0).view(1, 1))'),
    ('m.indexSelect(0, F(0))', 'm.index_select(0, F(0))'),
    ('zeros(0, 3).indexSelect(0, I(0))', 'torch.zeros(0, 3).index_select(0, I(0))'),
    ('zeros(0, 3).indexSelect(0, I())', 'torch.zeros(0, 3).index_select(0, I())'),
    ('list(zeros(0, 3).split(2))', 'list(torch.zeros(0, 3).split(2))'),
    ('m.matmul(T(5))', 'm.matmul(T(5.))'),
    ('T(5).matmul(m)', 'T(5.).matmul(m)'),
    ('slopes((x) => x.indexSelect(1, I(2, 2, 0)), m)', 'slopes(lambda x: x.index_select(1, I(2, 2, 0)), m)'),
    ('m.maskedFill(m.gt(2), -1)', 'm.masked_fill(m > 2, -1)'),
    ('m.maskedFill(B(1, 0, 1), 0.5)', 'm.masked_fill(B(1, 0, 1), 0.5)'),
    ('F(1, 2, 3).maskedFill(B(1, 0).view(2, 1), 9)', 'F(1, 2, 3).masked_fill(B(1, 0).view(2, 1), 9)'),
    ('I(1, 2).maskedFill(B(1, 0), 1.5)', 'I(1, 2).masked_fill(B(1, 0), 1.5)'),
    ('B(1, 0).maskedFill(B(0, 1), 3)', 'B(1, 0).masked_fill(B(0, 1), 3)'),
    ('F(1, 2).maskedFill(B(1, 0), D(7).at(0))', 'F(1, 2).masked_fill(B(1, 0), D(7)[0])'),
    ('F(1, 2).maskedFill_(B(1, 0), 7)', 'F(1, 2).masked_fill_(B(1, 0), 7)'),
    ('R(1, 2).mul(1).maskedFill_(B(1, 0), 7)', '(R(1, 2) * 1).masked_fill_(B(1, 0), 7)'),
    ('R(1, 2).maskedFill(B(1, 0), 7)', 'R(1, 2).masked_fill(B(1, 0), 7)'),
    ('R(1, 2).maskedFill_(B(1, 0), 7)', 'R(1, 2).masked_fill_(B(1, 0), 7)'),
    ('F(1, 2, 3).maskedFill_(B(1, 0).view(2, 1), 9)', 'F(1, 2, 3).masked_fill_(B(1, 0).view(2, 1), 9)'),
    ('U(1, 2).maskedFill(B(1, 0), 300)', 'U(1, 2).masked_fill(B(1, 0), 300)'),
    ('m.maskedFill(B(1, 0), 1)', 'm.masked_fill(B(1, 0), 1)'),
    ('F(1, 2).maskedFill(B(1, 0), F(1, 2))', 'F(1, 2).masked_fill(B(1, 0), F(1, 2))'),
    (
        'slopes((x, v) => x.maskedFill(x.gt(2), v), m, T(7))',
        'slopes(lambda x, v: x.masked_fill(x > 2, v), m, T(7.))',
    ),
    ('m.maskedSelect(m.gt(2))', 'm.masked_select(m > 2)'),
    ('m.maskedSelect(B(1, 0, 1))', 'm.masked_select(B(1, 0, 1))'),
    ('F(1, 2, 3).maskedSelect(B(1, 0).view(2, 1))', 'F(1, 2, 3).masked_select(B(1, 0).view(2, 1))'),
    ('T(5).maskedSelect(B(1).at(0))', 'T(5.).masked_select(T(True))'),
    ('R(1, 2).maskedSelect(B(0, 1))', 'R(1, 2).masked_select(B(0, 1))'),
    ('m.maskedSelect(B(1, 0))', 'm.masked_select(B(1, 0))'),
    ('m.maskedSelect(m)', 'm.masked_select(m)'),
    ('slopes((x) => x.maskedSelect(B(1, 0, 1)), m)', 'slopes(lambda x: x.masked_select(B(1, 0, 1)), m)'),
    (
        'slopes((x) => x.maskedSelect(B(1, 0, 1).view(3, 1)), F(1, 2))',
        'slopes(lambda x: x.masked_select(B(1, 0, 1).view(3, 1)), F(1, 2))',
    ),
    ('m.nonzero()', 'm.nonzero()'),
    ('c.gt(20).nonzero()', '(c > 20).nonzero()'),
    ('F(nan, -0, 0, inf).nonzero()', 'F(nan, -0., 0, inf).nonzero()'),
    ('T(5).nonzero()', 'T(5.).nonzero()'),
    ('T(0).nonzero()', 'T(0.).nonzero()'),
    ('zeros(0, 3).nonzero()', 'torch.zeros(0, 3).nonzero()'),
    ('m.t().nonzero()', 'm.t().nonzero()'),
    ("list(m.nonzero({ asTuple: true }))", 'list(m.nonzero(as_tuple=True))'),
    ("list(T(5).nonzero({ asTuple: true }))", 'list(T(5.).nonzero(as_tuple=True))'),
    ('I(2, 0).oneHot()', 'one_hot(I(2, 0))'),
    ('I(2, 0).oneHot(4)', 'one_hot(I(2, 0), 4)'),
    ('I(0, 1, 1, 0).view(2, 2).oneHot({ numClasses: 2 })', 'one_hot(I(0, 1, 1, 0).view(2, 2), 2)'),
    ('I().oneHot(3)', 'one_hot(I(), 3)'),
    ('I().oneHot()', 'one_hot(I())'),
    ('I(0, 2).oneHot(2)', 'one_hot(I(0, 2), 2)'),
    ('I(0, -2).oneHot()', 'one_hot(I(0, -2))'),
    ('F(0, 2).oneHot()', 'one_hot(F(0, 2))'),
    # --- dtypes, devices, copies ---
    ("F(1.9, -1.9, 0).to('int32')", 'F(1.9, -1.9, 0).to(torch.int64)'),
    ("R(1.5, 2).to('float64')", 'R(1.5, 2).to(torch.float64)'),
    ("R(1.5, 2).to({ dtype: 'float64' })", 'R(1.5, 2).to(dtype=torch.float64)'),
    ('R(1.5, 2).to(D(1))', 'R(1.5, 2).to(D(1))'),
    ("R(1.5, 2).to('float32')", 'R(1.5, 2).to(torch.float32)'),
    ("R(1.5, 2).to('float32', { copy: true })", 'R(1.5, 2).to(torch.float32, copy=True)'),
    ("const x = F(1); x.to('float32') === x", 'x = F(1); x.to(torch.float32) is x'),
    ('F(1.9, -1.9).int()', 'F(1.9, -1.9).long()'),
    ('F(1.9, -1.9).long()', 'F(1.9, -1.9).long()'),
    ('I(1, -1, 300).byte()', 'I(1, -1, 300).byte()'),
    ('F(0.5, -0, nan).bool()', 'F(0.5, -0., nan).bool()'),
    ('B(1, 0).float()', 'B(1, 0).float()'),
    ('I(1, 2).double()', 'I(1, 2).double()'),
    ('R(1, 2).double()', 'R(1, 2).double()'),
    ('R(1, 2).float()', 'R(1, 2).float()'),
    ('R(1, 2).int()', 'R(1, 2).long()'),
    ('F(1.5).typeAs(I(1))', 'F(1.5).type_as(I(1))'),
    ('R(1, 2).cpu()', 'R(1, 2).cpu()'),
    ('R(1, 2).detach()', 'R(1, 2).detach()'),
    ('R(1, 2).data', 'R(1, 2).data'),
    ('R(1, 2).mul(2).detach_()', '(R(1, 2) * 2).detach_()'),
    ('const x = R(1, 2); x.detach().setAt(0, 9); x', 'x = R(1, 2); put(x.detach(), 0, 9); x'),
    (
        'const y = R(1, 2).exp(); y.detach().zero_(); y.sum().backward()',
        'y = R(1, 2).exp(); y.detach().zero_(); y.sum().backward()',
    ),
    ('F(1, 2).requiresGrad_()', 'F(1, 2).requires_grad_()'),
    ('R(1, 2).requiresGrad_(false)', 'R(1, 2).requires_grad_(False)'),
    ('I(1).requiresGrad_()', 'I(1).requires_grad_()'),
    ('R(1, 2).mul(2).requiresGrad_(false)', '(R(1, 2) * 2).requires_grad_(False)'),
    ('slopes((x) => x.double().mul(2).float(), m)', 'slopes(lambda x: (x.double() * 2).float(), m)'),
    # --- filling and copying ---
    ('F(1, 2).fill_(3)', 'F(1, 2).fill_(3)'),
    ('I(1, 2).fill_(3.7)', 'I(1, 2).fill_(3.7)'),
    ('I(1, 2).fill_(F(3.7).at(0))', 'I(1, 2).fill_(F(3.7)[0])'),
    ('B(0, 0).fill_(2)', 'B(0, 0).fill_(2)'),
    ('U(1, 2).fill_(-1)', 'U(1, 2).fill_(-1)'),
    ('U(1, 2).fill_(300)', 'U(1, 2).fill_(300)'),
    ('F(1, 2).fill_(F(1))', 'F(1, 2).fill_(F(1))'),
    ('R(1, 2).fill_(3)', 'R(1, 2).fill_(3)'),
    ('R(1, 2).mul(1).fill_(3)', '(R(1, 2) * 1).fill_(3)'),
    ('R(1, 2).mul(1).fill_(F(3).at(0))', '(R(1, 2) * 1).fill_(F(3)[0])'),
    ('F(1, 2).fill_(R(3).at(0))', 'F(1, 2).fill_(R(3)[0])'),
    ('R(1, 2).mul(1).zero_()', '(R(1, 2) * 1).zero_()'),
    ('const y = R(1, 2).mul(1); y.at(0).fill_(3); y', 'y = R(1, 2) * 1; y[0].fill_(3); y'),
    ('zeros(2, 2).copy_(F(1, 2))', 'torch.zeros(2, 2).copy_(F(1, 2))'),
    ('zeros(2).copy_(T(5))', 'torch.zeros(2).copy_(T(5.))'),
    ('I(1, 2).copy_(F(1.7, -2.7))', 'I(1, 2).copy_(F(1.7, -2.7))'),
    ('B(1, 0).copy_(F(0.5, 0))', 'B(1, 0).copy_(F(0.5, 0))'),
    ('I(1, 2).copy_(R(3.5, 4))', 'I(1, 2).copy_(R(3.5, 4))'),
    ('F(1, 2).copy_(R(3, 4))', 'F(1, 2).copy_(R(3, 4))'),
    ('F(1, 2).copy_(R(3, 4).double())', 'F(1, 2).copy_(R(3, 4).double())'),
    ('R(1, 2).mul(1).copy_(F(3, 4))', '(R(1, 2) * 1).copy_(F(3, 4))'),
    ('const v = m.t().copy_(F(1, 2)); m', 'v = m.t().copy_(F(1, 2)); m'),
    ('F(1, 2).copy_(F(1, 2, 3))', 'F(1, 2).copy_(F(1, 2, 3))'),
    ('F(1, 2).copy_(ones(2, 2))', 'F(1, 2).copy_(torch.ones(2, 2))'),
    ('R(1, 2).copy_(F(3, 4))', 'R(1, 2).copy_(F(3, 4))'),
    (
        'slopes((x, v) => x.mul(1).copy_(v.mul(v)).mul(x), m, F(1, 2, 3))',
        'slopes(lambda x, v: (x * 1).copy_(v * v) * x, m, F(1, 2, 3))',
    ),
    (
        'slopes((x, v) => x.mul(x).fill_(v).mul(x), m, T(7))',
        'slopes(lambda x, v: (x * x).fill_(v) * x, m, T(7.))',
    ),
    # --- comparing ---
    ('F(1, 2).equal(F(1, 2))', 'F(1, 2).equal(F(1, 2))'),
    ('F(1, 2).equal(F(1, 3))', 'F(1, 2).equal(F(1, 3))'),
    ('F(1, 2).equal(F(1, 2).view(1, 2))', 'F(1, 2).equal(F(1, 2).view(1, 2))'),
    ('F(nan).equal(F(nan))', 'F(nan).equal(F(nan))'),
    ('F().equal(F())', 'F().equal(F())'),
    ('F(1).equal(1)', 'F(1).equal(1)'),
    ('F(1, 2).isclose(F(1.00001, 2.1))', 'F(1, 2).isclose(F(1.00001, 2.1))'),
    ('F(nan, inf, inf, 1).isclose(F(nan, inf, -inf, inf))', 'F(nan, inf, inf, 1).isclose(F(nan, inf, -inf, inf))'),
    ('F(nan, 1).isclose(F(nan, 1), { equalNan: true })', 'F(nan, 1).isclose(F(nan, 1), equal_nan=True)'),
    ('I(1, 2).isclose(I(1, 4), { rtol: 0.5 })', 'I(1, 2).isclose(I(1, 4), rtol=0.5)'),
    ('F(1, 2).allclose(F(1, 2.1), { atol: 0.2 })', 'F(1, 2).allclose(F(1, 2.1), atol=0.2)'),
    ('F(1, 2).allclose(F(1, 2.1))', 'F(1, 2).allclose(F(1, 2.1))'),
    ('F(1).isclose(F(1), { rtol: -1 })', 'F(1).isclose(F(1), rtol=-1)'),
    ('F(1).allclose(I(1))', 'F(1).allclose(I(1))'),
    ('F(1, 2).allclose(F(1, 2, 3))', 'F(1, 2).allclose(F(1, 2, 3))'),
    # --- rows, properties, printing ---
    ('list([...m])', 'list(m)'),
    ('list([...R(1, 2)])', 'list(R(1, 2))'),
    ('list([...T(5)])', 'list(T(5.))'),
    ('m.T', 'm.T'),
    ('R(1, 2).view(1, 2).T', 'R(1, 2).view(1, 2).T'),
    ('R(1, 2).view(1, 2).mT', 'R(1, 2).view(1, 2).mT'),
    ('c.T.shape', 'list(c.T.shape)'),
    ('c.mT.shape', 'list(c.mT.shape)'),
    ('F(1, 2).mT', 'F(1, 2).mT'),
    ('m.where(m.gt(2), F(-1))', 'm.where(m > 2, F(-1))'),
    ('R(1, 2).where(B(1, 0), F(0))', 'R(1, 2).where(B(1, 0), F(0))'),
    ('arange(20000).view(100, 200)', 'torch.arange(20000).view(100, 200)'),
    ('arange(20000).view(100, 200).t()', 'torch.arange(20000).view(100, 200).t()'),
    ('R(1, 2).toArray()', 'R(1, 2).numpy()'),
    ('`${F(1, 2)}`', 'F(1, 2)'),
]


def perform(code):
    given = {
        **scope,
        'm': torch.arange(6, dtype=torch.float32).view(2, 3),
        'c': torch.arange(24, dtype=torch.float32).view(2, 3, 4),
    }
    head, _, last = code.rpartition('\n') if '\n' in code else code.rpartition('; ')
    try:
        exec(head, given)
        return {'printed': repr(eval(last, given)).replace('torch.int64', 'torch.int32')}
    except Exception as error:
        return {'error': type(error).__name__, 'message': str(error).split('\n')[0]}


if __name__ == '__main__':
    out = {}
    for key, code in ROWS:
        assert key not in out, key
        out[key] = perform(code)
    write('packages/core/test/golden/ops-b.json', out)
