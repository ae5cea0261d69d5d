// The op of a contraction: sums of products over axes that both tensors have. Its gradients are contractions of
// permuted views, and so are theirs. Matrix products (matmul.ts), einsum.ts and convolution.ts call it.
import type { Takes } from '../../tensor/signature.ts'
import { toInt } from '../../base/remedies.ts'
import type { Prims, Spec } from '../../backend/backend.ts'
import type { DType } from '../../base/dtype.ts'
import { mixed } from '../../base/promotion.ts'
import { type Expr, s } from '../../expr/expr.ts'
import { apply } from '../../tensor/apply.ts'
import { type Lowering, Num, type OpDef, type Saves } from '../../tensor/op.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { notImplemented, numberFor } from '../define/arguments.ts'
import { type Elementwise, elementwise, sumTo } from '../define/elementwise.ts'
import { permuteOp, viewOp } from '../define/views.ts'

/** The numbers of batch and sum axes: one object per pair, because backends find kernels by its identity. */
type Counts = Prims['contract']
const known: Counts[][] = []
export function counts(batch: number, sum: number): Counts {
  const row = known[batch] ?? []
  known[batch] = row
  row[sum] ??= { batch, sum }
  return row[sum]
}

/** Contractions with a third operand that is added before the result is stored, by its dtype. */
export function biasing(plain: Counts): (dtype: DType) => Counts {
  const made = new Map<DType, Counts>()
  return (dtype) => {
    let prims = made.get(dtype)
    if (prims === undefined) {
      prims = { ...plain, post: s.add(s.input(0, dtype), s.input(1, dtype)) }
      made.set(dtype, prims)
    }
    return prims
  }
}
const withBias = new WeakMap<Counts, ReturnType<typeof biasing>>()
function biased(plain: Counts, dtype: DType): Counts {
  let made = withBias.get(plain)
  if (made === undefined) {
    made = biasing(plain)
    withBias.set(plain, made)
  }
  return made(dtype)
}

/** The positions to save, by the bits of the factors that need a gradient. */
export const factors: (needs: number) => Saves = (needs) => saves[needs & 3]
const saves: readonly Saves[] = [[], [1], [0], [0, 1]].map((inputs) => ({ inputs }))

/** Throws for factors of different dtypes, and for bools, which `kernel` of PyTorch does not multiply. */
export function checkFactors(a: Spec, b: Spec, kernel: string): void {
  if (a.dtype !== b.dtype) {
    throw mixed(a.dtype, b.dtype)
  }
  if (a.dtype === 'bool') throw notImplemented(kernel, 'bool', toInt)
}

/** `count` integers from `start` on. */
export const from = (start: number, count: number): number[] => Array.from({ length: count }, (_, i) => start + i)

/**
 * [batch..., rows..., sum...] by [batch..., sum..., columns...], with an optional third operand that is added to the
 * result. `kernel` is the name in PyTorch's message about bools.
 */
export const contraction = (name: string, kernel: string): OpDef<Counts> => {
  const op: OpDef<Counts> = {
    name,
    infer([a, b], { batch, sum }) {
      checkFactors(a, b, kernel)
      const sizes = [...a.sizes.slice(0, a.sizes.length - sum), ...b.sizes.slice(batch + sum)]
      return [{ sizes, dtype: a.dtype }]
    },
    saves: factors,
    vjp(ctx) {
      const { batch, sum } = ctx.attrs
      // An input without a gradient has no spec here; its axes follow from the other input and the result.
      const own = (position: number): number => ctx.inputSpec(position).sizes.length - batch - sum
      const free = ctx.dy.dim() - batch
      const rows = ctx.needs(0) ? own(0) : ctx.needs(1) ? free - own(1) : 0
      const columns = free - rows
      const first = from(0, batch)
      return [
        ctx.needs(0)
          ? apply(
              op,
              [ctx.dy, permuted(ctx.input(1), [...first, ...from(batch + sum, columns), ...from(batch, sum)])],
              counts(batch, columns),
            )
          : null,
        ctx.needs(1)
          ? apply(
              op,
              [permuted(ctx.input(0), [...first, ...from(batch + rows, sum), ...from(batch, rows)]), ctx.dy],
              counts(batch, rows),
            )
          : null,
        ctx.needs(2) ? sumTo(ctx.dy, ctx.inputSpec(2).sizes) : null,
      ]
    },
    to: {
      kind: 'kernel',
      prim: 'contract',
      lower: (attrs, inputs) => (inputs.length === 3 ? biased(attrs, inputs[0].dtype) : attrs),
    },
  }
  return op
}

/** The dimensions in another order. */
export const permuted = (x: Tensor, dims: readonly number[]): Tensor =>
  dims.every((d, i) => d === i) ? x : apply(permuteOp, [x], dims)

/**
 * The axes of a view, each made of some axes of the tensor: of one, of several of one size (their diagonal), or of
 * none, which gives an axis of size 1. Tensor axes that the view does not use have size 1.
 */
type Axes = readonly (readonly number[])[]
export const axesOp = (name: string): OpDef<Axes> =>
  viewOp<Axes>(name, ({ sizes, strides, offset }, axes) => ({
    sizes: axes.map(([d]) => (d === undefined ? 1 : sizes[d])),
    strides: axes.map((dims) => dims.reduce((step, d) => step + strides[d], 0)),
    offset,
  }))

/** The same for a result that nobody else has, which autograd does not treat as a view. */
export function ownAxes(name: string): OpDef<Axes> {
  const { to, ...rest } = axesOp(name)
  return { ...rest, to: { ...to, own: true } as Lowering<Axes> }
}

// ---- products that are added ----

interface Factors {
  /** The factor of the input; for 0 it is not read, so that NaN in it does not matter. */
  readonly beta?: number
  /** The factor of the product. */
  readonly alpha?: number
}
/** The arguments of addmm and its relatives after the input. */
export type Added<N extends string> = Takes<[a: Tensor, b: Tensor], N, [options?: Factors]>

/** `beta * x + alpha * product`. */
export const sumOf = (x: Expr, product: Expr, beta: Expr, alpha: Expr): Expr =>
  s.add(s.select(s.eq(beta, 0), 0, s.mul(x, beta)), s.mul(product, alpha))
export const addedOp = (name: string): Elementwise =>
  elementwise(name, (x, product, beta, alpha) => sumOf(x, product, beta, alpha))
/** The factors as operands of a dtype. */
export const factorsFor = (dtype: DType, beta: number, alpha: number): readonly Num[] =>
  [beta, alpha].map((factor) => new Num(Number(numberFor(factor, dtype)), dtype))
