// Views: other shapes and orders over the same memory. Each is a function on layouts, from which the gradient follows
// (define/views.ts).
import type { Spec } from '../../backend/backend.ts'
import { dtypeName } from '../../base/dtype.ts'
import { IndexError, RuntimeError } from '../../base/errors.ts'
import { isContiguous, isInjective, viewStrides } from '../../base/layout.ts'
import { inferSize, normalizeDim, normalizeDims, numelOf, type Shape, shapeString } from '../../base/shape.ts'
import { apply } from '../../tensor/apply.ts'
import type { Cut, OpDef } from '../../tensor/op.ts'
import {
  type Takes,
  type Arguments,
  checkSelf,
  int,
  method,
  nullable,
  optional,
  required,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { chainLayout, setAssign, type ViewStep } from '../../tensor/view-step.ts'
import { type DimOption, type Sizes, sizesOf } from '../define/arguments.ts'
import { cloneOp, expandOp, sumTo } from '../define/elementwise.ts'
import { adjoint, flipOp, permuteOp, reshapeOp, viewOp } from '../define/views.ts'
import { div } from '../pointwise/arithmetic.ts'
import { filled, toDType } from '../define/fill.ts'

const strictView = viewOp<Shape>('view', (layout, shape) => {
  const strides = viewStrides(layout, shape)
  if (strides === null) {
    throw new RuntimeError(
      "view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous subspaces). Use .reshape(...) instead.",
    )
  }
  return { sizes: shape, strides, offset: layout.offset }
})

/** The same elements under another shape, without a copy; one size may be -1. */
export function view(x: Tensor, ...sizes: Sizes): Tensor {
  checkSelf('view', x)
  return apply(strictView, [x], inferSize(sizesOf('view', 'size', sizes, -1), x.numel()))
}

/** The same elements under another shape: a view if possible, otherwise a copy; one size may be -1. */
export function reshape(x: Tensor, ...sizes: Sizes<'shape'>): Tensor {
  checkSelf('reshape', x)
  return apply(reshapeOp, [x], inferSize(sizesOf('reshape', 'shape', sizes, -1), x.numel()))
}

const ravelArguments = method('ravel')
/** All elements in row-major order in one dimension: a view of a contiguous tensor, otherwise a copy. */
export function ravel(x: Tensor, ...none: []): Tensor {
  ravelArguments(x, none)
  return view(contiguous(x), -1)
}

interface FlattenDims {
  readonly startDim?: number
  readonly endDim?: number
}
const flattenArguments = method('flatten', optional('startDim', int, 0), optional('endDim', int, -1))
/** Dimensions `startDim` to `endDim` merged into one. */
export function flatten(x: Tensor, ...args: Arguments<[startDim: number, endDim: number], FlattenDims>): Tensor {
  const [startDim, endDim] = flattenArguments(x, args)
  const start = normalizeDim(startDim, x.dim())
  const end = normalizeDim(endDim, x.dim())
  if (x.dim() === 0) return reshape(x, 1)
  if (start > end) throw new RuntimeError('flatten() has invalid args: start_dim cannot come after end_dim')
  if (start === end) return x
  const middle = numelOf(x.sizes.slice(start, end + 1))
  return reshape(x, [...x.sizes.slice(0, start), middle, ...x.sizes.slice(end + 1)])
}

/** The dimensions in another order. */
export function permute(x: Tensor, ...dims: Sizes<'dims'>): Tensor {
  checkSelf('permute', x)
  const order = sizesOf('permute', 'dims', dims, Number.NEGATIVE_INFINITY)
  if (order.length !== x.dim()) {
    throw new RuntimeError(
      `permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of dimensions i.e. input.dim() = ${x.dim()} is not equal to len(dims) = ${order.length}`,
    )
  }
  const normal = order.map((d) => normalizeDim(d, x.dim()))
  if (new Set(normal).size !== normal.length) throw new RuntimeError('permute(): duplicate dims are not allowed.')
  return apply(permuteOp, [x], normal)
}

const transposeOp: OpDef<readonly number[]> = { ...permuteOp, name: 'transpose' }
const tOp: OpDef<readonly number[]> = { ...permuteOp, name: 't' }

const transposeArguments = method('transpose', required('dim0', int), required('dim1', int))
/** Two dimensions swapped. */
export function transpose(x: Tensor, ...dims: Takes<[dim0: number, dim1: number], 'dim0 dim1'>): Tensor {
  const [dim0, dim1] = transposeArguments(x, dims)
  const a = normalizeDim(dim0, x.dim())
  const b = normalizeDim(dim1, x.dim())
  return apply(
    transposeOp,
    [x],
    x.sizes.map((_, i) => (i === a ? b : i === b ? a : i)),
  )
}

const tArguments = method('t')
/** The transpose of a matrix; vectors and scalars stay as they are. */
export function t(x: Tensor, ...none: []): Tensor {
  tArguments(x, none)
  if (x.dim() > 2) {
    throw new RuntimeError(
      `t() expects a tensor with <= 2 dimensions, but self is ${x.dim()}D`,
      'Use transpose(dim0, dim1).',
    )
  }
  return x.dim() < 2
    ? apply(
        tOp,
        [x],
        x.sizes.map((_, i) => i),
      )
    : apply(tOp, [x], [1, 0])
}

/** Without the dimensions in `drop`. */
const squeezeOp = (name: string) =>
  viewOp<readonly number[]>(name, ({ sizes, strides, offset }, drop) => ({
    sizes: sizes.filter((_, i) => !drop.includes(i)),
    strides: strides.filter((_, i) => !drop.includes(i)),
    offset,
  }))
const squeezeAll = squeezeOp('squeeze')
const squeezeOne = squeezeOp('SqueezeBackward1')

const squeezeArguments = method('squeeze', optional('dim', int, undefined))
/** Without dimensions of size 1: all of them, or `dim` if it has size 1. */
export function squeeze(x: Tensor, ...args: Arguments<[dim: number], DimOption>): Tensor {
  const [dim] = squeezeArguments(x, args)
  if (dim === undefined)
    return apply(
      squeezeAll,
      [x],
      x.sizes.flatMap((n, i) => (n === 1 ? [i] : [])),
    )
  const d = normalizeDim(dim, x.dim())
  return apply(squeezeOne, [x], x.sizes[d] === 1 ? [d] : [])
}

const unsqueezeOp = viewOp<number>('unsqueeze', ({ sizes, strides, offset }, dim) => ({
  sizes: [...sizes.slice(0, dim), 1, ...sizes.slice(dim)],
  strides: [...strides.slice(0, dim), dim < sizes.length ? sizes[dim] * strides[dim] : 1, ...strides.slice(dim)],
  offset,
}))
const unsqueezeArguments = method('unsqueeze', required('dim', int))
/** With a new dimension of size 1 at `dim`. */
export function unsqueeze(x: Tensor, ...args: Takes<[dim: number], 'dim'>): Tensor {
  const [dim] = unsqueezeArguments(x, args)
  return apply(unsqueezeOp, [x], normalizeDim(dim, x.dim() + 1))
}

/** Repeats sizes of 1 without a copy; -1 keeps a size, and new dimensions come first. */
export function expand(x: Tensor, ...sizes: Sizes): Tensor {
  checkSelf('expand', x)
  return apply(expandOp, [x], expandedShape(x, sizesOf('expand', 'size', sizes, Number.NEGATIVE_INFINITY)))
}
/** The full sizes of an expansion, or PyTorch's error. */
export function expandedShape(x: Spec, shape: Shape): Shape {
  const lead = shape.length - x.sizes.length
  if (lead < 0) {
    throw new RuntimeError(
      `expand(torch.${dtypeName[x.dtype]}Tensor{${shapeString(x.sizes)}}, size=${shapeString(shape)}): the number of sizes provided (${shape.length}) must be greater or equal to the number of dimensions in the tensor (${x.sizes.length})`,
    )
  }
  const full = new Array<number>(shape.length)
  // The message is about the last dimension that does not fit, as in PyTorch.
  for (let i = shape.length - 1; i >= 0; i--) {
    const n = shape[i]
    const own = i < lead ? 1 : x.sizes[i - lead]
    if (n === -1 && i < lead) {
      throw new RuntimeError(
        `The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension ${i}`,
      )
    }
    full[i] = n === -1 ? own : n
    if (full[i] !== own && (own !== 1 || n < 0)) {
      throw new RuntimeError(
        `The expanded size of the tensor (${n}) must match the existing size (${own}) at non-singleton dimension ${i}.  Target sizes: ${shapeString(shape)}.  Tensor sizes: ${shapeString(x.sizes)}`,
      )
    }
  }
  return full
}
const expandAsArguments = method('expand_as', required('other', tensor))
/** Expanded to the shape of another tensor. */
export function expandAs(x: Tensor, ...args: Takes<[other: Tensor], 'other'>): Tensor {
  const [other] = expandAsArguments(x, args)
  return expand(x, other.sizes)
}

const flipCopyOp: OpDef<readonly number[]> = {
  name: 'flip',
  infer: flipOp.infer,
  vjp: (ctx) => [apply(flipOp, [ctx.dy], ctx.attrs)],
  to: { kind: 'compose', compose: ([x], dims) => [apply(cloneOp, [apply(flipOp, [x], dims)], null)] },
}
/** The elements in reverse order along the given dimensions: a copy, as in PyTorch. */
export function flip(x: Tensor, ...dims: Sizes<'dims'>): Tensor {
  checkSelf('flip', x)
  const given = sizesOf('flip', 'dims', dims, Number.NEGATIVE_INFINITY)
  return apply(flipCopyOp, [x], given.length === 0 ? [] : normalizeDims(given, x.dim()))
}

export const sliceOp: OpDef<Cut> = {
  ...viewOp<Cut>('slice', ({ sizes, strides, offset }, { dim, start, length, step }) => ({
    sizes: sizes.map((n, i) => (i === dim ? length : n)),
    strides: strides.map((st, i) => (i === dim ? st * step : st)),
    offset: length === 0 ? offset : offset + start * strides[dim],
  })),
  cut: (attrs) => attrs,
}

const bound = nullable(int)
const sliceArguments = method(
  'slice',
  required('dim', int),
  optional('start', bound, null),
  optional('end', bound, null),
  optional('step', int, 1),
)
interface SliceBounds {
  readonly start?: number | null
  readonly end?: number | null
  readonly step?: number
}
/**
 * Elements `start`, `start + step`, ... below `end` of a dimension, by Python's rules for negative and large bounds.
 */
export function slice(
  x: Tensor,
  ...args: Takes<[dim: number], 'dim', Arguments<[start: number | null, end: number | null, step: number], SliceBounds>>
): Tensor {
  const [dim, start, end, step] = sliceArguments(x, args)
  if (x.dim() === 0) throw new RuntimeError('slice() cannot be applied to a 0-dim tensor.')
  if (step <= 0) throw new RuntimeError('slice step must be positive', 'To reverse, use flip().')
  const d = normalizeDim(dim, x.dim())
  const size = x.sizes[d]
  const clip = (at: number): number => Math.min(Math.max(at < 0 ? at + size : at, 0), size)
  const from = clip(start ?? 0)
  const length = Math.max(Math.ceil((clip(end ?? size) - from) / step), 0)
  return apply(sliceOp, [x], { dim: d, start: from, length, step })
}

const narrowArguments = method('narrow', required('dim', int), required('start', int), required('length', int))
/** `length` elements of a dimension from `start` on. */
export function narrow(
  x: Tensor,
  ...args: Takes<[dim: number, start: number, length: number], 'dim start length'>
): Tensor {
  const [dim, start, length] = narrowArguments(x, args)
  if (x.dim() === 0) throw new RuntimeError('narrow() cannot be applied to a 0-dim tensor.')
  const d = normalizeDim(dim, x.dim())
  const from = start === x.sizes[d] ? start : normalizeDim(start, x.sizes[d])
  if (length < 0 || from + length > x.sizes[d]) {
    throw new RuntimeError(`start (${from}) + length (${length}) exceeds dimension size (${x.sizes[d]}).`)
  }
  return apply(sliceOp, [x], { dim: d, start: from, length, step: 1 })
}

interface Selection {
  readonly dim: number
  readonly index: number
}
export const selectOp: OpDef<Selection> = {
  ...viewOp<Selection>('select', ({ sizes, strides, offset }, { dim, index }) => ({
    sizes: sizes.filter((_, i) => i !== dim),
    strides: strides.filter((_, i) => i !== dim),
    offset: offset + index * strides[dim],
  })),
  cut: ({ dim, index }) => ({ dim, start: index, length: 1, step: 1 }),
}
const selectArguments = method('select', required('dim', int), required('index', int))
/** One index of a dimension, which is removed. */
export function select(x: Tensor, ...args: Takes<[dim: number, index: number], 'dim index'>): Tensor {
  const [dim, index] = selectArguments(x, args)
  if (x.dim() === 0) throw new IndexError('select() cannot be applied to a 0-dim tensor.')
  const d = normalizeDim(dim, x.dim())
  const size = x.sizes[d]
  if (index < -size || index >= size) {
    throw new IndexError(
      `select(): index ${index} out of range for tensor of size ${shapeString(x.sizes)} at dimension ${d}`,
    )
  }
  return apply(selectOp, [x], { dim: d, index: index < 0 ? index + size : index })
}

export interface Diagonal {
  readonly offset: number
  readonly dim1: number
  readonly dim2: number
}
export const diagonalOp: OpDef<Diagonal> = viewOp<Diagonal>('diagonal', ({ sizes, strides, offset: start }, attrs) => {
  const { offset, dim1, dim2 } = attrs
  const [down, right] = [Math.max(-offset, 0), Math.max(offset, 0)]
  const length = Math.max(Math.min(sizes[dim1] - down, sizes[dim2] - right), 0)
  const others = (list: readonly number[]) => list.filter((_, d) => d !== dim1 && d !== dim2)
  return {
    sizes: [...others(sizes), length],
    strides: [...others(strides), strides[dim1] + strides[dim2]],
    offset: length === 0 ? start : start + down * strides[dim1] + right * strides[dim2],
  }
})
const diagonalArguments = method(
  'diagonal',
  optional('offset', int, 0),
  optional('dim1', int, 0),
  optional('dim2', int, 1),
)
/**
 * The elements whose indices along `dim1` and `dim2` (by default 0 and 1) differ by `offset`, in a new last dimension;
 * a view. An offset above 0 takes a diagonal above the main one, an offset below 0 one below it.
 *
 * @example
 * diagonal(tensor([[1, 2], [3, 4]])) // tensor([1., 4.])
 */
export function diagonal(
  x: Tensor,
  ...args: Arguments<[offset: number, dim1: number, dim2: number], Partial<Diagonal>>
): Tensor {
  const [offset, ...dims] = diagonalArguments(x, args)
  const [dim1, dim2] = dims.map((dim) => normalizeDim(dim, x.dim()))
  if (dim1 === dim2) throw new RuntimeError(`diagonal dimensions cannot be identical ${dims[0]}, ${dims[1]}`)
  return apply(diagonalOp, [x], { offset, dim1, dim2 })
}

const unfoldOp = viewOp<{ readonly dim: number; readonly size: number; readonly step: number }>(
  'unfold',
  ({ sizes, strides, offset }, { dim, size, step }) => ({
    sizes: [...sizes.map((n, i) => (i === dim ? Math.floor((n - size) / step) + 1 : n)), size],
    strides: [...strides.map((st, i) => (i === dim ? st * step : st)), strides[dim] ?? 1],
    offset,
  }),
)
const unfoldArguments = method('unfold', required('dimension', int), required('size', int), required('step', int))
/** Sliding windows of `size` elements every `step` along a dimension, in a new last dimension; a view. */
export function unfold(
  x: Tensor,
  ...args: Takes<[dimension: number, size: number, step: number], 'dimension size step'>
): Tensor {
  const [dim, size, step] = unfoldArguments(x, args)
  const d = normalizeDim(dim, x.dim())
  const most = x.dim() === 0 ? 1 : x.sizes[d]
  if (size > most) throw new RuntimeError(`maximum size for tensor at dimension ${d} is ${most} but size is ${size}`)
  if (size < 0) throw new RuntimeError(`size is ${size} but must be >= 0`)
  if (step <= 0) throw new RuntimeError(`step is ${step} but must be > 0`)
  return apply(unfoldOp, [x], { dim: d, size, step })
}

const contiguousArguments = method('contiguous')
/** The tensor itself if it is row-major, otherwise a row-major copy. */
export function contiguous(x: Tensor, ...none: []): Tensor {
  contiguousArguments(x, none)
  return isContiguous(x) ? x : apply(cloneOp, [x], null)
}

const cloneArguments = method('clone')
/** A copy with its own memory; gradients flow through it. */
export function clone(x: Tensor, ...none: []): Tensor {
  cloneArguments(x, none)
  return apply(cloneOp, [x], null)
}

/**
 * A tensor whose elements under a chain of views are replaced by those of a second tensor. In place, it writes memory
 * through a view. Its gradient is zero in the region for the base, and the gradient of the region for the values.
 */
export const assignOp: OpDef<readonly ViewStep[]> = {
  name: 'CopySlices',
  infer: ([base]) => [base],
  vjp: (ctx) => {
    const { dy } = ctx
    const reached = reachedBy(dy, ctx.attrs)
    const target = ctx.needs(1) ? ctx.inputSpec(1) : null
    return [
      ctx.needs(0) ? apply(assignOp, [dy, filled(reached.sizes, dy.dtype, 0, dy.storage.device)], ctx.attrs) : null,
      target === null ? null : toDType(sumTo(reached, target.sizes), target.dtype),
    ]
  },
  to: {
    kind: 'kernel',
    prim: 'assign',
    lower: (chain, [base]) => ({ region: chainLayout(base.sizes, chain) }),
  },
}
setAssign(assignOp)

/** The gradient of each value assigned to a region; equal values that fall on one element share its gradient. */
function reachedBy(dy: Tensor, chain: readonly ViewStep[]): Tensor {
  const reached = replay(dy, chain)
  const layout = chainLayout(dy.sizes, chain)
  if (isInjective(layout)) return reached
  const ones = filled(layout.sizes, dy.dtype, 1, dy.storage.device)
  return div(reached, replay(adjoint(ones, layout, dy.sizes), chain))
}

/** The same views of another tensor. */
const replay = (x: Tensor, chain: readonly ViewStep[]): Tensor =>
  chain.reduce((y, { op, attrs }) => apply(op, [y], attrs), x)
