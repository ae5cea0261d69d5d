// scatterReduce: combines the elements that fall on one position, with the functions of the scatter kernel and, for the
// mean, a count.
import { identityOf } from '../../backend/maps.ts'
import type { ReduceFn } from '../../backend/backend.ts'
import { isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { toInt } from '../../base/remedies.ts'
import { normalizeDim } from '../../base/shape.ts'
import { apply } from '../../tensor/apply.ts'
import type { OpDef, Vjp } from '../../tensor/op.ts'
import { type Takes, bool, int, keyword, method, required, str, tensor } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { notImplemented } from '../define/arguments.ts'
import { filled, toDType } from '../define/fill.ts'
import { div, mul } from '../pointwise/arithmetic.ts'
import { eq } from '../pointwise/comparison.ts'
import { where } from '../pointwise/where.ts'
import {
  atLeast1d,
  type Call,
  checkScatter,
  cut,
  defineScatter,
  gatherAlongDim,
  repeated,
  scatterAddAlongDim,
  scatterAlongDim,
  scattered,
  scatteredInto,
} from './gather.ts'

export type ScatterReduction = 'sum' | 'prod' | 'mean' | 'amax' | 'amin'
export interface ScatterReduceOptions {
  /** Whether the present elements count too. */
  readonly includeSelf?: boolean
}
export interface Attrs extends Required<ScatterReduceOptions> {
  readonly dim: number
  readonly reduce: ScatterReduction
}

const functions: Readonly<Record<ScatterReduction, ReduceFn>> = {
  sum: 'sum',
  prod: 'prod',
  mean: 'sum',
  amax: 'max',
  amin: 'min',
}
const combining: Readonly<Record<ReduceFn, OpDef<number>>> = {
  sum: defineScatter('scatterReduce', 'add', {}),
  prod: defineScatter('scatterReduce', 'prod', {}),
  max: defineScatter('scatterReduce', 'max', {}),
  min: defineScatter('scatterReduce', 'min', {}),
}

const constant = (value: number, like: Tensor): Tensor => filled(like.sizes, like.dtype, value, like.storage.device)
/** Writes a number at the positions of an index. */
const putNumber = (x: Tensor, dim: number, index: Tensor, value: number): Tensor =>
  scatterAlongDim(x, dim, index, repeated(value, x, index.sizes))
/** The number of elements in each mean, at least 1. */
function countOf(x: Tensor, index: Tensor, { dim, includeSelf }: Attrs): Tensor {
  const counts = scatterAddAlongDim(constant(includeSelf ? 1 : 0, x), dim, index, repeated(1, x, index.sizes))
  return where(eq(counts, 0), 1, counts)
}

type Context = Vjp<Attrs>
/** The gradients of the present elements and of the scattered ones. */
interface Rule {
  ofSelf(ctx: Context): Tensor
  ofSource(ctx: Context): Tensor
}
/** The elements at the positions of the index. */
const gathered = (ctx: Context, x: Tensor): Tensor => gatherAlongDim(x, ctx.attrs.dim, ctx.input(1))
const again = (ctx: Context, x: Tensor, src: Tensor): Tensor =>
  apply(scatterReduceOp, [x, ctx.input(1), src], ctx.attrs)
const withoutZeros = (x: Tensor): Tensor => where(eq(x, 0), 1, x)

/** Equal elements share the gradient, and the present element is one of them, included or not, as in PyTorch. */
const extreme: Rule = {
  ofSelf: (ctx) => mul(toDType(eq(ctx.input(0), ctx.output()), ctx.dy.dtype), shares(ctx)),
  ofSource: (ctx) =>
    mul(toDType(eq(ctx.input(2), gathered(ctx, ctx.output())), ctx.dy.dtype), gathered(ctx, shares(ctx))),
}
function shares(ctx: Context): Tensor {
  const { dy, attrs } = ctx
  const own = toDType(eq(ctx.input(0), ctx.output()), dy.dtype)
  const others = toDType(eq(ctx.input(2), gathered(ctx, ctx.output())), dy.dtype)
  return div(dy, scatterAddAlongDim(own, attrs.dim, ctx.input(1), others))
}

const rules: Readonly<Record<ScatterReduction, Rule>> = {
  sum: { ofSelf: ({ dy }) => dy, ofSource: (ctx) => gathered(ctx, ctx.dy) },
  mean: {
    ofSelf: (ctx) => div(ctx.dy, countOf(ctx.dy, ctx.input(1), ctx.attrs)),
    ofSource: (ctx) => div(gathered(ctx, ctx.dy), gathered(ctx, countOf(ctx.dy, ctx.input(1), ctx.attrs))),
  },
  prod: {
    ofSelf(ctx) {
      const others = withoutZeros(ctx.input(0))
      return div(mul(ctx.dy, again(ctx, others, ctx.input(2))), others)
    },
    ofSource(ctx) {
      const { dy, attrs } = ctx
      const [x, index, src] = [ctx.input(0), ctx.input(1), ctx.input(2)]
      const zero = eq(src, 0)
      const zeros = scatterAddAlongDim(constant(0, x), attrs.dim, index, toDType(zero, x.dtype))
      // A zero that is the only one at its position gets the product of the other elements.
      const only = toDType(mul(toDType(zero, x.dtype), eq(gathered(ctx, zeros), 1)), 'bool')
      const others = gathered(ctx, mul(dy, again(ctx, x, where(only, 1, src))))
      return where(only, others, div(gathered(ctx, mul(dy, ctx.output())), withoutZeros(src)))
    },
  },
  amax: extreme,
  amin: extreme,
}

export const scatterReduceOp: OpDef<Attrs> = {
  name: 'scatterReduce',
  infer: ([base]) => [{ sizes: base.sizes, dtype: base.dtype }],
  saves: () => ({ inputs: [0, 1, 2], outputs: [0] }),
  vjp(ctx) {
    const { dim, reduce, includeSelf } = ctx.attrs
    const rule = rules[reduce]
    const dx = ctx.needs(0) ? rule.ofSelf(ctx) : null
    return [
      dx === null || includeSelf ? dx : putNumber(dx, dim, ctx.input(1), 0),
      null,
      ctx.needs(2) ? rule.ofSource(ctx) : null,
    ]
  },
  to: {
    kind: 'compose',
    compose(inputs, attrs) {
      const [x, index, src] = inputs as readonly [Tensor, Tensor, Tensor]
      const { dim, reduce, includeSelf } = attrs
      const fn = functions[reduce]
      const base = includeSelf ? x : putNumber(x, dim, index, identityOf(fn, x.dtype))
      const y = apply(combining[fn], [base, index, src], dim)
      if (reduce !== 'mean') return [y]
      return [div(y, countOf(x, index, attrs), isFloat(x.dtype) ? {} : { roundingMode: 'floor' })]
    },
  },
}

type ScatterReduceArguments = Takes<
  [dim: number, index: Tensor, src: Tensor, reduce: ScatterReduction],
  'dim index src reduce',
  [options?: ScatterReduceOptions]
>
const scatterReduceArguments = method(
  'scatter_reduce',
  required('dim', int),
  required('index', tensor),
  required('src', tensor),
  required('reduce', str),
  keyword('includeSelf', bool, true),
)

const isReduction = (reduce: string): reduce is ScatterReduction => Object.hasOwn(functions, reduce)

function scatterReduceCall(x: Tensor, args: ScatterReduceArguments): Call<Attrs> | null {
  const [dim, index, src, reduce, includeSelf] = scatterReduceArguments(x, args)
  const d = normalizeDim(dim, x.dim())
  checkScatter(x, d, index, src)
  if (!isReduction(reduce)) {
    throw new RuntimeError('reduce argument must be either sum, prod, mean, amax or amin.', `Got ${reduce}.`)
  }
  if (index.elements === 0) return null
  if (reduce === 'mean' && x.dtype === 'bool')
    throw notImplemented('scatter_gather_tensor_cpu_reduce_mean', 'bool', toInt)
  const at = atLeast1d(index)
  return {
    op: scatterReduceOp,
    attrs: { dim: d, reduce, includeSelf },
    index: at,
    src: cut(atLeast1d(src), at.sizes),
  }
}

/**
 * A copy of `x` with elements of `src` combined along a dimension. For `dim` 0, `out[index[i][j]][j]` is the sum, the
 * product, the mean, the maximum or the minimum of the element of `x` and all `src[i][j]` that fall there. With
 * `includeSelf: false` the element of `x` does not count if others fall there. `index` is int32 with sizes as in
 * `scatter`. Differentiable in `x` and `src`; throws a RuntimeError for an unknown reduction.
 *
 * @example
 * scatterReduce(tensor([1, 2]), 0, tensor([1, 1], { dtype: 'int32' }), tensor([3, 5]), 'amax') // tensor([1., 5.])
 */
export const scatterReduce = (x: Tensor, ...args: ScatterReduceArguments): Tensor =>
  scattered(x, scatterReduceCall(x, args))
/** `scatterReduce` in place. */
export const scatterReduce_ = (x: Tensor, ...args: ScatterReduceArguments): Tensor =>
  scatteredInto(x, scatterReduceCall(x, args))
