// Samples of reading and writing by index: numbers, slices, null, ..., masks and integer tensors, alone and combined,
// and the gather and scatter families with repeated, negative and missing indices.
import { type Choose, drawShape, drawTensor, flat, indices, nd, rearrange } from '../property.ts'
import { type OpSamples, op } from '../prepare.ts'
import {
  type Arg,
  bool,
  bools,
  bytes,
  doubles,
  e,
  ellipsis,
  f64,
  i32,
  ints,
  kink,
  opt,
  s,
  sl,
  t,
  v,
} from '../sample.ts'

const random = (shape: readonly number[], choose: Choose) => {
  const dims = shape.slice(0, choose.int(0, shape.length))
  const picks = dims.map((size) => {
    if (size > 0 && choose.int(0, 1) === 0) {
      const at = choose.int(0, size - 1)
      return { spec: choose.int(0, 1) === 0 ? at : at - size, places: at }
    }
    const start = choose.int(0, size)
    const stop = choose.int(0, size)
    const step = choose.int(1, 3)
    const places = Array.from({ length: size }, (_, i) => start + i * step).filter((i) => i < stop)
    return { spec: sl(start, stop, step), places }
  })
  const lists = shape.map((size, d) => picks[d]?.places ?? Array.from({ length: size }, (_, i) => i))
  const kept = lists.filter((list) => typeof list !== 'number') as number[][]
  return {
    args: [picks.map((pick) => pick.spec) as Arg[]],
    shape: kept.map((list) => list.length),
    from: (index: number[]) => {
      const left = [...index]
      return lists.map((list) => (typeof list === 'number' ? list : list[left.shift() as number]))
    },
  }
}

const spread = {
  none: 'with repeated indices the result is a sum; gather has the random cases and the samples cover repeats',
}

const reduces = ['sum', 'prod', 'mean', 'amax', 'amin']

export const indexing = {
  at: op(
    [
      s(t([3, 4]), [1]),
      s(t([3, 4]), [-1]),
      s(t([3, 4]), [1, 2]),
      s(t([3, 4]), [sl(1, 3)]),
      s(t([3, 4]), [sl(), 1]),
      s(t([3, 4]), [sl(null, null, 2), sl(1)]),
      s(t([3, 4]), [sl(-2, null)]),
      s(t([3, 4]), [sl(2, 1)]),
      s(t([3, 4]), [sl(0, 100)]),
      s(t([3, 4]), [null]),
      s(t([3, 4]), [ellipsis, 0]),
      s(t([2, 3, 4]), [0, ellipsis, sl(1, 3)]),
      s(t([3, 4]), [sl(), null, 1]),
      s(t([3, 4]), [ellipsis]),
      s(t([]), [null]),
      s(t([]), [ellipsis]),
      s(t([3, 4]), [ints([0, 2, 0])]),
      s(t([3, 4]), [ints([0, -1], [2, 1])]),
      s(t([3, 4]), [ints([0, 2]), ints([1, 3])]),
      s(t([3, 4]), [ints([0, 2], [2, 1]), ints([1, 3])]),
      s(t([3, 4]), [sl(), ints([1, 1])]),
      s(t([3, 4]), [1, ints([1, 3])]),
      s(t([2, 3, 4]), [ints([0, 1]), sl(), ints([1, 3])]),
      s(t([2, 3, 4]), [sl(), ints([0, 1]), ints([1, 3])]),
      s(t([2, 3, 4]), [ints([0, 1]), null, ints([1, 2])]),
      s(t([3, 4]), [bools([1, 0, 1])]),
      s(t([2, 3]), [bools([1, 0, 0, 1, 1, 0], [2, 3])]),
      s(t([2, 3]), [sl(), bools([1, 0, 1])]),
      s(t([2, 3]), [bools([0, 0])]),
      s(t([2, 3]), [bools([1, 0]), ints([0])]),
      s(t([3]), [ints([])]),
      s(t([3, 2]), [ints(1)]),
      s(f64([3, 4]), [1, sl(1, 3)]),
      s(i32([3]), [ints([2, 0])]),
      s(bool([2, 2]), [0]),
      s(t([0, 3]), [sl(), 1]),
      s(t([2]), [true]),
    ],
    rearrange(random),
    [
      e(t([2, 3]), [5]),
      e(t([2, 3]), [0, -4]),
      e(t([2, 3]), [0, 0, 0]),
      e(t([]), [0]),
      e(t([2, 3]), [sl(null, null, 0)]),
      e(t([2, 3]), [sl(null, null, -1)]),
      e(t([2, 3]), [ints([0, 2])]),
      e(t([2, 3]), [ints([0, 1]), ints([0, 1, 2])]),
      e(t([2, 3]), [bools([1, 0, 1])]),
      e(t([2, 3]), [v([0, 1])]),
      e(t([2, 3]), [ellipsis, ellipsis, 0]),
    ],
  ),
  setAt: op(
    [
      s(t([3, 4]), [1], 7),
      s(t([3, 4]), [1, -1], 0.5),
      s(t([3, 4]), [sl(1, 3)], t([2, 4])),
      s(t([3, 4]), [sl(), 1], t([3])),
      s(t([3, 4]), [sl(null, null, 2), sl(1)], t([3])),
      s(t([3, 4]), [ellipsis, 0], t([])),
      s(t([3, 4]), [ellipsis], 2),
      s(t([]), [ellipsis], 2),
      s(t([3, 4]), [null, 1], t([1, 4])),
      s(t([3, 4]), [sl(2, 1)], 1),
      s(t([3, 4]), [ints([0, 2])], t([2, 4])),
      s(t([3, 4]), [ints([0, 2])], t([4])),
      s(t([3, 4]), [ints([0, 2])], 1),
      s(t([3, 4]), [ints([0, 2]), ints([1, 3])], t([2])),
      s(t([3, 4]), [sl(), ints([1, 3])], t([3, 2])),
      s(t([2, 3, 4]), [ints([0, 1]), sl(), ints([1, 3])], t([2, 3])),
      s(t([3, 4]), [1, ints([1, 3])], t([2])),
      s(t([3, 4]), [bools([1, 0, 1])], t([2, 4])),
      s(t([2, 3]), [bools([1, 0, 0, 1, 1, 0], [2, 3])], 5),
      s(t([2, 3]), [bools([1, 0, 0, 1, 1, 0], [2, 3])], t([3])),
      s(t([2, 3]), [bools([1, 0, 0, 1, 1, 0], [2, 3])], t([])),
      s(t([2, 3]), [sl(), bools([1, 0, 1])], 5),
      s(t([2, 3]), [bools([0, 0])], 5),
      s(f64([3]), [1], 2),
      s(t([3]), [1], v(2, [], { dtype: 'float64', grad: false })),
      s(i32([3]), [1], 7),
      s(bool([3]), [1], true),
      s(t([3, 4]), [1], t([1, 4])),
    ],
    { none: 'what it reaches is what `at` shows, which has random cases' },
    [
      e(t([2, 3]), [5], 1),
      e(t([2, 3]), [0, 0, 0], 1),
      e(t([2, 3]), [0], t([2])),
      e(t([2, 3]), [ints([0, 2])], 1),
      e(t([2, 3]), [ints([0, 1])], t([3, 3])),
      e(t([2, 3]), [bools([1, 0, 1])], 1),
    ],
  ),
  indexPut: op(
    [
      s(t([3, 4]), [ints([0, 2])], t([2, 4])),
      s(t([3, 4]), [ints([0, 2]), ints([1, 3])], t([2])),
      s(t([3, 4]), [ints([0, 2]), ints([1, 3])], t([])),
      s(t([3]), [ints([0, 0, 2])], t([3]), opt({ accumulate: true })),
      s(t([3, 2]), [ints([1, 1])], t([2, 2]), opt({ accumulate: true })),
      s(t([3]), [bools([1, 0, 1])], t([2])),
      s(f64([3]), [ints([2])], f64([1])),
      s(i32([3]), [ints([2, 2])], i32([2]), opt({ accumulate: true })),
    ],
    { none: 'where indices repeat the answer is a sum; `at` has the random cases and the samples have repeats' },
    [e(t([3]), [ints([3])], t([1])), e(t([3]), [ints([0]), ints([0])], t([1])), e(t([3]), [ints([0, 1])], t([3]))],
  ),
  gather: op(
    [
      s(t([2, 3]), 1, ints([0, 2, 1, 1], [2, 2])),
      s(t([2, 3]), 0, ints([0, 1, 0], [1, 3])),
      s(t([2, 3]), -1, ints([0, 0], [2, 1])),
      s(f64([4]), 0, ints([3, 3, 0])),
      s(i32([4]), 0, ints([1])),
      s(t([2, 3]), 1, ints([], [2, 0])),
      s(t([3, 3]), 0, ints([2, 1], [1, 2])),
      s(t([]), 0, ints(0)),
      s(t([2, 2, 2]), 1, ints([1, 0], [1, 1, 2])),
    ],
    (choose) => {
      const shape = drawShape(choose, 4, 4, 1, 1)
      const dim = choose.int(0, shape.length - 1)
      const to = shape.map((size, d) => (d === dim ? choose.int(0, 4) : choose.int(0, size)))
      const spec = drawTensor(choose, shape)
      const index = drawTensor(choose, to, 'int32', [0, shape[dim] - 1])
      const values = indices(to).map((at, k) => {
        const from = at.map((i, d) => (d === dim ? (index.values as number[])[k] : i))
        return (spec.values as number[])[flat(from, shape)]
      })
      return { args: [spec, dim, index], expected: [nd(to, values)], tolerance: 0 }
    },
    [
      e(t([2, 3]), 1, ints([3, 0], [2, 1])),
      e(t([2, 3]), 1, ints([-1, 0], [2, 1])),
      e(t([2, 3]), 2, ints([0, 0], [2, 1])),
      e(t([2, 3]), 1, ints([0, 0])),
      e(t([2, 3]), 1, ints([0, 0, 0], [3, 1])),
      e(t([2, 3]), 1, v([0, 0], [2, 1])),
    ],
  ),
  scatter: op(
    [
      s(t([2, 3]), 1, ints([0, 2, 1, 0], [2, 2]), t([2, 2])),
      s(t([3, 3]), 0, ints([2, 0, 1], [1, 3]), t([1, 3])),
      s(t([2, 3]), 1, ints([0, 2], [2, 1]), 7),
      s(t([2, 3]), 1, ints([0, 2], [2, 1]), 1.5),
      s(f64([4]), 0, ints([3, 0]), f64([3], { grad: false })),
      s(i32([4]), 0, ints([3, 0]), i32([2])),
      s(t([2, 3]), -1, ints([], [2, 0]), t([2, 0])),
      s(t([2, 3]), 1, ints([0, 2], [2, 1]), t([2, 3], { grad: false })),
    ],
    spread,
    [
      e(t([2, 3]), 1, ints([3, 0], [2, 1]), t([2, 1])),
      e(t([2, 3]), 1, ints([0, 0, 0], [3, 1]), t([3, 1])),
      e(t([2, 3]), 1, ints([0, 0], [1, 2]), t([1, 1])),
      e(t([2, 3]), 1, ints([0, 0], [2, 1]), f64([2, 1])),
    ],
  ),
  scatterAdd: op(
    [
      s(t([2, 3]), 1, ints([0, 0, 1, 0], [2, 2]), t([2, 2])),
      s(t([3, 3]), 0, ints([2, 0, 2], [1, 3]), t([1, 3])),
      s(f64([4]), 0, ints([3, 3, 0]), f64([3])),
      s(i32([4]), 0, ints([3, 3]), i32([2])),
      s(bools([1, 0, 1, 0]), 0, ints([0, 0, 1, 1]), bools([1, 1, 1, 1])),
      s(bytes([250, 1]), 0, ints([0, 0]), bytes([3, 4])),
      s(t([2, 3]), -1, ints([], [2, 0]), t([2, 0])),
      s(t([2, 3]), 1, ints([0, 2], [2, 1]), t([2, 3], { grad: false })),
    ],
    spread,
    [e(t([2, 3]), 1, ints([3, 0], [2, 1]), t([2, 1])), e(t([2, 3]), 1, ints([0, 0], [2, 1]), f64([2, 1]))],
  ),
  scatterReduce: op(
    [
      ...reduces.flatMap((reduce) => [
        s(t([2, 3]), 1, ints([0, 0, 1, 0], [2, 2]), t([2, 2]), reduce),
        s(f64([4]), 0, ints([3, 3, 0]), f64([3]), reduce, opt({ includeSelf: false })),
        s(t([3, 3]), 0, ints([2, 0, 2], [1, 3]), t([1, 3]), reduce, opt({ includeSelf: false })),
        s(i32([4]), 0, ints([3, 3, 0]), i32([3]), reduce),
        s(ints([5, -7, 3, 1]), 0, ints([0, 0, 1, 1]), ints([2, -4, 1, -9]), reduce, opt({ includeSelf: false })),
        s(bytes([250, 7, 3]), 0, ints([0, 0, 1, 1]), bytes([200, 100, 2, 3]), reduce),
        s(t([]), 0, ints(0), t([]), reduce),
        s(t([2, 3]), 1, ints([0, 2], [2, 1]), t([2, 3], { grad: false }), reduce),
        kink('NaN', s(v([1, 2, 3]), 0, ints([0, 1, 1]), v([Number.NaN, 1, 4]), reduce)),
      ]),
      ...reduces.flatMap((reduce) =>
        reduce === 'mean'
          ? []
          : [
              s(bools([1, 0, 1]), 0, ints([0, 0, 1, 1]), bools([1, 0, 1, 1]), reduce),
              s(bools([1, 0, 1]), 0, ints([0, 0, 1, 1]), bools([1, 0, 1, 1]), reduce, opt({ includeSelf: false })),
            ],
      ),
      s(doubles([2, 0, 3]), 0, ints([0, 0, 1, 1]), doubles([0, 4, 5, 6]), 'prod'),
      kink('PyTorch has no second derivative there', s(v([2, 3]), 0, ints([0, 0, 0]), v([0, 0, 4]), 'prod')),
      kink('a tie', s(v([2, 5, 1]), 0, ints([0, 0, 1, 1]), v([2, 2, 5, 7]), 'amax')),
      kink('a tie', s(v([2, 5, 1]), 0, ints([0, 0, 1, 1]), v([2, 2, 5, 7]), 'amin', opt({ includeSelf: false }))),
    ],
    spread,
    [
      e(t([2, 3]), 1, ints([3, 0], [2, 1]), t([2, 1]), 'sum'),
      e(t([2, 3]), 1, ints([0, 0], [2, 1]), f64([2, 1]), 'sum'),
      e(t([2, 3]), 1, ints([0, 0], [2, 1]), t([2, 1]), 'multiply'),
      e(t([2, 3]), 2, ints([0, 0], [2, 1]), t([2, 1]), 'sum'),
      e(bools([1, 0]), 0, ints([0]), bools([1]), 'mean'),
    ],
  ),
  indexSelect: op(
    [
      s(t([3, 2]), 0, ints([2, 0, 2])),
      s(t([2, 3]), 1, ints([1])),
      s(t([2, 3]), -1, ints([])),
      s(f64([4]), 0, ints([3])),
      s(i32([3]), 0, ints([0, 0])),
      s(t([3, 2]), 0, ints(1)),
      s(t([]), 0, ints([0])),
    ],
    (choose) => {
      const shape = drawShape(choose, 4, 4, 1, 1)
      const dim = choose.int(0, shape.length - 1)
      const index = drawTensor(choose, [choose.int(0, 4)], 'int32', [0, shape[dim] - 1])
      const at = index.values as number[]
      const spec = drawTensor(choose, shape)
      const to = shape.map((size, d) => (d === dim ? at.length : size))
      const values = indices(to).map(
        (i) =>
          (spec.values as number[])[
            flat(
              i.map((x, d) => (d === dim ? at[x] : x)),
              shape,
            )
          ],
      )
      return { args: [spec, dim, index], expected: [nd(to, values)], tolerance: 0 }
    },
    [
      e(t([3, 2]), 0, ints([3])),
      e(t([3, 2]), 0, ints([-1])),
      e(t([3, 2]), 2, ints([0])),
      e(t([3, 2]), 0, ints([0, 0], [1, 2])),
      e(t([3, 2]), 0, v([0])),
    ],
  ),
  maskedFill: op(
    [
      s(t([2, 3]), bools([1, 0, 1, 0, 0, 1], [2, 3]), 7),
      s(t([2, 3]), bools([1, 0, 1]), -0.5),
      s(f64([3]), bools([1, 1, 0]), v(2)),
      s(i32([3]), bools([1, 1, 0]), 2),
      s(t([3]), bools([1, 0], [2, 1]), 1),
      s(t([0, 3]), bools([1, 0, 1]), 1),
      s(t([]), bools(1), 1),
      kink('infinity', s(t([2]), bools([1, 0]), Number.NEGATIVE_INFINITY)),
    ],
    (choose) => {
      const shape = drawShape(choose)
      const spec = drawTensor(choose, shape)
      const mask = drawTensor(choose, shape, 'bool', [0, 1])
      const values = (spec.values as number[]).map((x, i) => ((mask.values as number[])[i] ? -9 : x))
      return { args: [spec, mask, -9], expected: [nd(shape, values)], tolerance: 0 }
    },
    [e(t([2, 3]), bools([1, 0]), 1), e(t([2]), t([2]), 1), e(t([2]), bools([1, 0]), t([2]))],
  ),
  maskedSelect: op(
    [
      s(t([2, 3]), bools([1, 0, 1, 0, 0, 1], [2, 3])),
      s(t([2, 3]), bools([1, 0, 1])),
      s(f64([3]), bools([0, 0, 0])),
      s(i32([3]), bools([1, 1, 0])),
      s(t([0]), bools([], [0])),
      s(t([3]), bools([1, 0], [2, 1])),
    ],
    (choose) => {
      const shape = drawShape(choose)
      const spec = drawTensor(choose, shape)
      const mask = drawTensor(choose, shape, 'bool', [0, 1])
      const values = (spec.values as number[]).filter((_, i) => (mask.values as number[])[i] !== 0)
      return { args: [spec, mask], expected: [nd([values.length], values)], tolerance: 0 }
    },
    [e(t([2, 3]), bools([1, 0])), e(t([2]), t([2]))],
  ),
  nonzero: op(
    [
      s(v([0, 1, 0, 2])),
      s(ints([1, 0, 0, 3], [2, 2])),
      s(bools([1, 0, 1])),
      s(bytes([0, 1])),
      s(t([0, 3])),
      s(v([0, 0])),
      s(v(1)),
      s(v(0)),
      s(v([Number.NaN, -0])),
    ],
    (choose) => {
      const shape = drawShape(choose, 4, 3)
      const spec = drawTensor(choose, shape, 'int32', [-1, 1])
      const found = indices(shape).filter((_, i) => (spec.values as number[])[i] !== 0)
      return { args: [spec], expected: [nd([found.length, shape.length], found.flat(), 'int32')], tolerance: 0 }
    },
  ),
} satisfies Record<string, OpSamples>
