// Reductions: sums, products, extremes, moments, over all elements or some dimensions, with PyTorch's rules for ties,
// empty tensors and dtypes.
import { type DType, dtypeName, dtypeRank, isFloat } from '../base/dtype.ts'
import { IndexError, RuntimeError } from '../base/errors.ts'
import { normalizeDims, reducedShape, type Shape } from '../base/shape.ts'
import type { MapOut, Prims, ReduceFn } from '../backend/backend.ts'
import { type Expr, s } from '../expr/expr.ts'
import { apply } from '../tensor/apply.ts'
import type { OpDef } from '../tensor/op.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type DimOptions, type Dims, dimOptions } from './arguments.ts'
import { expandTo, reshapeOp } from './define.ts'
import { div, eq, mul, toDType } from './elementwise.ts'

interface Reduction {
  /** Reduced dimensions, sorted; the result keeps them as 1 or not. */
  readonly dims: readonly number[]
  readonly keepdim: boolean
  readonly dtype: DType
}

/** The reduced tensor with its lost dimensions back as 1, so that it broadcasts against the input. */
export const withDims = (y: Tensor, shape: Shape, dims: readonly number[]): Tensor => {
  const kept = reducedShape(shape, dims, true)
  return y.shape.length === kept.length ? y : apply(reshapeOp, [y], kept)
}

function reduction(
  name: string,
  fn: ReduceFn,
  from: (x: Expr) => Expr,
  rules: Pick<OpDef<Reduction>, 'vjp' | 'saves'>,
): OpDef<Reduction> {
  const kernels = new Map<number, Prims['map']>()
  return {
    name,
    infer: ([x], { dims, keepdim, dtype }) => [{ shape: reducedShape(x.shape, dims, keepdim), dtype }],
    ...rules,
    to: {
      kind: 'kernel',
      prim: 'map',
      lower({ dims, dtype }, [x]) {
        let key = dtypeRank[dtype] * 8 + dtypeRank[x.dtype]
        for (const dim of dims) key += 2 ** (dim + 6)
        let prims = kernels.get(key)
        if (prims === undefined) {
          const expr = s.cast(from(s.input(0, x.dtype)), dtype)
          const out: MapOut = dims.length === 0 ? { expr } : { expr, reduce: { fn, axes: dims } }
          prims = { outs: [out] }
          kernels.set(key, prims)
        }
        return prims
      },
    },
  }
}

const sumRules: Pick<OpDef<Reduction>, 'vjp'> = {
  vjp: (ctx) => {
    const { shape, dtype } = ctx.inputSpec(0)
    return [expandTo(toDType(withDims(ctx.dy, shape, ctx.attrs.dims), dtype), shape)]
  },
}
const sumAll = reduction('sum', 'sum', (x) => x, sumRules)
const sumDims = reduction('SumBackward1', 'sum', (x) => x, sumRules)

export interface ReduceOptions extends DimOptions {
  readonly dtype?: DType
}

/** Sums and products of bool and integers are int32. */
const accumulated = (x: Tensor, dtype: DType | undefined): DType => dtype ?? (isFloat(x.dtype) ? x.dtype : 'int32')

/**
 * The sum of all elements, or over `dim` (one or several).
 *
 * @example
 * sum(tensor([[1, 2], [3, 4]]), 0) // tensor([4., 6.])
 */
export function sum(x: Tensor, dim?: Dims | null | ReduceOptions, options?: ReduceOptions): Tensor {
  const { dim: dims, keepdim = false, dtype } = dimOptions(dim, options)
  const op = dims === undefined || dims === null ? sumAll : sumDims
  return apply(op, [x], { dims: normalizeDims(dims, x.dim()), keepdim, dtype: accumulated(x, dtype) })
}

function floatNeeded(x: Tensor, name: string, dtype: DType | undefined): Tensor {
  const wanted = dtype ?? x.dtype
  if (!isFloat(wanted)) {
    throw new RuntimeError(
      `${name}(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: ${dtypeName[wanted]}`,
      `Convert it first: x.float().${name}().`,
    )
  }
  return toDType(x, wanted)
}

const meanRecord = (name: string): OpDef<Reduction> => ({
  name,
  infer: ([x], { dims, keepdim, dtype }) => [{ shape: reducedShape(x.shape, dims, keepdim), dtype }],
  vjp: (ctx) => {
    const { shape } = ctx.inputSpec(0)
    const count = ctx.attrs.dims.reduce((n, d) => n * shape[d], 1)
    return [expandTo(div(withDims(ctx.dy, shape, ctx.attrs.dims), count), shape)]
  },
  to: {
    kind: 'compose',
    compose: ([x], attrs) => {
      const count = attrs.dims.reduce((n, d) => n * x.shape[d], 1)
      return [div(apply(sumAll, [x], attrs), count)]
    },
  },
})
const meanAll = meanRecord('mean')
const meanDims = meanRecord('MeanBackward1')

/** The mean of all elements, or over `dim`; float only. NaN for no elements. */
export function mean(x: Tensor, dim?: Dims | null | ReduceOptions, options?: ReduceOptions): Tensor {
  const { dim: dims, keepdim = false, dtype } = dimOptions(dim, options)
  const input = floatNeeded(x, 'mean', dtype)
  const op = dims === undefined || dims === null ? meanAll : meanDims
  return apply(op, [input], { dims: normalizeDims(dims, x.dim()), keepdim, dtype: input.dtype })
}

// ---- extremes ----

/** Equal extremes share the gradient evenly. */
const evenly: Pick<OpDef<Reduction>, 'vjp' | 'saves'> = {
  saves: () => ({ inputs: [0], outputs: [0] }),
  vjp: (ctx) => {
    const x = ctx.input(0)
    const { dims } = ctx.attrs
    const ties = toDType(eq(x, withDims(ctx.output(), x.shape, dims)), x.dtype)
    const share = div(withDims(ctx.dy, x.shape, dims), apply(sumAll, [ties], { dims, keepdim: true, dtype: x.dtype }))
    return [mul(ties, share)]
  },
}
const extremes = {
  max: { all: reduction('MaxBackward1', 'max', (x) => x, evenly), dims: reduction('amax', 'max', (x) => x, evenly) },
  min: { all: reduction('MinBackward1', 'min', (x) => x, evenly), dims: reduction('amin', 'min', (x) => x, evenly) },
}

function checkNotEmpty(x: Tensor, name: string, dims: readonly number[], all: boolean): void {
  if (x.elements > 0) return
  if (all) {
    throw new IndexError(
      `${name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.`,
    )
  }
  const empty = dims.find((d) => x.shape[d] === 0)
  if (empty !== undefined) throw new IndexError(`${name}(): Expected reduction dim ${empty} to have non-zero size.`)
}

function extremum(x: Tensor, fn: 'max' | 'min', name: string, dims: Dims | null | undefined, keepdim: boolean): Tensor {
  const all = dims === undefined || dims === null || (Array.isArray(dims) && dims.length === 0)
  const normal = normalizeDims(dims, x.dim())
  checkNotEmpty(x, name, normal, all)
  return apply(extremes[fn][name.startsWith('a') ? 'dims' : 'all'], [x], { dims: normal, keepdim, dtype: x.dtype })
}

/** The largest elements over `dim`; equal ones share the gradient. */
export function amax(x: Tensor, dim?: Dims | null | DimOptions, options?: DimOptions): Tensor {
  const { dim: dims, keepdim = false } = dimOptions(dim, options)
  return extremum(x, 'max', 'amax', dims, keepdim)
}
/** The smallest elements over `dim`; equal ones share the gradient. */
export function amin(x: Tensor, dim?: Dims | null | DimOptions, options?: DimOptions): Tensor {
  const { dim: dims, keepdim = false } = dimOptions(dim, options)
  return extremum(x, 'min', 'amin', dims, keepdim)
}

/** Any element is not 0: a bool. */
export function any(x: Tensor, dim?: Dims | null | DimOptions, options?: DimOptions): Tensor {
  const { dim: dims, keepdim = false } = dimOptions(dim, options)
  return apply(anyRecord, [x], { dims: normalizeDims(dims, x.dim()), keepdim, dtype: x.dtype === 'uint8' ? 'uint8' : 'bool' })
}
/** All elements are not 0: a bool. */
export function all(x: Tensor, dim?: Dims | null | DimOptions, options?: DimOptions): Tensor {
  const { dim: dims, keepdim = false } = dimOptions(dim, options)
  return apply(allRecord, [x], { dims: normalizeDims(dims, x.dim()), keepdim, dtype: x.dtype === 'uint8' ? 'uint8' : 'bool' })
}
const anyRecord = reduction('any', 'max', (x) => s.cast(x, 'bool'), {})
const allRecord = reduction('all', 'min', (x) => s.cast(x, 'bool'), {})
