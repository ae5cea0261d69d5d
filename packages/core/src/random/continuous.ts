// Distributions that take one uniform or normal number an element through a formula: exponential, geometric, Cauchy and
// log-normal. Like the others, they fill a typed array with PyTorch's numbers. The formula is computed in float64;
// where the result is rounded to float32, the functions of `Math` are exact enough, and much faster.
import { RuntimeError } from '../base/errors.ts'
import { type Floats, general, nextNormal } from './distributions.ts'
import { BLOCK } from './mt19937.ts'
import { fma64 } from './fma.ts'
import { defaultGenerator, type Generator } from './generator.ts'
import { exp, log, tan } from './precise.ts'

const isSingle = (out: unknown): boolean => out instanceof Float32Array

/** The upper half of the bits of the root of 1/2. */
const LEAST = 0x3fe6a09e
/** How many parts the numbers from there to twice as much have. */
const PARTS = 128
/** More than the relative error of these logarithms. */
const UNSURE = 2 ** -43
const numbers = new Float64Array(BLOCK)
const bits = new Int32Array(numbers.buffer)
const places = new Int32Array(BLOCK)
let inverses: Float64Array
let minusLogs: Float64Array | undefined

/**
 * Makes logarithms of 1 - u, times `by`, of a block of uniform numbers. Each part has an inverse of a number in it, 1 beside
 * 1, and a polynomial has what is left. They have 45 digits or more; where float32's last bit needs another one,
 * `Math.log` has it, which takes twice as long.
 */
function logarithms(by: number, out: Float32Array, at: number, n: number): void {
  for (let i = 0; i < n; i++) {
    numbers[i] = 1 - numbers[i]
    const above = bits[2 * i + 1] - LEAST
    places[i] = above
    bits[2 * i + 1] -= above & 0xfff00000
  }
  if (minusLogs === undefined) {
    const middles = new Float64Array(PARTS)
    const halves = new Int32Array(middles.buffer)
    for (let k = 0; k < PARTS; k++) halves[2 * k + 1] = LEAST + (k + 0.5) * 2 ** 13
    inverses = middles.map((middle) => (Math.abs(middle - 1) < 2 ** -8 ? 1 : Math.fround(1 / middle)))
    minusLogs = inverses.map((inverse) => -Math.log(inverse))
  }
  polynomials(numbers, inverses, minusLogs, by, out, at, n)
}
function polynomials(
  x: Float64Array,
  inverses: Float64Array,
  minusLogs: Float64Array,
  by: number,
  out: Float32Array,
  at: number,
  n: number,
): void {
  for (let i = 0; i < n; i++) {
    const k = (places[i] >> 13) & (PARTS - 1)
    const r = x[i] * inverses[k] - 1
    const s = r * r
    const log = minusLogs[k] + (places[i] >> 20) * Math.LN2
    const y = by * (((r * (-1 / 6) + 0.2) * s + (r * -0.25 + 1 / 3)) * s * r - 0.5 * s + r + log)
    const isSure = Math.fround(y * (1 - UNSURE)) === Math.fround(y * (1 + UNSURE))
    out[at + i] = isSure ? y : by * Math.log(x[i] * 2 ** (places[i] >> 20))
  }
}

/**
 * Fills `out` with numbers of the exponential distribution with rate `lambda`.
 *
 * Throws a RuntimeError if the rate is negative; nothing is drawn then.
 */
export const exponential = (out: Floats, lambda = 1, generator: Generator = defaultGenerator): void => {
  if (!(lambda >= 0)) {
    throw new RuntimeError(`exponential_ expects lambda >= 0.0, but found lambda=${general(lambda)}`)
  }
  const { engine } = generator
  const by = -1 / lambda
  if (out instanceof Float32Array) {
    for (let at = 0; at < out.length; at += BLOCK) {
      const n = Math.min(BLOCK, out.length - at)
      engine.uniforms(numbers, n)
      logarithms(by, out, at, n)
    }
  } else for (let i = 0; i < out.length; i++) out[i] = by * log(1 - engine.u53())
}

/**
 * Fills `out` with numbers of trials until the first success, each of probability `p`.
 *
 * Throws a RuntimeError unless 0 < p < 1; nothing is drawn then.
 */
export const geometric = (
  out: Floats | Int32Array | Uint8Array,
  p: number,
  generator: Generator = defaultGenerator,
): void => {
  if (!(p > 0 && p < 1)) throw new RuntimeError(`geometric_ expects p to be in (0, 1), but got p=${general(p)}`)
  const failure = Math.log(1 - p)
  for (let i = 0; i < out.length; i++) out[i] = Math.ceil(Math.log(generator.engine.u53()) / failure)
}

/** Fills `out` with numbers of the Cauchy distribution around `median`, half of them within `sigma`. */
export const cauchy = (out: Floats, median = 0, sigma = 1, generator: Generator = defaultGenerator): void => {
  const slope = isSingle(out) ? Math.tan : tan
  for (let i = 0; i < out.length; i++) {
    out[i] = fma64(sigma, slope(Math.PI * (generator.engine.u53() - 0.5)), median)
  }
}

/**
 * Fills `out` with numbers whose logarithms are normal.
 *
 * Throws a RuntimeError unless `std` is positive; nothing is drawn then.
 */
export const logNormal = (out: Floats, mean = 1, std = 2, generator: Generator = defaultGenerator): void => {
  if (!(std > 0)) throw new RuntimeError(`log_normal_ expects std > 0.0, but found std=${general(std)}`)
  const power = isSingle(out) ? Math.exp : exp
  for (let i = 0; i < out.length; i++) out[i] = power(fma64(nextNormal(generator), std, mean))
}
