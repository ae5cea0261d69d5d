// Samples of the ops that rearrange: reshape and its relatives, permutations, slices, joins and windows. The random
// cases know for each element of the result which element of the argument it is.
import { type Choose, drawShape, flat, numel, rearrange, unflat } from '../property.ts'
import { type OpSamples, op } from '../prepare.ts'
import { bool, e, f64, i32, opt, s, t, u8 } from '../sample.ts'

/** Factors a number of elements into sizes. */
const factors = (choose: Choose, total: number): number[] => {
  if (total === 0) return [0, choose.int(0, 3)]
  const out: number[] = []
  let left = total
  while (left > 1 && out.length < 3) {
    const divisors = Array.from({ length: left }, (_, i) => i + 1).filter((d) => left % d === 0)
    const d = divisors[choose.int(0, divisors.length - 1)]
    out.push(d)
    left /= d
  }
  return left > 1 ? [...out, left] : out
}
const sameOrder = rearrange((shape, choose) => {
  const to = factors(choose, numel(shape))
  return { args: [to], shape: to, from: (index) => unflat(flat(index, to), shape) }
})
const signed = (choose: Choose, dim: number, rank: number) => (choose.int(0, 1) === 0 ? dim : dim - rank)
const drop = (list: readonly number[], at: number) => list.filter((_, i) => i !== at)
const put = (list: readonly number[], at: number, ...items: number[]) => [
  ...list.slice(0, at),
  ...items,
  ...list.slice(at),
]
const badDim = e(t([2, 3]), 2)

export const views = {
  reshape: op(
    [
      s(t([2, 3]), [3, 2]),
      s(t([2, 3]), [-1]),
      s(t([2, 3]), [2, -1, 1]),
      s(f64([4]), [2, 2]),
      s(t([]), [1, 1]),
      s(t([1]), []),
      s(t([0, 3]), [3, 0]),
      s(i32([2, 2]), [4]),
    ],
    sameOrder,
    [e(t([6]), [4, 2]), e(t([6]), [-1, 4]), e(t([6]), [-1, -1]), e(t([0]), [-1, 0]), e(t([6]), [-2, 3])],
  ),
  view: op(
    [
      s(t([2, 3]), [3, 2]),
      s(t([2, 3]), [-1]),
      s(f64([4]), [2, 2]),
      s(t([]), [1]),
      s(t([0, 3]), [3, 0]),
      s(bool([4]), [2, 2]),
    ],
    { none: 'it depends on strides; reshape has the random cases and the samples of view cover contiguous tensors' },
    [e(t([6]), [4, 2]), e(t([6]), [-1, 4])],
  ),
  ravel: op(
    [s(t([2, 3])), s(t([])), s(t([0, 3])), s(i32([3])), s(f64([2, 1, 2]))],
    rearrange((shape) => ({ args: [], shape: [numel(shape)], from: (index) => unflat(index[0], shape) })),
  ),
  flatten: op(
    [
      s(t([2, 3])),
      s(t([2, 3, 2]), 1),
      s(t([2, 3, 2]), 0, 1),
      s(t([2, 3, 2]), opt({ startDim: -2 })),
      s(t([])),
      s(t([0, 3])),
      s(i32([2, 2])),
    ],
    rearrange((shape, choose) => {
      if (shape.length === 0) return { args: [], shape: [1], from: () => [] }
      const start = choose.int(0, shape.length - 1)
      const end = choose.int(start, shape.length - 1)
      const to = [...shape.slice(0, start), numel(shape.slice(start, end + 1)), ...shape.slice(end + 1)]
      return {
        args: [start, signed(choose, end, shape.length)],
        shape: to,
        from: (index) => unflat(flat(index, to), shape),
      }
    }),
    [e(t([2, 3]), 1, 0), e(t([2, 3]), 2)],
  ),
  permute: op(
    [
      s(t([2, 3, 4]), [2, 0, 1]),
      s(t([2, 3]), [1, 0]),
      s(t([2, 3]), [-1, 0]),
      s(f64([2, 1, 2]), [1, 2, 0]),
      s(t([]), []),
      s(t([0, 2]), [1, 0]),
      s(i32([2, 3]), [1, 0]),
    ],
    rearrange((shape, choose) => {
      const left = shape.map((_, d) => d)
      const order: number[] = []
      while (left.length > 0) order.push(...left.splice(choose.int(0, left.length - 1), 1))
      return {
        args: [order.map((d) => signed(choose, d, shape.length))],
        shape: order.map((d) => shape[d]),
        from: (index) => shape.map((_, d) => index[order.indexOf(d)]),
      }
    }),
    [e(t([2, 3]), [0]), e(t([2, 3]), [0, 0]), e(t([2, 3]), [0, 2])],
  ),
  transpose: op(
    [
      s(t([2, 3]), 0, 1),
      s(t([2, 3, 4]), -1, 0),
      s(f64([2, 2]), 1, 1),
      s(t([]), 0, 0),
      s(t([0, 2]), 0, 1),
      s(u8([2, 3]), 0, 1),
    ],
    rearrange(
      (shape, choose) => {
        const a = choose.int(0, shape.length - 1)
        const b = choose.int(0, shape.length - 1)
        const swap = (list: readonly number[]) => list.map((x, d) => (d === a ? list[b] : d === b ? list[a] : x))
        return { args: [signed(choose, a, shape.length), b], shape: swap(shape), from: swap }
      },
      { minRank: 1 },
    ),
    [e(t([2, 3]), 0, 2)],
  ),
  t: op(
    [s(t([2, 3])), s(f64([3])), s(t([])), s(t([0, 2])), s(i32([2, 3]))],
    rearrange((shape) =>
      shape.length > 2 ? null : { args: [], shape: [...shape].reverse(), from: (index) => [...index].reverse() },
    ),
    [e(t([2, 2, 2]))],
  ),
  squeeze: op(
    [
      s(t([1, 2, 1])),
      s(t([1, 2, 1]), 0),
      s(t([1, 2, 1]), 1),
      s(t([1, 2, 1]), -1),
      s(f64([1, 1])),
      s(t([]), 0),
      s(t([1, 0])),
      s(i32([2, 1])),
    ],
    rearrange((shape, choose) => {
      const dim = shape.length === 0 || choose.int(0, 1) === 0 ? null : choose.int(0, shape.length - 1)
      const gone = shape.map((size, d) => size === 1 && (dim === null || dim === d))
      return {
        args: dim === null ? [] : [signed(choose, dim, shape.length)],
        shape: shape.filter((_, d) => !gone[d]),
        from: (index) => {
          const left = [...index]
          return gone.map((out) => (out ? 0 : (left.shift() as number)))
        },
      }
    }),
    [badDim],
  ),
  unsqueeze: op(
    [s(t([2, 3]), 0), s(t([2, 3]), 1), s(t([2, 3]), -1), s(f64([2]), -2), s(t([]), 0), s(t([0]), 1), s(bool([2]), 0)],
    rearrange((shape, choose) => {
      const dim = choose.int(0, shape.length)
      return {
        args: [signed(choose, dim, shape.length + 1)],
        shape: put(shape, dim, 1),
        from: (index) => drop(index, dim),
      }
    }),
    [e(t([2, 3]), 3), e(t([2, 3]), -4)],
  ),
  expand: op(
    [
      s(t([1, 3]), [2, 3]),
      s(t([3]), [2, 3]),
      s(t([2, 1]), [-1, 3]),
      s(f64([1]), [2, 1, 3]),
      s(t([]), [2]),
      s(t([1]), [0]),
      s(t([2, 3]), [2, 3]),
      s(i32([1]), [2]),
    ],
    rearrange((shape, choose) => {
      const lead = drawShape(choose, 4 - shape.length, 3)
      const grown = shape.map((size) => (size === 1 ? choose.int(0, 3) : size))
      const to = [...lead, ...grown]
      return {
        args: [
          to.map((size, d) =>
            d >= lead.length && size === shape[d - lead.length] && choose.int(0, 2) === 0 ? -1 : size,
          ),
        ],
        shape: to,
        from: (index) => index.slice(lead.length).map((i, d) => (shape[d] === 1 ? 0 : i)),
      }
    }),
    [e(t([2, 3]), [3, 3]), e(t([2, 3]), [3]), e(t([3]), [-1, 3])],
  ),
  expandAs: op(
    [s(t([1, 3]), t([2, 3], { grad: false })), s(t([]), t([2], { grad: false })), s(i32([1]), i32([2]))],
    { none: 'it expands to the sizes of another tensor' },
    [e(t([2, 3]), t([3, 3]))],
  ),
  slice: op(
    [
      s(t([5, 2]), 0, 1, 4),
      s(t([5, 2]), 0, 1, 5, 2),
      s(t([2, 5]), 1, -3, -1),
      s(t([2, 5]), -1, null, null, 2),
      s(f64([4]), 0, 2),
      s(t([3]), 0, 2, 1),
      s(t([3]), 0, 0, 100),
      s(t([3]), 0, -100, 2),
      s(i32([4]), 0, 1, 3),
    ],
    rearrange(
      (shape, choose) => {
        const dim = choose.int(0, shape.length - 1)
        const start = choose.int(0, shape[dim])
        const end = choose.int(start, shape[dim])
        const step = choose.int(1, 3)
        return {
          args: [signed(choose, dim, shape.length), start, end, step],
          shape: shape.map((size, d) => (d === dim ? Math.ceil((end - start) / step) : size)),
          from: (index) => index.map((i, d) => (d === dim ? start + i * step : i)),
        }
      },
      { minRank: 1 },
    ),
  ),
  narrow: op(
    [
      s(t([4, 3]), 0, 1, 2),
      s(t([4, 3]), 1, 0, 3),
      s(t([4, 3]), -1, 1, 1),
      s(f64([5]), 0, -2, 2),
      s(t([3]), 0, 1, 0),
      s(i32([4]), 0, 2, 2),
    ],
    rearrange(
      (shape, choose) => {
        const dim = choose.int(0, shape.length - 1)
        const start = choose.int(0, shape[dim])
        const length = choose.int(0, shape[dim] - start)
        return {
          args: [signed(choose, dim, shape.length), start, length],
          shape: shape.map((size, d) => (d === dim ? length : size)),
          from: (index) => index.map((i, d) => (d === dim ? i + start : i)),
        }
      },
      { minRank: 1 },
    ),
    [e(t([4, 3]), 0, 3, 2), e(t([4, 3]), 0, 5, 1), e(t([4, 3]), 2, 0, 1), e(t([4, 3]), 0, 0, -1), e(t([]), 0, 0, 1)],
  ),
  select: op(
    [
      s(t([2, 3]), 0, 1),
      s(t([2, 3]), 1, -1),
      s(t([2, 3, 2]), -2, 0),
      s(f64([3]), 0, 2),
      s(i32([2, 2]), 0, 0),
      s(t([2, 0]), 0, 1),
    ],
    rearrange(
      (shape, choose) => {
        const dim = choose.int(0, shape.length - 1)
        const at = choose.int(0, shape[dim] - 1)
        return {
          args: [signed(choose, dim, shape.length), choose.int(0, 1) === 0 ? at : at - shape[dim]],
          shape: drop(shape, dim),
          from: (index) => put(index, dim, at),
        }
      },
      { minRank: 1, minSize: 1 },
    ),
    [e(t([2, 3]), 0, 2), e(t([2, 3]), 1, -4), e(t([2, 3]), 2, 0), e(t([]), 0, 0)],
  ),
  flip: op(
    [
      s(t([2, 3]), [0]),
      s(t([2, 3]), [0, 1]),
      s(t([2, 3]), [-1]),
      s(f64([3]), [0]),
      s(t([0, 3]), [1]),
      s(i32([2, 2]), [1]),
      s(bool([3]), [0]),
    ],
    rearrange((shape, choose) => {
      const dims = shape.map((_, d) => d).filter(() => choose.int(0, 1) === 1)
      return {
        args: [dims.map((d) => signed(choose, d, shape.length))],
        shape,
        from: (index) => index.map((i, d) => (dims.includes(d) ? shape[d] - 1 - i : i)),
      }
    }),
    [e(t([2, 3]), [2]), e(t([2, 3]), [0, 0])],
  ),
  diagonal: op(
    [
      s(t([3, 3])),
      s(t([2, 4]), 1),
      s(t([4, 2]), -1),
      s(t([2, 3]), 5),
      s(f64([2, 3, 4]), 0, 1, -1),
      s(t([2, 3, 2]), opt({ offset: -1, dim1: 2, dim2: 0 })),
      s(t([0, 3])),
      s(i32([2, 2])),
      s(bool([2, 3])),
    ],
    rearrange(
      (shape, choose) => {
        const [dim1, other] = [choose.int(0, shape.length - 1), choose.int(0, shape.length - 2)]
        const dim2 = other < dim1 ? other : other + 1
        const offset = choose.int(-2, 2)
        const [down, right] = [Math.max(-offset, 0), Math.max(offset, 0)]
        const length = Math.max(Math.min(shape[dim1] - down, shape[dim2] - right), 0)
        const left = shape.map((_, d) => d).filter((d) => d !== dim1 && d !== dim2)
        return {
          args: [offset, signed(choose, dim1, shape.length), signed(choose, dim2, shape.length)],
          shape: [...left.map((d) => shape[d]), length],
          from: (index) => {
            const i = index[index.length - 1]
            return shape.map((_, d) => (d === dim1 ? i + down : d === dim2 ? i + right : index[left.indexOf(d)]))
          },
        }
      },
      { minRank: 2 },
    ),
    [e(t([2, 3]), 0, 0, 0), e(t([2, 3]), 0, 1, -1), e(t([3])), e(t([])), e(t([2, 3]), 0, 2, 1)],
  ),
  unfold: op(
    [
      s(t([7]), 0, 3, 2),
      s(t([4, 5]), 1, 2, 1),
      s(t([4, 5]), -2, 3, 3),
      s(f64([5]), 0, 5, 1),
      s(i32([4]), 0, 2, 2),
      s(t([3]), 0, 1, 5),
    ],
    rearrange(
      (shape, choose) => {
        const dim = choose.int(0, shape.length - 1)
        const size = choose.int(1, Math.max(shape[dim], 1))
        const step = choose.int(1, 3)
        if (size > shape[dim]) return null
        const count = Math.floor((shape[dim] - size) / step) + 1
        return {
          args: [signed(choose, dim, shape.length), size, step],
          shape: [...shape.map((x, d) => (d === dim ? count : x)), size],
          from: (index) => index.slice(0, -1).map((i, d) => (d === dim ? i * step + index[index.length - 1] : i)),
        }
      },
      { minRank: 1 },
    ),
    [e(t([3]), 0, 4, 1), e(t([3]), 0, 2, 0), e(t([3]), 1, 2, 1)],
  ),
} satisfies Record<string, OpSamples>
