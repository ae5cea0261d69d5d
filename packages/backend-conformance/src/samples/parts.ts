// Samples of the pointwise ops that are expressions over other steps: parts of numbers, combinations of three operands,
// special functions, and products that are added. Each has its special values by derivation; what only reads arguments
// is marked core.
import { elementwise as each } from '../property.ts'
import { type OpSamples, op } from '../prepare.ts'
import { bools, bytes, core, doubles, e, f64, i32, ints, kink, opt, type Sample, s, t, u8, v } from '../sample.ts'
import { fixed, special, specialWhy } from './elementwise.ts'

const { NaN: nan, POSITIVE_INFINITY: inf } = Number
const none = { none: 'its kernels are those of the elementwise ops, which have properties' }
/** There are no kernels, so that other levels than `core` have nothing to check. */
const onHost = { none: 'it runs in JavaScript on every device' }
const test = (fn: (x: number) => number): OpSamples =>
  op([s(special), s(f64([3])), s(i32([3])), core(s(bools([1, 0]))), core(s(u8([2])))], each(fn, { result: 'bool' }))

/** Two floats of equal and different dtypes, and numbers that are not finite. */
const floats = (low = -2, high = 2): Sample[] => [
  s(t([2, 3], { low, high }), t([3], { low, high })),
  s(f64([2, 1], { low, high }), f64([1, 3], { low, high })),
  core(s(t([3], { low, high }), f64([3], { low, high }))),
  kink(specialWhy, s(v([nan, 1, inf, -inf, inf, 0, -0]), v([1, nan, inf, -inf, -inf, 0, 0]))),
]
const one = (low: number, high: number, ...more: Sample[]): Sample[] => [
  s(t([2, 3], { low, high })),
  s(f64([4], { low, high })),
  ...more,
  core(s(ints([1, 2, 0]))),
]
const onlyFloats = [e(i32([2]))]
const added = (name: 'addbmm' | 'baddbmm', own: readonly number[]): OpSamples =>
  op(
    [
      s(t(own), t([2, 2, 3]), t([2, 3, 2])),
      core(s(f64([2, 2]), f64([2, 2, 3]), f64([2, 3, 2]), opt({ beta: 0.5, alpha: -2 }))),
      core(s(v([nan, 1], [2], fixed), t([2, 2, 3]), t([2, 3, 2]), opt({ beta: 0 }))),
      core(s(i32([2, 2]), i32([2, 2, 3]), i32([2, 3, 2]), opt({ alpha: 2.5 }))),
      core(s(t([2, 2]), t([0, 2, 3]), t([0, 3, 2]))),
    ],
    none,
    [
      e(t([3, 3]), t([1, 2, 2]), t([1, 2, 2])),
      e(t([2, 2]), t([1, 2, 2]), t([1, 3, 2])),
      e(t([2, 2]), t([1, 2, 2]), t([2, 2, 2])).kwargs === undefined && name === 'addbmm'
        ? e(t([2, 2]), t([1, 2, 2]), t([2, 2, 2]))
        : e(bools([1]), bools([1], [1, 1, 1]), bools([1], [1, 1, 1])),
    ],
  )

export const parts = {
  isinf: test((x) => (Math.abs(x) === inf ? 1 : 0)),
  isposinf: test((x) => (x === inf ? 1 : 0)),
  isneginf: test((x) => (x === -inf ? 1 : 0)),
  signbit: test((x) => (x < 0 || Object.is(x, -0) ? 1 : 0)),
  sgn: op([kink('a step', s(v([-2, 0, 3, nan, -0]))), s(f64([2, 3])), core(s(i32([5]))), core(s(bools([1, 0])))], none),
  frac: op(
    [
      s(v([1.25, -2.75, 0.4])),
      core(s(doubles([1.25, -2.75, 0.4]))),
      kink(specialWhy, s(v([nan, inf, -inf, 2, -0, 0.75]))),
    ],
    each((x) => x - Math.trunc(x)),
    onlyFloats,
  ),
  deg2rad: op(one(-200, 200), none),
  rad2deg: op(one(-4, 4), none),
  nanToNum: op(
    [
      kink(specialWhy, s(special)),
      kink(specialWhy, s(v([nan, inf, -inf, 0.5], [4], { dtype: 'float64' }))),
      core(kink(specialWhy, s(special, 7, 8, -9))),
      core(kink(specialWhy, s(special, opt({ posinf: 3 })))),
      core(s(i32([3]))),
    ],
    none,
  ),
  heaviside: op(
    [
      s(v([-1, 0, 2, nan, -0], [5], fixed), v([0.5], [1], fixed)),
      core(s(i32([2, 3], { low: -1, high: 2 }), i32([3]))),
      core(s(bools([1, 0]), bools([1, 1]))),
    ],
    none,
    [e(t([2]), f64([2])), e(t([2]), i32([2]))],
  ),
  fmax: op(
    [
      ...floats(),
      kink('a tie', s(v([1, 2]), v([1, 3]))),
      core(s(i32([3]), i32([3]))),
      core(s(bools([1, 0]), bools([1, 1]))),
    ],
    each((x, y) => Math.max(x, y)),
  ),
  fmin: op(
    [...floats(), kink('a tie', s(v([1, 2]), v([1, 3]))), core(s(u8([3]), i32([3])))],
    each((x, y) => Math.min(x, y)),
  ),
  clampMin: op(
    [
      s(t([2, 3]), 0.25),
      s(t([2, 3]), t([3])),
      kink('the edge', s(v([nan, 1]), 1)),
      core(s(i32([3]), 0.5)),
      core(s(ints([1, -5]), 0)),
    ],
    none,
  ),
  clampMax: op(
    [
      s(t([2, 3]), 0.25),
      s(t([2, 3]), t([3])),
      kink('the edge', s(v([nan, 1]), 1)),
      core(s(i32([3]), 0.5)),
      core(s(ints([1, -5]), opt({ max: 0 }))),
    ],
    none,
  ),
  positive: op([s(t([2, 3])), core(s(i32([3])))], none, [e(bools([1, 0]))]),
  rsub: op(
    [
      s(t([2, 3]), t([3])),
      core(s(t([3]), 2)),
      core(s(i32([3]), 2)),
      core(s(t([3]), 1.5, opt({ alpha: 2 }))),
      core(s(t([3]), t([3]), opt({ alpha: 2 }))),
    ],
    none,
    [e(bools([1, 0]), 1), e(bools([1]), bools([0]))],
  ),
  frexp: op(
    [
      s(v([-6, 0.3, 1000])),
      kink('a jump at 1', s(v([1, -4, 1e30, -1e-30]))),
      kink('a subnormal number', s(doubles([0.1, -1023.5, 1e300, 4e-310]))),
      kink(specialWhy, s(special)),
      core(kink('a subnormal number', s(v([1.401298464324817e-45, 5e-41, 3.4028234663852886e38], [3], fixed)))),
    ],
    none,
    [e(i32([2]))],
  ),
  lerp: op(
    [
      s(t([2, 3]), t([3]), 0.25),
      s(f64([2, 3]), f64([3]), 0.75),
      s(t([2, 3]), t([3]), t([2, 3])),
      core(s(t([3]), t([3]), opt({ weight: 1 }))),
      core(s(t([0, 2]), t([2]), 2)),
    ],
    none,
    [
      e(t([2]), f64([2]), 0.5),
      e(t([2]), t([2]), f64([2])),
      e(i32([2]), i32([2]), 0.5),
      e(i32([2]), i32([2]), i32([2])),
      e(t([2]), t([3]), 1),
    ],
  ),
  addcmul: op(
    [
      s(t([2, 3]), t([3]), t([2, 1])),
      core(s(f64([3]), t([3]), f64([3]), opt({ value: 0.5 }))),
      core(s(i32([3]), i32([3]), i32([3]), opt({ value: 2 }))),
      core(s(t([3]), i32([3]), t([3]), opt({ value: -0.5 }))),
      core(s(i32([2]), t([2]), i32([2]), opt({ value: 0.5 }))),
    ],
    none,
    [e(bools([1]), bools([1]), bools([1])), e(t([2]), t([3]), t([2]))],
  ),
  addcdiv: op(
    [
      s(t([2, 3]), t([3]), t([2, 1], { low: 0.5, high: 2 })),
      core(s(f64([3]), f64([3]), f64([3], { low: 0.5 }), opt({ value: 0.5 }))),
      core(s(t([3]), i32([3]), t([3], { low: 0.5 }), opt({ value: -3 }))),
    ],
    none,
    [e(t([2]), i32([2]), i32([2]))],
  ),
  floatPower: op(
    [
      s(t([2, 3], { low: 0.3 }), t([3])),
      core(s(t([3], { low: 0.3 }), 2)),
      core(s(2, t([3]))),
      core(s(i32([3]), i32([3], { low: 0, high: 4 }))),
      core(s(bools([1, 0]), 0.5)),
    ],
    none,
  ),
  ldexp: op([s(t([2, 3]), i32([3])), core(s(t([3]), t([3]))), core(s(i32([3]), i32([3])))], none),
  gcd: op(
    [
      s(i32([2, 3], { low: -60, high: 60 }), i32([3], { low: -60, high: 60 })),
      s(ints([0, 0, 12, 1836311903, 2147483647]), ints([0, -5, 0, 1134903170, 3])),
      core(s(u8([4]), u8([4]))),
      core(s(u8([3]), i32([3]))),
    ],
    none,
    [e(t([2]), t([2])), e(bools([1]), bools([1])), e(i32([2]), t([2]))],
  ),
  lcm: op(
    [
      s(i32([2, 3], { low: -60, high: 60 }), i32([3], { low: -60, high: 60 })),
      core(s(ints([0, 0, 12]), ints([0, -5, 0]))),
      core(s(bytes([4, 6]), bytes([6, 9]))),
    ],
    none,
    [e(t([2]), t([2]))],
  ),
  logaddexp: op(
    [...floats(), s(v([1000, -1000]), v([1000, -1001]))],
    each((x, y) => Math.log(Math.exp(x) + Math.exp(y))),
    [e(i32([2]), i32([2]))],
  ),
  logaddexp2: op(
    [...floats(), s(v([1000, -1000]), v([1000, -1001]))],
    each((x, y) => Math.log2(2 ** x + 2 ** y)),
    [e(i32([2]), i32([2]))],
  ),
  xlogy: op(
    [
      s(t([2, 3]), t([3], { low: 0.2 })),
      kink('an edge', s(v([0, 0, 0, 1, nan]), v([0, nan, -1, 0, 2]))),
      core(s(t([3]), 2)),
      core(s(2, f64([3], { low: 0.2 }))),
      core(s(i32([3]), i32([3], { low: 1, high: 5 }))),
    ],
    none,
  ),
  'special.xlog1py': op(
    [
      s(t([2, 3]), t([3], { low: -0.5 })),
      kink('an edge', s(v([0, 0, 0, 1, nan]), v([-1, nan, -2, -1, 2]))),
      core(s(t([3]), 2)),
      core(s(2, f64([3], { low: 0.2 }))),
      core(s(i32([3]), i32([3], { low: 1, high: 5 }))),
    ],
    none,
  ),
  'special.entr': op(one(0.1, 3, kink('an edge', s(special))), none),
  logit: op(
    [
      ...one(0.1, 0.9),
      kink('an edge', s(v([0, 1, -0.5, 1.5, nan, 0.5]))),
      kink('an edge', s(v([0, 1, -0.5, 1.5, nan, 0.5]), 0.25)),
      core(s(f64([3], { low: 0.3, high: 0.7 }), opt({ eps: 0.1 }))),
    ],
    none,
  ),
  sinc: op(one(-3, 3, kink('the middle', s(special))), none),
  erfc: op(one(-2, 2, s(doubles([5, -5, 0.6, 12, 26])), kink(specialWhy, s(special))), none),
  'special.ndtr': op(one(-2, 2, kink(specialWhy, s(special))), none),
  'special.logNdtr': op(one(-4, 2, s(doubles([-30, -3, 7, -100])), kink(specialWhy, s(special))), none),
  'special.ndtri': op(
    one(
      0.05,
      0.95,
      s(doubles([0.01, 0.999, 0.09])),
      kink('a steep slope', s(doubles([1e-5, 1e-200]))),
      kink('an edge', s(v([0, 1, nan, -1, 0.5]))),
    ),
    none,
  ),
  'special.i0e': op(one(-4, 4, s(doubles([29, 31, -200, 12])), kink(specialWhy, s(v([nan, 0, 1])))), none),
  'special.i1': op(one(-4, 4, s(doubles([20, -20, 7.9])), kink(specialWhy, s(v([nan, 0, 1])))), none),
  'special.i1e': op(one(-4, 4, s(doubles([29, 31, -200, 12])), kink(specialWhy, s(v([nan, 0, 1])))), none),
  igamma: op(
    [
      core(s(t([2, 3], { low: 0.3, high: 4, grad: false }), t([3], { low: 0.2, high: 5 }))),
      core(s(f64([3, 1], { low: 0.3, high: 9, grad: false }), f64([2], { low: 0.2, high: 9 }))),
      core(s(ints([1, 2]), v([0.5, 1.5]))),
    ],
    onHost,
    [e(ints([1]), ints([1]))],
  ),
  igammac: op(
    [
      core(s(t([2, 3], { low: 0.3, high: 4, grad: false }), t([3], { low: 0.2, high: 5 }))),
      core(s(f64([3], { low: 0.3, high: 9, grad: false }), f64([3], { low: 0.2, high: 9 }))),
    ],
    onHost,
    [e(ints([1]), ints([1]))],
  ),
  'special.erfcx': op(one(-2, 2, s(doubles([5, -5, 0.6, 12, 26, 300])), kink(specialWhy, s(special))), none),
  mvlgamma: op(
    [
      s(t([2, 3], { low: 1, high: 4 }), 2),
      s(f64([4], { low: 3, high: 9 }), opt({ p: 3 })),
      core(s(i32([3], { low: 2, high: 9 }), 1)),
    ],
    none,
    [e(t([2]), 0)],
  ),
  polygamma: op(
    [
      s(1, t([2, 3], { low: 0.5, high: 4 })),
      s(2, f64([4], { low: 0.5, high: 9 })),
      core(s(0, t([3], { low: 0.5 }))),
      core(s(3, i32([3], { low: 1, high: 5 }))),
    ],
    none,
    [e(-1, t([2]))],
  ),
  addmv: op(
    [
      s(t([2]), t([2, 3]), t([3])),
      core(s(f64([]), f64([2, 3]), f64([3]), opt({ beta: 0.5, alpha: -2 }))),
      core(s(v([nan, 1], [2], fixed), t([2, 3]), t([3]), opt({ beta: 0 }))),
      core(s(i32([1]), i32([2, 3]), i32([3]), opt({ alpha: 2 }))),
      core(s(t([2]), t([2, 0]), t([0]))),
    ],
    none,
    [
      e(t([2]), t([3]), t([3])),
      e(t([2]), t([2, 3]), t([2])),
      e(t([3]), t([2, 3]), t([3])),
      e(t([1, 2]), t([2, 3]), t([3])),
      e(bools([1]), bools([1], [1, 1]), bools([1])),
    ],
  ),
  addr: op(
    [
      s(t([2, 3]), t([2]), t([3])),
      core(s(f64([3]), f64([2]), f64([3]), opt({ beta: 0.5, alpha: -2 }))),
      core(s(v(nan, [], fixed), t([2]), t([3]), opt({ beta: 0 }))),
      core(s(i32([2, 3]), i32([2]), i32([3]), opt({ alpha: 2 }))),
      core(s(t([2, 3], fixed), i32([2]), f64([3], fixed), opt({ beta: 0.5 }))),
      core(s(bools([1, 0], [1, 2]), bools([1, 0]), bools([1, 1]))),
    ],
    none,
    [
      e(t([2, 3]), t([2, 1]), t([3])),
      e(t([3, 2]), t([2]), t([3])),
      e(t([1, 2, 3]), t([2]), t([3])),
      e(i32([2, 3]), i32([2]), i32([3]), opt({ alpha: 0.5 })),
    ],
  ),
  baddbmm: added('baddbmm', [2, 2, 2]),
  addbmm: added('addbmm', [2, 2]),
} satisfies Record<string, OpSamples>
