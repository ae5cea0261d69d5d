// Mean pooling: a sum over the taps of windows, divided, in any number of dimensions. Its gradient spreads each element
// over its window.
import type { Prims } from '../../backend/backend.ts'
import { type DType, isFloat } from '../../base/dtype.ts'
import { type Expr, s } from '../../expr/expr.ts'
import { apply } from '../../tensor/apply.ts'
import type { Input, OpDef } from '../../tensor/op.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { elementwise, expandTo } from '../define/elementwise.ts'
import { inputExprs, withDType, withOperands } from '../define/kernels.ts'
import { reshapeOp } from '../define/views.ts'
import { reduction } from '../reduce/reduce.ts'
import { eachTap, isSmall, leading, taps, untaps, type Windows } from './taps.ts'

const shaped = (x: Tensor, sizes: readonly number[]): Tensor => apply(reshapeOp, [x], sizes)
/** The last `rank` dimensions. */
export const lastDims = (x: Tensor, rank: number): number[] =>
  Array.from({ length: rank }, (_, i) => x.dim() - rank + i)

interface Averaging {
  readonly windows: Windows
  /** Of the sum over each window: a number, or one for each place of the output. */
  readonly divisor: Input
}

const total = reduction('avgPool', 'sum', (x) => x, {})
/** Of integers it is truncated. */
const quotient = elementwise('avgPool', (sum, n) => s.div(sum, n))

/** The dtype in which few elements are added: sums are rounded once where there are doubles. */
function wideOf({ dtype, storage }: Tensor): DType {
  const { dtypes, ownDtypes = dtypes } = storage.device.backend.caps
  return ownDtypes.has('float64') ? 'float64' : dtype
}
const means = new Map<number, Prims['map']>()
/** The sum of all inputs but the last, divided by that one. */
const meanOp: OpDef<DType> = {
  name: 'avgPool',
  infer: ([{ sizes, dtype }]) => [{ sizes, dtype }],
  to: {
    kind: 'kernel',
    prim: 'map',
    lower: (wide, inputs) => {
      const { dtype } = inputs[0]
      const key = withOperands(withDType(inputs.length, wide), [inputs[0], inputs[inputs.length - 1]])
      let prims = means.get(key)
      if (prims === undefined) {
        prims = { outs: [{ expr: meanOf(inputExprs(inputs, dtype), dtype, wide) }] }
        means.set(key, prims)
      }
      return prims
    },
  },
}
function meanOf(x: readonly Expr[], dtype: DType, wide: DType): Expr {
  // From 0 on, as in all sums: those of -0 are 0.
  const sum = x.slice(0, -1).reduce((sum, tap) => s.add(sum, s.cast(tap, wide)), s.constant(0, wide))
  return s.div(s.cast(sum, dtype), x[x.length - 1])
}

/** Sums over windows, divided; its gradient spreads each element over its window, and is the gradient of that. */
export function avgPoolOp(name: string): OpDef<Averaging> {
  const pool: OpDef<Averaging> = {
    name,
    infer: ([x], { windows }) => [{ sizes: [...leading(x, windows), ...windows.output], dtype: x.dtype }],
    vjp: ({ dy, attrs }) => [apply(spread, [dy], attrs)],
    to: {
      kind: 'compose',
      compose: ([x], { windows, divisor }) => {
        if (isSmall(windows) && isFloat(x.dtype)) {
          const from = eachTap(x as Tensor, windows, 0)
          return [apply(meanOp, [...from, divisor], wideOf(x as Tensor))]
        }
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
