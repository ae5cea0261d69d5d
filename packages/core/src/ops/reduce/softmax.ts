// Softmax, its logarithm, and logsumexp. They subtract the largest element, so that nothing overflows, take few passes,
// and each has a gradient of its own. Backends may have kernels for them and their gradients.
import { warn } from '../../base/warn.ts'
import { defaults } from '../../base/default-dtype.ts'
import type { Prims } from '../../backend/backend.ts'
import { type DTypeWord, isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { normalizeDim, normalizeDims, reducedShape, shapeString } from '../../base/shape.ts'
import { type Expr, s } from '../../expr/expr.ts'
import { apply, applyAll, operand } from '../../tensor/apply.ts'
import type { OpDef } from '../../tensor/op.ts'
import {
  nullable,
  type Arguments,
  type Parameter,
  dims,
  dtype,
  int,
  method,
  optional,
  required,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import {
  type DimOption,
  type Dims,
  type GivenDim,
  type KeepdimOption,
  keepdimParameter,
  notImplemented,
} from '../define/arguments.ts'
import { composite } from '../define/composite.ts'
import { elementwise, sumTo } from '../define/elementwise.ts'
import { reshapeOp } from '../define/views.ts'
import { add, div, neg } from '../pointwise/arithmetic.ts'
import { log } from '../pointwise/elementary.ts'
import { toDType } from '../define/fill.ts'
import { largest } from '../order/extremes.ts'
import { byCase, reduced } from '../define/kernels.ts'
import { withDims } from './reduce.ts'

type Axes = readonly number[]

const shifted = byCase((axes, dtype): Prims['map'] => {
  const expr = s.exp(s.sub(s.input(0, dtype), s.input(1, dtype)))
  return { outs: [{ expr }, reduced('sum', expr, axes)] }
})
/** In one pass: the exponentials of the elements minus the largest one, and their sums. */
export const expAndSum: OpDef<Axes> = {
  name: 'exp',
  infer: ([x], dims) => [
    { sizes: x.sizes, dtype: x.dtype },
    { sizes: reducedShape(x.sizes, dims, true), dtype: x.dtype },
  ],
  to: { kind: 'kernel', prim: 'map', lower: (axes, [x]) => shifted(axes, x.dtype) },
}
/** Along the single dimension; a tensor without dimensions has an axis of one element. */
const along = ([axis = 0]: Axes) => ({ axis })

/** An op of the gradient and the result. Its kernel has no gradient of its own. */
const ofGradient = (
  name: string,
  kind: 'softmaxBackward' | 'logSoftmaxBackward',
  compose: (dy: Tensor, y: Tensor, dims: Axes) => Tensor,
): OpDef<Axes> =>
  composite({
    name,
    kind,
    attrs: along,
    compose: ([dy, y], dims) => [compose(dy as Tensor, y as Tensor, dims)],
  })

const sumOfProducts = elementwise('sum', (dy, y) => s.mul(dy, y))
const softmaxGradient = elementwise('softmaxBackwardData', (dy, y, sum) => s.mul(s.sub(dy, sum), y))
const softmaxBackward = ofGradient('softmaxBackwardData', 'softmaxBackward', (dy, y, dims) => {
  const sum = apply(sumOfProducts, [dy, y], { sizes: reducedShape(y.sizes, dims, true), dtype: y.dtype })
  return apply(softmaxGradient, [dy, y, sum], null)
})

const softmaxOp = composite<'softmax', Axes>({
  name: 'softmax',
  kind: 'softmax',
  attrs: along,
  saves: () => ({ outputs: [0] }),
  vjp: (ctx) => [apply(softmaxBackward, [ctx.dy, ctx.output()], ctx.attrs)],
  compose: ([input], dims) => {
    const x = input as Tensor
    const [exps, sums] = applyAll(expAndSum, [x, largest(x, dims)], dims)
    return [div(exps, sums)]
  },
})

const lessBoth = elementwise('sub', (x, most, logSum) => s.sub(s.sub(x, most), logSum))
const logSoftmaxGradient = elementwise('logSoftmaxBackwardData', (dy, exps, sums, total) =>
  s.sub(dy, s.mul(exps, s.div(total, sums))),
)
/** The gradient of both outputs. */
export const expAndSumGradient = elementwise('mul', (dExps, dSums, exps) => s.mul(s.add(dExps, dSums), exps))
const lessShare = elementwise('logSoftmaxBackwardData', (dy, y, total) => s.sub(dy, s.mul(s.exp(y), total)))
const logSoftmaxBackward = ofGradient('logSoftmaxBackwardData', 'logSoftmaxBackward', (dy, y, dims) =>
  apply(lessShare, [dy, y, sumTo(dy, reducedShape(y.sizes, dims, true))], null),
)

/**
 * Outputs: the result, and for the gradient the exponentials and their sums, which are expensive to recompute. Those
 * have gradients of their own, for gradients of gradients; the subtracted element counts as a constant, because nothing
 * depends on it. The kernel keeps only the result, because there memory costs more than recomputing exponentials.
 */
const logSoftmaxOp = composite<'logSoftmax', Axes>({
  name: 'logSoftmax',
  kind: 'logSoftmax',
  attrs: along,
  infer: (inputs, dims) => [{ sizes: inputs[0].sizes, dtype: inputs[0].dtype }, ...expAndSum.infer(inputs, dims)],
  // The result itself is saved only so that overwriting it is an error, as in PyTorch.
  saves: () => ({ outputs: [0, 1, 2] }),
  vjp: (ctx) => {
    const [dy, dExps, dSums] = ctx.dys
    const [exps, sums] = [ctx.output(1), ctx.output(2)]
    const parts: Tensor[] = []
    if (dy !== null) parts.push(apply(logSoftmaxGradient, [dy, exps, sums, sumTo(dy, sums.sizes)], null))
    if (dExps !== null || dSums !== null)
      parts.push(apply(expAndSumGradient, [dExps ?? operand(0), dSums ?? operand(0), exps], null))
    return [parts.reduce((a, b) => add(a, b))]
  },
  compose: ([input], dims) => {
    const x = input as Tensor
    const most = largest(x, dims)
    const [exps, sums] = applyAll(expAndSum, [x, most], dims)
    return [apply(lessBoth, [x, most, log(sums)], null), exps, sums]
  },
  whole: {
    saves: () => ({ outputs: [0] }),
    vjp: (ctx) => [apply(logSoftmaxBackward, [ctx.dy, ctx.output()], ctx.attrs)],
  },
})

export interface SoftmaxOptions<D = number> extends DimOption<D> {
  /** Convert to this dtype first. */
  readonly dtype?: DTypeWord
}
type Along = (
  x: Tensor,
  ...args: [dim: number | SoftmaxOptions, dtype?: DTypeWord | SoftmaxOptions, options?: SoftmaxOptions]
) => Tensor
type Guessing = (
  x: Tensor,
  ...args: Arguments<[dim: number | null, dtype: DTypeWord], SoftmaxOptions<number | null>>
) => Tensor

const given: Parameter<number> = required('dim', { ...int, hint: 'Give the dimension: { dim: -1 }.' })
const guessed: Parameter<number | null> = optional('dim', nullable(int), null)
const converted = optional('dtype', dtype, undefined)

/** The dimension of old code that names none. */
function implicitDim(name: string, x: Tensor): number {
  warn(`Implicit dimension choice for ${name} has been deprecated. Change the call to include dim=X as an argument.`)
  return [0, 1, 3].includes(x.dim()) ? 0 : 1
}

/** A function along one dimension, in the requested dtype. */
function alongOne(op: OpDef<Axes>, name: string, dimension: Parameter<number | null>) {
  const read = method(name, dimension, converted)
  return (x: Tensor, ...args: readonly unknown[]): Tensor => {
    const [dim, to] = read(x, args)
    const input = to === undefined ? x : toDType(x, to)
    const d = normalizeDim(dim ?? implicitDim(name, x), x.dim())
    if (!isFloat(input.dtype)) {
      const kernel = d === Math.max(x.dim(), 1) - 1 ? `${name}_lastdim_kernel_impl` : 'softmax_kernel_impl'
      throw notImplemented(kernel, input.dtype, "Convert it first: x.float(), or give { dtype: 'float32' }.")
    }
    return apply(op, [input], x.dim() === 0 ? [] : [d])
  }
}

/**
 * `exp(x)` divided by its sum along `dim`, so that slices are positive and sum to 1. Float only, or with `{ dtype }`.
 *
 * @example
 * softmax(tensor([1, 2, 3]), 0) // tensor([0.0900, 0.2447, 0.6652])
 */
export const softmax: Along = alongOne(softmaxOp, 'softmax', given)
/** `softmax`; without a dimension it guesses one and warns. */
export const softmaxOf: Guessing = alongOne(softmaxOp, 'softmax', guessed)

/** The logarithm of `softmax`, accurate even where softmax would be 0. Float only, or with `{ dtype }`. */
export const logSoftmax: Along = alongOne(logSoftmaxOp, 'log_softmax', given)
/** `logSoftmax`; without a dimension it guesses one and warns. */
export const logSoftmaxOf: Guessing = alongOne(logSoftmaxOp, 'log_softmax', guessed)

const softminArguments = method('softmin', guessed, converted)
/**
 * `softmax` of `-x`: positive slices along `dim` that sum to 1.
 *
 * @example
 * F.softmin(tensor([0, 0]), 0) // tensor([0.5000, 0.5000])
 */
export const softmin: Guessing = (x, ...args) => {
  const [dim, dtype] = softminArguments(x, args)
  return softmax(neg(x), dim ?? implicitDim('softmin', x), dtype)
}

// ---- logsumexp ----

/** An infinite largest element is not subtracted, because the difference would be NaN. */
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
  infer: ([x], { dims, keepdim }) => [{ sizes: reducedShape(x.sizes, dims, keepdim), dtype: x.dtype }],
  saves: () => ({ inputs: [0], outputs: [0] }),
  vjp: (ctx) => {
    const x = ctx.input(0)
    const { dims } = ctx.attrs
    return [apply(logsumexpGradient, [withDims(ctx.dy, x.sizes, dims), x, withDims(ctx.output(), x.sizes, dims)], null)]
  },
  to: {
    kind: 'compose',
    compose: ([x], { dims, keepdim }) => {
      const most = largest(x as Tensor, dims)
      const sums = apply(expLess, [x, most], { sizes: most.sizes, dtype: x.dtype })
      const shape = reducedShape(x.sizes, dims, keepdim)
      const shaped = (y: Tensor): Tensor => (keepdim ? y : apply(reshapeOp, [y], shape))
      return [apply(logPlus, [shaped(sums), shaped(most)], null)]
    },
  },
}

export type LogsumexpOptions = GivenDim<Dims> & KeepdimOption
const logsumexpArguments = method(
  'logsumexp',
  required('dim', { ...dims, hint: 'Give the dimension: { dim: 0 }.' }),
  keepdimParameter,
)
/**
 * The logarithm of the sum of exponentials over `dim` (one or several), without overflow. Integers give float32.
 *
 * @example
 * logsumexp(tensor([1000, 1000]), 0) // tensor(1000.6932)
 */
export function logsumexp(
  x: Tensor,
  ...args: [dim: Dims | LogsumexpOptions, keepdim?: boolean | KeepdimOption]
): Tensor {
  const [dim, keepdim] = logsumexpArguments(x, args)
  if (x.elements > 0 && x.dim() > 0 && !keepdim && Array.isArray(dim) && dim.length === 0) {
    throw new RuntimeError(
      `output with shape [] doesn't match the broadcast shape ${shapeString(x.sizes.map(() => 1))}`,
      'Name the dimensions.',
    )
  }
  return apply(logsumexpOp, [isFloat(x.dtype) ? x : toDType(x, defaults.float)], {
    dims: normalizeDims(dim, x.dim()),
    keepdim,
  })
}
