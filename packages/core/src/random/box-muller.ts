// Normal numbers in float32 by the Box-Muller method, with the bits of PyTorch's kernel for AVX2 processors: a
// logarithm, a sine and a cosine, each a polynomial on a short interval. This file reproduces everything that decides
// the last bits: the coefficients, which products are fused with the following sum, and where a result is rounded to
// float32.
import { fma32 } from './fma.ts'

const round = Math.fround

/** Float32 values from their bits. */
const float32s = (...bits: number[]): Float64Array => new Float64Array(new Float32Array(new Uint32Array(bits).buffer))

// Polynomials, highest power first: log(1 + t) = t - t^2 / 2 + t^3 L(t), sin r = r + r^3 S(r^2), cos r = 1 - r^2 / 2 +
// r^4 C(r^2).
const LOG = float32s(
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
const SIN = float32s(0xb94ca1f9, 0x3c08839e, 0xbe2aaaa3)
const COS = float32s(0x37ccf5ce, 0xbab6061a, 0x3d2aaaa5)
// Constants in parts, each so short that small multiples of it are exact: log 2 and a quarter of a turn.
const [LN2_LOW, LN2_HIGH] = float32s(0xb95e8083, 0x3f318000)
const [QUARTER_HIGH, QUARTER_MIDDLE, QUARTER_LOW] = float32s(0x3fc90000, 0x39fda000, 0x33a22169)
const [SQRT_HALF, FOUR_OVER_PI, TURN] = float32s(0x3f3504f3, 0x3fa2f983, 0x40c90fdb)

/** Uniform numbers are multiples of 2^-24. */
const UNITS = 2 ** 24
const INVERSES = Float64Array.from({ length: 26 }, (_, bits) => 2 ** -bits)

const radii = new Float64Array(8)

/** Writes sqrt(-2 log(1 - u)) of eight numbers to `radii`. */
const findRadii = (data: Float32Array, at: number): void => {
  for (let j = 0; j < 8; j++) {
    // 1 - u = 2^exponent (1 + t), and 1 + t lies between sqrt(1/2) and sqrt(2).
    const units = UNITS - data[at + j] * UNITS
    const bits = 32 - Math.clz32(units)
    let exponent = bits - 24
    let t = units * INVERSES[bits] - 1
    if (t < SQRT_HALF - 1) {
      exponent--
      t = 2 * t + 1
    }
    // Every term is above 2^-5 and t a multiple of 2^-24, so that all sums are exact in float64, and round once.
    let series = LOG[0]
    for (let k = 1; k < 9; k++) series = round(series * t + LOG[k])
    const square = round(t * t)
    const cubed = fma32(round(series * t), square, round(exponent * LN2_LOW))
    // The product with the long part of log 2 is exact.
    const log = round(round(t + round(cubed - square * 0.5)) + exponent * LN2_HIGH)
    radii[j] = round(Math.sqrt(-2 * log))
  }
}

/**
 * Turns the uniform numbers at `data[at]` into sixteen normal ones of `mean` and `std`: the first eight give radii, the
 * last eight angles; the results are eight cosines and then eight sines. All of them are float32 values.
 *
 * Fused steps are in loops: the engine inlines only about ten of them into one function, and a call costs several times
 * as much.
 */
export const boxMuller16 = (data: Float32Array, at: number, mean: number, std: number): void => {
  findRadii(data, at)
  for (let j = 0; j < 8; j++) {
    // The angle is a number of quarter turns and a rest of at most an eighth; products with two of the parts are exact.
    const angle = round(TURN * data[at + j + 8])
    const quarters = ((round(angle * FOUR_OVER_PI) | 0) + 1) >> 1
    const near = round(round(angle - quarters * QUARTER_HIGH) - quarters * QUARTER_MIDDLE)
    // Also exact: one has at most 27 bits from 2^-47 on, the other is a multiple of 2^-24.
    const rest = round(near - quarters * QUARTER_LOW)
    const square = round(rest * rest)
    const s = fma32(fma32(SIN[0], square, SIN[1]), square, SIN[2])
    const c = fma32(fma32(COS[0], square, COS[1]), square, COS[2])
    const sin = fma32(round(s * square), rest, rest)
    const cos = round(fma32(round(c * square), square, square * -0.5) + 1)
    // One more quarter turn: the cosine becomes minus the sine, the sine the cosine.
    const isOdd = (quarters & 1) === 1
    const x = isOdd ? sin : cos
    const y = isOdd ? cos : sin
    data[at + j] = round(radii[j] * (((quarters + 1) & 2) === 0 ? x : -x))
    data[at + j + 8] = round(radii[j] * ((quarters & 2) === 0 ? y : -y))
  }
  // A product is exact in float64.
  if (mean === 0) for (let i = at; i < at + 16; i++) data[i] = data[i] * std + mean
  else for (let i = at; i < at + 16; i++) data[i] = fma32(data[i], std, mean)
}
