// The ops of pooling: reductions over the taps of windows, in any number of dimensions. The gradient of a maximum goes
// to the first of the largest elements, by its place; that of a mean is spread over its window.
import type { Prims } from '../../backend/backend.ts'
import { numelOf } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import { apply, applyAll, operand } from '../../tensor/apply.ts'
import { wantsGrad } from '../../tensor/graph.ts'
import { mode } from '../../tensor/mode.ts'
import type { Input, OpDef } from '../../tensor/op.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { elementwise, expandTo } from '../define/elementwise.ts'
import { filled } from '../define/fill.ts'
import { byCase, reduced } from '../define/kernels.ts'
import { reshapeOp } from '../define/views.ts'
import { scatterAddAlongDim } from '../indexing/gather.ts'
import { reduction } from '../reduce/reduce.ts'
import { evenPlaces, leading, taps, untaps, type Windows } from './taps.ts'

const shaped = (x: Tensor, sizes: readonly number[]): Tensor => apply(reshapeOp, [x], sizes)
/** The last `rank` dimensions. */
const lastDims = (x: Tensor, rank: number): number[] => Array.from({ length: rank }, (_, i) => x.dim() - rank + i)

// ---- maximum ----

const most = reduction('maxPool', 'max', (x) => x, {})
const largest = (of: Tensor, { kernel }: Windows): Tensor =>
  apply(most, [of], { dims: lastDims(of, kernel.length), keepdim: false, dtype: of.dtype })

/**
 * The smallest place among the taps that equal the maximum; if it is NaN, minus the largest place of a NaN, because
 * PyTorch takes the last of several.
 */
const firstKernel = byCase((axes, dtype): Prims['map'] => {
  const [x, y, place, none] = [s.input(0, dtype), s.input(1, dtype), s.input(2, 'int32'), s.input(3, 'int32')]
  const sought = s.select(s.isnan(x), s.neg(place), s.select(s.eq(x, y), place, none))
  return { outs: [reduced('min', sought, axes)] }
})
const firstOp: OpDef<readonly number[]> = {
  name: 'maxPool',
  infer: ([x], dims) => [{ sizes: x.sizes.slice(0, dims[0]), dtype: 'int32' }],
  to: { kind: 'kernel', prim: 'map', lower: (dims, [x]) => firstKernel(dims, x.dtype) },
}
const unsigned = elementwise('maxPool', (place) => s.abs(place))

/** The places of the maxima `y` of the taps. */
function placesOf(of: Tensor, y: Tensor, windows: Windows, places: Tensor): Tensor {
  const dims = lastDims(of, windows.kernel.length)
  const each = shaped(y, [...y.sizes, ...dims.map(() => 1)])
  // More than any place, also of a tap that is outside in all dimensions.
  const none = operand((dims.length + 1) * numelOf(windows.input))
  return apply(unsigned, [apply(firstOp, [of, each, places, none], dims)], null)
}

/** [..., ...output] with one dimension for those of windows. */
const flatly = (x: Tensor, lead: readonly number[]): Tensor => shaped(x, [...lead, numelOf(x.sizes.slice(lead.length))])

/** Writes elements [..., ...output] to their places in zeros [..., ...input]. */
function putBack(dy: Tensor, places: Tensor, { input }: Windows): Tensor {
  const lead = dy.sizes.slice(0, dy.dim() - input.length)
  const zeros = filled([...lead, numelOf(input)], dy.dtype, 0, dy.storage.device)
  const sum = scatterAddAlongDim(zeros, lead.length, flatly(places, lead), flatly(dy, lead))
  return shaped(sum, [...lead, ...input])
}

/** Outputs: the maxima, and their places. */
const maxPoolOp = (name: string): OpDef<Windows> => ({
  name,
  infer: ([x], windows) => {
    const sizes = [...leading(x, windows), ...windows.output]
    return [
      { sizes, dtype: x.dtype },
      { sizes, dtype: 'int32' },
    ]
  },
  saves: () => ({ outputs: [1] }),
  vjp: (ctx) => [putBack(ctx.dy, ctx.output(1), ctx.attrs)],
  to: {
    kind: 'compose',
    compose: ([input], windows) => {
      const x = input as Tensor
      const of = taps(x, windows, Number.NEGATIVE_INFINITY)
      const y = largest(of, windows)
      return [y, placesOf(of, y, windows, windows.places ?? evenPlaces(windows, x.device))]
    },
  },
})

export type MaxPool = (x: Tensor, windows: Windows, indices: boolean) => readonly [values: Tensor, indices?: Tensor]
/** A maximum over windows, and the places of the maxima if they are wanted. `name` is that of the node. */
export function maxPool(name: string): MaxPool {
  const op = maxPoolOp(name)
  return (x, windows, indices) => {
    if (indices || (mode.grad && wantsGrad([x]))) {
      const [y, places] = applyAll(op, [x], windows)
      return [y, places]
    }
    return [largest(taps(x, windows, Number.NEGATIVE_INFINITY), windows)]
  }
}

// ---- mean ----

interface Averaging {
  readonly windows: Windows
  /** Of the sum over each window: a number, or one for each place of the output. */
  readonly divisor: Input
}

const total = reduction('avgPool', 'sum', (x) => x, {})
/** Of integers it is truncated. */
const quotient = elementwise('avgPool', (sum, n) => s.div(sum, n))

/** Sums over windows, divided; its gradient spreads each element over its window, and is the gradient of that. */
export function avgPoolOp(name: string): OpDef<Averaging> {
  const pool: OpDef<Averaging> = {
    name,
    infer: ([x], { windows }) => [{ sizes: [...leading(x, windows), ...windows.output], dtype: x.dtype }],
    vjp: ({ dy, attrs }) => [apply(spread, [dy], attrs)],
    to: {
      kind: 'compose',
      compose: ([x], { windows, divisor }) => {
        const of = taps(x as Tensor, windows, 0)
        const dims = lastDims(of, windows.kernel.length)
        return [apply(quotient, [apply(total, [of], { dims, keepdim: false, dtype: of.dtype }), divisor], null)]
      },
    },
  }
  const spread: OpDef<Averaging> = {
    name: `${name}Backward`,
    infer: ([dy], { windows }) => [{ sizes: [...leading(dy, windows), ...windows.input], dtype: dy.dtype }],
    vjp: ({ dy, attrs }) => [apply(pool, [dy], attrs)],
    to: {
      kind: 'compose',
      compose: ([dy], { windows, divisor }) => {
        const each = apply(quotient, [dy, divisor], null)
        const taken = shaped(each, [...each.sizes, ...windows.kernel.map(() => 1)])
        return [untaps(expandTo(taken, [...each.sizes, ...windows.kernel]), windows)]
      },
    },
  }
  return pool
}
