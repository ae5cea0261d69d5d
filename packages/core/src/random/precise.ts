// Logarithms, powers and angles in float64 for the distributions. Those of `Math` differ between JavaScript engines.
// These are computed with twice the digits and rounded once, so every engine draws the same numbers. PyTorch's C
// library rounds the other way in 2 of 1,000 calls. Its log1p has a larger error, so this one follows it step by step,
// for equal bits.
import { fma64, twoProductError, twoSumError } from './fma.ts'

/** A number with twice the digits: the sum of two doubles, the first of which is the rounded sum. */
interface Wide {
  readonly hi: number
  readonly lo: number
}

const wide = (hi: number): Wide => ({ hi, lo: 0 })

/** The sum of a double and a smaller one. */
const sumOf = (large: number, small: number): Wide => {
  const hi = large + small
  return { hi, lo: small - (hi - large) }
}

const plus = (a: Wide, b: Wide): Wide => {
  const hi = a.hi + b.hi
  return sumOf(hi, twoSumError(a.hi, b.hi, hi) + a.lo + b.lo)
}

const times = (a: Wide, b: Wide): Wide => {
  const hi = a.hi * b.hi
  return sumOf(hi, twoProductError(a.hi, b.hi, hi) + (a.hi * b.lo + a.lo * b.hi))
}

const over = (a: Wide, b: Wide): Wide => {
  const hi = a.hi / b.hi
  const back = times(b, wide(hi))
  return sumOf(hi, (a.hi - back.hi - back.lo + a.lo) / b.hi)
}

const ONE = wide(1)

/**
 * A power series. Its coefficients are computed at first use, so a program that draws nothing does not compute them.
 */
const series = (
  count: number,
  /** How many coefficients need all their digits: the later terms are small. */
  precise: number,
  next: (previous: Wide, k: number) => Wide,
): ((x: Wide) => Wide) => {
  const coefficients: Wide[] = []
  return (x) => {
    for (let k = coefficients.length; k < count; k++) coefficients.push(k === 0 ? ONE : next(coefficients[k - 1], k))
    let tail = 0
    for (let k = count - 1; k >= precise; k--) tail = tail * x.hi + coefficients[k].hi
    let sum = wide(tail)
    for (let k = precise - 1; k >= 0; k--) sum = plus(times(sum, x), coefficients[k])
    return sum
  }
}

// In powers of r^2: sin r / r and cos r; in powers of s^2: artanh s / s.
const sine = series(14, 8, (previous, k) => over(previous, wide(-2 * k * (2 * k + 1))))
const cosine = series(14, 8, (previous, k) => over(previous, wide(-2 * k * (2 * k - 1))))
const artanh = series(22, 12, (_, k) => over(ONE, wide(2 * k + 1)))

// A quarter turn in three parts; the first two are so short that small multiples are exact.
const [QUARTER, QUARTER_MIDDLE, QUARTER_LOW] = [1.5707963267948983, -1.7151244994428829e-15, 8.4784276603689e-32]

/** The quarter turns in an angle, and the sine and the cosine of what is left, at most an eighth of a turn. */
const turned = (theta: number): [quarters: number, sin: Wide, cos: Wide] => {
  const quarters = Math.round(theta / QUARTER)
  const near = theta - quarters * QUARTER
  const shift = -quarters * QUARTER_MIDDLE
  const rest = sumOf(near + shift, twoSumError(near, shift, near + shift) - quarters * QUARTER_LOW)
  const square = times(rest, rest)
  return [quarters, times(sine(square), rest), cosine(square)]
}

/** Writes the cosine and the sine of `theta`, 0 to 2 pi, to `out[0]` and `out[1]`. */
export const cosSin = (theta: number, out: Float64Array): void => {
  const [quarters, { hi: sin }, { hi: cos }] = turned(theta)
  // One more quarter turn: the cosine becomes minus the sine, the sine the cosine.
  const isOdd = quarters % 2 === 1
  const x = isOdd ? sin : cos
  const y = isOdd ? cos : sin
  out[0] = quarters === 1 || quarters === 2 ? -x : x
  out[1] = quarters === 2 || quarters === 3 ? -y : y
}

/** The tangent of `theta`, -pi / 2 to pi / 2. */
export const tan = (theta: number): number => {
  const [quarters, sin, cos] = turned(theta)
  return quarters === 0 ? over(sin, cos).hi : -over(cos, sin).hi
}

/** How often a positive number must be doubled to be at least `least`. */
const doublings = (x: number, least: number): number => {
  let count = 0
  for (let y = x; y < least; y *= 2) count++
  return count
}

const LN2: Wide = { hi: Math.LN2, lo: 2.3190468138462996e-17 }

const wideLog = (x: number): Wide => {
  // x = 2^-count m, and log m = 2 artanh((m - 1) / (m + 1)).
  const count = doublings(x, Math.SQRT1_2)
  const m = x * 2 ** count
  const s = over(wide(m - 1), sumOf(1, m))
  const { hi, lo } = times(artanh(times(s, s)), s)
  return plus(times(LN2, wide(-count)), { hi: 2 * hi, lo: 2 * lo })
}

/** The natural logarithm of 0 < x <= 1, not subnormal. */
export const log = (x: number): number => wideLog(x).hi

const exponential = series(24, 14, (previous, k) => over(previous, wide(k)))

const wideExp = (x: Wide): number => {
  // x = count log 2 + rest.
  const count = Math.round(x.hi / Math.LN2)
  const half = Math.trunc(count / 2)
  return exponential(plus(x, times(LN2, wide(-count)))).hi * 2 ** half * 2 ** (count - half)
}

/** Beyond this, e^x and e^-x are infinite or 0. */
const FAR = 746

/** e to the power x. */
export const exp = (x: number): number => (Math.abs(x) < FAR ? wideExp(wide(x)) : Math.exp(x))

/** x to the power y for 0 < x <= 1, not subnormal. */
export const pow = (x: number, y: number): number => {
  const power = times(wide(y), wideLog(x))
  return Math.abs(power.hi) < FAR ? wideExp(power) : x ** y
}

// log 2 in two parts: small multiples of the first are exact.
const LN2_HIGH = 0.6931471803691238
const LN2_LOW = 1.9082149292705877e-10
/** sqrt(1/2), truncated after its first 32 bits. */
const SQRT_HALF = 0.7071065902709961
/** The C library's coefficients of (log(1 + t) - 2s) / s in powers of s^2, where s = t / (2 + t). */
const LOG = [
  0.6666666666666735, 0.3999999999940942, 0.2857142874366239, 0.22222198432149784, 0.1818357216161805,
  0.15313837699209373, 0.14798198605116586,
] as const

/**
 * The natural logarithm of 1 + x for -1 < x <= 0: the bits of the GNU C library on a processor with fused multiply-add.
 */
export const log1p = (x: number): number => {
  if (x > -(2 ** -54)) return x
  if (x > -(2 ** -29)) return fma64(x * x, -0.5, x)
  // 1 + x = 2^k (1 + t); its rounding error is added at the end.
  const u = 1 + x
  const isNear = x > SQRT_HALF - 1
  const k = isNear ? 0 : -doublings(u, SQRT_HALF)
  const t = isNear ? x : u * 2 ** -k - 1
  const low = k === 0 ? 0 : fma64(k, LN2_LOW, (x - (u - 1)) / u)
  const half = 0.5 * t * t
  if (k !== 0 && t >= -3 * 2 ** -21 && t < 2 ** -20) return fma64(k, LN2_HIGH, -(half * fma64(-2 / 3, t, 1) - low - t))
  const s = t / (2 + t)
  const z = s * s
  const z2 = z * z
  let power = z2
  let sum = fma64(z, LOG[0], z2 * fma64(z, LOG[2], LOG[1]))
  for (let i = 3; i < LOG.length; i += 2) {
    power *= z2
    sum = fma64(power, fma64(z, LOG[i + 1], LOG[i]), sum)
  }
  return fma64(k, LN2_HIGH, -(half - (low + s * (half + sum)) - t))
}
