// Samples of the elementwise ops that are a single function of real numbers or of bits: within their domains, at the
// edges, and at the special values of IEEE 754.
import { elementwise as each } from '../property.ts'
import { type OpSamples, op } from '../prepare.ts'
import { bool, bools, bytes, e, f64, i32, ints, kink, type Sample, s, t, u8, v } from '../sample.ts'
import { binary, divided, erf, fixed, special, specialPairs, specialWhy, unary } from './elementwise.ts'

const { NaN: nan, POSITIVE_INFINITY: inf } = Number

/** Stirling's series for large x, then the recurrence back. */
const lgamma = (x: number): number => {
  let low = 0
  for (let k = 0; k < 20; k++) low += Math.log(x + k)
  const z = x + 20
  return (
    (z - 0.5) * Math.log(z) -
    z +
    Math.log(2 * Math.PI) / 2 +
    1 / (12 * z) -
    1 / (360 * z ** 3) +
    1 / (1260 * z ** 5) -
    1 / (1680 * z ** 7) -
    low
  )
}
const digamma = (x: number): number => {
  let low = 0
  for (let k = 0; k < 20; k++) low += 1 / (x + k)
  const z = x + 20
  return (
    Math.log(z) - 1 / (2 * z) - 1 / (12 * z ** 2) + 1 / (120 * z ** 4) - 1 / (252 * z ** 6) + 1 / (240 * z ** 8) - low
  )
}
/** Newton's method on erf. */
const erfinv = (x: number): number => {
  let y = 0
  for (let i = 0; i < 60; i++) y -= ((erf(y) - x) * Math.sqrt(Math.PI) * Math.exp(y * y)) / 2
  return y
}
const i0 = (x: number): number => {
  let sum = 0
  for (let n = 0, term = 1; n < 60; n++, term *= (x / 2 / n) ** 2) sum += term
  return sum
}

/**
 * One argument in [low, high) for each class of dtypes, and the special values; everything else is the same for all
 * ops.
 */
const some = (low = -2, high = 2, whole: readonly [number, number] = [-6, 7]): Sample[] => [
  s(t([2, 3], { low, high })),
  s(f64([4], { low, high })),
  kink(specialWhy, s(special)),
  s(i32([5], { low: whole[0], high: whole[1] })),
  s(bool([4])),
]
/** Two arguments that broadcast, of equal and of different dtypes. */
const two = (low = -2, high = 2): Sample[] => [
  s(t([2, 3], { low, high }), t([3], { low, high })),
  s(t([2, 1], { low, high }), f64([1, 3], { low, high })),
  s(t([4], { low, high }), i32([4], { low: 1, high: 5 })),
]
const twoOfWhole = [
  s(i32([2, 3]), i32([3], { low: 1, high: 5 })),
  s(u8([3], { high: 12 }), i32([3], { low: 1, high: 5 })),
]

/** Poles of the gamma function and the zeros between them. */
const aroundPoles = (): Sample[] => [
  s(v([-0.5, -1.5, -2.25, -7.75, 1, 2, 1.4616, 12.5])),
  s(f64([4], { low: 8, high: 50 })),
]
const bitPairs = (): Sample[] => [
  s(i32([2, 3]), i32([3])),
  s(i32([2, 3], { low: -100, high: 100 }), 5),
  s(-3, i32([4])),
  s(u8([4]), u8([4])),
  s(u8([3]), i32([3])),
  s(bytes([200, 7]), 13),
  s(ints([2147483647, -2147483648, -1]), ints([-1, -1, 65535])),
  s(i32([0, 3]), i32([3])),
]
const bitsAndBools = (): Sample[] => [...bitPairs(), s(bools([1, 1, 0, 0]), bools([1, 0, 1, 0])), s(bools([1, 0]), 3)]
const notFloats = [e(t([2]), t([2])), e(i32([2]), t([2])), e(i32([2]), 0.5)]
const notBools = [...notFloats, e(bools([1, 0]), bools([1, 1]))]
const bits = (
  fn: (x: number, y: number) => number,
  samples: readonly Sample[],
  errors: OpSamples['errors'],
): OpSamples => op(samples, each(fn, { dtypes: ['int32', 'int32'], result: 'int32', range: [0, 9] }), errors)
const exactly = (sample: Sample): Sample => ({ ...sample, tolerance: [0, 0] })
const flipsSign = kink('the sign of a 0', s(v([0, -0, 1, -1, 0]), v([-1, 1, -0, 0, nan])))

export const functions = {
  tan: unary(Math.tan, [...some(-1.3, 1.3), s(v([10.5, -100.25, 30000]))], [-1, 1]),
  sinh: unary(Math.sinh, [...some(), s(v([20, -20, 88, 1e-4]))], [-5, 5]),
  cosh: unary(Math.cosh, [...some(), s(v([20, -20, 88, 1e-4]))], [-5, 5]),
  asin: unary(Math.asin, [...some(-0.9, 0.9), s(v([0.999, -0.5, 1e-4]))], [0, 1]),
  acos: unary(Math.acos, [...some(-0.9, 0.9), s(v([0.999, -0.999, 1e-4]))], [0, 1]),
  atan: unary(Math.atan, [...some(), s(v([100.5, -3000, 1e-4]))]),
  asinh: unary(Math.asinh, [...some(), s(v([1000, -1e10, 1e-4]))]),
  acosh: unary(Math.acosh, [...some(1.1, 4, [1, 9]), s(v([1.1, 1000, 1e10]))], [2, 5]),
  atanh: unary(Math.atanh, [...some(-0.9, 0.9), s(v([0.95, -0.5, 1e-4]))], [0, 0]),
  exp2: unary((x) => 2 ** x, [...some(), s(v([30.5, -100]))]),
  log2: unary(Math.log2, [...some(0.1, 3, [0, 9]), s(v([0.999, 0.03, 1e10]))], [1, 5]),
  log10: unary(Math.log10, [...some(0.1, 3, [0, 9]), s(v([0.999, 0.03, 1e10]))], [1, 5]),
  lgamma: unary(lgamma, [...some(0.1, 4), ...aroundPoles()], [1, 5]),
  digamma: op(
    [
      s(t([2, 3], { low: 0.1, high: 4 })),
      s(f64([4], { low: 0.1, high: 4 })),
      kink(specialWhy, s(v([nan, inf, -inf, 0, -0, 1]))),
      kink(specialWhy, s(v([-1, -2, -3], [3], fixed))),
      s(i32([5])),
      ...aroundPoles(),
    ],
    each(digamma, { range: [1, 5] }),
  ),
  erfinv: unary(erfinv, [...some(-0.9, 0.9), s(v([0.97, -0.99, 1e-4]))], [0, 0]),
  i0: unary(i0, [...some(-4, 4), s(v([20, -20, 7.9, 8.1, 60]))], [-5, 5]),
  atan2: binary(
    Math.atan2,
    [
      ...two(),
      ...twoOfWhole,
      ...specialPairs,
      kink(specialWhy, s(v([0, -0, 0, -0, 1, -1]), v([-1, -1, 0, -0, -0, 0]))),
      kink(specialWhy, s(v([inf, inf, -inf, 2, -2, 2]), v([inf, -inf, -inf, -inf, -inf, inf]))),
    ],
    [],
    [1, 5],
  ),
  hypot: binary(
    Math.hypot,
    [
      ...two(),
      ...specialPairs,
      s(
        v([3e200, 3e-200], [2], { dtype: 'float64', ...fixed }),
        v([4e200, 4e-200], [2], { dtype: 'float64', ...fixed }),
      ),
      s(v([3, 1e30], [2], fixed), v([4, 1e30], [2], fixed)),
    ],
    [e(i32([2]), i32([2])), e(u8([2]), u8([2]))],
    [1, 5],
  ),
  fmod: binary(
    (x, y) => x % y,
    [
      ...divided(),
      s(bools([1, 0]), 2),
      kink('a division by 0', s(v([1, -1, nan, inf, 1, -0, -4]), v([0, 0, 1, 2, inf, 2, 2]))),
      s(t([0, 2]), t([2])),
    ],
    [e(ints([1, 2]), ints([1, 0])), e(bools([1, 0]), bools([1, 1]))],
    [1, 4],
  ),
  nextafter: op(
    [
      exactly(s(v([1, -1, 2.5, 0, -0, 1, 3], [7], fixed), v([2, 0, 2.5, 1, -1, -inf, inf], [7], fixed))),
      exactly(s(f64([2, 3], fixed), f64([3], fixed))),
      exactly(s(v([1e-45, -1e-45, 0, -0], [4], fixed), v([0, 0, -0, 0], [4], fixed))),
      exactly(s(v([nan, 1, inf, -inf, 3.4028234663852886e38], [5], fixed), v([1, nan, 0, 0, inf], [5], fixed))),
      exactly(s(t([2], fixed), f64([2], fixed))),
      s(t([0, 2], fixed), t([2], fixed)),
    ],
    each((x, y) => (x === y ? y : x), { range: [1, 4] }),
    [e(i32([2]), i32([2])), e(t([2, 3]), t([2, 4]))],
  ),
  copysign: binary(
    (x, y) => (y < 0 ? -Math.abs(x) : Math.abs(x)),
    [...two(), ...twoOfWhole, ...specialPairs, s(t([3]), -2), s(t([3]), 0.5), s(i32([3]), -1), flipsSign],
    [],
    [1, 4],
  ),
  bitwiseAnd: bits((x, y) => x & y, bitsAndBools(), notFloats),
  bitwiseOr: bits((x, y) => x | y, bitsAndBools(), notFloats),
  bitwiseXor: bits((x, y) => x ^ y, bitsAndBools(), notFloats),
  bitwiseNot: op(
    [s(i32([2, 3])), s(u8([3])), s(bools([1, 0])), s(ints([2147483647, -2147483648, 0])), s(i32([0]))],
    each((x) => ~x, { dtypes: ['int32'], result: 'int32' }),
    [e(t([2]))],
  ),
  bitwiseLeftShift: bits(
    (x, y) => x << y,
    [
      s(i32([2, 3]), i32([3], { low: 0, high: 9 })),
      s(i32([2, 3]), 5),
      s(3, i32([4], { low: 0, high: 9 })),
      s(u8([4]), u8([4], { low: 0, high: 8 })),
      s(u8([3], { high: 100 }), i32([3], { low: 0, high: 5 })),
      s(bools([1, 0]), 3),
      s(i32([0, 3]), i32([3])),
    ],
    notBools,
  ),
  bitwiseRightShift: bits(
    (x, y) => x >> y,
    [
      s(i32([2, 3], { low: -100, high: 100 }), i32([3], { low: 0, high: 9 })),
      s(i32([2, 3], { low: -100, high: 100 }), 2),
      s(-300, i32([4], { low: 0, high: 9 })),
      s(u8([4]), u8([4], { low: 0, high: 8 })),
      s(u8([3]), i32([3], { low: 0, high: 5 })),
      s(bools([1, 0]), 0),
      s(ints([2147483647, -2147483648]), 31),
    ],
    notBools,
  ),
} satisfies Record<string, OpSamples>
