# Values of functions of one or two real numbers, computed by mpmath with 50 digits and rounded to doubles, for
# special.test.ts and math_test.cc: at ordinary and at difficult points. Writes packages/core/test/golden/special.json.
import json
import math
import os

import mpmath as mp
from mpmath import mpf

mp.mp.dps = 50
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')


def between(low, high, n=24):
    return [low + (high - low) * (i + 0.317) / n for i in range(n)]


def sizes(low, high, n=24):
    return [math.exp(x) for x in between(math.log(low), math.log(high), n)]


def signed(xs):
    return [y for x in xs for y in (x, -x)]


def lgamma(x):
    return mp.loggamma(x) if x > 0 else mp.log(abs(mp.gamma(x)))


def order(n):
    return lambda x: mp.psi(n, x)


near_root = [1.4616321449683622, 1.4616321449683625, 1.4616, 1.4617]
functions = {
    'tan': (mp.tan, between(-30, 30)),
    'sinh': (mp.sinh, signed(sizes(1e-10, 80))),
    'cosh': (mp.cosh, between(-80, 80)),
    'asin': (mp.asin, between(-1, 1)),
    'acos': (mp.acos, between(-1, 1)),
    'atan': (mp.atan, signed(sizes(1e-6, 1e6))),
    'asinh': (mp.asinh, signed(sizes(1e-10, 1e100))),
    'acosh': (mp.acosh, [1 + x for x in sizes(1e-6, 1)] + sizes(2, 1e100)),
    'atanh': (mp.atanh, signed(sizes(1e-10, 0.999))),
    'exp2': (lambda x: mp.power(2, x), between(-120, 120)),
    'log2': (lambda x: mp.log(x, 2), sizes(1e-30, 1e30) + between(0.9, 1.1)),
    'log10': (lambda x: mp.log(x, 10), sizes(1e-30, 1e30) + between(0.9, 1.1)),
    'lgamma': (lgamma, sizes(1e-8, 1e6, 40) + between(0.9, 2.1) + [-0.3, -1.2, -3.75, -10.6, -20.3]),
    'digamma': (mp.digamma, sizes(1e-8, 1e8, 40) + between(1, 2) + near_root + [-0.3, -1.2, -3.75, -10.6]),
    'erfinv': (mp.erfinv, between(-1, 1) + [1 - x for x in sizes(1e-15, 0.01)] + sizes(1e-300, 1e-3, 8)),
    'i0': (lambda x: mp.besseli(0, x), between(-30, 30) + between(60, 700, 8) + [7.99, 8.01]),
    'i1': (lambda x: mp.besseli(1, x), between(-30, 30) + between(60, 700, 8) + sizes(1e-30, 1e-3, 6)),
    **{f'polygamma {n}': (order(n), sizes(1e-4, 1e6) + [-0.3, -1.2, -3.75, -10.6]) for n in (1, 2, 3, 5)},
}
pairs = list(zip(signed(sizes(1e-5, 1e5)), signed(sizes(1e-4, 1e4))[::-1]))
two = {
    'atan2': (mp.atan2, pairs),
    'hypot': (mp.hypot, pairs + [(3e200, 4e200), (3e-200, 4e-200), (1e-300, 1e300)]),
}
golden = {name: [[x, float(mp.re(f(mpf(x))))] for x in xs] for name, (f, xs) in functions.items()}
golden |= {name: [[x, y, float(f(mpf(x), mpf(y)))] for x, y in xs] for name, (f, xs) in two.items()}
path = os.path.join(ROOT, 'packages/core/test/golden/special.json')
with open(path, 'w') as file:
    json.dump(golden, file, separators=(',', ':'))
    file.write('\n')
print(os.path.relpath(path, ROOT), os.path.getsize(path), 'bytes')
