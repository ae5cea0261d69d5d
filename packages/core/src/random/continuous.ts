// Distributions that take one uniform or normal number an element through a formula: exponential, geometric, Cauchy and
// log-normal. Like the others, they fill a typed array with PyTorch's numbers. The formula is computed in float64;
// where the result is rounded to float32, the functions of `Math` are exact enough, and much faster.
import { RuntimeError } from '../base/errors.ts'
import { type Floats, general, nextNormal } from './distributions.ts'
import { fma64 } from './fma.ts'
import { defaultGenerator, type Generator } from './generator.ts'
import { exp, log, tan } from './precise.ts'

const isSingle = (out: unknown): boolean => out instanceof Float32Array

/**
 * Fills `out` with numbers of the exponential distribution with rate `lambda`.
 *
 * Throws a RuntimeError if the rate is negative; nothing is drawn then.
 */
export const exponential = (out: Floats, lambda = 1, generator: Generator = defaultGenerator): void => {
  if (!(lambda >= 0)) {
    throw new RuntimeError(`exponential_ expects lambda >= 0.0, but found lambda=${general(lambda)}`)
  }
  const ln = isSingle(out) ? Math.log : log
  for (let i = 0; i < out.length; i++) out[i] = (-1 / lambda) * ln(1 - generator.engine.u53())
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
