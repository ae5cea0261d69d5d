// Samples of the reductions: over everything, one or several dimensions, kept or not, negative dimensions, no elements,
// NaN and ties, and every dtype with a different accumulator.
import { along, reduction } from '../property.ts'
import { type OpSamples, op } from '../prepare.ts'
import { bool, bools, doubles, e, f64, i32, ints, kink, opt, type Sample, s, t, u8, v } from '../sample.ts'

const nan = Number.NaN
const inf = Number.POSITIVE_INFINITY
const one = { dim: 1 }
const badDim = e(t([2, 3]), 2)
const badDimBelow = e(t([2, 3]), -3)

const everywhere = (make: (shape: readonly number[]) => ReturnType<typeof t> = t): Sample[] => [
  s(make([2, 3])),
  s(make([2, 3]), 1),
  s(make([2, 3]), opt({ dim: 0, keepdim: true })),
  s(make([2, 3]), -1, opt({ keepdim: true })),
  s(make([2, 3, 4]), opt(one)),
]
const several: Sample[] = [s(t([2, 3, 4]), [0, 2]), s(t([2, 3, 4]), opt({ dim: [-1, 0], keepdim: true })), s(t([]))]
const doubled: Sample[] = [s(f64([3, 2])), s(f64([3, 2]), 0)]

const sum = (x: number[]) => x.reduce((a, b) => a + b, 0)
const mean = (x: number[]) => sum(x) / x.length
const variance = (x: number[]) => {
  const m = mean(x)
  return x.length === 1 ? nan : sum(x.map((y) => (y - m) ** 2)) / (x.length - 1)
}
const biggest = (x: number[]) => x.reduce((a, b) => (b > a ? b : a))
const smallest = (x: number[]) => x.reduce((a, b) => (b < a ? b : a))
const firstOf = (x: number[], best: (x: number[]) => number) => x.indexOf(best(x))
const softmax = (x: number[]) => {
  const top = Math.max(...x)
  const all = x.map((y) => Math.exp(y - top))
  return all.map((y) => y / sum(all))
}

const extreme = (best: (x: number[]) => number): OpSamples =>
  op(
    [
      ...everywhere(),
      ...several,
      ...doubled,
      s(i32([3, 2]), 0),
      s(bool([3, 2]), 1),
      s(t([0, 3]), 1),
      kink('a tie', s(v([1, 3, 3, 1]))),
      kink('a tie', s(v([1, 3, 3, 3, 1, 2], [2, 3]), 1)),
      kink('NaN', s(v([1, nan, 3, 4], [2, 2]), 1)),
      kink('infinity', s(v([-inf, inf, inf, -inf], [2, 2]), 0)),
    ],
    reduction(best, { minSize: 1, tolerance: 0 }),
    [e(t([0])), e(t([2, 0]), 1), badDim],
  )

const extremeWithIndex = (best: (x: number[]) => number): OpSamples =>
  op(
    [
      s(t([2, 3])),
      s(t([2, 3]), 1),
      s(t([2, 3]), 0, opt({ keepdim: true })),
      s(t([2, 3]), opt({ dim: -1 })),
      s(t([2, 3, 2]), opt(one)),
      s(f64([3])),
      s(t([])),
      s(t([]), 0),
      s(t([0, 3]), 1),
      s(i32([2, 3])),
      s(ints([3, 1, 3, 2], [2, 2]), 1),
      s(bools([0, 1, 1, 0], [2, 2]), 1),
      s(t([2, 3]), t([3])),
      s(i32([2, 3]), v([0.5, 1, 1.5])),
      kink('a tie', s(v([1, 3, 3, 1]))),
      kink('a tie', s(v([1, 3, 3, 3, 1, 3, 2, 2, 2], [3, 3]), 1)),
      kink('NaN', s(v([1, nan, nan, 4], [2, 2]), 1)),
      kink('NaN', s(v([1, nan, 3]))),
    ],
    reduction(best, { minSize: 1, dims: 'one', also: (x) => firstOf(x, best), tolerance: 0 }),
    [e(t([0])), e(t([2, 0]), 1), badDim, badDimBelow],
  )

const arg = (best: (x: number[]) => number): OpSamples =>
  op(
    [
      ...everywhere(),
      s(t([])),
      s(f64([3, 2]), 0),
      s(ints([3, 1, 3, 2])),
      s(u8([2, 3]), 1),
      s(v([1, 3, 3, 3, 1, 3], [2, 3]), 1),
      s(v([1, nan, nan, 4], [2, 2]), 1),
      s(v([1, nan, 3, nan, nan])),
      s(t([0, 3]), 1),
    ],
    reduction((x) => firstOf(x, best), { minSize: 1, dims: 'one', result: 'int32' }),
    [e(t([0])), e(t([2, 0]), 1), badDim],
  )

const truth = (fn: (x: number[]) => boolean): OpSamples =>
  op(
    [
      s(bools([1, 0, 1, 1], [2, 2])),
      s(bools([1, 0, 1, 1], [2, 2]), 1),
      s(bools([1, 0, 1, 1], [2, 2]), opt({ dim: 0, keepdim: true })),
      s(v([0, 1, nan])),
      s(ints([0, 0, 2, 3], [2, 2]), 1),
      s(u8([2, 2], { low: 0, high: 2 })),
      s(bool([0])),
      s(bool([0, 2]), 0),
      s(bools(1)),
    ],
    reduction((x) => (fn(x) ? 1 : 0), { dtype: 'bool', result: 'bool', dims: 'one' }),
    [badDim],
  )

const spread = (fn: (x: number[]) => number): OpSamples =>
  op(
    [
      ...everywhere(),
      s(t([2, 3, 4]), [0, 2]),
      s(t([2, 3, 4]), opt({ dim: [-1, 0], keepdim: true })),
      ...doubled,
      s(t([2, 3]), opt({ unbiased: false })),
      s(t([2, 3]), opt({ dim: 1, unbiased: false })),
      kink('NaN', s(v([1, nan, 3]))),
      kink('one value', s(t([1], { grad: false }))),
      kink('no value', s(t([0]))),
      s(t([0, 3]), 1),
    ],
    reduction(fn, { tolerance: 1e-9, minSize: 1 }),
    [e(i32([3])), badDim],
  )

/** `wins` says when an element takes the place of the extreme so far. */
const runningExtreme = (wins: (x: number, y: number) => boolean) =>
  op(
    [
      s(t([5]), 0),
      s(t([2, 3]), 1),
      s(t([2, 3, 2]), -2),
      s(f64([3, 2]), opt({ dim: 0 })),
      s(i32([2, 4]), 1),
      s(u8([4]), 0),
      s(bools([1, 0, 1, 0]), 0),
      s(t([]), 0),
      s(t([0, 3]), 0),
      s(t([3, 0]), 0),
      kink('a tie', s(v([3, 1, 3, 3, 1, 1]), 0)),
      kink('NaN', s(v([1, nan, 3, nan, -inf, inf]), 0)),
    ],
    along(
      (x) => {
        let at = 0
        const places = x.map((y, i) => (wins(y, x[at]) ? (at = i) : at))
        return [places.map((place) => x[place]), places]
      },
      { dtypes: ['float64', 'int32'], tolerance: 0 },
    ),
    [badDim],
  )

export const reductions = {
  sum: op(
    [
      ...everywhere(),
      ...several,
      ...doubled,
      s(i32([2, 3])),
      s(u8([5], { low: 100, high: 250 })),
      s(bools([1, 0, 1])),
      s(bool([2, 3]), 1),
      s(t([0])),
      s(t([0, 3]), 0),
      s(t([0, 3]), 1),
      s(i32([3]), opt({ dtype: 'float32' })),
      s(t([2, 2]), opt({ dim: 0, dtype: 'float64' })),
      kink('NaN', s(v([1, nan, inf]))),
      s(t([2, 2]), []),
    ],
    reduction(sum, { tolerance: 1e-12 }),
    [badDim, badDimBelow, e(t([2, 3]), [0, 0]), e(t([2, 3]), [1, -1])],
  ),
  mean: op(
    [
      ...everywhere(),
      ...several,
      ...doubled,
      s(i32([3]), opt({ dtype: 'float32' })),
      kink('no value', s(t([0]))),
      s(t([0, 3]), 1),
      kink('NaN', s(v([1, nan, inf]))),
    ],
    reduction(mean, { minSize: 1 }),
    [e(i32([3])), e(bool([3])), badDim],
  ),
  prod: op(
    [
      s(t([2, 3])),
      s(t([2, 3]), 1),
      s(t([2, 3]), opt({ dim: 0, keepdim: true })),
      s(t([2, 3, 2]), -1),
      s(f64([3, 2]), 0),
      s(t([])),
      s(i32([2, 3])),
      s(bools([1, 1, 1])),
      s(t([0])),
      s(t([0, 3]), 0),
      s(v([2, 0, 3])),
      s(v([2, 0, 0, 3])),
      s(v([2, 0, 3, 4], [2, 2]), 1),
      s(v([0, 0, 3, 4], [2, 2]), 1),
      kink('NaN', s(v([1, nan, 3]))),
    ],
    reduction((x) => x.reduce((a, b) => a * b, 1), { dims: 'one', tolerance: 1e-12 }),
    [badDim],
  ),
  var: spread(variance),
  std: spread((x) => Math.sqrt(variance(x))),
  varMean: op(
    [
      s(t([2, 3])),
      s(t([2, 3]), 1),
      s(t([2, 3]), opt({ dim: 0, keepdim: true, unbiased: false })),
      s(f64([2, 3]), 0),
      s(t([2, 3, 2]), [0, 2]),
    ],
    { none: 'its outputs are those of var and mean' },
    [e(i32([3]))],
  ),
  stdMean: op(
    [s(t([2, 3])), s(t([2, 3]), 1), s(t([2, 3]), opt({ dim: 0, keepdim: true, unbiased: false })), s(f64([2, 3]), 0)],
    { none: 'its outputs are those of std and mean' },
    [e(i32([3]))],
  ),
  amax: extreme(biggest),
  amin: extreme(smallest),
  max: extremeWithIndex(biggest),
  min: extremeWithIndex(smallest),
  argmax: arg(biggest),
  argmin: arg(smallest),
  all: truth((x) => x.every((y) => y !== 0)),
  any: truth((x) => x.some((y) => y !== 0)),
  cumsum: op(
    [
      s(t([4]), 0),
      s(t([2, 3]), 1),
      s(t([2, 3, 2]), -2),
      s(f64([3, 2]), opt({ dim: 0 })),
      s(i32([4]), 0),
      s(bools([1, 0, 1]), 0),
      s(u8([3], { low: 100 }), 0),
      s(t([]), 0),
      s(t([0, 3]), 0),
      s(i32([3]), 0, opt({ dtype: 'float32' })),
      kink('NaN', s(v([1, nan, 3]), 0)),
    ],
    along((x) => {
      let total = 0
      return [x.map((y) => (total += y))]
    }),
    [badDim],
  ),
  cumprod: op(
    [
      s(t([4]), 0),
      s(t([2, 3]), 1),
      s(t([2, 3, 2]), -2),
      s(f64([3, 2]), opt({ dim: 0 })),
      s(i32([4]), 0),
      s(bools([1, 0, 1]), 0),
      s(u8([3], { low: 2, high: 7 }), 0),
      s(t([]), 0),
      s(t([0, 3]), 0),
      s(i32([3]), 0, opt({ dtype: 'float32' })),
      s(doubles([2, 0, -3, 0.5]), 0),
      s(doubles([2, 0, -3, 0, 1.5, 0, 0, -1], [4, 2]), 0),
      kink('NaN', s(v([1, nan, 3, 0]), 0)),
    ],
    along((x) => {
      let product = 1
      return [x.map((y) => (product *= y))]
    }),
    [badDim, e(bools([1, 0]), 0, opt({ dtype: 'bool' }))],
  ),
  cummax: runningExtreme((x, y) => x >= y),
  cummin: runningExtreme((x, y) => x <= y),
  logsumexp: op(
    [
      s(t([2, 3]), 1),
      s(t([2, 3]), 0, opt({ keepdim: true })),
      s(t([2, 3, 2]), [0, 2]),
      s(f64([4]), 0),
      s(t([]), 0),
      s(v([100, 101, -100]), 0),
      kink('infinity', s(v([inf, 1, -inf, -inf], [2, 2]), 1)),
      kink('NaN', s(v([nan, 1]), 0)),
      s(t([0, 3]), 0),
    ],
    (choose) => {
      const made = reduction((x) => Math.log(sum(x.map(Math.exp))), { tolerance: 1e-9 })(choose)
      const rank = (made.args[0] as { shape: readonly number[] }).shape.length
      return made.kwargs ? made : { ...made, kwargs: { dim: Array.from({ length: rank }, (_, i) => i) } }
    },
    [badDim],
  ),
  softmax: op(
    [
      s(t([2, 3]), 1),
      s(t([2, 3]), 0),
      s(t([2, 3, 2]), -1),
      s(f64([4]), opt({ dim: 0 })),
      s(t([]), 0),
      s(t([0, 3]), 1),
      s(v([100, 101, -100]), 0),
      s(i32([3]), 0, opt({ dtype: 'float32' })),
      kink('infinity', s(v([inf, 1, -inf, 1, -inf, -inf], [3, 2]), 1)),
      kink('NaN', s(v([nan, 1]), 0)),
    ],
    along((x) => [softmax(x)], { tolerance: 1e-9 }),
    [badDim, e(i32([3]), 0)],
  ),
  logSoftmax: op(
    [
      s(t([2, 3]), 1),
      s(t([2, 3]), 0),
      s(t([2, 3, 2]), -1),
      s(f64([4]), opt({ dim: 0 })),
      s(t([]), 0),
      s(t([0, 3]), 1),
      s(v([100, 101, -100]), 0),
      kink('infinity', s(v([inf, 1, -inf, 1], [2, 2]), 1)),
      kink('NaN', s(v([nan, 1]), 0)),
    ],
    along((x) => [softmax(x).map(Math.log)], { tolerance: 1e-9 }),
    [badDim, e(i32([3]), 0)],
  ),
} satisfies Record<string, OpSamples>
