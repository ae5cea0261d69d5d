"""The ops of ops/families.ts in NumPy. Prints `ready`; then a line `n op` asks for the
nanoseconds of processor time that n calls take, or with n = 0 for the sum of the result; `none` where NumPy lacks the op. Run by src/numpy.ts."""
import sys
import time

import numpy as np

N = 1_000_000
i = np.arange(N, dtype=np.int64)


def spread(factor, prime):
    return ((i * factor) % prime / prime * 4 - 2).astype(np.float32)


f32 = np.float32
a, b = spread(7919, 10_007), spread(104_729, 10_009)
p, mask, m, n = a + f32(2.5), a > 0, a.reshape(1000, 1000), b.reshape(1000, 1000)
none = a > 2
index = ((i * 7919) % N).astype(np.int32)
rows, classes = index[:1000] % 1000, index % 1000
s = (a[:4096].reshape(64, 64) + 16 * np.eye(64)).astype(np.float32)
positive = s @ s.T
definite = m @ m.T + 1000 * np.eye(1000, dtype=np.float32)
part = definite[:512, :512].copy()
ordered = (np.arange(N) / f32(N / 4) - 2).astype(np.float32)
rng = np.random.default_rng(0)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def log_softmax(x):
    y = x - x.max(-1, keepdims=True)
    return y - np.log(np.exp(y).sum(-1, keepdims=True))


ops = {
    'add': lambda: a + b, 'mul': lambda: a * b, 'div': lambda: a / p, 'pow': lambda: p**b, 'maximum': lambda: np.maximum(a, b),
    'atan2': lambda: np.arctan2(a, b), 'abs': lambda: np.abs(a), 'sqrt': lambda: np.sqrt(p), 'rsqrt': lambda: 1 / np.sqrt(p),
    'exp': lambda: np.exp(a), 'expm1': lambda: np.expm1(a), 'log': lambda: np.log(p), 'log1p': lambda: np.log1p(p),
    'sin': lambda: np.sin(a), 'tanh': lambda: np.tanh(a), 'floor': lambda: np.floor(a), 'round': lambda: np.rint(a),
    'clamp': lambda: np.clip(a, -1, 1), 'gt': lambda: a > b, 'where': lambda: np.where(mask, a, b), 'add a row': lambda: m + n[0],
    'relu': lambda: np.maximum(a, 0), 'leakyRelu': lambda: np.where(a > 0, a, a * f32(0.1)), 'sigmoid': lambda: 1 / (1 + np.exp(-a)),
    'softplus': lambda: np.logaddexp(a, f32(0)), 'softmax': lambda: softmax(m), 'logSoftmax': lambda: log_softmax(m),
    'sum': lambda: a.sum(), 'sum of rows': lambda: m.sum(1), 'sum of columns': lambda: m.sum(0), 'mean': lambda: a.mean(),
    'product of rows': lambda: (m / 1000 + 1).prod(1), 'max': lambda: a.max(), 'argmax of rows': lambda: m.argmax(1), 'variance': lambda: a.var(),
    'norm': lambda: np.linalg.norm(a), 'logsumexp': lambda: np.log(np.exp(a - a.max()).sum()) + a.max(), 'any': lambda: none.any(),
    'cumsum': lambda: a.cumsum(), 'cumsum of rows': lambda: m.cumsum(1), 'cumprod of rows': lambda: (m / 2).cumprod(1),
    'cummax': lambda: np.maximum.accumulate(a), 'sort': lambda: np.sort(a, kind='stable'), 'argsort': lambda: np.argsort(b, kind='stable'),
    'topk of 10': lambda: np.sort(np.partition(a, N - 10)[N - 10:]), 'topk of rows': lambda: np.sort(np.partition(m, 995, -1)[:, 995:]),
    'median': lambda: np.partition(a, (N - 1) // 2)[(N - 1) // 2], 'quantile': lambda: np.quantile(a, 0.3),
    'unique': lambda: np.unique(classes), 'bincount': lambda: np.bincount(classes), 'searchsorted': lambda: np.searchsorted(ordered, a),
    'take': lambda: a[index], 'rows by number': lambda: m[rows], 'scatter to sums': lambda: np.bincount(classes, weights=a),
    'one hot': lambda: np.eye(1000, dtype=np.int64)[rows], 'masked select': lambda: a[mask], 'transpose': lambda: np.ascontiguousarray(m.T),
    'cat': lambda: np.concatenate([m, n], 1), 'stack': lambda: np.stack([a, b], 1), 'pad': lambda: np.pad(m, 1),
    'flip': lambda: np.ascontiguousarray(m[:, ::-1]), 'tile': lambda: np.tile(m[:100], (10, 1)), 'tril': lambda: np.tril(m),
    'slice': lambda: np.ascontiguousarray(m[:, ::2]),
    'rand': lambda: rng.random(N, dtype=np.float32), 'randn': lambda: rng.standard_normal(N, dtype=np.float32),
    'bernoulli': lambda: (rng.random(N, dtype=np.float32) < p / 5).astype(np.float32),
    'multinomial': lambda: rng.choice(1000, 10_000, p=np.abs(n[0].astype(np.float64)) / np.abs(n[0].astype(np.float64)).sum()),
    'exponential': lambda: rng.standard_exponential(N, dtype=np.float32), 'poisson': lambda: rng.poisson(p), 'permutation': lambda: rng.permutation(N),
    'matmul': lambda: m[:256] @ n[:, :256], 'einsum': lambda: np.einsum('ij,ij->i', m, n), 'outer': lambda: np.outer(a[:1000], b[:1000]),
    'qr': lambda: np.abs(np.linalg.qr(s)[1]), 'inv': lambda: np.linalg.inv(s), 'det': lambda: np.linalg.det(s / 16),
    'solve': lambda: np.linalg.solve(s, m[:64]), 'cholesky': lambda: np.linalg.cholesky(positive),
    'cholesky of 512': lambda: np.linalg.cholesky(part), 'cholesky of 1000': lambda: np.linalg.cholesky(definite),
    'eigvalsh': lambda: np.linalg.eigvalsh(positive),
    'svdvals': lambda: np.linalg.svd(s, compute_uv=False),
    'eigh': lambda: np.linalg.eigh(positive)[0], 'svd': lambda: np.linalg.svd(s)[1], 'pinv': lambda: np.linalg.pinv(s),
    'lstsq': lambda: np.linalg.lstsq(s, m[:64], rcond=None)[0],
    'Normal.sample': lambda: rng.normal(a, 1), 'Gamma.sample': lambda: rng.standard_gamma(p, dtype=np.float32),
    'Normal.logProb': lambda: -((b - a) ** 2) / 8 - np.log(2) - 0.9189385332046727,
    'mse': lambda: ((a - b) ** 2).mean(), 'l1': lambda: np.abs(a - b).mean(),
    'binary cross entropy': lambda: (np.maximum(a, 0) - a * mask + np.log1p(np.exp(-np.abs(a)))).mean(),
    'cross entropy': lambda: -log_softmax(m)[np.arange(1000), rows].mean(),
}

print('ready', flush=True)
for line in sys.stdin:
    count, _, name = line.rstrip('\n').partition(' ')
    op = ops.get(name)
    if op is None:
        print('none', flush=True)
    elif count == '0':
        print(float(np.asarray(op(), dtype=np.float64).sum()), flush=True)
    else:
        # As in ops/families.ts: the first calls after another process fetch the operands.
        for _ in range(4 if int(count) > 4 else 0):
            op()
        start = time.process_time_ns()
        for _ in range(int(count)):
            op()
        print(time.process_time_ns() - start, flush=True)
