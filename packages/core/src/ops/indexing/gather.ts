// Reads and writes along one dimension by an index tensor: gather, scatter and scatterAdd, with the kernels of the same
// names. They are each other's gradients. Indices are int32, which PyTorch's messages call int64, and never negative.
import type { Prims } from '../../backend/backend.ts'
import { dtypeName } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { normalizeDim, type Shape, shapeString } from '../../base/shape.ts'
import { apply } from '../../tensor/apply.ts'
import { applyInPlace } from '../../tensor/in-place.ts'
import type { OpDef } from '../../tensor/op.ts'
import {
  type Takes,
  also,
  either,
  int,
  keyword,
  method,
  required,
  scalar,
  str,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { numberFor } from '../define/arguments.ts'
import { expandTo } from '../define/elementwise.ts'
import { reshapeOp } from '../define/views.ts'
import { filled } from '../define/fill.ts'
import { clone, slice } from '../views/views.ts'

const indexHint = (index: Tensor): string | undefined =>
  index.dtype === 'int32' ? undefined : "int32 takes int64's place here: index.int()."

function checkIndex(name: string, index: Tensor): void {
  if (index.dtype === 'int32') return
  throw new RuntimeError(`${name}(): Expected dtype int64 for index`, indexHint(index))
}

/** The attributes of a kernel are the same object for the same case. */
const gatherAlong: Prims['gather'][] = []
/** Inputs: x, and an index of the result's shape. `back` adds the gradient into zeros. */
export const indexAlong = (name: string, back?: OpDef<number>): OpDef<number> => ({
  name,
  infer: ([x, index]) => [{ sizes: index.sizes, dtype: x.dtype }],
  saves: () => ({ inputs: [1] }),
  vjp: (ctx) => {
    const { sizes, dtype } = ctx.inputSpec(0)
    const { dy } = ctx
    const zeros = filled(sizes, dtype, 0, dy.storage.device)
    return [apply(back ?? scatterAddOp, [zeros, ctx.input(1), dy], ctx.attrs)]
  },
  to: { kind: 'kernel', prim: 'gather', lower: (axis) => (gatherAlong[axis] ??= { axis }) },
})
const gatherOp = indexAlong('gather')

/** The kernel reads a tensor without dimensions as one of one element. */
export const atLeast1d = (x: Tensor): Tensor => (x.dim() === 0 ? apply(reshapeOp, [x], [1]) : x)
const backTo = (x: Tensor, shape: Shape): Tensor => (x.dim() === shape.length ? x : apply(reshapeOp, [x], shape))

/** `gather` without checks, for rules whose arguments are valid; `index` may be a broadcast view. */
export const gatherAlongDim = (x: Tensor, dim: number, index: Tensor): Tensor => apply(gatherOp, [x, index], dim)
/** `scatterAdd` without checks. */
export const scatterAddAlongDim = (x: Tensor, dim: number, index: Tensor, src: Tensor): Tensor =>
  apply(scatterAddOp, [x, index, src], dim)
/** The same in place. */
export const addAlongDim_ = (x: Tensor, dim: number, index: Tensor, src: Tensor): Tensor =>
  applyInPlace(scatterAddOp, x, [x, index, src], dim)
/** `scatter` in place, without checks. */
export const putAlongDim_ = (x: Tensor, dim: number, index: Tensor, src: Tensor): Tensor =>
  applyInPlace(scatterOp, x, [x, index, src], dim)
/** `scatter` without checks. */
export const scatterAlongDim = (x: Tensor, dim: number, index: Tensor, src: Tensor): Tensor =>
  apply(scatterOp, [x, index, src], dim)

const gatherArguments = method('gather', required('dim', int), required('index', tensor))
/**
 * Picks elements along a dimension: `out[i][j] = x[index[i][j]][j]` for `dim` 0. `index` is int32, has as many
 * dimensions as `x`, and is no larger than `x` except along `dim`; the result has its shape. Differentiable in `x`.
 *
 * @example
 * gather(tensor([[1, 2], [3, 4]]), 1, tensor([[0], [1]], { dtype: 'int32' })) // tensor([[1.],
 *                                                                             //         [4.]])
 */
export function gather(
  x: Tensor,
  ...args:
    | [dim: number, index: Tensor | { readonly index: Tensor }]
    | [options: { readonly dim: number; readonly index: Tensor }]
): Tensor {
  const [dim, index] = gatherArguments(x, args)
  const d = normalizeDim(dim, x.dim())
  checkIndex('gather', index)
  if (index.elements > 0) {
    if (Math.max(index.dim(), 1) !== Math.max(x.dim(), 1)) {
      throw new RuntimeError(
        'Index tensor must have the same number of dimensions as input tensor',
        `The shapes are ${shapeString(index.sizes)} and ${shapeString(x.sizes)}. To pick whole rows use indexSelect().`,
      )
    }
    const wrong = index.sizes.findIndex((n, i) => i !== d && n > x.sizes[i])
    if (wrong >= 0) {
      throw new RuntimeError(
        `Size does not match at dimension ${wrong} expected index ${shapeString(index.sizes)} to be smaller than self ${shapeString(x.sizes)} apart from dimension ${d}`,
      )
    }
  } else if (index.dim() !== x.dim()) {
    return filled(index.sizes, x.dtype, 0, x.storage.device)
  }
  return backTo(gatherAlongDim(atLeast1d(x), d, atLeast1d(index)), index.sizes)
}

type Fn = Prims['scatter']['fn']
const scatterAttrs = (fn: Fn) => {
  const known: Prims['scatter'][] = []
  return (axis: number): Prims['scatter'] => (known[axis] ??= { axis, fn })
}
export const defineScatter = (name: string, fn: Fn, rules: Pick<OpDef<number>, 'vjp' | 'saves'>): OpDef<number> => ({
  name,
  infer: ([base]) => [{ sizes: base.sizes, dtype: base.dtype }],
  ...rules,
  to: { kind: 'kernel', prim: 'scatter', lower: scatterAttrs(fn) },
})

const saveIndex = () => ({ inputs: [1] })
const scatterRules: Pick<OpDef<number>, 'vjp' | 'saves'> = {
  saves: saveIndex,
  vjp: (ctx) => {
    const index = ctx.input(1)
    const { dy, attrs } = ctx
    return [
      ctx.needs(0) ? apply(scatterValueOp, [dy, index, repeated(0, dy, index.sizes)], attrs) : null,
      null,
      ctx.needs(2) ? apply(gatherOp, [dy, index], attrs) : null,
    ]
  },
}
const scatterOp = defineScatter('scatter', 'set', scatterRules)
/** PyTorch names the overload for a number differently. */
const scatterValueOp = defineScatter('ScatterBackward1', 'set', scatterRules)

const scatterAddOp: OpDef<number> = defineScatter('scatterAdd', 'add', {
  saves: saveIndex,
  vjp: (ctx) => [ctx.dy, null, ctx.needs(2) ? apply(gatherOp, [ctx.dy, ctx.input(1)], ctx.attrs) : null],
})

/** Assignment by indices along one dimension, in place: scatter and scatterAdd under the name of `x[index] = value`. */
export const putAlongOp = defineScatter('IndexPutBackward0', 'set', scatterRules)
export const accumulateAlongOp: OpDef<number> = { ...scatterAddOp, name: 'IndexPutBackward0' }

const notImplemented: Pick<OpDef<number>, 'vjp'> = {
  vjp: () => {
    throw new RuntimeError('derivative for aten::scatter is not implemented', 'For sums use scatterAdd().')
  },
}
const reductions: ReadonlyMap<string, OpDef<number>> = new Map([
  ['add', defineScatter('NotImplemented', 'add', notImplemented)],
  ['multiply', defineScatter('NotImplemented', 'prod', notImplemented)],
])

/** One number in a shape, stored once. */
export const repeated = (value: number, like: Tensor, shape: Shape): Tensor =>
  expandTo(filled([], like.dtype, value, like.storage.device), shape)

export function checkScatter(x: Tensor, dim: number, index: Tensor, src: Tensor | null): void {
  checkIndex('scatter', index)
  if (src !== null && src.dtype !== x.dtype) {
    throw new RuntimeError(
      'scatter(): Expected self.dtype to be equal to src.dtype',
      `They are ${dtypeName[x.dtype]} and ${dtypeName[src.dtype]}; convert one: src.to(x.dtype).`,
    )
  }
  if (index.elements === 0) return
  const ranks = [x, ...(src === null ? [] : [src])].map((t) => Math.max(t.dim(), 1))
  const other = ['self', 'src'][ranks.findIndex((rank) => rank !== Math.max(index.dim(), 1))]
  if (other !== undefined)
    throw new RuntimeError(`Index tensor must have the same number of dimensions as ${other} tensor`)
  const fits = index.sizes.every(
    (n, i) => (i === dim || n <= (x.sizes[i] ?? 1)) && (src === null || n <= (src.sizes[i] ?? 1)),
  )
  if (fits) return
  throw new RuntimeError(
    `Expected index ${shapeString(index.sizes)} to be smaller than self ${shapeString(x.sizes)} apart from dimension ${dim}` +
      (src === null ? '' : ` and to be smaller size than src ${shapeString(src.sizes)}`),
  )
}

export interface ScatterOptions {
  /** Combines with the present elements instead of replacing them; without a gradient, as in PyTorch. */
  readonly reduce?: 'add' | 'multiply'
}

/** A scatter with its arguments as the kernel takes them. */
export interface Call<A = number> {
  readonly op: OpDef<A>
  readonly attrs: A
  readonly index: Tensor
  readonly src: Tensor
}
export const scattered = <A>(x: Tensor, call: Call<A> | null): Tensor =>
  call === null ? clone(x) : backTo(apply(call.op, [atLeast1d(x), call.index, call.src], call.attrs), x.sizes)
export function scatteredInto<A>(x: Tensor, call: Call<A> | null): Tensor {
  if (call === null) return x
  const self = atLeast1d(x)
  applyInPlace(call.op, self, [self, call.index, call.src], call.attrs)
  return x
}

type ScatterArguments =
  | Takes<[dim: number, index: Tensor, src: Tensor | number], 'dim index src', [options?: ScatterOptions]>
  | Takes<[dim: number, index: Tensor], 'dim index', [options: ScatterOptions & { readonly value: number }]>
const scatterArguments = method(
  'scatter',
  required('dim', int),
  required('index', tensor),
  also(required('src', either(tensor, scalar)), 'value'),
  keyword('reduce', str, undefined),
)

/** null if there is nothing to write. */
function scatterCall(x: Tensor, args: ScatterArguments): Call | null {
  const [dim, index, src, reduce] = scatterArguments(x, args)
  const d = normalizeDim(dim, x.dim())
  const reduction = reduce === undefined ? undefined : reductions.get(reduce)
  if (reduce !== undefined && reduction === undefined) {
    throw new RuntimeError('reduce argument must be either add or multiply.', `Got ${reduce}.`)
  }
  const number = typeof src === 'number' || typeof src === 'boolean'
  checkScatter(x, d, index, number ? null : src)
  if (index.elements === 0) return null
  const at = atLeast1d(index)
  const source = number ? repeated(Number(numberFor(src, x.dtype)), x, at.sizes) : cut(atLeast1d(src), at.sizes)
  return { op: reduction ?? (number ? scatterValueOp : scatterOp), attrs: d, index: at, src: source }
}

/** The leading part of `x` with this shape. */
export const cut = (x: Tensor, shape: Shape): Tensor =>
  shape.reduce((y, n, i) => (y.sizes[i] === n ? y : slice(y, i, 0, n)), x)

/**
 * A copy of `x` with elements of `src`, a tensor or a number, written along a dimension: `out[index[i][j]][j] =
 * src[i][j]` for `dim` 0. `index` is int32, no larger than `src`, and no larger than `x` except along `dim`. If an
 * index repeats, the last element wins. Differentiable in `x` and `src`.
 *
 * @example
 * scatter(zeros(2, 3), 1, tensor([[2], [0]], { dtype: 'int32' }), 1) // one-hot rows
 */
export function scatter(x: Tensor, ...args: ScatterArguments): Tensor {
  return scattered(x, scatterCall(x, args))
}
/** `scatter` in place. */
export function scatter_(x: Tensor, ...args: ScatterArguments): Tensor {
  return scatteredInto(x, scatterCall(x, args))
}

type ScatterAddArguments = Takes<[dim: number, index: Tensor, src: Tensor], 'dim index src'>
const scatterAddArguments = method(
  'scatter_add',
  required('dim', int),
  required('index', tensor),
  required('src', { ...tensor, hint: 'For one number use scatter(dim, index, number, { reduce: "add" }).' }),
)

function scatterAddCall(x: Tensor, args: ScatterAddArguments): Call | null {
  const [dim, index, src] = scatterAddArguments(x, args)
  const d = normalizeDim(dim, x.dim())
  checkScatter(x, d, index, src)
  if (index.elements === 0) return null
  const at = atLeast1d(index)
  return { op: scatterAddOp, attrs: d, index: at, src: cut(atLeast1d(src), at.sizes) }
}

/**
 * A copy of `x` with elements of `src` added along a dimension: `out[index[i][j]][j] += src[i][j]` for `dim` 0. If an
 * index repeats, all its elements are added. `index` is int32 with sizes as in `scatter`. Differentiable in `x` and
 * `src`.
 *
 * @example
 * scatterAdd(zeros(2), 0, tensor([1, 1], { dtype: 'int32' }), tensor([3, 4])) // tensor([0., 7.])
 */
export const scatterAdd = (x: Tensor, ...args: ScatterAddArguments): Tensor => scattered(x, scatterAddCall(x, args))
/** `scatterAdd` in place. */
export const scatterAdd_ = (x: Tensor, ...args: ScatterAddArguments): Tensor =>
  scatteredInto(x, scatterAddCall(x, args))
