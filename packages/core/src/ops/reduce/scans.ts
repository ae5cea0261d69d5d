// Running sums, products and extremes along a dimension: the scan kernel with each of its functions.
import type { Prims, ReduceFn } from '../../backend/backend.ts'
import { cName, type DTypeWord, isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { toInt } from '../../base/remedies.ts'
import { normalizeDim } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import { apply, applyAll, operand } from '../../tensor/apply.ts'
import { applyInPlace } from '../../tensor/in-place.ts'
import { mode } from '../../tensor/mode.ts'
import type { OpDef, Vjp } from '../../tensor/op.ts'
import { int, method, required } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { counted } from '../create/create.ts'
import { dtypeParameter, type GivenDim, notImplemented } from '../define/arguments.ts'
import { cloneOp, elementwise } from '../define/elementwise.ts'
import { flipOp, reshapeOp } from '../define/views.ts'
import { filled, toDType } from '../define/fill.ts'
import { gatherAlongDim, scatterAddAlongDim } from '../indexing/gather.ts'
import { neg, sub } from '../pointwise/arithmetic.ts'
import { logaddexp } from '../pointwise/special.ts'
import { cat } from '../views/join.ts'
import { ValuesAndIndices } from '../order/values-and-indices.ts'
import { narrow, transpose, unsqueeze } from '../views/views.ts'
import { accumulated } from './reduce.ts'

const scanAlong = (fn: ReduceFn): ((axis: number) => Prims['scan']) => {
  const known: Prims['scan'][] = []
  return (axis) => (known[axis] ??= { fn, axis })
}
const scan = (name: string, fn: ReduceFn, rule: Pick<OpDef<number>, 'vjp' | 'saves'>): OpDef<number> => ({
  name,
  infer: ([x]) => [{ sizes: x.sizes, dtype: x.dtype }],
  ...rule,
  to: { kind: 'kernel', prim: 'scan', lower: scanAlong(fn) },
})

const cumsumOp: OpDef<number> = scan('cumsum', 'sum', { vjp: ({ dy, attrs: dim }) => [sumsFrom(dy, dim)] })
/** For each element, the sum of the elements from it to the end. */
const sumsFrom = (x: Tensor, dim: number): Tensor =>
  apply(flipOp, [apply(cumsumOp, [apply(flipOp, [x], [dim])], dim)], [dim])

/** A scan with an optional dtype; a tensor without dimensions is its own result. */
function running(
  op: OpDef<number>,
): (x: Tensor, ...args: [dim: number | ScanOptions, options?: { readonly dtype?: DTypeWord }]) => Tensor {
  const { name } = op
  const ofOne: OpDef<null> = { ...cloneOp, name }
  const read = method(name, required('dim', int), dtypeParameter)
  return (x, ...args) => {
    const [dim, dtype] = read(x, args)
    const d = normalizeDim(dim, x.dim())
    const input = toDType(x, accumulated(x, dtype))
    if (input.dtype === 'bool' && x.dim() > 0) throw notImplemented(`${name}_out_cpu`, 'bool', toInt)
    return x.dim() === 0 ? apply(ofOne, [input], null) : apply(op, [input], d)
  }
}

/** The in-place form of a scan: PyTorch refuses a dtype that is not the tensor's own. */
function runningInPlace(op: OpDef<number>) {
  const { name } = op
  const ofOne: OpDef<null> = { ...cloneOp, name }
  const read = method(`${name}_`, required('dim', int), dtypeParameter)
  return (x: Tensor, ...args: [dim: number | ScanOptions, options?: { readonly dtype?: DTypeWord }]): Tensor => {
    const [dim, dtype = x.dtype] = read(x, args)
    const d = normalizeDim(dim, x.dim())
    if (dtype !== x.dtype) {
      throw new RuntimeError(
        `Bad in-place call: input tensor dtype ${cName[x.dtype]} and output tensor dtype ${cName[dtype]} should match`,
        'Use the form without the trailing underscore.',
      )
    }
    if (dtype === 'bool' && x.dim() > 0) throw notImplemented(`${name}_out_cpu`, 'bool', toInt)
    return x.dim() === 0 ? applyInPlace(ofOne, x, [x], null) : applyInPlace(op, x, [x], d)
  }
}
export type ScanOptions = GivenDim & { readonly dtype?: DTypeWord }
/**
 * Running sums along `dim`: element i is the sum of elements 0 to i. bool and integers give int32.
 *
 * @example
 * cumsum(tensor([1, 2, 3]), 0) // tensor([1., 3., 6.])
 */
export const cumsum = running(cumsumOp)
/** `cumsum` in place, in the tensor's own dtype. */
export const cumsum_ = runningInPlace(cumsumOp)

// ---- products ----

// `zeros` is the number of zeros up to an element. An element before the first zero gets the quotient of each product
// it is in; the first zero gets the products without it; later elements are only in products that are 0.
const beforeZero = elementwise('mul', (dy, y, zeros) => s.select(s.eq(zeros, 0), s.mul(dy, y), 0))
const withoutZero = elementwise('where', (x, zeros) => s.select(s.and(s.eq(x, 0), s.eq(zeros, 1)), 1, x))
const afterZero = elementwise('mul', (dy, y, zeros) => s.select(s.eq(zeros, 1), s.mul(dy, y), 0))
const byZeros = elementwise('where', (x, zeros, quotients, others) =>
  s.select(s.eq(zeros, 0), s.div(quotients, x), s.select(s.and(s.eq(x, 0), s.eq(zeros, 1)), others, 0)),
)
const isZero = elementwise('eq', (x) => s.eq(x, 0), { out: 'bool' })

function cumprodGradient(ctx: Vjp<number>): Tensor {
  const { dy, attrs: dim } = ctx
  const x = ctx.input(0)
  const zeros = apply(cumsumOp, [toDType(apply(isZero, [x], null), 'int32')], dim)
  const quotients = sumsFrom(apply(beforeZero, [dy, ctx.output(), zeros], null), dim)
  const products = apply(cumprodOp, [apply(withoutZero, [x, zeros], null)], dim)
  const others = sumsFrom(apply(afterZero, [dy, products, zeros], null), dim)
  return apply(byZeros, [x, zeros, quotients, others], null)
}

const exceptOwn = elementwise('where', (x, k, i) => s.select(s.eq(k, i), 1, x))
const fromOwn = elementwise('mul', (dy, others, k, j) => s.select(s.ge(j, k), s.mul(dy, others), 0))

/** The same by multiplication alone, so that its own derivatives are also right next to zeros: n rows of n products. */
function differentiableGradient(ctx: Vjp<number>): Tensor {
  const { dy, attrs: dim } = ctx
  const x = ctx.input(0)
  const rank = x.dim()
  const row = (t: Tensor): Tensor => unsqueeze(transpose(t, dim, -1), -2)
  const n = x.sizes[dim]
  const along = counted(n, 'int32', x.device)
  const own = unsqueeze(along, 1)
  const products = apply(cumprodOp, [apply(exceptOwn, [row(x), own, along], null)], rank)
  const { sizes } = products
  const summed = { sizes: [...sizes.slice(0, -1), 1], dtype: dy.dtype }
  const found = apply(fromOwn, [row(dy), products, own, along], summed)
  return transpose(apply(reshapeOp, [found], sizes.slice(0, -1)), dim, -1)
}

const cumprodOp: OpDef<number> = scan('cumprod', 'prod', {
  saves: () => ({ inputs: [0], outputs: [0] }),
  vjp: (ctx) => [ctx.dy.elements > 0 && mode.grad ? differentiableGradient(ctx) : cumprodGradient(ctx)],
})
/**
 * Running products along `dim`: element i is the product of elements 0 to i. The gradient is also right next to zeros.
 * bool and integers give int32.
 *
 * @example
 * cumprod(tensor([2, 3, 4]), 0) // tensor([ 2.,  6., 24.])
 */
export const cumprod = running(cumprodOp)
/** `cumprod` in place, in the tensor's own dtype. */
export const cumprod_ = runningInPlace(cumprodOp)

// ---- extremes ----

const isExtreme = elementwise('eq', (x, most) => s.or(s.eq(x, most), s.ne(x, x)), { out: 'bool' })
const placeWhere = elementwise('where', (found, place) => s.select(s.ne(found, 0), place, 0))
const lastPlace = scan('cummax', 'max', {})

/** Whether a tensor is its own running extreme along any dimension: PyTorch takes one that it does not have, too. */
const isSettled = (x: Tensor): boolean => x.dim() === 0 || x.elements === 0

const extremeAlong = (fn: 'max' | 'min'): OpDef<number> => {
  const most = scan(`cum${fn}`, fn, {})
  return {
    name: `cum${fn}`,
    infer: ([x]) => [
      { sizes: x.sizes, dtype: x.dtype },
      { sizes: x.sizes, dtype: 'int32' },
    ],
    saves: () => ({ outputs: [1] }),
    vjp(ctx) {
      const { sizes, dtype } = ctx.inputSpec(0)
      const { dy } = ctx
      const dim = normalizeDim(ctx.attrs, sizes.length)
      if (sizes.length === 0) return [dy]
      return [scatterAddAlongDim(filled(sizes, dtype, 0, dy.storage.device), dim, ctx.output(1), dy)]
    },
    to: {
      kind: 'compose',
      compose([input], dim) {
        const x = input as Tensor
        if (isSettled(x)) return [apply(cloneOp, [x], null), filled(x.sizes, 'int32', 0, x.storage.device)]
        const places = counted(x.sizes[dim], 'int32', x.device)
        const column = apply(reshapeOp, [places], [x.sizes[dim], ...x.sizes.slice(dim + 1).fill(1)])
        // The last of equal elements; after a NaN, that NaN for all that follow.
        const found = apply(isExtreme, [x, apply(most, [x], dim)], null)
        const at = apply(lastPlace, [apply(placeWhere, [found, column], null)], dim)
        return [gatherAlongDim(x, dim, at), at]
      },
    },
  }
}

function runningExtreme(fn: 'max' | 'min'): (x: Tensor, dim: number | GivenDim) => ValuesAndIndices {
  const op = extremeAlong(fn)
  const read = method(op.name, required('dim', int))
  return (x, ...args) => {
    const [dim] = read(x, args)
    const [values, indices] = applyAll(op, [x], isSettled(x) ? dim : normalizeDim(dim, x.dim()))
    return new ValuesAndIndices(op.name, values, indices)
  }
}

/**
 * The largest element so far along `dim`, and its index; the last one among equals. After a NaN everything is NaN.
 *
 * @example
 * const { values, indices } = cummax(tensor([1, 3, 2]), 0) // tensor([1., 3., 3.]), tensor([0, 1, 1])
 */
export const cummax = runningExtreme('max')
/** The smallest element so far along `dim`, and its index; the last one among equals. After a NaN everything is NaN. */
export const cummin = runningExtreme('min')

// ---- logarithms of sums ----

const lowest: Readonly<Record<string, number>> = { float32: -3.4028234663852886e38, float64: -Number.MAX_VALUE }
const logOfPositive = elementwise('where', (x, least) => s.select(s.gt(x, 0), s.log(s.select(s.gt(x, 0), x, 1)), least))
/** From both parts of a gradient, as logarithms of running sums. */
const fromLogs = elementwise('sub', (x, up, down) => s.sub(s.exp(s.add(up, x)), s.exp(s.add(down, x))))
const logcumsumexpOp: OpDef<number> = {
  name: 'logcumsumexp',
  infer: ([x]) => [{ sizes: x.sizes, dtype: x.dtype }],
  saves: () => ({ inputs: [0], outputs: [0] }),
  vjp(ctx) {
    const { dy, attrs: dim } = ctx
    const [x, y] = [ctx.input(0), ctx.output()]
    const parts = [dy, neg(dy)].map((part) => {
      const logs = sub(apply(logOfPositive, [part, operand(lowest[dy.dtype])], null), y)
      return apply(flipOp, [apply(logcumsumexpOp, [apply(flipOp, [logs], [dim])], dim)], [dim])
    })
    return [apply(fromLogs, [x, ...parts], null)]
  },
  to: {
    kind: 'compose',
    // Each pass adds to an element the sum of as many elements before it as it has itself.
    compose([input], dim) {
      let y = apply(cloneOp, [input as Tensor], null)
      const n = y.sizes[dim]
      for (let step = 1; step < n; step *= 2) {
        const sums = logaddexp(narrow(y, dim, step, n - step), narrow(y, dim, 0, n - step))
        y = cat([narrow(y, dim, 0, step), sums], dim)
      }
      return [y]
    },
  },
}
const logcumsumexpArguments = method('logcumsumexp', required('dim', int))
/**
 * The logarithms of running sums of exponentials along `dim`, without overflow. Floats only.
 *
 * @example
 * logcumsumexp(tensor([0, 0, 0]), 0) // tensor([0.0000, 0.6931, 1.0986])
 */
export function logcumsumexp(x: Tensor, ...args: [dim: number | GivenDim]): Tensor {
  const [dim] = logcumsumexpArguments(x, args)
  const d = normalizeDim(dim, x.dim())
  if (!isFloat(x.dtype)) throw notImplemented('logcumsumexp_out_cpu', x.dtype)
  return x.dim() === 0 ? apply(ofNothing, [x], null) : apply(logcumsumexpOp, [x], d)
}
const ofNothing: OpDef<null> = { ...cloneOp, name: 'logcumsumexp' }
