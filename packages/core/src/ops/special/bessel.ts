// Bessel and Airy functions of real numbers, in double precision. Of small numbers J and Y come from Miller's backward
// recurrence and Neumann's series (Abramowitz and Stegun, 9.1.88 and 9.12), K and Ai from power series, and above 1 from
// the trapezoidal rule, which converges exponentially for these integrals; of large ones J, Y and Ai come from asymptotic
// series.

const euler = 0.5772156649015329

interface Order0and1 {
  readonly j: readonly [number, number]
  readonly y: readonly [number, number]
}

/** J and Y of the orders 0 and 1, for 0 < x < 25. */
function recurred(x: number): Order0and1 {
  let [next, now] = [0, 1]
  /** The sum that is 1, and Neumann's. */
  let [total, sum0, sum1] = [0, 0, 0]
  let first = 0
  for (let k = 2 * Math.ceil(x * 0.8) + 44; k > 0; k--) {
    // `now` is the function of order k.
    const m = Math.floor(k / 2)
    const sign = m % 2 === 0 ? 1 : -1
    if (k % 2 === 0) {
      total += 2 * now
      sum0 += (sign * now) / m
    } else if (m > 0) sum1 += (sign * (2 * m + 1) * now) / (m * (m + 1))
    first = now
    const before = ((2 * k) / x) * now - next
    next = now
    now = before
    if (Math.abs(now) > 1e200) {
      now *= 1e-200
      next *= 1e-200
      first *= 1e-200
      total *= 1e-200
      sum0 *= 1e-200
      sum1 *= 1e-200
    }
  }
  total += now
  const [j0, j1] = [now / total, first / total]
  const log = Math.log(x / 2) + euler
  return {
    j: [j0, j1],
    y: [
      (2 * log * j0 - (4 * sum0) / total) / Math.PI,
      ((-2 / x) * j0 + 2 * (log - 1) * j1 - (2 * sum1) / total) / Math.PI,
    ],
  }
}

/** The same from 25 on, by Hankel's expansion, where terms[k] of the asymptotic series multiply x to the power -k. */
function expanded(x: number): Order0and1 {
  const scale = Math.sqrt(2 / (Math.PI * x))
  const [sin, cos] = [Math.sin(x), Math.cos(x)].map((wave) => wave * Math.SQRT1_2)
  const of = (order: number, c: number, s: number): [j: number, y: number] => {
    let [p, q, term] = [0, 0, 1]
    for (let k = 0; k < 30 && Math.abs(term) > 1e-18; k++) {
      const signed = k % 4 < 2 ? term : -term
      if (k % 2 === 0) p += signed
      else q += signed
      term *= (4 * order - (2 * k + 1) ** 2) / (8 * (k + 1) * x)
    }
    return [scale * (p * c - q * s), scale * (p * s + q * c)]
  }
  const [j0, y0] = of(0, cos + sin, sin - cos)
  const [j1, y1] = of(1, sin - cos, -sin - cos)
  return { j: [j0, j1], y: [y0, y1] }
}
const both = (x: number): Order0and1 => (x < 25 ? recurred(x) : expanded(x))

export const besselJ =
  (order: 0 | 1) =>
  (x: number): number => {
    if (x === 0) return order === 0 ? 1 : x
    const y = both(Math.abs(x)).j[order]
    return order === 1 && x < 0 ? -y : y
  }
/** Minus infinity at 0, NaN below. */
export const besselY =
  (order: 0 | 1) =>
  (x: number): number =>
    x > 0 ? both(x).y[order] : x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN

/** The integral of `exp(-z (cosh t - 1)) weight(t)` from 0 on. */
function trapezoidal(z: number, weight: (t: number) => number): number {
  const step = Math.min(0.2, 0.6 / Math.sqrt(z))
  let sum = 0.5
  for (let i = 1, term = 1; term > 1e-18 * sum; i++) {
    const half = Math.sinh((i * step) / 2)
    term = Math.exp(-2 * z * half * half) * weight(i * step)
    sum += term
  }
  return step * sum
}

/** K of order 0 or 1 below 1, by its power series. */
function smallK(order: 0 | 1, x: number): number {
  const z = (x * x) / 4
  const log = Math.log(x / 2) + euler
  // The terms z ** k / (k! (k + order)!), and the sum of 1 / j up to k.
  let [term, harmonic, i, sum] = [1, 0, 0, 0]
  for (let k = 0; k < 15; k++) {
    i += term
    sum += term * (order === 0 ? harmonic : 2 * harmonic + 1 / (k + 1))
    term *= z / ((k + 1) * (k + 1 + order))
    harmonic += 1 / (k + 1)
  }
  return order === 0 ? sum - log * i : 1 / x + (x / 2) * (log * i - sum / 2)
}

/** The modified Bessel function of the second kind, of order 0 or 1, times exp(x). */
export const scaledK =
  (order: 0 | 1) =>
  (x: number): number => {
    if (!(x > 0)) return x === 0 ? Number.POSITIVE_INFINITY : Number.NaN
    if (x === Number.POSITIVE_INFINITY) return 0
    if (x < 1) return smallK(order, x) * Math.exp(x)
    return trapezoidal(x, order === 0 ? () => 1 : Math.cosh)
  }
export const besselK = (order: 0 | 1) => {
  const scaled = scaledK(order)
  return (x: number): number => (x > 0 && x < 1 ? smallK(order, x) : scaled(x) * Math.exp(-x))
}

/** sin(x) / x. */
export const sphericalJ0 = (x: number): number => (x === 0 ? 1 : Math.abs(x) === Infinity ? 0 : Math.sin(x) / x)

/** The Taylor series around points from 0 to x, which is below 1. */
function airyByTaylor(x: number): number {
  const steps = Math.ceil(Math.abs(x) * 2)
  const h = x / Math.max(steps, 1)
  let [value, slope] = [0.3550280538878172, -0.2588194037928068]
  for (let i = 0; i < steps; i++) {
    const at = i * h
    // The coefficients of Ai'' = x Ai, each times a power of h.
    let [before, now, next] = [0, value, slope * h]
    let [sum, slopes] = [now + next, next]
    for (let k = 2; k < 30; k++) {
      const term = (at * h * h * now + h * h * h * before) / (k * (k - 1))
      before = now
      now = next
      next = term
      sum += term
      slopes += k * term
    }
    value = sum
    slope = slopes / h
  }
  return value
}

/** The Airy function Ai. */
export function airyAi(x: number): number {
  if (!Number.isFinite(x)) return Number.NaN
  if (x < 1 && x > -12) return airyByTaylor(x)
  const z = (2 / 3) * Math.abs(x) ** 1.5
  if (x > 0) {
    // exp(-z) is applied in two halves, so that it is not rounded to 0 where the product is not.
    const half = Math.exp(-z / 2)
    return (half * trapezoidal(z, (t) => Math.cosh(t / 3)) * Math.sqrt(x / 3) * half) / Math.PI
  }
  let [p, q, term] = [0, 0, 1]
  for (let k = 0; k < 30 && Math.abs(term) > 1e-18; k++) {
    const signed = k % 4 < 2 ? term : -term
    if (k % 2 === 0) p += signed
    else q += signed
    term *= ((6 * k + 1) * (6 * k + 3) * (6 * k + 5)) / (216 * (k + 1) * (2 * k + 1) * z)
  }
  const [sin, cos] = [Math.sin(z), Math.cos(z)]
  return (((sin + cos) * p - (cos - sin) * q) * Math.SQRT1_2) / (Math.sqrt(Math.PI) * Math.sqrt(Math.sqrt(-x)))
}
