// Normal numbers in float32 by the Box-Muller method, with the bits of PyTorch's kernel for AVX2 processors: a
// logarithm, a sine and a cosine, each a polynomial on a short interval. This file reproduces everything that decides
// the last bits: the coefficients, and where a result is rounded to float32.
//
// PyTorch fuses many of these products with the following sum. Here a sum is computed in float64 and then rounded,
// which could round differently, but does so for none of the 2^24 uniform numbers: test/random.test.ts tries them.
//
// Every step of a polynomial waits for the one before, about 16 cycles with its rounding. The work is therefore divided
// into short loops over blocks that stay in the first-level cache: a processor then computes several elements at once.
import { fma32 } from './fma.ts'

const round = Math.fround

/** Uniform numbers are multiples of 2^-24. */
const UNITS = 2 ** 24
/** The square root of a half, as a multiple of 2^-25. */
const SQRT_HALF = 23_726_566

/** Pairs of numbers in a block. */
const BLOCK = 512
const exponents = new Float64Array(BLOCK)
const fractions = new Float64Array(BLOCK)
const radii = new Float64Array(BLOCK)
const quarterTurns = new Int32Array(BLOCK)
const rests = new Float64Array(BLOCK)
/** The cosine and the sine of the rest, side by side. */
const directions = new Float64Array(2 * BLOCK)

// Tables in place of branches, which would be mispredicted every other time.
const SCALES = new Float64Array([2 ** -25, 2 ** -24])
/** The sign of the sine after some quarter turns. */
const SIGNS = new Float64Array([1, 1, -1, -1])

/** The position of the pair `i` of a block: eight first numbers lie before eight second ones. */
const placeOf = (i: number): number => i + (i & -8)

/** Computes sqrt(-2 log(1 - u)) of the first numbers of `n` pairs. */
const findRadii = (data: Float32Array, at: number, n: number): void => {
  for (let i = 0; i < n; i++) {
    // 1 - u = 2^exponent (1 + t), and 1 + t lies between sqrt(1/2) and sqrt(2).
    const units = (UNITS - data[at + placeOf(i)] * UNITS) | 0
    const shift = Math.clz32(units) - 7
    const mantissa = units << shift
    const isLow = (mantissa - SQRT_HALF) >>> 31
    exponents[i] = 1 - shift - isLow
    fractions[i] = mantissa * SCALES[isLow] - 1
  }
  // log(1 + t) = t - t^2 / 2 + t^3 L(t)
  for (let i = 0; i < n; i++) {
    const t = fractions[i]
    let series = round(0.07037683576345444 * t - 0.11514610052108765)
    series = round(series * t + 0.11676998436450958)
    series = round(series * t - 0.12420140951871872)
    series = round(series * t + 0.14249323308467865)
    series = round(series * t - 0.16668057441711426)
    series = round(series * t + 0.2000071406364441)
    series = round(series * t - 0.24999994039535522)
    series = round(series * t + 0.3333333134651184)
    radii[i] = round(series * t)
  }
  for (let i = 0; i < n; i++) {
    const t = fractions[i]
    const exponent = exponents[i]
    const square = round(t * t)
    // log 2 has two parts; the product with the long one is exact.
    const cubed = round(radii[i] * square + round(exponent * -0.00021219444170128554))
    const log = round(round(t + round(cubed - square * 0.5)) + exponent * 0.693359375)
    radii[i] = round(Math.sqrt(-2 * log))
  }
}

/** Computes the directions of the second numbers of `n` pairs. */
const findDirections = (data: Float32Array, at: number, n: number): void => {
  for (let i = 0; i < n; i++) {
    // The angle is a number of quarter turns and a rest of at most an eighth. A quarter has three parts; products with
    // the first two are exact.
    const angle = round(6.2831854820251465 * data[at + placeOf(i) + 8])
    const quarters = ((round(angle * 1.2732394933700562) | 0) + 1) >> 1
    const near = round(round(angle - quarters * 1.5703125) - quarters * 0.0004837512969970703)
    rests[i] = round(near - quarters * 7.549790126404332e-8)
    quarterTurns[i] = quarters
  }
  // sin r = r + r^3 S(r^2), cos r = 1 - r^2 / 2 + r^4 C(r^2)
  for (let i = 0; i < n; i++) {
    const rest = rests[i]
    const square = round(rest * rest)
    const s = round(round(square * -0.00019515295571181923 + 0.008332161232829094) * square - 0.16666655242443085)
    const c = round(round(square * 0.0000244331567955669 - 0.0013887316454201937) * square + 0.04166664555668831)
    directions[2 * i] = round(round(round(c * square) * square - square * 0.5) + 1)
    directions[2 * i + 1] = round(round(s * square) * rest + rest)
  }
}

/**
 * Turns uniform numbers into normal ones of `mean` and `std`, from `at` on, `count` of them, a multiple of sixteen. Of
 * sixteen the first eight give radii and the last eight angles; the results are eight cosines and then eight sines. All
 * of them are float32 values.
 */
export const boxMuller = (data: Float32Array, at: number, count: number, mean: number, std: number): void => {
  for (let done = 0; done < count; done += 2 * BLOCK) {
    const n = Math.min(BLOCK, (count - done) / 2)
    const from = at + done
    findRadii(data, from, n)
    findDirections(data, from, n)
    for (let i = 0; i < n; i++) {
      const radius = radii[i]
      // One more quarter turn: the cosine becomes minus the sine, the sine the cosine.
      const quarters = quarterTurns[i]
      const isOdd = quarters & 1
      const place = from + placeOf(i)
      // Adding 0 leaves no -0.
      data[place] = radius * directions[2 * i + isOdd] * SIGNS[(quarters + 1) & 3] + 0
      data[place + 8] = radius * directions[2 * i + 1 - isOdd] * SIGNS[quarters & 3] + 0
    }
    const end = from + 2 * n
    // A product is exact in float64.
    if (mean !== 0) for (let i = from; i < end; i++) data[i] = fma32(data[i], std, mean)
    else if (std !== 1) for (let i = from; i < end; i++) data[i] = data[i] * std + mean
  }
}
