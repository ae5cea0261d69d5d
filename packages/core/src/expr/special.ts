// Functions that JavaScript lacks, in double precision: the logarithm of the gamma function and its derivatives, the
// inverse of erf, Bessel functions. fits.ts has the polynomials; native/src/special.cc has the same algorithms.
import * as fits from './fits.ts'

function polynomial(c: readonly number[], x: number): number {
  let sum = c[c.length - 1]
  for (let i = c.length - 2; i >= 0; i--) sum = sum * x + c[i]
  return sum
}

/** sin(pi x) for x >= 0; the remainder after whole turns is exact. */
function sinPi(x: number): number {
  const rest = x % 2
  const half = rest > 1 ? 2 - rest : rest
  const y = Math.sin(Math.PI * (half > 0.5 ? 1 - half : half))
  return rest > 1 ? -y : y
}

/** log |gamma(x)|: infinite at 0, -1, -2, ... */
export function lgamma(x: number): number {
  if (x !== x) return x
  if (x <= 0) {
    // |gamma(x) gamma(1 - x)| = pi / |sin(pi x)|
    if (x === Math.floor(x)) return Infinity
    return x > -1e-300 ? -Math.log(-x) : Math.log(Math.PI / Math.abs(x * sinPi(-x))) - lgamma(-x)
  }
  if (x < 0.5) return x * polynomial(fits.lgamma, x) - Math.log(x) - Math.log1p(x)
  if (x < 1.5) return (x - 1) * polynomial(fits.lgamma, x - 1) - Math.log(x)
  if (x <= 2.5) return (x - 2) * polynomial(fits.lgamma, x - 2)
  if (x < 10) {
    let product = 1
    let z = x
    while (z > 2.5) product *= --z
    return (z - 2) * polynomial(fits.lgamma, z - 2) + Math.log(product)
  }
  if (x > 1e17) return x * (Math.log(x) - 1)
  const z = 1 / (x * x)
  const rest =
    1 / 12 + z * (-1 / 360 + z * (1 / 1260 + z * (-1 / 1680 + z * (1 / 1188 + z * (-691 / 360360 + z * (1 / 156))))))
  return (x - 0.5) * (Math.log(x) - 1) + (0.4189385332046727 + rest / x)
}

/** The derivative of lgamma: NaN at -1, -2, ..., where it has two limits; infinite at 0, with the sign of 0. */
export function digamma(x: number): number {
  if (x === 0) return -1 / x
  if (x < 0) {
    if (x === Math.trunc(x)) return NaN
    // Uses the fractional part, whose tangent is accurate.
    const rest = x - Math.trunc(x)
    return digamma(1 - x) - Math.PI / Math.tan(Math.PI * (rest < -0.5 ? rest + 1 : rest))
  }
  if (x < 1) return digamma(1 + x) - 1 / x
  if (!(x < 10)) {
    if (x === Infinity) return x
    const z = 1 / (x * x)
    const rest =
      1 / 12 - z * (1 / 120 - z * (1 / 252 - z * (1 / 240 - z * (1 / 132 - z * (691 / 32760 - z * (1 / 12))))))
    return Math.log(x) - 0.5 / x - z * rest
  }
  let sum = 0
  let z = x
  while (z > 2) sum += 1 / --z
  return sum + (z - fits.digammaRoot[0] - fits.digammaRoot[1]) * polynomial(fits.digamma, z - 1.5)
}

/** Bernoulli numbers over their factorials: B(2j) / (2j)! for j from 1. */
const bernoulli = [
  1 / 12,
  -1 / 720,
  1 / 30240,
  -1 / 1209600,
  1 / 47900160,
  -691 / 1307674368000,
  1 / 74724249600,
  -3617 / 10670622842880000,
]

/** x to the power -s, for an integer s from 1. */
function inversePower(x: number, s: number): number {
  let y = 1
  for (let i = 0; i < s; i++) y /= x
  return y
}

/** Hurwitz's zeta for q > 0 and an integer s from 2, by the Euler-Maclaurin formula. */
function zeta(s: number, q: number): number {
  let sum = 0
  let a = q
  for (; a < s + 10; a++) sum += inversePower(a, s)
  const power = inversePower(a, s)
  sum += (power * a) / (s - 1) + power / 2
  let factor = (power * s) / a
  for (let j = 0; j < bernoulli.length; j++) {
    sum += bernoulli[j] * factor
    factor *= ((s + 2 * j + 1) * (s + 2 * j + 2)) / (a * a)
  }
  return sum
}

/** The derivative of digamma of order `n`, an integer from 0 to 170. */
export function polygamma(n: number, x: number): number {
  if (n === 0) return digamma(x)
  // A higher order would have an infinite factorial.
  if (!(n > 0 && n <= 170 && n === Math.floor(n))) return NaN
  const s = n + 1
  let factorial = n % 2 === 0 ? -1 : 1
  for (let i = 2; i <= n; i++) factorial *= i
  if (x > 0) return x === Infinity ? factorial * 0 : factorial * zeta(s, x)
  const below = Math.floor(x)
  if (!(x - x === 0)) return NaN
  if (x === below) return factorial * Infinity
  // The terms on both sides of 0: those below are the terms of a zeta that begins above 0, minus those beyond.
  const rest = x - below
  const other = zeta(s, 1 - rest) - zeta(s, 1 - x)
  return factorial * (zeta(s, rest) + (s % 2 === 0 ? other : -other))
}

/** The inverse of erf. */
export function erfinv(x: number): number {
  if (!(x < 1 && x > -1)) return x === 1 || x === -1 ? x * Infinity : NaN
  const w = -Math.log((1 - x) * (1 + x))
  if (w < 6.25) return x * polynomial(fits.erfinvNear, w - 3.125)
  const s = Math.sqrt(w)
  return x * (s < 4 ? polynomial(fits.erfinvFar, s - 3.25) : polynomial(fits.erfinvEnd, s - 5.05))
}

/**
 * Beyond 8, where the power series becomes long; the exponential is applied in two halves, so that it is finite if the
 * product is.
 */
function besselBeyond(a: number, c: readonly number[]): number {
  const half = Math.exp(a / 2)
  return half * (half * (polynomial(c, 1 / a - 0.0625) / Math.sqrt(a)))
}

/** The modified Bessel function of order 0; NaN at infinity, as in PyTorch. */
export function besselI0(x: number): number {
  const a = Math.abs(x)
  if (!(a < 8)) return besselBeyond(a, fits.i0)
  const z = (a * a) / 4
  let sum = 1
  for (let n = 1, term = 1; term > 1e-17 * sum; n++) {
    term *= z / (n * n)
    sum += term
  }
  return sum
}

/** The modified Bessel function of order 1, the derivative of order 0. */
export function besselI1(x: number): number {
  const a = Math.abs(x)
  if (!(a < 8)) return x < 0 ? -besselBeyond(a, fits.i1) : besselBeyond(a, fits.i1)
  const z = (a * a) / 4
  let sum = 1
  for (let n = 1, term = 1; term > 1e-17 * sum; n++) {
    term *= z / (n * (n + 1))
    sum += term
  }
  return (x / 2) * sum
}

const float = new Float32Array(1)
const floatBits = new Int32Array(float.buffer)
const double = new Float64Array(1)
const doubleBits = new BigInt64Array(double.buffer)

/** The float32 after x in the direction of y. */
export function nextafterf(x: number, y: number): number {
  if (x !== x || y !== y) return NaN
  if (x === y) return y
  if (x === 0) return y > 0 ? 2 ** -149 : -(2 ** -149)
  float[0] = x
  floatBits[0] += y > x === x > 0 ? 1 : -1
  return float[0]
}

/** The double after x in the direction of y. */
export function nextafter(x: number, y: number): number {
  if (x !== x || y !== y) return NaN
  if (x === y) return y
  if (x === 0) return y > 0 ? Number.MIN_VALUE : -Number.MIN_VALUE
  double[0] = x
  doubleBits[0] += y > x === x > 0 ? 1n : -1n
  return double[0]
}

/** x with the sign of y; the sign of a NaN is ignored. */
export function copysign(x: number, y: number): number {
  const a = Math.abs(x)
  return y < 0 || Object.is(y, -0) ? -a : a
}

/** Shifts the bits of x; a shift by more bits than there are shifts all of them out. */
export const shiftLeft = (x: number, n: number): number => (n >= 0 && n < 32 ? x << n : 0)
export const shiftRight = (x: number, n: number): number => x >> (n >= 0 && n < 32 ? n : 31)
