// Samples of the products: every pair of ranks that matmul accepts, inner dimensions of 0 and 1, and batches that
// broadcast.
import { type Choose, drawShape, drawTensor, nd, product } from '../property.ts'
import { type OpSamples, op } from '../prepare.ts'
import { core, e, e2, f64, i32, kink, opt, s, t, v } from '../sample.ts'

const nan = Number.NaN
const inf = Number.POSITIVE_INFINITY
const mixed = {
  error: 'RuntimeError',
  message: 'expected m1 and m2 to have the same dtype, but got: double != float',
  why: "2.x's words; 1.13 says expected scalar type Double but found Float",
}
const size = (choose: Choose) => choose.int(0, 4)
const near = 1e-12

export const matmul = {
  matmul: op(
    [
      s(t([2, 3]), t([3, 4])),
      s(t([3]), t([3])),
      s(t([2, 3]), t([3])),
      s(t([3]), t([3, 2])),
      s(t([2, 2, 3]), t([2, 3, 2])),
      s(t([2, 2, 3]), t([3, 2])),
      s(t([2, 2, 3]), t([3])),
      s(t([3]), t([2, 3, 2])),
      s(t([2, 3]), t([2, 3, 2])),
      s(t([2, 1, 2, 3]), t([3, 3, 2])),
      s(f64([2, 3]), f64([3, 2])),
      s(i32([2, 3]), i32([3, 2])),
      s(t([2, 0]), t([0, 3])),
      s(t([0, 3]), t([3, 2])),
      s(t([0]), t([0])),
      s(t([9, 17]), t([17, 11])),
      kink('NaN and infinity', s(v([nan, 1, inf, 0], [2, 2]), v([0, 1, 2, 0], [2, 2]))),
    ],
    (choose) => {
      const batch = drawShape(choose, 2)
      const [m, k, n] = [size(choose), size(choose), size(choose)]
      const other = batch.slice(choose.int(0, batch.length)).map((x) => (choose.int(0, 2) === 0 ? 1 : x))
      const a = drawTensor(choose, [...batch, m, k])
      const b = drawTensor(choose, [...other, k, n])
      return { args: [a, b], expected: [product(a, b)], tolerance: near }
    },
    [
      e(t([2, 3]), t([2, 3])),
      e(t([4, 5]), t([3, 2])),
      e(t([2, 3]), t([2])),
      e(t([2]), t([3, 2])),
      e(t([2]), t([3])),
      e(t([2, 4, 3]), t([2, 4, 3])),
      e(t([2, 2, 3]), t([3, 3, 2])),
      e(t([]), t([2])),
    ],
  ),
  mm: op(
    [
      s(t([2, 3]), t([3, 4])),
      s(f64([2, 3]), f64([3, 1])),
      s(i32([2, 2]), i32([2, 2])),
      s(t([2, 0]), t([0, 3])),
      s(t([1, 1]), t([1, 1])),
    ],
    (choose) => {
      const [m, k, n] = [size(choose), size(choose), size(choose)]
      const a = drawTensor(choose, [m, k])
      const b = drawTensor(choose, [k, n])
      return { args: [a, b], expected: [product(a, b)], tolerance: near }
    },
    [e(t([2, 3]), t([2, 3])), e2(mixed, f64([2, 3]), t([3, 2])), e(t([2]), t([2, 3])), e(t([2, 3]), t([3]))],
  ),
  bmm: op(
    [
      s(t([2, 2, 3]), t([2, 3, 2])),
      s(f64([1, 2, 2]), f64([1, 2, 1])),
      s(i32([2, 1, 2]), i32([2, 2, 1])),
      s(t([0, 2, 3]), t([0, 3, 2])),
      s(t([2, 2, 0]), t([2, 0, 2])),
    ],
    (choose) => {
      const [b, m, k, n] = [size(choose), size(choose), size(choose), size(choose)]
      const x = drawTensor(choose, [b, m, k])
      const y = drawTensor(choose, [b, k, n])
      return { args: [x, y], expected: [product(x, y)], tolerance: near }
    },
    [e(t([2, 3, 4]), t([2, 3, 4])), e(t([2, 3, 4]), t([3, 4, 2])), e(t([3, 4]), t([2, 4, 2]))],
  ),
  mv: op(
    [
      s(t([2, 3]), t([3])),
      s(f64([3, 2]), f64([2])),
      s(t([0, 3]), t([3])),
      s(t([2, 0]), t([0])),
      s(i32([2, 2]), i32([2])),
    ],
    (choose) => {
      const [m, k] = [size(choose), size(choose)]
      const a = drawTensor(choose, [m, k])
      const b = drawTensor(choose, [k])
      const out = product(a, { ...b, shape: [k, 1] })
      return { args: [a, b], expected: [nd([m], out.values)], tolerance: near }
    },
    [e(t([2, 3]), t([2])), e(t([2]), t([2]))],
  ),
  dot: op(
    [s(t([3]), t([3])), s(f64([4]), f64([4])), s(t([0]), t([0])), s(i32([3]), i32([3]))],
    (choose) => {
      const k = size(choose)
      const a = drawTensor(choose, [k])
      const b = drawTensor(choose, [k])
      const out = product({ ...a, shape: [1, k] }, { ...b, shape: [k, 1] })
      return { args: [a, b], expected: [nd([], out.values)], tolerance: near }
    },
    [e(t([2]), t([3])), e(t([2, 2]), t([2]))],
  ),
  addmm: op(
    [
      s(t([2, 4]), t([2, 3]), t([3, 4])),
      s(t([4]), t([2, 3]), t([3, 4])),
      s(t([]), t([2, 3]), t([3, 2])),
      s(t([2, 2]), t([2, 3]), t([3, 2]), opt({ beta: 0.5, alpha: 2 })),
      s(f64([1, 2]), f64([2, 3]), f64([3, 2])),
      s(t([2, 3]), t([2, 0]), t([0, 3])),
      kink('NaN', s(v([nan, 1]), t([2, 3]), t([3, 2]), opt({ beta: 0 }))),
      core(s(i32([2]), i32([2, 3]), i32([3, 2]), opt({ beta: 0.5, alpha: 2.5 }))),
    ],
    (choose) => {
      const [m, k, n] = [size(choose), size(choose), size(choose)]
      const a = drawTensor(choose, [m, k])
      const b = drawTensor(choose, [k, n])
      const c = drawTensor(choose, [n])
      const out = product(a, b)
      return {
        args: [c, a, b],
        expected: [
          nd(
            out.shape,
            out.values.map((x, i) => x + (c.values as readonly number[])[i % n]),
          ),
        ],
        tolerance: near,
      }
    },
    [e(t([2, 4]), t([2, 3]), t([2, 4])), e(t([3]), t([2, 3]), t([3, 2]))],
  ),
  linear: op(
    [
      s(t([4, 3]), t([2, 3])),
      s(t([4, 3]), t([2, 3]), t([2])),
      s(t([3]), t([2, 3]), t([2])),
      s(t([2, 2, 3]), t([2, 3]), t([2])),
      s(f64([4, 3]), f64([1, 3]), f64([1])),
      s(t([0, 3]), t([2, 3]), t([2])),
    ],
    (choose) => {
      const [m, k, n] = [size(choose), size(choose), size(choose)]
      const x = drawTensor(choose, [m, k])
      const w = drawTensor(choose, [n, k])
      const b = drawTensor(choose, [n])
      const turned = Array.from(
        { length: k * n },
        (_, i) => (w.values as readonly number[])[(i % n) * k + Math.floor(i / n)],
      )
      const out = product(x, nd([k, n], turned))
      return {
        args: [x, w, b],
        expected: [
          nd(
            out.shape,
            out.values.map((y, i) => y + (b.values as readonly number[])[i % n]),
          ),
        ],
        tolerance: near,
      }
    },
    [e(t([4, 5]), t([2, 3]), t([2]))],
  ),
} satisfies Record<string, OpSamples>
