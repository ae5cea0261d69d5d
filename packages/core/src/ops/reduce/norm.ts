// Norms of any order along dimensions, with PyTorch's gradients: where a norm is 0 the gradient is 0. Distances, and
// slices whose norms are limited.
import { type DTypeWord, dtypeName, isFloat } from '../../base/dtype.ts'
import { RuntimeError, ValueError } from '../../base/errors.ts'
import { toFloat } from '../../base/remedies.ts'
import { resultType } from '../../base/promotion.ts'
import { normalizeDim, normalizeDims, reducedShape, sameShape, type Shape } from '../../base/shape.ts'
import { type Expr, s } from '../../expr/expr.ts'
import { apply, operand } from '../../tensor/apply.ts'
import type { Input, OpDef } from '../../tensor/op.ts'
import {
  type Takes,
  type Arguments,
  dims as dimsKind,
  dtype as dtypeKind,
  int,
  type Kind,
  method,
  nullable,
  number,
  optional,
  required,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { spectralNorm } from '../linalg/spectral.ts'
import { type DimOptions, type Dims, keepdimParameter } from '../define/arguments.ts'
import { cloneOp, type Elementwise, elementwise, sumTo } from '../define/elementwise.ts'
import { toDType } from '../define/fill.ts'
import { type Overloaded, overloaded } from '../define/overloads.ts'
import { reshapeOp } from '../define/views.ts'
import { amax, amin } from '../order/extremes.ts'
import { neg, sub } from '../pointwise/arithmetic.ts'
import { abs, sqrt } from '../pointwise/elementary.ts'

interface Norm {
  readonly p: number
  readonly dims: readonly number[]
  readonly keepdim: boolean
}

const nonzero = elementwise('sum', (x) => s.select(s.ne(x, 0), s.constant(1, x.dtype), s.constant(0, x.dtype)))
const sizes = elementwise('sum', (x) => s.abs(x))
const squares = elementwise('sum', (x) => s.mul(x, x))
const powers = elementwise('sum', (x, p) => s.pow(s.abs(x), p))
const root = elementwise('pow', (total, p) => s.pow(total, s.div(1, p)))
const squareRoot = elementwise('sqrt', (x) => s.sqrt(x))

/** Where the norm is 0 there is no gradient. */
const unless = (condition: Expr, x: Expr): Expr => s.select(condition, 0, x)
const ofSizes = elementwise('mul', (dy, x) => s.mul(dy, s.sign(x)))
const ofSquares = elementwise('mul', (dy, x, norm) => unless(s.eq(norm, 0), s.mul(dy, s.div(x, norm))))
const ofPowers = elementwise('mul', (dy, x, norm, p) =>
  unless(s.or(s.eq(norm, 0), s.eq(x, 0)), s.mul(s.mul(dy, s.sign(x)), s.pow(s.div(s.abs(x), norm), s.sub(p, 1)))),
)
const isExtreme = elementwise('eq', (x, norm) =>
  s.select(s.eq(s.abs(x), norm), s.constant(1, x.dtype), s.constant(0, x.dtype)),
)
const ofExtremes = elementwise('mul', (dy, x, hit, count) => unless(s.eq(hit, 0), s.div(s.mul(dy, s.sign(x)), count)))

const shaped = (x: Tensor, to: Shape): Tensor => (sameShape(x.sizes, to) ? x : apply(reshapeOp, [x], to))

/** The norms, with sizes of 1 for the dimensions. */
function kept(x: Tensor, p: number, dims: readonly number[]): Tensor {
  const spec = { sizes: reducedShape(x.sizes, dims, true), dtype: x.dtype }
  if (p === 0) return apply(nonzero, [x], spec)
  if (p === 1) return apply(sizes, [x], spec)
  if (p === 2) return apply(squareRoot, [apply(squares, [x], spec)], null)
  if (Number.isFinite(p)) return apply(root, [apply(powers, [x, operand(p)], spec), operand(p)], null)
  return (p > 0 ? amax : amin)(abs(x), dims, true)
}

export /** The gradient for `x`, given the norms. */
function normGradient(x: Tensor, y: Tensor, dNorm: Tensor, { p, dims }: Norm): Tensor {
  const [dy, norm] = [dNorm, y].map((z) => shaped(z, reducedShape(x.sizes, dims, true)))
  if (p === 1) return apply(ofSizes, [dy, x], null)
  if (p === 2) return apply(ofSquares, [dy, x, norm], null)
  if (Number.isFinite(p)) return apply(ofPowers, [dy, x, norm, operand(p)], null)
  const hit = apply(isExtreme, [x, norm], null)
  return apply(ofExtremes, [dy, x, hit, sumTo(hit, norm.sizes)], null)
}

const defineNorm = (name: string): OpDef<Norm> => ({
  name,
  infer: ([x], { dims, keepdim }) => [{ sizes: reducedShape(x.sizes, dims, keepdim), dtype: x.dtype }],
  saves: () => ({ inputs: [0], outputs: [0] }),
  vjp: (ctx) => [ctx.attrs.p === 0 ? null : normGradient(ctx.input(0), ctx.output(), ctx.dy, ctx.attrs)],
  to: {
    kind: 'compose',
    compose([input], { p, dims, keepdim }) {
      const x = input as Tensor
      return [shaped(kept(x, p, dims), reducedShape(x.sizes, dims, keepdim))]
    },
  },
})
export const normOp: OpDef<Norm> = defineNorm('NormBackward1')
const vectorNormOp = defineNorm('linalgVectorNorm')

/** Throws for a norm over no elements that has no value there. */
function checkElements(x: Tensor, p: number, dims: readonly number[]): void {
  if (p >= 0 && p !== Infinity) return
  if (!dims.some((d) => x.sizes[d] === 0)) return
  const order = p === Infinity ? 'inf' : p === -Infinity ? '-inf' : p
  throw new RuntimeError(
    dims.length === x.dim()
      ? `linalg.vector_norm cannot compute the ${order} norm on an empty tensor because the operation does not have an identity`
      : `linalg.vector_norm cannot compute the ${order} norm on the dimension ${dims.find((d) => x.sizes[d] === 0)}because this dimension is empty and the operation does not have an identity`,
  )
}
/** The same as `linalg.vectorNorm` computes it; `name` is PyTorch's in messages. */
export function vectorNormOf(name: string, x: Tensor, p: number, dims: readonly number[], keepdim: boolean): Tensor {
  if (!isFloat(x.dtype)) {
    throw new RuntimeError(
      `linalg.${name}: Expected a floating point or complex tensor as input. Got ${dtypeName[x.dtype]}`,
      toFloat,
    )
  }
  checkElements(x, p, dims)
  return apply(vectorNormOp, [x], { p, dims, keepdim })
}
/** The norm of order `p` over `dims`: (sum of |x|^p)^(1/p); for 0 the number of elements that are not 0. */
export function vectorNorm(x: Tensor, p: number, dims: readonly number[], keepdim: boolean): Tensor {
  if (!isFloat(x.dtype)) {
    throw new RuntimeError(
      `norm(): input dtype should be either floating point or complex. Got ${dtypeName[x.dtype]} instead.`,
      toFloat,
    )
  }
  // Of no elements every norm is 0, also where `linalg` has none.
  return apply(normOp, [x], { p: dims.some((d) => x.sizes[d] === 0) ? 1 : p, dims, keepdim })
}

// ---- norm ----

/** The order of a norm: a number, or the name of one for matrices. */
export type Order = number | 'fro' | 'nuc'
export const orderKind: Kind<Order> = {
  ...number,
  accepts: (x) => typeof x === 'number' || typeof x === 'string',
} as Kind<Order>
export interface NormOptions extends DimOptions {
  readonly p?: Order | null
  readonly dtype?: DTypeWord
}
const normArguments = method(
  'norm',
  optional('p', nullable(orderKind), 'fro'),
  optional('dim', nullable(dimsKind), null),
  keepdimParameter,
  optional('dtype', nullable(dtypeKind), null),
)
/** The sum of the singular values of matrices. */
function nuclear(x: Tensor, dims: readonly number[] | null, keepdim: boolean): Tensor {
  if (dims === null && x.dim() !== 2) {
    throw new RuntimeError(
      `Expected a tensor with 2 dimensions, but got a tensor with ${x.dim()} dimension${x.dim() === 1 ? '' : 's'} instead.`,
    )
  }
  const [rows, columns, ...more] = dims ?? [0, 1]
  if (columns === undefined || more.length > 0)
    throw new RuntimeError("nuclear norm requires a 'dim' argument of size 2")
  return spectralNorm(x, 'nuc', rows, columns, keepdim)
}
const sumOfSquares = elementwise('sum', (x) => s.mul(x, x))
/**
 * The norm of order `p` of all elements, or over `dim` (one or several): the Euclidean one for 'fro', `(sum of |x| **
 * p) ** (1 / p)` for a number, the largest and smallest size for infinities, for 0 the number of elements that are not 0.
 *
 * @example
 * norm(tensor([3, 4])) // tensor(5.)
 * norm(tensor([[3, -4], [1, 2]]), 1, 0) // tensor([4., 6.])
 */
export function norm(
  x: Tensor,
  ...args: Arguments<[p: Order | null, dim: Dims | null, keepdim: boolean], NormOptions>
): Tensor {
  const [order, dim, keepdim, dtype] = normArguments(x, args)
  const dims = normalizeDims(dim, x.dim())
  if (typeof order === 'string') {
    if (order !== 'fro' && order !== 'nuc')
      throw new RuntimeError(`only valid string values are 'fro' and 'nuc', found ${order}`)
    if (order === 'nuc') return nuclear(dtype === null ? x : toDType(x, dtype), dim === null ? null : dims, keepdim)
    if (dtype !== null && dim !== null) throw new ValueError('dtype argument is not supported in frobenius norm')
    if (dim !== null && dims.length > 2)
      throw new RuntimeError(`Expected at most 2 dimensions, but got ${dims.length} dimensions instead.`)
    if (dim !== null && dims.length === 2 && isFloat(x.dtype)) {
      const sizes = reducedShape(x.sizes, dims, true)
      return shaped(sqrt(apply(sumOfSquares, [x], { sizes, dtype: x.dtype })), reducedShape(x.sizes, dims, keepdim))
    }
  }
  const p = typeof order === 'number' ? order : 2
  return vectorNorm(dtype === null ? x : toDType(x, dtype), p, dims, keepdim)
}

// ---- distances and limits ----

const distOp: OpDef<number> = {
  name: 'dist',
  infer: ([x]) => [{ sizes: [], dtype: x.dtype }],
  saves: () => ({ inputs: [0, 1], outputs: [0] }),
  vjp: (ctx) => {
    const [x, y] = [ctx.input(0), ctx.input(1)]
    if (ctx.attrs === 0) return [null, null]
    const apart = sub(x, y)
    const slope = normGradient(apart, ctx.output(), ctx.dy, {
      p: ctx.attrs,
      dims: apart.sizes.map((_, d) => d),
      keepdim: false,
    })
    return [ctx.needs(0) ? sumTo(slope, x.sizes) : null, ctx.needs(1) ? sumTo(neg(slope), y.sizes) : null]
  },
  to: {
    kind: 'compose',
    compose: ([x, y], p) => {
      const apart = sub(x as Tensor, y as Tensor)
      return [
        vectorNorm(
          apart,
          p,
          apart.sizes.map((_, d) => d),
          false,
        ),
      ]
    },
  },
}
const distArguments = method('dist', required('other', tensor), optional('p', number, 2))
/**
 * The norm of order `p` (2) of `x - other`, which broadcast.
 *
 * @example
 * dist(tensor([0, 0]), tensor([3, 4])) // tensor(5.)
 */
export function dist(
  x: Tensor,
  ...args: Takes<[other: Tensor], 'other', [p?: number | { readonly p?: number }]>
): Tensor {
  const [other, p] = distArguments(x, args)
  const dtype = resultType([x, other])
  return apply(distOp, [toDType(x, dtype), toDType(other, dtype)], p)
}

const limitedOp = elementwise('renorm', (x, norm, most) =>
  s.mul(x, s.select(s.gt(norm, most), s.div(most, s.add(norm, 1e-7)), s.constant(1, x.dtype))),
)
const renormArguments = method('renorm', required('p', number), required('dim', int), required('maxnorm', number))
function resolveRenorm(
  x: Tensor,
  data: Tensor,
  args: readonly unknown[],
): readonly [op: Elementwise, inputs: readonly Input[]] {
  const [p, dim, maxnorm] = renormArguments(x, args)
  if (!(p > 0)) throw new RuntimeError('renorm: non-positive-norm not supported')
  if (!(maxnorm >= 0)) throw new RuntimeError(`renorm: expected maxnorm to be >= 0 but got ${maxnorm}`)
  if (x.dim() < 2) throw new RuntimeError(`renorm: input needs at least 2 dimensions, got ${x.dim()} dimensions`)
  const d = normalizeDim(dim, x.dim())
  const others = x.sizes.flatMap((_, i) => (i === d ? [] : [i]))
  return [limitedOp, [data, vectorNormOf('vector_norm', data, p, others, true), operand(maxnorm)]]
}
/**
 * Slices along `dim` with norms of order `p` above `maxnorm` scaled down to it.
 *
 * @example
 * renorm(tensor([[3, 4], [0, 1]]), 2, 0, 1) // tensor([[0.6000, 0.8000],
 *                                           //         [0.0000, 1.0000]])
 */
export const renorm: Overloaded<RenormArguments> = overloaded(
  (x: Tensor, ...args) => resolveRenorm(x, x, args),
  // The norms read what is overwritten.
  (x: Tensor, ...args) => resolveRenorm(x, apply(cloneOp, [x], null), args),
)
type RenormArguments = [x: Tensor, ...Takes<[p: number, dim: number, maxnorm: number], 'p dim maxnorm'>]
