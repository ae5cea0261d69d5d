// Samples of order statistics, norms, counts and differences. All are compositions of ops with samples of their own, so
// that most test core alone.
import { type OpSamples, op } from '../prepare.ts'
import { bool, bools, bytes, core, doubles, e, f64, i32, ints, kink, opt, type Sample, s, t, u8, v } from '../sample.ts'

const { NaN: nan, POSITIVE_INFINITY: inf } = Number
const fixed = { grad: false }
const none = { none: 'a composition of ops that have random cases' }
const rest = (...samples: Sample[]): Sample[] => samples.map(core)
const badDim = e(t([2, 3]), 2)
const badPlace = e(t([2, 3]), 2, 5)

/** Different values, so that no two places are equally good. */
const rows = () => v([3, 1, 4, -1.5, 9, 2.5, 6, -5, 3.5, 0.5, 8, 7], [3, 4])
const deep = () => v([3, 1, 4, -1.5, 9, 2.5, 6, -5, 3.5, 0.5, 8, 7], [2, 3, 2])
const medians = (): OpSamples =>
  op(
    [
      s(rows()),
      s(rows(), 1),
      ...rest(
        s(deep(), 1, true),
        s(deep(), opt({ dim: -2 })),
        s(v([3, 1, 4, 2], [4], { dtype: 'float64' }), opt({ dim: 0, keepdim: true })),
        s(v(2.5)),
        s(v(2.5), 0),
        s(i32([3, 3])),
        s(ints([3, 1, 2, 7, 5, 6], [2, 3]), -1),
        s(t([0], fixed)),
        s(t([0, 2], fixed), 1),
        kink('NaN', s(v([1, nan, 3, 2, 5, 4], [2, 3]), 1)),
        kink('NaN', s(v([1, nan, 3, 0.5]))),
        kink('NaN', s(v([nan, nan, 1, 2], [2, 2]), 1)),
        kink('a tie', s(v([2, 1, 2, 3]))),
      ),
    ],
    none,
    [badDim, e(bools([1, 0])), e(bools([1, 0]), 0), e(t([2, 0]), 1)],
  )
const quantiles = (): OpSamples =>
  op(
    [
      s(rows(), 0.3),
      s(rows(), 0.75, 0),
      ...rest(
        s(rows(), v([0.1, 0.5, 1], [3], fixed), 1, true),
        s(deep(), v(0.4, [], fixed), 1, opt({ keepdim: true })),
        s(deep(), v([0.25, 0.5], [2], fixed)),
        ...['lower', 'higher', 'midpoint', 'nearest'].map((interpolation) =>
          s(rows(), 0.4, opt({ dim: 1, interpolation })),
        ),
        s(f64([5]), v([0.2, 0.9], [2], { dtype: 'float64', ...fixed })),
        s(v(3), 0.5),
        kink('NaN', s(v([1, nan, 3, 2, 5, 4], [2, 3]), 0.5, 1)),
        kink('NaN', s(v([nan, nan, 3, 2, nan, 4], [2, 3]), v([0, 1, 0.4], [3], fixed), 0)),
      ),
    ],
    none,
    [
      e(t([0]), 0.5),
      e(t([2]), 2),
      e(t([2]), f64([1])),
      e(t([2]), v([0.5], [1, 1])),
      e(t([2]), v([0.5, -1])),
      e(i32([2]), 0.5),
      e(t([2]), 0.5, opt({ interpolation: 'x' })),
      e(t([2]), 0.5, 3),
    ],
  )

const orders = rest(...[1, 3, 0.5, 0, inf, -inf, -1].map((p) => s(t([2, 3]), p)))

export const statistics = {
  median: medians(),
  nanmedian: medians(),
  kthvalue: op(
    [
      s(rows(), 2),
      ...rest(
        s(deep(), 3, 1, true),
        s(v([3, 1, 4, 2], [4], { dtype: 'float64' }), 4, opt({ dim: 0, keepdim: true })),
        s(ints([3, 1, 2]), 1),
        s(v(2), 1),
        s(t([0, 2]), 1, 1),
        kink('NaN', s(v([1, nan, 3]), 3)),
      ),
    ],
    none,
    [e(t([3]), 0), e(t([3]), 4), e(t([3]), 1, 1), e(bools([1]), 1), e(t([2, 0]), 1)],
  ),
  mode: op(
    [
      kink('a tie', s(v([3, 1, 3, 2, 2, 5], [2, 3]))),
      ...rest(
        kink('a tie', s(v([3, 1, 3, 1, 2, 1, 3, 3], [4, 2]), 0, true)),
        kink('a tie', s(doubles([2, 2, 1, 1, 3]))),
        s(ints([5, 5, 4, 4, 4])),
        s(bools([1, 0, 1])),
        s(v(2, [], fixed)),
        s(t([0, 2]), opt({ dim: 1 })),
      ),
    ],
    none,
    [badDim, e(t([2, 0]))],
  ),
  quantile: quantiles(),
  nanquantile: quantiles(),
  aminmax: op(
    [
      s(t([2, 3], fixed)),
      ...rest(
        s(t([2, 3], fixed), opt({ dim: 1 })),
        s(f64([2, 3], fixed), opt({ dim: 0, keepdim: true })),
        s(i32([4])),
        s(bools([1, 0])),
        s(v([1, nan, 3], [3], fixed)),
        s(t([0, 2], fixed), opt({ dim: 1 })),
      ),
    ],
    none,
    [e(t([0])), e(t([2, 0]), opt({ dim: 1 })), e(t([2]), opt({ dim: 3 }))],
  ),
  countNonzero: op(
    [
      s(v([0, 2, nan, -0, 5, 0], [2, 3], fixed)),
      ...rest(s(i32([2, 3]), 1), s(bool([2, 3, 2]), [0, 2]), s(u8([3])), s(t([0, 2], fixed), 0), s(v(2, [], fixed))),
    ],
    none,
    [badDim],
  ),
  nansum: op(
    [
      s(t([2, 3])),
      kink('NaN', s(v([1, nan, 3, nan, nan, inf], [2, 3]), 1)),
      ...rest(
        s(f64([2, 3]), 0, true),
        s(t([2, 3, 2]), [0, 2]),
        s(i32([3])),
        s(bools([1, 1])),
        s(t([0, 2]), 0),
        s(t([3]), opt({ dtype: 'float64' })),
      ),
    ],
    none,
    [badDim],
  ),
  nanmean: op(
    [
      s(t([2, 3])),
      kink('NaN', s(v([1, nan, 3, nan, nan, nan], [2, 3]), 1)),
      ...rest(s(f64([2, 3]), 0, true), s(t([2, 3, 2]), [0, 2]), s(t([0, 2]), 1)),
    ],
    none,
    [badDim, e(i32([2]))],
  ),
  norm: op(
    [
      s(t([2, 3])),
      s(t([2, 3]), 3, 1),
      ...orders,
      ...rest(
        s(t([2, 3]), 'fro', 1, true),
        s(t([2, 3, 2]), 'fro', [0, 2]),
        s(f64([2, 3]), opt({ p: 2, dim: [0, 1], keepdim: true })),
        s(f64([2, 3]), inf, 0),
        s(t([2, 3]), 1, [0, -1], opt({ dtype: 'float64' })),
        s(v(-3)),
        s(t([0])),
        s(t([0, 2]), 1, 0),
        kink('a tie', s(v([2, -2, 1]), inf)),
        kink('NaN', s(v([nan, 1]), inf)),
      ),
    ],
    none,
    [e(i32([2])), e(t([2, 3]), 'x'), badPlace, e(t([2, 2, 2]), 'fro', [0, 1, 2])],
  ),
  'linalg.vectorNorm': op(
    [
      s(t([2, 3])),
      ...orders.slice(1, 4),
      ...rest(
        s(f64([2, 3]), 3, 1, true),
        s(t([2, 3, 2]), opt({ ord: 1, dim: [0, 2] })),
        s(t([2]), opt({ dtype: 'float64' })),
      ),
    ],
    none,
    [e(i32([2])), e(t([0]), inf), e(t([2, 0]), -inf, 1), badPlace],
  ),
  'linalg.matrixNorm': op(
    [
      s(t([2, 3])),
      ...rest(
        s(t([2, 3]), 1),
        s(t([2, 3]), -1),
        s(f64([2, 3]), inf, opt({ keepdim: true })),
        s(t([2, 3]), -inf),
        s(t([2, 3, 2]), 1, [0, 2]),
        s(t([2, 3, 2]), 1, [2, 0], true),
        s(t([2, 3, 2]), 'fro', [2, 0]),
      ),
    ],
    none,
    [e(t([2])), e(i32([2, 2])), e(t([2, 2]), 3), e(t([2, 2]), 'fro', [1, 1])],
  ),
  'linalg.norm': op(
    [
      s(t([2, 3])),
      ...rest(
        s(t([2, 3]), 1),
        s(t([3]), 3),
        s(t([2, 3, 2]), 2, 1),
        s(t([2, 3, 2]), opt({ dim: [0, 1] })),
        s(f64([2, 3]), inf, [0, 1], true),
        s(t([2, 3]), 'fro'),
        s(t([2, 2, 2])),
      ),
    ],
    none,
    [e(i32([2])), e(t([2, 2, 2]), 1), e(t([2, 2, 2]), 1, [0, 1, 2])],
  ),
  dist: op(
    [
      s(t([2, 3]), t([3])),
      ...rest(
        s(f64([3]), f64([3]), 1),
        s(t([3]), t([3]), inf),
        s(t([3]), t([3]), 3),
        s(t([3]), f64([3])),
        s(t([3], fixed), t([3], fixed), 0),
      ),
    ],
    none,
    [e(i32([2]), i32([2])), e(t([2]), t([3]))],
  ),
  renorm: op(
    [
      s(v([3, 4, 0.5, 0.25], [2, 2]), 2, 0, 1),
      ...rest(s(f64([2, 3]), 1, -1, 0.5), s(t([2, 3, 2]), inf, 1, 0.75), s(t([2, 2]), 3, 0, 0)),
    ],
    none,
    [e(t([2, 2]), 0, 0, 1), e(t([2, 2]), 2, 0, -1), e(t([2]), 2, 0, 1), e(i32([2, 2]), 2, 0, 1), e(t([2, 2]), 2, 2, 1)],
  ),
  logcumsumexp: op(
    [
      s(t([5]), 0),
      ...rest(
        s(t([2, 3, 2]), -2),
        s(f64([3, 4]), opt({ dim: 1 })),
        s(v([100, -100, 101, -1000, 3]), 0),
        s(t([]), 0),
        s(t([0, 3]), 0),
        kink('infinity', s(v([-inf, 1, inf, 2, nan, 1]), 0)),
      ),
    ],
    none,
    [badDim, e(i32([2]), 0), e(bools([1]), 0)],
  ),
  unique: op(
    [
      s(v([3, 1, 3, 2, 1, -0], [2, 3], fixed)),
      ...rest(
        s(ints([5, 1, 5, 5])),
        s(ints([5, 1, 5, 5], [2, 2]), true, true, true),
        s(v([3, 1, 3], [3], fixed), opt({ returnCounts: true })),
        s(v([1, 2, 1, 2, 0, 5], [3, 2], fixed), opt({ dim: 0, returnInverse: true, returnCounts: true })),
        s(ints([1, 1, 2, 2, 2, 0], [2, 3]), opt({ dim: -1, returnInverse: true })),
        s(bools([1, 0, 1])),
        s(t([0], fixed), opt({ returnInverse: true, returnCounts: true })),
        s(v([nan, 1, nan], [3], fixed)),
        s(v(2, [], fixed), opt({ returnInverse: true })),
      ),
    ],
    none,
    [e(t([2]), opt({ dim: 1 })), e(t([2, 0]), opt({ dim: 0 }))],
  ),
  uniqueConsecutive: op(
    [
      s(v([1, 1, 3, 1, 3, 3], [2, 3], fixed)),
      ...rest(
        s(ints([5, 5, 1, 5]), true, true),
        s(v([1, 2, 1, 2, 0, 5], [3, 2], fixed), opt({ dim: 0, returnInverse: true, returnCounts: true })),
        s(t([0], fixed)),
      ),
    ],
    none,
    [e(t([2]), opt({ dim: 1 }))],
  ),
  bincount: op(
    [
      s(ints([0, 2, 2, 5])),
      ...rest(
        s(bytes([1, 1])),
        s(ints([0, 2, 2]), v([0.5, 1, 2], [3], fixed)),
        s(ints([0, 2]), ints([3, 4]), 5),
        s(ints([]), opt({ minlength: 3 })),
        s(ints([1]), opt({ minlength: 4 })),
      ),
    ],
    none,
    [
      e(t([2])),
      e(bools([1])),
      e(ints([-1, 2])),
      e(ints([1, 2], [1, 2])),
      e(ints([1]), t([2])),
      e(ints([1]), opt({ minlength: -1 })),
    ],
  ),
  histc: op(
    [
      s(v([1, 2, 1, 0.3, 2.9, 3, -1, 9], [8], fixed), 4, 0, 3),
      ...rest(
        s(f64([2, 5], fixed), 3),
        s(t([6], fixed), opt({ bins: 5, min: -1, max: 1 })),
        s(v([2, 2], [2], fixed), 2),
        s(t([0], fixed), 3),
      ),
    ],
    none,
    [e(t([2]), 0), e(t([2]), 2, 3, 1), e(i32([2]), 2), e(v([inf, 1]), 2)],
  ),
  histogram: op(
    [
      s(v([1, 2, 1, 0.3, 2.9, 3, -1, 9], [8], fixed), 4, opt({ range: [0, 3] })),
      ...rest(
        s(f64([2, 5], fixed), 3),
        s(v([1, 2, 1, 0.3, 2.9, 3, -1, 9], [8], fixed), v([0, 0.5, 1, 3], [4], fixed)),
        s(v([1, 2, 1], [3], fixed), 2, opt({ weight: v([1, 0.5, 2], [3], fixed) })),
        s(v([1, 2, 1, 4], [4], fixed), v([0, 1.5, 2, 4], [4], fixed), opt({ density: true })),
      ),
    ],
    none,
    [
      e(i32([2]), 2),
      e(t([2]), 0),
      e(t([2]), f64([2])),
      e(t([2]), t([2, 2])),
      e(t([2]), 2, opt({ range: [2, 1] })),
      e(t([2]), 2, opt({ weight: t([3]) })),
      e(t([2]), 2, opt({ weight: f64([2]) })),
    ],
  ),
  histogramdd: op(
    [
      s(v([0, 1, 1, 0, 2, 0, 2, 2], [4, 2], fixed), [2, 3], opt({ range: [0, 2, 0, 2] })),
      ...rest(
        s(f64([5, 2], fixed), 2),
        s(
          v([0, 1, 1, 0, 2, 0, 2, 2], [4, 2], fixed),
          [2, 2],
          opt({ weight: v([1, 0.5, 2, 3], [4], fixed), density: true }),
        ),
      ),
    ],
    none,
    [e(i32([2, 2]), 2), e(t([2]), 2), e(t([2, 2]), [2, 0]), e(t([2, 2]), 2, opt({ range: [2, 1, 0, 1] }))],
  ),
  searchsorted: op(
    [
      s(v([1, 3, 5, 7], [4], fixed), v([0, 3, 9, 7, nan, 4], [2, 3], fixed)),
      ...rest(
        s(v([1, 3, 3, 7], [4], fixed), v([0, 3, 7], [3], fixed), opt({ right: true })),
        s(v([1, 3, 3, 7], [4], fixed), v([0, 3, 7], [3], fixed), opt({ side: 'right' })),
        s(v([1, 3, 2, 4], [2, 2], fixed), v([2, 3, 4, 1, 2, 5], [2, 3], fixed)),
        s(ints([1, 3, 5]), ints([3, 4])),
        s(v([1, 3, 5], [3], fixed), 4),
        s(v([5, 1, 3], [3], fixed), v([2, 4], [2], fixed), opt({ sorter: ints([1, 2, 0]) })),
        s(t([0], fixed), t([2], fixed)),
        s(f64([5], fixed), f64([0], fixed)),
        s(v([1, 3, 5], [3], fixed), ints([3, 4])),
      ),
    ],
    none,
    [
      e(t([2, 3]), t([3, 2])),
      e(t([2, 3]), 1),
      e(t([3]), t([2]), opt({ side: 'x' })),
      e(t([3]), t([2]), opt({ side: 'left', right: true })),
      e(t([3]), t([2]), opt({ sorter: ints([1]) })),
    ],
  ),
  bucketize: op(
    [
      s(v([0, 3, 9, 7], [2, 2], fixed), v([1, 3, 5, 7], [4], fixed)),
      ...rest(s(ints([0, 3, 9]), ints([1, 3, 5]), opt({ right: true })), s(4, v([1, 3, 5], [3], fixed))),
    ],
    none,
    [e(t([2]), t([2, 2]))],
  ),
  isin: op(
    [
      s(v([1, 2, 3, nan], [2, 2], fixed), v([2, 9, nan, 1], [4], fixed)),
      ...rest(
        s(ints([1, 2, 3]), ints([3, 1], [1, 2]), opt({ invert: true })),
        s(v([1, 2.5], [2], fixed), ints([1, 2])),
        s(v([1, 2.5], [2], fixed), 2.5),
        s(2, ints([1, 2])),
        s(t([2], fixed), t([0], fixed)),
        s(bytes([1, 7]), bytes([7]), opt({ assumeUnique: true })),
      ),
    ],
    none,
    [e(bools([1]), ints([1]))],
  ),
  diff: op(
    [
      s(t([2, 4])),
      ...rest(
        s(t([4, 2]), 2, 0),
        s(f64([4]), opt({ n: 3 })),
        s(t([3]), opt({ n: 5 })),
        s(t([2, 3]), opt({ prepend: t([2, 1]), append: t([2, 2]) })),
        s(i32([4])),
        s(bools([1, 0, 0, 1])),
        s(t([3]), opt({ n: 0 })),
        s(v([0, 3], [2], fixed), -1),
      ),
    ],
    none,
    [e(t([])), e(t([3]), 1, 1), e(t([2, 3]), opt({ prepend: t([3]) })), e(t([2, 3]), opt({ prepend: t([1, 2]) }))],
  ),
  trapezoid: op(
    [
      s(t([2, 4])),
      ...rest(
        s(t([2, 4]), opt({ dx: 0.5, dim: 0 })),
        s(f64([4]), f64([4])),
        s(t([2, 4]), t([4])),
        s(t([3, 2]), t([3]), opt({ dim: 0 })),
        s(t([2, 3]), t([2, 3])),
        s(i32([4])),
        s(t([2, 0])),
        s(t([2, 1])),
      ),
    ],
    none,
    [e(bools([1, 0])), e(t([3]), t([4])), e(t([3]), bools([1, 0, 1]))],
  ),
  cumulativeTrapezoid: op(
    [
      s(t([2, 4])),
      ...rest(s(t([4, 2]), opt({ dx: 0.5, dim: 0 })), s(f64([4]), f64([4])), s(t([2, 3]), t([2, 3])), s(i32([4]))),
    ],
    none,
    [e(bools([1, 0])), e(t([3]), t([4]))],
  ),
  gradient: op(
    [
      s(t([3, 4])),
      ...rest(
        s(f64([5]), opt({ spacing: 0.5, edgeOrder: 2 })),
        s(t([3, 4]), opt({ dim: 1 })),
        s(t([3, 4]), opt({ dim: [1, 0], spacing: [2, 0.5] })),
        s(t([4]), opt({ spacing: [v([0, 1, 3, 4.5], [4], fixed)] })),
        s(t([3, 4]), opt({ spacing: [v([0, 1, 3], [3], fixed), v([0, 1, 3, 4.5], [4], fixed)], edgeOrder: 2 })),
        s(i32([4])),
      ),
    ],
    none,
    [
      e(t([2]), opt({ edgeOrder: 2 })),
      e(t([3]), opt({ edgeOrder: 3 })),
      e(t([3, 3]), opt({ spacing: [1, 2, 3] })),
      e(bools([1, 0, 1])),
    ],
  ),
  cov: op(
    [
      s(t([2, 4])),
      ...rest(
        s(f64([4])),
        s(t([2, 4]), opt({ correction: 0 })),
        s(t([2, 4]), opt({ fweights: ints([1, 2, 1, 3]) })),
        s(t([2, 4]), opt({ aweights: v([1, 0.5, 2, 1], [4], fixed) })),
        s(t([2, 4]), opt({ fweights: ints([1, 2, 1, 3]), aweights: v([1, 0.5, 2, 1], [4], fixed) })),
        s(i32([2, 3])),
        s(v(2, [], fixed)),
      ),
    ],
    none,
    [
      e(t([2, 2, 2])),
      e(bools([1, 0])),
      e(t([2, 3]), opt({ fweights: ints([1, 2]) })),
      e(t([2, 2]), opt({ fweights: t([2]) })),
      e(t([2, 2]), opt({ aweights: ints([1, 2]) })),
      e(t([2, 2]), opt({ fweights: ints([1, 2], [1, 2]) })),
      e(t([2, 2]), opt({ fweights: ints([-1, 2]) })),
    ],
  ),
  corrcoef: op([s(t([2, 4])), ...rest(s(f64([4])), s(f64([3, 4])))], none, [e(t([2, 2, 2])), e(bools([1, 0]))]),
  trace: op([s(t([2, 3])), ...rest(s(f64([3, 2])), s(i32([2, 2])), s(t([0, 2])))], none, [
    e(t([2])),
    e(bools([1], [1, 1])),
  ]),
  outer: op(
    [s(t([2]), t([3])), ...rest(s(f64([2]), t([3])), s(i32([2]), i32([0])), s(bools([1, 0]), bools([1])))],
    none,
    [e(t([2, 1]), t([2])), e(t([2]), t([]))],
  ),
  inner: op(
    [
      s(t([2, 3]), t([4, 3])),
      ...rest(s(t([3]), t([3])), s(f64([2, 3]), f64([3])), s(t([]), t([2, 3])), s(i32([3]), i32([3]))),
    ],
    none,
    [e(t([2, 3]), t([2]))],
  ),
  kron: op(
    [
      s(t([2, 2]), t([1, 3])),
      ...rest(s(t([2]), f64([2, 2])), s(i32([2]), i32([2])), s(t([]), t([2])), s(bools([1, 0]), bools([1, 1]))),
    ],
    none,
  ),
  cross: op(
    [
      s(t([2, 3]), t([2, 3])),
      ...rest(s(f64([3, 2]), f64([3, 2])), s(t([3, 3]), t([3, 3]), 1), s(t([1, 3]), t([2, 3])), s(i32([3]), i32([3]))),
    ],
    none,
    [e(t([2, 2]), t([2, 2])), e(t([3]), t([2, 3])), e(t([2, 3]), t([2, 3]), 0), e(bools([1, 0, 1]), bools([1, 1, 1]))],
  ),
  'linalg.cross': op([s(t([2, 3]), t([1, 3])), ...rest(s(f64([3, 2]), f64([3, 2]), opt({ dim: 0 })))], none, [
    e(t([3]), t([2, 3])),
    e(t([2]), t([2])),
  ]),
  'linalg.vecdot': op([s(t([2, 3]), t([3])), ...rest(s(f64([3, 2]), f64([3, 2]), opt({ dim: 0 })))], none, [
    e(i32([2]), i32([2])),
  ]),
  'linalg.diagonal': op([s(t([2, 3, 3])), ...rest(s(t([3, 2, 2]), opt({ offset: 1, dim1: 0, dim2: 1 })))], none),
  'linalg.multiDot': op(
    [
      s([t([2, 3]), t([3, 4]), t([4, 2])]),
      ...rest(
        s([f64([3]), f64([3, 4]), f64([4])]),
        s([t([2, 3]), t([3])]),
        s([t([2, 3]), t([3, 1]), t([1, 4]), t([4, 2])]),
      ),
    ],
    none,
    [
      e([t([2, 2])]),
      e([t([2, 2]), t([2]), t([2, 2])]),
      e([t([2, 3]), t([2, 3]), t([3, 2])]),
      e([t([2, 2]), f64([2, 2])]),
    ],
  ),
  chainMatmul: op([s([t([2, 3]), t([3, 4]), t([4, 2])]), ...rest(s([t([2, 2])]))], none, [e([t([2]), t([2, 2])])]),
  matrixPower: op(
    [
      s(t([3, 3]), 3),
      ...rest(s(f64([2, 2, 2]), 5), s(t([2, 2], fixed), 0), s(t([2, 2]), 1), s(t([2, 2]), 2), s(i32([2, 2]), 4)),
    ],
    none,
    [e(t([2, 3]), 2), e(t([2]), 2)],
  ),
  cdist: op(
    [
      s(t([2, 3]), t([4, 3])),
      ...rest(
        s(f64([2, 2, 3]), f64([4, 3]), 1),
        s(t([2, 3]), t([2, 3]), 3),
        s(t([2, 3]), t([2, 3]), 0),
        s(t([2, 3]), t([2, 3]), inf),
        s(t([2, 3]), t([2, 3]), opt({ p: 0.5 })),
        kink('a distance of 0', s(v([1, 2], [1, 2]), v([1, 2, 3, 2], [2, 2]))),
        s(t([0, 3]), t([2, 3])),
        s(t([2, 0]), t([3, 0])),
      ),
    ],
    none,
    [e(t([2]), t([2, 2])), e(t([2, 3]), t([2, 2])), e(i32([2, 2]), t([2, 2])), e(t([2, 2]), t([2, 2]), -1)],
  ),
} satisfies Record<string, OpSamples>
