// Reductions: sums, means, products, any and all, with PyTorch's rules for dtypes and empty tensors. Extremes are in
// extremes.ts, variances in moments.ts, running sums and products in scans.ts.
import { type DType, type DTypeWord, dtypeName, isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { normalizeDims, reducedShape, type Shape } from '../../base/shape.ts'
import type { Prims, ReduceFn } from '../../backend/backend.ts'
import { type Expr, s } from '../../expr/expr.ts'
import { apply, applyAll } from '../../tensor/apply.ts'
import { mode } from '../../tensor/mode.ts'
import type { Gradients, OpDef, Vjp } from '../../tensor/op.ts'
import { type Arguments, int, method, nullable, optional } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import {
  type DimArguments,
  type DimOption,
  type DimOptions,
  dimParameter,
  dtypeParameter,
  keepdimParameter,
} from '../define/arguments.ts'
import { type Elementwise, elementwise, expandTo } from '../define/elementwise.ts'
import { reshapeOp } from '../define/views.ts'
import { div, mul } from '../pointwise/arithmetic.ts'
import { filled, toDType } from '../define/fill.ts'
import { stack } from '../views/join.ts'
import { byCase, reduced } from '../define/kernels.ts'
import { pad } from '../views/pad.ts'
import { narrow, select, transpose } from '../views/views.ts'

export interface Reduction {
  /** The reduced dimensions, sorted; the result keeps them with size 1 if `keepdim`. */
  readonly dims: readonly number[]
  readonly keepdim: boolean
  readonly dtype: DType
}

/** The reduced tensor with its lost dimensions restored as 1, so that it broadcasts against the input. */
export const withDims = (y: Tensor, shape: Shape, dims: readonly number[]): Tensor => {
  const kept = reducedShape(shape, dims, true)
  return y.sizes.length === kept.length ? y : apply(reshapeOp, [y], kept)
}

/** The number of elements in some dimensions of a shape. */
export const countOf = (shape: Shape, dims: readonly number[]): number => dims.reduce((n, d) => n * shape[d], 1)

/** An op that reduces an expression of its input. Kernels are made once per dtypes and dimensions. */
export function reduction(
  name: string,
  fn: ReduceFn,
  from: (x: Expr) => Expr,
  rules: Pick<OpDef<Reduction>, 'vjp' | 'saves'>,
): OpDef<Reduction> {
  const kernelOf = byCase((axes, own, to): Prims['map'] => ({
    outs: [reduced(fn, s.cast(from(s.input(0, own)), to), axes)],
  }))
  return {
    name,
    infer: ([x], { dims, keepdim, dtype }) => [{ sizes: reducedShape(x.sizes, dims, keepdim), dtype }],
    ...rules,
    to: {
      kind: 'kernel',
      prim: 'map',
      lower: ({ dims, dtype }, [x]) => kernelOf(dims, x.dtype, dtype),
    },
  }
}

const sumRules: Pick<OpDef<Reduction>, 'vjp'> = {
  vjp: (ctx) => {
    const { sizes, dtype } = ctx.inputSpec(0)
    return [expandTo(toDType(withDims(ctx.dy, sizes, ctx.attrs.dims), dtype), sizes)]
  },
}
/** The sum over `dims`. */
export const sumAll = reduction('sum', 'sum', (x) => x, sumRules)
const sumDims = reduction('SumBackward1', 'sum', (x) => x, sumRules)

export interface ReduceOptions extends DimOptions {
  readonly dtype?: DTypeWord
}

/** The dtype in which the elements of `x` are added or multiplied: int32 for bool and integers. */
export const accumulated = (x: Tensor, dtype: DType | undefined): DType =>
  dtype ?? (isFloat(x.dtype) ? x.dtype : 'int32')

const reduceArguments = (name: string) => method(name, dimParameter, keepdimParameter, dtypeParameter)
const sumArguments = reduceArguments('sum')
/**
 * The sum of all elements, or over `dim` (one or several).
 *
 * @example
 * sum(tensor([[1, 2], [3, 4]]), 0) // tensor([4., 6.])
 */
export function sum(x: Tensor, ...args: DimArguments<ReduceOptions>): Tensor {
  const [dims, keepdim, dtype] = sumArguments(x, args)
  // A sum in bool is true if any element is.
  const op = dtype === 'bool' ? anyOp : dims === null ? sumAll : sumDims
  return apply(op, [x], { dims: normalizeDims(dims, x.dim()), keepdim, dtype: accumulated(x, dtype) })
}

/** The input in the float dtype of a mean; there is none for integers. */
export function floatNeeded(x: Tensor, name: string, dtype?: DType): Tensor {
  const wanted = dtype ?? x.dtype
  if (!isFloat(wanted)) {
    throw new RuntimeError(
      `${name}(): could not infer output dtype. ${dtype === undefined ? 'Input' : 'Optional'} dtype must be either a floating point or complex dtype. Got: ${dtypeName[wanted]}`,
      `Convert it first: x.float().${name}().`,
    )
  }
  return toDType(x, wanted)
}

const meanOp = (name: string): OpDef<Reduction> => ({
  name,
  infer: ([x], { dims, keepdim, dtype }) => [{ sizes: reducedShape(x.sizes, dims, keepdim), dtype }],
  vjp: (ctx) => {
    const { sizes } = ctx.inputSpec(0)
    const { dims } = ctx.attrs
    return [expandTo(div(withDims(ctx.dy, sizes, dims), countOf(sizes, dims)), sizes)]
  },
  to: {
    kind: 'compose',
    compose: ([x], attrs) => [div(apply(sumAll, [x], attrs), countOf(x.sizes, attrs.dims))],
  },
})
const meanAll = meanOp('mean')
const meanDims = meanOp('MeanBackward1')

const meanArguments = reduceArguments('mean')
/** The mean of all elements, or over `dim`. Float only. NaN for no elements. */
export function mean(x: Tensor, ...args: DimArguments<ReduceOptions>): Tensor {
  const [dims, keepdim, dtype] = meanArguments(x, args)
  const input = floatNeeded(x, 'mean', dtype)
  const op = dims === null ? meanAll : meanDims
  return apply(op, [input], { dims: normalizeDims(dims, x.dim()), keepdim, dtype: input.dtype })
}

// ---- truth ----

/** uint8 stays uint8, as in PyTorch. */
function truth(op: OpDef<Reduction>): (x: Tensor, ...args: DimArguments<DimOptions>) => Tensor {
  const read = method(op.name, dimParameter, keepdimParameter)
  return (x, ...args) => {
    const [dims, keepdim] = read(x, args)
    const dtype = x.dtype === 'uint8' ? 'uint8' : 'bool'
    return apply(op, [x], { dims: normalizeDims(dims, x.dim()), keepdim, dtype })
  }
}

const anyOp = reduction('any', 'max', (x) => s.cast(x, 'bool'), {})
/** Whether any element is nonzero, of all or over `dim`: a bool. False for no elements. */
export const any = truth(anyOp)
/** Whether all elements are nonzero, of all or over `dim`: a bool. True for no elements. */
export const all = truth(reduction('all', 'prod', (x) => s.cast(x, 'bool'), {}))

// ---- products ----

const kindsOfFactors = byCase((axes, dtype): Prims['map'] => {
  const x = s.input(0, dtype)
  const isZero = s.eq(x, 0)
  const isFinite = s.isfinite(x)
  return {
    outs: [
      reduced('sum', s.cast(isZero, x.dtype), axes),
      reduced('prod', s.select(isZero, 1, x), axes),
      reduced('sum', s.cast(s.not(isFinite), x.dtype), axes),
      reduced('prod', s.select(isFinite, x, 1), axes),
    ],
  }
})
/**
 * In one pass: the number of zeros, the product of the other elements, the number of elements that are not finite, and
 * the product of the finite ones.
 */
const countKinds: OpDef<readonly number[]> = {
  name: 'prod',
  infer: ([x], dims) => {
    const spec = { sizes: reducedShape(x.sizes, dims, true), dtype: x.dtype }
    return [spec, spec, spec, spec]
  },
  to: { kind: 'kernel', prim: 'map', lower: (axes, [x]) => kindsOfFactors(axes, x.dtype) },
}
/**
 * The product of the other elements is the quotient, except next to zeros. If there are a 0 and an element that is not
 * finite, the product is NaN, but that of the other elements need not be. If all of a tensor has two zeros, PyTorch
 * looks no further.
 */
const prodGradient = (whole: boolean): Elementwise =>
  elementwise('mul', (dy, x, y, zeros, rest, wild, tame) => {
    const isOnlyWild = s.and(s.eq(wild, 1), s.and(s.gt(zeros, 0), s.not(s.isfinite(x))))
    const ofOthers = s.select(isOnlyWild, tame, s.div(y, x))
    const ofZeros = whole ? rest : s.select(s.eq(zeros, 1), rest, s.select(s.gt(wild, 0), y, 0))
    const gradient = s.mul(dy, s.select(s.eq(x, 0), ofZeros, ofOthers))
    return whole ? s.select(s.gt(zeros, 1), 0, gradient) : gradient
  })

/**
 * The product of all other elements along the last dimension, by multiplication alone, so that its own derivatives are
 * also right next to zeros. Pairs are multiplied, and each element gets its neighbour times the result for its pair.
 */
function productOfOthers(x: Tensor): Tensor {
  const last = x.dim() - 1
  const n = x.sizes[last]
  const lead = x.sizes.slice(0, last)
  if (n <= 1) return filled(x.sizes, x.dtype, 1, x.storage.device)
  const even = n % 2 === 0 ? x : pad(x, [0, 1], { value: 1 })
  const pairs = apply(reshapeOp, [even], [...lead, even.sizes[last] / 2, 2])
  const [a, b] = [0, 1].map((i) => select(pairs, last + 1, i))
  const outside = productOfOthers(mul(a, b))
  const both = apply(reshapeOp, [stack([mul(b, outside), mul(a, outside)], last + 1)], even.sizes)
  return even === x ? both : narrow(both, last, 0, n)
}

function prodGradients(ctx: Vjp<Reduction>, rule: Elementwise): Gradients {
  const x = ctx.input(0)
  const { dims } = ctx.attrs
  if (x.elements === 0) return [x]
  const dy = withDims(ctx.dy, x.sizes, dims)
  if (dims.length === 0) return [dy]
  if (!mode.grad) {
    return [apply(rule, [dy, x, withDims(ctx.output(), x.sizes, dims), ...applyAll(countKinds, [x], dims)], null)]
  }
  // All dimensions as one row, or the single dimension moved to the end.
  const row = dims.length > 1
  const moved = row ? apply(reshapeOp, [x], [x.elements]) : transpose(x, dims[0], -1)
  const others = productOfOthers(moved)
  const back = row ? apply(reshapeOp, [others], x.sizes) : transpose(others, dims[0], -1)
  return [mul(dy, back)]
}
function prodRules(whole: boolean): Pick<OpDef<Reduction>, 'vjp' | 'saves'> {
  const rule = prodGradient(whole)
  return { saves: () => ({ inputs: [0], outputs: [0] }), vjp: (ctx) => prodGradients(ctx, rule) }
}
const prodAll = reduction('prod', 'prod', (x) => x, prodRules(true))
const prodDim = reduction('ProdBackward1', 'prod', (x) => x, prodRules(false))

const prodArguments = method('prod', optional('dim', nullable(int), null), keepdimParameter, dtypeParameter)
/**
 * The product of all elements, or over `dim`. The gradient is also right next to zeros. bool and integers give int32.
 *
 * @example
 * prod(tensor([2, 3, 4])) // tensor(24.)
 */
export function prod(
  x: Tensor,
  ...args: Arguments<[dim: number | null, keepdim: boolean], ReduceOptions & DimOption<number | null>>
): Tensor {
  const [dim, keepdim, dtype] = prodArguments(x, args)
  const target = accumulated(x, dtype)
  const input = isFloat(target) ? toDType(x, target) : x
  if (dim === null) {
    return apply(prodAll, [input], { dims: normalizeDims(null, x.dim()), keepdim: false, dtype: target })
  }
  return apply(prodDim, [input], { dims: normalizeDims(dim, x.dim()), keepdim, dtype: target })
}
