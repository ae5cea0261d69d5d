// Padding: new memory around a tensor, with a constant or with elements of the tensor; negative amounts crop it.
import type { Prims } from '../../backend/backend.ts'
import { type DType, dtypeName, isFloat } from '../../base/dtype.ts'
import { NotImplementedError, RuntimeError } from '../../base/errors.ts'
import { type Shape, shapeString } from '../../base/shape.ts'
import { apply } from '../../tensor/apply.ts'
import type { OpDef } from '../../tensor/op.ts'
import {
  type Arguments,
  type Takes,
  ints,
  method,
  nullable,
  number,
  optional,
  required,
  str,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { notImplemented, numberFor } from '../define/arguments.ts'
import { expandOp } from '../define/elementwise.ts'
import { flipOp } from '../define/views.ts'
import { catOp } from './join.ts'
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

const inDType = (value: number, dtype: DType): number => {
  const element = Number(numberFor(value, dtype))
  return dtype === 'uint8' ? element & 255 : element
}

function constant(x: Tensor, low: Shape, high: Shape, dims: readonly number[], fill: number): Tensor {
  const grows = dims.some((i) => low[i] > 0 || high[i] > 0)
  for (const i of grows ? dims : []) {
    if (x.sizes[i] + low[i] + high[i] > 0) continue
    throw new RuntimeError(
      `The input size ${x.sizes[i]}, plus negative padding ${low[i]} and ${high[i]} resulted in a negative output size, which is invalid. Check dimension ${i} of your input.`,
    )
  }
  return apply(padOp, [x], { low, high, value: inDType(fill, x.dtype) })
}

// ---- padding with elements of the tensor ----

/** What a mode puts around a tensor: `n` elements of a dimension, before or `after` it, as a view. */
type Border = (x: Tensor, dim: number, n: number, after: boolean) => Tensor

interface Mode {
  readonly name: string
  /** Throws PyTorch's errors. `dims` are the padded dimensions, the last one first. */
  check(x: Tensor, low: Shape, high: Shape, dims: readonly number[]): void
  readonly border: Border
  /** The borders are taken from what is left of the tensor where it is also cropped. */
  readonly cropped: boolean
}

/** PyTorch's check of a kernel's input: sizes from dimension `first` on are not 0. */
function checkWhole(x: Tensor, first: number, sentence: string): void {
  if (x.sizes.includes(0, first)) throw new RuntimeError(sentence)
}
const either = (rank: number): string => `${rank + 1}D or ${rank + 2}D (batch mode) tensor`
const notWhole = (x: Tensor, rank: number): string =>
  `Expected ${either(rank)} with possibly 0 batch size and other non-zero dimensions for input, but got: ${shapeString(x.sizes)}`
const letters = ['W', 'H', 'D']

/** Throws if the result has no elements left. */
function checkResult(
  x: Tensor,
  low: Shape,
  high: Shape,
  dims: readonly number[],
  sentence: (input: string, output: string) => string,
): void {
  const made = dims.map((dim) => x.sizes[dim] + low[dim] + high[dim])
  if (made.some((n) => n >= 1) && made.every((n) => n >= 0)) return
  const sizes = (list: readonly number[]): string[] => list.map((n, i) => `${letters[i]}: ${n}`).reverse()
  const [width, ...others] = sizes(dims.map((dim) => x.sizes[dim])).reverse()
  const input = others.length === 0 ? width : `${others.reverse().join(' ')}, ${width}`
  throw new RuntimeError(sentence(input, sizes(made).join(' ')), 'It crops more than there is.')
}

const modes: Readonly<Record<string, Mode>> = {
  reflect: {
    name: 'reflectionPad',
    check(x, low, high, dims) {
      const rank = dims.length
      checkWhole(
        x,
        rank === 3 ? x.dim() - 4 : 1,
        rank === 3
          ? notWhole(x, rank)
          : `${either(rank)} expected for input, but got: [ torch.${dtypeName[x.dtype]}Tensor{${x.sizes}} ]`,
      )
      dims.forEach((dim, i) => {
        if (low[dim] < x.sizes[dim] && high[dim] < x.sizes[dim]) return
        throw new RuntimeError(
          `Argument #${4 + 2 * i}: Padding size should be less than the corresponding input dimension, but got: padding (${low[dim]}, ${high[dim]}) at dimension ${dim} of input ${rank === 2 ? x.dim() : shapeString(x.sizes)}`,
        )
      })
      checkResult(x, low, high, dims, (input, output) =>
        rank === 3
          ? `input (${input}) is too small. Calculated output ${output}`
          : `${rank === 1 ? 2 : ''}input (${input})is too small. Calculated output ${output}`,
      )
      if (!isFloat(x.dtype)) throw notImplemented(`reflection_pad${rank}d${rank === 3 ? '_cpu' : ''}`, x.dtype)
    },
    border(x, dim, n, after) {
      return apply(flipOp, [narrow(x, dim, after ? x.sizes[dim] - 1 - n : 1, n)], [dim])
    },
    cropped: false,
  },
  replicate: {
    name: 'replicationPad',
    check(x, low, high, dims) {
      const rank = dims.length
      checkWhole(x, x.dim() - rank - 1, notWhole(x, rank))
      checkResult(
        x,
        low,
        high,
        dims,
        (input, output) => `input (${input}${rank === 2 ? ' ' : ''}) is too small. Calculated output ${output}`,
      )
      if (!isFloat(x.dtype)) throw notImplemented(`replication_pad${rank}d_cpu`, x.dtype)
    },
    border(x, dim, n, after) {
      const one = narrow(x, dim, after ? x.sizes[dim] - 1 : 0, 1)
      return apply(
        expandOp,
        [one],
        one.sizes.map((size, i) => (i === dim ? n : size)),
      )
    },
    cropped: false,
  },
  circular: {
    name: 'circularPad',
    check(x, low, high, dims) {
      const wanted = 2 * (x.dim() - 2)
      if (2 * dims.length !== wanted) {
        throw new RuntimeError(
          `Invalid padding size, expected ${wanted} but got ${2 * dims.length}`,
          'It pads all dimensions but the first two, [N, C, ...].',
        )
      }
      for (const dim of [...dims].reverse()) {
        const size = x.sizes[dim]
        const left = size + Math.min(low[dim], 0) + Math.min(high[dim], 0)
        if (low[dim] > size || high[dim] > size || (left >= 0 && (low[dim] > left || high[dim] > left)))
          throw new RuntimeError('Padding value causes wrapping around more than once.')
        if (size + low[dim] + high[dim] < 0)
          throw new RuntimeError('Negative padding value is resulting in an empty dimension')
      }
    },
    border: (x, dim, n, after) => narrow(x, dim, after ? 0 : x.sizes[dim] - n, n),
    cropped: true,
  },
}

/** By the number of padded dimensions; the gradient of a join is one of views. */
const joins = new Map<string, typeof catOp>()
function joinOf(name: string): typeof catOp {
  let op = joins.get(name)
  if (op === undefined) {
    op = { ...catOp, name }
    joins.set(name, op)
  }
  return op
}

/** One dimension after the other: the borders of a mode and what is between them, joined. */
function bordered(x: Tensor, mode: Mode, low: Shape, high: Shape, dims: readonly number[]): Tensor {
  mode.check(x, low, high, dims)
  const join = joinOf(`${mode.name}${dims.length}D`)
  const grows = (dim: number): boolean => low[dim] > 0 || high[dim] > 0
  const padded = dims.reduce((y, dim) => {
    const middle = cropped(y, dim, low[dim], high[dim])
    if (!grows(dim)) return middle
    const from = mode.cropped ? middle : y
    const parts = [
      ...(low[dim] > 0 ? [mode.border(from, dim, low[dim], false)] : []),
      middle,
      ...(high[dim] > 0 ? [mode.border(from, dim, high[dim], true)] : []),
    ]
    return apply(join, parts, { dim, sizes: parts.map((part) => part.sizes[dim]) })
  }, x)
  // Never the input itself, nor a view of it.
  return dims.some(grows) ? padded : apply(join, [padded], { dim: 0, sizes: [padded.sizes[0]] })
}

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
 * and so on; negative amounts crop. The elements are `value` (0), or for the other modes those of the tensor:
 * `'reflect'` mirrors it at its first and last element, `'replicate'` repeats these, `'circular'` goes on at the other
 * end. These modes pad the last one to three dimensions of [N, C, ...] or [C, ...].
 *
 * @example
 * pad(tensor([1, 2]), [1, 2]) // tensor([0., 1., 2., 0., 0.])
 * pad(tensor([[1, 2, 3]]), [2, 1], 'reflect') // tensor([[3., 2., 1., 2., 3., 2.]])
 */
export function pad(
  x: Tensor,
  ...args: Takes<[pad: readonly number[]], 'pad', Arguments<[mode: string, value: number | null], PadOptions>>
): Tensor {
  const [amounts, mode, fill] = padArguments(x, args)
  const known = mode !== 'constant' && Object.hasOwn(modes, mode) ? modes[mode] : null
  if (mode !== 'constant' && known === null) {
    throw new NotImplementedError(
      `Unrecognised padding mode ${mode}`,
      "Use 'constant', 'reflect', 'replicate' or 'circular'.",
    )
  }
  if (amounts.length % 2 !== 0) throw new RuntimeError('Padding length must be divisible by 2')
  const rank = amounts.length / 2
  if (rank > x.dim()) throw new RuntimeError('Padding length too large')
  const last = x.dim() - 1
  const at = (dim: number, side: 0 | 1): number => amounts[2 * (last - dim) + side] ?? 0
  const low = x.sizes.map((_, i) => at(i, 0))
  const high = x.sizes.map((_, i) => at(i, 1))
  const dims = Array.from({ length: rank }, (_, i) => last - i)
  if (known === null) return constant(x, low, high, dims, fill ?? 0)
  if (fill !== null) throw new RuntimeError(`Padding mode "${mode}" doesn't take in value argument`)
  if (rank < 1 || rank > 3 || (x.dim() !== rank + 1 && x.dim() !== rank + 2)) {
    throw new NotImplementedError(
      'Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now',
      'Pad all dimensions of [N, C, ...] or [C, ...] but N and C: two amounts for each.',
    )
  }
  return bordered(x, known, low, high, dims)
}
