// Samples of pooling: windows at even distances (strides, padding, dilation, incomplete last windows) and adaptive ones,
// in one to three dimensions and without a batch; and PyTorch's errors for arguments that do not fit.
import { type Case, type Choose, drawTensor, flat, indices, nd } from '../property.ts'
import { type OpSamples, op } from '../prepare.ts'
import { type Arg, bool, core, e, f64, i32, kink, opt, s, t, type TensorSpec, u8, v } from '../sample.ts'

// ---- random cases, by plain loops ----

/** Windows of one dimension: for each element of the output the range that counts, and the indices of its elements. */
interface Window {
  readonly counted: number
  readonly taps: readonly number[]
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

/** The windows of a random call in one dimension, and its numbers. */
function drawWindows(
  choose: Choose,
  max: boolean,
  ceil: boolean,
  include: boolean,
): [windows: Window[], n: number, numbers: number[]] {
  const kernel = choose.int(1, 3)
  const [stride, padding, dilation] = [
    choose.int(1, 3),
    choose.int(0, Math.floor(kernel / 2)),
    max ? choose.int(1, 2) : 1,
  ]
  const reach = dilation * (kernel - 1) + 1
  // PyTorch refuses a mean over a volume that is smaller than the kernel, padding or not.
  const n = Math.max(choose.int(1, 5), max ? reach - 2 * padding : kernel, 1)
  const windows: Window[] = []
  // A window may reach beyond the padding in the last place if it begins before the end of the input.
  for (let start = -padding; ; start += stride) {
    const whole = start + reach <= n + padding
    if (!whole && !(ceil && start - stride + reach < n + padding && start < n)) break
    const taps = range(kernel).map((i) => start + i * dilation)
    const inside = taps.filter((i) => i >= 0 && i < n)
    const counted = include ? taps.filter((i) => i < n + padding).length : inside.length
    windows.push({ counted, taps: inside })
    if (!whole) break
  }
  return [windows, n, [kernel, stride, padding, dilation]]
}

/** The elements of each window of all dimensions, by their positions, and how many count. */
const across = (windows: readonly (readonly Window[])[], sizes: readonly number[]): Window[] =>
  indices(windows.map((list) => list.length)).map((at) => {
    const own = at.map((i, d) => windows[d][i])
    return {
      counted: own.reduce((count, { counted }) => count * counted, 1),
      taps: indices(own.map(({ taps }) => taps.length)).map((tap) =>
        flat(
          tap.map((i, d) => own[d].taps[i]),
          sizes,
        ),
      ),
    }
  })

/** The results of windows over a random input. */
function pooled(
  choose: Choose,
  windows: readonly (readonly Window[])[],
  sizes: readonly number[],
  max: boolean,
): Pick<Case, 'args'> & { out: Case['expected'] } {
  const lead = choose.int(0, 1) === 0 ? [choose.int(1, 2)] : [choose.int(0, 2), choose.int(1, 2)]
  const x = drawTensor(choose, [...lead, ...sizes])
  const values = x.values as readonly number[]
  const all = across(windows, sizes)
  const size = sizes.reduce((a, b) => a * b, 1)
  const planes = range(lead.reduce((a, b) => a * b, 1))
  const shape = [...lead, ...windows.map((list) => list.length)]
  const best = planes.flatMap((plane) =>
    all.map(({ taps }) => taps.reduce((a, b) => (values[plane * size + b] > values[plane * size + a] ? b : a))),
  )
  const found = planes.flatMap((plane) =>
    all.map(({ taps, counted }, i) =>
      max
        ? values[plane * size + best[plane * all.length + i]]
        : taps.reduce((sum, tap) => sum + values[plane * size + tap], 0) / counted,
    ),
  )
  return { args: [x], out: max ? [nd(shape, found), nd(shape, best, 'int32')] : [nd(shape, found)] }
}

const even =
  (rank: number, max: boolean) =>
  (choose: Choose): Case => {
    const [ceilMode, include] = [choose.int(0, 1) === 1, choose.int(0, 1) === 1]
    const drawn = range(rank).map(() => drawWindows(choose, max, ceilMode, include))
    const { args, out } = pooled(
      choose,
      drawn.map(([windows]) => windows),
      drawn.map(([, n]) => n),
      max,
    )
    const [kernelSize, stride, padding, dilation] = range(4).map((i) => drawn.map(([, , numbers]) => numbers[i]))
    const own: Record<string, Arg> = max ? { dilation, returnIndices: true } : { countIncludePad: include }
    return { args, kwargs: { kernelSize, stride, padding, ceilMode, ...own }, expected: out, tolerance: 1e-12 }
  }

const adaptive =
  (rank: number, max: boolean) =>
  (choose: Choose): Case => {
    const sizes = range(rank).map(() => choose.int(1, 6))
    const outputSize = range(rank).map(() => choose.int(1, 4))
    const windows = sizes.map((n, d) =>
      range(outputSize[d]).map((i) => {
        const [start, end] = [Math.floor((i * n) / outputSize[d]), Math.ceil(((i + 1) * n) / outputSize[d])]
        return { counted: end - start, taps: range(end - start).map((k) => start + k) }
      }),
    )
    const { args, out } = pooled(choose, windows, sizes, max)
    return { args, kwargs: { outputSize, ...(max && { returnIndices: true }) }, expected: out, tolerance: 1e-12 }
  }

// ---- errors that several functions share ----

const images = (): TensorSpec => t([2, 3, 6, 6])
const volumes = (): TensorSpec => t([2, 3, 4, 6, 6])
/** Numbers that no window has, by their order: kernel, stride, padding, dilation. */
const impossible = (x: () => TensorSpec, rank: number, dilates: boolean) => {
  const many = range(rank === 2 ? 3 : 2).map(() => 2)
  const lists: Arg[][] = [[many], [[]], [2, many], [2, 2, many.map(() => 1)]]
  const numbers: Arg[][] = [[0], [-1], [2, 0], [2, -1], [2, 2, -1], [2, 2, 2], [7]]
  const dilations: Arg[][] = [
    [2, 2, 0, many.map(() => 1)],
    [2, 2, 0, 0],
    [2, 2, 0, -1],
    [3, 1, 0, 4],
  ]
  return [...lists, ...numbers, ...(dilates ? dilations : [])].map((args) => e(x(), ...args))
}

export const pooling = {
  maxPool1d: op(
    [
      s(t([2, 2, 6]), 2),
      core(s(t([2, 7]), 3, 2, 1)),
      core(s(t([1, 2, 7]), opt({ kernelSize: [3], stride: 1, dilation: 2, ceilMode: true, returnIndices: true }))),
    ],
    even(1, true),
    [
      ...impossible(() => t([2, 3, 6]), 1, true),
      e(t([6]), 2),
      e(t([1, 2, 3, 6]), 2),
      e(t([2, 0, 6]), 2),
      e(t([2, 3, 0]), 2),
      e(i32([2, 3, 6]), 2),
    ],
  ),
  maxPool2d: op(
    [
      s(t([2, 2, 4, 5]), 2),
      s(t([1, 2, 5, 5]), 3, 2, 1),
      core(s(t([1, 1, 5, 6]), [2, 3], opt({ stride: [2, 1], padding: [1, 0], dilation: [1, 2], ceilMode: true }))),
      core(s(t([1, 2, 5, 5]), opt({ kernelSize: 2, stride: [], ceilMode: true, returnIndices: true }))),
      core(s(t([2, 4, 4]), 2, null, 1)),
      core(s(f64([1, 1, 4, 4]), 3, 1)),
      core(s(t([0, 2, 4, 4]), 2)),
      // The last NaN of a window is its largest element, and an element of -Infinity comes before the padding.
      kink(
        'NaN and infinities',
        s(
          v([1, Number.NaN, -1 / 0, -1 / 0, Number.NaN, 2, -1 / 0, -1 / 0], [1, 2, 4]),
          opt({ kernelSize: 2, padding: 1, returnIndices: true }),
        ),
      ),
      kink('the first of equal elements gets the gradient', s(v([1, 2, 2, 2, 0, 0, 0, 0], [1, 2, 4]), 2)),
    ],
    even(2, true),
    [
      ...impossible(images, 2, true),
      e(t([3, 6]), 2),
      e(t([1, 1, 3, 6, 6]), 2),
      e(t([2, 0, 6, 6]), 2),
      e(t([2, 3, 0, 6]), 2),
      e(t([0, 6, 6]), 2),
      e(i32([1, 2, 6, 6]), 2),
      e(bool([1, 2, 6, 6]), 2),
    ],
  ),
  maxPool3d: op(
    [
      s(t([1, 2, 3, 4, 3]), 2),
      core(s(t([2, 3, 4, 3]), [2, 3, 2], opt({ stride: [1, 2, 2], padding: [1, 1, 0], returnIndices: true }))),
    ],
    even(3, true),
    [
      ...impossible(volumes, 3, true),
      e(t([6, 6, 6]), 2),
      e(t([2, 0, 4, 6, 6]), 2),
      e(t([2, 3, 0, 6, 6]), 2),
      e(i32([1, 2, 4, 4, 4]), 2),
    ],
  ),
  avgPool1d: op(
    [
      s(t([2, 2, 6]), 2),
      core(s(t([2, 7]), 3, 2, 1)),
      core(s(t([1, 2, 7]), [3], opt({ stride: [3], padding: 1, ceilMode: true, countIncludePad: false }))),
    ],
    even(1, false),
    [...impossible(() => t([2, 3, 6]), 1, false), e(t([6]), 2), e(t([2, 0, 6]), 2), e(bool([2, 3, 6]), 2)],
  ),
  avgPool2d: op(
    [
      s(t([2, 2, 4, 5]), 2),
      s(t([1, 2, 5, 5]), 3, 2, 1, false, false),
      core(s(t([1, 1, 5, 6]), [2, 3], opt({ stride: [2, 1], padding: [1, 0], ceilMode: true }))),
      core(s(t([1, 1, 5, 5]), opt({ kernelSize: 2, ceilMode: true, countIncludePad: false, padding: 1 }))),
      core(s(t([2, 4, 4]), 2, opt({ divisorOverride: -3 }))),
      core(s(f64([1, 1, 4, 4]), 3, 1, 1)),
      core(s(i32([1, 1, 4, 4]), 3, 2, 1)),
      core(s(t([0, 2, 4, 4]), 2)),
    ],
    even(2, false),
    [
      ...impossible(images, 2, false),
      e(images(), 2, opt({ divisorOverride: 0 })),
      e(t([1, 1, 3, 6, 6]), 2),
      e(t([2, 0, 6, 6]), 2),
      e(t([2, 3, 0, 6]), 2),
      e(bool([1, 2, 6, 6]), 2),
      e(u8([1, 2, 6, 6]), 2),
    ],
  ),
  avgPool3d: op(
    [
      s(t([1, 2, 3, 4, 3]), 2),
      core(s(t([2, 3, 4, 3]), [2, 3, 2], opt({ stride: [1, 2, 2], padding: [1, 1, 0], countIncludePad: false }))),
      core(s(t([1, 3, 3, 2]), 2, 1, opt({ divisorOverride: 2 }))),
    ],
    even(3, false),
    [
      ...impossible(volumes, 3, false),
      e(volumes(), 2, opt({ divisorOverride: 0 })),
      e(t([6, 6, 6]), 2),
      e(t([2, 0, 4, 6, 6]), 2),
      e(bool([1, 2, 4, 4, 4]), 2),
    ],
  ),
  adaptiveAvgPool1d: op([s(t([2, 2, 6]), 3), core(s(t([2, 7]), [3]))], adaptive(1, false), [
    e(t([2, 3, 6]), [2, 2]),
    e(t([6]), 2),
    e(t([1, 2, 3, 6]), 2),
    e(t([2, 3, 6]), -1),
    e(t([2, 3, 0]), 2),
    e(i32([2, 3, 6]), 2),
  ]),
  adaptiveAvgPool2d: op(
    [
      s(t([2, 2, 4, 6]), [2, 3]),
      s(t([1, 2, 5, 7]), [3, 4]),
      core(s(t([1, 2, 3, 3]), 1)),
      core(s(t([2, 3, 4]), [null, 2])),
      core(s(t([1, 1, 2, 3]), 5)),
      core(s(f64([1, 1, 4, 3]), 2)),
      core(s(t([1, 2, 3, 3], { grad: false }), [0, 2])),
      core(s(t([0, 2, 3, 3]), 2)),
    ],
    adaptive(2, false),
    [
      e(images(), [2, 2, 2]),
      e(images(), [2]),
      e(t([3, 6]), 2),
      e(t([3, 6]), [2, 2]),
      e(t([1, 1, 3, 6, 6]), 2),
      e(images(), -1),
      e(t([2, 3, 0, 6]), 2),
      e(i32([1, 2, 6, 6]), 2),
      e(i32([1, 2, 6, 6]), 1),
    ],
  ),
  adaptiveAvgPool3d: op(
    [s(t([1, 2, 3, 4, 3]), [2, 2, 3]), core(s(t([1, 2, 4, 6]), [1, 2, 3])), core(s(t([1, 2, 2, 2]), 1))],
    adaptive(3, false),
    [
      e(volumes(), [2, 2]),
      e(t([6, 6, 6]), 2),
      e(volumes(), -1),
      e(t([2, 3, 0, 6, 6]), 2),
      e(t([2, 0, 3, 6, 6]), 2),
      e(i32([1, 2, 4, 4, 4]), 2),
    ],
  ),
  adaptiveMaxPool1d: op(
    [s(t([2, 2, 6]), 3), core(s(t([2, 7]), [3], opt({ returnIndices: true })))],
    adaptive(1, true),
    [
      e(t([2, 3, 6]), [2, 2]),
      e(t([6]), 2),
      e(t([1, 2, 3, 6]), 2),
      e(t([2, 3, 6]), -1),
      e(t([2, 3, 0]), 2),
      e(t([2, 0, 6]), 2),
      e(i32([2, 3, 6]), 2),
    ],
  ),
  adaptiveMaxPool2d: op(
    [
      s(t([2, 2, 4, 6]), [2, 3]),
      s(t([1, 2, 5, 7]), [3, 4], opt({ returnIndices: true })),
      core(s(t([2, 3, 4]), [null, 2])),
      core(s(t([1, 1, 2, 3]), 5)),
      core(s(f64([1, 1, 4, 3]), 2)),
      core(s(t([1, 2, 3, 3], { grad: false }), [0, 2])),
      core(s(t([0, 2, 3, 3]), 2)),
    ],
    adaptive(2, true),
    [
      e(images(), [2, 2, 2]),
      e(images(), [2]),
      e(t([3, 6]), 2),
      e(t([1, 1, 3, 6, 6]), 2),
      e(images(), -1),
      e(t([2, 3, 0, 6]), 2),
      e(t([2, 0, 6, 6]), 2),
      e(i32([1, 2, 6, 6]), 2),
    ],
  ),
  adaptiveMaxPool3d: op(
    [s(t([1, 2, 3, 4, 3]), [2, 2, 3]), core(s(t([1, 2, 4, 6]), [1, 2, 3], opt({ returnIndices: true })))],
    adaptive(3, true),
    [
      e(volumes(), [2, 2]),
      e(t([6, 6, 6]), 2),
      e(volumes(), -1),
      e(t([2, 3, 0, 6, 6]), 2),
      e(t([2, 0, 3, 6, 6]), 2),
      e(i32([1, 2, 4, 4, 4]), 2),
    ],
  ),
} satisfies Record<string, OpSamples>
