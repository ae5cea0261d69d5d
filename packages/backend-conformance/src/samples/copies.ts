// Samples of copies: conversions between dtypes, clones, and the ops that overwrite a tensor.
import { elementwise as each } from '../property.ts'
import { type OpSamples, op } from '../prepare.ts'
import { bool, bools, e, f64, i32, ints, kink, s, t, v } from '../sample.ts'

const nan = Number.NaN
const fixed = { grad: false }

const casts = { none: 'its result is a copy of its argument; the samples of `to` have every pair of dtypes' }
const cast = op(
  [s(v([1.7, -1.7, 0, 255])), s(f64([2, 3])), s(ints([1, -1, 300])), s(bools([1, 0])), s(t([0, 2]))],
  casts,
)

export const copies = {
  to: op(
    [
      s(v([1.7, -1.7, 0, 255.5]), 'int32'),
      s(v([1.7, 200, 0]), 'uint8'),
      s(v([1.7, 0, nan, -0]), 'bool'),
      s(t([2, 3]), 'float64'),
      s(f64([2, 3]), 'float32'),
      s(ints([1, -1, 300]), 'float32'),
      s(ints([1, -1, 300]), 'uint8'),
      s(bools([1, 0]), 'float32'),
      s(bools([1, 0]), 'int32'),
      s(t([0, 2]), 'float64'),
      s(t([2]), 'float32'),
    ],
    { none: 'its result is a copy of its argument; the samples cover every pair of dtypes' },
  ),
  float: op(
    cast.samples.map((sample) => kink('it rounds to float32', sample)),
    casts,
  ),
  double: cast,
  int: cast,
  long: cast,
  byte: op([s(v([1.7, 200, 0])), s(ints([1, 255])), s(bools([1, 0]))], casts),
  bool: cast,
  typeAs: op(
    [s(t([2]), f64([2], fixed)), s(v([1.7, -1.7]), i32([1])), s(ints([1, 2]), t([1], fixed)), s(t([2]), t([1], fixed))],
    casts,
  ),
  cpu: op([s(t([2, 3])), s(i32([3]))], casts),
  fill_: op(
    [
      s(t([2, 3]), 7),
      s(f64([2]), 0.5),
      s(i32([2]), 3),
      s(bool([2]), true),
      s(t([]), 1),
      s(t([0]), 1),
      s(t([2]), v(2.5)),
      s(i32([2]), 2.7),
    ],
    { none: 'its result is one number; the samples cover the edge cases' },
    [e(t([2]), t([2]))],
  ),
  zero_: op([s(t([2, 3])), s(i32([2])), s(bool([2])), s(t([]))], { none: 'its result is 0' }),
  copy_: op(
    [
      s(t([2, 3]), t([2, 3])),
      s(t([2, 3]), t([3])),
      s(t([2]), f64([2])),
      s(i32([3]), v([1.7, -1.7, 2], [3], fixed)),
      s(bool([2]), v([0, 2], [2], fixed)),
      s(t([0]), t([0])),
      s(t([]), t([])),
    ],
    { none: 'its result is a copy of its argument' },
    [e(t([2, 3]), t([2]))],
  ),
  clone: op(
    [s(t([2, 3])), s(f64([])), s(i32([3])), s(bool([0, 2]))],
    each((x) => x),
  ),
  detach: op(
    [s(t([2, 3])), s(f64([])), s(i32([3]))],
    each((x) => x),
  ),
  contiguous: op(
    [s(t([2, 3])), s(f64([])), s(i32([3])), s(t([0, 2]))],
    each((x) => x),
  ),
} satisfies Record<string, OpSamples>
