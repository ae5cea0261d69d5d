// Samples of the ops that create tensors from sizes, numbers and generators. Each sample sets the seed of the default
// generator first, so random results are compared with PyTorch's like any others.
import { type OpSamples, op } from '../prepare.ts'
import { type Choose, drawShape, nd } from '../property.ts'
import { core, bool, e, f64, i32, kink, opt, s, seeded, t, u8, unwritten, v } from '../sample.ts'

const filled = (make: (shape: number[]) => unknown[], value: number) => (choose: Choose) => {
  const shape = drawShape(choose)
  return {
    args: make(shape) as never[],
    expected: [
      nd(
        shape,
        Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => value),
        'float32',
      ),
    ],
    tolerance: 0,
  }
}
const none = { none: 'its only arguments are sizes and numbers; the samples cover the edge cases' }
const drawn = { none: "its values are compared with PyTorch's streams bit for bit" }
const like = [s(t([2, 3])), s(f64([2])), s(i32([2])), s(t([])), s(t([0, 2])), s(t([2]), opt({ dtype: 'int32' }))]
const sizes = [
  s([2, 3]),
  s([]),
  s([0, 2]),
  s([2], opt({ dtype: 'float64' })),
  s([2], opt({ dtype: 'int32' })),
  s([2], opt({ dtype: 'uint8' })),
  s([2], opt({ dtype: 'bool' })),
]
const negative = e([2, -1])

export const creation = {
  tensor: op(
    [
      s(3),
      s(2.5),
      s(true),
      s([1, 2, 3]),
      s([1, 2.5]),
      s([
        [1, 2],
        [3, 4],
      ]),
      s([true, false]),
      s([]),
      s([[], []]),
      s([1, 2], opt({ dtype: 'int32' })),
      s([1.7, -1.7], opt({ dtype: 'int32' })),
      s([1, 2], opt({ dtype: 'float64' })),
      s([0, 2], opt({ dtype: 'bool' })),
      s([0, 255], opt({ dtype: 'uint8' })),
      s([0.1], opt({ dtype: 'float64' })),
    ],
    none,
    [e([[1, 2], [3]])],
  ),
  empty: op(
    [unwritten(s([2, 3])), unwritten(s([])), unwritten(s([0, 2])), unwritten(s([2], opt({ dtype: 'int32' })))],
    none,
    [negative],
  ),
  emptyLike: op(
    [
      unwritten(s(t([2, 3]))),
      unwritten(s(i32([2]))),
      unwritten(s(t([]))),
      unwritten(s(t([2]), opt({ dtype: 'float64' }))),
    ],
    none,
  ),
  zeros: op(
    sizes,
    filled((shape) => [shape], 0),
    [negative],
  ),
  ones: op(
    sizes,
    filled((shape) => [shape], 1),
    [negative],
  ),
  full: op(
    [
      s([2, 3], 1.5),
      s([], 2.5),
      s([0, 2], 1.5),
      s([2], 7, opt({ dtype: 'int32' })),
      s([2], 2.5, opt({ dtype: 'float64' })),
      s([2], true),
      s([2], 1, opt({ dtype: 'bool' })),
    ],
    filled((shape) => [shape, 1.5], 1.5),
    [e([2, -1], 1.5)],
  ),
  zerosLike: op([...like, s(bool([2])), s(u8([2]))], none),
  onesLike: op([...like, s(bool([2])), s(u8([2]))], none),
  fullLike: op(
    [s(t([2, 3]), 1.5), s(i32([2]), 7), s(t([]), 2), s(t([2]), 2, opt({ dtype: 'float64' })), s(bool([2]), 1)],
    none,
  ),
  arange: op(
    [
      s(5),
      s(2, 5),
      s(0, 10, 3),
      s(5, 0, -2),
      s(0, 1, 0.25),
      s(3.5),
      s(3, opt({ dtype: 'float32' })),
      s(1, 2, 0.3, opt({ dtype: 'float64' })),
      s(0),
      s(3, 3),
      s(0.1, 1, 0.1),
      s(-3, 3),
    ],
    none,
    [e(0, 5, 0), e(5, 0), e(0, 5, -1)],
  ),
  linspace: op(
    [
      s(0, 1, 5),
      s(0, 1, 3),
      s(-2, 3, 7),
      s(3, -1, 4),
      s(0, 1, 1),
      s(0, 1, 0),
      s(0, 10, 4, opt({ dtype: 'float64' })),
      s(0, 10, 5, opt({ dtype: 'int32' })),
      s(0.1, 0.7, 11),
    ],
    none,
    [e(0, 1, -1)],
  ),
  logspace: op(
    [
      s(0, 2, 3),
      s(-1, 1, 5),
      s(0, 3, 4, 2),
      s(0, 2, 3, opt({ dtype: 'float64' })),
      s(0, 1, 1),
      s(0, 1, 0),
      s(0, 4, 5, opt({ base: 3 })),
    ],
    none,
    [e(0, 1, -1)],
  ),
  eye: op([s(3), s(2, 3), s(3, 2), s(0), s(2, opt({ dtype: 'int32' })), s(1, 0)], none, [e(-1)]),
  rand: op(
    [
      seeded(0, s([3])),
      seeded(42, s([2, 3])),
      seeded(1, s([])),
      seeded(1, s([0])),
      seeded(0, s([2], opt({ dtype: 'float64' }))),
      seeded(7, s([40])),
    ],
    drawn,
    [negative],
  ),
  randn: op(
    [
      seeded(0, s([3])),
      seeded(42, s([2, 3])),
      seeded(1, s([])),
      seeded(1, s([0])),
      seeded(0, s([16])),
      seeded(0, s([20])),
      seeded(3, s([5, 7])),
      seeded(0, s([5], opt({ dtype: 'float64' }))),
    ],
    drawn,
    [negative],
  ),
  randint: op(
    [
      seeded(0, s(0, 100, [6])),
      seeded(42, s(10, [2, 3])),
      seeded(1, s(-5, 5, [4])),
      seeded(1, s(0, 3, [0])),
      seeded(2, s(0, 10, [3], opt({ dtype: 'float32' }))),
    ],
    drawn,
    [e(5, 5, [2])],
  ),
  randperm: op(
    [seeded(0, s(10)), seeded(42, s(7)), seeded(1, s(0)), seeded(1, s(1)), seeded(1, s(4, opt({ dtype: 'float32' })))],
    drawn,
    [e(-1)],
  ),
  randLike: op([seeded(0, s(t([3]))), seeded(1, s(f64([2])))], drawn),
  randnLike: op([seeded(0, s(t([3]))), seeded(1, s(t([4, 5])))], drawn),
  randintLike: op([seeded(0, s(t([3]), 10)), seeded(1, s(i32([4]), 2, 5))], drawn),
  bernoulli: op(
    [
      kink('the ends of the range', seeded(0, s(v([0.1, 0.5, 0.9, 1, 0])))),
      seeded(1, s(t([2, 3], { low: 0, high: 1 }))),
      seeded(1, s(f64([3], { low: 0, high: 1 }))),
    ],
    drawn,
    [e(v([1.5]))],
  ),
  normal: op(
    [seeded(0, s(0, 1, [3])), seeded(42, s(1.5, 0.25, [2, 3])), seeded(0, s(-1, 2, [20])), seeded(1, s(0, 1, [0]))],
    drawn,
    [e(0, -1, [2])],
  ),
  normal_: op(
    [seeded(0, s(t([3]))), seeded(42, s(t([2, 3]), 1.5, 0.25)), seeded(0, s(t([20]), -1, 2)), seeded(0, s(f64([3])))],
    drawn,
    [e(t([2]), 0, -1)],
  ),
  uniform_: op(
    [
      seeded(0, s(t([3]))),
      seeded(42, s(t([2, 3]), -0.3, 0.3)),
      seeded(0, s(t([20]), 1, 4)),
      seeded(0, s(f64([3]), -1, 1)),
    ],
    drawn,
    [e(t([2]), 1, 0)],
  ),
  exponential_: op([seeded(0, s(t([3]))), seeded(42, s(t([2, 3]), 0.5)), seeded(1, s(f64([3])))], drawn, [
    e(t([2]), -1),
  ]),
  geometric_: op([seeded(0, s(t([3]), 0.2)), seeded(1, s(i32([4]), 0.5)), seeded(2, s(u8([3]), 0.3))], drawn, [
    e(t([2]), 1),
  ]),
  cauchy_: op([seeded(0, s(t([3]))), seeded(42, s(t([2, 3]), 1, 0.5)), seeded(1, s(f64([3])))], drawn, [e(i32([2]))]),
  logNormal_: op([seeded(0, s(t([3]))), seeded(42, s(t([2, 3]), 0, 0.25)), seeded(1, s(f64([3])))], drawn, [
    e(t([2]), 0, 0),
  ]),
  poisson: op(
    [
      seeded(0, s(t([2, 3], { low: 0.5, high: 5, grad: false }))),
      seeded(1, s(f64([4], { low: 11, high: 40, grad: false }))),
      seeded(1, s(t([0], { grad: false }))),
    ],
    drawn,
    [e(i32([2]))],
  ),
  binomial: op(
    [
      seeded(0, s(t([3], { low: 3, high: 90, grad: false }), t([2, 3], { low: 0.1, high: 0.9, grad: false }))),
      seeded(1, s(t([2], { low: 3, high: 9, grad: false }), t([2], { low: 0.1, high: 0.9, grad: false }))),
    ],
    drawn,
    [e(t([2]), f64([2]))],
  ),
  multinomial: op(
    [
      seeded(0, s(t([4], { low: 0, high: 1 }), 2)),
      seeded(1, s(t([3, 4], { low: 0, high: 1 }), 1)),
      seeded(1, s(t([3, 4], { low: 0, high: 1 }), 5, true)),
      seeded(2, s(f64([4], { low: 0, high: 1 }), 3, true)),
    ],
    drawn,
    [e(t([3], { low: 0, high: 1 }), 4), e(t([2, 2, 2], { low: 0, high: 1 }), 1)],
  ),
  random_: op([seeded(0, s(t([3]), 10)), seeded(1, s(i32([4]), -3, 3)), seeded(2, s(u8([3]), 0, 200))], drawn, [
    e(t([2]), 3, 3),
  ]),
  bernoulli_: op(
    [
      seeded(0, s(t([5]))),
      seeded(1, s(t([2, 3]), 0.2)),
      seeded(1, s(i32([4]), 0.5)),
      seeded(2, s(t([3]), t([3], { low: 0, high: 1, grad: false }))),
    ],
    drawn,
    [e(t([2]), 1.5)],
  ),
  dropout: op(
    [
      seeded(0, s(t([5]))),
      seeded(1, s(t([2, 3]), 0.2)),
      seeded(1, s(t([2, 3]), 0.2, false)),
      seeded(2, s(f64([4]), 0.5)),
      seeded(0, s(t([3]), 0)),
      seeded(0, s(t([3]), 1)),
      seeded(0, s(t([0]), 0.5)),
    ],
    drawn,
    [e(t([2]), 1.5)],
  ),
  dropout1d: op(
    [
      seeded(0, s(t([2, 3, 2]))),
      core(seeded(1, s(t([3, 4]), 0.2))),
      core(seeded(1, s(t([3, 4]), 0.2, opt({ training: false })))),
      core(seeded(2, s(f64([2, 3, 2]), 0.7))),
      core(seeded(0, s(t([2, 3]), 1))),
    ],
    drawn,
    [e(t([2, 3]), 1.5), e(t([2])), e(i32([2, 3]))],
  ),
  dropout2d: op([seeded(0, s(t([2, 3, 1, 2]))), core(seeded(1, s(t([2, 4, 2]), 0.2)))], drawn, [e(t([2, 3]), -1)]),
  dropout3d: op([seeded(0, s(t([2, 3, 1, 2, 1]))), core(seeded(1, s(t([4, 1, 2, 1]), 0.2)))], drawn, [
    e(t([2, 3]), -1),
  ]),
  alphaDropout: op(
    [
      seeded(0, s(t([2, 5]), opt({ training: true }))),
      core(seeded(1, s(f64([6]), 0.2, true))),
      core(seeded(1, s(t([6]), 0.2))),
      core(seeded(1, s(t([6]), 1, true))),
    ],
    drawn,
    [e(t([2]), 1.5), e(i32([2]), 0.5, true)],
  ),
  featureAlphaDropout: op([seeded(0, s(t([2, 3, 2]), 0.5, true)), core(seeded(1, s(t([6]), 1, true)))], drawn, [
    e(t([2]), 1.5),
    e(t([2]), 0.5, true),
  ]),
} satisfies Record<string, OpSamples>
