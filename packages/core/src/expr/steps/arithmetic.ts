// Steps of arithmetic: sums, products, quotients, powers, signs, and rounding to integers. For bool they are logic: a
// sum is or, a product is and.
import { isFloat } from '../../base/dtype.ts'
import type { Expr } from '../expr.ts'
import {
  arithmetic,
  type Binary,
  both,
  either,
  floating,
  inline,
  maths,
  own,
  rounding,
  type Slope,
  type Ternary,
  type Unary,
} from '../step.ts'

export const cast: Unary = {
  ...{ arity: 1, rule: 'cast', cost: 0, work: 'simple' },
  slope: (s, dy, [x]) => [isFloat(x.dtype) ? s.cast(dy, x.dtype) : undefined],
  real: inline(
    ([a]) => a,
    (a) => a,
  ),
  single: own('fround'),
  bool: inline(
    ([a]) => `${a} !== 0 | 0`,
    (a) => (a !== 0 ? 1 : 0),
  ),
}

export const add: Binary = {
  ...arithmetic,
  arity: 2,
  slope: (_, dy) => [dy, dy],
  real: inline(
    ([a, b]) => `${a} + ${b}`,
    (a, b) => a + b,
  ),
  bool: either,
}

export const sub: Binary = {
  ...arithmetic,
  arity: 2,
  slope: (s, dy) => [dy, s.neg(dy)],
  real: inline(
    ([a, b]) => `${a} - ${b}`,
    (a, b) => a - b,
  ),
}

export const mul: Binary = {
  ...arithmetic,
  arity: 2,
  slope: (s, dy, [a, b]) => [s.mul(dy, b), s.mul(dy, a)],
  real: inline(
    ([a, b]) => `${a} * ${b}`,
    (a, b) => a * b,
  ),
  whole: maths('imul', Math.imul),
  bool: both,
}

/** Integer quotients are truncated; 0 / 0 is 0. */
export const div: Binary = {
  ...{ ...arithmetic, cost: 2 },
  arity: 2,
  slope: (s, dy, [a, b], y) => [
    s.div(dy, b),
    a.step === 'const' ? s.neg(s.mul(dy, s.div(y, b))) : s.neg(s.mul(dy, s.div(s.div(a, b), b))),
  ],
  real: inline(
    ([a, b]) => `${a} / ${b}`,
    (a, b) => a / b,
  ),
}

/** `a * b + c`; a backend that rounds to float32 in between may round once. */
export const fma: Ternary = {
  ...arithmetic,
  arity: 3,
  slope: (s, dy, [a, b]) => [s.mul(dy, b), s.mul(dy, a), dy],
  real: inline(
    ([a, b, c]) => `${a} * ${b} + ${c}`,
    (a, b, c) => a * b + c,
  ),
  whole: inline(
    ([a, b, c]) => `Math.imul(${a}, ${b}) + ${c}`,
    (a, b, c) => Math.imul(a, b) + c,
  ),
  bool: inline(
    ([a, b, c]) => `${a} & ${b} | ${c}`,
    (a, b, c) => (a & b) | c,
  ),
}

/** The remainder with the divisor's sign. */
export const mod: Binary = {
  ...{ ...arithmetic, cost: Infinity, work: 'remainder' },
  arity: 2,
  slope: (s, dy, [a, b]) => [dy, s.neg(s.mul(dy, s.floorDiv(a, b)))],
  real: own('mod'),
}

/** C's fmod, the remainder with the dividend's sign. */
export const fmod: Binary = {
  ...{ ...arithmetic, cost: Infinity, work: 'remainder' },
  arity: 2,
  slope: (s, dy, [a, b]) => [dy, s.neg(s.mul(dy, s.trunc(s.rounded(s.div(a, b)))))],
  real: inline(
    ([a, b]) => `${a} % ${b}`,
    (a, b) => a % b,
  ),
}

/** The quotient rounded down. */
export const floorDiv: Binary = {
  ...{ ...arithmetic, cost: Infinity, work: 'remainder' },
  arity: 2,
  slope: null,
  real: own('floorDiv'),
  whole: inline(
    ([a, b]) => `Math.floor(${a} / ${b})`,
    (a, b) => Math.floor(a / b),
  ),
}

/** Integer powers wrap; negative exponents give 0, except for bases of 1 and -1. */
export const pow: Binary = {
  ...{ ...arithmetic, cost: Infinity, work: 'call' },
  arity: 2,
  slope: (s, dy, [x, p], y) => [
    p.step === 'const' && p.value === 2
      ? s.mul(dy, s.mul(x, 2))
      : s.select(s.eq(p, 0), s.constant(0, dy.dtype), s.mul(dy, s.mul(p, s.pow(x, s.sub(p, 1))))),
    s.select(s.and(s.eq(x, 0), s.ge(p, 0)), s.constant(0, dy.dtype), s.mul(dy, s.mul(y, s.log(x)))),
  ],
  real: own('pow'),
  whole: own('ipow'),
}

/** The smaller (or larger) operand gets nothing, equal ones half each, and both get all of it with NaN. */
const extreme = (loses: 'gt' | 'lt'): Slope => {
  return (s, dy, [a, b]) => {
    const share = (lost: Expr): Expr => s.select(lost, 0, s.select(s.eq(a, b), s.mul(dy, 0.5), dy))
    return [share(s[loses](a, b)), share(s[loses](b, a))]
  }
}

export const min: Binary = {
  ...arithmetic,
  arity: 2,
  slope: extreme('gt'),
  real: maths('min', (a, b) => Math.min(a, b)),
  bool: both,
}
export const max: Binary = {
  ...arithmetic,
  arity: 2,
  slope: extreme('lt'),
  real: maths('max', (a, b) => Math.max(a, b)),
  bool: either,
}

export const neg: Unary = {
  ...arithmetic,
  arity: 1,
  slope: (s, dy) => [s.neg(dy)],
  real: inline(
    ([a]) => `-${a}`,
    (a) => -a,
  ),
}

/** Its slope at 0 is 0. */
export const abs: Unary = {
  ...arithmetic,
  arity: 1,
  slope: (s, dy, [x]) => [s.mul(dy, s.sign(x))],
  real: maths('abs', Math.abs),
}

/** -1, 0 or 1; 0 for NaN. */
export const sign: Unary = { ...{ ...arithmetic, cost: Infinity }, arity: 1, slope: null, real: own('sign') }

/** `a` with the sign of `b`. */
export const copysign: Binary = {
  ...{ ...floating, work: 'simple' },
  arity: 2,
  slope: (s, dy, [a], y) => [s.select(s.eq(a, 0), 0, s.mul(dy, s.div(y, a))), undefined],
  real: own('copysign'),
}

/** The number next to `a` in the direction of `b`. */
export const nextafter: Binary = {
  ...floating,
  arity: 2,
  slope: null,
  real: own('nextafter'),
  single: own('nextafterf'),
}

export const floor: Unary = { ...rounding, real: maths('floor', Math.floor) }
export const ceil: Unary = { ...rounding, real: maths('ceil', Math.ceil) }
export const trunc: Unary = { ...rounding, real: maths('trunc', Math.trunc) }
/** Rounds halves to even. */
export const rint: Unary = { ...rounding, real: own('rint') }

export const sqrt: Unary = {
  ...{ ...floating, cost: 2, work: 'simple' },
  arity: 1,
  slope: (s, dy, _, y) => [s.div(dy, s.mul(y, 2))],
  real: maths('sqrt', Math.sqrt),
}
