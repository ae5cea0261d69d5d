// Reads and writes by positions in the row of all elements: take, put, maskedScatter; takeAlongDim, which broadcasts
// its indices; and where(condition), which gives positions.
import { dtypeName } from '../../base/dtype.ts'
import { IndexError, RuntimeError } from '../../base/errors.ts'
import { dimIn, broadcastShapes, checkOutput, numelOf, type Shape } from '../../base/shape.ts'
import { apply } from '../../tensor/apply.ts'
import { applyInPlace } from '../../tensor/in-place.ts'
import type { OpDef } from '../../tensor/op.ts'
import { type Takes, bool, int, method, nullable, optional, required, tensor } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import type { DimOption } from '../define/arguments.ts'
import { expandTo } from '../define/elementwise.ts'
import { reshapeOp } from '../define/views.ts'
import type { TensorLike } from '../define/overloads.ts'
import { where as choose } from '../pointwise/where.ts'
import { narrow } from '../views/views.ts'
import { defineIndex, definePut, type Plan, placesOf, wrapIndicesBy } from './advanced.ts'
import { atLeast1d, gather } from './gather.ts'
import { nonzero, truthful } from './select.ts'

/** Positions in the row of all elements, for a result of this shape. */
const inRow = (x: Tensor, out: Shape): Plan => ({ order: null, merged: [x.elements], axis: 0, out })
const flat = (x: Tensor): Tensor => apply(reshapeOp, [x], [x.elements])

const outside = (index: number | null, size: number): Error =>
  new IndexError(
    index === null
      ? `out of range: tried to access an index on a tensor of ${size} elements.`
      : `out of range: tried to access index ${index} on a tensor of ${size} elements.`,
  )
const positions = (index: Tensor, size: number): Tensor => flat(wrapIndicesBy(outside, index, size))

function checkLong(name: string, index: Tensor): void {
  if (index.dtype === 'int32') return
  throw new RuntimeError(
    `${name}(): Expected a long tensor for index, but got ${dtypeName[index.dtype]}`,
    "int32 takes int64's place: index.int().",
  )
}

// ---- take and put ----

const takeOp = defineIndex('take', definePut('PutBackward0', true))
const putOp = definePut('PutBackward0', false)
const accumulateOp = definePut('PutBackward0', true)

const takeArguments = method('take', required('index', tensor))
/**
 * The elements at positions in row-major order, in the shape of `index`, which is int32; negative positions count from
 * the end. Differentiable in `x`.
 *
 * @example
 * take(tensor([[1, 2], [3, 4]]), tensor([0, -1], { dtype: 'int32' })) // tensor([1., 4.])
 */
export function take(x: Tensor, ...args: Takes<[index: Tensor], 'index'>): Tensor {
  const [index] = takeArguments(x, args)
  checkLong('take', index)
  if (x.elements === 0 && index.elements > 0) throw new IndexError('take(): tried to take from an empty tensor')
  return apply(takeOp, [x, positions(index, x.elements)], inRow(x, index.sizes))
}

export interface PutOptions {
  /** Adds to the present elements; repeated positions add up. */
  readonly accumulate?: boolean
}
type PutArguments = Takes<[index: Tensor, source: Tensor], 'index source', [accumulate?: boolean | PutOptions]>
const putArguments = method(
  'put',
  required('index', tensor),
  required('source', tensor),
  optional('accumulate', bool, false),
)
interface Put {
  readonly op: OpDef<Plan>
  readonly places: Tensor
  readonly values: Tensor
  readonly plan: Plan
}
function putCall(x: Tensor, args: PutArguments): Put {
  const [index, source, accumulate] = putArguments(x, args)
  checkLong('put_', index)
  if (x.dtype !== source.dtype) {
    throw new RuntimeError(
      `put_(): self and source expected to have the same dtype, but got self.dtype = ${dtypeName[x.dtype]} and source.dtype = ${dtypeName[source.dtype]}`,
      'Convert one: source.to(x.dtype).',
    )
  }
  if (source.elements !== index.elements) {
    throw new IndexError(
      `put_(): Expected source and index to have the same number of elements, but got source.numel() = ${source.elements}, index.numel() = ${index.elements}`,
    )
  }
  if (x.elements === 0 && index.elements > 0) throw new IndexError('put_(): Tried to put elements into an empty tensor')
  const plan = inRow(x, [index.elements])
  const places = positions(index, x.elements)
  return { op: accumulate ? accumulateOp : putOp, places, values: flat(source), plan }
}
/**
 * A copy of `x` with elements of `source` at positions in row-major order; negative ones count from the end. `index` is
 * int32 and has as many elements as `source`. With `accumulate`, adds them. Differentiable in `x` and `source`.
 *
 * @example
 * put(zeros(2, 2), tensor([1, -1], { dtype: 'int32' }), tensor([5, 6])) // tensor([[0., 5.],
 *                                                                       //         [0., 6.]])
 */
export function put(x: Tensor, ...args: PutArguments): Tensor {
  const { op, places, values, plan } = putCall(x, args)
  return apply(op, [x, places, values], plan)
}
/** `put` in place. */
export function put_(x: Tensor, ...args: PutArguments): Tensor {
  const { op, places, values, plan } = putCall(x, args)
  return applyInPlace(op, x, [x, places, values], plan)
}

// ---- takeAlongDim ----

const alongArguments = method('take_along_dim', required('indices', tensor), optional('dim', nullable(int), null))
/**
 * Picks elements along a dimension as `gather` does; the other sizes of `x` and `indices` broadcast. Without `dim`,
 * elements of the flattened tensor. Takes what argmax, argsort and their relatives give.
 *
 * @example
 * const scores = tensor([[1, 3], [4, 2]])
 * takeAlongDim(scores, scores.argsort(1), 1) // tensor([[1., 3.],
 *                                            //         [2., 4.]])
 */
export function takeAlongDim(
  x: Tensor,
  ...args: Takes<[indices: Tensor], 'indices', [dim?: number | null | DimOption<number | null>]>
): Tensor {
  const [indices, dim] = alongArguments(x, args)
  if (indices.dtype !== 'int32') {
    throw new RuntimeError(
      `torch.take_along_dim(): dtype of indices should be Long but got ${dtypeName[indices.dtype]}`,
      "int32 takes int64's place: indices.int().",
    )
  }
  if (dim === null) return gather(flat(x), 0, flat(indices))
  if (x.dim() !== indices.dim()) {
    throw new RuntimeError(
      `torch.take_along_dim(): input and indices should have the same number of dimensions, but got ${x.dim()} dimensions for input, and ${indices.dim()} dimensions for indices`,
    )
  }
  const d = dimIn(x.sizes, dim)
  const but = (shape: Shape, size: number): Shape => shape.map((n, i) => (i === d ? size : n))
  const shape = broadcastShapes(but(x.sizes, indices.sizes[d]), indices.sizes)
  return gather(expandTo(x, but(shape, x.sizes[d])), d, expandTo(indices, shape))
}

// ---- maskedScatter ----

const maskedScatterOp = definePut('MaskedScatterBackward0', false)
const maskedArguments = method('masked_scatter', required('mask', tensor), required('source', tensor))
function maskedCall(x: Tensor, shape: Shape, mask: Tensor, source: Tensor): [Tensor, Tensor, Plan] {
  if (x.dtype !== source.dtype) {
    throw new RuntimeError(
      `masked_scatter: expected self and source to have same dtypes but got${dtypeName[x.dtype]} and ${dtypeName[source.dtype]}`,
      'Convert one: source.to(x.dtype).',
    )
  }
  const places = placesOf(expandTo(truthful(mask), shape), 'maskedScatter()')
  if (source.elements < places.elements)
    throw new RuntimeError(
      'Number of elements of source < number of ones in mask',
      `They are ${source.elements} and ${places.elements}.`,
    )
  const plan: Plan = { order: null, merged: [numelOf(shape)], axis: 0, out: places.sizes }
  return [places, narrow(flat(source), 0, 0, places.elements), plan]
}
/**
 * A copy of `x` with the elements of `source`, in order, where the mask is true. The mask broadcasts against `x`, and
 * `source` has at least as many elements as it has true ones. Differentiable in `x` and `source`.
 *
 * @example
 * maskedScatter(zeros(3), tensor([true, false, true]), tensor([1, 2])) // tensor([1., 0., 2.])
 */
export function maskedScatter(x: Tensor, ...args: Takes<[mask: Tensor, source: Tensor], 'mask source'>): Tensor {
  const [mask, source] = maskedArguments(x, args)
  const shape = broadcastShapes(mask.sizes, x.sizes)
  const [places, values, plan] = maskedCall(x, shape, mask, source)
  return apply(maskedScatterOp, [expandTo(x, shape), places, values], plan)
}
/** `maskedScatter` in place; the mask broadcasts to `x`. */
export function maskedScatter_(x: Tensor, ...args: Takes<[mask: Tensor, source: Tensor], 'mask source'>): Tensor {
  const [mask, source] = maskedArguments(x, args)
  checkOutput(x.sizes, broadcastShapes(x.sizes, mask.sizes))
  const [places, values, plan] = maskedCall(x, x.sizes, mask, source)
  return applyInPlace(maskedScatterOp, x, [x, places, values], plan)
}

// ---- where ----

/** The positions of the nonzero elements of the condition: an index tensor per dimension, as indexing takes them. */
export function where(condition: Tensor): Tensor[]
/** `x` where the condition is true, `y` elsewhere. */
export function where(
  ...args: [condition: Tensor, ...Takes<[input: TensorLike, other: TensorLike], 'input other'>]
): Tensor
export function where(...args: readonly unknown[]): Tensor | Tensor[] {
  const [condition] = args
  if (args.length === 1 && tensor.accepts(condition)) return nonzero(atLeast1d(condition as Tensor), { asTuple: true })
  return choose(...(args as [Tensor, TensorLike, TensorLike]))
}
