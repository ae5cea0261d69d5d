// Padding with a constant: new memory around a tensor; negative amounts crop it.
import type { Prims } from '../../backend/backend.ts'
import { type DType, isFloat } from '../../base/dtype.ts'
import { NotImplementedError, RuntimeError } from '../../base/errors.ts'
import { apply } from '../../tensor/apply.ts'
import type { OpDef } from '../../tensor/op.ts'
import { ints, method, nullable, number, optional, required, str } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { narrow } from './views.ts'

/** Elements to add before and after each dimension; a negative amount crops. */
type Padding = Prims['pad']
const padded: OpDef<Padding>['infer'] = ([x], { low, high }) => [
  { sizes: x.sizes.map((n, i) => low[i] + n + high[i]), dtype: x.dtype },
]

const kernels = new Map<string, Prims['pad']>()
const padKernel: OpDef<Prims['pad']> = {
  name: 'constantPadNd',
  infer: padded,
  to: {
    kind: 'kernel',
    prim: 'pad',
    lower: (attrs) => {
      const key = `${attrs.low}|${attrs.high}|${attrs.value}`
      let prims = kernels.get(key)
      if (prims === undefined) {
        prims = attrs
        kernels.set(key, prims)
      }
      return prims
    },
  },
}

const negated = (list: readonly number[]): number[] => list.map((n) => -n)
const positive = (list: readonly number[]): number[] => list.map((n) => Math.max(n, 0))

export const padOp: OpDef<Padding> = {
  name: 'constantPadNd',
  infer: padded,
  vjp: ({ dy, attrs }) => [apply(padOp, [dy], { low: negated(attrs.low), high: negated(attrs.high), value: 0 })],
  to: {
    kind: 'compose',
    compose: ([x], { low, high, value }) => {
      const cut = low.reduce((y, n, i) => cropped(y, i, n, high[i]), x as Tensor)
      return [apply(padKernel, [cut], { low: positive(low), high: positive(high), value })]
    },
  },
}

/** Cropped by the negative amounts. */
function cropped(x: Tensor, dim: number, low: number, high: number): Tensor {
  const front = low < 0 ? narrow(x, dim, -low, x.sizes[dim] + low) : x
  return high < 0 ? narrow(front, dim, 0, front.sizes[dim] + high) : front
}

const inDType = (value: number, dtype: DType): number =>
  isFloat(dtype) ? value : dtype === 'bool' ? Number(value !== 0) : dtype === 'uint8' ? value & 255 : Math.trunc(value)

export interface PadOptions {
  readonly mode?: string
  readonly value?: number | null
}
const padArguments = method(
  'pad',
  required('pad', ints),
  optional('mode', str, 'constant'),
  optional('value', nullable(number), null),
)
/**
 * Adds elements around a tensor: `[left, right]` for the last dimension, `[left, right, top, bottom]` for the last two,
 * and so on; negative amounts crop. The elements are `value` (0); 'constant' is the only mode.
 *
 * @example
 * pad(tensor([1, 2]), [1, 2]) // tensor([0., 1., 2., 0., 0.])
 */
export function pad(
  x: Tensor,
  ...args: [amounts: readonly number[], mode?: string | PadOptions, value?: number | null | PadOptions]
): Tensor {
  const [amounts, mode, fill] = padArguments(x, args)
  if (amounts.length % 2 !== 0) throw new RuntimeError('Padding length must be divisible by 2')
  if (amounts.length / 2 > x.dim()) throw new RuntimeError('Padding length too large')
  if (mode !== 'constant') {
    const known = mode === 'reflect' || mode === 'replicate' || mode === 'circular'
    throw new NotImplementedError(
      known ? `Padding mode ${mode} is not implemented` : `Unrecognised padding mode ${mode}`,
      "Use 'constant'.",
    )
  }
  const last = x.dim() - 1
  const at = (dim: number, side: 0 | 1): number => amounts[2 * (last - dim) + side] ?? 0
  const low = x.sizes.map((_, i) => at(i, 0))
  const high = x.sizes.map((_, i) => at(i, 1))
  if (amounts.some((n) => n > 0)) {
    for (let i = last; i > last - amounts.length / 2; i--) {
      if (x.sizes[i] + low[i] + high[i] > 0) continue
      throw new RuntimeError(
        `The input size ${x.sizes[i]}, plus negative padding ${low[i]} and ${high[i]} resulted in a negative output size, which is invalid. Check dimension ${i} of your input.`,
      )
    }
  }
  return apply(padOp, [x], { low, high, value: inDType(fill ?? 0, x.dtype) })
}
