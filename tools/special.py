# Fits the polynomials of lgamma, digamma, erfinv, i0 and i1, by interpolation at Chebyshev's points in 50 digits, and
# writes them for TypeScript, C++ and, shorter, for kernels of floats: /usr/bin/python3 tools/special.py
# Each is in u = x - middle of its interval, the lowest power first; what it fits is said beside it. The error that is
# printed is the largest relative one on the interval.
import os
import mpmath as mp
from mpmath import mpf

mp.mp.dps = 50
root = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')

psi_root = mp.findroot(mp.digamma, 1.46)


def interpolate(f, low, high, degree):
    n = degree + 1
    middle, half = (mpf(low) + mpf(high)) / 2, (mpf(high) - mpf(low)) / 2
    angles = [mp.pi * (k + mpf(1) / 2) / n for k in range(n)]
    values = [f(middle + half * mp.cos(t)) for t in angles]
    c = [2 / mpf(n) * mp.fsum(v * mp.cos(j * t) for v, t in zip(values, angles)) for j in range(n)]
    c[0] /= 2
    powers = [mpf(0)] * n
    before, now = [mpf(1)], [mpf(0), mpf(1)]
    for j in range(n):
        for i, v in enumerate(before):
            powers[i] += c[j] * v
        after = [mpf(0)] + [2 * v for v in now]
        for i, v in enumerate(before):
            after[i] -= v
        before, now = now, after
    return [p / half ** i for i, p in enumerate(powers)]


def error(f, c, low, high):
    middle = (mpf(low) + mpf(high)) / 2
    worst = mpf(0)
    for k in range(300):
        x = mpf(low) + (mpf(high) - mpf(low)) * (k + mpf('0.37')) / 300
        worst = max(worst, abs(mp.polyval(c[::-1], x - middle) / f(x) - 1))
    return worst


def lgamma(z):
    return mp.loggamma(2 + z) / z if abs(z) > mpf(10) ** -20 else 1 - mp.euler


def digamma(x):
    return mp.digamma(x) / (x - psi_root) if abs(x - psi_root) > mpf(10) ** -20 else mp.psi(1, psi_root)


def erfinv(w):
    if w < mpf(10) ** -30:
        return mp.sqrt(mp.pi) / 2
    x = mp.sqrt(-mp.expm1(-w))
    rest = mp.exp(-w) / (1 + x)
    y = mp.erfinv(x) if w < 20 else mp.sqrt(w)
    while True:
        step = (mp.erfc(y) - rest) * mp.sqrt(mp.pi) / 2 * mp.exp(y * y)
        y += step
        if abs(step) < mpf(10) ** -42 * y:
            return y / x


def bessel(order):
    def scaled(u):
        if u > mpf('0.004'):
            return mp.exp(-1 / u) * mp.sqrt(1 / u) * mp.besseli(order, 1 / u)
        term = total = mpf(1)
        for k in range(1, 30):
            term *= -(4 * order * order - (2 * k - 1) ** 2) * u / (8 * k)
            total += term
        return total / mp.sqrt(2 * mp.pi)

    return scaled


# What, its interval, degrees for doubles and for floats, and in words.
fits = [
    ('lgamma', lgamma, '-0.5', '0.5', 17, 9, 'lgamma(2 + z) / z over z in [-0.5, 0.5]'),
    ('digamma', digamma, 1, 2, 21, 9, 'digamma(x) / (x - its root) over x in [1, 2]'),
    ('erfinvNear', erfinv, 0, '6.25', 23, 11, 'erfinv(x) / x over w = -log(1 - x * x) in [0, 6.25]'),
    ('erfinvFar', lambda s: erfinv(s * s), '2.5', 4, 19, 7, 'erfinv(x) / x over sqrt(w) in [2.5, 4]'),
    ('erfinvEnd', lambda s: erfinv(s * s), 4, '6.1', 19, 7, 'erfinv(x) / x over sqrt(w) in [4, 6.1]'),
    ('i0', bessel(0), 0, '0.125', 23, 7, 'i0(x) * exp(-x) * sqrt(x) over 1 / x in [0, 0.125]'),
    ('i1', bessel(1), 0, '0.125', 23, 7, 'i1(x) * exp(-x) * sqrt(x) over 1 / x in [0, 0.125]'),
]

by = '// Written by tools/special.py, which says what these are.\n'
ts, cc, floats = [by], [by + '#pragma once\n\nnamespace flambeau {\n\n// clang-format off\n'], [by]
for name, f, low, high, degree, short, words in fits:
    c = interpolate(f, low, high, degree)
    s = interpolate(f, low, high, short)
    print(f'{name:12} {mp.nstr(error(f, c, low, high), 3):>10} {mp.nstr(error(f, s, low, high), 3):>10}')
    digits = [repr(float(x)) for x in c]
    lines = ''.join(f'  {d},\n' for d in digits)
    ts.append(f'/** {words}. */\nexport const {name} = [\n{lines}]\n')
    cc.append(f'/** {words}. */\nconstexpr double {name}Fit[] = {{\n' + ''.join(
        '  ' + ', '.join(digits[i:i + 5]) + ',\n' for i in range(0, len(digits), 5)) + '};\n')
    lines = ''.join(f'  {repr(float(x))},\n' for x in s)
    floats.append(f'/** {words}. */\nexport const {name} = [\n{lines}]\n')
high = float(psi_root)
ends = f'{high!r}', f'{float(psi_root - mpf(high))!r}'
ts.append(f"/** Where digamma is 0, in two parts. */\nexport const digammaRoot = [{', '.join(ends)}] as const\n")
cc.append(f"/** Where digamma is 0, in two parts. */\nconstexpr double digammaRoot[] = {{{', '.join(ends)}}};\n")
high = float(mp.nint(psi_root * 2 ** 12) / 2 ** 12)
floats.append("/** Where digamma is 0, in two parts, the first of 12 bits. */\n"
              f'export const digammaRoot = [{high!r}, {float(psi_root - mpf(high))!r}] as const\n')
cc.append('// clang-format on\n\n}  // namespace flambeau\n')
for path, parts in [('packages/core/src/expr/fits.ts', ts), ('native/src/fits.h', cc),
                    ('packages/backend-gpujs/src/fits.ts', floats)]:
    with open(os.path.join(root, path), 'w') as file:
        file.write('\n'.join(parts))
