// Fused multiply-add, a * b + c with one rounding, for float32 and float64. PyTorch's CPU kernels are compiled to it,
// so their last bits cannot be reproduced without it, and JavaScript lacks it.

const f = Math.fround

/**
 * a * b + c rounded once to float32; the three arguments are float32 values.
 *
 * The product is exact in a double. Rounding the sum to a double and then to float32 is wrong only if the double lies
 * exactly halfway between two float32 values and the true sum does not. The function is kept short because it must be
 * inlined to be fast.
 */
export const fma32 = (a: number, b: number, c: number): number => {
  const sum = a * b + c
  const rounded = f(sum)
  const mirrored = sum + (sum - rounded)
  if (f(mirrored) !== mirrored || mirrored === rounded) return rounded
  // Rounding again tells the engine that the result is a float; otherwise it would box every result.
  return f(decide32(a * b, c, sum, rounded, mirrored))
}

/**
 * The rare cases: a sum halfway between two float32 values, where the rounding error of the double decides, and an
 * overflow.
 */
const decide32 = (product: number, c: number, sum: number, rounded: number, other: number): number => {
  const lost = twoSumError(product, c, sum)
  if (!Number.isFinite(rounded)) {
    // Halfway between the largest float32 and infinity, with the true sum below.
    const edge = 2 ** 128 - 2 ** 103
    return Math.abs(sum) === edge && lost * sum < 0 ? Math.sign(sum) * (2 ** 128 - 2 ** 104) : rounded
  }
  if (lost === 0) return rounded
  return lost > 0 === other > rounded ? other : rounded
}

/** The rounding error of a + b = `sum`; exact for all finite values. */
export const twoSumError = (a: number, b: number, sum: number): number => {
  const virtual = sum - a
  return a - (sum - virtual) + (b - virtual)
}

const SPLITTER = 2 ** 27 + 1

/** The rounding error of a * b = `product`; exact if nothing overflows or underflows. */
export const twoProductError = (a: number, b: number, product: number): number => {
  const ta = SPLITTER * a
  const ah = ta - (ta - a)
  const al = a - ah
  const tb = SPLITTER * b
  const bh = tb - (tb - b)
  const bl = b - bh
  return al * bl - (product - ah * bh - al * bh - ah * bl)
}

const word = new Float64Array(1)
const halves = new Uint32Array(word.buffer)

/** a + b, or if that is not exact, the neighbour whose last bit is odd, which makes a later rounding correct. */
const addToOdd = (a: number, b: number): number => {
  const sum = a + b
  const lost = twoSumError(a, b, sum)
  if (lost === 0) return sum
  word[0] = sum
  if ((halves[LOW] & 1) === 1) return sum
  // One step towards the lost part: away from zero adds one to the bits. An even number cannot carry going up, but
  // going down it may borrow from the high half.
  if (lost > 0 === sum > 0) halves[LOW] += 1
  else if (halves[LOW] === 0) {
    halves[LOW] = 0xffffffff
    halves[1 - LOW] -= 1
  } else halves[LOW] -= 1
  return word[0]
}

// Which half holds the low bits depends on the machine's byte order.
const LOW = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1

const moderate = (x: number): boolean => x === 0 || (Math.abs(x) > 2 ** -400 && Math.abs(x) < 2 ** 400)

/** a * b + c rounded once to float64. */
export const fma64 = (a: number, b: number, c: number): number => {
  if (!moderate(a) || !moderate(b) || !moderate(c)) return fma64Slow(a, b, c)
  const product = a * b
  if (product === 0) return product + c
  const productLow = twoProductError(a, b, product)
  if (c === 0) return product
  const lowSum = c + productLow
  const lowError = twoSumError(c, productLow, lowSum)
  const sum = product + lowSum
  return sum + addToOdd(twoSumError(product, lowSum, sum), lowError)
}

/** A finite double as integer * 2^exponent. */
const decompose = (x: number): { integer: bigint; exponent: number } => {
  word[0] = x
  const high = halves[1 - LOW]
  const biased = (high >>> 20) & 0x7ff
  const fraction = (BigInt(high & 0xfffff) << 32n) | BigInt(halves[LOW])
  const integer = biased === 0 ? fraction : fraction | (1n << 52n)
  return { integer: high >>> 31 ? -integer : integer, exponent: Math.max(biased, 1) - 1075 }
}

/** integer * 2^exponent rounded once to the nearest double, ties to even. */
const compose = (integer: bigint, exponent: number): number => {
  const negative = integer < 0n
  const magnitude = negative ? -integer : integer
  const bits = magnitude.toString(2).length
  const drop = Math.max(bits - 53, -1074 - exponent, 0)
  let kept = magnitude >> BigInt(drop)
  const rest = magnitude - (kept << BigInt(drop))
  const half = drop > 0 ? 1n << BigInt(drop - 1) : 1n
  if (drop > 0 && (rest > half || (rest === half && (kept & 1n) === 1n))) kept += 1n
  // Scaled in two steps, so that a subnormal or very large result is not rounded twice.
  const scale = exponent + drop
  const first = scale > 0 ? Math.min(scale, 900) : Math.max(scale, -900)
  const value = Number(kept) * 2 ** first * 2 ** (scale - first)
  return negative ? -value : value
}

const fma64Slow = (a: number, b: number, c: number): number => {
  if (!Number.isFinite(a) || !Number.isFinite(b) || !Number.isFinite(c)) return a * b + c
  if (a === 0 || b === 0) return a * b + c
  if (c === 0) {
    const x = decompose(a)
    const y = decompose(b)
    const value = compose(x.integer * y.integer, x.exponent + y.exponent)
    return value === 0 ? a * b : value
  }
  const x = decompose(a)
  const y = decompose(b)
  const z = decompose(c)
  const exponent = Math.min(x.exponent + y.exponent, z.exponent)
  const product = (x.integer * y.integer) << BigInt(x.exponent + y.exponent - exponent)
  const total = product + (z.integer << BigInt(z.exponent - exponent))
  return total === 0n ? 0 : compose(total, exponent)
}
