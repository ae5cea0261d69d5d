// View ops: functions on layouts. The gradient follows from the function; it moves elements back to where they were
// read.
import { contiguousLayout, isContiguous, type Layout, viewStrides } from '../../base/layout.ts'
import { numelOf, sameShape, type Shape } from '../../base/shape.ts'
import { apply } from '../../tensor/apply.ts'
import type { Lowering, OpDef } from '../../tensor/op.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { sumTo } from './elementwise.ts'

/** A view op: a function from layout to layout. Its gradient, the adjoint of that function, follows from it. */
export function viewOp<A>(name: string, view: (layout: Layout, attrs: A) => Layout | null): OpDef<A> {
  const onContiguous = (shape: Shape, attrs: A): Layout => view(contiguousLayout(shape), attrs) as Layout
  return {
    name,
    infer: ([x], attrs) => [{ sizes: onContiguous(x.sizes, attrs).sizes, dtype: x.dtype }],
    vjp: (ctx) => {
      const { sizes } = ctx.inputSpec(0)
      return [adjoint(ctx.dy, onContiguous(sizes, ctx.attrs), sizes)]
    },
    to: { kind: 'view', view },
  }
}

/** The elements of a tensor under another layout over its row-major order. */
export const asStridedOp = viewOp<Layout>('asStrided', (layout, to) =>
  isContiguous(layout) ? { ...to, offset: layout.offset + to.offset } : null,
)
export const permuteOp = viewOp<readonly number[]>('permute', ({ sizes, strides, offset }, dims) => ({
  sizes: dims.map((d) => sizes[d]),
  strides: dims.map((d) => strides[d]),
  offset,
}))
export const flipOp = viewOp<readonly number[]>('flip', ({ sizes, strides, offset }, dims) => ({
  sizes,
  strides: strides.map((st, i) => (dims.includes(i) ? -st : st)),
  offset: dims.reduce((at, d) => at + Math.max(sizes[d] - 1, 0) * strides[d], offset),
}))
/** The same elements in row-major order under another shape; copies if no strides can express it. */
export const reshapeOp = viewOp<Shape>('reshapeAlias', (layout, shape) => {
  const strides = viewStrides(layout, shape)
  return strides === null ? null : { sizes: shape, strides, offset: layout.offset }
})

/**
 * A reshape that autograd does not treat as a view, as PyTorch's `_unsafe_view`: for a row-major result that nobody
 * else sees.
 */
export function ownView(name: string): OpDef<Shape> {
  const { infer, vjp, to } = reshapeOp
  return { name, infer, vjp, to: { ...to, own: true } as Lowering<Shape> }
}

/** Adds up elements at the positions of a layout over a new row-major tensor of `size` elements. */
const foldOp: OpDef<{ readonly size: number; readonly layout: Layout }> = {
  name: 'fold',
  infer: ([x], { size }) => [{ sizes: [size], dtype: x.dtype }],
  vjp: (ctx) => [apply(asStridedOp, [ctx.dy], ctx.attrs.layout)],
  to: {
    kind: 'kernel',
    prim: 'fold',
    lower: ({ size, layout }) => ({
      out: [size],
      offset: [layout.offset],
      axes: [layout.strides.map((step, axis) => ({ in: axis, step }))],
    }),
  },
}

/**
 * The gradient of a view: moves `dy` back to where the layout read it. Repeated elements are summed; permuted and
 * reversed ones move without a copy; overlapping ones, or ones with gaps, are folded into zeros.
 */
export function adjoint(dy: Tensor, layout: Layout, shape: Shape): Tensor {
  const once = layout.sizes.map((n, i) => (layout.strides[i] === 0 ? 1 : n))
  const flipped = layout.strides.flatMap((st, i) => (st < 0 && once[i] > 1 ? [i] : []))
  const summed = sumTo(dy, once)
  const order = once.map((_, i) => i).sort((a, b) => Math.abs(layout.strides[b]) - Math.abs(layout.strides[a]))
  const sizes = order.filter((i) => once[i] > 1)
  let step = 1
  let complete = numelOf(once) === numelOf(shape)
  for (let k = sizes.length - 1; k >= 0; k--) {
    if (Math.abs(layout.strides[sizes[k]]) !== step) complete = false
    step *= once[sizes[k]]
  }
  if (complete) {
    const ahead = flipped.length === 0 ? summed : apply(flipOp, [summed], flipped)
    const moved = order.every((d, i) => d === i) ? ahead : apply(permuteOp, [ahead], order)
    return sameShape(moved.sizes, shape) ? moved : apply(reshapeOp, [moved], shape)
  }
  const flat = apply(foldOp, [summed], { size: numelOf(shape), layout: { ...layout, sizes: once } })
  return apply(reshapeOp, [flat], shape)
}
