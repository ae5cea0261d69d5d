// Kernels of compositions as words, by core's table: the number of elements before, along and after the axis, then the
// operands in row-major order.
import {
  type Composite,
  type CompositeKind,
  composites,
  type Extent,
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
 * The compositions that modules of WebAssembly have kernels for. They are few, because a page fetches all of a module before
 * it computes anything.
 */
export const fetched: readonly CompositeKind[] = [
  'softmax',
  'logSoftmax',
  'softmaxBackward',
  'logSoftmaxBackward',
  'crossEntropy',
  'crossEntropyBackward',
  'moments',
]
/** Those that only native's kernels for processors have: WebAssembly and CUDA compose them. Add a new one at the end. */
export const unfetched = [
  'sliceNorm',
  'sliceNormBackward',
  'batchNorm',
  'batchNormBackward',
  'maxPool',
  'maxPoolWinners',
  'maxPoolBackward',
  'avgPool',
  'avgPoolBackward',
  'convolutionByInput',
] as const satisfies readonly CompositeKind[]
/**
 * Those that C++ has kernels for, in the order of their numbers. tools/steps.mjs generates native/src/composites.h from
 * them.
 */
export const kernels: readonly CompositeKind[] = [...fetched, ...unfetched]
/** The attributes of a composition besides the axis: pairs, then single numbers. */
export function namesOf(kind: CompositeKind): readonly string[] {
  const { pairs = [], numbers = [] }: Composite = composites[kind]
  return [...pairs, ...numbers]
}
/** Their numbers. */
export const numbersOf = (kind: CompositeKind, attrs: object): readonly number[] =>
  namesOf(kind).flatMap((name) => (attrs as Readonly<Record<string, number | readonly number[]>>)[name])
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
  const numbers = numbersOf(kind, attrs)
  const extents = record.inputs.map(([, extent]) => extent)
  const inputs: readonly View[] = instr.inputs
  const outputs: readonly Output[] = instr.outputs
  const { sizes, dtype } = inputs[0]
  const { axis } = attrs
  const ones = inputs.map((x, i) => extents[i] === 'rowOrOne' && isOne(x))
  const views = inputs.map((x, i) => (ones[i] ? x : inOrder(w, x, tag)))
  const operands = inputs.length + outputs.length
  const start = begin(w, opcodes.composite, tag, 8 + numbers.length + (operandWords + 1) * operands, operands)
  put(w, [numberOf.get(kind) as number, rankOf(dtype)])
  put(w, [numelOf(sizes.slice(0, axis)), sizes[axis] ?? 1, numelOf(sizes.slice(axis + 1))])
  put(w, numbers)
  // A stride from row to row, the number of slices until the channels repeat, or that of channels.
  const more = (extent: Extent, isOne: boolean): readonly number[] =>
    extent === 'rowOrOne'
      ? [isOne ? 0 : 1]
      : extent === 'channel' || extent === 'weight'
        ? [sizes[axis - 1] ?? 1]
        : none
  views.forEach((x, i) => void view(w, x, more(extents[i], ones[i])))
  outputs.forEach((out, i) => void memory(w, hostOf(out), out.dtype, 0, more(record.outputs[i][1], false)))
  end(w, start)
}
