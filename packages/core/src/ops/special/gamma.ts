// The incomplete gamma functions and Hurwitz's zeta function, in double precision.
import { lgamma } from '../../expr/special.ts'

/** gamma(a) for 0 < a < 20, from its value between 1 and 2. */
function gammaOf(a: number): number {
  let [product, z] = [1, a]
  for (; z >= 2; ) product *= --z
  for (; z < 1; z++) product /= z
  return product * Math.exp(lgamma(z))
}

/** log(1 + m) - m for a small m, without cancellation. */
function logBeyond(m: number): number {
  let [sum, power] = [0, m]
  for (let k = 2; Math.abs(power) > 1e-18 * Math.abs(sum) && k < 60; k++) {
    power *= -m
    sum += power / k
  }
  return sum
}

/** x ** a * exp(-x) / gamma(a). */
function density(a: number, x: number): number {
  if (a < 20) return (x ** a * Math.exp(-x)) / gammaOf(a)
  const z = 1 / (a * a)
  const rest = 1 / 12 - z * (1 / 360 - z * (1 / 1260 - z * (1 / 1680 - z * (1 / 1188 - z * (691 / 360360 - z / 156)))))
  const scale = Math.sqrt(a / (2 * Math.PI)) * Math.exp(-rest / a)
  const m = (x - a) / a
  if (Math.abs(m) < 0.3) return scale * Math.exp(a * logBeyond(m))
  // The power is more accurate than its logarithm, but may leave the range where the product does not.
  const log = a * Math.log(x / a)
  return Math.abs(log) < 690 && Math.abs(a - x) < 690
    ? scale * (x / a) ** a * Math.exp(a - x)
    : scale * Math.exp(log - a * m)
}

/** The lower function, by its power series. */
function series(a: number, x: number): number {
  let [sum, term] = [1, 1]
  for (let n = 1; term > 1e-17 * sum && n < 1e6; n++) {
    term *= x / (a + n)
    sum += term
  }
  return (density(a, x) / a) * sum
}

/** The upper function, by its continued fraction. */
function fraction(a: number, x: number): number {
  let b = x + 1 - a
  let [p0, p1, q0, q1] = [0, 1, 1, b]
  let value = 1 / b
  for (let n = 1, before = 0; value !== before && n < 1e6; n++) {
    const factor = n * (a - n)
    b += 2
    const [p, q] = [b * p1 + factor * p0, b * q1 + factor * q0]
    // Only the ratios count.
    const scale = Math.abs(q) > 1e200 ? 1e-200 : 1
    p0 = p1 * scale
    q0 = q1 * scale
    p1 = p * scale
    q1 = q * scale
    before = value
    if (q !== 0) value = p / q
  }
  return density(a, x) * value
}

/** The upper function of small numbers, where it is 1 minus something near 1. */
function smallUpper(a: number, x: number): number {
  let [sum, factor] = [0, 1]
  for (let n = 1; n < 200; n++) {
    factor *= -x / n
    const term = factor / (a + n)
    sum += term
    if (Math.abs(term) <= 1e-17 * Math.abs(sum)) break
  }
  const log = a * Math.log(x)
  return -Math.expm1(log - lgamma(1 + a)) - Math.exp(log - lgamma(a)) * sum
}

/** Both functions at the edges of where they are defined; undefined inside. */
function atEdges(a: number, x: number): readonly [lower: number, upper: number] | undefined {
  if (a < 0 || x < 0 || (a === 0 && !(x > 0)) || (a === Infinity && x === Infinity)) return [Number.NaN, Number.NaN]
  if (a === 0) return [1, 0]
  if (x === 0 || a === Infinity) return [0, 1]
  return x === Infinity ? [1, 0] : undefined
}
/** The regularized lower incomplete gamma function. */
export function lowerGamma(a: number, x: number): number {
  return atEdges(a, x)?.[0] ?? (x < a + 1 ? series(a, x) : 1 - fraction(a, x))
}
/** The regularized upper incomplete gamma function. */
export function upperGamma(a: number, x: number): number {
  const edge = atEdges(a, x)
  if (edge !== undefined) return edge[1]
  if (x <= 1.1 && (x <= 0.5 ? a <= -0.4 / Math.log(x) : a <= 1.1 * x)) return smallUpper(a, x)
  return x < a + 1 ? 1 - series(a, x) : fraction(a, x)
}

/** The numbers B(2j) / (2j)! of Bernoulli. */
const bernoulli = [
  ...[1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600],
  ...[-3617 / 10670622842880000, 43867 / 5109094217170944000],
]

/** The sum of (q + k) ** -s over k from 0 on, by the formula of Euler and Maclaurin. */
export function hurwitzZeta(s: number, q: number): number {
  if (s === 1) return Number.POSITIVE_INFINITY
  if (s < 1) return Number.NaN
  if (q <= 0) {
    if (q === Math.floor(q)) return Number.POSITIVE_INFINITY
    if (s !== Math.floor(s)) return Number.NaN
  }
  // In JavaScript 1 to an infinite power is NaN.
  let [sum, a, power] = [0, q, q === 1 ? 1 : q ** -s]
  for (; a <= 9 || a < q + 9; ) {
    sum += power
    if (a > 0 && power < 1e-17 * sum) return sum
    power = (++a) ** -s
  }
  sum += (power * a) / (s - 1) + power / 2
  let factor = (power * s) / a
  for (let j = 0; j < bernoulli.length; j++) {
    const term = bernoulli[j] * factor
    sum += term
    if (Math.abs(term) < 1e-17 * Math.abs(sum)) break
    factor *= ((s + 2 * j + 1) * (s + 2 * j + 2)) / (a * a)
  }
  return sum
}
