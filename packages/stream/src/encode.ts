// Instructions as words (native/src/STREAM.md). concat and assign need no kernels of their own, because they are maps;
// maps and products have files of their own.
import {
  contiguousStrides,
  flagOf,
  hostOf,
  type Instr,
  isComposite,
  iterated,
  type PrimKind,
  secondOf,
  type Loops,
  loopsOver,
  numelOf,
  type Prims,
  type Shape,
  type View,
} from '@flambeau/core/backend'
import { opcodes, reductions } from './codes.ts'
import { copy, fill, map, wordsOf } from './encode-map.ts'
import { contract } from './encode-contract.ts'
import { composite } from './encode-composite.ts'
import { type Writer, begin, end, memory, none, one, operandWords, put, view } from './words.ts'

const drop = (list: readonly number[], axes: readonly number[]): number[] => list.filter((_, i) => !axes.includes(i))
const pick = (list: readonly number[], axes: readonly number[]): number[] => axes.map((axis) => list[axis])
/** The strides with 0 along an axis. */
const without = (strides: readonly number[], axis: number): number[] => strides.map((x, i) => (i === axis ? 0 : x))

/** Enough words for the head and some operands in so many loops. */
export const room = (depth: number, operands: number): number => 12 + depth + operands * (operandWords + 1 + depth)

function argReduce(w: Writer, { attrs, inputs, outputs }: Instr<'argReduce'>, tag: number): void {
  const [x] = inputs
  const { axes, fn } = attrs
  const kept = loopsOver(drop(x.sizes, axes), [drop(x.strides, axes)])
  const reduced = loopsOver(pick(x.sizes, axes), [pick(x.strides, axes)])
  const sizes = [...kept.sizes, ...reduced.sizes]
  const start = begin(w, opcodes.argReduce, tag, room(sizes.length, 2), 2)
  put(w, [fn === 'max' ? 1 : 0, kept.sizes.length, reduced.sizes.length])
  put(w, sizes)
  view(w, x, [...kept.steps[0], ...reduced.steps[0]])
  memory(w, hostOf(outputs[0]), 'int32', 0, none)
  end(w, start)
}

/** The loops besides an axis, and their steps, followed by the step along the axis. */
function along(shape: Shape, axis: number, strides: readonly (readonly number[])[]): Loops {
  const axes = [axis]
  const { sizes, steps } = loopsOver(
    drop(shape, axes),
    strides.map((row) => drop(row, axes)),
  )
  return { sizes, steps: steps.map((row, k) => [...row, strides[k][axis] ?? 0]) }
}

function scan(w: Writer, { attrs, inputs, outputs }: Instr<'scan'>, tag: number): void {
  const [x] = inputs
  const { axis, fn } = attrs
  const { sizes, steps } = along(x.sizes, axis, [x.strides, contiguousStrides(x.sizes)])
  const start = begin(w, opcodes.scan, tag, room(sizes.length + 1, 2), 2)
  put(w, [reductions[fn], sizes.length, x.sizes[axis] ?? 1])
  put(w, sizes)
  view(w, x, steps[0])
  memory(w, hostOf(outputs[0]), outputs[0].dtype, 0, steps[1])
  end(w, start)
}

function sort(w: Writer, { attrs, inputs, outputs }: Instr<'sort'>, tag: number): void {
  const [x] = inputs
  const { axis, descending } = attrs
  const n = x.sizes[axis] ?? 1
  const places = (attrs.places ?? [[0, n]]).filter(([from, to]) => from < to)
  const strides = contiguousStrides(x.sizes)
  const { sizes, steps } = along(x.sizes, axis, [x.strides, strides, strides])
  const start = begin(w, opcodes.sort, tag, room(sizes.length + 1 + 2 * places.length, 3), 3)
  put(w, [descending ? 1 : 0, sizes.length, n, places.length])
  put(w, sizes)
  for (const run of places) put(w, run)
  view(w, x, steps[0])
  memory(w, hostOf(outputs[0]), x.dtype, 0, steps[1])
  memory(w, hostOf(outputs[1]), 'int32', 0, steps[2])
  end(w, start)
}

function fold(w: Writer, { attrs, inputs, outputs }: Instr<'fold'>, tag: number): void {
  const [x] = inputs
  const [out] = outputs
  const outStrides = contiguousStrides(attrs.out)
  const strides = new Array<number>(x.sizes.length).fill(0)
  attrs.axes.forEach((terms, axis) => {
    for (const { in: from, step } of terms) strides[from] += step * outStrides[axis]
  })
  const first = attrs.offset.reduce((at, offset, axis) => at + offset * outStrides[axis], 0)
  const { sizes, steps } = loopsOver(x.sizes, [x.strides, strides])
  const start = begin(w, opcodes.fold, tag, room(sizes.length, 2), 2)
  put(w, [sizes.length, numelOf(out.sizes), first])
  put(w, sizes)
  view(w, x, steps[0])
  memory(w, hostOf(out), x.dtype, 0, steps[1])
  end(w, start)
}

function gather(w: Writer, { attrs, inputs, outputs }: Instr<'gather'>, tag: number): void {
  const [source, index] = inputs
  const [out] = outputs
  const { axis } = attrs
  const rows = [without(source.strides, axis), index.strides, contiguousStrides(out.sizes)]
  const { sizes, steps } = loopsOver(out.sizes, rows)
  const start = begin(w, opcodes.gather, tag, room(sizes.length, 3), 3)
  put(w, [sizes.length, source.sizes[axis], source.strides[axis]])
  put(w, sizes)
  view(w, source, steps[0])
  view(w, index, steps[1])
  memory(w, hostOf(out), out.dtype, 0, steps[2])
  end(w, start)
}

/** How scatter combines with present elements, as reductions; -1 replaces them. */
export const writes: Readonly<Record<Prims['scatter']['fn'], number>> = {
  set: -1,
  add: reductions.sum,
  prod: reductions.prod,
  max: reductions.max,
  min: reductions.min,
}

function scatter(w: Writer, { attrs, inputs, outputs }: Instr<'scatter'>, tag: number): void {
  const [base, index, source] = inputs
  const [out] = outputs
  const { axis, fn } = attrs
  const strides = contiguousStrides(base.sizes)
  if (base.buffer !== out.buffer) {
    checkIndices(w, index, base.sizes[axis], tag)
    copy(w, base, out, 0, strides, tag)
  }
  const { sizes, steps } = loopsOver(index.sizes, [index.strides, source.strides, without(strides, axis)])
  const start = begin(w, opcodes.scatter, tag, room(sizes.length, 3), 3)
  put(w, [writes[fn], sizes.length])
  put(w, [base.sizes[axis], strides[axis]])
  put(w, sizes)
  view(w, index, steps[0])
  view(w, source, steps[1])
  memory(w, hostOf(out), out.dtype, 0, steps[2])
  end(w, start)
}

/** Checks the indices first, because one instruction that becomes several must not begin if it can still fail. */
function checkIndices(w: Writer, index: View, axisSize: number, tag: number): void {
  const { sizes, steps } = loopsOver(index.sizes, [index.strides])
  const start = begin(w, opcodes.indices, tag, room(sizes.length, 1), 1)
  put(w, [sizes.length, axisSize])
  put(w, sizes)
  view(w, index, steps[0])
  end(w, start)
}

function assign(w: Writer, { attrs, inputs, outputs }: Instr<'assign'>, tag: number): void {
  const [base, source] = inputs
  const [out] = outputs
  if (base.buffer !== out.buffer) copy(w, base, out, 0, contiguousStrides(base.sizes), tag)
  copy(w, source, out, attrs.region.offset, attrs.region.strides, tag)
}

function concat(w: Writer, { attrs, inputs, outputs }: Instr<'concat'>, tag: number): void {
  const strides = contiguousStrides(outputs[0].sizes)
  let at = 0
  for (const x of inputs) {
    copy(w, x, outputs[0], at, strides, tag)
    at += x.sizes[attrs.axis] * strides[attrs.axis]
  }
}

function pad(w: Writer, { attrs, inputs, outputs }: Instr<'pad'>, tag: number): void {
  const [x] = inputs
  const [out] = outputs
  const strides = contiguousStrides(out.sizes)
  if (numelOf(x.sizes) === 0) return fill(w, out, attrs.value, tag)
  const first = attrs.low.reduce((at, low, i) => at + low * strides[i], 0)
  const loops = loopsOver(x.sizes, [x.strides, strides])
  // The last loop of the output is contiguous, perhaps of one element.
  const last = loops.steps[1][loops.sizes.length - 1] === 1 ? none : one
  const sizes = [...loops.sizes, ...last]
  const start = begin(w, opcodes.pad, tag, room(sizes.length, 2), 2)
  put(w, [sizes.length, numelOf(out.sizes), first])
  put(w, wordsOf(attrs.value, out.dtype))
  put(w, sizes)
  view(w, x, [...loops.steps[0], ...last])
  memory(w, hostOf(out), out.dtype, 0, [...loops.steps[1], ...last])
  end(w, start)
}

function iota(w: Writer, { attrs, outputs }: Instr<'iota'>, tag: number): void {
  const [out] = outputs
  const { axis } = attrs
  const { sizes } = out
  const start = begin(w, opcodes.iota, tag, 16, 1)
  put(w, [numelOf(sizes.slice(0, axis)), sizes[axis] ?? 1, numelOf(sizes.slice(axis + 1))])
  memory(w, hostOf(out), out.dtype, 0, none)
  end(w, start)
}

export const kinds: { readonly [K in PrimKind]: (w: Writer, instr: Instr<K>, tag: number) => void } = {
  map,
  argReduce,
  scan,
  contract,
  concat,
  pad,
  fold,
  gather,
  scatter,
  assign,
  sort,
  iota,
}

/** Writes an instruction; `tag` identifies it in errors. A check comes before the instruction it guards. */
export function encode(w: Writer, instr: Instr, tag: number): void {
  const { check, inputs } = instr
  if (check !== undefined) {
    const rank = iterated({ inputs, outputs: [] }).length
    map(w, { attrs: flagOf(check.expr, rank), inputs, outputs: [] }, tag, opcodes.check)
  }
  if (instr.kind === 'map') return map(w, instr, tag)
  if (isComposite(instr)) composite(w, instr, tag)
  else (kinds[instr.kind as PrimKind] as (w: Writer, instr: Instr, tag: number) => void)(w, instr, tag)
}

/** Whether the instruction may fail. Then it must run before anything else, so that the error is known. */
export const mayFail = ({ kind, check }: Pick<Instr, 'kind' | 'check'>): boolean =>
  check !== undefined || kind === 'gather' || kind === 'scatter'

/** Roughly the number of elements that it works on. */
export function workOf(instr: Instr): number {
  const { kind, attrs } = instr
  const shape = iterated(instr)
  if (kind !== 'contract') return numelOf(shape)
  const { batch, sum } = attrs
  return numelOf(shape) * numelOf(secondOf(instr).sizes.slice(batch + sum))
}
