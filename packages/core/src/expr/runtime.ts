// The functions that emitted source calls, by name; steps refer to these names.
import { erf, singleMath } from './math.ts'
import {
  besselI0,
  besselI1,
  copysign,
  digamma,
  erfinv,
  lgamma,
  nextafter,
  nextafterf,
  polygamma,
  shiftLeft,
  shiftRight,
} from './special.ts'

/** Rounds half to even, like C's rint. */
function rint(x: number): number {
  if (!(Math.abs(x) < 4503599627370496)) return x
  const r = x < 0 ? x - 4503599627370496 + 4503599627370496 : x + 4503599627370496 - 4503599627370496
  return r === 0 && (x < 0 || Object.is(x, -0)) ? -0 : r
}

/** C's pow: 1 for a base of 1 and for an exponent of 0 even with NaN, and 1 for (-1) to an infinite power. */
function pow(x: number, p: number): number {
  if (p === 2) return x * x
  return x === 1 || (x === -1 && (p === Infinity || p === -Infinity)) ? 1 : x ** p
}

/** Integer power that wraps at 32 bits; a negative exponent gives 0 except for bases of 1 and -1. */
function ipow(x: number, p: number): number {
  if (p < 0) return x === 1 ? 1 : x === -1 ? (p % 2 === 0 ? 1 : -1) : 0
  let result = 1
  for (let base = x, e = p; e > 0; e = Math.floor(e / 2), base = Math.imul(base, base)) {
    if (e % 2 === 1) result = Math.imul(result, base)
  }
  return result
}

/** The remainder with the divisor's sign. */
function mod(x: number, y: number): number {
  const r = x % y
  return r !== 0 && r < 0 !== y < 0 ? r + y : r
}

/** Floored division through the remainder, like PyTorch's div_floor: exact where a rounded quotient would not be. */
function floorDiv(a: number, b: number): number {
  if (b === 0) return a / b
  const m = a % b
  let d = (a - m) / b
  if (m !== 0 && b < 0 !== m < 0) d -= 1
  // A zero gets the sign of the quotient, even of a quotient of zero.
  if (d === 0) return (a / b) * 0
  const f = Math.floor(d)
  return d - f > 0.5 ? f + 1 : f
}

const sign = (x: number): number => (x > 0 ? 1 : x < 0 ? -1 : 0)

const singles = new Float32Array(2)

/** What emitted source may call or write to, passed to it by these names. */
export const runtime = {
  /** Two numbers of which one is taken, and two float32 of which one is taken by their bits. */
  pair: new Float64Array(2) as Float64Array,
  singles: singles as Float32Array,
  bits: new Int32Array(singles.buffer) as Int32Array,
  fround: Math.fround,
  rint,
  pow,
  ipow,
  mod,
  floorDiv,
  sign,
  erf,
  lgamma,
  digamma,
  polygamma,
  erfinv,
  besselI0,
  besselI1,
  copysign,
  nextafter,
  nextafterf,
  shiftLeft,
  shiftRight,
  // Created on demand, so that importing costs nothing.
  get expf() {
    return singleMath().expf
  },
  get expm1f() {
    return singleMath().expm1f
  },
  get logf() {
    return singleMath().logf
  },
  get log1pf() {
    return singleMath().log1pf
  },
  get tanhf() {
    return singleMath().tanhf
  },
  get erff() {
    return singleMath().erff
  },
}
