#!/usr/bin/env python3
"""Writes packages/core/test/golden/specials.json: functions of torch.special that run on the host, in real PyTorch 1.13.

    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/specials.py

{name: {"args": one list for each argument, "values": in float64, "exact": by mpmath with 40 digits, "size": what errors are
measured against: the value, or where it oscillates its amplitude, and of a polynomial the largest of lower degrees}}. The names are those of torch.special.
"""
import math
import os
import sys

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mpmath as mp  # noqa: E402
import torch  # noqa: E402
from format import short, write  # noqa: E402

mp.mp.dps = 40
torch.set_num_threads(1)
S = torch.special
EDGES = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan]


def between(low, high, n):
    return [low + (high - low) * (i + 0.317) / n for i in range(n)]


def sizes(low, high, n):
    return [math.exp(x) for x in between(math.log(low), math.log(high), n)]


def signed(xs):
    return [y for x in xs for y in (x, -x)]


POSITIVE = sizes(1e-8, 30, 40) + [24.9, 25.1, 60.3, 700.5]
wave = lambda x: math.sqrt(2 / (math.pi * x)) if x > 1 else 0
airy_wave = lambda x: 1 / math.sqrt(math.pi) / (-x) ** 0.25 if x < -1 else 0
K = lambda order: lambda x: mp.besselk(order, x)
FUNCTIONS = {
    'bessel_j0': (signed(POSITIVE), lambda x: mp.besselj(0, x), lambda x: wave(abs(x))),
    'bessel_j1': (signed(POSITIVE), lambda x: mp.besselj(1, x), lambda x: wave(abs(x))),
    'bessel_y0': (POSITIVE, lambda x: mp.bessely(0, x), lambda x: max(wave(x), 0.5)),
    'bessel_y1': (POSITIVE, lambda x: mp.bessely(1, x), wave),
    'modified_bessel_k0': (POSITIVE, K(0), None),
    'modified_bessel_k1': (POSITIVE, K(1), None),
    'scaled_modified_bessel_k0': (POSITIVE, lambda x: mp.exp(x) * mp.besselk(0, x), None),
    'scaled_modified_bessel_k1': (POSITIVE, lambda x: mp.exp(x) * mp.besselk(1, x), None),
    'spherical_bessel_j0': (signed(POSITIVE), lambda x: mp.sin(x) / x, None),
    'airy_ai': (signed(sizes(1e-6, 40, 40)) + [-11.9, -12.1, 90.5], mp.airyai, airy_wave),
    'erfcx': (signed(sizes(1e-6, 5, 20)) + [20.5, 300.5, -20.5], lambda x: mp.exp(mp.mpf(x) ** 2) * mp.erfc(x), None),
}
A, X = [0.1, 0.5, 1, 2.5, 7, 12.5, 30, 150, 1000], [1e-3, 0.3, 0.9, 2, 6.5, 14, 29, 160, 990]
PAIRS = [(a, x) for a in A for x in X]
ZETAS = [(x, q) for x in (1.001, 1.5, 2, 3.3, 7, 20, 60) for q in (1e-3, 0.5, 1, 2.7, 9, 40, 1e4)] + [(2, -0.5), (3, -0.5), (4, -7.25)]
DEGREES = [(x, n) for n in (0, 1, 2, 5, 7, 12, 3.9, -1) for x in (-1, -0.9, -0.2, 0, 0.3, 0.77, 1, 1.5, -2.5)]
# P(1), and P(k + 1) from P(k) and P(k - 1).
chebyshev = lambda shift: (lambda x: 2 * x + shift, lambda x, k, p, o: 2 * x * p - o)
RECURRENCES = {
    'chebyshev_polynomial_t': (lambda x: x, lambda x, k, p, o: 2 * x * p - o),
    'chebyshev_polynomial_u': chebyshev(0), 'chebyshev_polynomial_v': chebyshev(-1), 'chebyshev_polynomial_w': chebyshev(1),
    'hermite_polynomial_h': (lambda x: 2 * x, lambda x, k, p, o: 2 * x * p - 2 * k * o),
    'hermite_polynomial_he': (lambda x: x, lambda x, k, p, o: x * p - k * o),
    'laguerre_polynomial_l': (lambda x: 1 - x, lambda x, k, p, o: ((2 * k + 1 - x) * p - k * o) / (k + 1)),
    'legendre_polynomial_p': (lambda x: x, lambda x, k, p, o: ((2 * k + 1) * x * p - k * o) / (k + 1)),
}


def polynomials(name, x, n):
    """P(0) to P(n), exactly."""
    first, following = RECURRENCES[name.removeprefix('shifted_')]
    x = 2 * mp.mpf(x) - 1 if name.startswith('shifted_') else mp.mpf(x)
    all = [mp.mpf(1), first(x)]
    for k in range(1, int(n)):
        all.append(following(x, k, all[k], all[k - 1]))
    return all[: int(n) + 1] or [mp.mpf(0)]


lower = lambda a, x: mp.gammainc(a, 0, x, regularized=True)
upper = lambda a, x: mp.gammainc(a, x, regularized=True)
# Of still smaller numbers PyTorch has few digits.
far = lambda f: [(a, x) for a, x in PAIRS if f(a, x) > 1e-150]
PAIRED = {
    'gammainc': (far(lower), lower),
    'gammaincc': (far(upper), upper),
    # mpmath has no zeta with a negative second argument for all first ones: the terms below 0 are added by hand.
    'zeta': (ZETAS, lambda x, q: mp.zeta(x, q) if q > 0 else sum(mp.mpf(q + k) ** -x for k in range(math.ceil(-q))) + mp.zeta(x, q + math.ceil(-q))),
    **{
        f'{form}{name}': (DEGREES, lambda x, n, name=form + name: polynomials(name, x, n)[-1])
        for name in RECURRENCES
        for form in ('', *(['shifted_'] if 'chebyshev' in name else []))
    },
}
EDGE_PAIRS = [(a, b) for a in (0.0, 1.0, 2.0, -1.0, math.inf, math.nan) for b in (0.0, 1.0, -1.0, math.inf, math.nan)]


def record(name, columns, exact, size):
    f = getattr(S, name)
    tensors = [torch.tensor(column, dtype=torch.float64) for column in columns]
    values = f(*tensors).tolist()
    wanted = [float(exact(*map(mp.mpf, row))) if exact else v for row, v in zip(zip(*columns), values)]
    scale = [max(abs(w), size(*row) if size else 0) for row, w in zip(zip(*columns), wanted)]
    keep = lambda xs: [short(x, 17) for x in xs]
    return {'args': [keep(c) for c in columns], 'values': keep(values), 'exact': keep(wanted), 'size': keep(scale)}


if __name__ == '__main__':
    out, edges = {}, {}
    for name, (xs, exact, size) in FUNCTIONS.items():
        out[name] = record(name, [xs], exact, size)
        edges[name] = record(name, [EDGES], None, None)
    for name, (pairs, exact) in PAIRED.items():
        of_degree = 'polynomial' in name
        size = (lambda x, n, name=name: float(max(map(abs, polynomials(name, x, n))))) if of_degree else None
        out[name] = record(name, [list(c) for c in zip(*pairs)], exact, size)
        edges[name] = record(name, [list(c) for c in zip(*([(x, 3) for x in EDGES] if of_degree else EDGE_PAIRS))], None, None)
    write('packages/core/test/golden/specials.json', {'inside': out, 'edges': edges}, depth=2)
