// Samples of pooling: windows at even distances (strides, padding, dilation, incomplete last windows) and adaptive ones,
// in one to three dimensions and without a batch; and PyTorch's errors for arguments that do not fit.
import { type Case, type Choose, drawTensor, flat, indices, nd } from '../property.ts'
import { type OpSamples, op } from '../prepare.ts'
import {
  type Arg,
  bool,
  core,
  e,
  e2,
  f64,
  i32,
  ints,
  kink,
  opt,
  s,
  seeded,
  t,
  type TensorSpec,
  u8,
  v,
} from '../sample.ts'

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

// ---- the reverse ----

const positive = { low: 0.2, high: 2 }
/** Random numbers for fractional pooling of one batch. */
const draws = (channels: number, dims: number): TensorSpec => t([1, channels, dims], { low: 0, high: 1, grad: false })

/** Values at random places, each at most once. */
const unpooled =
  (rank: number) =>
  (choose: Choose): Case => {
    const sizes = range(rank).map(() => choose.int(1, 2))
    const lead = choose.int(0, 1) === 0 ? [choose.int(1, 2)] : [choose.int(0, 2), choose.int(1, 2)]
    const [planes, n] = [lead, sizes].map((list) => list.reduce((a, b) => a * b, 1))
    const output = sizes.map((size) => size * 2)
    const all = n * 2 ** rank
    const x = drawTensor(choose, [...lead, ...sizes])
    const out = new Array<number>(planes * all).fill(0)
    const places = range(planes).flatMap((plane) =>
      range(n).map((i) => {
        const place = i * 2 ** rank + choose.int(0, 2 ** rank - 1)
        out[plane * all + place] = (x.values as readonly number[])[plane * n + i]
        return place
      }),
    )
    return { args: [x, ints(places, x.shape), 2], expected: [nd([...lead, ...output], out)], tolerance: 0 }
  }

/** Columns added up, by plain loops. */
const folded = (choose: Choose): Case => {
  const drawn = [0, 1].map(() => drawWindows(choose, true, false, false))
  const [kernelSize, stride, padding, dilation] = range(4).map((i) => drawn.map(([, , numbers]) => numbers[i]))
  const outputSize = drawn.map(([, n]) => n)
  const blocks = drawn.map(([windows]) => windows.length)
  const [n, channels] = [choose.int(0, 2), choose.int(1, 2)]
  const y = drawTensor(choose, [n, channels * kernelSize[0] * kernelSize[1], blocks[0] * blocks[1]])
  const shape = [n, channels, ...outputSize]
  const out = new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(0)
  let at = 0
  for (const [image, channel, ...where] of indices([n, channels, ...kernelSize, ...blocks])) {
    const value = (y.values as readonly number[])[at++]
    const place = [0, 1].map((d) => where[2 + d] * stride[d] - padding[d] + where[d] * dilation[d])
    if (place.every((p, d) => p >= 0 && p < outputSize[d])) out[flat([image, channel, ...place], shape)] += value
  }
  return {
    args: [y],
    kwargs: { outputSize, kernelSize, stride, padding, dilation },
    expected: [nd(shape, out)],
    tolerance: 1e-12,
  }
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
  maxUnpool1d: op([s(t([2, 2, 3]), ints([0, 3, 4, 1, 2, 5, 0, 3, 4, 1, 2, 5], [2, 2, 3]), 2)], unpooled(1), [
    e(t([3]), ints([0, 2, 4]), 2),
    e(t([1, 1, 3]), ints([0, 2], [1, 1, 2]), 2),
    e(t([1, 1, 3]), ints([0, 2, 4], [1, 1, 3]), 2, opt({ outputSize: [9] })),
  ]),
  maxUnpool2d: op(
    [
      s(t([1, 2, 2, 2]), ints([0, 3, 9, 14, 5, 7, 8, 11], [1, 2, 2, 2]), 2),
      core(s(t([1, 2, 2]), ints([6, 1, 24, 12], [1, 2, 2]), 2, opt({ outputSize: [1, 1, 5, 5] }))),
      core(s(t([1, 2, 2]), ints([0, 2, 3, 8], [1, 2, 2]), [3, 3], [2, 2], 1)),
      // The last of equal places stays, and all of them get its gradient.
      kink('equal places', s(t([1, 1, 2]), ints([1, 1], [1, 1, 2]), 2)),
    ],
    unpooled(2),
    [
      e(t([3, 3]), i32([3, 3]), 2),
      e(t([1, 2, 2]), t([1, 2, 2]), 2),
      e(t([1, 2, 2]), ints([0, 1], [1, 1, 2]), 2),
      e(t([1, 2, 2]), ints([0, 1, 2, 3], [1, 2, 2]), 2, opt({ outputSize: [6, 4] })),
      e(t([1, 2, 2]), ints([0, 1, 2, 3], [1, 2, 2]), 2, opt({ outputSize: [4] })),
      e(t([1, 0, 2, 2]), i32([1, 0, 2, 2]), 2),
      e(i32([1, 2, 2]), ints([0, 1, 2, 3], [1, 2, 2]), 2),
      ...[16, -1].map((index) => e(t([1, 2, 2]), ints([0, 1, 2, index], [1, 2, 2]), 2)),
    ],
  ),
  maxUnpool3d: op([s(t([1, 1, 2, 1, 2]), ints([3, 0, 9, 14], [1, 1, 2, 1, 2]), 2)], unpooled(3), [
    e(t([2, 3, 3]), i32([2, 3, 3]), 2),
    e(t([1, 2, 2, 2]), t([1, 2, 2, 2]), 2),
    e(t([1, 1, 1, 2]), ints([0, 1], [1, 1, 1, 2]), 2, 0),
    e(t([1, 0, 1, 2]), i32([1, 0, 1, 2]), 2),
  ]),
  lpPool1d: op([s(t([1, 2, 5], positive), 3, 2), core(s(t([2, 6], positive), 2, 3, 1, true))], {
    none: 'a mean and powers, which have cases of their own',
  }),
  lpPool2d: op(
    [
      s(t([1, 2, 4, 5], positive), 2, 2),
      core(s(t([1, 4, 5], positive), 1.5, [2, 3], opt({ stride: 2, ceilMode: true }))),
    ],
    { none: 'a mean and powers, which have cases of their own' },
    [
      e2(
        {
          error: 'RuntimeError',
          message: 'ZeroDivisionError: float division by zero',
          why: "Python's error of this name",
        },
        t([1, 2, 4, 5]),
        0,
        2,
      ),
      e(t([1, 2, 4, 5]), 2, 6),
    ],
  ),
  fractionalMaxPool2d: op(
    [
      s(t([1, 2, 6, 7]), 2, [3, 4], opt({ _randomSamples: draws(2, 2) })),
      core(s(t([2, 6, 7]), [3, 2], null, [0.6, 0.5], true, draws(2, 2))),
      core(s(f64([1, 1, 7, 5]), 2, 1, opt({ _randomSamples: { ...draws(1, 2), dtype: 'float64' } }))),
      seeded(3, core(s(t([2, 2, 9, 9]), 2, 6))),
    ],
    { none: 'windows at places that PyTorch computes in float32' },
    [
      e(t([1, 2, 6, 7]), 2),
      e(t([1, 2, 6, 7]), 2, 7),
      e(t([1, 2, 6, 7]), [2, 2, 2], 3),
      e(t([1, 2, 6, 7]), 2, [3, 3, 3]),
      e(t([1, 2, 0, 7]), 2, 3),
      e(t([1, 0, 6, 7]), 2, 3),
    ],
  ),
  fractionalMaxPool3d: op(
    [
      s(t([1, 1, 4, 5, 3]), 2, [2, 3, 1], opt({ _randomSamples: draws(1, 3) })),
      core(s(t([1, 5, 4, 6]), [2, 1, 3], null, 0.5, true, draws(1, 3))),
    ],
    { none: 'windows at places that PyTorch computes in float32' },
    [
      e(t([1, 2, 4, 6, 7]), 2),
      e(t([1, 2, 4, 6, 7]), 2, 5),
      e(t([1, 2, 4, 6, 7]), [2, 2], 2),
      e(t([1, 2, 0, 6, 7]), 2, 2),
    ],
  ),
  fold: op(
    [
      s(t([1, 8, 6]), [3, 4], 2),
      s(t([2, 6, 10]), 4, [2, 3], opt({ stride: [1, 2], padding: 1 })),
      core(s(t([2, 12]), [3, 4], 1, opt({ stride: 1 }))),
      core(s(f64([4, 4]), [4, 4], 2, 1, 0, 2)),
      core(s(t([1, 4, 2]), [4, 2], 2, opt({ dilation: [2, 1] }))),
    ],
    folded,
    [
      e(t([1, 8, 12]), [4, 5, 6], 2),
      e(t([1, 8, 12]), [4, 5], [2, 2, 2]),
      e(t([1, 8, 12]), [4, 5], 2, [1, 1, 1]),
      e(t([1, 8, 12]), [4, 5], 2, 1, [1, 1, 1]),
      e(t([1, 8, 12]), [4, 5], 2, 1, 0, [1]),
      e(t([1, 8, 12]), [4, 5], 0),
      e(t([1, 8, 12]), [4, 5], 2, 0),
      e(t([1, 8, 12]), [4, 5], 2, 1, -1),
      e(t([1, 8, 12]), [4, 5], 2, 1, 0, 0),
      e(t([8]), [4, 5], 2),
      e(t([1, 0, 12]), [4, 5], 2),
      e(t([1, 7, 12]), [4, 5], 2),
      e(t([1, 8, 11]), [4, 5], 2),
      e(t([1, 8, 12]), [0, 5], 2),
      e(i32([1, 8, 12]), [4, 5], 2),
    ],
  ),
} satisfies Record<string, OpSamples>
