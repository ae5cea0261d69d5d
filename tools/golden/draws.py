#!/usr/bin/env python3
"""Writes packages/core/test/golden/draws.json: what PyTorch's CPU generator draws from further distributions.

    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/draws.py

Keys are the TypeScript calls; the test has a row for each.
drawn    for each dtype and seed: CRC-32 of the results (as float32, int32 for indices), the first of them, and a
         number drawn afterwards
slopes   gradients of drawn gamma and Dirichlet numbers by their parameters
thrown   class and first line of the error
"""
import json
import os
import sys
import warnings
import zlib

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
from format import data_of, write  # noqa: E402

warnings.simplefilter('ignore')
N = 3000


def spread(dtype, low, high, n=N):
    """Numbers between two, that both languages compute alike."""
    return torch.tensor([low + (high - low) * ((i * 7919) % n) / n for i in range(n)], dtype=dtype)


def empty(dtype, n=N):
    return torch.empty(n, dtype=dtype)


def rows(dtype):
    return spread(dtype, 0, 2, 60).reshape(6, 10)


drawn = {
    'exponential_()': lambda t: empty(t).exponential_(),
    'exponential_(0.37)': lambda t: empty(t).exponential_(0.37),
    'x.t().exponential_()': lambda t: empty(t).reshape(3, -1).t().exponential_(),
    'geometric_(0.3)': lambda t: empty(t).geometric_(0.3),
    'geometric_ of integers': lambda t: torch.empty(N, dtype=torch.int64).geometric_(0.01),
    'geometric_ of bytes': lambda t: torch.empty(N, dtype=torch.uint8).geometric_(0.01),
    'cauchy_()': lambda t: empty(t).cauchy_(),
    'cauchy_(0.3, 1.7)': lambda t: empty(t).cauchy_(0.3, 1.7),
    'logNormal_()': lambda t: empty(t).log_normal_(),
    'logNormal_(0.1, 0.37), odd': lambda t: empty(t, 7).log_normal_(0.1, 0.37),
    'F.rrelu(x, 0.1, 0.3, true)': lambda t: torch.nn.functional.rrelu(spread(t, -1, 1), 0.1, 0.3, True),
    'poisson of few': lambda t: torch.poisson(spread(t, 0, 10)),
    'poisson of many': lambda t: torch.poisson(spread(t, 10, 1000)),
    'binomial of few': lambda t: torch.binomial(spread(t, -1, 30).floor(), spread(t, 0, 1, N).flip(0)),
    'binomial of many': lambda t: torch.binomial(torch.tensor([200.0, 1000], dtype=t), spread(t, 0, 1).reshape(-1, 1)),
    'gamma of small shapes': lambda t: torch._standard_gamma(spread(t, 0, 1)),
    'gamma': lambda t: torch._standard_gamma(spread(t, 1, 50)),
    'dirichlet': lambda t: torch._sample_dirichlet(spread(t, 0.01, 4).reshape(-1, 5)),
    'multinomial(1)': lambda t: torch.multinomial(rows(t), 1),
    'multinomial(7)': lambda t: torch.multinomial(rows(t), 7),
    'multinomial(3) of columns': lambda t: torch.multinomial(rows(t).t(), 3),
    'multinomial(1, true)': lambda t: torch.multinomial(rows(t), 1, True),
    'multinomial(500, true)': lambda t: torch.multinomial(rows(t), 500, True),
    'multinomial(500, true) of a vector': lambda t: torch.multinomial(spread(t, 0, 1, 300), 500, True),
}


def record(draw, dtype, seed):
    torch.manual_seed(seed)
    x = draw(dtype)
    following = [torch.rand(1).item(), torch.randn(1).item()]
    values = x.contiguous().to(torch.float32 if x.is_floating_point() else torch.int32)
    first = data_of(x.flatten()[:6]) if x.is_floating_point() else []
    return {'shape': list(x.shape), 'crc': format(zlib.crc32(values.numpy().tobytes()), '08x'), 'first': first, 'next': following}


def gamma_slopes():
    shape = torch.tensor([0.05, 0.3, 0.9, 1.0, 2.5, 7.0, 8.5, 20.0, 300.0], dtype=torch.float64).repeat(20).requires_grad_()
    torch.manual_seed(1)
    x = torch._standard_gamma(shape)
    x.sum().backward()
    return shape.grad


def dirichlet_slopes():
    shapes = torch.tensor([[0.05, 0.3], [0.9, 4.0], [1.0, 1.0], [7.0, 9.0], [3.0, 40.0], [300.0, 200.0]], dtype=torch.float64)
    shapes = shapes.repeat(20, 1).requires_grad_()
    torch.manual_seed(1)
    x = torch.distributions.Dirichlet(shapes).rsample()
    (x * torch.arange(1, 3)).sum().backward()
    return shapes.grad


ones = torch.ones(2)
thrown = {
    'exponential_(-1)': lambda: torch.empty(2).exponential_(-1),
    'exponential_(NaN)': lambda: torch.empty(2).exponential_(float('nan')),
    'exponential_ of integers': lambda: torch.empty(2, dtype=torch.int64).exponential_(),
    'geometric_(0)': lambda: torch.empty(2).geometric_(0),
    'geometric_(1.5)': lambda: torch.empty(2).geometric_(1.5),
    'geometric_()': lambda: torch.empty(2).geometric_(),
    'geometric_ of booleans': lambda: torch.empty(2, dtype=torch.bool).geometric_(0.5),
    'cauchy_ of integers': lambda: torch.empty(2, dtype=torch.int64).cauchy_(),
    'logNormal_(0, -1)': lambda: torch.empty(2).log_normal_(0, -1),
    'logNormal_ of integers': lambda: torch.empty(2, dtype=torch.int64).log_normal_(),
    'poisson of integers': lambda: torch.poisson(torch.tensor([1, 2])),
    'poisson(-1)': lambda: torch.poisson(torch.tensor([1.0, -1])),
    'binomial of integers': lambda: torch.binomial(torch.tensor([1, 2]), torch.tensor([1, 2])),
    'binomial of two dtypes': lambda: torch.binomial(torch.tensor([1, 2]), torch.tensor([0.5, 0.5])),
    'binomial of other sizes': lambda: torch.binomial(torch.ones(3), torch.ones(2)),
    'binomial, backward': lambda: torch.binomial(ones, (ones * 0.5).requires_grad_()).sum().backward(),
    'multinomial of integers': lambda: torch.multinomial(torch.tensor([1, 2]), 1),
    'multinomial of three dims': lambda: torch.multinomial(torch.ones(2, 2, 2), 1),
    'multinomial(0)': lambda: torch.multinomial(ones, 0),
    'multinomial(3) of two': lambda: torch.multinomial(ones, 3),
    'multinomial of -1': lambda: torch.multinomial(torch.tensor([1.0, -1]), 1),
    'multinomial of infinity': lambda: torch.multinomial(torch.tensor([1.0, float('inf')]), 1),
    'multinomial of a row of 0': lambda: torch.multinomial(torch.tensor([[1.0, 1], [0, 0]]), 1),
    'multinomial(2, true) of -1': lambda: torch.multinomial(torch.tensor([1.0, -1]), 2, True),
    'multinomial(2, true) of NaN': lambda: torch.multinomial(torch.tensor([1.0, float('nan')]), 2, True),
    'multinomial(2, true) of infinity': lambda: torch.multinomial(torch.tensor([1.0, float('inf')]), 2, True),
    'multinomial(2, true) of a row of 0': lambda: torch.multinomial(torch.tensor([[1.0, 1], [0, 0]]), 2, True),
    'multinomial()': lambda: torch.multinomial(ones),
    "multinomial('a')": lambda: ones.multinomial('a'),
}


def error(call):
    try:
        call()
    except Exception as e:  # noqa: BLE001
        return {'error': type(e).__name__, 'message': str(e).split('\n')[0]}
    raise AssertionError('no error')


if __name__ == '__main__':
    out = {
        'drawn': {
            key: {name: [record(draw, getattr(torch, name), seed) for seed in (0, 42)] for name in ('float32', 'float64')}
            for key, draw in drawn.items()
        },
        'slopes': {'gamma': data_of(gamma_slopes()), 'dirichlet': data_of(dirichlet_slopes())},
        'thrown': {key: error(call) for key, call in thrown.items()},
    }
    write('packages/core/test/golden/draws.json', out, depth=2)
