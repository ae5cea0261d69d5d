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
// Constants in parts, each so short that small multiples of it are exact: log 2 and a quarter of a turn. In float64
// multiples of the whole quarter are exact, too.
const [LN2_LOW, LN2_HIGH] = float32s(0xb95e8083, 0x3f318000)
const QUARTER = float32s(0x3fc90000, 0x39fda000, 0x33a22169).reduce((sum, part) => sum + part)
const [FOUR_OVER_PI, TURN] = float32s(0x3fa2f983, 0x40c90fdb)
/** The root of 1/2 in units of 2^-24. */
const SQRT_HALF = 0xb504f3

/** Uniform numbers are the low 24 bits of a word, multiples of 2^-24. */
const UNITS = 2 ** 24
const UNIT_TURN = TURN / UNITS

// By the bits of a number of units, what their exponent adds to a logarithm.
const exponents = Float64Array.from({ length: 26 }, (_, bits) => bits - 24)
const lows = exponents.map((exponent) => Math.fround(exponent * LN2_LOW))
const highs = exponents.map((exponent) => exponent * LN2_HIGH)

const pairs = BLOCK / 2
const counts = new Int32Array(pairs)
const numbers = new Float64Array(pairs)
const sines = new Float64Array(pairs)
const cosines = new Float64Array(pairs)
const radii = new Float64Array(pairs)

// A step takes all pairs before the next one begins, and none of them branches: each is so short that the processor
// works on several numbers at once, which takes a third of the time of one loop.

/** The position of a pair's first word; its second is eight further. */
const first = (pair: number): number => pair + (pair & -8)

/** 1 - u = 2^exponent (1 + t), where 1 + t lies between sqrt(1/2) and sqrt(2). */
function findExponents(words: Int32Array, n: number): void {
  for (let j = 0; j < n; j++) {
    const units = UNITS - (words[first(j)] & 0xffffff)
    let bits = 32 - Math.clz32(units)
    bits -= ((units << (24 - bits)) - SQRT_HALF) >>> 31
    counts[j] = bits
    numbers[j] = (units << (24 - bits)) / UNITS - 1
  }
}

function beginLogarithms(n: number): void {
  for (let j = 0; j < n; j++) {
    const t = numbers[j]
    radii[j] = round(round(round(round(L0 * t + L1) * t + L2) * t + L3) * t + L4)
  }
}

function endLogarithms(n: number): void {
  for (let j = 0; j < n; j++) {
    const t = numbers[j]
    radii[j] = round(round(round(round(radii[j] * t + L5) * t + L6) * t + L7) * t + L8)
  }
}

/** sqrt(-2 log(1 - u)). */
function findRadii(n: number): void {
  for (let j = 0; j < n; j++) {
    const t = numbers[j]
    const bits = counts[j]
    const square = round(t * t)
    const cubed = round(round(radii[j] * t) * square + lows[bits])
    const log = round(round(t + round(cubed - square * 0.5)) + highs[bits])
    radii[j] = round(Math.sqrt(-2 * log))
  }
}

/**
 * The angle is a number of quarter turns and a rest of at most an eighth. Half a turn is a negative radius. After an odd
 * quarter the cosine becomes minus the sine of the rest, and the sine its cosine: they change places.
 */
function findAngles(words: Int32Array, n: number): void {
  for (let j = 0; j < n; j++) {
    const i = first(j)
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
function place(out: Float32Array, at: number, n: number): void {
  for (let j = 0; j < n; j++) {
    const radius = radii[j]
    const i = counts[j]
    out[at + i] = radius * cosines[j] + 0
    out[at + (i ^ 8)] = radius * sines[j] + 0
  }
}

/**
 * Turns the first `count` words, a multiple of sixteen and at most 256, into normal numbers at `out[at]`. Of sixteen
 * words the first eight give radii, and the last eight angles; the results are eight cosines and then eight sines.
 */
export function boxMuller(words: Int32Array, count: number, out: Float32Array, at: number): void {
  const n = count / 2
  findExponents(words, n)
  beginLogarithms(n)
  endLogarithms(n)
  findRadii(n)
  findAngles(words, n)
  findDirections(n)
  place(out, at, n)
}
