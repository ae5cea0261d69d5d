// Samples of the losses and of the layers' functions: every reduction, weights, ignored and soft targets, the clamped
// logarithm of BCE, and PyTorch's errors for sizes, dtypes and classes.
import { type OpSamples, op } from '../prepare.ts'
import { bool, core, e, f64, i32, ints, kink, opt, s, t, v } from '../sample.ts'

const none = { none: 'composed of ops that have random cases of their own' }
const sum = opt({ reduction: 'sum' })
const each = opt({ reduction: 'none' })
const unit = { low: 0.05, high: 0.95 }
const fixed = { grad: false }
const counts = v([0, 1, 3, 2], [2, 2], fixed)
const signs = v([1, -1, -1, 1], [2, 2], fixed)
const pairs = v([1, -1], [2], fixed)
const positive = { low: 0.2, high: 2 }
const four = t([2, 2])
/** Sizes that do not fit, and another reduction. */
const refused = [e(t([2]), t([3])), e(t([2]), t([2]), opt({ reduction: 'avg' }))]

const steps = f64([5, 2, 4])
const twoLabels = ints([1, 2, 3, 2, 2, 0], [2, 3])

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
  smoothL1Loss: op(
    [
      s(v([0.3, -2, 1.4, 0.2]), v([0.1, 1, 0, 0.9])),
      core(s(f64([2, 3]), t([2, 3]), opt({ beta: 0.5, reduction: 'sum' }))),
      core(s(four, ints([1, 0, 2, 1], [2, 2]), each)),
      core(kink('where the halves meet', s(v([1, 3, 0, -1]), v([0, 2, 0, 0], [4]), each))),
      core(kink('a corner', s(v([1, 3, 0.5]), v([0, 3, 2]), opt({ beta: 0 })))),
    ],
    none,
    [...refused, e(t([2]), t([2]), opt({ beta: -1 })), e(i32([2]), i32([2])), e(bool([2]), bool([2]))],
  ),
  huberLoss: op(
    [
      s(v([0.3, -2, 1.4, 0.2]), v([0.1, 1, 0, 0.9])),
      core(s(f64([2, 3]), f64([2, 3]), opt({ delta: 0.5, reduction: 'sum' }))),
      core(s(four, four, each)),
      core(kink('where the halves meet', s(v([1, 3, 0, -1]), v([0, 2, 0, 0], [4]), each))),
    ],
    none,
    [...refused, e(t([2]), t([2]), opt({ delta: 0 })), e(i32([2]), i32([2])), e(i32([2]), t([2]))],
  ),
  klDiv: op(
    [
      s(four, t([2, 2], unit), opt({ reduction: 'batchmean' })),
      core(s(four, four, opt({ reduction: 'sum', logTarget: true }))),
      core(s(four, t([2], unit), each)),
      core(s(f64([2]), f64([2], unit), sum)),
      core(kink('no probability', s(four, v([0, 0, 1, 0.5], [2, 2], fixed), sum))),
    ],
    none,
    [...refused, e(i32([2]), t([2])), e(t([2]), i32([2]))],
  ),
  poissonNllLoss: op(
    [
      s(four, counts),
      core(s(four, counts, opt({ full: true, reduction: 'sum' }))),
      core(s(t([2, 2], positive), ints([0, 1, 4, 2], [2, 2]), opt({ logInput: false, eps: 0.1, reduction: 'none' }))),
      core(s(i32([3]), i32([3]))),
    ],
    none,
    [...refused, e(t([2]), bool([2]), true, true)],
  ),
  gaussianNllLoss: op(
    [
      s(four, four, t([2, 2], positive)),
      core(s(four, four, t([2], positive), opt({ full: true, reduction: 'sum' }))),
      core(s(f64([2, 2]), t([2]), f64([2, 1], positive), each)),
      core(kink('the least variance', s(four, four, v([0, 1, 0.01, 2], [2, 2]), opt({ eps: 0.1 })))),
    ],
    none,
    [
      e(t([2]), t([2]), v([-1, 1])),
      e(t([2, 2]), t([2, 2]), t([3], positive)),
      e(t([2]), t([2]), ints([1, 2])),
      e(t([2]), t([2]), t([2], positive), opt({ reduction: 'avg' })),
    ],
  ),
  marginRankingLoss: op(
    [
      s(four, four, signs, opt({ margin: 0.3 })),
      core(s(f64([2, 2]), four, signs, opt({ reduction: 'sum' }))),
      core(s(four, t([1, 2]), signs, each)),
      core(kink('a corner', s(v([1, 2]), v([1, 1]), v([1, -1])))),
    ],
    none,
    [e(four, t([2]), signs), e(four, four, signs, 0, opt({ reduction: 'avg' })), e(bool([2]), bool([2]), bool([2]))],
  ),
  hingeEmbeddingLoss: op(
    [
      s(four, signs),
      core(s(f64([2, 2]), v([1, -1], [2], fixed), opt({ margin: 0.3, reduction: 'sum' }))),
      core(s(four, counts, each)),
      core(kink('a corner', s(v([1, 2]), v([-1, -1], [2], fixed)))),
    ],
    none,
    [...refused, e(i32([2]), i32([2])), e(bool([2]), bool([2]))],
  ),
  softMarginLoss: op(
    [
      s(four, signs),
      core(s(f64([2, 2]), v([1, -1], [2], fixed), sum)),
      core(s(four, ints([1, -1, -1, 1], [2, 2]), each)),
    ],
    none,
    [e(t([2]), t([3], fixed)), e(i32([2]), i32([2])), e(bool([2]), bool([2])), e(t([2]), t([2, 2], fixed))],
  ),
  cosineEmbeddingLoss: op(
    [
      s(t([2, 3]), t([2, 3]), pairs),
      core(s(f64([2, 3]), f64([2, 3]), v([-1, 1], [2], fixed), opt({ margin: -0.5, reduction: 'sum' }))),
      core(s(t([3]), t([3]), v(1, [], fixed))),
      core(s(i32([2, 3]), i32([2, 3]), ints([1, -1]), each)),
    ],
    none,
    [e(four, four, signs), e(t([2]), t([2]), pairs), e(four, four, v(1, [], fixed))],
  ),
  tripletMarginLoss: op(
    [
      s(t([2, 3]), t([2, 3]), t([2, 3])),
      core(s(t([2, 3]), t([2, 3]), t([2, 3]), 2, 1, 0.1, true, opt({ reduction: 'sum' }))),
      core(s(f64([2, 3]), f64([2, 3]), f64([1, 3]), opt({ p: 3, reduction: 'none' }))),
      core(s(t([3]), t([3]), t([3]))),
    ],
    none,
    [e(four, four, t([2])), e(four, four, t([2, 3]))],
  ),
  tripletMarginWithDistanceLoss: op(
    [
      s(t([2, 3]), t([2, 3]), t([2, 3]), opt({ margin: 3 })),
      core(s(four, four, four, opt({ swap: true, reduction: 'none' }))),
    ],
    none,
    [e(four, four, t([2, 3]))],
  ),
  multiMarginLoss: op(
    [
      // Of no rows, PyTorch's mean and sum are what was in memory.
      s(t([3, 4]), ints([0, 3, 1]), each),
      core(s(t([3, 4]), ints([0, 3, 1]), 2, 0.5, v([1, 2, 0.5, 3], [4], fixed), opt({ reduction: 'sum' }))),
      core(s(f64([3, 4]), ints([0, 3, 1]))),
      core(s(t([4]), ints(2))),
      core(kink('a corner', s(v([1, 2, 3], [1, 3]), ints([1])))),
    ],
    none,
    [
      e(t([3, 4]), ints([0, 4, 1])),
      e(t([3, 4]), ints([0, 1])),
      e(t([3, 4]), v([0, 1, 2])),
      e(t([3, 0]), ints([0, 0, 0])),
      e(t([2, 2]), ints([0, 1]), 3),
    ],
  ),
  multilabelMarginLoss: op(
    [
      s(t([2, 4]), ints([3, 0, -1, 1, 2, 2, 1, -1], [2, 4]), each),
      core(s(t([2, 4]), ints([3, 0, -1, 1, -1, 2, 1, -1], [2, 4]))),
      core(s(f64([4]), ints([3, 0, 1, 2]), sum)),
      core(kink('a corner', s(v([1, 2, 3], [1, 3]), ints([1, -1, -1], [1, 3])))),
    ],
    none,
    [e(t([2, 2]), ints([0, 2, 1, 1], [2, 2])), e(t([2, 2]), ints([0, 1])), e(t([2, 2]), t([2, 2]))],
  ),
  multilabelSoftMarginLoss: op(
    [
      s(t([2, 3]), v([0, 1, 1, 0, 0, 1], [2, 3], fixed)),
      core(s(t([2, 3]), v([0, 1, 1], [3], fixed), v([0.5, 1, 2], [3], fixed), opt({ reduction: 'sum' }))),
      core(s(f64([2, 3]), t([2, 3], unit), each)),
    ],
    none,
    [e(i32([3]), t([3])), e(t([3]), t([2])), e(t([]), t([])), e(t([2]), bool([2]))],
  ),
  ctcLoss: op(
    [
      s(steps, twoLabels, [5, 4], [3, 2], each),
      s(steps, twoLabels, ints([5, 4]), ints([3, 2])),
      core(s(steps, ints([1, 1, 3, 2, 2]), [5, 5], [3, 2], 0, 'sum')),
      core(s(f64([5, 2, 4]), ints([0, 1, 1, 0, -1, -1], [2, 3]), [5, 3], [3, 1], 2, 'none')),
      core(s(f64([4, 3]), ints([2, 2]), [4], [2], each)),
      core(s(f64([2, 2, 4]), twoLabels, [2, 2], [3, 2], opt({ reduction: 'none', zeroInfinity: true }))),
      core(kink('no alignment', s(f64([2, 2, 4]), twoLabels, [2, 2], [3, 2], each))),
      core(s(f64([3, 2, 4]), twoLabels, [3, 3], [0, 1])),
    ].map((sample) => kink('the gradient is that of a softmax, too', sample)),
    none,
    [
      e(steps, ints([1, 1, 3, 2]), [5, 5], [3, 2]),
      e(steps, twoLabels, [5, 4], [3, 2], 4),
      e(steps, twoLabels, [5, 4], [3, 2], -1),
      e(steps, twoLabels, [5], [3, 2]),
      e(steps, twoLabels, [5, 4], [3]),
      e(steps, twoLabels, [6, 4], [3, 2]),
      e(steps, twoLabels, [5, 4], [4, 2]),
      e(steps, twoLabels, v([5, 4]), ints([3, 2])),
      e(f64([4]), twoLabels, [5, 4], [3, 2]),
      e(i32([5, 2, 4]), twoLabels, [5, 4], [3, 2]),
      e(steps, ints([1, 2, 3], [1, 3]), [5, 4], [3, 2]),
      e(steps, ints([1, 2], [1, 1, 2]), [5, 4], [3, 2]),
      e(steps, twoLabels, [5, 4], [3, 2], 0, 'avg'),
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
