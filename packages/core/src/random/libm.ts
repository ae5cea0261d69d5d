// log, log1p, sine and cosine in float64 for the normal distribution. `Math.log` and the rest differ between JavaScript
// engines and from the C library that PyTorch calls; here log, sine and cosine are computed with twice the digits and
// rounded once, so every engine draws the same numbers, and the C library's own last bit differs in 2 of 1,000 calls.
//
// log1p is the fdlibm algorithm, with the sums and fused steps of the GNU C library on a processor that has them:
// Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved. Developed at SunPro, a Sun Microsystems, Inc.
// business. Permission to use, copy, modify, and distribute this software is freely granted, provided that this notice
// is preserved.
import { fma64, twoProductError, twoSumError } from './fma.ts'

/** A number as an unevaluated sum: `hi` is the sum rounded to a double, `lo` what is left. */
interface Pair {
  hi: number
  lo: number
}

const pair = (hi: number, lo: number): Pair => {
  const sum = hi + lo
  return { hi: sum, lo: lo - (sum - hi) }
}

const add = (a: Pair, b: Pair): Pair => {
  const sum = a.hi + b.hi
  return pair(sum, twoSumError(a.hi, b.hi, sum) + a.lo + b.lo)
}

const mul = (a: Pair, b: Pair): Pair => {
  const product = a.hi * b.hi
  return pair(product, twoProductError(a.hi, b.hi, product) + (a.hi * b.lo + a.lo * b.hi))
}

const div = (a: Pair, b: Pair): Pair => {
  const quotient = a.hi / b.hi
  const back = mul({ hi: quotient, lo: 0 }, b)
  const rest = a.hi - back.hi
  return pair(quotient, (rest - back.lo + a.lo) / b.hi)
}

/** The polynomial of `x` with these coefficients, lowest first. The far terms need no second half. */
const polynomial = (x: Pair, coefficients: readonly Pair[], exact: number): Pair => {
  let tail = 0
  for (let i = coefficients.length - 1; i >= exact; i--) tail = tail * x.hi + coefficients[i].hi
  let sum: Pair = { hi: tail, lo: 0 }
  for (let i = exact - 1; i >= 0; i--) sum = add(mul(sum, x), coefficients[i])
  return sum
}

const one: Pair = { hi: 1, lo: 0 }
/** A series that is computed when it is first needed: a program that draws nothing starts without it. */
const series = (count: number, term: (i: number, previous: Pair) => Pair): (() => readonly Pair[]) => {
  let terms: Pair[] | undefined
  return () => {
    if (terms === undefined) {
      terms = [one]
      while (terms.length < count) terms.push(term(terms.length, terms[terms.length - 1]))
    }
    return terms
  }
}
// sin r = r * sum of (-r^2)^i / (2i + 1)!, cos r = the same with (2i)!, log m = 2s * sum of s^2i / (2i + 1).
const sine = series(14, (i, previous) => div(previous, { hi: -2 * i * (2 * i + 1), lo: 0 }))
const cosine = series(14, (i, previous) => div(previous, { hi: -2 * i * (2 * i - 1), lo: 0 }))
const arctanh = series(22, (i) => div(one, { hi: 2 * i + 1, lo: 0 }))

// A half of pi in three parts; the first two are short, so their multiples by a quadrant number are exact.
const HALF_PI = [1.5707963267948983, -1.7151244994428829e-15, 8.4784276603689e-32] as const

/** Writes the cosine and the sine of `theta`, 0 to 2 pi, to `out[0]` and `out[1]`. */
export const cosSin = (theta: number, out: Float64Array): void => {
  const quadrant = Math.round(theta / HALF_PI[0])
  const near = theta - quadrant * HALF_PI[0]
  const next = near - quadrant * HALF_PI[1]
  const lost = twoSumError(near, -quadrant * HALF_PI[1], next)
  const r = pair(next, lost - quadrant * HALF_PI[2])
  const square = mul(r, r)
  const sin = mul(polynomial(square, sine(), 8), r).hi
  const cos = polynomial(square, cosine(), 8).hi
  out[0] = quadrant === 0 || quadrant === 4 ? cos : quadrant === 1 ? -sin : quadrant === 2 ? -cos : sin
  out[1] = quadrant === 0 || quadrant === 4 ? sin : quadrant === 1 ? cos : quadrant === 2 ? -sin : -cos
}

const LN2: Pair = { hi: Math.LN2, lo: 2.3190468138462996e-17 }

/** The natural logarithm of a normal positive double. */
export const log = (x: number): number => {
  let m = x
  let exponent = 0
  while (m < Math.SQRT1_2) {
    m *= 2
    exponent--
  }
  while (m > Math.SQRT2) {
    m /= 2
    exponent++
  }
  const s = div({ hi: m - 1, lo: 0 }, pair(1, m))
  const mantissa = mul(polynomial(mul(s, s), arctanh(), 12), s)
  const scaled = { hi: exponent * LN2.hi, lo: twoProductError(exponent, LN2.hi, exponent * LN2.hi) + exponent * LN2.lo }
  return add(scaled, { hi: 2 * mantissa.hi, lo: 2 * mantissa.lo }).hi
}

const LN2_HIGH = 0.6931471803691238
const LN2_LOW = 1.9082149292705877e-10
const LOG1P_REDUCE = -0.2928934097290039
const LOG1P_LOWEST = 0.7071065902709961

/** The natural logarithm of 1 + x for -1 < x <= 0. */
export const log1p = (x: number): number => {
  if (x > -(2 ** -29)) return x > -(2 ** -54) ? x : fma64(x * x, -0.5, x)
  let k = 0
  let f = x
  let correction = 0
  if (x <= LOG1P_REDUCE) {
    let u = 1 + x
    correction = (x - (u - 1)) / u
    while (u < LOG1P_LOWEST) {
      u *= 2
      k--
    }
    f = u - 1
    if (f >= -3 * 2 ** -21 && f < 2 ** -20) {
      const low = fma64(k, LN2_LOW, correction)
      if (f === 0) return fma64(k, LN2_HIGH, low)
      const rest = 0.5 * f * f * fma64(-2 / 3, f, 1)
      return fma64(k, LN2_HIGH, -(rest - low - f))
    }
  }
  const half = 0.5 * f * f
  const s = f / (2 + f)
  const z = s * s
  const z2 = z * z
  const z4 = z2 * z2
  let r = fma64(z, 0.6666666666666735, z2 * fma64(z, 0.2857142874366239, 0.3999999999940942))
  r = fma64(z4, fma64(z, 0.1818357216161805, 0.22222198432149784), r)
  r = fma64(z4 * z2, fma64(z, 0.14798198605116586, 0.15313837699209373), r)
  const tail = s * (half + r)
  if (k === 0) return f - (half - tail)
  return fma64(k, LN2_HIGH, -(half - (fma64(k, LN2_LOW, correction) + tail) - f))
}
