// Samples of the ops that write slices along a dimension by an index vector, read and write by positions, repeat
// slices, and look up rows of tables.
import { type OpSamples, op } from '../prepare.ts'
import { bool, bools, bytes, core, e, e2, f64, i32, ints, kink, opt, s, t, v } from '../sample.ts'

const loops = { none: 'scatter and gather have the random cases' }

const padded = (sample: ReturnType<typeof s>) => kink('the row of the padding has no gradient', sample)

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
  embedding: op(
    [
      s(ints([2, 0, 2, 1], [2, 2]), t([3, 2])),
      padded(s(ints([3, 1, 1]), t([4, 3]), -1)),
      core(padded(s(ints([2, 0, 2]), f64([3, 2]), opt({ paddingIdx: 0 })))),
      core(s(ints(1), t([3, 2]))),
      core(s(ints([], [2, 0]), t([3, 2]))),
      core(s(ints([1, 0]), i32([3, 2]))),
      core(kink('a gradient divided by counts', s(ints([1, 0, 1]), t([3, 2]), opt({ scaleGradByFreq: true })))),
    ],
    loops,
    [
      e(ints([1, 4]), t([4, 3])),
      e(ints([1, -1]), t([4, 3])),
      e(v([1]), t([4, 3])),
      e(bools([1]), t([4, 3])),
      e(bytes([1]), t([4, 3])),
      e(ints([1]), t([3])),
      e(ints([1]), t([4, 3]), 4),
      e(ints([1]), t([4, 3]), opt({ paddingIdx: -5 })),
      e(ints([1]), t([0, 3])),
    ],
  ),
  embeddingBag: op(
    [
      s(ints([2, 0, 2, 1, 1, 3], [2, 3]), t([4, 2])),
      s(ints([2, 0, 2, 1]), t([5, 3]), ints([0, 2, 2]), opt({ mode: 'sum', perSampleWeights: t([4]) })),
      s(ints([2, 0, 1, 1, 3]), t([4, 2]), ints([0, 3, 3]), opt({ mode: 'max' })),
      core(s(ints([2, 0, 2, 1]), f64([3, 2]), ints([0, 3]), opt({ paddingIdx: -1 }))),
      core(s(ints([2, 0, 1, 1]), t([3, 2]), ints([0, 1]), opt({ mode: 'max', paddingIdx: 2 }))),
      core(s(ints([2, 0, 2, 1]), t([3, 2]), ints([0, 1, 4]), opt({ mode: 'sum', includeLastOffset: true }))),
      core(s(ints([]), t([3, 2]), ints([0, 0]))),
      core(kink('a tie', s(ints([1, 1, 0], [1, 3]), v([1, 1, 1, 2], [2, 2]), opt({ mode: 'max' })))),
      core(
        kink(
          'a gradient divided by counts',
          s(ints([1, 0, 1]), t([3, 2]), ints([0, 2]), opt({ scaleGradByFreq: true, mode: 'sum' })),
        ),
      ),
    ],
    loops,
    [
      e(ints([0, 1]), t([4, 3])),
      e(ints([0, 1]), t([4, 3]), ints([0], [1, 1])),
      e(ints([0, 1], [1, 2]), t([4, 3]), ints([0])),
      e(ints([0, 1], [1, 1, 2]), t([4, 3])),
      e(ints([0, 1]), t([4, 3]), ints([0, 3])),
      e(ints([0, 1]), t([4, 3]), ints([0]), opt({ mode: 'min' })),
      e(ints([0, 1]), t([4, 3]), ints([0]), opt({ mode: 'max', scaleGradByFreq: true })),
      e(ints([0, 1]), t([4, 3]), ints([0]), opt({ perSampleWeights: t([2]) })),
      e(ints([0, 1]), t([4, 3]), ints([0]), opt({ mode: 'sum', perSampleWeights: t([3]) })),
      e(ints([0, 1]), t([4, 3]), ints([0]), opt({ mode: 'sum', perSampleWeights: f64([2]) })),
      e(v([0, 1]), t([4, 3]), ints([0])),
      e(ints([0, 1]), i32([4, 3]), ints([0])),
      e(ints([0, 1]), t([4, 3]), ints([0]), opt({ paddingIdx: 7 })),
      e2(
        {
          error: 'IndexError',
          message: 'index out of range in self',
          why: 'PyTorch names a line of its C++',
        },
        ints([0, 4]),
        t([4, 3]),
        ints([0]),
      ),
      e2(
        {
          error: 'RuntimeError',
          message:
            'offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got 1',
          why: 'PyTorch adds how it prints no tensor',
        },
        ints([0, 1]),
        t([4, 3]),
        ints([1]),
      ),
    ],
  ),
} satisfies Record<string, OpSamples>
