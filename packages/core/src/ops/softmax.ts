// Softmax, its logarithm, and logsumexp: shifted by the largest element so that nothing overflows, in few passes, each
// with a gradient of its own.
import type { Prims } from '../backend/backend.ts'
import { type DType, dtypeRank, dtypes, isFloat } from '../base/dtype.ts'
import { TypeError } from '../base/errors.ts'
import { normalizeDim, normalizeDims, reducedShape, type Shape } from '../base/shape.ts'
import { type Expr, s } from '../expr/expr.ts'
import { apply, applyAll } from '../tensor/apply.ts'
import type { OpDef } from '../tensor/op.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type DimOptions, type Dims, dimOptions, notImplemented } from './arguments.ts'
import { type Elementwise, elementwise, reshapeOp, sumTo } from './define.ts'
import { div, log } from './elementwise.ts'
import { toDType } from './fill.ts'
import { largest } from './extremes.ts'
import { byAxes, reduced } from './kernels.ts'
import { withDims } from './reduce.ts'

type Axes = readonly number[]

const shifted = byAxes((rank, axes): Prims['map'] => {
  const expr = s.exp(s.sub(s.input(0, dtypes[rank]), s.input(1, dtypes[rank])))
  return { outs: [{ expr }, reduced('sum', expr, axes)] }
})
/** In one pass: the exponentials of the elements less the largest, and their sums. */
const expAndSum: OpDef<Axes> = {
  name: 'exp',
  infer: ([x], dims) => [
    { shape: x.shape, dtype: x.dtype },
    { shape: reducedShape(x.shape, dims, true), dtype: x.dtype },
  ],
  to: { kind: 'kernel', prim: 'map', lower: (axes, [x]) => shifted(dtypeRank[x.dtype], axes) },
}
const sumOfProducts = elementwise('sum', (dy, y) => s.mul(dy, y))
const softmaxGradient = elementwise('softmaxBackwardData', (dy, y, sum) => s.mul(s.sub(dy, sum), y))
const logSoftmaxGradient = elementwise('logSoftmaxBackwardData', (dy, y, sum) => s.sub(dy, s.mul(s.exp(y), sum)))
const expShifted = elementwise('exp', (x, most) => s.exp(s.sub(x, most)))
const lessBoth = elementwise('sub', (x, most, logSum) => s.sub(s.sub(x, most), logSum))

/** Both have a gradient of one form: `total` is what the gradient of a slice sums to, of the shape `kept`. */
const slicewise = (
  name: string,
  gradient: Elementwise,
  total: (dy: Tensor, y: Tensor, kept: Shape) => Tensor,
  forward: (x: Tensor, dims: Axes) => Tensor,
): OpDef<Axes> => ({
  name,
  infer: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
  saves: () => ({ outputs: [0] }),
  vjp: (ctx) => {
    const { dy } = ctx
    const y = ctx.output()
    return [apply(gradient, [dy, y, total(dy, y, reducedShape(y.shape, ctx.attrs, true))], null)]
  },
  to: { kind: 'compose', compose: ([x], dims) => [forward(x as Tensor, dims)] },
})

const softmaxOp = slicewise(
  'softmax',
  softmaxGradient,
  (dy, y, shape) => apply(sumOfProducts, [dy, y], { shape, dtype: y.dtype }),
  (x, dims) => {
    const [exps, sums] = applyAll(expAndSum, [x, largest(x, dims)], dims)
    return div(exps, sums)
  },
)

const logSoftmaxOp = slicewise(
  'logSoftmax',
  logSoftmaxGradient,
  (dy, _, kept) => sumTo(dy, kept),
  (x, dims) => {
    const most = largest(x, dims)
    const sums = apply(expShifted, [x, most], { shape: most.shape, dtype: x.dtype })
    return apply(lessBoth, [x, most, log(sums)], null)
  },
)

export interface SoftmaxOptions {
  readonly dim?: number
  /** Convert to this dtype before. */
  readonly dtype?: DType
}

function along(
  op: OpDef<Axes>,
  name: string,
  x: Tensor,
  dim: number | SoftmaxOptions | undefined,
  given: SoftmaxOptions,
): Tensor {
  const options = typeof dim === 'object' ? dim : { ...given, dim: dim ?? given.dim }
  if (typeof options.dim !== 'number') {
    throw new TypeError(
      `${name}() received an invalid combination of arguments`,
      'Say along which dimension: { dim: -1 }.',
    )
  }
  const input = options.dtype === undefined ? x : toDType(x, options.dtype)
  const d = normalizeDim(options.dim, x.dim())
  if (!isFloat(input.dtype)) {
    const kernel = d === Math.max(x.dim(), 1) - 1 ? `${name}_lastdim_kernel_impl` : 'softmax_kernel_impl'
    throw notImplemented(kernel, input.dtype, "Convert it first: x.float(), or give { dtype: 'float32' }.")
  }
  return apply(op, [input], x.dim() === 0 ? [] : [d])
}

/**
 * `exp(x)` divided by its sum along `dim`, so that slices are positive and sum to 1; float only, or `{ dtype }`.
 *
 * @example
 * softmax(tensor([1, 2, 3]), 0) // tensor([0.0900, 0.2447, 0.6652])
 */
export const softmax = (x: Tensor, dim?: number | SoftmaxOptions, options: SoftmaxOptions = {}): Tensor =>
  along(softmaxOp, 'softmax', x, dim, options)

/** The logarithm of `softmax`, exact where that would be 0; float only, or `{ dtype }`. */
export const logSoftmax = (x: Tensor, dim?: number | SoftmaxOptions, options: SoftmaxOptions = {}): Tensor =>
  along(logSoftmaxOp, 'log_softmax', x, dim, options)

// ---- logsumexp ----

/** An infinite largest element is not taken off: the difference would be NaN. */
const finite = (most: Expr): Expr => s.select(s.eq(s.abs(most), Number.POSITIVE_INFINITY), 0, most)
const expLess = elementwise('exp', (x, most) => s.exp(s.sub(x, finite(most))))
const logPlus = elementwise('log', (sum, most) => s.add(s.log(sum), finite(most)))
const logsumexpGradient = elementwise('mul', (dy, x, y) => s.mul(dy, s.exp(s.sub(x, y))))

interface Kept {
  readonly dims: Axes
  readonly keepdim: boolean
}
const logsumexpOp: OpDef<Kept> = {
  name: 'logsumexp',
  infer: ([x], { dims, keepdim }) => [{ shape: reducedShape(x.shape, dims, keepdim), dtype: x.dtype }],
  saves: () => ({ inputs: [0], outputs: [0] }),
  vjp: (ctx) => {
    const x = ctx.input(0)
    const { dims } = ctx.attrs
    return [apply(logsumexpGradient, [withDims(ctx.dy, x.shape, dims), x, withDims(ctx.output(), x.shape, dims)], null)]
  },
  to: {
    kind: 'compose',
    compose: ([x], { dims, keepdim }) => {
      const most = largest(x as Tensor, dims)
      const sums = apply(expLess, [x, most], { shape: most.shape, dtype: x.dtype })
      const shape = reducedShape(x.shape, dims, keepdim)
      const shaped = (y: Tensor): Tensor => (keepdim ? y : apply(reshapeOp, [y], shape))
      return [apply(logPlus, [shaped(sums), shaped(most)], null)]
    },
  },
}

/**
 * The logarithm of the sum of exponentials over `dim` (one or several), without overflow. Integers give float32.
 *
 * @example
 * logsumexp(tensor([1000, 1000]), 0) // tensor(1000.6932)
 */
export function logsumexp(x: Tensor, dim: Dims | (DimOptions & { readonly dim: Dims }), options?: DimOptions): Tensor {
  const { dim: dims, keepdim = false } = dimOptions<DimOptions>(dim, options)
  if (dims === undefined || dims === null) {
    throw new TypeError(
      'logsumexp() received an invalid combination of arguments',
      'Say over which dimension: { dim: 0 }.',
    )
  }
  return apply(logsumexpOp, [isFloat(x.dtype) ? x : toDType(x, 'float32')], {
    dims: normalizeDims(dims, x.dim()),
    keepdim,
  })
}
