// Normal numbers in float32 by the Box-Muller method, with the bits of PyTorch's kernel for AVX2 processors: a
// logarithm, a sine and a cosine, each a polynomial on a short interval. This file reproduces everything that decides
// the last bits: the coefficients, which products are fused with the following sum, and where a result is rounded to
// float32.
//
// A fused step is one product and one sum in float64, rounded to float32 at the end. That rounds twice, which could
// differ in the last bit. It never does here: there are only 2^24 uniform numbers, and a test tries them all.
import { BLOCK } from './mt19937.ts'

/**
 * Rounds to 24 bits by Veltkamp's splitting, which takes a product and two sums; `Math.fround` takes two conversions of two
 * steps each. Halves between two float32 values may go to the odd one; the test finds none that do.
 */
const round = (x: number): number => {
  const scaled = x * (2 ** 29 + 1)
  return scaled - (scaled - x)
}

/** Float32 values from their bits. */
const float32s = (...bits: number[]): Float64Array => new Float64Array(new Float32Array(new Uint32Array(bits).buffer))

// Polynomials, highest power first: log(1 + t) = t - t^2 / 2 + t^3 L(t), sin r = r + r^3 S(r^2), cos r = 1 - r^2 / 2 +
// r^4 C(r^2).
const [L0, L1, L2, L3, L4, L5, L6, L7, L8] = float32s(
  0x3d9021bb,
  0xbdebd1b8,
  0x3def251a,
  0xbdfe5d4f,
  0x3e11e9bf,
  0xbe2aae50,
  0x3e4cceac,
  0xbe7ffffc,
  0x3eaaaaaa,
)
const [S0, S1, S2] = float32s(0xb94ca1f9, 0x3c08839e, 0xbe2aaaa3)
const [C0, C1, C2] = float32s(0x37ccf5ce, 0xbab6061a, 0x3d2aaaa5)
// Log 2 in parts, each so short that small multiples of it are exact; and a quarter of a turn, PyTorch's three parts of it
// (0x3fc90000, 0x39fda000, 0x33a22169) together, whose small multiples are exact in float64.
const LN2_HIGH = 0.693359375
const QUARTER = 1.5707963267948983
const [LN2_LOW, FOUR_OVER_PI, TURN] = float32s(0xb95e8083, 0x3fa2f983, 0x40c90fdb)
/** The root of 1/2 in units of 2^-24. */
const SQRT_HALF = 0xb504f3

/** Uniform numbers are the low 24 bits of a word, multiples of 2^-24. */
const UNITS = 2 ** 24
const UNIT_TURN = TURN / UNITS

/** By the bits of a number of units, the lower part of what their exponent adds to a logarithm. */
const lows = Float64Array.from({ length: 26 }, (_, bits) => Math.fround((bits - 24) * LN2_LOW))

const pairs = BLOCK / 2
const counts = new Int32Array(pairs)
const numbers = new Float64Array(pairs)
const sines = new Float64Array(pairs)
const cosines = new Float64Array(pairs)
const radii = new Float64Array(pairs)

// A step takes all pairs before the next one begins, and none of them branches: each is so short that the processor
// works on several numbers at once, which takes a third of the time of one loop.

/** The words in the memory of numbers. */
export const wordsOf = (x: Float32Array): Int32Array => new Int32Array(x.buffer, x.byteOffset, x.length)

/** The position of a pair's first word; its second is eight further. */
const first = (pair: number): number => pair + (pair & -8)

/** 1 - u = 2^exponent (1 + t), where 1 + t lies between sqrt(1/2) and sqrt(2). */
function findExponents(words: Int32Array, at: number, n: number): void {
  for (let j = 0; j < n; j++) {
    const units = UNITS - (words[at + first(j)] & 0xffffff)
    let bits = 32 - Math.clz32(units)
    bits -= ((units << (24 - bits)) - SQRT_HALF) >>> 31
    counts[j] = bits
    numbers[j] = (units << (24 - bits)) / UNITS - 1
  }
}

/** Four steps of the polynomial of a logarithm. */
function findLogarithms(n: number, a: number, b: number, c: number, d: number): void {
  for (let j = 0; j < n; j++) {
    const t = numbers[j]
    radii[j] = round(round(round(round(radii[j] * t + a) * t + b) * t + c) * t + d)
  }
}

/** sqrt(-2 log(1 - u)). */
function findRadii(n: number): void {
  for (let j = 0; j < n; j++) {
    const t = numbers[j]
    const bits = counts[j]
    const square = round(t * t)
    const cubed = round(round(radii[j] * t) * square + lows[bits])
    const log = round(round(t + round(cubed - square * 0.5)) + (bits - 24) * LN2_HIGH)
    radii[j] = round(Math.sqrt(-2 * log))
  }
}

/**
 * The angle is a number of quarter turns and a rest of at most an eighth. Half a turn is a negative radius. After an odd
 * quarter the cosine becomes minus the sine of the rest, and the sine its cosine: they change places.
 */
function findAngles(words: Int32Array, at: number, n: number): void {
  for (let j = 0; j < n; j++) {
    const i = at + first(j)
    const angle = round((words[i + 8] & 0xffffff) * UNIT_TURN)
    const quarters = ((round(angle * FOUR_OVER_PI) | 0) + 1) >> 1
    const odd = quarters & 1
    counts[j] = i + 8 * odd
    numbers[j] = round(angle - quarters * QUARTER) * (1 - 2 * odd)
    radii[j] *= 1 - (quarters & 2)
  }
}

function findDirections(n: number): void {
  for (let j = 0; j < n; j++) {
    const rest = numbers[j]
    const square = round(rest * rest)
    const s = round(round(S0 * square + S1) * square + S2)
    const c = round(round(C0 * square + C1) * square + C2)
    sines[j] = round(round(s * square) * rest + rest)
    cosines[j] = round(round(round(c * square) * square + square * -0.5) + 1)
  }
}

/** Adds 0, as PyTorch adds its mean, so that no zero is negative. */
function place(out: Float32Array, n: number): void {
  for (let j = 0; j < n; j++) {
    const radius = radii[j]
    const i = counts[j]
    out[i] = radius * cosines[j] + 0
    out[i ^ 8] = radius * sines[j] + 0
  }
}

/**
 * Overwrites whole sixteens of words of the Mersenne Twister with normal numbers. Their first eight words give radii, and the
 * last eight angles; the results are eight cosines and then eight sines.
 */
export const boxMuller = (out: Float32Array, std: number): void => {
  const words = wordsOf(out)
  for (let at = 0; at < out.length; at += BLOCK) {
    const n = (Math.min(BLOCK, out.length - at) / 2) & -8
    findExponents(words, at, n)
    radii.fill(L0)
    findLogarithms(n, L1, L2, L3, L4)
    findLogarithms(n, L5, L6, L7, L8)
    findRadii(n)
    findAngles(words, at, n)
    findDirections(n)
    place(out, n)
  }
  if (std !== 1) for (let i = 0; i < out.length; i++) out[i] = out[i] * std + 0
}
