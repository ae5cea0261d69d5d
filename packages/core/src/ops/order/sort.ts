// Sorting: sort, argsort and topk. Equal elements keep their order, NaN counts as the largest, indices are int32.
import type { Prims, Run } from '../../backend/backend.ts'
import { RuntimeError } from '../../base/errors.ts'
import { toInt } from '../../base/remedies.ts'
import { normalizeDim } from '../../base/shape.ts'
import { apply, applyAll } from '../../tensor/apply.ts'
import type { Input, OpDef } from '../../tensor/op.ts'
import {
  type Takes,
  type Arguments,
  bool,
  int,
  keyword,
  method,
  nullable,
  optional,
  required,
} from '../../tensor/signature.ts'
import { detached, type Tensor } from '../../tensor/tensor.ts'
import { type DimOption, notImplemented } from '../define/arguments.ts'
import { cloneOp } from '../define/elementwise.ts'
import { putBack } from './extremes.ts'
import { filled } from '../define/fill.ts'
import { ValuesAndIndices } from './values-and-indices.ts'
import { cat } from '../views/join.ts'
import { narrow } from '../views/views.ts'

interface Order {
  readonly dim: number
  readonly descending: boolean
  /** The places along the dimension to keep. */
  readonly places: readonly Run[]
}
const lengthOf = (places: readonly Run[]): number => places.reduce((sum, [from, to]) => sum + to - from, 0)

const orders = new Map<string, Prims['sort']>()
const sortKernel: OpDef<Order> = {
  name: 'sort',
  infer: ([x]) => [
    { sizes: x.sizes, dtype: x.dtype },
    { sizes: x.sizes, dtype: 'int32' },
  ],
  to: {
    kind: 'kernel',
    prim: 'sort',
    lower: ({ dim: axis, descending, places }, [{ sizes }]) => {
      const isAll = lengthOf(places) === sizes[axis]
      const key = `${axis} ${descending} ${isAll || places.join()}`
      const attrs = orders.get(key) ?? (isAll ? { axis, descending } : { axis, descending, places })
      orders.set(key, attrs)
      return attrs
    },
  },
}

function ordered([input]: readonly Input[], attrs: Order): readonly Tensor[] {
  const { dim, places } = attrs
  const x = input as Tensor
  if (x.dim() === 0) return [apply(cloneOp, [x], null), filled([], 'int32', 0, x.storage.device)]
  const all = applyAll(sortKernel, [x], attrs)
  if (lengthOf(places) === x.sizes[dim]) return all
  return all.map((y) =>
    cat(
      places.map(([from, to]) => narrow(y, dim, from, to - from)),
      dim,
    ),
  )
}

const orderOp = (name: string): OpDef<Order> => ({
  name,
  infer: ([x], { dim, places }) => {
    const shape = x.sizes.map((n, i) => (i === dim ? lengthOf(places) : n))
    return [
      { sizes: shape, dtype: x.dtype },
      { sizes: shape, dtype: 'int32' },
    ]
  },
  saves: () => ({ outputs: [1] }),
  vjp: putBack,
  to: { kind: 'compose', compose: ordered },
})
const sortOp = orderOp('sort')
const stableSortOp = orderOp('SortBackward1')
const topkOp = orderOp('topk')

/** The elements at some places of the order along a dimension, or all, and their indices, without gradients. */
export const sortedAlong = (x: Tensor, dim: number, places: readonly Run[] = [[0, x.sizes[dim]]]): readonly Tensor[] =>
  ordered([detached(x)], { dim, descending: false, places })

/** The elements at some places of the order along a dimension. */
export const valuesAt = (x: Tensor, dim: number, places: readonly Run[]): Tensor =>
  applyAll(sortOp, [x], { dim, descending: false, places })[0]

export interface SortOptions extends DimOption {
  readonly descending?: boolean
  /** Keep the order of equal elements; it is always kept. */
  readonly stable?: boolean
}
type SortArguments = Arguments<[dim: number, descending: boolean], SortOptions>
const lastDim = optional('dim', int, -1)
const descendingParameter = optional('descending', bool, false)
const sortArguments = method('sort', lastDim, descendingParameter, keyword('stable', nullable(bool), undefined))
const argsortArguments = method('argsort', lastDim, descendingParameter, keyword('stable', nullable(bool), undefined))

const orderOf = (x: Tensor, dim: number, descending: boolean): Order => {
  const d = normalizeDim(dim, x.dim())
  return { dim: d, descending, places: [[0, x.dim() === 0 ? 1 : x.sizes[d]]] }
}

/**
 * The elements in order along `dim` (-1), ascending or `{ descending }`, and their indices. Stable.
 *
 * @example
 * const { values, indices } = sort(tensor([3, 1, 2])) // tensor([1., 2., 3.]), tensor([1, 2, 0])
 */
export function sort(x: Tensor, ...args: SortArguments): ValuesAndIndices {
  const [dim, descending, stable] = sortArguments(x, args)
  const [values, indices] = applyAll(stable === undefined ? sortOp : stableSortOp, [x], orderOf(x, dim, descending))
  return new ValuesAndIndices('sort', values, indices)
}

/**
 * The indices that sort along `dim` (-1), ascending or `{ descending }`. Stable; int32.
 *
 * @example
 * argsort(tensor([3, 1, 2])) // tensor([1, 2, 0])
 */
export function argsort(x: Tensor, ...args: SortArguments): Tensor {
  const [dim, descending] = argsortArguments(x, args)
  return ordered([detached(x)], orderOf(x, dim, descending))[1]
}

const msortArguments = method('msort')
/**
 * The elements in ascending order along the first dimension.
 *
 * @example
 * msort(tensor([[3, 1], [2, 4]])) // tensor([[2., 1.],
 *                                 //         [3., 4.]])
 */
export function msort(x: Tensor, ...none: []): Tensor {
  msortArguments(x, none)
  return applyAll(sortOp, [x], orderOf(x, 0, false))[0]
}

export interface TopkOptions extends DimOption {
  /** Take the largest elements (the default) or the smallest. */
  readonly largest?: boolean
  /** Sort the result; it is always sorted. */
  readonly sorted?: boolean
}
const topkArguments = method(
  'topk',
  required('k', int),
  lastDim,
  optional('largest', bool, true),
  optional('sorted', bool, true),
)
/**
 * The `k` largest elements along `dim` (-1) in order, or with `{ largest: false }` the smallest, and their indices.
 *
 * @example
 * topk(tensor([1, 4, 3]), 2).values // tensor([4., 3.])
 */
export function topk(
  x: Tensor,
  ...args: Takes<[k: number], 'k', Arguments<[dim: number, largest: boolean, sorted: boolean], TopkOptions>>
): ValuesAndIndices {
  const [k, dim, largest] = topkArguments(x, args)
  const d = normalizeDim(dim, x.dim())
  const size = x.dim() === 0 ? 1 : x.sizes[d]
  if (k < 0 || k > size) {
    throw new RuntimeError('selected index k out of range', `k is ${k}; dimension ${d} has ${size} elements.`)
  }
  if (x.dtype === 'bool' && x.dim() > 0) throw notImplemented('topk_cpu', x.dtype, toInt)
  const [values, indices] = applyAll(topkOp, [x], { dim: d, descending: largest, places: [[0, k]] })
  return new ValuesAndIndices('topk', values, indices)
}
