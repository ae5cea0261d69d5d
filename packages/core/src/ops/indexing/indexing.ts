// PyTorch's `x[...]` and `x[...] = value` as `x.at(...)` and `x.setAt([...], value)`. Numbers, slices, null and '...'
// make views; masks and index tensors gather and scatter (advanced.ts).
import { IndexError, TypeError, ValueError } from '../../base/errors.ts'
import { typeName } from '../../base/python.ts'
import { sameShape } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import { apply, operand } from '../../tensor/apply.ts'
import { applyInPlace } from '../../tensor/in-place.ts'
import {
  type Takes,
  bool,
  checkSelf,
  int,
  isTensor,
  method,
  nullable,
  optional,
  required,
  signature,
  tensor as tensorKind,
  tensors,
} from '../../tensor/signature.ts'
import { kindOf, Tensor } from '../../tensor/tensor.ts'
import {
  accumulateOp,
  fitRank,
  fitValues,
  indexOp,
  isMask,
  planOf,
  putOp,
  spread,
  type TensorIndices,
} from './advanced.ts'
import { numberFor } from '../define/arguments.ts'
import { tensor } from '../create/create.ts'
import { cloneOp, elementwise, expandTo } from '../define/elementwise.ts'
import { reshapeOp, viewOp } from '../define/views.ts'
import { filled, toDType } from '../define/fill.ts'
import { accumulateAlongOp, putAlongOp } from './gather.ts'
import { expand, selectOp, slice, unsqueeze } from '../views/views.ts'
import { copy_, fill_ } from '../write/write.ts'

class Range {
  readonly start: number | null
  readonly stop: number | null
  readonly step: number | null

  constructor(start: number | null, stop: number | null, step: number | null) {
    this.start = start
    this.stop = stop
    this.step = step
  }
}

/** Python's `start:stop:step` in an index; null stands for a part that Python leaves out. */
export type Slice = Range
/**
 * Python's `start:stop:step` in an index, as in PyTorch's C++: `Slice(1)` is `1:`, `Slice(null, 3)` is `:3`, `Slice()` is `:`.
 *
 * @example
 * x.at(Slice(1, 3), 0) // x[1:3, 0]
 */
export const Slice = (...args: [start?: number | null, stop?: number | null, step?: number | null]): Slice =>
  new Range(...sliceArguments(args))
const bound = nullable({
  ...int,
  refuse: (value: unknown, argument: string) =>
    new TypeError(
      'slice indices must be integers or None or have an __index__ method',
      `The ${argument} is ${typeof value === 'number' ? value : typeName(value)}.`,
    ),
})
const sliceArguments = signature(
  'Slice',
  optional('start', bound, null),
  optional('stop', bound, null),
  optional('step', bound, null),
)

type Nested = readonly (number | boolean | Nested)[]
/**
 * What can stand between the brackets of `x[...]`: a number, a `Slice`, null (a new dimension), a boolean, an int32
 * tensor, a bool or uint8 tensor (a mask), a list of numbers or booleans, or Python's own text: `'1:3'`, `':'`,
 * `'...'`, `'::2, 0'`.
 */
export type Index = number | boolean | null | Slice | string | Tensor | Nested

const valid = 'only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices'

// ---- Python's text ----

const ellipsis = Symbol('...')
type Spec = number | boolean | null | Slice | Tensor | typeof ellipsis

const parsed = new Map<string, readonly Spec[]>()
/** The indices of a text, parsed once. */
function parse(text: string): readonly Spec[] {
  let specs = parsed.get(text)
  if (specs === undefined) {
    specs = text.split(',').map(parsePart)
    parsed.set(text, specs)
  }
  return specs
}

function parsePart(part: string): Spec {
  const text = part.trim()
  if (text === '...') return ellipsis
  if (text === 'None' || text === 'null') return null
  const bounds = text.split(':').map((bound) => bound.trim())
  if (bounds.length > 3 || !bounds.every((bound) => /^([+-]?\d+)?$/.test(bound)) || text === '') {
    throw new IndexError(
      `${valid} (got str)`,
      `'${part}' is none: write '1:3', ':', '::2', '...', 'None' or a whole number.`,
    )
  }
  if (bounds.length === 1) return Number(text)
  const [start = null, stop = null, step = null] = bounds.map((bound) => (bound === '' ? null : Number(bound)))
  return new Range(start, stop, step)
}

function specsOf(x: Tensor, indices: readonly Index[]): Spec[] {
  const specs: Spec[] = []
  for (const index of indices) {
    if (typeof index === 'string') specs.push(...parse(index))
    else if (Array.isArray(index)) specs.push(listIndex(x, index))
    else if (index === undefined || (typeof index === 'object' && index !== null && !known(index))) {
      throw new IndexError(`${valid} (got ${index === undefined ? 'undefined' : typeName(index)})`)
    } else specs.push(index as Spec)
  }
  return specs
}
const known = (index: object): boolean => isTensor(index) || index instanceof Range

/** A list is an index tensor: of int32, or of bool if it contains booleans. */
function listIndex(x: Tensor, list: Nested): Tensor {
  let first: unknown = list
  // No deeper than tensor() goes, which refuses a list that contains itself.
  for (let depth = 0; Array.isArray(first) && depth < 128; depth++) first = first[0]
  return tensor(list, { dtype: typeof first === 'boolean' ? 'bool' : 'int32', device: x.device })
}

// ---- the views, and the index tensors that are left ----

interface Reached {
  readonly view: Tensor
  /** The index tensors, by dimension of the view; empty if the view is the result. */
  readonly indices: TensorIndices
}

/** A mask indexes as many dimensions as it has. */
const width = (spec: Spec): number => {
  if (spec instanceof Tensor) return isMask(spec) ? spec.dim() : 1
  return typeof spec === 'number' || spec instanceof Range ? 1 : 0
}

function reach(x: Tensor, given: readonly Index[], writes = false): Reached {
  const specs = specsOf(x, given)
  const indexed = specs.reduce<number>((n, spec) => n + width(spec), 0)
  if (indexed > x.dim()) refuseTooMany(x, specs)
  const indices: (Tensor | undefined)[] = []
  let view = x
  let dim = 0
  specs.forEach((spec, position) => {
    if (typeof spec === 'number') view = pick(view, dim, spec, position)
    else if (spec instanceof Range) view = cut(view, dim++, spec, writes || specs.length > 1)
    else if (spec === null) view = unsqueeze(view, dim++)
    else if (spec === ellipsis) dim += x.dim() - indexed
    else if (typeof spec === 'boolean') {
      view = unsqueeze(view, dim)
      indices[dim++] = tensor(spec ? [0] : [], { dtype: 'int32', device: x.device })
    } else if (!(spec instanceof Tensor)) throw new IndexError(`${valid} (got ${typeof spec})`)
    else if (spec.dim() > 0) {
      indices[dim] = spec
      dim += width(spec)
    } else if (isMask(spec)) {
      view = unsqueeze(view, dim)
      indices[dim++] = apply(reshapeOp, [spec], [1])
    } else if (spec.dtype === 'int32') view = pick(view, dim, spec.item(), position)
    else indices[dim++] = spec
  })
  return { view, indices }
}

function refuseTooMany(x: Tensor, specs: readonly Spec[]): never {
  if (x.dim() === 0 && specs.length === 1) {
    if (typeof specs[0] === 'number') {
      throw new IndexError(
        'invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a number',
      )
    }
    if (specs[0] instanceof Range) throw new IndexError('slice() cannot be applied to a 0-dim tensor.')
  }
  throw new IndexError(`too many indices for tensor of dimension ${x.dim()}`)
}

/** Applies one number; messages give its position between the brackets. */
function pick(x: Tensor, dim: number, index: number, position: number): Tensor {
  if (!Number.isInteger(index)) throw new IndexError(`${valid} (got float)`, `The index is ${index}.`)
  const size = x.sizes[dim] ?? 0
  if (index < -size || index >= size) {
    throw new IndexError(`index ${index} is out of bounds for dimension ${position} with size ${size}`)
  }
  return apply(selectOp, [x], { dim, index: index < 0 ? index + size : index })
}

function cut(x: Tensor, dim: number, { start, stop, step }: Slice, several: boolean): Tensor {
  if (step === 0) throw new ValueError('slice step cannot be zero')
  if (step !== null && step < 0) throw new ValueError('step must be greater than zero', 'To reverse, use flip().')
  // Next to other indices, and in an assignment, a slice that takes everything makes no view of its own.
  if (several && (start ?? 0) === 0 && (step ?? 1) === 1 && stop === x.sizes[dim]) return x
  return slice(x, dim, start, stop, step ?? 1)
}

const aliasOp = viewOp<null>('alias', ({ sizes, strides, offset }) => ({ sizes, strides, offset }))

/**
 * PyTorch's `x[...]`. Numbers, slices, null and '...' give a view of the same memory. With a mask or an index tensor
 * among them the result is a copy: index tensors broadcast against each other, and their dimensions take the place of
 * the first one, or come first if other indices are between them. Differentiable.
 *
 * Throws an IndexError for an index out of bounds, for too many indices, and for a mask of another shape.
 *
 * @example
 * x.at(0) // x[0]
 * x.at(Slice(1, 3), null, -1) // x[1:3, None, -1]
 * x.at('1:3, None, -1') // the same
 * x.at('...', tensor([0, 2], { dtype: 'int32' })) // x[..., [0, 2]]
 * x.at(x.gt(0)) // x[x > 0]
 */
export function at(x: Tensor, ...index: readonly Index[]): Tensor {
  checkSelf('at', x)
  if (index.length === 1 && typeof index[0] === 'number' && x.dim() > 0) return pick(x, 0, index[0], 0)
  const { view, indices } = reach(x, index)
  if (indices.length === 0) return view === x ? apply(aliasOp, [x], null) : view
  return takeAt(view, indices)
}

function takeAt(x: Tensor, indices: TensorIndices): Tensor {
  const { places, plan } = planOf(x, indices, 'an index by a mask')
  return apply(indexOp, [x, places], plan)
}

// ---- assignment ----

const maskedOp = elementwise('IndexPutBackward0', (x, mask, value) => s.select(mask, value, x), {
  gradName: 'where',
})

/** The mask, broadcast against `x`, if it is the only index: assigning one number then needs no positions. */
function onlyMask(x: Tensor, indices: TensorIndices): Tensor | undefined {
  const [mask, ...more] = indices.filter((index) => index !== undefined)
  if (mask === undefined || more.length > 0 || !isMask(mask)) return undefined
  const dim = indices.indexOf(mask)
  if (!sameShape(mask.sizes, x.sizes.slice(dim, dim + mask.dim()))) return undefined
  return apply(reshapeOp, [mask], [...mask.sizes, ...x.sizes.slice(dim + mask.dim()).map(() => 1)])
}

function putAt(x: Tensor, indices: TensorIndices, value: Tensor | number | boolean, accumulate: boolean): Tensor {
  const number = !(value instanceof Tensor)
  const mask = !accumulate && (number || value.elements === 1) ? onlyMask(x, indices) : undefined
  if (mask !== undefined) {
    const one = number ? operand(numberFor(value, x.dtype)) : apply(reshapeOp, [toDType(value, x.dtype)], [])
    return applyInPlace(maskedOp, x, [x, mask, one], null)
  }
  const { places, plan } = planOf(x, indices, 'an assignment of several values by a mask')
  const single = number ? filled([], x.dtype, Number(numberFor(value, x.dtype)), x.storage.device) : value
  const values = fitValues(single, x, plan.out)
  if (plan.order !== null || !sameShape(plan.merged, x.sizes)) {
    return applyInPlace(accumulate ? accumulateOp : putOp, x, [x, places, values], plan)
  }
  const index = spread(places, plan)
  const source = apply(reshapeOp, [expandTo(values, plan.out)], index.sizes)
  return applyInPlace(accumulate ? accumulateAlongOp : putAlongOp, x, [x, index, source], plan.axis)
}

const noMore = signature('setAt')
/**
 * PyTorch's `x[...] = value`, in place: `index` is one index or a list of them; `value` is a number or a tensor that
 * broadcasts to the indexed elements. If index tensors repeat a position, the last value wins. Differentiable in `x`
 * and `value`.
 *
 * Throws a RuntimeError for a value of another shape, and for a leaf that requires a gradient.
 *
 * @example
 * x.setAt(0, 1) // x[0] = 1
 * x.setAt([Slice(1, 3), -1], tensor([5, 6])) // x[1:3, -1] = torch.tensor([5., 6.])
 * x.setAt(x.lt(0), 0) // x[x < 0] = 0
 */
export function setAt(x: Tensor, ...args: [index: Index | readonly Index[], value: Tensor | number | boolean]): Tensor {
  checkSelf('setAt', x)
  const [index, value, ...more] = args
  noMore(more)
  if (!isTensor(value) && typeof value !== 'number' && typeof value !== 'boolean') {
    throw new TypeError(
      `can't assign a ${typeName(value)} to a ${kindOf(x)}`,
      'Assign a number or a tensor: tensor([1, 2]).',
    )
  }
  const { view, indices } = reach(x, Array.isArray(index) ? index : [index as Index], true)
  if (indices.length > 0) putAt(view, indices, value, false)
  else if (!(value instanceof Tensor)) fill_(view, value)
  else copy_(view, expand(fitRank(value), view.sizes))
  return x
}

export interface IndexPutOptions {
  /** Adds to the present elements; repeated positions add up. */
  readonly accumulate?: boolean
}

type IndexPutArguments = Takes<
  [indices: readonly Tensor[], values: Tensor],
  'indices values',
  [accumulate?: boolean | IndexPutOptions]
>
const indexPutArguments = method(
  'index_put',
  required('indices', tensors),
  required('values', tensorKind),
  optional('accumulate', bool, false),
)
/**
 * PyTorch's `index_put_`: writes `values` at the positions that index tensors or masks, one for each of the first
 * dimensions, give together. With `accumulate`, adds them.
 *
 * @example
 * zeros(2).indexPut_([tensor([0, 0], { dtype: 'int32' })], tensor([1, 2]), { accumulate: true }) // tensor([3., 0.])
 */
export function indexPut_(x: Tensor, ...args: IndexPutArguments): Tensor {
  const [indices, values, accumulate] = indexPutArguments(x, args)
  const byDim: (Tensor | undefined)[] = []
  let dim = 0
  for (const index of indices) {
    byDim[dim] = index
    dim += Math.max(width(index), 1)
  }
  if (dim > x.dim()) throw new IndexError(`too many indices for tensor of dimension ${x.dim()} (got ${dim})`)
  if (byDim.length === 0) return copy_(x, expandTo(fitValues(values, x, x.sizes), x.sizes))
  return putAt(x, byDim, values, accumulate)
}

/** `indexPut_` on a copy of `x`. */
export function indexPut(x: Tensor, ...args: IndexPutArguments): Tensor {
  indexPutArguments(x, args)
  return indexPut_(apply(cloneOp, [x], null), ...args)
}
