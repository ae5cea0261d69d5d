// Samples of convolutions, also transposed ones: strides, padding by number and by name, dilation and groups, in one to
// three dimensions and without a batch; and PyTorch's errors for arguments that do not fit.
import { type Choose, drawTensor, indices, type Nd, nd } from '../property.ts'
import { type OpSamples, op } from '../prepare.ts'
import { bool, core, e, e2, f64, i32, opt, s, t, type TensorSpec, u8 } from '../sample.ts'

/** The geometry of a random convolution. */
interface Geometry {
  readonly stride: readonly number[]
  readonly padding: readonly number[]
  readonly dilation: readonly number[]
  readonly groups: number
}

const at = (shape: readonly number[], index: readonly number[]): number =>
  index.reduce((n, i, d) => n * shape[d] + i, 0)

/**
 * The pairs of input and output elements where the one is added to the other, one after another, with the weight of
 * each.
 */
function* pairs(
  input: readonly number[],
  weight: readonly number[],
  output: readonly number[],
  { stride, padding, dilation, groups }: Geometry,
): Generator<[number, number, number]> {
  const [, channels, ...kernel] = weight
  for (const [n, o, ...place] of indices(output)) {
    for (const [c, ...tap] of indices([channels, ...kernel])) {
      const where = place.map((p, i) => p * stride[i] + tap[i] * dilation[i] - padding[i])
      if (where.some((p, i) => p < 0 || p >= input[i + 2])) continue
      const group = Math.floor(o / (weight[0] / groups))
      yield [at(input, [n, group * channels + c, ...where]), at(weight, [o, c, ...tap]), at(output, [n, o, ...place])]
    }
  }
}

const values = (x: TensorSpec): readonly number[] => x.values as readonly number[]

/** A case with so many dimensions, with its sums by plain loops. */
const drawn =
  (rank: number, transposed: boolean) =>
  (
    choose: Choose,
  ): { args: TensorSpec[]; kwargs: Record<string, number | number[]>; expected: Nd[]; tolerance: number } => {
    const each = (least: number, most: number): number[] => Array.from({ length: rank }, () => choose.int(least, most))
    const geometry = { stride: each(1, 3), padding: each(0, 2), dilation: each(1, 2), groups: choose.int(1, 2) }
    const { stride, padding, dilation, groups } = geometry
    const kernel = each(1, rank === 3 ? 2 : 3)
    const output = each(1, 3)
    const more = stride.map((n, i) => choose.int(0, Math.max(n, dilation[i]) - 1))
    // An input for an output of this length, with the elements that a stride leaves over.
    const input = output.map(
      (n, i) =>
        (n - 1) * stride[i] +
        dilation[i] * (kernel[i] - 1) +
        1 +
        (transposed ? more[i] : choose.int(0, stride[i] - 1)) -
        2 * padding[i],
    )
    for (let i = 0; i < rank; i++) {
      if (input[i] >= 1) continue
      input[i] += 2 * padding[i]
      padding[i] = 0
    }
    const [n, rows, channels] = [choose.int(0, 2), groups * choose.int(1, 2), choose.int(1, 2)]
    const x = [n, channels * groups, ...input]
    const y = [n, rows, ...output]
    const w = drawTensor(choose, [rows, channels, ...kernel])
    const from = drawTensor(choose, transposed ? y : x)
    const to = new Array<number>((transposed ? x : y).reduce((a, b) => a * b, 1)).fill(0)
    for (const [i, k, o] of pairs(x, w.shape, y, geometry)) {
      if (transposed) to[i] += values(from)[o] * values(w)[k]
      else to[o] += values(from)[i] * values(w)[k]
    }
    const kwargs = { stride, padding, dilation, groups, ...(transposed && { outputPadding: more }) }
    return { args: [from, w], kwargs, expected: [nd(transposed ? x : y, to)], tolerance: 1e-12 }
  }

export const convolutions = {
  conv1d: op(
    [
      s(t([2, 2, 5]), t([3, 2, 3])),
      core(s(t([2, 5]), t([3, 2, 3]), t([3]))),
      core(s(t([2, 2, 6]), t([4, 1, 3]), t([4]), 2, 1, 1, 2)),
      core(s(t([1, 2, 7]), t([2, 2, 2]), opt({ padding: 'same', dilation: 3 }))),
      s(f64([1, 2, 4]), f64([2, 2, 2])),
      core(s(i32([1, 2, 4]), i32([2, 2, 2]))),
    ],
    drawn(1, false),
    [
      e(t([2, 3, 2]), t([4, 3, 3])),
      e(t([2, 3, 8]), t([4, 3, 3]), opt({ stride: [1, 1] })),
      e(t([2, 3, 8, 8]), t([4, 3, 3])),
      e(bool([1, 2, 4]), bool([2, 2, 2])),
    ],
  ),
  conv2d: op(
    [
      s(t([2, 2, 4, 5]), t([3, 2, 3, 2]), t([3])),
      core(s(t([2, 4, 5]), t([3, 2, 3, 2]))),
      s(t([1, 2, 5, 5]), t([2, 2, 3, 3]), t([2]), 2, 1),
      core(s(t([1, 2, 6, 5]), t([2, 2, 3, 3]), t([2]), [2, 1], [1, 0], [1, 2])),
      s(t([1, 4, 4, 4]), t([4, 2, 2, 2]), t([4]), opt({ groups: 2, padding: 1 })),
      core(s(t([2, 3, 4, 4]), t([6, 1, 3, 3]), opt({ groups: 3, stride: [2], padding: [1] }))),
      core(s(t([2, 2, 3, 3]), t([3, 2, 1, 1]), t([3]))),
      core(s(t([1, 2, 5, 4]), t([3, 2, 1, 1]), opt({ stride: 2 }))),
      core(s(t([1, 2, 5, 4]), t([3, 2, 2, 2]), opt({ stride: 3, padding: 1 }))),
      core(s(t([1, 2, 4, 5]), t([2, 2, 3, 2]), opt({ padding: 'same' }))),
      core(s(t([2, 4, 5]), t([2, 2, 2, 3]), opt({ padding: 'same', dilation: 2 }))),
      core(s(t([1, 2, 4, 5]), t([2, 2, 3, 2]), opt({ padding: 'valid', stride: 2 }))),
      s(f64([1, 2, 3, 3]), f64([2, 2, 2, 2]), f64([2])),
      s(i32([1, 2, 4, 4]), i32([2, 2, 3, 3]), opt({ padding: 1 })),
      core(s(u8([1, 2, 4, 4]), u8([2, 2, 3, 3]))),
      core(s(t([0, 2, 4, 4]), t([3, 2, 3, 3]), t([3]))),
    ],
    drawn(2, false),
    [
      e(t([2, 4, 8, 7]), t([4, 4, 3, 2]), opt({ padding: 'same', stride: 2 })),
      e(t([2, 4, 8, 7]), t([4, 4, 3, 2]), opt({ padding: 'foo' })),
      e(t([2, 4, 8, 7]), t([4, 4, 3, 2]), opt({ stride: [2, 2, 2] })),
      e(t([2, 4, 8, 7]), t([4, 4, 3, 2]), opt({ stride: [] })),
      e(t([2, 4, 8, 7]), t([4, 4, 3, 2]), opt({ padding: [2, 2, 2] })),
      e(t([2, 4, 8, 7]), t([4, 4, 3, 2]), opt({ dilation: [2, 2, 2] })),
      e(t([2, 4, 8, 7]), t([4, 4, 3, 2]), opt({ stride: 0 })),
      e(t([2, 4, 8, 7]), t([4, 4, 3, 2]), opt({ padding: -1 })),
      e(t([2, 4, 8, 7]), t([4, 4, 3, 2]), opt({ dilation: 0 })),
      e(t([2, 4, 8, 7]), t([4, 4, 3, 2]), opt({ groups: 0 })),
      e(t([2, 4, 8, 7]), t([4, 4, 3, 2]), opt({ groups: 3 })),
      e(t([2, 4, 8, 7]), t([4, 4, 3, 2]), opt({ groups: 2 })),
      e(t([2, 3, 8, 7]), t([4, 4, 3, 2])),
      e(t([3, 8, 7]), t([4, 4, 3, 2])),
      e(t([2, 3]), t([4, 4, 3, 2])),
      e(t([2, 3, 1, 1, 1]), t([4, 4, 3, 2])),
      e(t([2, 3, 8, 7]), t([4, 3, 3])),
      e(t([2, 3, 8, 7]), t([4, 3])),
      e(t([2, 3, 2, 7]), t([4, 3, 5, 3]), opt({ padding: 1 })),
      e(t([2, 3, 4, 7]), t([4, 3, 3, 3]), opt({ dilation: 2 })),
      e(t([2, 3, 8, 7]), t([0, 3, 3, 3])),
      e(t([2, 3, 0, 7]), t([4, 3, 3, 3]), opt({ padding: 2 })),
      e(t([2, 3, 8, 7]), t([4, 3, 3, 3]), t([3])),
      e(t([2, 3, 8, 7]), t([4, 3, 3, 3]), t([4, 1])),
      e(t([2, 3, 8, 7]), f64([4, 3, 3, 3])),
      e(t([2, 3, 8, 7]), t([4, 3, 3, 3]), f64([4])),
      e(f64([2, 3, 8, 7]), t([4, 3, 3, 3])),
      e(i32([2, 3, 8, 7]), t([4, 3, 3, 3])),
      e(bool([2, 3, 8, 7]), bool([4, 3, 3, 3])),
      e2(
        {
          error: 'RuntimeError',
          message: 'kernel size should be greater than zero, but got kernel size [0, 3]',
          why: '1.13 leaves the check to a library, whose message is no help',
        },
        t([2, 3, 5, 7]),
        t([4, 3, 0, 3]),
      ),
    ],
  ),
  conv3d: op(
    [
      s(t([1, 2, 3, 3, 3]), t([2, 2, 2, 2, 2]), t([2])),
      core(s(t([2, 3, 3, 3]), t([2, 2, 2, 2, 2]))),
      core(s(t([1, 2, 4, 3, 4]), t([2, 1, 2, 3, 2]), opt({ stride: [2, 1, 2], padding: [0, 1, 1], groups: 2 }))),
      core(s(f64([1, 1, 2, 3, 2]), f64([1, 1, 2, 2, 2]))),
    ],
    drawn(3, false),
    [e(t([3, 3, 4, 4]), t([4, 2, 3, 3, 3])), e(bool([1, 2, 3, 3, 3]), bool([2, 2, 2, 2, 2]))],
  ),
  convTranspose1d: op(
    [
      s(t([2, 2, 4]), t([2, 3, 3])),
      core(s(t([2, 4]), t([2, 3, 3]), t([3]))),
      core(s(t([1, 4, 3]), t([4, 1, 3]), t([2]), 2, 1, 1, 2)),
      core(s(f64([1, 2, 3]), f64([2, 2, 2]))),
      core(s(i32([1, 2, 3]), i32([2, 2, 2]))),
    ],
    drawn(1, true),
    [e(t([2, 3, 8]), t([4, 4, 3])), e(t([2, 4, 8]), t([4, 4, 3]), opt({ outputPadding: 1 }))],
  ),
  convTranspose2d: op(
    [
      core(s(t([2, 2, 3, 4]), t([2, 3, 3, 2]), t([3]))),
      core(s(t([2, 3, 4]), t([2, 3, 3, 2]))),
      s(t([1, 2, 3, 3]), t([2, 3, 3, 3]), t([3]), 2, 1, 1),
      core(s(t([1, 4, 3, 2]), t([4, 1, 3, 2]), t([2]), [2, 3], 1, [1, 0], 2, 2)),
      core(s(t([1, 2, 2, 3]), t([2, 2, 1, 1]), opt({ stride: 2 }))),
      core(s(t([1, 2, 3, 3]), t([2, 2, 2, 2]), opt({ dilation: 2, outputPadding: 1 }))),
      s(f64([1, 2, 2, 2]), f64([2, 1, 2, 2]), f64([1])),
      core(s(i32([1, 2, 3, 3]), i32([2, 2, 2, 2]))),
      core(s(t([0, 2, 3, 3]), t([2, 2, 2, 2]))),
    ],
    drawn(2, true),
    [
      e(t([2, 4, 8, 7]), t([4, 4, 3, 2]), opt({ outputPadding: 1 })),
      e(t([2, 4, 8, 7]), t([4, 4, 3, 2]), opt({ outputPadding: -1 })),
      e(t([2, 4, 8, 7]), t([4, 4, 3, 2]), opt({ outputPadding: [1, 1, 1] })),
      e(t([2, 3, 8, 7]), t([4, 4, 3, 2])),
      e(t([2, 4, 8, 7]), t([4, 4, 3, 2]), opt({ groups: 3 })),
      e(t([2, 4, 8, 7]), t([4, 4, 3, 2]), t([3])),
      e(t([2, 4, 8, 7]), t([4, 4, 3, 2]), t([4]), opt({ groups: 2 })),
      e(t([2, 4, 8, 7]), f64([4, 4, 3, 2])),
      e(t([2, 4, 1, 1]), t([4, 4, 1, 1]), opt({ padding: 1 })),
      e(t([2, 4, 8, 7]), t([4, 4, 3, 2]), opt({ stride: 0 })),
      e(t([2, 4, 8, 7]), t([4, 4, 3, 2]), opt({ padding: -1 })),
      e(t([2, 4, 8, 7]), t([4, 4, 3])),
      e(t([4, 8]), t([4, 4, 3, 2])),
      e(t([2, 0, 8, 7]), t([0, 4, 3, 2])),
      e(bool([2, 4, 8, 7]), bool([4, 4, 3, 2])),
    ],
  ),
  convTranspose3d: op(
    [
      s(t([1, 2, 2, 2, 3]), t([2, 2, 2, 2, 2]), t([2])),
      core(s(t([1, 2, 2, 2, 2]), t([2, 1, 2, 1, 2]), opt({ stride: [2, 1, 2], padding: [1, 0, 0], groups: 2 }))),
      core(s(f64([1, 1, 2, 2, 2]), f64([1, 1, 2, 2, 2]))),
    ],
    drawn(3, true),
    [e(t([1, 2, 2, 2, 3]), t([2, 2, 2, 2, 2]), opt({ outputPadding: 1 }))],
  ),
} satisfies Record<string, OpSamples>
