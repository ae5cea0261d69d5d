// Windows: views with any axes over the dimensions of a tensor, of which several may go along one dimension.
// Convolutions, pooling and unfolding read their inputs by them, without a copy of any window.
import { contiguousLayout, type Layout } from '../../base/layout.ts'
import type { Shape } from '../../base/shape.ts'
import { apply } from '../../tensor/apply.ts'
import type { OpDef } from '../../tensor/op.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { adjoint, viewOp } from '../define/views.ts'
import { padOp } from './pad.ts'

/** An axis of a view: `size` steps of `step` along dimension `dim` of the tensor; for `dim` -1 the elements repeat. */
export interface Axis {
  readonly size: number
  readonly dim: number
  readonly step: number
}
interface Window {
  readonly axes: readonly Axis[]
  /** Where the view begins in each dimension of the tensor; 0 in those that are not given. */
  readonly start?: Shape
}

const windowLayout = ({ strides, offset }: Layout, { axes, start = [] }: Window): Layout => ({
  sizes: axes.map(({ size }) => size),
  strides: axes.map(({ dim, step }) => (dim < 0 ? 0 : step * strides[dim])),
  offset: start.reduce((at, n, d) => at + n * strides[d], offset),
})

/**
 * Any axes over the dimensions of a tensor, of which several may go along one dimension: sliding windows, groups,
 * repeats, reversals. The gradient adds up what was read from each element.
 */
export const windowOp: OpDef<Window> = viewOp<Window>('window', windowLayout)

export const axis = (size: number, dim: number, step = 1): Axis => ({ size, dim, step })
export const window = (x: Tensor, axes: readonly Axis[], start?: Shape): Tensor =>
  apply(windowOp, [x], start ? { axes, start } : { axes })
/** The gradient of `window`: adds each element of `y` to the one of a tensor of these sizes that it was read from. */
export const unwindow = (y: Tensor, axes: readonly Axis[], sizes: Shape): Tensor =>
  adjoint(y, windowLayout(contiguousLayout(sizes), { axes }), sizes)

/** Pads the last dimensions by the positive amounts. For negative ones the windows begin later, or end earlier. */
export const padded = (x: Tensor, low: Shape, high: Shape, value = 0): Tensor => grown(x, low, high, 1, value)
/** The gradient of `padded`. */
export const cropped = (y: Tensor, low: Shape, high: Shape): Tensor => grown(y, low, high, -1, 0)

function grown(x: Tensor, low: Shape, high: Shape, sign: 1 | -1, value: number): Tensor {
  if (low.every((n) => n <= 0) && high.every((n) => n <= 0)) return x
  const none = x.sizes.slice(low.length).map(() => 0)
  const amounts = (of: Shape): Shape => [...none, ...of.map((n) => sign * Math.max(n, 0))]
  return apply(padOp, [x], { low: amounts(low), high: amounts(high), value })
}
