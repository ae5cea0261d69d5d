// Samples of the ops that write slices along a dimension by an index vector, read and write by positions, and repeat
// slices.
import { type OpSamples, op } from '../prepare.ts'
import { bool, bools, bytes, core, e, f64, i32, ints, opt, s, t, v } from '../sample.ts'

const loops = { none: 'scatter and gather have the random cases' }

export const positions = {
  indexAdd: op(
    [
      s(t([3, 2]), 0, ints([0, 2, 0]), t([3, 2])),
      s(t([2, 3]), -1, ints([2]), t([2, 1]), opt({ alpha: -2 })),
      s(f64([3]), 0, ints([1, 1]), f64([2]), opt({ alpha: 0.5 })),
      s(t([]), 0, ints([0]), t([])),
      s(t([2, 2]), 0, ints([]), t([0, 2])),
      s(i32([3]), 0, ints([1, 1]), i32([2]), opt({ alpha: 2 })),
      core(s(bytes([250, 1]), 0, ints([0, 0]), bytes([3, 4]))),
    ],
    loops,
    [
      e(t([3, 2]), 0, ints([0, 1]), t([3, 2])),
      e(t([3, 2]), 0, ints([0, 1]), t([2, 3])),
      e(t([3, 2]), 0, ints([0, 1]), f64([2, 2])),
      e(t([3, 2]), 0, v([0, 1]), t([2, 2])),
      e(t([3, 2]), 0, ints([0, 1], [1, 2]), t([2, 2])),
      e(t([3, 2]), 5, ints([0, 1]), t([2, 2])),
      e(t([2, 3]), 1, ints([0, 1]), t([2])),
      e(t([3, 2]), 0, ints([0, 3]), t([2, 2])),
    ],
  ),
  indexCopy: op(
    [
      s(t([3, 2]), 0, ints([]), t([0, 2])),
      s(t([3, 2]), 0, ints([2, 0]), t([2, 2])),
      s(t([2, 3]), -1, ints([1]), t([2, 1])),
      s(f64([3]), 0, ints([1, 2]), f64([2])),
      s(t([]), 0, ints([0]), t([])),
      s(i32([3]), 0, ints([1]), i32([1])),
      core(s(bools([1, 0]), 0, ints([1]), bools([1]))),
    ],
    loops,
    [
      e(t([3, 2]), 0, ints([0, 1]), t([3, 2])),
      e(t([3, 2]), 0, ints([0, 1]), t([2, 3])),
      e(t([3, 2]), 0, ints([0, 1]), f64([2, 2])),
      e(t([3, 2]), 0, v([0, 1]), t([2, 2])),
      e(t([3, 2]), 0, ints([0, 1], [1, 2]), t([2, 2])),
      e(t([3, 2]), 0, ints([0, 1]), t([2])),
      e(t([2, 3]), 1, ints([3]), t([2, 1])),
    ],
  ),
  indexFill: op(
    [
      s(t([3, 2]), 0, ints([]), 7),
      s(t([3, 2]), 0, ints([0, -1]), 5),
      s(t([2, 3]), 1, ints([1]), t([])),
      s(f64([3]), -1, ints(0), -1),
      s(t([]), 0, ints([0]), 2),
      s(i32([3]), 0, ints([2]), 7),
      core(s(bool([3]), 0, ints([2]), true)),
    ],
    loops,
    [
      e(t([2, 3]), 1, ints([3]), 1),
      e(t([3, 2]), 0, ints([0, -4]), 1),
      e(t([3, 2]), 0, v([0, 1]), 1),
      e(t([3, 2]), 0, ints([0, 1], [1, 2]), 1),
      e(t([3, 2]), 0, ints([0]), t([2])),
    ],
  ),
  repeatInterleave: op(
    [
      s(t([2, 3]), 2),
      s(t([2, 3]), 3, 0),
      s(t([2, 3]), ints([2, 0, 1]), 1),
      s(f64([2, 3]), ints([2]), -1),
      s(t([3]), ints(2)),
      s(t([]), 3),
      s(t([2]), 0),
      s(ints([1, 0, 2])),
      s(i32([2]), 1),
    ],
    loops,
    [
      e(t([2, 3]), ints([1, 2]), 1),
      e(t([2]), ints([1, 2]), opt({ dim: 0, outputSize: 4 })),
      e(t([2, 3]), -1),
      e(t([2, 3]), ints([1, -2, 3]), 1),
      e(t([2, 3]), v([1, 2, 3]), 1),
      e(t([2, 3]), ints([1, 1, 1], [1, 3]), 1),
      e(t([2, 3]), 2, 5),
      e(t([]), 3, 0),
    ],
  ),
  take: op(
    [
      s(t([2, 3]), ints([0, -1, 4, 0], [2, 2])),
      s(f64([3]), ints(1)),
      s(t([]), ints([0, 0])),
      s(t([2]), ints([])),
      s(i32([2, 2]), ints([3])),
      s(bools([1, 0]), ints([1])),
    ],
    loops,
    [e(t([2, 3]), ints([6])), e(t([2, 3]), ints([-7])), e(t([2]), v([1])), e(t([0]), ints([0]))],
  ),
  put: op(
    [
      s(t([2, 3]), ints([0, -1]), t([2])),
      s(t([2, 3]), ints([1, 1, 5, 0], [2, 2]), t([4]), true),
      s(f64([3]), ints([2]), f64([1]), opt({ accumulate: true })),
      s(t([]), ints([0]), t([1])),
      s(i32([3]), ints([1]), i32([1])),
      core(s(bools([1, 0]), ints([0]), bools([0]))),
    ],
    loops,
    [
      e(t([3]), ints([3]), t([1])),
      e(t([3]), ints([0, 1]), t([1])),
      e(t([3]), v([0]), t([1])),
      e(t([3]), ints([0]), f64([1])),
      e(t([0]), ints([0]), t([1])),
    ],
  ),
  takeAlongDim: op(
    [
      s(t([2, 3]), ints([0, 2], [2, 1]), 1),
      s(t([2, 3]), ints([1, 0, 1], [1, 3]), 0),
      s(t([2, 3]), ints([2, 0], [1, 2]), -1),
      s(f64([2, 3]), ints([5, 0])),
      s(t([1, 3]), ints([0, 1, 2, 0], [2, 2]), 1),
      s(i32([3]), ints([2]), opt({ dim: 0 })),
    ],
    loops,
    [
      e(t([2, 3]), ints([1]), 0),
      e(t([2, 3]), v([1], [1, 1]), 0),
      e(t([2, 3]), ints([1, 2, 3, 0], [1, 4]), 0),
      e(t([]), ints(0), 0),
    ],
  ),
  maskedScatter: op(
    [
      s(t([2, 3]), bools([1, 0, 1]), t([6])),
      s(t([3]), bools([1, 0, 0, 1, 1, 0], [2, 3]), t([6])),
      s(f64([3]), bools([0, 1, 1]), f64([3])),
      s(t([2]), bools([0, 0]), t([0])),
      s(i32([3]), bools([1, 1, 0]), i32([3])),
      s(t([3]), bytes([1, 0, 1]), t([2, 2])),
    ],
    loops,
    [e(t([3]), bools([1, 1, 0]), t([1])), e(t([3]), bools([1, 1, 0]), f64([2])), e(t([3]), bools([1, 1]), t([3]))],
  ),
} satisfies Record<string, OpSamples>
