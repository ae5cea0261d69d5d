// Samples of activations that are no methods, of norms and of distances of vectors: on both sides of their kinks, with
// their parameters, and PyTorch's errors.
import { type OpSamples, op } from '../prepare.ts'
import { bool, core, e, f64, i32, ints, kink, opt, s, seeded, t, u8, v } from '../sample.ts'

const none = { none: 'its kernel is made like those of elementwise ops, whose shapes are random' }
const x = v([-7.3, -3.4, -1.6, -0.7, -0.2, 0.3, 0.9, 2.1, 4.6, 25], [2, 5])
/** Floating point only. */
const refused = [e(i32([3])), e(bool([3]))]
const corner = (...at: number[]) => core(kink('a kink', s(v(at))))

export const activations = {
  elu: op([s(x), core(s(x, 0.5)), core(s(f64([3]), opt({ alpha: 2 }))), corner(0, -0)], none, refused),
  celu: op([s(x), core(s(x, 0.5)), corner(0)], none, [e(t([2]), 0), ...refused]),
  selu: op([s(x), core(s(f64([3]))), corner(0)], none, refused),
  gelu: op(
    [s(x), s(v([-1.6, -0.7, 0.3, 2.1]), opt({ approximate: 'tanh' })), core(s(f64([3]), opt({ approximate: 'tanh' })))],
    none,
    [e(t([2]), opt({ approximate: 'erf' })), ...refused],
  ),
  silu: op([s(x), core(s(f64([3])))], none, refused),
  mish: op([s(x), core(s(f64([3])))], none, refused),
  softplus: op([s(x), core(s(x, 2, 3)), core(s(f64([3]), opt({ beta: 0.5 })))], none, refused),
  logsigmoid: op([s(x), core(s(f64([3]))), core(s(v(0)))], none, refused),
  softsign: op([s(x), core(s(ints([-3, 0, 2])))], none, [e(bool([2]))]),
  tanhshrink: op([s(x), core(s(ints([-3, 0, 2])))], none, [e(bool([2]))]),
  hardshrink: op([s(x), core(s(x, 1)), corner(0.5, -0.5)], none, refused),
  softshrink: op([s(x), core(s(x, opt({ lambd: 1 }))), corner(0.5, -0.5)], none, [e(t([2]), -1), ...refused]),
  hardtanh: op([s(x), core(s(x, -2, 0.5)), core(s(ints([-3, 0, 2]))), core(s(x, 1, -1)), corner(1, -1)], none, [
    e(bool([2])),
    e(u8([2])),
  ]),
  relu6: op([s(x), core(s(ints([-3, 5, 8]))), corner(0, 6)], none, [e(bool([2]))]),
  hardswish: op([s(x), core(s(f64([3]))), corner(3, -3)], none, refused),
  hardsigmoid: op([s(x), corner(3, -3)], none, refused),
  threshold: op([s(x, 0.5, -2), core(s(ints([1, 2, 3]), 2, 7)), core(kink('a kink', s(v([1, 2]), 1, 3)))], none, [
    e(bool([2]), 1, 2),
  ]),
  glu: op([s(t([2, 4])), core(s(f64([4, 1]), 0)), core(s(t([2, 4, 1]), opt({ dim: -2 })))], none, [
    e(t([])),
    e(t([3])),
    e(t([4]), 2),
    e(i32([4])),
  ]),
  prelu: op(
    [
      s(t([2, 3, 2]), t([3])),
      core(s(t([4]), t([1]))),
      core(s(f64([2, 3]), f64([]))),
      core(s(v(-2), t([1]))),
      core(s(t([0, 3]), t([3]))),
    ],
    none,
    [
      e(t([2, 3]), t([2])),
      e(t([3]), t([3])),
      e(t([]), t([2])),
      e(t([2, 3]), t([3, 1])),
      e(t([2, 3]), f64([1])),
      e(i32([2, 3]), i32([1])),
    ],
  ),
  rrelu: op(
    [
      s(x),
      core(s(x, opt({ lower: 0.5, upper: 0.5 }))),
      core(seeded(0, s(t([9]), 0.1, 0.5, true))),
      core(seeded(1, s(f64([5]), opt({ training: true })))),
    ],
    none,
    [e(t([2]), 1, 0.5), ...refused],
  ),
  softmin: op([s(t([2, 3]), 1), core(s(f64([3]), opt({ dim: 0 })))], none, [e(i32([3]), 0), e(bool([3]), 0)]),
  normalize: op(
    [
      s(t([2, 3])),
      core(s(t([2, 3]), 1, 0)),
      core(s(t([2, 3, 2]), 3, -1)),
      core(s(f64([2, 3]), opt({ p: 1.5, dim: [0, 1] }))),
      core(kink('extremes', s(t([2, 3]), Number.POSITIVE_INFINITY))),
      core(kink('a count', s(t([2, 3]), 0))),
      core(kink('a norm of 0', s(v([0, 0, 3, 4], [2, 2])))),
    ],
    none,
    [e(t([3])), e(i32([2, 3])), e(bool([2, 3]))],
  ),
  cosineSimilarity: op(
    [
      s(t([2, 3]), t([2, 3])),
      core(s(t([2, 3, 2]), t([3, 2]), opt({ dim: -1 }))),
      core(s(t([2, 3]), f64([2, 3]))),
      core(kink('a length of 0', s(v([0, 0, 3, 4], [2, 2]), t([2, 2])))),
    ],
    none,
    [e(t([3]), t([3])), e(i32([2, 3]), i32([2, 3])), e(t([2, 3]), t([2, 4]))],
  ),
  pairwiseDistance: op(
    [
      s(t([2, 3]), t([2, 3])),
      core(s(t([2, 3]), t([3]), 1)),
      core(s(f64([2, 3]), f64([2, 3]), opt({ p: 3, keepdim: true }))),
      core(s(t([3]), t([3]), opt({ eps: 0.1 }))),
      core(s(t([]), t([]))),
      core(s(i32([2, 3]), i32([2, 3]))),
    ],
    none,
    [e(t([2, 3]), t([2, 4]))],
  ),
  pdist: op(
    [
      s(t([4, 3])),
      core(s(t([3, 2]), 1)),
      core(s(f64([3, 2]), opt({ p: 3 }))),
      core(s(t([3, 2]), 0)),
      core(s(t([1, 2]))),
      core(s(t([3, 0]))),
      core(kink('a distance of 0', s(v([1, 2, 1, 2, 0, 0], [3, 2])))),
    ],
    none,
    [e(t([3])), e(i32([3, 2])), e(t([3, 2]), -1)],
  ),
  gumbelSoftmax: op(
    [
      seeded(0, s(t([2, 3]))),
      core(seeded(1, s(f64([3, 2]), 0.5, opt({ dim: 0 })))),
      core(seeded(2, kink('the gradient is that of the softmax', s(t([2, 3]), 2, true)))),
      core(seeded(3, s(t([2, 9])))),
    ],
    none,
    [e(i32([3])), e(t([3]), opt({ dim: 2 }))],
  ),
} satisfies Record<string, OpSamples>
