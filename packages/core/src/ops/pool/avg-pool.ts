// Mean pooling: a sum over the taps of windows, divided, in any number of dimensions. Its gradient spreads each element
// over its window. Where the backend has kernels for planes, those do both.
import type { Prims } from '../../backend/backend.ts'
import { type DType, isFloat } from '../../base/dtype.ts'
import { numelOf } from '../../base/shape.ts'
import { type Expr, s } from '../../expr/expr.ts'
import { apply, operand } from '../../tensor/apply.ts'
import type { Input, OpDef } from '../../tensor/op.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { elementwise, expandTo } from '../define/elementwise.ts'
import { inputExprs, withDType, withOperands } from '../define/kernels.ts'
import { reshapeOp } from '../define/views.ts'
import { reduction } from '../reduce/reduce.ts'
import { hasPlanes, planeOp } from './planes.ts'
import { counts, eachTap, isSmall, leading, taps, untaps, type Windows } from './taps.ts'

const shaped = (x: Tensor, sizes: readonly number[]): Tensor => apply(reshapeOp, [x], sizes)
/** The last `rank` dimensions. */
export const lastDims = (x: Tensor, rank: number): number[] =>
  Array.from({ length: rank }, (_, i) => x.dim() - rank + i)

interface Averaging {
  readonly windows: Windows
  /** Of the sum over each window: a number, or one for each place of the output. */
  readonly divisor: Input
}
/** The same where the backend has kernels, which count the elements of windows themselves. */
interface PlaneAveraging extends Windows {
  readonly divisor: number
  readonly around: number
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

/** The divisor of the sums over windows: one number, if the same elements count in all of them. */
function divisorOf(windows: Windows, includePad: boolean, device: string): Input {
  const { input, output, kernel, stride, low, places } = windows
  const around = includePad ? low : low.map(() => 0)
  const complete =
    places === undefined &&
    input.every((n, i) => low[i] <= around[i] && (output[i] - 1) * stride[i] - low[i] + kernel[i] <= n + around[i])
  return complete ? operand(numelOf(kernel)) : counts(windows, around, device)
}

/** `includePad`: elements around the input count. `divisor`: divides all sums; 0 for the numbers of elements. */
export type AvgPool = (x: Tensor, windows: Windows, includePad: boolean, divisor: number) => Tensor
/**
 * Sums over windows, divided; its gradient spreads each element over its window, and is the gradient of that. `name` is
 * that of the node.
 */
export function avgPool(name: string): AvgPool {
  const backward = `${name}Backward`
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
    name: backward,
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
  const planePool: OpDef<PlaneAveraging> = planeOp(name, 'avgPool', 'output', {
    vjp: ({ dy, attrs }) => [apply(planeSpread, [dy], attrs)],
  })
  const planeSpread: OpDef<PlaneAveraging> = planeOp(backward, 'avgPoolBackward', 'input', {
    vjp: ({ dy, attrs }) => [apply(planePool, [dy], attrs)],
  })
  return (x, windows, includePad, divisor) =>
    hasPlanes(x, windows, 'avgPool') && divisor === (divisor | 0)
      ? apply(planePool, [x], { ...windows, divisor, around: Number(includePad) })
      : apply(pool, [x], {
          windows,
          divisor: divisor === 0 ? divisorOf(windows, includePad, x.device) : operand(divisor),
        })
}
