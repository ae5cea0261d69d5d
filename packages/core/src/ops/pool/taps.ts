// The elements that each window covers, its taps. Windows at even distances are a view of the padded input; others
// (adaptive and fractional pooling) are gathered by the places of their taps. Both have, after the leading dimensions
// of the input, an axis for each dimension of the output and then one for each of the window.
import { numelOf, type Shape } from '../../base/shape.ts'
import { type Expr, s } from '../../expr/expr.ts'
import { apply, operand } from '../../tensor/apply.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { counted } from '../create/create.ts'
import { elementwise, expandTo } from '../define/elementwise.ts'
import { filled } from '../define/fill.ts'
import { reshapeOp } from '../define/views.ts'
import { gatherAlongDim, scatterAddAlongDim } from '../indexing/gather.ts'
import { add, mul } from '../pointwise/arithmetic.ts'
import { narrow } from '../views/views.ts'
import { axis, type Axis, cropped, padded, unwindow, window } from '../views/windows.ts'

/** Windows over the last dimensions of a tensor, by dimension. */
export interface Windows {
  readonly input: Shape
  readonly output: Shape
  /** The size of a window; of the largest one if they differ. */
  readonly kernel: Shape
  readonly stride: Shape
  readonly dilation: Shape
  /** Elements before the input that windows cover. */
  readonly low: Shape
  /**
   * For windows at uneven distances: the position of each tap in row-major order of the dimensions of the input, at
   * least its number of elements for one outside; [...output, ...kernel], with or without the leading dimensions.
   */
  readonly places?: Tensor
}

/** The most taps that an expression combines. */
export const mostTaps = 9
/** Whether the taps of a window are few and at even distances: then one expression combines them. */
export const isSmall = ({ kernel, places }: Windows): boolean => places === undefined && numelOf(kernel) <= mostTaps

/** The dimensions before those that windows go over. */
export const leading = (x: { readonly sizes: Shape }, { input }: Windows): Shape =>
  x.sizes.slice(0, x.sizes.length - input.length)

/** Elements behind the input that windows cover; negative if the windows leave some out. */
const beyond = ({ input, output, kernel, stride, dilation, low }: Windows): Shape =>
  input.map((n, i) => stride[i] * (output[i] - 1) + dilation[i] * (kernel[i] - 1) + 1 - n - low[i])

function axesOf(lead: Shape, { kernel, output, stride, dilation }: Windows): Axis[] {
  return [
    ...lead.map((n, d) => axis(n, d)),
    ...output.map((n, i) => axis(n, lead.length + i, stride[i])),
    ...kernel.map((n, i) => axis(n, lead.length + i, dilation[i])),
  ]
}

const shaped = (x: Tensor, sizes: Shape): Tensor => apply(reshapeOp, [x], sizes)

/** The taps of all windows, with `fill` outside of the input. */
export function taps(x: Tensor, windows: Windows, fill: number): Tensor {
  const lead = leading(x, windows)
  const { input, output, kernel, places } = windows
  if (places === undefined) return window(padded(x, windows.low, beyond(windows), fill), axesOf(lead, windows))
  // One more element, to which the places outside of the input lead.
  const flat = padded(shaped(x, [...lead, numelOf(input)]), [0], [1], fill)
  return shaped(gatherAlongDim(flat, lead.length, indexOf(places, windows, lead)), [...lead, ...output, ...kernel])
}

/** For windows at even distances: each tap of all windows, [..., ...output], in row-major order of a window. */
export function eachTap(x: Tensor, windows: Windows, fill: number): Tensor[] {
  const lead = leading(x, windows)
  const { kernel, dilation } = windows
  const around = padded(x, windows.low, beyond(windows), fill)
  const axes = axesOf(lead, { ...windows, kernel: [] })
  const first = lead.map(() => 0)
  return Array.from({ length: numelOf(kernel) }, (_, k) => {
    const start = kernel.map((n, d) => (Math.floor(k / numelOf(kernel.slice(d + 1))) % n) * dilation[d])
    return window(around, axes, [...first, ...start])
  })
}

/** The gradient of `taps`: adds each of them to its element. */
export function untaps(y: Tensor, windows: Windows): Tensor {
  const { input, low, places } = windows
  const lead = y.sizes.slice(0, y.sizes.length - 2 * input.length)
  if (places === undefined) {
    const high = beyond(windows)
    const sizes = input.map((n, i) => n + Math.max(low[i], 0) + Math.max(high[i], 0))
    return cropped(unwindow(y, axesOf(lead, windows), [...lead, ...sizes]), low, high)
  }
  const size = numelOf(input)
  const zeros = filled([...lead, size + 1], y.dtype, 0, y.storage.device)
  const index = indexOf(places, windows, lead)
  const sum = scatterAddAlongDim(zeros, lead.length, index, shaped(y, index.sizes))
  return shaped(narrow(sum, lead.length, 0, size), [...lead, ...input])
}

/** How many taps of each window count, [...output]: those in the input and `around` it. */
export function counts(windows: Windows, around: Shape, device: string): Tensor {
  const { input, output, kernel, stride, low, places } = windows
  const rank = input.length
  return input
    .map((n, d) => {
      const i = along(d, output[d], rank, device)
      if (places !== undefined) return apply(shares, [i, operand(n), operand(output[d])], null)
      const [before, end] = [-around[d], n + around[d]]
      return apply(covered, [i, ...[stride[d], low[d], kernel[d], before, end].map(operand)], null)
    })
    .reduce((product, more) => mul(product, more))
}
const covered = elementwise('count', (i, stride, low, kernel, before, end) => {
  const start = s.sub(s.mul(i, stride), low)
  return s.sub(s.min(s.add(start, kernel), end), s.max(start, before))
})

// ---- places ----

const nearest = elementwise('minimum', (place, last) => s.min(place, last))

/** Places as the index of a gather from an input with one more element, for all leading dimensions. */
function indexOf(places: Tensor, { input, output, kernel }: Windows, lead: Shape): Tensor {
  const index = apply(nearest, [places, operand(numelOf(input))], null)
  const own = places.sizes.slice(0, places.dim() - output.length - kernel.length)
  const flat = shaped(index, [...(own.length === 0 ? lead.map(() => 1) : own), numelOf([...output, ...kernel])])
  return expandTo(flat, [...lead, flat.sizes[lead.length]])
}

const evenly = elementwise('place', (i, t, stride, dilation, low, n, step, outside) => {
  const at = s.add(s.sub(s.mul(i, stride), low), s.mul(t, dilation))
  return s.select(s.and(s.ge(at, 0), s.lt(at, n)), s.mul(at, step), outside)
})
/** The beginning and the end of window i of o. */
const share = (i: Expr, n: Expr, o: Expr): [start: Expr, end: Expr] => [
  s.floorDiv(s.mul(i, n), o),
  s.floorDiv(s.add(s.mul(s.add(i, 1), n), s.sub(o, 1)), o),
]
const shares = elementwise('count', (i, n, o) => {
  const [start, end] = share(i, n, o)
  return s.sub(end, start)
})
const adaptively = elementwise('place', (i, t, n, o, step, outside) => {
  const [start, end] = share(i, n, o)
  const at = s.add(start, t)
  return s.select(s.lt(at, end), s.mul(at, step), outside)
})
const onwards = elementwise('place', (start, t, step) => s.mul(s.add(start, t), step))

/** 0, 1, 2, ... along one of several axes. */
export function along(axisAt: number, size: number, axes: number, device: string): Tensor {
  const sizes = Array.from({ length: axes }, (_, i) => (i === axisAt ? size : 1))
  return shaped(counted(size, 'int32', device), sizes)
}

/**
 * The places of all taps, [...output, ...kernel], as sums over the dimensions. A tap that is outside in one of them gets
 * the number of elements there.
 */
function placesBy(
  { input, output, kernel }: Windows,
  device: string,
  place: (i: Tensor, t: Tensor, d: number, step: number) => Tensor,
): Tensor {
  const rank = input.length
  return input
    .map((_, d) => {
      const step = numelOf(input.slice(d + 1))
      const t = along(rank + d, kernel[d], 2 * rank, device)
      return place(along(d, output[d], 2 * rank, device), t, d, step)
    })
    .reduce((sum, more) => add(sum, more))
}

/** The places of the taps of windows at even distances. */
export function evenPlaces(windows: Windows, device: string): Tensor {
  const { input, stride, dilation, low } = windows
  return placesBy(windows, device, (i, t, d, step) =>
    apply(evenly, [i, t, ...[stride[d], dilation[d], low[d], input[d], step, numelOf(input)].map(operand)], null),
  )
}

/** Windows that share the input out: window i of o goes from floor(i n / o) to ceil((i + 1) n / o). */
export function adaptiveWindows(input: Shape, output: Shape, device: string): Windows {
  const none = input.map(() => 0)
  const each = input.map(() => 1)
  if (input.every((n, d) => output[d] > 0 && n % output[d] === 0)) {
    const size = input.map((n, d) => n / output[d])
    return { input, output, kernel: size, stride: size, dilation: each, low: none }
  }
  const longest = input.map((n, d) => {
    let most = 1
    for (let i = 0; i < output[d]; i++)
      most = Math.max(most, Math.ceil(((i + 1) * n) / output[d]) - Math.floor((i * n) / output[d]))
    return most
  })
  const windows = { input, output, kernel: longest, stride: each, dilation: each, low: none }
  const places = placesBy(windows, device, (i, t, d, step) =>
    apply(adaptively, [i, t, ...[input[d], output[d], step, numelOf(input)].map(operand)], null),
  )
  return { ...windows, places }
}

/** Windows of one size that begin at given indices in each dimension, [...lead, output]. */
export function windowsFrom(starts: readonly Tensor[], input: Shape, kernel: Shape, device: string): Windows {
  const rank = input.length
  const output = starts.map((start) => start.sizes[start.dim() - 1])
  const each = input.map(() => 1)
  const windows = { input, output, kernel, stride: each, dilation: each, low: input.map(() => 0) }
  const places = placesBy(windows, device, (_, t, d, step) => {
    const start = starts[d]
    const lead = start.sizes.slice(0, -1)
    const sizes = Array.from({ length: 2 * rank }, (_, axis) => (axis === d ? output[d] : 1))
    return apply(onwards, [shaped(start, [...lead, ...sizes]), t, operand(step)], null)
  })
  return { ...windows, places }
}
