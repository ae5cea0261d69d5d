// Samples of the ops that arrange elements and tensors: dimensions moved, elements rolled and rotated, triangles and
// diagonals, joins and cuts by NumPy's names, grids and products of vectors.
import { type Choose, rearrange } from '../property.ts'
import { type OpSamples, op } from '../prepare.ts'
import { bool, bools, core, doubles, e, f64, i32, ints, opt, s, t, u8, v } from '../sample.ts'

const signed = (choose: Choose, dim: number, rank: number) => (choose.int(0, 1) === 0 ? dim : dim - rank)
const loops = { none: 'a composition of cat, stack and views, whose random cases cover the elements' }
const alias = { none: 'another name' }

const triangle = (keep: (difference: number, diagonal: number) => boolean) =>
  op(
    [
      s(t([3, 3])),
      s(t([2, 4]), 1),
      s(t([4, 2]), opt({ diagonal: -1 })),
      s(f64([2, 2, 3]), -5),
      s(t([0, 3])),
      s(i32([3, 3]), -1),
      s(u8([2, 3])),
      s(bool([3, 3])),
    ],
    rearrange(
      (shape, choose) => {
        const diagonal = choose.int(-2, 2)
        return {
          args: [diagonal],
          shape,
          from: (index) => (keep(index[index.length - 1] - index[index.length - 2], diagonal) ? index : null),
        }
      },
      { minRank: 2 },
    ),
    [e(t([3])), e(t([]))],
  )

const cut = (good: number, wrong: readonly number[]) =>
  op([s(t([4, 2, 6]), good), s(t([4, 3, 2]), [1]), core(s(i32([2, 2, 2]), [0, 1, 5]))], loops, [
    e(t([3, 3, 3]), 2),
    e(t(wrong), 1),
    e(t([2, 2, 2]), 0),
  ])

const joined = (...wrong: (readonly number[])[]) =>
  op(
    [
      s([t([2]), t([2])]),
      s([t([]), t([])]),
      s([t([2, 2]), t([2, 2])]),
      s([i32([2]), f64([2])]),
      core(s([t([0]), t([0])])),
      core(s([bool([1, 2, 1])])),
    ],
    loops,
    [e([t([2, 2]), t([3, 3])]), e([]), ...wrong.map((shape) => e([t(shape), t([4, 5, 6, 7])]))],
  )
const lifted = (a: number, b: number) =>
  op([s(t([])), s([t([2]), f64([2, 2])]), core(s(i32([a, b]))), core(s([t([0]), bool([2, 1, 2])]))], loops)

const embedded = { none: 'the views have random cases of their own' }

export const arrangements = {
  tril: triangle((difference, diagonal) => difference <= diagonal),
  triu: triangle((difference, diagonal) => difference >= diagonal),
  trilIndices: op([s(3, 3), s(3, 2, -1), s(2, 4, opt({ offset: 1 })), s(0, 3)], { none: 'two loops' }, [
    e(-1, 2),
    e(1, -2),
    e(2, 2, opt({ dtype: 'float32' })),
  ]),
  triuIndices: op([s(3, 3), s(3, 2, -1), s(2, 4, opt({ offset: 1 })), s(0, 3)], { none: 'two loops' }, [
    e(-1, 2),
    e(1, -2),
    e(2, 2, opt({ dtype: 'float32' })),
  ]),
  diag: op(
    [
      s(t([3])),
      s(t([2]), 1),
      s(f64([2]), opt({ diagonal: -2 })),
      s(t([1])),
      s(t([2, 3])),
      s(t([3, 2]), -1),
      s(i32([2, 2]), 1),
      s(i32([2])),
      s(bools([1, 0])),
      s(t([0])),
    ],
    { none: 'diagonal has the random cases' },
    [e(t([2, 2, 2])), e(t([]))],
  ),
  diagflat: op([s(t([2, 2])), s(t([]), 1), s(f64([2]), opt({ offset: -1 })), s(i32([2]))], {
    none: 'diag of all elements',
  }),
  diagEmbed: op(
    [
      s(t([2, 3])),
      s(t([2, 3]), 1),
      s(f64([2, 3]), -1, 0, 1),
      s(t([2, 2]), opt({ offset: 1, dim1: 0, dim2: 2 })),
      s(t([2, 2]), 0, -1, 0),
      s(t([1])),
      s(t([2, 0])),
      s(i32([2])),
      s(bools([1, 0])),
    ],
    { none: 'diagonal has the random cases' },
    [e(t([2]), 0, 0, 0), e(t([])), e(t([2]), 0, 0, 5)],
  ),
  movedim: op(
    [
      s(t([2, 3, 4]), 0, -1),
      s(t([2, 3, 4]), [0, 2], [1, 0]),
      s(f64([2, 3]), [], []),
      s(t([]), 0, 0),
      s(i32([0, 2]), 1, 0),
    ],
    rearrange(
      (shape, choose) => {
        const from = choose.int(0, shape.length - 1)
        const to = choose.int(0, shape.length - 1)
        const order = shape.map((_, d) => d).filter((d) => d !== from)
        order.splice(to, 0, from)
        return {
          args: [signed(choose, from, shape.length), signed(choose, to, shape.length)],
          shape: order.map((d) => shape[d]),
          from: (index) => shape.map((_, d) => index[order.indexOf(d)]),
        }
      },
      { minRank: 1 },
    ),
    [e(t([2, 3]), 0, 2), e(t([2, 3]), [0, 1], [0]), e(t([2, 3]), [0, 0], [0, 1]), e(t([2, 3]), [0, 1], [1, -1])],
  ),
  moveaxis: op([s(t([2, 3, 4]), 0, 2)], alias),
  swapaxes: op([s(t([2, 3, 4]), 0, 2)], alias, [e(t([2, 3]), 0, 2)]),
  swapdims: op([s(t([2, 3, 4]), 0, -1)], alias, [e(t([2, 3]), 0, 2)]),
  unflatten: op(
    [s(t([2, 6]), 1, [3, 2]), s(t([6]), 0, [-1, 2]), s(f64([2, 4]), -1, [2, 1, -1]), core(s(i32([0, 2]), 0, [0, 2]))],
    { none: 'a view' },
    [e(t([6]), 0, [4, 2]), e(t([6]), 0, [4, -1]), e(t([6]), 1, [2, 3]), e(t([]), 0, [1, 1])],
  ),
  broadcastTo: op([s(t([3]), [2, 3]), s(t([2, 1]), [-1, 3]), s(i32([]), [2])], { none: 'expand has them' }, [
    e(t([2, 3]), [3]),
    e(t([2, 3]), [2, 4]),
  ]),
  roll: op(
    [
      s(t([2, 3]), 1),
      s(t([2, 3]), -4),
      s(t([2, 3]), 1, 0),
      s(t([2, 3]), [1, -1], [0, 1]),
      s(f64([2, 3]), [5, 1], [-1, -1]),
      s(t([2, 3]), 3, opt({ dims: 1 })),
      s(t([]), 1),
      s(t([0, 3]), 1, 1),
      s(i32([3]), 1),
      s(bool([3]), 1, 0),
    ],
    rearrange(
      (shape, choose) => {
        const dim = choose.int(0, shape.length - 1)
        const shift = choose.int(-5, 5)
        const n = shape[dim]
        return {
          args: [shift, signed(choose, dim, shape.length)],
          shape,
          from: (index) => index.map((i, d) => (d === dim ? (((i - shift) % n) + n) % n : i)),
        }
      },
      { minRank: 1 },
    ),
    [
      e(t([2, 3]), 1, 2),
      e(t([2, 3]), [1, 2], 0),
      e(t([2, 3]), [1, 2]),
      e(t([2, 3]), [], []),
      e(t([]), 1, 0),
      e(t([2, 3]), 1, [0, 1]),
    ],
  ),
  rot90: op(
    [
      s(t([2, 3])),
      s(t([2, 3]), 2),
      s(t([2, 3]), -1),
      s(t([2, 3]), 4),
      s(f64([2, 3, 2]), 1, [1, -1]),
      s(t([2, 3]), opt({ k: 3, dims: [1, 0] })),
      s(t([0, 3])),
      s(i32([2, 2])),
      s(bool([2, 2])),
    ],
    { none: 'flip and transpose have them' },
    [
      e(t([2, 3]), 1, [0]),
      e(t([3]), 1, [0, 1]),
      e(t([2, 3]), 1, [0, 0]),
      e(t([2, 3]), 1, [0, 2]),
      e(t([2, 3]), 1, [0, 3]),
    ],
  ),
  hstack: joined([4, 4]),
  vstack: joined(),
  rowStack: joined(),
  dstack: joined(),
  columnStack: joined([2, 2]),
  atleast1d: lifted(2, 3),
  atleast2d: lifted(2, 3),
  atleast3d: lifted(2, 3),
  blockDiag: op(
    [
      s([t([2, 2]), t([3]), t([])]),
      s([t([2]), f64([1, 2])]),
      s([i32([2, 1]), t([2])]),
      core(s([t([2]), t([1, 0]), t([0])])),
      core(s([bools([1, 0]), bools([1])])),
    ],
    loops,
    [e([t([2]), t([2, 2, 2])])],
  ),
  tensorSplit: op(
    [
      s(t([5, 2]), 3),
      s(t([5, 2]), [1, 3]),
      s(t([2, 5]), 2, -1),
      s(f64([3]), [1, 5, 2]),
      s(t([3]), [-1]),
      s(t([4]), ints([1, 2])),
      s(t([4]), ints(3)),
      s(i32([0, 2]), 2),
      core(s(t([2, 3]), [1], opt({ dim: 1 }))),
    ],
    loops,
    [e(t([3]), 0), e(t([]), 1), e(t([3]), 2, 1), e(t([3]), ints([1], [1, 1]))],
  ),
  hsplit: cut(2, []),
  vsplit: cut(2, [3]),
  dsplit: cut(3, [3, 2]),
  broadcastTensors: op([s([t([2, 1]), f64([3]), i32([])]), s([t([0, 1]), t([3])])], loops, [e([t([2, 3]), t([2])])]),
  meshgrid: op(
    [
      s([t([2]), t([3])]),
      s([t([2]), t([3]), t([2])], opt({ indexing: 'xy' })),
      s([f64([2]), f64([])], opt({ indexing: 'ij' })),
      s([t([2])], opt({ indexing: 'xy' })),
      s([i32([2]), i32([0])]),
    ],
    loops,
    [e([t([2]), f64([2])]), e([]), e([t([2]), t([2])], opt({ indexing: 'ab' }))],
  ),
  cartesianProd: op(
    [s([t([2]), t([3])]), s([f64([2]), f64([1]), f64([2])]), s([t([2])]), s([i32([2]), i32([0])])],
    loops,
    [e([t([2, 2]), t([2])]), e([i32([2]), t([2])])],
  ),
  combinations: op(
    [
      s(t([4])),
      s(t([3]), 3),
      s(f64([3]), 2, true),
      s(t([3]), opt({ r: 1, withReplacement: true })),
      s(i32([2]), 3),
      s(t([2]), 0),
    ],
    { none: 'indexSelect and stack have them' },
    [e(t([2, 2])), e(t([2]), -1)],
  ),
  vander: op(
    [
      s(t([3])),
      s(t([3]), 2),
      s(f64([2]), 4, true),
      s(t([2]), opt({ increasing: true })),
      s(i32([3])),
      s(v([0, 2])),
      s(doubles([2, 3]), 1),
      s(t([2]), 0),
      s(u8([2], { high: 4 })),
    ],
    { none: 'powers' },
    [e(t([2, 2])), e(t([3]), -1)],
  ),
  'linalg.vander': op(
    [
      s(t([3])),
      s(t([2, 3]), opt({ N: 4 })),
      core(s(f64([2, 2]), opt({ N: 3 }))),
      core(s(i32([2, 3]), opt({ N: 2 }))),
      core(s(u8([2], { high: 4 }))),
    ],
    { none: 'powers' },
    [e(t([])), e(t([3]), opt({ N: 1 })), e(bools([1, 0]))],
  ),
  fliplr: op([s(t([2, 3])), core(s(i32([2, 2, 2]))), core(s(t([2, 0])))], { none: 'flip has them' }, [e(t([3]))]),
  flipud: op([s(t([3])), core(s(f64([3, 2]))), core(s(bool([2])))], { none: 'flip has them' }, [e(t([]))]),
  asStrided: op(
    [
      s(t([6]), [2, 2], [1, 2]),
      s(t([2, 3]), [3, 2], [1, 1], 1),
      s(t([4]), [2, 3], [0, 1]),
      core(s(f64([3, 4]), [2, 2], [5, 2], opt({ storageOffset: 2 }))),
      core(s(i32([4]), [2], [3])),
      core(s(t([2]), [], [])),
      core(s(t([3]), [0, 2], [9, 9])),
    ],
    { none: 'the gradient follows from the layout, as that of every view' },
    [
      e(t([3]), [2, 2], [1]),
      e(t([3]), [2], [-1]),
      e(t([3]), [4], [1]),
      e(t([3]), [2], [2], 1),
      e(t([3]), [2], [1], -1),
    ],
  ),
  asStridedScatter: op(
    [
      s(t([6]), t([2, 2]), [2, 2], [1, 2]),
      s(t([2, 3]), t([2]), [2], [3], 1),
      core(s(f64([4]), t([2]), [2], [2], opt({ storageOffset: 1 }))),
      core(s(i32([4]), i32([2]), [2], [3])),
    ],
    embedded,
    [
      e(t([6]), t([2]), [2, 2], [1, 2]),
      e(t([6]), t([3]), [3], [3]),
      e(t([6]), t([3]), [3], [0]),
      e(t([6]), t([3]), [3], [1, 2]),
    ],
  ),
  selectScatter: op(
    [
      s(t([3, 2]), t([2]), 0, 1),
      s(t([2, 3]), t([2]), -1, -3),
      core(s(f64([2, 2, 3]), t([2, 3]), 1, 0)),
      core(s(i32([3, 2]), i32([2]), 0, 2)),
    ],
    embedded,
    [e(t([2, 3]), t([2]), 0, 1), e(t([2, 3]), t([3]), 0, 5), e(t([2, 3]), t([3]), 3, 0), e(t([]), t([]), 0, 0)],
  ),
  sliceScatter: op(
    [
      s(t([4, 2]), t([2, 2]), 0, 1, 3),
      s(t([2, 5]), t([2, 2]), 1, 0, 4, 2),
      core(s(f64([4]), f64([2]), opt({ dim: -1, start: -2, end: 4 }))),
      core(s(t([3, 2]), t([3, 0]), 1, 2, 1)),
      core(s(bool([4]), bool([1]), 0, 3, 4)),
    ],
    embedded,
    [e(t([2, 3]), t([2, 1]), 1, 0, 2), e(t([2, 3]), t([2, 1]), 1, 0, 3, 0), e(t([2, 3]), t([2, 3]), 2, 0, 1)],
  ),
  diagonalScatter: op(
    [
      s(t([3, 4]), t([3])),
      s(t([2, 4]), t([2]), 1),
      core(s(f64([2, 3, 2]), f64([3, 1]), opt({ offset: -1, dim1: 2, dim2: 0 }))),
      core(s(i32([2, 2]), i32([2]))),
    ],
    embedded,
    [e(t([2, 3]), t([3])), e(t([2, 3]), t([2]), 0, 1, 1)],
  ),
} satisfies Record<string, OpSamples>
