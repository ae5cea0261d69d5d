// Samples of comparisons, logic and tests for special values: bool results for every pair of dtypes.
import { elementwise as each } from '../property.ts'
import { type OpSamples, op } from '../prepare.ts'
import { bool, bools, bytes, doubles, e, f64, i32, ints, opt, s, t, v } from '../sample.ts'

const nan = Number.NaN
const inf = Number.POSITIVE_INFINITY
const fixed = { grad: false }
const special = v([nan, inf, -inf, 0, -0, 1, -1])
const sizes = e(t([2, 3]), t([2, 4]))

const compare = (fn: (x: number, y: number) => boolean): OpSamples =>
  op(
    [
      s(v([1, 2, 3, 2]), v([1, 3, 2, 2])),
      s(v([1, 2, 3, 4, 5, 6], [2, 3]), v([2, 2, 5])),
      s(v([1, 2, 3]), 2),
      s(ints([1, 2, 3]), 1.5),
      s(ints([1, 2, 3]), v([1, 2.5, 3])),
      s(bools([1, 0]), ints([1, 1])),
      s(bytes([1, 200]), 200),
      s(v([nan, inf, -inf, nan, 0]), v([nan, inf, inf, 1, -0])),
      s(v([0.1]), doubles([0.1])),
      s(t([0, 3]), t([3])),
      s(v(1), v(1)),
    ],
    each((x, y) => (fn(x, y) ? 1 : 0), { result: 'bool', range: [-2, 2] }),
    [sizes],
  )

const logical = (fn: (x: boolean, y: boolean) => boolean): OpSamples =>
  op(
    [
      s(bools([0, 0, 1, 1]), bools([0, 1, 0, 1])),
      s(v([0, 1, 2, nan]), bools([1])),
      s(ints([0, 3], [2, 1]), v([0, 0.5])),
      s(bytes([0, 3]), bools([1, 1])),
      s(bool([0, 2]), bool([2])),
    ],
    each((x, y) => (fn(x !== 0, y !== 0) ? 1 : 0), { dtypes: ['bool', 'bool'], result: 'bool' }),
    [sizes],
  )

const test = (fn: (x: number) => boolean): OpSamples =>
  op(
    [s(special), s(f64([2, 3])), s(i32([3])), s(bool([3])), s(t([0]))],
    each((x) => (fn(x) ? 1 : 0), { result: 'bool' }),
  )

export const logic = {
  eq: compare((x, y) => x === y),
  ne: compare((x, y) => x !== y),
  lt: compare((x, y) => x < y),
  le: compare((x, y) => x <= y),
  gt: compare((x, y) => x > y),
  ge: compare((x, y) => x >= y),
  logicalAnd: logical((x, y) => x && y),
  logicalOr: logical((x, y) => x || y),
  logicalXor: logical((x, y) => x !== y),
  logicalNot: op(
    [s(bools([0, 1])), s(v([0, 0.5, nan, -0])), s(i32([3])), s(bytes([0, 2])), s(t([0]))],
    each((x) => (x === 0 ? 1 : 0), { result: 'bool', range: [-1, 1] }),
  ),
  isnan: test(Number.isNaN),
  isfinite: test(Number.isFinite),
  equal: op(
    [
      s(t([2, 3]), t([2, 3])),
      s(v([1, 2]), v([1, 2])),
      s(v([1, 2]), v([1, 3])),
      s(v([1, 2]), v([1, 2], [2, 1])),
      s(v([nan]), v([nan])),
      s(ints([1, 2]), ints([1, 2])),
      s(t([0]), t([0])),
    ],
    { none: 'its result is one boolean; the samples cover the edge cases' },
  ),
  allclose: op(
    [
      s(v([1, 2]), v([1, 2 + 1e-6])),
      s(v([1, 2]), v([1, 2.1])),
      s(v([1, 2]), v([1, 2.1]), opt({ rtol: 0.1 })),
      s(v([0, 1e-9]), v([0, 0])),
      s(v([0, 1e-3]), v([0, 0]), opt({ atol: 1e-2 })),
      s(v([nan]), v([nan])),
      s(v([nan]), v([nan]), opt({ equalNan: true })),
      s(v([inf]), v([inf])),
      s(v([inf]), v([1])),
    ],
    { none: 'its result is one boolean; the samples cover the edge cases' },
    [e(t([2]), t([3])), e(t([2]), f64([2]))],
  ),
  isclose: op(
    [
      s(v([1, 2, nan, inf, inf]), v([1 + 1e-6, 2.1, nan, inf, 1])),
      s(v([1, nan]), v([1.05, nan]), opt({ rtol: 0.1, equalNan: true })),
      s(v([0, 1e-3]), v([1e-9, 0]), opt({ atol: 1e-2 })),
      s(ints([1, 2]), ints([1, 3])),
      s(t([2, 1], fixed), t([2], fixed)),
    ],
    each((x, y) => (Math.abs(x - y) <= 1e-8 + 1e-5 * Math.abs(y) ? 1 : 0), { result: 'bool' }),
    [sizes, e(t([2]), f64([2]))],
  ),
} satisfies Record<string, OpSamples>
