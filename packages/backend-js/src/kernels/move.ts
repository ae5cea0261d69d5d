// Kernels that move elements without computing: assign, concat, pad, gather, scatter, fold and iota. They follow
// strides and never make an operand contiguous first.
import {
  contiguousStrides,
  copyView,
  flatStep,
  forEachRow,
  type HostBuffer,
  hostOf,
  type Instr,
  isInjective,
  type Layout,
  numelOf,
  type Prims,
  RuntimeError,
  type Shape,
  startOf,
  type TypedArray,
  type View,
} from '@flambeau/core/backend'
import { accumulators } from '../text/reduction.ts'

/** Fills an output, unless its memory is new and so holds zeros. */
export function fillWith(value: number, out: HostBuffer, fresh: boolean | undefined): void {
  if (fresh !== true || out.slab.used || !Object.is(value, 0)) out.data.fill(value, out.start, out.start + out.length)
}

/** Copies the base to the output unless both are the same memory. */
function beginWith(base: View, { outputs, fresh }: Pick<Instr, 'outputs' | 'fresh'>): HostBuffer {
  const out = hostOf(outputs[0])
  if (base.buffer === out) return out
  if (flatStep(base) === 0) fillWith(hostOf(base).data[startOf(base)], out, fresh)
  else copyView(base, out.data, out.start, contiguousStrides(base.sizes))
  return out
}

export function assign(instr: Instr<'assign'>): void {
  const { attrs, inputs } = instr
  const [base, source] = inputs
  const out = beginWith(base, instr)
  copyView(source, out.data, out.start + attrs.region.offset, attrs.region.strides)
}

export function concat({ attrs, inputs, outputs }: Instr<'concat'>): void {
  const [out] = outputs
  const { data, start } = hostOf(out)
  const strides = contiguousStrides(out.sizes)
  let at = start
  for (const x of inputs) {
    copyView(x, data, at, strides)
    at += x.sizes[attrs.axis] * strides[attrs.axis]
  }
}

export function pad({ attrs, inputs, outputs, fresh }: Instr<'pad'>): void {
  const [x] = inputs
  const [out] = outputs
  const { data, start } = hostOf(out)
  const strides = contiguousStrides(out.sizes)
  fillWith(attrs.value, hostOf(out), fresh)
  copyView(
    x,
    data,
    attrs.low.reduce((at, low, i) => at + low * strides[i], start),
    strides,
  )
}

export function iota({ attrs, outputs }: Instr<'iota'>): void {
  const [out] = outputs
  const { data, start } = hostOf(out)
  iotaInto(data, start, out.sizes, attrs.axis)
}

/** Writes the index along an axis to every element of a shape. */
export function iotaInto(data: TypedArray, start: number, shape: Shape, axis: number): void {
  const n = numelOf(shape)
  const inner = contiguousStrides(shape)[axis] ?? 1
  const size = shape[axis] ?? 1
  for (let i = 0; i < n; i++) data[start + i] = Math.floor(i / inner) % size
}

/** Where the elements of a view of these sizes are added in the output of a fold. */
export function foldedTo({ axes, offset }: Prims['fold'], sizes: Shape, out: Shape): Layout {
  const outStrides = contiguousStrides(out)
  const strides = new Array<number>(sizes.length).fill(0)
  axes.forEach((terms, axis) => {
    for (const { in: from, step } of terms) strides[from] += step * outStrides[axis]
  })
  return { sizes, strides, offset: offset.reduce((at, n, axis) => at + n * outStrides[axis], 0) }
}

export function fold({ attrs, inputs, outputs, fresh }: Instr<'fold'>): void {
  const [x] = inputs
  const [out] = outputs
  const { data, start } = hostOf(out)
  const to = foldedTo(attrs, x.sizes, out.sizes)
  const { strides, offset: first } = to
  const from = hostOf(x).data
  // Where no sum has two terms, nothing is rounded between them. Adding 0 makes -0 a 0, as in every sum.
  if (isInjective(to)) {
    fillWith(0, hostOf(out), fresh)
    forEachRow(x.sizes, [x.strides, strides], [startOf(x), start + first], (at, n, steps) => {
      for (let i = 0, p = at[0], q = at[1]; i < n; i++, p += steps[0], q += steps[1]) data[q] = 0 + from[p]
    })
    return
  }
  const size = numelOf(out.sizes)
  const sums = accumulators(0, size).fill(0, 0, size)
  forEachRow(x.sizes, [x.strides, strides], [startOf(x), first], (at, n, steps) => {
    for (let i = 0, p = at[0], q = at[1]; i < n; i++, p += steps[0], q += steps[1]) sums[q] += from[p]
  })
  for (let i = 0; i < size; i++) data[start + i] = sums[i]
}

/** The strides with 0 along an axis. */
export const without = (strides: readonly number[], axis: number): number[] =>
  strides.map((s, i) => (i === axis ? 0 : s))

/** Checks that every index is in 0 .. size - 1, before anything is written. */
function checkIndices(index: View, size: number, axis: number): void {
  const { data } = hostOf(index)
  forEachRow(index.sizes, [index.strides], [startOf(index)], (at, n, [step]) => {
    for (let i = 0, p = at[0]; i < n; i++, p += step) {
      const k = data[p]
      if (k < 0 || k >= size)
        throw new RuntimeError(`index ${k} is out of bounds for dimension ${axis} with size ${size}`)
    }
  })
}

export function gather({ attrs, inputs, outputs }: Instr<'gather'>): void {
  const [source, index] = inputs
  const [out] = outputs
  const { axis } = attrs
  checkIndices(index, source.sizes[axis], axis)
  const to = hostOf(out).data
  const from = hostOf(source).data
  const indices = hostOf(index).data
  const along = source.strides[axis]
  const strides = [contiguousStrides(out.sizes), index.strides, without(source.strides, axis)]
  forEachRow(out.sizes, strides, [hostOf(out).start, startOf(index), startOf(source)], (at, n, steps) => {
    let [q, i, p] = at
    for (let c = 0; c < n; c++, q += steps[0], i += steps[1], p += steps[2]) to[q] = from[p + indices[i] * along]
  })
}

export function scatter(instr: Instr<'scatter'>): void {
  const { attrs, inputs, outputs } = instr
  const [base, index, source] = inputs
  const { axis, fn } = attrs
  checkIndices(index, base.sizes[axis], axis)
  const out = beginWith(base, instr)
  const to = out.data
  const from = hostOf(source).data
  const indices = hostOf(index).data
  const outStrides = contiguousStrides(base.sizes)
  const along = outStrides[axis]
  const strides = [without(outStrides, axis), index.strides, source.strides]
  const { dtype } = outputs[0]
  const adds = fn === 'add' && dtype !== 'bool'
  forEachRow(index.sizes, strides, [out.start, startOf(index), startOf(source)], (at, n, steps) => {
    let [q, i, p] = at
    if (fn === 'set')
      for (let c = 0; c < n; c++, q += steps[0], i += steps[1], p += steps[2]) to[q + indices[i] * along] = from[p]
    else if (adds)
      for (let c = 0; c < n; c++, q += steps[0], i += steps[1], p += steps[2]) to[q + indices[i] * along] += from[p]
    else
      for (let c = 0; c < n; c++, q += steps[0], i += steps[1], p += steps[2]) {
        const k = q + indices[i] * along
        if (fn === 'add') to[k] |= from[p]
        else if (fn === 'prod') to[k] = dtype === 'int32' ? Math.imul(to[k], from[p]) : to[k] * from[p]
        else to[k] = Math[fn](to[k], from[p])
      }
  })
}
