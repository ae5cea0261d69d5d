// Kernels of compositions as words, by core's table: the number of elements before, along and after the axis, then the
// operands in row-major order.
import {
  type CompositeKind,
  composites,
  contiguousStrides,
  hostOf,
  type Instr,
  isContiguous,
  numelOf,
  type Output,
  rankOf,
  type View,
} from '@flambeau/core/backend'
import { opcodes } from './codes.ts'
import { copy } from './encode-map.ts'
import { type Writer, begin, end, memory, none, operandWords, put, view } from './words.ts'

/**
 * The compositions that C++ has kernels for, in the order of their numbers. tools/steps.mjs generates
 * native/src/composites.h from them. Add a new one at the end.
 */
export const kernels: readonly CompositeKind[] = [
  'softmax',
  'logSoftmax',
  'softmaxBackward',
  'logSoftmaxBackward',
  'crossEntropy',
  'crossEntropyBackward',
  'moments',
]
export const fused: ReadonlySet<CompositeKind> = new Set(kernels)
const numberOf = new Map(kernels.map((kind, i) => [kind, i]))

/** The view, or a row-major copy of it. */
function inOrder(w: Writer, x: View, tag: number): View {
  if (isContiguous(x)) return x
  const { sizes, dtype } = x
  const made = { sizes, dtype, buffer: w.scratch(x) }
  const strides = contiguousStrides(sizes)
  copy(w, x, made, 0, strides, tag)
  return { ...made, strides, offset: 0 }
}

/** Whether all rows have the same element. */
const isOne = ({ strides, sizes }: View): boolean => strides.every((step, i) => step === 0 || sizes[i] === 1)

export function composite(w: Writer, instr: Instr<CompositeKind>, tag: number): void {
  const { kind, attrs } = instr
  const record = composites[kind]
  const extents = record.inputs.map(([, extent]) => extent)
  const inputs: readonly View[] = instr.inputs
  const outputs: readonly Output[] = instr.outputs
  const { sizes, dtype } = inputs[0]
  const { axis } = attrs
  const ones = inputs.map((x, i) => extents[i] === 'rowOrOne' && isOne(x))
  const views = inputs.map((x, i) => (ones[i] ? x : inOrder(w, x, tag)))
  const operands = inputs.length + outputs.length
  const start = begin(w, opcodes.composite, tag, 8 + record.numbers.length + (operandWords + 1) * operands, operands)
  put(w, [numberOf.get(kind) as number, rankOf(dtype)])
  put(w, [numelOf(sizes.slice(0, axis)), sizes[axis] ?? 1, numelOf(sizes.slice(axis + 1))])
  put(
    w,
    record.numbers.map((name) => attrs[name as keyof typeof attrs]),
  )
  views.forEach((x, i) => void view(w, x, extents[i] === 'rowOrOne' ? [ones[i] ? 0 : 1] : none))
  for (const out of outputs) memory(w, hostOf(out), out.dtype, 0, none)
  end(w, start)
}
