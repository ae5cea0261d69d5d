// Vector norms of any order along dimensions, with PyTorch's gradients: where a norm is 0 the gradient is 0.
import { dtypeName, isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { reducedShape, sameShape, type Shape } from '../../base/shape.ts'
import { type Expr, s } from '../../expr/expr.ts'
import { apply, operand } from '../../tensor/apply.ts'
import type { OpDef } from '../../tensor/op.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { elementwise, sumTo } from '../define/elementwise.ts'
import { reshapeOp } from '../define/views.ts'
import { amax, amin } from '../order/extremes.ts'
import { abs } from '../pointwise/elementary.ts'

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
const ofExtremes = elementwise('mul', (dy, x, hit, count) => s.div(s.mul(s.mul(dy, s.sign(x)), hit), count))

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

export const normOp: OpDef<Norm> = {
  name: 'NormBackward1',
  infer: ([x], { dims, keepdim }) => [{ sizes: reducedShape(x.sizes, dims, keepdim), dtype: x.dtype }],
  saves: () => ({ inputs: [0], outputs: [0] }),
  vjp(ctx) {
    const { p, dims } = ctx.attrs
    if (p === 0) return [null]
    const x = ctx.input(0)
    const [dy, norm] = [ctx.dy, ctx.output()].map((y) => shaped(y, reducedShape(x.sizes, dims, true)))
    if (p === 1) return [apply(ofSizes, [dy, x], null)]
    if (p === 2) return [apply(ofSquares, [dy, x, norm], null)]
    if (Number.isFinite(p)) return [apply(ofPowers, [dy, x, norm, operand(p)], null)]
    const hit = apply(isExtreme, [x, norm], null)
    return [apply(ofExtremes, [dy, x, hit, sumTo(hit, norm.sizes)], null)]
  },
  to: {
    kind: 'compose',
    compose([input], { p, dims, keepdim }) {
      const x = input as Tensor
      const norm = kept(x, p, dims)
      return [shaped(norm, reducedShape(x.sizes, dims, keepdim))]
    },
  },
}

/** The norm of order `p` over `dims`: (sum of |x|^p)^(1/p); for 0 the number of elements that are not 0. */
export function vectorNorm(x: Tensor, p: number, dims: readonly number[], keepdim: boolean): Tensor {
  if (!isFloat(x.dtype)) {
    throw new RuntimeError(
      `norm(): input dtype should be either floating point or complex. Got ${dtypeName[x.dtype]} instead.`,
      'Convert it first: x.float().',
    )
  }
  return apply(normOp, [x], { p, dims, keepdim })
}
