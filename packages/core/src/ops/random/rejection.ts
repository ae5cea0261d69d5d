// Distributions whose numbers of draws depend on what was drawn: Poisson, binomial, gamma and, from it, Dirichlet. Each
// element has its own parameters. The methods are the published ones that PyTorch uses, with its order of draws and its
// roundings: what PyTorch computes in the dtype of the tensor is rounded to float32 here, everything else is float64.
import { RuntimeError } from '../../base/errors.ts'
import { lgamma } from '../../expr/special.ts'
import { type Floats, nextNormal } from '../../random/distributions.ts'
import { Generator } from '../../random/generator.ts'
import { pow } from '../../random/precise.ts'

type Round = (x: number) => number
const exactly: Round = (x) => x
const roundingOf = (x: Floats): Round => (x instanceof Float32Array ? Math.fround : exactly)

/** The smallest positive number with all of its digits, in the dtype of the array. */
const tinyOf = (x: Floats): number => (x instanceof Float32Array ? 2 ** -126 : 2 ** -1022)

// ---- Poisson ----

/** Hoermann's transformed rejection (1993). */
function poissonOfMany(rate: number, { engine }: Generator): number {
  const logRate = Math.log(rate)
  const b = 0.931 + 2.53 * Math.sqrt(rate)
  const a = -0.059 + 0.02483 * b
  const logInverse = Math.log(1.1239 + 1.1328 / (b - 3.4))
  const inner = 0.9277 - 3.6224 / (b - 2)
  for (;;) {
    const u = engine.u53() - 0.5
    const v = engine.u53()
    const us = 0.5 - Math.abs(u)
    const k = Math.floor(((2 * a) / us + b) * u + rate + 0.43)
    if (us >= 0.07 && v <= inner) return k
    if (k < 0 || (us < 0.013 && v > us)) continue
    const bound = -rate + k * logRate - lgamma(k + 1)
    if (Math.log(v) + logInverse - Math.log(a / (us * us) + b) <= bound) return k
  }
}

/** Uniform numbers are multiplied until the product is small. */
function poissonOfFew(rate: number, { engine }: Generator): number {
  const least = Math.exp(-rate)
  let product = engine.u53()
  let count = 0
  for (; product > least; count++) product *= engine.u53()
  return count
}

/**
 * Fills `out` with numbers of events, for the expected number of each.
 *
 * Throws a RuntimeError for an expected number that is negative or not finite; nothing is drawn then.
 */
export function poisson(out: Floats, rates: Floats, generator: Generator): void {
  for (const rate of rates) {
    if (rate >= 0 && rate < Infinity) continue
    throw new RuntimeError(
      'invalid Poisson rate, expected rate to be non-negative',
      `It is ${rate}; it must be finite, too.`,
    )
  }
  for (let i = 0; i < out.length; i++) {
    const rate = rates[i]
    out[i] = rate >= 10 ? poissonOfMany(rate, generator) : rate === 0 ? 0 : poissonOfFew(rate, generator)
  }
}

// ---- binomial ----

/** What Stirling's formula lacks of log k!. */
const TAILS = [
  0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
  0.0138761288230707, 0.0118967099458917, 0.010411265261972, 0.00925546218271273, 0.00833056343336287,
] as const
const tailOf = (k: number): number => {
  if (k <= 9) return TAILS[Math.trunc(k)]
  const square = (k + 1) * (k + 1)
  return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)
}

/** Hoermann's transformed rejection with squeeze. */
function successesOfMany(count: number, p: number, { engine }: Generator, round: Round): number {
  const expected = round(count * p)
  const deviation = round(Math.sqrt(round(expected * round(1 - p))))
  const b = 1.15 + 2.53 * deviation
  const a = -0.0873 + 0.0248 * b + 0.01 * p
  const inner = 0.92 - 4.2 / b
  const odds = round(p / round(1 - p))
  const alpha = (2.83 + 5.1 / b) * deviation
  const mode = Math.floor(round(round(count + 1) * p))
  for (;;) {
    const u = engine.u53() - 0.5
    const v = engine.u53()
    const us = 0.5 - Math.abs(u)
    const k = round(Math.floor(((2 * a) / us + b) * u + (expected + 0.5)))
    if (us >= 0.07 && v <= inner) return k
    if (k < 0 || k > count) continue
    const rest = round(round(count - k) + 1)
    const bound =
      (mode + 0.5) * Math.log((mode + 1) / (odds * (count - mode + 1))) +
      round(count + 1) * Math.log((count - mode + 1) / rest) +
      (k + 0.5) * Math.log((odds * rest) / round(k + 1)) +
      tailOf(mode) +
      tailOf(count - mode) -
      tailOf(k) -
      tailOf(count - k)
    if (Math.log((v * alpha) / (a / (us * us) + b)) <= bound) return k
  }
}

/** Counts how many waiting times fit. */
function successesOfFew(count: number, p: number, { engine }: Generator, round: Round): number {
  const logFailure = round(Math.log1p(-p))
  let trials = 0
  for (let successes = 0; ; successes++) {
    trials += Math.ceil(Math.log(engine.u53()) / logFailure)
    if (trials > count) return successes
  }
}

function successes(count: number, p: number, generator: Generator, round: Round): number {
  if (!(count > 0 && p > 0)) return count <= 0 || p <= 0 ? 0 : Number.NaN
  if (p >= 1) return count
  if (p > 0.5) return count - successes(count, round(1 - p), generator, round)
  return round(count * p) >= 10
    ? successesOfMany(count, p, generator, round)
    : successesOfFew(count, p, generator, round)
}

/** Fills `out` with numbers of successes among `counts` trials of the given probabilities. */
export function binomial(out: Floats, counts: Floats, probabilities: Floats, generator: Generator): void {
  const round = roundingOf(out)
  for (let i = 0; i < out.length; i++) out[i] = successes(counts[i], probabilities[i], generator, round)
}

// ---- gamma and Dirichlet ----

const THIRD = Math.fround(1 / 3)
const SQUEEZE = Math.fround(0.0331)

/** Marsaglia and Tsang's method (2000). */
function gammaOf(shape: number, generator: Generator, round: Round): number {
  const { engine } = generator
  let scale = 1
  let alpha = shape
  // A larger shape is accepted more often.
  if (alpha < 1) {
    if (alpha === 0) return 0
    const power = round === exactly ? pow : Math.pow
    scale = power(1 - engine.u53(), round(1 / alpha))
    alpha = round(alpha + 1)
  }
  const d = round(alpha - THIRD)
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    let x = nextNormal(generator)
    let y = 1 + c * x
    while (y <= 0) {
      x = nextNormal(generator)
      y = 1 + c * x
    }
    const v = y * y * y
    const u = 1 - engine.u53()
    const square = x * x
    if (u < 1 - SQUEEZE * square * square || Math.log(u) < 0.5 * square + d * (1 - v + Math.log(v)))
      return scale * d * v
  }
}

/** Fills `out` with numbers of the gamma distribution with the given shapes and rate 1. */
export function gamma(out: Floats, shapes: Floats, generator: Generator): void {
  const [round, tiny] = [roundingOf(out), tinyOf(out)]
  for (let i = 0; i < out.length; i++) {
    const value = round(gammaOf(shapes[i], generator, round))
    out[i] = value > tiny ? value : tiny
  }
}

/** Fills rows of `size` elements with the proportions of gamma distributed numbers. */
export function dirichlet(out: Floats, shapes: Floats, size: number, generator: Generator): void {
  const parts = new Float64Array(out.length)
  gamma(parts, Float64Array.from(shapes), generator)
  const tiny = tinyOf(out)
  const most = 1 - (out instanceof Float32Array ? 2 ** -24 : 2 ** -53)
  for (let at = 0; at < out.length; at += size) {
    let sum = 0
    for (let i = at; i < at + size; i++) sum += parts[i]
    for (let i = at; i < at + size; i++) out[i] = Math.min(Math.max(parts[i] / sum, tiny), most)
  }
}

// ---- categories ----

/** A uniform number of 53 bits in three parts, each of which float32 holds exactly. */
export const PARTS = 3

/** Fills rows of parts with the parts of uniform numbers, as the engine's `u53` draws them. */
export function uniformParts(out: Floats, { engine }: Generator): void {
  for (let i = 0; i < out.length; i += PARTS) {
    out[i] = engine.i32() & 0x1fffff
    const low = engine.i32()
    out[i + 1] = low >>> 16
    out[i + 2] = low & 0xffff
  }
}
const joined = (parts: Floats, i: number): number =>
  (parts[i * PARTS] * 2 ** 32 + parts[i * PARTS + 1] * 2 ** 16 + parts[i * PARTS + 2]) * 2 ** -53

/**
 * The running sums of rows of weights, up to 1.
 *
 * Throws a RuntimeError for weights that are negative, not finite or all zero.
 */
function running(weights: Floats, size: number): Float64Array {
  const round = roundingOf(weights)
  const upTo = new Float64Array(weights.length)
  const invalid = (what: string): RuntimeError =>
    new RuntimeError(`invalid multinomial distribution (${what})`, 'Weights must be finite, and not all of them 0.')
  for (let start = 0; start < weights.length; start += size) {
    const end = start + size
    let sum = 0
    for (let i = start; i < end; i++) {
      const weight = weights[i]
      if (!(weight >= 0)) throw invalid('encountering probability entry < 0')
      if (weight === Infinity) throw invalid('encountering probability entry = infinity or NaN')
      sum = round(sum + weight)
      upTo[i] = sum
    }
    if (!(sum > 0)) throw invalid('sum of probabilities <= 0')
    for (let i = start; i < end; i++) upTo[i] = round(upTo[i] / sum)
    upTo[end - 1] = 1
  }
  return upTo
}

/**
 * Fills rows of `count` indices with draws from rows of weights, with replacement: a search in their running sum, by a
 * uniform number in float64 for each draw, from a generator or in parts that were drawn before.
 *
 * Throws a RuntimeError for weights that are negative, not finite or all zero; nothing is drawn then.
 */
export function categories(out: Int32Array, weights: Floats, count: number, from: Generator | Floats): void {
  const size = weights.length / (out.length / count)
  const upTo = running(weights, size)
  for (let i = 0; i < out.length; i++) {
    const start = Math.floor(i / count) * size
    const u = from instanceof Generator ? from.engine.u53() : joined(from, i)
    let [low, high] = [0, size]
    while (low < high) {
      const middle = low + ((high - low) >> 1)
      if (upTo[start + middle] < u) low = middle + 1
      else high = middle
    }
    out[i] = low
  }
}
