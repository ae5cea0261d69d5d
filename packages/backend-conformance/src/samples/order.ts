// Samples of sorting and related ops: ties keep their order, NaN counts as the largest, along any dimension.
import { along, drawTensor, nd, numel, drawShape, indices } from '../property.ts'
import { type OpSamples, op } from '../prepare.ts'
import { bools, core, e, f64, i32, ints, kink, opt, s, t, u8, v } from '../sample.ts'

const nan = Number.NaN
const inf = Number.POSITIVE_INFINITY
const sorted = (x: number[]) => x.map((_, i) => i).sort((i, j) => x[i] - x[j] || i - j)
const badDim = e(t([2, 3]), 2)

export const order = {
  sort: op(
    [
      s(t([5])),
      s(t([2, 3]), 0),
      s(t([2, 3]), -1, opt({ descending: true })),
      s(t([2, 3, 2]), opt({ dim: 1 })),
      s(f64([4])),
      s(i32([5])),
      s(u8([4])),
      s(t([])),
      s(t([0, 3]), 1),
      s(bools([1, 0, 1, 0])),
      kink('a tie', s(v([3, 1, 3, 1, 2]), opt({ dim: 0, stable: true }))),
      kink('a tie', s(v([3, 1, 3, 1, 2]), opt({ dim: 0, descending: true, stable: true }))),
      kink('NaN', s(v([3, nan, -inf, inf, 1]))),
      kink('NaN', s(v([3, nan, -inf, inf, 1]), opt({ descending: true }))),
      kink('NaN', s(v([1, nan, 2, nan, nan, -0, 0]), opt({ dim: 0, descending: true, stable: true }))),
    ],
    along(
      (x) => {
        const order = sorted(x)
        return [order.map((i) => x[i]), order]
      },
      { dtypes: ['float64', 'int32'], tolerance: 0 },
    ),
    [badDim],
  ),
  msort: op([s(t([5])), s(t([3, 2])), core(s(i32([2, 2, 2]))), core(s(t([]))), core(s(t([0, 3])))], {
    none: 'sort has them',
  }),
  argsort: op(
    [
      s(t([5])),
      s(t([2, 3]), 0),
      s(t([2, 3]), -1, opt({ descending: true })),
      s(f64([4])),
      s(i32([2, 2]), opt({ dim: 0 })),
      s(t([])),
      s(t([0, 3]), 1),
      s(v([3, nan, -inf, inf, 1])),
    ],
    along((x) => [sorted(x)], { dtypes: ['int32'] }),
    [badDim],
  ),
  topk: op(
    [
      s(t([6]), 3),
      s(t([2, 4]), 2, 1),
      s(t([4, 2]), 2, 0),
      s(t([2, 4]), 2, opt({ dim: -1, largest: false })),
      s(f64([5]), 5),
      s(i32([5]), 1),
      s(t([3]), 0),
      s(t([]), 1),
      kink('NaN', s(v([3, nan, -inf, inf, 1]), 2)),
      kink('NaN', s(v([3, nan, -inf, inf, 1]), 2, opt({ largest: false }))),
    ],
    (choose) => {
      const shape = drawShape(choose, 3, 4, 1)
      const dim = choose.int(0, shape.length - 1)
      const k = choose.int(0, shape[dim])
      // All different, because PyTorch does not specify the order of equal elements.
      const base = drawTensor(choose, shape)
      const spec = v(
        (base.values as number[]).map((x, i) => x + i / 1000),
        shape,
        { dtype: 'float64' },
      )
      const values = spec.values as number[]
      const to = shape.map((x, d) => (d === dim ? k : x))
      const stride = numel(shape.slice(dim + 1))
      const outs = indices(to).map((index) => {
        const start = index.reduce((at, i, d) => at * shape[d] + (d === dim ? 0 : i), 0)
        const list = Array.from({ length: shape[dim] }, (_, i) => values[start + i * stride])
        const at = list.map((_, i) => i).sort((i, j) => list[j] - list[i])[index[dim]]
        return [list[at], at]
      })
      return {
        args: [spec, k, dim],
        expected: [
          nd(
            to,
            outs.map((o) => o[0]),
          ),
          nd(
            to,
            outs.map((o) => o[1]),
            'int32',
          ),
        ],
        tolerance: 0,
      }
    },
    [e(t([3]), 4), e(t([3]), -1), e(t([2, 3]), 1, 2)],
  ),
  oneHot: op(
    [
      s(ints([0, 2, 1])),
      s(ints([0, 2, 1]), 4),
      s(ints([1, 0, 2, 1], [2, 2]), 3),
      s(ints(1), 3),
      s(ints([]), 3),
      s(ints([0]), opt({ numClasses: 1 })),
    ],
    (choose) => {
      const shape = drawShape(choose, 3, 3)
      const classes = choose.int(1, 4)
      const spec = drawTensor(choose, shape, 'int32', [0, classes - 1])
      const out = (spec.values as number[]).flatMap((x) => Array.from({ length: classes }, (_, i) => (i === x ? 1 : 0)))
      return { args: [spec, classes], expected: [nd([...shape, classes], out, 'int32')], tolerance: 0 }
    },
    [e(ints([0, 3]), 3), e(ints([-1, 2])), e(ints([])), e(t([2])), e(ints([0, 1]), 0)],
  ),
} satisfies Record<string, OpSamples>
