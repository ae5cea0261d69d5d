// Samples of the ops that join, split, repeat and pad tensors. The random cases know for each element of the result
// which element of which argument it is.
import { type Case, type Choose, drawShape, drawTensor, flat, indices, nd, rearrange } from '../property.ts'
import { type OpSamples, op } from '../prepare.ts'
import { core, bool, e, f64, i32, opt, s, t, u8 } from '../sample.ts'

const signed = (choose: Choose, dim: number, rank: number) => (choose.int(0, 1) === 0 ? dim : dim - rank)
const drop = (list: readonly number[], at: number) => list.filter((_, i) => i !== at)
const put = (list: readonly number[], at: number, ...items: number[]) => [
  ...list.slice(0, at),
  ...items,
  ...list.slice(at),
]
const badDim = e(t([2, 3]), 2)

const cutting = (choose: Choose, cut: (size: number) => { arg: number | number[]; sizes: number[] }): Case => {
  const shape = drawShape(choose, 4, 4, 1)
  const dim = choose.int(0, shape.length - 1)
  const { arg, sizes } = cut(shape[dim])
  const spec = drawTensor(choose, shape)
  let start = 0
  const expected = sizes.map((size) => {
    const to = shape.map((x, d) => (d === dim ? size : x))
    const base = start
    start += size
    return nd(
      to,
      indices(to).map(
        (index) =>
          (spec.values as number[])[
            flat(
              index.map((i, d) => (d === dim ? i + base : i)),
              shape,
            )
          ],
      ),
    )
  })
  return { args: [spec, arg, signed(choose, dim, shape.length)], expected, tolerance: 0 }
}

const repeated = rearrange((shape, choose) => {
  const lead = Array.from({ length: choose.int(0, 4 - shape.length) }, () => choose.int(0, 2))
  const counts = [...lead, ...shape.map(() => choose.int(0, 2))]
  const sizes = [...lead.map(() => 1), ...shape]
  return {
    args: [counts],
    shape: counts.map((count, d) => count * sizes[d]),
    from: (index) => index.slice(lead.length).map((i, d) => i % shape[d]),
  }
})

export const joins = {
  cat: op(
    [
      s([t([2, 3]), t([1, 3])], 0),
      s([t([2, 1]), t([2, 3])], 1),
      s([t([2]), t([3])]),
      s([t([2, 3]), t([2, 3])], -1),
      s([t([2]), f64([2])], opt({ dim: 0 })),
      s([i32([2]), t([2])]),
      s([bool([2]), u8([2])]),
      s([t([0]), t([2])]),
      s([t([0]), t([2, 3])], 0),
      s([t([2, 2])], 1),
      s([t([0, 3]), t([2, 3])], 0),
    ],
    (choose) => {
      const shape = drawShape(choose, 4, 4, 1)
      const dim = choose.int(0, shape.length - 1)
      const parts = Array.from({ length: choose.int(1, 4) }, () =>
        drawTensor(
          choose,
          shape.map((x, d) => (d === dim ? choose.int(0, 3) : x)),
        ),
      )
      const to = shape.map((x, d) => (d === dim ? parts.reduce((a, part) => a + part.shape[dim], 0) : x))
      const values = indices(to).map((index) => {
        let at = index[dim]
        let k = 0
        while (at >= parts[k].shape[dim]) at -= parts[k++].shape[dim]
        return (parts[k].values as number[])[
          flat(
            index.map((i, d) => (d === dim ? at : i)),
            parts[k].shape,
          )
        ]
      })
      return { args: [parts, signed(choose, dim, shape.length)], expected: [nd(to, values)], tolerance: 0 }
    },
    [
      e([t([2, 3]), t([1, 4])], 0),
      e([t([2, 3]), t([3])], 0),
      e([t([2, 3]), t([2, 3])], 2),
      e([t([]), t([])], 0),
      e([], 0),
    ],
  ),
  stack: op(
    [
      s([t([2, 3]), t([2, 3])]),
      s([t([2, 3]), t([2, 3])], 1),
      s([t([2]), t([2])], -1),
      s([t([]), t([]), t([])]),
      s([t([2]), f64([2])], opt({ dim: 1 })),
      s([i32([2]), t([2])]),
      s([t([0]), t([0])]),
    ],
    (choose) => {
      const shape = drawShape(choose, 3)
      const parts = Array.from({ length: choose.int(1, 3) }, () => drawTensor(choose, shape))
      const dim = choose.int(0, shape.length)
      const to = put(shape, dim, parts.length)
      const values = indices(to).map((index) => (parts[index[dim]].values as number[])[flat(drop(index, dim), shape)])
      return { args: [parts, signed(choose, dim, shape.length + 1)], expected: [nd(to, values)], tolerance: 0 }
    },
    [e([t([2]), t([3])]), e([t([2]), t([2])], 2), e([])],
  ),
  splitWithSizes: op(
    [s(t([5, 2]), [1, 4]), s(t([2, 4]), [1, 0, 3], -1), s(i32([4]), opt({ splitSizes: [3, 1] })), s(t([0, 2]), [0])],
    (choose) =>
      cutting(choose, (size) => {
        const first = choose.int(0, size)
        return { arg: [first, size - first], sizes: [first, size - first] }
      }),
    [e(t([5]), [1, 2]), e(t([5]), [-1, 6]), e(t([5]), [5], 1), e(t([]), [1])],
  ),
  split: op(
    [
      s(t([5, 2]), 2),
      s(t([5, 2]), [1, 4]),
      s(t([2, 4]), 2, 1),
      s(t([2, 4]), [1, 0, 3], -1),
      s(f64([3]), 5),
      s(i32([4]), opt({ splitSizeOrSections: 3 })),
      s(t([0, 2]), 1),
    ],
    (choose) =>
      cutting(choose, (size) => {
        if (choose.int(0, 1) === 0) {
          const arg = choose.int(1, 4)
          const count = Math.max(1, Math.ceil(size / arg))
          return { arg, sizes: Array.from({ length: count }, (_, i) => Math.min(arg, size - i * arg)) }
        }
        const first = choose.int(0, size)
        return { arg: [first, size - first], sizes: [first, size - first] }
      }),
    [e(t([5]), [1, 2]), e(t([5]), -1), e(t([5]), 0), e(t([5]), 2, 1)],
  ),
  chunk: op(
    [
      s(t([5, 2]), 2),
      s(t([5, 2]), 3),
      s(t([2, 4]), 2, 1),
      s(f64([3]), 5),
      s(i32([4]), 2, opt({ dim: -1 })),
      s(t([0, 2]), 2),
    ],
    (choose) =>
      cutting(choose, (size) => {
        const chunks = choose.int(1, 5)
        const each = Math.ceil(size / chunks)
        const count = each === 0 ? chunks : Math.ceil(size / each)
        return { arg: chunks, sizes: Array.from({ length: count }, (_, i) => Math.min(each, size - i * each)) }
      }),
    [e(t([5]), 0), e(t([]), 1)],
  ),
  pad: op(
    [
      s(t([2, 3]), [1, 2]),
      s(t([2, 3]), [1, 0, 0, 2]),
      s(t([2, 3]), [1, 1], 'constant', 2.5),
      s(t([2, 3]), [-1, 1]),
      s(t([2, 3]), [0, -1, -1, 0]),
      s(f64([3]), [2, 0], opt({ value: -1 })),
      s(i32([3]), [1, 1], opt({ value: 7 })),
      s(bool([2]), [1, 0]),
      s(t([0, 2]), [1, 1, 1, 1]),
      s(t([2, 3]), [2, 1], 'reflect'),
      s(t([2, 3, 3]), [1, 2, 0, 1], 'replicate'),
      s(t([1, 1, 2, 3]), [2, 3, 1, 0], 'circular'),
      core(s(f64([1, 2, 2, 2, 3]), [1, 0, 1, 1, 1, 0], 'reflect')),
      core(s(f64([1, 1, 2, 1, 2]), [0, 3, 1, 1, 2, 2], 'replicate')),
      core(s(t([1, 1, 2, 2, 3]), [1, 1, 0, 2, 1, 0], opt({ mode: 'circular' }))),
      core(s(t([2, 4]), [2, -2], 'reflect')),
      core(s(t([2, 4]), [-1, 2], 'replicate')),
      core(s(t([1, 2, 4]), [1, -1], 'circular')),
      core(s(t([2, 4]), [-1, -1], 'reflect')),
      core(s(t([1, 2, 3, 3]), [-3, 0, 1, 1], 'replicate')),
      core(s(i32([1, 2, 3]), [1, 1], 'circular')),
      core(s(t([0, 2, 3]), [1, 1], 'reflect')),
    ],
    rearrange(
      (shape, choose) => {
        const count = choose.int(1, shape.length)
        const amounts = shape.map((_, d) => (d < shape.length - count ? [0, 0] : [choose.int(0, 2), choose.int(0, 2)]))
        return {
          args: [[...amounts].reverse().slice(0, count).flat()],
          shape: shape.map((x, d) => x + amounts[d][0] + amounts[d][1]),
          from: (index) => {
            const at = index.map((i, d) => i - amounts[d][0])
            return at.every((i, d) => i >= 0 && i < shape[d]) ? at : null
          },
        }
      },
      // PyTorch refuses to keep a size of 0; the samples have one that grows.
      { minRank: 1, minSize: 1 },
    ),
    [
      e(t([2, 3]), [1]),
      e(t([3]), [1, 1, 1, 1]),
      e(t([3]), [-2, -2]),
      e(t([2, 3]), [1], 'mirror'),
      ...['reflect', 'replicate', 'circular'].flatMap((mode) => [
        e(t([2, 3]), [1], mode),
        e(t([2, 3]), [1, 1], mode, 1),
        e(t([3]), [1, 1], mode),
        e(t([1, 2, 3, 3]), [1, 1], mode),
        e(t([2, 2, 4]), [-2, -3], mode),
        e(t([2, 2, 0]), [1, 1], mode),
      ]),
      ...['reflect', 'replicate'].flatMap((mode) => [
        e(t([2, 2, 4]), [-2, -2], mode),
        e(t([1, 2, 3, 4]), [-2, -2, -1, -2], mode),
        e(t([1, 2, 3, 4, 2]), [-1, -1, -2, -2, -1, -2], mode),
        e(t([1, 0, 3, 4]), [1, 1, 1, 1], mode),
        e(t([1, 2, 3, 0, 2]), [1, 1, 1, 1, 1, 1], mode),
        e(i32([2, 3]), [1, 1], mode),
        e(bool([2, 3, 3]), [1, 1, 1, 1], mode),
        e(u8([1, 2, 3, 3, 3]), [1, 1, 1, 1, 1, 1], mode),
      ]),
      e(t([2, 3]), [0, 3], 'reflect'),
      e(t([1, 2, 3, 3]), [1, 1, 4, 1], 'reflect'),
      e(t([2, 3, 3]), [3, 1, 1, 1], 'reflect'),
      e(t([1, 2, 3, 3, 3]), [1, 1, 1, 1, 1, 3], 'reflect'),
      e(t([2, 3]), [1, 1], 'circular'),
      e(t([1, 2, 3]), [0, 4], 'circular'),
    ],
  ),
  unbind: op(
    [s(t([2, 3])), s(t([2, 3]), 1), s(t([2, 3]), -1), s(f64([3])), s(i32([2, 2]), 0), s(t([2, 0]))],
    (choose) => {
      const shape = drawShape(choose, 4, 4, 1)
      const dim = choose.int(0, shape.length - 1)
      const spec = drawTensor(choose, shape)
      const to = drop(shape, dim)
      const expected = Array.from({ length: shape[dim] }, (_, k) =>
        nd(
          to,
          indices(to).map((index) => (spec.values as number[])[flat(put(index, dim, k), shape)]),
        ),
      )
      return { args: [spec, signed(choose, dim, shape.length)], expected, tolerance: 0 }
    },
    [badDim, e(t([]))],
  ),
  repeat: op(
    [
      s(t([2, 3]), [2, 1]),
      s(t([2, 3]), [1, 2]),
      s(t([3]), [2, 2]),
      s(f64([2]), [3]),
      s(t([]), [2]),
      s(t([2]), [0]),
      s(i32([2]), [2]),
    ],
    repeated,
    [e(t([2, 3]), [2]), e(t([2]), [-1])],
  ),
  tile: op(
    [s(t([2, 3]), [2, 1]), s(t([2, 3]), [2]), s(t([3]), [2, 2]), s(f64([2]), [3]), s(t([]), [2]), s(i32([2]), [2])],
    repeated,
  ),
} satisfies Record<string, OpSamples>
