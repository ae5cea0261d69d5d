// Extremes: the largest and smallest elements, and their positions. Over all elements, and in amax and amin, equal
// elements share the gradient; over one dimension the first of them gets it.
import type { Prims } from '../../backend/backend.ts'
import { IndexError, RuntimeError } from '../../base/errors.ts'
import { toInt } from '../../base/remedies.ts'
import { normalizeDim, normalizeDims, reducedShape } from '../../base/shape.ts'
import { type Expr, s } from '../../expr/expr.ts'
import { apply, applyAll } from '../../tensor/apply.ts'
import { type NamedPair, namedPair } from '../../tensor/named-tuple.ts'
import type { Gradients, OpDef, Vjp } from '../../tensor/op.ts'
import {
  type Arguments,
  bool,
  int,
  isTensor,
  keyword,
  method,
  nullable,
  optional,
  type Parameter,
  required,
  tensor,
} from '../../tensor/signature.ts'
import { detached, type Tensor } from '../../tensor/tensor.ts'
import {
  type DimArguments,
  type DimOption,
  type DimOptions,
  type Dims,
  dimParameter,
  keepdimParameter,
  notImplemented,
  type GivenDim,
  type KeepdimOption,
} from '../define/arguments.ts'
import { cloneOp, elementwise } from '../define/elementwise.ts'
import { reshapeOp } from '../define/views.ts'
import { filled } from '../define/fill.ts'
import { maximum, minimum } from '../pointwise/choice.ts'
import { atLeast1d, gatherAlongDim, scatterAlongDim } from '../indexing/gather.ts'
import { byCase } from '../define/kernels.ts'
import { ValuesAndIndices } from './values-and-indices.ts'
import { type Reduction, reduction, withDims } from '../reduce/reduce.ts'

type Fn = 'max' | 'min'
type Same = (x: Expr, y: Expr) => Expr

/** Elements equal to the extreme share its gradient evenly; `part` says how the others get none. */
function evenly(
  same: Same,
  part: (dy: Expr, same: Expr, count: Expr) => Expr,
): Pick<OpDef<Reduction>, 'vjp' | 'saves'> {
  const ties = elementwise('eq', (x, y) => s.cast(same(x, y), x.dtype))
  const share = elementwise('div', (dy, x, y, count) => part(dy, same(x, y), count))
  return {
    saves: () => ({ inputs: [0], outputs: [0] }),
    vjp: (ctx) => {
      const { dims } = ctx.attrs
      const x = detached(ctx.input(0))
      const y = detached(withDims(ctx.output(), x.sizes, dims))
      const count = apply(ties, [x, y], { sizes: y.sizes, dtype: x.dtype })
      return [apply(share, [withDims(ctx.dy, x.sizes, dims), x, y, count], null)]
    },
  }
}
/** As PyTorch's `maskedFill`: NaN elements share the gradient of a NaN, and a NaN gradient goes nowhere else. */
export const sharing = evenly(
  (x, y) => s.or(s.eq(x, y), s.and(s.isnan(x), s.isnan(y))),
  (dy, same, count) => s.select(same, s.div(dy, count), 0),
)
/** As a product with the mask: a gradient that is not finite gives NaN at the other elements. */
const divided = evenly(
  (x, y) => s.eq(x, y),
  (dy, same, count) => s.div(s.mul(dy, s.cast(same, dy.dtype)), count),
)
const whole = {
  max: reduction('MaxBackward1', 'max', (x) => x, sharing),
  min: reduction('MinBackward1', 'min', (x) => x, sharing),
}
const some = {
  max: reduction('amax', 'max', (x) => x, divided),
  min: reduction('amin', 'min', (x) => x, divided),
}

/** `amax` with its dimensions kept and without checks; -Infinity for an empty reduction. */
export const largest = (x: Tensor, dims: readonly number[]): Tensor =>
  apply(some.max, [x], { dims, keepdim: true, dtype: x.dtype })

const isAll = (dims: Dims | null | undefined): boolean =>
  dims === undefined || dims === null || (Array.isArray(dims) && dims.length === 0)

function checkNotEmpty(x: Tensor, name: string, dims: readonly number[], all: boolean): void {
  if (x.elements > 0) return
  if (all) {
    const sentence = `${name}(): Expected reduction dim to be specified for input.numel() == 0.`
    if (name.startsWith('arg')) throw new IndexError(sentence)
    throw new RuntimeError(`${sentence} Specify the reduction dim with the 'dim' argument.`)
  }
  const empty = dims.find((d) => x.sizes[d] === 0)
  if (empty !== undefined) throw new IndexError(`${name}(): Expected reduction dim ${empty} to have non-zero size.`)
}

function extremum(fn: Fn): (x: Tensor, ...args: DimArguments<DimOptions>) => Tensor {
  const read = method(`a${fn}`, dimParameter, keepdimParameter)
  return (x, ...args) => {
    const [dims, keepdim] = read(x, args)
    const normal = normalizeDims(dims, x.dim())
    checkNotEmpty(x, `a${fn}`, normal, isAll(dims))
    return apply(some[fn], [x], { dims: normal, keepdim, dtype: x.dtype })
  }
}

/**
 * The largest elements, of all or over `dim` (one or several). Equal elements share the gradient. Any dtype.
 *
 * @example
 * amax(tensor([[1, 2], [4, 3]]), 1) // tensor([2., 4.])
 */
export const amax = extremum('max')
/** The smallest elements, of all or over `dim` (one or several). Equal elements share the gradient. Any dtype. */
export const amin = extremum('min')

// ---- where ----

interface Places {
  readonly fn: Fn
  readonly dims: readonly number[]
  readonly keepdim: boolean
}
const places = {
  max: byCase((axes): Prims['argReduce'] => ({ fn: 'max', axes })),
  min: byCase((axes): Prims['argReduce'] => ({ fn: 'min', axes })),
}
const argOp: OpDef<Places> = {
  name: 'argmax',
  infer: ([x], { dims, keepdim }) => [{ sizes: reducedShape(x.sizes, dims, keepdim), dtype: 'int32' }],
  to: { kind: 'kernel', prim: 'argReduce', lower: ({ fn, dims }, [x]) => places[fn](dims, x.dtype) },
}

export interface OneDimOptions extends DimOption<number | null>, KeepdimOption {}
type OneDimArguments = Arguments<[dim: number | null, keepdim: boolean], OneDimOptions>
/** One dimension or all of them, but not several. */
const oneDim = (hint: string): Parameter<number | null> => optional('dim', nullable({ ...int, hint }), null)

function place(fn: Fn): (x: Tensor, ...args: OneDimArguments) => Tensor {
  const name = `arg${fn}`
  const read = method(name, oneDim(`For the extreme over several dimensions use a${fn}().`), keepdimParameter)
  return (x, ...args) => {
    const [dim, keepdim] = read(x, args)
    const dims = normalizeDims(dim, x.dim())
    checkNotEmpty(x, name, dims, dim === null)
    if (x.dtype === 'bool') throw notImplemented(`${name}_cpu`, x.dtype, toInt)
    return apply(argOp, [x], { fn, dims, keepdim })
  }
}

/**
 * The index of the largest element: in row-major order, or along `dim`. The first of equal elements; NaN counts as the
 * largest. int32; bool is refused.
 *
 * @example
 * argmax(tensor([[3, 1], [2, 5]]), 1) // tensor([0, 1])
 */
export const argmax = place('max')
/**
 * The index of the smallest element: in row-major order, or along `dim`. The first of equal elements; NaN counts as the
 * smallest. int32.
 */
export const argmin = place('min')

// ---- values and where ----

export interface Along {
  readonly dim: number
  readonly keepdim: boolean
}

/** The gradient of values that were picked along a dimension: `dy` at the positions they came from. */
export function putBack(ctx: Vjp<{ readonly dim: number }>): Gradients {
  const { sizes, dtype } = ctx.inputSpec(0)
  const { dim } = ctx.attrs
  if (sizes.length === 0) return [ctx.dy]
  const zeros = filled(sizes, dtype, 0, ctx.dy.storage.device)
  const at = ctx.output(1)
  const dims = at.sizes.length === sizes.length ? [] : [dim]
  const kept = (t: Tensor): Tensor => (dims.length === 0 ? t : withDims(t, sizes, dims))
  return [scatterAlongDim(zeros, dim, kept(at), kept(ctx.dy))]
}

const selecting = (fn: Fn, name: string): OpDef<Along> => ({
  name,
  infer: ([x], { dim, keepdim }) => {
    const shape = reducedShape(x.sizes, [dim], keepdim)
    return [
      { sizes: shape, dtype: x.dtype },
      { sizes: shape, dtype: 'int32' },
    ]
  },
  saves: () => ({ outputs: [1] }),
  vjp: putBack,
  to: {
    kind: 'compose',
    compose: ([input], { dim, keepdim }) => {
      const x = input as Tensor
      if (x.dim() === 0) return [apply(cloneOp, [x], null), filled([], 'int32', 0, x.storage.device)]
      const at = apply(argOp, [x], { fn, dims: [dim], keepdim: true })
      const values = gatherAlongDim(x, dim, at)
      if (keepdim) return [values, at]
      const shape = reducedShape(x.sizes, [dim], false)
      return [values, at].map((y) => apply(reshapeOp, [y], shape))
    },
  },
})
const selected = { max: selecting('max', 'MaxBackward0'), min: selecting('min', 'MinBackward0') }

function extreme(fn: Fn): (x: Tensor, ...args: readonly unknown[]) => Tensor | ValuesAndIndices {
  const read = method(fn, oneDim(`For the extreme over several dimensions use a${fn}().`), keepdimParameter)
  const ofTwo = method(fn, required('other', tensor))
  return (x, ...args) => {
    if (isTensor(args[0])) {
      const [other] = ofTwo(x, args)
      return fn === 'max' ? maximum(x, other) : minimum(x, other)
    }
    const [dim, keepdim] = read(x, args)
    if (dim === null) {
      checkNotEmpty(x, fn, [], true)
      return apply(whole[fn], [x], { dims: normalizeDims(null, x.dim()), keepdim: false, dtype: x.dtype })
    }
    const d = normalizeDim(dim, x.dim())
    checkNotEmpty(x, fn, [d], false)
    const [values, indices] = applyAll(selected[fn], [x], { dim: d, keepdim })
    return new ValuesAndIndices(fn, values, indices)
  }
}

interface Extreme {
  (x: Tensor): Tensor
  (x: Tensor, other: Tensor): Tensor
  (x: Tensor, dim: number, keepdim?: boolean | OneDimOptions): ValuesAndIndices
  (x: Tensor, options: OneDimOptions & GivenDim): ValuesAndIndices
}
/**
 * The largest element; of two tensors, the larger of each pair (`max(x, other)`); or over a dimension, the values and
 * indices. Equal elements share the gradient; over a dimension the first gets it.
 *
 * @example
 * const { values, indices } = max(tensor([[1, 2], [4, 3]]), 1) // tensor([2., 4.]), tensor([1, 0])
 */
export const max = extreme('max') as Extreme
/**
 * The smallest element; of two tensors, the smaller of each pair; or over a dimension, the values and indices. See
 * `max`.
 */
export const min = extreme('min') as Extreme

// Methods derived from the table have one form; these have three.
declare module '../../tensor/tensor.ts' {
  interface Tensor {
    /** The largest element of all. */
    max(): Tensor
    /** The larger of each pair of elements. */
    max(other: Tensor): Tensor
    /** The largest elements over a dimension, and their indices. */
    max(dim: number | (OneDimOptions & GivenDim), keepdim?: boolean | OneDimOptions): ValuesAndIndices
    /** The smallest element of all. */
    min(): Tensor
    /** The smaller of each pair of elements. */
    min(other: Tensor): Tensor
    /** The smallest elements over a dimension, and their indices. */
    min(dim: number | (OneDimOptions & GivenDim), keepdim?: boolean | OneDimOptions): ValuesAndIndices
  }
}

/** Throws if a dimension to choose from is empty. */
export function checkReduced(x: Tensor, name: string, dim: number): void {
  if (x.sizes[dim] === 0) throw new IndexError(`${name}(): Expected reduction dim ${dim} to have non-zero size.`)
}

const aminmaxArguments = method('aminmax', keyword('dim', nullable(int), null), keyword('keepdim', bool, false))
/**
 * The smallest and the largest element, `min` and `max`, of all or over `dim`. Equal elements share the gradient.
 *
 * @example
 * aminmax(tensor([3, 1, 2])).max // tensor(3.)
 */
export function aminmax(x: Tensor, ...args: [options?: OneDimOptions]): NamedPair<'min', 'max'> {
  const [dim, keepdim] = aminmaxArguments(x, args)
  if (dim === null && x.elements === 0) {
    throw new RuntimeError(
      'aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.',
    )
  }
  const d = dim === null ? 0 : normalizeDim(dim, x.dim())
  if (x.sizes[d] === 0) throw new IndexError(`aminmax: Expected reduction dim ${d} to have non-zero size.`)
  // A dimension that is kept is one that the result has.
  const kept = dim !== null && keepdim ? atLeast1d(x) : x
  const [least, most] = [amin, amax].map((fn) => fn(kept, dim, keepdim))
  return namedPair('aminmax', { min: least, max: most })
}
