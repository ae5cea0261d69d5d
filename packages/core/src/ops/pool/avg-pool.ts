// Mean pooling: a sum over the taps of windows, divided, in any number of dimensions. Its gradient spreads each element
// over its window.
import { s } from '../../expr/expr.ts'
import { apply } from '../../tensor/apply.ts'
import type { Input, OpDef } from '../../tensor/op.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { elementwise, expandTo } from '../define/elementwise.ts'
import { permuteOp, reshapeOp } from '../define/views.ts'
import { reduction } from '../reduce/reduce.ts'
import { leading, taps, untaps, type Windows } from './taps.ts'

const shaped = (x: Tensor, sizes: readonly number[]): Tensor => apply(reshapeOp, [x], sizes)
/** The last `rank` dimensions. */
export const lastDims = (x: Tensor, rank: number): number[] => Array.from({ length: rank }, (_, i) => x.dim() - rank + i)

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
        const rank = windows.kernel.length
        const last = lastDims(of, rank)
        if ((globalThis as any).process.env.AV) { const o2 = apply(permuteOp, [of], [...of.sizes.map((_, i) => i).slice(0, of.dim() - 2 * rank), ...last, ...last.map((d) => d - rank)])
        const dims = last.map((d) => d - rank)
        return [apply(quotient, [apply(total, [o2], { dims, keepdim: false, dtype: of.dtype }), divisor], null)] }
        const dims = last
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
