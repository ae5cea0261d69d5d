// Samples of the elementwise ops: each class of dtypes, numbers combined with tensors, 0-d tensors, broadcasting, empty
// tensors, the special values of IEEE 754, and the points where a derivative jumps.
import { elementwise as each } from '../property.ts'
import { type OpSamples, op } from '../prepare.ts'
import { bool, bools, bytes, core, e, f64, i32, ints, kink, opt, type Sample, s, t, u8, v } from '../sample.ts'

const nan = Number.NaN
const inf = Number.POSITIVE_INFINITY
export const special = v([nan, inf, -inf, 0, -0, 1, -1])
export const fixed = { grad: false }
export const specialWhy = 'infinities and NaN have no finite differences'

/** One argument, floats in [low, high): float32, float64, 0-d, empty, three dimensions, special values. */
const floats = (low = -2, high = 2, rest: Parameters<typeof s> = []): Sample[] => [
  s(t([2, 3], { low, high }), ...rest),
  s(f64([4], { low, high }), ...rest),
  s(t([], { low, high }), ...rest),
  s(t([0, 3]), ...rest),
  s(t([2, 1, 2], { low, high }), ...rest),
  kink(specialWhy, s(special, ...rest)),
]
/** Integer, unsigned and boolean arguments. */
const whole = (low = -6, high = 7): Sample[] => [
  s(i32([5], { low, high })),
  s(u8([3], { low: Math.max(low, 0), high: Math.max(high, 3) })),
]
const wholeAndBool = (low = -6, high = 7): Sample[] => [...whole(low, high), s(bool([4]))]

/** Two arguments: broadcasting, promotion of every kind, emptiness, special values. */
const pairs = (low = -2, high = 2): Sample[] => [
  s(t([2, 3], { low, high }), t([2, 3], { low, high })),
  s(t([2, 3], { low, high }), t([3], { low, high })),
  s(t([2, 1], { low, high }), f64([1, 3], { low, high })),
  s(t([3], { low, high }), v(1.505, [], { dtype: 'float64' })),
  s(t([0, 3]), t([3])),
  s(t([], { low, high }), t([], { low, high })),
  s(t([4], { low, high }), i32([4], { low: 1, high: 5 })),
]
const pairsOfWhole: Sample[] = [
  s(i32([2, 3]), i32([3], { low: 1, high: 5 })),
  s(i32([3]), v(2.5)),
  s(u8([3], { high: 12 }), i32([3], { low: 1, high: 5 })),
  s(u8([3], { high: 12 }), u8([3], { low: 1, high: 12 })),
]
const withNumbers: Sample[] = [s(t([3]), 2), s(t([3]), 0.5), s(i32([3]), 2), s(i32([3]), 2.5), s(u8([3]), 3)]
export const specialPairs: Sample[] = [
  kink(specialWhy, s(v([nan, 1, inf, -inf, inf, 0, -0]), v([1, nan, inf, inf, 2, 0, 0]))),
]
const sizes = e(t([2, 3]), t([2, 4]))

/** Dividends and divisors of both signs and all dtypes. */
export const divided = (): Sample[] => [
  s(v([7.5, -7.5, 7.5, -7.5, 1.25]), v([2, 2, -2, -2, 0.5])),
  s(t([2, 3], { low: 2, high: 9 }), 2),
  s(t([2, 3], { low: 2, high: 9 }), 2.5),
  s(f64([3]), v([1.5, 2.5, -1.5])),
  s(ints([7, -7, 7, -7]), ints([2, 2, -2, -2])),
  s(ints([7, -7]), 3),
  s(ints([7, -7]), 2.5),
  s(bytes([7, 200]), bytes([4, 7])),
]

export const unary = (
  fn: (x: number) => number,
  samples: readonly Sample[],
  range?: readonly [number, number],
): OpSamples => op(samples, each(fn, range && { range }))
export const binary = (
  fn: (x: number, y: number) => number,
  samples: readonly Sample[],
  errors: OpSamples['errors'] = [],
  range?: readonly [number, number],
): OpSamples => op(samples, each(fn, range && { range }), [sizes, ...errors])

const half = (x: number) => {
  const low = Math.floor(x)
  return x - low === 0.5 ? (low % 2 === 0 ? low : low + 1) : Math.round(x)
}
/** Uses the exact remainder: 3.9 / 1.3 is 3 as a quotient of doubles, but 2 with remainder 1.3. */
const floorMod = (x: number, y: number) => (x % y !== 0 && x % y < 0 !== y < 0 ? (x % y) + y : x % y)
const floorDiv = (x: number, y: number) => Math.round((x - floorMod(x, y)) / y)
const flatSteps = v([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.3, -0.7, nan, inf])
const steps = (): Sample[] => [kink('a step', s(flatSteps)), s(f64([2, 3])), s(i32([3])), s(t([0, 2])), s(v(1.25))]

/** Uses its series, which converges well for small x. */
export const erf = (x: number): number => {
  let sum = 0
  for (let n = 0, term = x; n < 100; n++, term *= (-x * x) / n) sum += term / (2 * n + 1)
  return (2 / Math.sqrt(Math.PI)) * sum
}

export const elementwise = {
  neg: op(
    [...floats(), ...whole()],
    each((x) => -x),
    [e(bool([2]))],
  ),
  abs: op([...floats(), s(i32([5])), kink('the corner at 0', s(v([-1, 0, 1])))], each(Math.abs)),
  sign: op(
    [kink('a step', s(v([-2, 0, 3, nan, -0]))), s(f64([2, 3])), s(i32([5])), s(bool([2])), s(t([0]))],
    each((x) => Math.sign(x)),
  ),
  sqrt: unary(Math.sqrt, [...floats(0.1, 3), ...wholeAndBool(0, 9), kink('an infinite slope', s(v([0, 1])))], [0, 5]),
  rsqrt: unary((x) => 1 / Math.sqrt(x), [...floats(0.1, 3), ...wholeAndBool(1, 9)], [0.1, 5]),
  exp: unary(Math.exp, [...floats(), ...wholeAndBool()]),
  reciprocal: unary(
    (x) => 1 / x,
    [...floats(0.2, 3), ...wholeAndBool(1, 9), kink('an infinite slope', s(v([0, 2])))],
    [1, 5],
  ),
  expm1: unary(Math.expm1, [...floats(), ...wholeAndBool(), s(v([1e-6, -1e-6, 1e-3]))]),
  log: unary(Math.log, [...floats(0.1, 3), ...wholeAndBool(0, 5)], [1, 5]),
  log1p: unary(Math.log1p, [...floats(-0.9, 2), ...wholeAndBool(0, 5), s(v([1e-6, -1e-6, 1e-3]))], [0, 5]),
  sin: unary(Math.sin, [...floats(-4, 4), ...wholeAndBool(), s(v([100.5, -1000.25, 30000]))]),
  cos: unary(Math.cos, [...floats(-4, 4), ...wholeAndBool(), s(v([100.5, -1000.25, 30000]))]),
  tanh: unary(Math.tanh, [...floats(), ...wholeAndBool(), s(v([20, -20, 1e-4]))]),
  erf: unary(erf, [...floats(), ...wholeAndBool(), s(v([5, -5, 1e-4]))], [-2, 2]),
  sigmoid: unary((x) => 1 / (1 + Math.exp(-x)), [...floats(-4, 4), ...wholeAndBool(), s(v([90, -90, 20, -20]))]),
  relu: op(
    [...floats(), s(i32([5])), s(u8([3])), kink('the corner at 0', s(v([-1, 0, 1])))],
    each((x) => Math.max(x, 0)),
    [e(bool([2]))],
  ),
  leakyRelu: op(
    [...floats(), s(t([3]), 0.2), s(t([3]), opt({ negativeSlope: 0.5 })), kink('the corner at 0', s(v([-1, 0, 1])))],
    each((x) => (x > 0 ? x : 0.01 * x)),
  ),
  floor: op(steps(), each(Math.floor)),
  ceil: op(steps(), each(Math.ceil)),
  round: op(
    [
      ...steps(),
      s(v([1.256, -2.345, 0.5, 1e10], [4], fixed), opt({ decimals: 2 })),
      core(s(v([125, -335, 4.5], [3], { dtype: 'float64', ...fixed }), opt({ decimals: -1 }))),
    ],
    each(half),
    [e(i32([2]), opt({ decimals: 1 }))],
  ),
  trunc: op(steps(), each(Math.trunc)),
  square: op(
    [...floats(), ...wholeAndBool()],
    each((x) => x * x),
  ),
  add: binary(
    (x, y) => x + y,
    [
      ...pairs(),
      ...pairsOfWhole,
      ...withNumbers,
      ...specialPairs,
      s(bools([1, 0, 1]), bools([1, 1, 0])),
      s(bools([1, 0]), 1),
      s(bools([1, 0]), 2.5),
      s(bools([1, 0]), ints([3, 4])),
      s(bytes([1, 2]), 300),
      s(2.5, i32([3])),
      s(2, t([3])),
      s(bytes([200, 250]), bytes([100, 10])),
      s(t([3]), t([3]), opt({ alpha: 2 })),
    ],
    [e(i32([2]), i32([2]), opt({ alpha: 0.5 })), e(t([2, 3]), t([2]))],
  ),
  sub: binary(
    (x, y) => x - y,
    [
      ...pairs(),
      ...pairsOfWhole,
      ...withNumbers,
      ...specialPairs,
      s(bytes([1, 2]), 3),
      s(1, t([3])),
      s(1, u8([3])),
      s(2.5, i32([3])),
      s(t([3]), t([3]), opt({ alpha: 2 })),
    ],
    [e(bools([1, 0]), bools([1, 1])), e(bools([1, 0]), true), e(bools([1, 0]), 1), e(t([2]), bools([1, 0]))],
  ),
  mul: binary(
    (x, y) => x * y,
    [
      ...pairs(),
      ...pairsOfWhole,
      ...withNumbers,
      ...specialPairs,
      s(bools([1, 0]), bools([1, 1])),
      s(bools([1, 0]), 2.5),
      s(bytes([100, 20]), bytes([3, 20])),
      s(-2, t([3])),
    ],
  ),
  div: binary(
    (x, y) => x / y,
    [
      ...pairs(0.5, 3),
      ...pairsOfWhole,
      ...withNumbers,
      ...specialPairs,
      s(bools([1, 0]), bools([1, 1])),
      s(ints([7, -7, 0]), ints([2, 2, 0])),
      s(1, t([3], { low: 1 })),
      s(1, ints([1, 2, 4])),
      kink('a division by 0', s(v([1, -1, 0]), 0)),
      kink('a step', s(v([7, -7, 7.5]), v([2, 2, -2]), opt({ roundingMode: 'floor' }))),
      kink('a step', s(v([7, -7, 7.5]), v([2, 2, -2]), opt({ roundingMode: 'trunc' }))),
      s(ints([7, -7, 7]), ints([2, 2, -2]), opt({ roundingMode: 'floor' })),
      s(ints([7, -7, 7]), ints([2, 2, -2]), opt({ roundingMode: 'trunc' })),
    ],
    [e(ints([1, 2]), ints([1, 0]), opt({ roundingMode: 'floor' })), e(t([2]), t([2]), opt({ roundingMode: 'up' }))],
    [1, 5],
  ),
  pow: binary(
    (x, y) => x ** y,
    [
      s(t([2, 3], { low: 0.3 }), t([3])),
      s(t([3], { low: 0.3 }), f64([3])),
      s(t([4]), 2),
      s(t([4]), 3),
      s(t([4], { low: 0.3 }), 0.5),
      s(t([4], { low: 0.3 }), -1),
      s(t([4]), 0),
      s(i32([4]), 2),
      s(i32([4], { low: 1 }), 0.5),
      s(ints([2, 3, -2]), ints([3, 0, 3])),
      s(ints([1, -1, 2, -2]), ints([-1, -3, -1, -2])),
      s(bytes([3, 20, 2]), bytes([2, 2, 7])),
      s(bytes([3, 255, 2, 7, 0]), bytes([200, 255, 9, 0, 0])),
      s(bools([1, 0]), 2),
      s(2, t([3])),
      s(2, ints([0, 1, 5])),
      kink('a corner', s(v([0, 0, 0, 1, -1, 2]), v([0, 1, -1, inf, inf, nan]))),
      kink('a negative base', s(v([-2, -2, -8]), v([2, 0.5, 1 / 3]))),
      kink('a corner', s(v([0, -1, 1]), 1)),
      kink('an infinite slope', s(v([0, 1]), 0.5)),
      s(t([0, 2]), t([2])),
    ],
    [e(ints([2, 3]), -1)],
    [1, 3],
  ),
  maximum: binary(
    (x, y) => Math.max(x, y),
    [
      ...pairs(),
      ...pairsOfWhole,
      ...specialPairs,
      s(bools([1, 0]), bools([0, 0])),
      kink('a tie', s(v([1, 2]), v([1, 3]))),
    ],
  ),
  minimum: binary(
    (x, y) => Math.min(x, y),
    [
      ...pairs(),
      ...pairsOfWhole,
      ...specialPairs,
      s(bools([1, 0]), bools([1, 0])),
      kink('a tie', s(v([1, 2]), v([1, 3]))),
    ],
  ),
  remainder: binary(
    floorMod,
    [...divided(), kink('a division by 0', s(v([1, -1, nan, inf, 1]), v([0, 0, 1, 2, inf]))), s(t([0, 2]), t([2]))],
    [e(ints([1, 2]), ints([1, 0]))],
    [1, 4],
  ),
  floorDivide: binary(
    floorDiv,
    [
      s(v([7.5, -7.5, 7.5, -7.5], [4], fixed), v([2, 2, -2, -2], [4], fixed)),
      s(ints([7, -7, 7, -7]), ints([2, 2, -2, -2])),
      s(ints([1, 2, 3]), 2),
      s(ints([7, -7]), 2.5),
      s(bytes([7, 200]), bytes([4, 7])),
      s(v([1, -1, nan, inf], [4], fixed), v([0, 0, 1, 2], [4], fixed)),
      s(f64([2, 2], fixed), t([2], { low: 1, ...fixed })),
      s(t([0, 2], fixed), t([2], fixed)),
    ],
    [e(ints([1, 2]), ints([1, 0]))],
    [1, 4],
  ),
  clamp: op(
    [
      s(t([2, 3]), -1, 1),
      s(t([2, 3]), opt({ min: -0.5 })),
      s(t([2, 3]), opt({ max: 0.5 })),
      s(f64([4]), opt({ min: -1, max: 1 })),
      s(i32([5]), -2, 2),
      s(i32([5]), -1.5, 2.5),
      s(u8([4]), 10, 100),
      kink('the edges', s(v([-1, -0.5, 0, 0.5, 1, nan, inf]), -0.5, 0.5)),
      s(t([3]), 1, -1),
      s(t([0]), 0, 1),
      s(t([2, 3]), t([3], { low: -2, high: 0 }), t([3], { low: 0, high: 2 })),
      s(t([2, 3]), opt({ min: t([3]) })),
    ],
    each((x) => Math.min(Math.max(x, -1), 1.5), { rest: [-1, 1.5] }),
    [e(t([2]))],
  ),
  where: op(
    [
      s(bools([1, 0, 1]), t([3]), t([3])),
      s(bools([1, 0], [2, 1]), t([3]), t([2, 3])),
      s(bools([1, 0]), t([2]), f64([2])),
      s(bools([1, 0]), i32([2]), t([2])),
      s(bools([1, 0]), bools([1, 1]), i32([2])),
      s(bools([1, 0]), t([2]), 0),
      s(bools([1, 0]), 1.5, t([2])),
      s(bools([1, 0]), i32([2]), 2.5),
      s(bool([0, 2]), t([2]), t([2])),
      s(bools(1), t([]), t([])),
      kink('a value that is not chosen', s(bools([1, 0]), v([1, nan]), v([inf, 2]))),
    ],
    each((c, x, y) => (c !== 0 ? x : y), { dtypes: ['bool', 'float64', 'float64'] }),
    [e(bools([1, 0]), t([2]), t([3])), e(t([2]), t([2]), t([2]))],
  ),
} satisfies Record<string, OpSamples>
