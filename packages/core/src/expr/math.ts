// exp, expm1, log, log1p, tanh and erf for expressions whose result becomes a float32. They take any double and compute
// in double precision with a relative error below 4e-9, so that a result rounded at once is within 0.57 units in its
// last place, in a fraction of the time of Math's functions. tanh and erf reach exactly 1, because the difference from
// 1 may be multiplied by a large number. All paths call these same functions, so all give the same bits. Every branch
// is taken once at the start, because V8 compiles a branch never taken as an exit, which slows down the loops around
// it.

function makeSingle() {
  // Constants of a scope that is entered once are constants to the compiler, too.
  const INFINITY = Number.POSITIVE_INFINITY
  const NAN = Number.NaN
  /** Adding and subtracting this rounds a double to an integer, halves to even. */
  const SHIFT = 1.5 * 2 ** 52
  const EIGHTHS = 8 * Math.LOG2E
  const MINUS_LN2 = -Math.LN2
  // 2^(k/8) at k modulo 4096, which is far beyond the range of float32; infinity and 0 at its ends.
  const powers = new Float64Array(4096)
  for (let j = 0; j < 8; j++) {
    const root = 2 ** (j / 8)
    for (let k = -256 * 8, two = 2 ** -256; k < 256 * 8; k += 8, two *= 2) powers[(k + j) & 4095] = root * two
  }
  powers[2048] = INFINITY
  powers[2049] = 0
  /** The limits of x for which `2 ** (k / 8)` is such an end and r is positive. */
  const LARGEST = 2048.25 / EIGHTHS
  const LEAST = -2046.75 / EIGHTHS
  // 2^n at n modulo 2048, for every exponent of a double.
  const twos = new Float64Array(2048)
  for (let n = -1024, two = 2 ** -1024; n < 1024; n++, two *= 2) twos[n & 2047] = two
  const double = new Float64Array(1)
  const words = new Int32Array(double.buffer)

  // e^x = 2^(y/8) = s + s * rest(r): k is the nearest integer to y, r = y - k, s = 2^(k/8).

  /** `2^(r/8) - 1` for r in [-1/2, 1/2], by the minimax polynomial of its quotient by r; relative error 3.7e-9. */
  const rest = (r: number): number =>
    r * (0.08664339725188701 + r * (0.003753539194207228 + r * (0.00010841663892720074 + r * 2.3481760505732786e-6)))

  /** Clamped beyond 177 to 0 and infinity; the exponential is 1e77 there. */
  function expf(x: number): number {
    const y = (x > 177 ? LARGEST : x < -177 ? LEAST : x) * EIGHTHS
    const k = y + SHIFT - SHIFT
    const s = powers[k & 4095]
    return s + s * rest(y - k)
  }

  /** This order of operations keeps the sign of 0. */
  function expm1f(x: number): number {
    const y = (x > 177 ? LARGEST : x < -177 ? LEAST : x) * EIGHTHS
    const k = y + SHIFT - SHIFT
    const s = powers[k & 4095]
    return s * rest(y - k) - (1 - s)
  }

  /** `m / (m + 2)` with m = e^(2x) - 1, which is 1 from 20 on. */
  function tanhf(x: number): number {
    const m = expm1f(2 * (x > 20 ? 20 : x < -20 ? -20 : x))
    return m / (m + 2)
  }

  // x = 2^-n (1 + f) with 1 + f between sqrt(1/2) and sqrt(2); n comes from the upper half of the double's bits.

  /** `log(1 + f) - n log(2)`, by the minimax polynomial in s = f / (2 + f), relative error 7e-10; keeps the sign of 0. */
  function logOf(n: number, f: number): number {
    const s = f / (f + 2)
    const z = s * s
    return (
      s * (1.9999999986207706 + z * (0.6666681599643136 + z * (0.3997478976604124 + z * 0.2992579085919133))) +
      n * MINUS_LN2
    )
  }

  function logf(x: number): number {
    if (!(x < INFINITY && x > 0)) return x > 0 ? x : x === 0 ? -INFINITY : NAN
    double[0] = x
    const n = (0x3ff6a09d - words[1]) >> 20
    return logOf(n, x * twos[n & 2047] - 1)
  }

  function log1pf(x: number): number {
    if (!(x < INFINITY && x > -1)) return x > -1 ? x : x === -1 ? -INFINITY : NAN
    double[0] = 1 + x
    const n = (0x3ff6a09d - words[1]) >> 20
    const p = twos[n & 2047]
    return logOf(n, x * p - (1 - p))
  }

  /** A rational minimax function of x² times x, relative error 2e-9; from 3.95 on, where it is 1 in float32, 1. */
  function erff(x: number): number {
    if (!(x < 3.95 && x > -3.95)) return x > 0 ? 1 : x < 0 ? -1 : NAN
    const z = x * x
    const above =
      1.1283791692234544 +
      z *
        (0.1851708104694266 +
          z *
            (0.05427485652458588 +
              z *
                (0.0038434244650492567 +
                  z * (0.0003779319774806762 + z * (4.6402579935996475e-6 + z * -1.2966255130344246e-8)))))
    const below =
      1 +
      z *
        (0.4974367670787215 +
          z *
            (0.11391159819865511 + z * (0.015443807779632557 + z * (0.0013040671775268976 + z * 6.269086018709625e-5))))
    return (x * above) / below
  }

  // Take every branch before the first loop is compiled.
  for (let i = 0; i < 64; i++) for (const x of [0, -4, INFINITY, NAN, 1]) log1pf(logf(x) - 1 + erff(x))
  return { expf, expm1f, logf, log1pf, tanhf, erff }
}

export type SingleMath = ReturnType<typeof makeSingle>
let single: SingleMath | undefined
/** The functions for float32, created at first use. */
export const singleMath = (): SingleMath => (single ??= makeSingle())

/**
 * The error function in double precision: its Taylor series near 0, elsewhere the continued fraction of the complement.
 */
export function erf(x: number): number {
  const a = Math.abs(x)
  if (!(a < 6)) return Math.sign(x)
  let sum = 0
  if (a < 1) {
    for (let n = 20, term = -x * x; n >= 0; n--) sum = 1 / (2 * n + 1) + (term / (n + 1)) * sum
    return x * sum * 1.1283791670955126
  }
  for (let n = 200; n > 0; n--) sum = n / (2 * (a + sum))
  return Math.sign(x) * (1 - Math.exp(-a * a) / ((a + sum) * 1.772453850905516))
}
