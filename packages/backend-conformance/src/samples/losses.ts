// Samples of the losses and of the layers' functions: every reduction, weights, ignored and soft targets, the clamped
// logarithm of BCE, and PyTorch's errors for sizes, dtypes and classes.
import { type OpSamples, op } from '../prepare.ts'
import { e, f64, i32, ints, kink, opt, s, t, v } from '../sample.ts'

const none = { none: 'composed of ops that have random cases of their own' }
const sum = opt({ reduction: 'sum' })
const each = opt({ reduction: 'none' })
const unit = { low: 0.05, high: 0.95 }
const fixed = { grad: false }

export const losses = {
  mseLoss: op(
    [
      s(t([3]), t([3])),
      s(t([2, 3]), t([2, 3]), sum),
      s(t([2, 3]), t([2, 3]), each),
      s(f64([4]), f64([4])),
      s(t([3], fixed), f64([3], fixed)),
      s(t([0]), t([0]), sum),
      kink('no value', s(t([0]), t([0]))),
      s(t([]), t([])),
    ],
    none,
    [e(t([2]), t([3])), e(t([2]), t([2]), opt({ reduction: 'avg' }))],
  ),
  l1Loss: op(
    [
      s(t([3]), t([3])),
      s(t([2, 3]), t([2, 3]), sum),
      s(t([2, 3]), t([2, 3]), each),
      s(f64([4]), f64([4])),
      kink('the corner at 0', s(v([1, 2]), v([1, 3]))),
    ],
    none,
    [e(t([2]), t([3]))],
  ),
  binaryCrossEntropy: op(
    [
      s(t([4], unit), t([4], { ...unit, ...fixed })),
      s(t([2, 3], unit), v([0, 1, 1, 0, 0, 1], [2, 3], fixed), sum),
      s(t([2, 3], unit), v([0, 1, 1, 0, 0, 1], [2, 3], fixed), each),
      s(f64([4], unit), f64([4], { ...unit, ...fixed })),
      s(t([3], unit), v([0, 1, 1], [3], fixed), opt({ weight: v([0.5, 1, 2], [3], fixed) })),
      kink('the clamped logarithm', s(v([0, 0, 1, 1]), v([0, 1, 0, 1], [4], fixed), each)),
      kink('the clamped logarithm', s(v([0, 1, 0.5]), v([1, 1, 0], [3], fixed))),
    ],
    none,
    [
      e(v([0.5, 1.5]), v([0, 1])),
      e(v([-0.1, 0.5]), v([0, 1])),
      e(v([0.5, 0.5]), v([0, 1, 1])),
      e(v([0.5, 0.5]), ints([0, 1])),
      e(v([Number.NaN, 0.5]), v([0, 1])),
    ],
  ),
  binaryCrossEntropyWithLogits: op(
    [
      s(t([4]), t([4], { ...unit, ...fixed })),
      s(t([2, 3]), v([0, 1, 1, 0, 0, 1], [2, 3], fixed), sum),
      s(t([2, 3]), v([0, 1, 1, 0, 0, 1], [2, 3], fixed), each),
      s(f64([4]), f64([4], { ...unit, ...fixed })),
      s(v([100, -100, 50, -50]), v([0, 1, 1, 0], [4], fixed), each),
      s(t([2, 3]), v([0, 1, 1, 0, 0, 1], [2, 3], fixed), opt({ posWeight: v([0.5, 1, 2], [3], fixed) })),
      s(t([3]), v([0, 1, 1], [3], fixed), opt({ weight: v([0.5, 1, 2], [3], fixed) })),
    ],
    none,
    [e(v([0.5, 0.5]), v([0, 1, 1]))],
  ),
  nllLoss: op(
    [
      s(t([3, 4]), ints([0, 3, 1])),
      s(t([3, 4]), ints([0, 3, 1]), sum),
      s(t([3, 4]), ints([0, 3, 1]), each),
      s(f64([2, 3]), ints([2, 2])),
      s(t([3, 4]), ints([0, -100, 1])),
      s(t([3, 4]), ints([0, 2, 1]), opt({ ignoreIndex: 2 })),
      s(t([3, 4]), ints([0, 3, 1]), opt({ weight: v([1, 2, 0.5, 3], [4], fixed) })),
      s(t([3, 4]), ints([0, 3, 1]), opt({ weight: v([1, 2, 0.5, 3], [4], fixed), reduction: 'none' })),
      s(t([4]), ints(2)),
      s(t([2, 3, 2]), ints([0, 2, 1, 1], [2, 2])),
      kink('no target', s(t([2, 3]), ints([-100, -100]))),
    ],
    none,
    [
      e(t([3, 4]), ints([0, 4, 1])),
      e(t([3, 4]), ints([0, -1, 1])),
      e(t([3, 4]), ints([0, 1])),
      e(t([3, 4]), v([0, 1, 2])),
    ],
  ),
  crossEntropy: op(
    [
      s(t([3, 4]), ints([0, 3, 1])),
      s(t([3, 4]), ints([0, 3, 1]), sum),
      s(t([3, 4]), ints([0, 3, 1]), each),
      s(f64([2, 3]), ints([2, 2])),
      s(t([3, 4]), ints([0, -100, 1])),
      s(t([3, 4]), ints([0, 2, 1]), opt({ ignoreIndex: 2 })),
      s(t([3, 4]), ints([0, 3, 1]), opt({ weight: v([1, 2, 0.5, 3], [4], fixed) })),
      s(t([3, 4]), ints([0, 3, 1]), opt({ labelSmoothing: 0.1 })),
      s(t([3, 4]), ints([0, 3, 1]), opt({ labelSmoothing: 0.1, weight: v([1, 2, 0.5, 3], [4], fixed) })),
      s(t([2, 3]), v([0.2, 0.3, 0.5, 1, 0, 0], [2, 3])),
      s(t([2, 3]), v([0.2, 0.3, 0.5, 1, 0, 0], [2, 3]), each),
      s(
        t([2, 3]),
        v([0.2, 0.3, 0.5, 1, 0, 0], [2, 3], fixed),
        opt({ labelSmoothing: 0.2, weight: v([1, 2, 0.5], [3], fixed) }),
      ),
      s(t([4]), ints(2)),
      s(t([2, 3, 2]), ints([0, 2, 1, 1], [2, 2])),
      s(v([100, -100, 0], [1, 3]), ints([1])),
    ],
    none,
    [
      e(t([3, 4]), ints([0, 4, 1])),
      e(t([3, 4]), ints([0, 1])),
      e(t([3, 4]), v([0, 1, 2])),
      e(t([3, 4]), t([3, 3])),
      e(t([3, 4]), i32([3, 4])),
    ],
  ),
  batchNorm: op(
    [
      s(t([4, 3]), t([3], fixed), t([3], { low: 0.5, high: 2, ...fixed })),
      s(t([4, 3]), t([3], fixed), t([3], { low: 0.5, high: 2, ...fixed }), t([3]), t([3])),
      s(t([2, 3, 4]), t([3], fixed), t([3], { low: 0.5, high: 2, ...fixed }), t([3]), t([3])),
      s(t([4, 3]), null, null, t([3]), t([3]), opt({ training: true })),
      s(f64([4, 2]), null, null, f64([2]), f64([2]), opt({ training: true, eps: 1e-3 })),
    ],
    none,
    [e(t([1, 3]), null, null, opt({ training: true }))],
  ),
} satisfies Record<string, OpSamples>
