// The distributions, each filling a typed array with the numbers that PyTorch's CPU kernels draw from the same stream:
// same words, same order, same rounding. There are no tensors here; the ops handle shapes and defaults.
import { bit } from '../base/arrays.ts'
import { checkSwitch } from '../base/callable.ts'
import { RuntimeError, TypeError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { boxMuller, wordsOf } from './box-muller.ts'
import { fma32, fma64 } from './fma.ts'
import { defaultGenerator, type Generator } from './generator.ts'
import { cosSin, log, log1p } from './precise.ts'
import { BLOCK, type Mt19937 } from './mt19937.ts'

export type Floats = Float32Array | Float64Array
type Numbers = Floats | Int32Array | Uint8Array

let fused = true

/**
 * Chooses the rounding of `uniform`: one rounding of `x * (to - from) + from` (the default, as PyTorch is compiled on
 * processors with fused multiply-add), or two, as in some builds of PyTorch. Between the two, the default
 * initialisation of `nn.Linear` differs in the last bit of about half of its weights.
 *
 * @example
 * setUniformFused(false)
 */
export const setUniformFused = (on: boolean): void => {
  checkSwitch('on', on)
  fused = on
}

/** Whether `uniform` rounds once. */
export const isUniformFused = (): boolean => fused

/** Uniform float32 numbers are multiples of it. */
const UNIT = 2 ** -24
const FLOAT_MAX = 2 ** 128 - 2 ** 104

/**
 * Fills `out` with uniform numbers in [from, to).
 *
 * Throws a RuntimeError if the bounds are out of order or outside the dtype's range; nothing is drawn then.
 */
export const uniform = (out: Floats, from = 0, to = 1, generator: Generator = defaultGenerator): void => {
  const single = out instanceof Float32Array
  const max = single ? FLOAT_MAX : Number.MAX_VALUE
  for (const [name, bound] of [
    ['from', from],
    ['to', to],
  ] as const) {
    if (!(Math.abs(bound) <= max)) throw new RuntimeError(`${name} is out of bounds for ${single ? 'float' : 'double'}`)
  }
  if (from > to) {
    throw new RuntimeError(
      `uniform_ expects to return a [from, to) range, but found from=${general(from)} > to=${general(to)}`,
    )
  }
  if (to - from > max) {
    throw new RuntimeError(
      `uniform_ expects to-from <= std::numeric_limits<${single ? 'Float' : 'Double'}>::max(), but found ` +
        `to=${general(to)} and from=${general(from)} which result in to-from to exceed the limit`,
    )
  }
  if (single) uniform32(out, Math.fround(from), Math.fround(to), generator.engine)
  else uniform64(out, from, to, generator.engine)
}

const words = new Int32Array(BLOCK)
const numbers = new Float64Array(BLOCK)

/** Fills `out` in blocks, in whose loops all numbers are float64: `make` writes `n` of them, for the elements from `at` on. */
function inBlocks(out: Numbers, make: (numbers: Float64Array, n: number, at: number) => void): void {
  for (let at = 0; at < out.length; at += BLOCK) {
    const n = Math.min(BLOCK, out.length - at)
    make(numbers, n, at)
    out.set(n === BLOCK ? numbers : numbers.subarray(0, n), at)
  }
}

const uniform32 = (out: Float32Array, from: number, to: number, engine: Mt19937): void => {
  const range = Math.fround(to - from)
  // Multiples of 2^-24: between these bounds, products and sums are exact in float64.
  const round = fused ? fma32 : (u: number, by: number, more: number) => Math.fround(u * by) + more
  const exact = from === 0 || (fused && Math.abs(from) <= 16 * range && Math.abs(from) >= range * 2 ** -23)
  for (let at = 0; at < out.length; at += BLOCK) {
    const n = Math.min(BLOCK, out.length - at)
    engine.fill(words, n)
    if (exact) scale(words, out, at, n, range * UNIT, from)
    else for (let i = 0; i < n; i++) out[at + i] = round((words[i] & 0xffffff) * UNIT, range, from)
  }
}
function scale(words: Int32Array, out: Floats, at: number, n: number, by: number, from: number): void {
  for (let i = 0; i < n; i++) out[at + i] = (words[i] & 0xffffff) * by + from
}

const uniform64 = (out: Float64Array, from: number, to: number, engine: Mt19937): void => {
  const range = to - from
  const round = fused && from !== 0 ? fma64 : (u: number, by: number, more: number) => u * by + more
  for (let i = 0; i < out.length; i++) out[i] = round(engine.u53(), range, from)
}

/**
 * Fills `out` with normal numbers.
 *
 * Fewer than sixteen are drawn one by one and leave the second of a pair in the generator for the next call; sixteen or
 * more are drawn in blocks and leave nothing. Float32 equals PyTorch's AVX2 build bit for bit; in float64 about 2 draws
 * in 1,000 differ in the last bit, where the C library rounds its sine, cosine or logarithm the other way.
 *
 * Throws a RuntimeError if `std` is negative; nothing is drawn then.
 */
export const normal = (
  out: Floats,
  mean = 0,
  std = 1,
  generator: Generator = defaultGenerator,
  make?: typeof boxMuller,
): void => {
  if (!(std >= 0)) throw new RuntimeError(`normal expects std >= 0.0, but found std ${general(std)}`)
  if (out.length < 16) for (let i = 0; i < out.length; i++) out[i] = fma64(nextNormal(generator), std, mean)
  else if (out instanceof Float32Array) normal32(out, Math.fround(mean), Math.fround(std), generator.engine, make)
  else normal64(out, mean, std, generator.engine)
}

const direction = new Float64Array(2)

/** The next standard normal in float64: the generator's leftover one, or the first of a new pair. */
export const nextNormal = (generator: Generator): number => {
  const kept = generator.nextNormal
  if (kept !== undefined) {
    generator.nextNormal = undefined
    return kept
  }
  const turn = generator.engine.u53()
  const radius = Math.sqrt(-2 * log1p(-generator.engine.u53()))
  cosSin(2 * Math.PI * turn, direction)
  generator.nextNormal = radius * direction[1]
  return radius * direction[0]
}

// Normal numbers come in sixteens. A remainder is covered by sixteen that overlap those before, and are drawn after all
// others.

const normal32 = (out: Float32Array, mean: number, std: number, engine: Mt19937, make = boxMuller): void => {
  const drawn = wordsOf(out)
  const n = out.length
  // With a mean, products are fused with sums.
  const by = mean === 0 ? std : 1
  engine.fill(drawn, n)
  make(out, by)
  if (n & 15) {
    engine.fill(drawn.subarray(-16), 16)
    make(out.subarray(-16), by)
  }
  if (mean !== 0) for (let i = 0; i < n; i++) out[i] = fma32(out[i], std, mean)
}

const normal64 = (out: Float64Array, mean: number, std: number, engine: Mt19937): void => {
  const block = (at: number): void => {
    for (let i = at; i < at + 8; i++) {
      const radius = Math.sqrt(-2 * log(1 - out[i]))
      cosSin(2 * Math.PI * out[i + 8], direction)
      out[i] = fma64(radius * direction[0], std, mean)
      out[i + 8] = fma64(radius * direction[1], std, mean)
    }
  }
  engine.uniforms(out, out.length)
  for (let at = 0; at + 16 <= out.length; at += 16) block(at)
  if (out.length % 16 === 0) return
  engine.uniforms(out.subarray(-16), 16)
  block(out.length - 16)
}

const integerLimits = (out: Int32Array | Uint8Array, bool: boolean): { name: string; min: number; max: number } => {
  if (bool) return { name: 'bool', min: 0, max: 1 }
  if (out instanceof Uint8Array) return { name: 'unsigned char', min: 0, max: 255 }
  return { name: 'int', min: -(2 ** 31), max: 2 ** 31 - 1 }
}

/**
 * Fills `out` with integers in [low, high), like PyTorch's `random_(low, high)`; an Int32Array uses the stream of
 * int64. `bool` says that a Uint8Array holds booleans.
 *
 * Throws a RuntimeError if the range is empty or does not fit the dtype; nothing is drawn then.
 */
export const randint = (
  out: Numbers,
  low: number,
  high: number,
  generator: Generator = defaultGenerator,
  bool = false,
): void => {
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high)) {
    throw new TypeError(
      `random_() received an invalid combination of arguments - got (${typeName(low)}, ${typeName(high)})`,
      'The bounds must be whole numbers of at most 2^53 - 1.',
    )
  }
  const order = (from: number, to: number, cast: string) => {
    if (from < to) return
    const sentence = `random_ expects 'from'${cast} to be less than 'to'${cast}, but got from=${from} >= to=${to}`
    throw new RuntimeError(sentence, 'The upper bound is exclusive.')
  }
  order(low, high, '')
  let from = low
  let to = high
  if (out instanceof Float32Array) {
    // Bounds that float32 cannot represent move inwards, so that rounding cannot take a number out of the range.
    from = insideFloat32(low + 1, low, 1)
    to = insideFloat32(high - 1, high, -1)
    order(from, to, ' casted to dtype')
  } else if (!(out instanceof Float64Array)) {
    const { name, min, max } = integerLimits(out, bool)
    if (from < min || from > max) throw new RuntimeError(`from is out of bounds for ${name}`)
    if (to - 1 < min || to - 1 > max) throw new RuntimeError(`to - 1 is out of bounds for ${name}`)
  }
  const range = to - from
  const engine = generator.engine
  if (range < 2 ** 32) {
    inBlocks(out, (x, n) => {
      engine.fill(words, n)
      for (let i = 0; i < n; i++) {
        const word = words[i] >>> 0
        x[i] = word - Math.floor(word / range) * range + from
      }
    })
  } else if (range === 2 ** 32) {
    for (let i = 0; i < out.length; i++) {
      engine.i32()
      out[i] = engine.u32() + from
    }
  } else {
    const modulus = BigInt(range)
    for (let i = 0; i < out.length; i++) out[i] = Number(engine.u64() % modulus) + from
  }
}

const insideFloat32 = (next: number, bound: number, direction: 1 | -1): number => {
  const rounded = Math.fround(next)
  const outside = direction === 1 ? rounded < bound : rounded >= bound
  if (!outside) return bound
  let digits = 23
  while (2 ** (digits + 1) <= Math.abs(next)) digits++
  return rounded + direction * 2 ** (digits - 23)
}

/** Fills `out` with a random permutation of 0 to its length - 1. */
export const randperm = (out: Numbers, generator: Generator = defaultGenerator): void => {
  const n = out.length
  if (out instanceof Uint8Array && n > 255) {
    throw new RuntimeError('value cannot be converted to type uint8_t without overflow', 'Use int32.')
  }
  if (out instanceof Float32Array && n > 2 ** 24 + 1) {
    throw new RuntimeError('n cannot be greater than 2^24+1 for Float type.', 'Use int32.')
  }
  const order = out instanceof Int32Array ? out : new Int32Array(n)
  for (let i = 0; i < n; i++) order[i] = i
  for (let at = 0; at < n - 1; at += BLOCK) {
    const count = Math.min(BLOCK, n - 1 - at)
    generator.engine.fill(words, count)
    shuffle(order, words, at, count)
  }
  if (out !== order) out.set(order)
}
function shuffle(order: Int32Array, words: Int32Array, at: number, count: number): void {
  for (let i = 0; i < count; i++) words[i] = (words[i] >>> 0) % ((order.length - at - i) >>> 0)
  for (let i = at; i < at + count; i++) {
    const other = i + words[i - at]
    const kept = order[i]
    order[i] = order[other]
    order[other] = kept
  }
}

/** PyTorch's sentence for probabilities that are none. */
export const between =
  'Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message be improved?  If so, please report an enhancement request to PyTorch.)'
/**
 * Fills `out` with 1, or with `one`, at probability `p`, and with 0 otherwise. `p` is one number for all, or one for each
 * element; a Float32Array of them takes one word per element, everything else two, as in PyTorch.
 *
 * Throws a RuntimeError if a probability is outside [0, 1]; nothing is drawn then.
 */
export const bernoulli = (
  out: Numbers,
  p: number | Float32Array | Float64Array = 0.5,
  generator: Generator = defaultGenerator,
  one = 1,
): void => {
  const { engine } = generator
  const results = Float64Array.of(0, one)
  if (typeof p === 'number') {
    if (!(p >= 0 && p <= 1)) throw new RuntimeError(`bernoulli_ expects p to be in [0, 1], but got p=${general(p)}`)
    return inBlocks(out, (x, n) => {
      engine.uniforms(x, n)
      for (let i = 0; i < n; i++) x[i] = results[bit(x[i] < p)]
    })
  }
  if (p.length !== out.length)
    throw new RangeError(`${out.length} elements need as many probabilities, not ${p.length}`)
  for (let i = 0; i < p.length; i++) {
    if (p[i] >= 0 && p[i] <= 1) continue
    throw new RuntimeError(between, `A probability must be from 0 to 1, not ${p[i]}.`)
  }
  inBlocks(out, (x, n, at) => {
    if (p instanceof Float32Array) {
      engine.fill(words, n)
      scale(words, x, 0, n, UNIT, 0)
    } else engine.uniforms(x, n)
    for (let i = 0; i < n; i++) x[i] = results[bit(x[i] < p[at + i])]
  })
}

/** A double as C++ streams print it in PyTorch's messages: `%g`, with six digits. */
export const general = (x: number): string => {
  if (Number.isNaN(x)) return 'nan'
  if (!Number.isFinite(x)) return x > 0 ? 'inf' : '-inf'
  const exponent = x === 0 ? 0 : Number(x.toExponential(5).split('e')[1])
  if (exponent >= -4 && exponent < 6) return String(Number(x.toPrecision(6)))
  const [mantissa, power] = x.toExponential(5).split('e')
  return `${Number(mantissa)}e${power[0]}${power.slice(1).padStart(2, '0')}`
}
