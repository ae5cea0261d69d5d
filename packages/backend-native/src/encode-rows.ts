// What is computed along an axis at once, as words: row-major operands, and how many elements lie before, along and after
// the axis.
import {
  contiguousStrides,
  type Fused,
  type FusedKind,
  type Instr,
  isContiguous,
  hostOf,
  numelOf,
  rankOf,
  type View,
} from '@flambeau/core/backend'
import { opcodes } from './addon.ts'
import { copy } from './encode-map.ts'
import { type Writer, begin, end, memory, none, operandWords, put, view } from './words.ts'

/** The numbers of functions: `RowFn` in native/src/kernels.h. */
export const rowFunctions: Readonly<Record<FusedKind, number>> = {
  softmax: 0,
  logSoftmax: 1,
  softmaxBackward: 2,
  logSoftmaxBackward: 3,
  crossEntropy: 4,
  crossEntropyBackward: 5,
  moments: 6,
}
export const fused: ReadonlySet<FusedKind> = new Set(Object.keys(rowFunctions) as FusedKind[])

/** The function of a kind, from 0; undefined for one of the kinds that every backend has. */
export const rowFunction = (kind: string): number | undefined => rowFunctions[kind as FusedKind]

/** The view, or a copy of it in order. */
function inOrder(w: Writer, x: View, tag: number): View {
  if (isContiguous(x)) return x
  const { sizes, dtype } = x
  const made = { sizes, dtype, buffer: w.scratch(x) }
  const strides = contiguousStrides(sizes)
  copy(w, x, made, 0, strides, tag)
  return { ...made, strides, offset: 0 }
}

/** The last input of crossEntropyBackward may be one element for all rows. */
const isRepeated = ({ strides, sizes }: View): boolean => strides.every((step, i) => step === 0 || sizes[i] === 1)

export function rows(w: Writer, { attrs, inputs, outputs }: Instr, fn: number, tag: number): void {
  const { axis, ignore = 0 } = attrs as Fused['softmax'] & Partial<Fused['crossEntropy']>
  const { sizes, dtype } = inputs[0] as View
  const last = inputs[inputs.length - 1] as View
  const repeated = fn === rowFunctions.crossEntropyBackward && isRepeated(last)
  const views = (inputs as readonly View[]).map((x) => (repeated && x === last ? x : inOrder(w, x, tag)))
  const start = begin(w, opcodes.rows, tag, 10 + 6 * operandWords, 6)
  put(w, [fn, rankOf(dtype), numelOf(sizes.slice(0, axis)), sizes[axis] ?? 1, numelOf(sizes.slice(axis + 1))])
  put(w, [ignore, repeated ? 0 : 1])
  for (const x of views) view(w, x, none)
  for (const out of outputs) memory(w, hostOf(out), out.dtype, 0, none)
  end(w, start)
}
