#!/usr/bin/env python3
"""Writes packages/core/test/golden/ops-a.json: reductions, joins, sorting and random tensors as real PyTorch 1.13 has them.

    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/ops_a.py

Keys are the TypeScript calls; the test has a row for each.
derived  inputs, results, grad_fn, gradients under the cotangent c, and second derivatives: those of the sum of the
         gradients times c, by all inputs (null where none flows). float64.
drawn    results after manual_seed(0)
thrown   class and first line of the error
"""
import json
import os
import sys
import warnings

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from format import data_of, dtype_name, write  # noqa: E402

warnings.simplefilter('ignore')
nan = float('nan')
inf = float('inf')
M = [[1.5, -0.25, 2.0], [0.75, 3.0, -1.0]]
TIES = [[1.0, 3.0, 3.0], [3.0, 1.0, 2.0]]
Z1 = [[2.0, 0.0, 3.0], [1.5, -2.0, 0.5]]
Z2 = [[2.0, 0.0, 3.0], [0.0, -2.0, 0.0]]
V7 = [0.5, -1.0, 0.0, 2.0, 0.25, 1.5, 3.0]
C3 = [[[0.1, 0.9], [-1.2, 0.3], [2.0, -0.7]], [[1.1, 0.2], [0.6, -0.4], [-0.8, 1.3]]]

derived = {
    'x.max()': (lambda x: x.max(), [TIES]),
    'x.min()': (lambda x: x.min(), [TIES]),
    'x.max() of NaN': (lambda x: x.max(), [[1.0, nan, nan]]),
    'x.max(1)': (lambda x: x.max(1), [TIES]),
    'x.min(0, { keepdim: true })': (lambda x: x.min(0, keepdim=True), [TIES]),
    'x.max(y)': (lambda x, y: x.max(y), [TIES, [[1.0, 1.0, 5.0]]]),
    'x.max(0) of a scalar': (lambda x: x.max(0), [2.5]),
    'x.amax([0, 2])': (lambda x: x.amax([0, 2]), [C3]),
    'x.amin(1)': (lambda x: x.amin(1), [TIES]),
    'x.prod()': (lambda x: x.prod(), [M]),
    'x.prod() beside one zero': (lambda x: x.prod(), [Z1]),
    'x.prod() beside zeros': (lambda x: x.prod(), [Z2]),
    'x.prod(1)': (lambda x: x.prod(1), [Z2]),
    'x.prod(0, { keepdim: true })': (lambda x: x.prod(0, keepdim=True), [Z1]),
    'x.prod() of seven': (lambda x: x.prod(), [V7]),
    'x.var()': (lambda x: x.var(), [M]),
    'x.var(1, { unbiased: false })': (lambda x: x.var(1, unbiased=False), [M]),
    'x.var({ dim: [0, 2], correction: 2, keepdim: true })': (
        lambda x: x.var(dim=[0, 2], correction=2, keepdim=True),
        [C3],
    ),
    'x.std()': (lambda x: x.std(), [M]),
    'x.std(0)': (lambda x: x.std(0), [C3]),
    'x.std(0) of equals': (lambda x: x.std(0), [[2.0, 2.0]]),
    'varMean(x, 1)': (lambda x: torch.var_mean(x, 1), [M]),
    'stdMean(x)': (lambda x: torch.std_mean(x), [M]),
    'x.cumsum(1)': (lambda x: x.cumsum(1), [C3]),
    'x.logsumexp(0)': (lambda x: x.logsumexp(0), [M]),
    'x.logsumexp([0, 1])': (lambda x: x.logsumexp([0, 1], keepdim=True), [M]),
    'x.softmax(1)': (lambda x: x.softmax(1), [C3]),
    'x.softmax(-1)': (lambda x: x.softmax(-1), [M]),
    'x.softmax(0) of large ones': (lambda x: x.softmax(0), [[1000.0, 1001.0, -1000.0]]),
    'x.logSoftmax(0)': (lambda x: x.log_softmax(0), [M]),
    'F.softmax(x)': (lambda x: F.softmax(x), [M]),
    'F.logSoftmax of three dimensions': (lambda x: F.log_softmax(x), [C3]),
    'F.softmin(x)': (lambda x: F.softmin(x), [M]),
    'x.logSoftmax(2)': (lambda x: x.log_softmax(2), [C3]),
    'cat([x, y], 1)': (lambda x, y: torch.cat([x, y], 1), [M, [[4.0], [5.0]]]),
    'cat([x, zeros(0), y])': (lambda x, y: torch.cat([x, torch.zeros(0), y]), [M, TIES]),
    'stack([x, y], -1)': (lambda x, y: torch.stack([x, y], -1), [M, TIES]),
    'x.split(2, 1)': (lambda x: x.split(2, 1), [M]),
    'x.split([1, 2], 1)': (lambda x: x.split([1, 2], 1), [M]),
    'x.chunk(3)': (lambda x: x.chunk(3), [V7]),
    'unbind(x, 1)': (lambda x: x.unbind(1), [M]),
    'pad(x, [1, 0, 0, 2])': (lambda x: F.pad(x, [1, 0, 0, 2]), [M]),
    "pad(x, [-1, 2], 'constant', 2.5)": (lambda x: F.pad(x, [-1, 2], 'constant', 2.5), [M]),
    'pad(x, [0, -3])': (lambda x: F.pad(x, [0, -3]), [M]),
    'x.repeat(2, 1, 2)': (lambda x: x.repeat(2, 1, 2), [M]),
    'x.tile(2)': (lambda x: x.tile(2), [M]),
    'x.sort()': (lambda x: x.sort(), [M]),
    'x.sort({ dim: 0, descending: true, stable: true })': (
        lambda x: x.sort(dim=0, descending=True, stable=True),
        [TIES],
    ),
    'x.sort() with NaN': (lambda x: x.sort(), [[2.0, nan, -inf, inf]]),
    'x.topk(2)': (lambda x: x.topk(2), [M]),
    'x.topk(1, 0, { largest: false })': (lambda x: x.topk(1, 0, largest=False), [M]),
}


def flatten(out):
    return [out] if isinstance(out, torch.Tensor) else list(out)


def cotangent(x, k):
    c = [(((i * 7 + k * 3 + 3) % 11) - 5) / 4 for i in range(x.numel())]
    return torch.tensor(c, dtype=x.dtype).reshape(x.shape)


def described(x):
    return {'dtype': dtype_name(x), 'shape': list(x.shape), 'data': data_of(x)}


def derive(fn, data):
    inputs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in data]
    outs = flatten(fn(*inputs))
    floats = [(x, k) for k, x in enumerate(outs) if x.requires_grad]
    first = torch.autograd.grad(
        [x for x, _ in floats], inputs, [cotangent(x, k) for x, k in floats], create_graph=True
    )
    record = {
        'inputs': [described(x) for x in inputs],
        'outs': [described(x) for x in outs],
        'gradFn': [x.grad_fn.name() if x.grad_fn else None for x in outs],
        'grads': [data_of(g) for g in first],
        'second': None,
    }
    deeper = [(g, k) for k, g in enumerate(first) if g.requires_grad]
    if deeper:
        second = torch.autograd.grad(
            [g for g, _ in deeper], inputs, [cotangent(g, k) for g, k in deeper], allow_unused=True
        )
        record['second'] = [None if g is None else data_of(g) for g in second]
    return record


def ones(*shape, dtype=torch.float32):
    return torch.ones(*shape, dtype=dtype)


drawn = {
    'rand(3)': lambda: torch.rand(3),
    "rand([2, 2], { dtype: 'float64' })": lambda: torch.rand([2, 2], dtype=torch.float64),
    'rand(3, { generator })': lambda: torch.rand(3, generator=torch.Generator().manual_seed(7)),
    'randn(5)': lambda: torch.randn(5),
    'randn(4, 5)': lambda: torch.randn(4, 5),
    "randn(17, { dtype: 'float64' })": lambda: torch.randn(17, dtype=torch.float64),
    'normal(1, 2, [3])': lambda: torch.normal(1.0, 2.0, [3]),
    'randint(0, 100, [6])': lambda: torch.randint(0, 100, [6]),
    "randint(2, [5], { dtype: 'bool' })": lambda: torch.randint(2, [5], dtype=torch.bool),
    "randint(-3, 3, [5], { dtype: 'float32' })": lambda: torch.randint(-3, 3, [5], dtype=torch.float32),
    'randperm(10)': lambda: torch.randperm(10),
    'randLike(x.t())': lambda: torch.rand_like(ones(2, 3).t()),
    'randnLike(x)': lambda: torch.randn_like(ones(4, 4)),
    'randnLike(x.t())': lambda: torch.randn_like(ones(4, 5).t()),
    'randLike of a permuted slice': lambda: torch.rand_like(torch.zeros(2, 3, 4).permute(2, 0, 1)[1:3]),
    'randintLike(x, 5)': lambda: torch.randint_like(ones(2, 3), 5),
    'randintLike(x, 2, 5)': lambda: torch.randint_like(ones(2, 3), 2, 5),
    'bernoulli(p)': lambda: torch.bernoulli(torch.tensor([0.1, 0.5, 0.9, 1.0, 0.0])),
    'bernoulli of float64': lambda: torch.bernoulli(torch.full((4,), 0.5, dtype=torch.float64)),
    'bernoulli(x, 0.5)': lambda: torch.bernoulli(ones(6), 0.5),
    'x.uniform_(-0.3, 0.3)': lambda: ones(7).uniform_(-0.3, 0.3),
    'x.normal_(1, 0.5)': lambda: ones(3, 7).normal_(1, 0.5),
    'a slice of x .normal_()': lambda: torch.zeros(2, 20)[:, ::2].normal_(),
    'x.t().uniform_()': lambda: ones(2, 3).t().uniform_(),
    'x.bernoulli_(0.3)': lambda: ones(8).bernoulli_(0.3),
    'x.bernoulli_(p)': lambda: ones(2, 3).bernoulli_(torch.tensor([0.1, 0.5, 0.7])),
    'x.t().bernoulli_(p)': lambda: torch.zeros(2, 3).t().bernoulli_(torch.full((3, 2), 0.5)),
    'x.random_()': lambda: ones(4).random_(),
    "x.random_() of float64": lambda: ones(4, dtype=torch.float64).random_(),
    "x.random_() of uint8": lambda: ones(4, dtype=torch.uint8).random_(),
    'x.random_(10)': lambda: ones(4).random_(10),
    'x.random_(3, 10)': lambda: ones(4, dtype=torch.int64).random_(3, 10),
    'dropout(x)': lambda: F.dropout(ones(10) * 3),
    'dropout(x, 0.3)': lambda: F.dropout(ones(10) * 3, 0.3),
    'dropout(x.t(), 0.5)': lambda: F.dropout(ones(2, 3).t()),
    'dropout(x, 1)': lambda: F.dropout(ones(3), 1.0),
    'dropout(x, 0.5, false)': lambda: F.dropout(ones(3), 0.5, False),
    'getRngState()': lambda: torch.get_rng_state()[:64],
}

i = torch.tensor([1, 2, 3])
x = torch.tensor(M)
thrown = {
    'zeros(0).max()': lambda: torch.zeros(0).max(),
    'zeros(2, 0).max(1)': lambda: torch.zeros(2, 0).max(1),
    'zeros(0).amax()': lambda: torch.zeros(0).amax(),
    'zeros(0).argmax()': lambda: torch.zeros(0).argmax(),
    'zeros(2, 0).argmin(1)': lambda: torch.zeros(2, 0).argmin(1),
    'argmax of bool': lambda: torch.tensor([True]).argmax(),
    'i.var()': lambda: i.var(),
    'i.mean()': lambda: i.mean(),
    "x.mean({ dtype: 'int32' })": lambda: x.mean(dtype=torch.int64),
    'i.softmax(0)': lambda: i.softmax(0),
    'i.reshape(1, 3).logSoftmax(0)': lambda: i.reshape(1, 3).log_softmax(0),
    'x.cumsum(2)': lambda: x.cumsum(2),
    'cat([])': lambda: torch.cat([]),
    'cat of a scalar': lambda: torch.cat([torch.zeros(0), torch.tensor(1.0)]),
    'cat of other ranks': lambda: torch.cat([x, torch.zeros(3)]),
    'cat of no rows of another size': lambda: torch.cat([torch.zeros(0, 2), x]),
    'cat of other sizes': lambda: torch.cat([x, x, x.t()]),
    'stack of other sizes': lambda: torch.stack([x, x[0]]),
    'stack([])': lambda: torch.stack([]),
    'x.split([1, 2])': lambda: x.split([1, 2]),
    'x.split([-1, 3])': lambda: x.split([-1, 3]),
    'x.split(0)': lambda: x.split(0),
    'x.split(-1)': lambda: x.split(-1),
    'x.chunk(0)': lambda: x.chunk(0),
    'unbind of a scalar': lambda: torch.tensor(1.0).unbind(),
    'trapezoid of a scalar': lambda: torch.trapezoid(torch.tensor(1.0)),
    'unique(0) of a scalar': lambda: torch.unique(torch.tensor(1.0), dim=0),
    'pad(x, [1])': lambda: F.pad(x, [1]),
    'pad too long': lambda: F.pad(x, [1] * 6),
    'pad(x, [-2, -2])': lambda: F.pad(x, [-2, -2]),
    'pad to nothing': lambda: F.pad(torch.zeros(3, 2), [1, 1, -3, 0]),
    "pad(x, [1, 1], 'foo')": lambda: F.pad(x, [1, 1], 'foo'),
    'x.repeat(2)': lambda: x.repeat(2),
    'x.repeat(-1, 2)': lambda: x.repeat(-1, 2),
    'x.topk(4)': lambda: x.topk(4),
    'topk of bool': lambda: torch.tensor([True]).topk(1),
    "rand(2, { dtype: 'int32' })": lambda: torch.rand(2, dtype=torch.int64),
    "randn(2, { dtype: 'int32' })": lambda: torch.randn(2, dtype=torch.int64),
    'randint(5, 5, [0])': lambda: torch.randint(5, 5, [0]),
    "randint(3, [5], { dtype: 'bool' })": lambda: torch.randint(3, [5], dtype=torch.bool),
    'randint(0, 5, [3], { requiresGrad: true })': lambda: torch.randint(0, 5, [3], requires_grad=True),
    'randperm(-1)': lambda: torch.randperm(-1),
    'bernoulli(i)': lambda: torch.bernoulli(i),
    'bernoulli of 1.5': lambda: torch.bernoulli(torch.tensor([0.5, 1.5])),
    'x.bernoulli_(2)': lambda: x.clone().bernoulli_(2.0),
    'x.uniform_(2, 1)': lambda: x.clone().uniform_(2, 1),
    'x.normal_(0, -1)': lambda: x.clone().normal_(0, -1),
    'i.normal_()': lambda: i.clone().normal_(),
    'leaf.uniform_()': lambda: torch.zeros(2, requires_grad=True).uniform_(),
    'an expanded x.normal_()': lambda: torch.zeros(3).expand(2, 3).normal_(),
    'dropout(x, 2)': lambda: F.dropout(x, 2),
    'dropout(i)': lambda: F.dropout(i),
    'setRngState(zeros(3))': lambda: torch.set_rng_state(torch.zeros(3)),
    "setRngState(zeros(3, { dtype: 'uint8' }))": lambda: torch.set_rng_state(torch.zeros(3, dtype=torch.uint8)),
}


def draw(fn):
    torch.manual_seed(0)
    return described(fn())


def catch(fn):
    try:
        fn()
    except Exception as error:
        return {'error': type(error).__name__, 'message': str(error).split('\n')[0]}
    raise AssertionError('PyTorch accepts it')


if __name__ == '__main__':
    out = {
        'derived': {key: derive(*case) for key, case in derived.items()},
        'drawn': {key: draw(fn) for key, fn in drawn.items()},
        'thrown': {key: catch(fn) for key, fn in thrown.items()},
    }
    write('packages/core/test/golden/ops-a.json', out, depth=2)
