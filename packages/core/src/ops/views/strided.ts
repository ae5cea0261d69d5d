// Views by sizes, strides and an offset in the memory of a tensor, which may overlap: asStrided and asStridedScatter.
import { dtypeSize } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { highestOf, isContiguous, isInjective, type Layout } from '../../base/layout.ts'
import { checkSource, type Shape, shapeString } from '../../base/shape.ts'
import { apply } from '../../tensor/apply.ts'
import { overlapping } from '../../tensor/in-place.ts'
import type { OpDef } from '../../tensor/op.ts'
import { type Takes, int, ints, method, nullable, optional, required, tensor } from '../../tensor/signature.ts'
import { Tensor } from '../../tensor/tensor.ts'
import type { ViewStep } from '../../tensor/view-step.ts'
import { toDType } from '../define/fill.ts'
import { asStridedOp, permuteOp } from '../define/views.ts'
import { assignOp } from './views.ts'

/** A layout in memory of `room` elements; throws PyTorch's errors for one that leaves it. */
function layoutIn(x: Tensor, room: number, sizes: Shape, strides: readonly number[], offset: number): Layout {
  if (sizes.length !== strides.length) throw new RuntimeError('mismatch in length of strides and shape')
  if (strides.some((step) => step < 0)) {
    throw new RuntimeError(
      `as_strided: Negative strides are not supported at the moment, got strides: ${shapeString(strides)}`,
      'flip() reverses a dimension.',
    )
  }
  if (sizes.some((n) => n < 0)) {
    throw new RuntimeError(
      `Storage size calculation overflowed with sizes=${shapeString(sizes)} and strides=${shapeString(strides)}`,
    )
  }
  if (offset < 0) throw new RuntimeError(`Tensor: invalid storage offset ${offset}`)
  const end = sizes.includes(0) ? 0 : highestOf(sizes, strides, offset) + 1
  if (end > room) {
    const item = dtypeSize[x.dtype]
    throw new RuntimeError(
      `setStorage: sizes ${shapeString(sizes)}, strides ${shapeString(strides)}, storage offset ${offset}, and itemsize ${item} requiring a storage size of ${end * item} are out of bounds for storage of size ${room * item}`,
    )
  }
  return { sizes: [...sizes], strides: [...strides], offset }
}

/** The dimensions in the order of memory, if the elements fill it without gaps: a permutation makes them row-major. */
function orderOf(x: Tensor): readonly number[] | null {
  const order = x.sizes.map((_, d) => d).sort((a, b) => x.strides[b] - x.strides[a] || a - b)
  const turned = { sizes: order.map((d) => x.sizes[d]), strides: order.map((d) => x.strides[d]), offset: x.offset }
  return isContiguous(turned) ? order : null
}

const asStridedArguments = method(
  'as_strided',
  required('size', ints),
  required('stride', ints),
  optional('storageOffset', nullable(int), null),
)
type Offset = [storageOffset?: number | null | { readonly storageOffset?: number | null }]
export type Strided = Takes<[size: readonly number[], stride: readonly number[]], 'size stride', Offset>
/**
 * A view of given sizes, with given distances between neighbours in memory, from `storageOffset` on: by default where
 * the tensor itself begins. Elements may appear several times; their gradients add up.
 *
 * Throws a RuntimeError for negative strides, and for a view that leaves the tensor's memory.
 *
 * @example
 * asStrided(tensor([1, 2, 3, 4]), [3, 2], [1, 1]) // tensor([[1., 2.],
 *                                                 //         [2., 3.],
 *                                                 //         [3., 4.]])
 */
export function asStrided(x: Tensor, ...args: Strided): Tensor {
  const [sizes, strides, given] = asStridedArguments(x, args)
  const { storage, offset } = x
  const to = layoutIn(x, storage.size, sizes, strides, given ?? offset)
  const isWithin =
    x.elements > 0 &&
    to.offset >= offset &&
    (to.sizes.includes(0) || highestOf(to.sizes, to.strides, to.offset) < offset + x.elements)
  const order = isWithin ? orderOf(x) : null
  if (order !== null) {
    const inOrder = isContiguous(x) ? x : apply(permuteOp, [x], order)
    return apply(asStridedOp, [inOrder], { ...to, offset: to.offset - offset })
  }
  // It reaches beyond the tensor, into memory that its base has.
  if (x.viewOf === null && x.requiresGrad) {
    throw new RuntimeError(
      'as_strided: the view reaches memory through which no gradient flows to the tensor',
      'Take it of the tensor to which all of the memory belongs.',
    )
  }
  const base = x.viewOf?.base ?? new Tensor(storage, [storage.size], [1], 0, x.dtype)
  return apply(asStridedOp, [base], { ...to, offset: to.offset - base.offset })
}

const scatterOp: OpDef<readonly ViewStep[]> = { ...assignOp, name: 'asStridedScatter' }
const scatterArguments = method(
  'as_strided_scatter',
  required('src', tensor),
  required('size', ints),
  required('stride', ints),
  optional('storageOffset', nullable(int), null),
)
/**
 * A copy of `x` with `src` where `asStrided` of the copy reads. Differentiable in both.
 *
 * @example
 * asStridedScatter(zeros(4), ones(2), [2], [3]) // tensor([1., 0., 0., 1.])
 */
export function asStridedScatter(
  x: Tensor,
  ...args: Takes<[src: Tensor, size: readonly number[], stride: readonly number[]], 'src size stride', Offset>
): Tensor {
  const [src, sizes, strides, offset] = scatterArguments(x, args)
  const to = layoutIn(x, x.elements, sizes, strides, offset ?? 0)
  checkSource(src.sizes, to.sizes)
  if (!isInjective(to)) throw overlapping()
  const written = (y: Tensor): Tensor =>
    apply(scatterOp, [y, toDType(src, x.dtype)], [{ op: asStridedOp as OpDef<unknown>, attrs: to }])
  const order = isContiguous(x) ? null : orderOf(x)
  if (order === null) return written(x)
  // The copy keeps the order of dimensions in memory.
  const back = order.map((_, d) => order.indexOf(d))
  return apply(permuteOp, [written(apply(permuteOp, [x], order))], back)
}
