// Checks what an instruction claims about memory against the tensors it names. A buffer is a range of something larger,
// so a kernel that trusted a wrong shape would read and write its neighbours. A backend checks before it runs an
// instruction; a valid one costs a few nanoseconds per operand and no allocation.
import { RuntimeError } from '../base/errors.ts'
import { contiguousLayout, highestOf, type Layout, lowestOf } from '../base/layout.ts'
import { numelOf, sameShape, type Shape, shapeString } from '../base/shape.ts'
import { type Instr, isScalar, type Operand, type Output, type PrimKind, type View } from './backend.ts'
import { type CompositeAttrs, type CompositeKind, composites, type Extent, isComposite, sizesOf } from './composites.ts'
import { iterated } from './maps.ts'

/**
 * Whether all elements of a layout are among the first `length` of a buffer. A layout with NaN never is, one without
 * elements always.
 */
export const liesWithin = ({ sizes, strides, offset }: Layout, length: number): boolean =>
  isWithin(sizes, strides, offset, length)
const isWithin = (shape: Shape, strides: readonly number[], offset: number, length: number): boolean =>
  (lowestOf(shape, strides, offset) >= 0 && highestOf(shape, strides, offset) < length) || numelOf(shape) === 0

/** The number of elements of a map's output: the shape without the reduced axes. */
function keptOf(shape: Shape, axes: readonly number[] | undefined): number {
  if (axes === undefined) return numelOf(shape)
  let n = 1
  for (let i = 0; i < shape.length; i++) if (!axes.includes(i)) n *= shape[i]
  return n
}

/** Whether two shapes agree, except along one axis. */
function sameBut(a: Shape, b: Shape, axis: number): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (i !== axis && a[i] !== b[i]) return false
  return true
}

/** Whether an index is no larger than what it picks from along every axis but one. */
function covers(index: Shape, from: Shape, axis: number): boolean {
  if (index.length !== from.length) return false
  for (let i = 0; i < index.length; i++) if (i !== axis && index[i] > from[i]) return false
  return true
}

const shapeOf = (x: Operand): Shape => (x as View).sizes
const allAlike = (inputs: readonly Operand[], shape: Shape, from: number): boolean => {
  for (let i = from; i < inputs.length; i++)
    if (!isScalar(inputs[i]) && !sameShape(shapeOf(inputs[i]), shape)) return false
  return true
}

function fitsMap(instr: Instr<'map'>): boolean {
  const { inputs, outputs } = instr
  const { outs } = instr.attrs
  const shape = iterated(instr)
  if (!allAlike(inputs, shape, 0) || outs.length !== outputs.length) return false
  for (let k = 0; k < outs.length; k++)
    if (numelOf(outputs[k].sizes) !== keptOf(shape, outs[k].reduce?.axes)) return false
  return true
}

/** For each of the twelve kinds, whether the shapes of operands and outputs are those that its kernels loop over. */
const fits: { readonly [K in PrimKind]: (instr: Instr<K>) => boolean } = {
  map: fitsMap,
  argReduce: ({ attrs, inputs: [x], outputs: [out] }) => numelOf(out.sizes) === keptOf(shapeOf(x), attrs.axes),
  scan: ({ inputs: [x], outputs: [out] }) => sameShape(shapeOf(x), out.sizes),
  contract({ attrs: { batch, sum, bordered }, inputs, outputs }) {
    const { sizes } = outputs[0]
    const a = shapeOf(inputs[0])
    const b = bordered?.sizes ?? shapeOf(inputs[1])
    // Where the summed axes of a begin, and the columns of the result.
    const rows = a.length - sum
    if (!(batch >= 0 && sum >= 0 && rows >= batch && b.length >= batch + sum)) return false
    if (sizes.length !== rows + b.length - batch - sum) return false
    for (let i = 0; i < batch; i++) if (b[i] !== sizes[i]) return false
    for (let i = 0; i < rows; i++) if (a[i] !== sizes[i]) return false
    for (let i = 0; i < sum; i++) if (a[rows + i] !== b[batch + i]) return false
    for (let i = rows; i < sizes.length; i++) if (b[batch + sum - rows + i] !== sizes[i]) return false
    return allAlike(inputs, sizes, 2)
  },
  concat({ attrs: { axis }, inputs, outputs: [out] }) {
    let size = 0
    for (let i = 0; i < inputs.length; i++) {
      if (!sameBut(shapeOf(inputs[i]), out.sizes, axis)) return false
      size += shapeOf(inputs[i])[axis]
    }
    return size === out.sizes[axis]
  },
  pad({ attrs: { low, high }, inputs: [x], outputs: [out] }) {
    const from = shapeOf(x)
    for (let i = 0; i < from.length; i++) if (out.sizes[i] !== from[i] + low[i] + high[i]) return false
    return out.sizes.length === from.length
  },
  fold({ attrs, inputs: [x], outputs: [out] }) {
    const from = shapeOf(x)
    if (!sameShape(attrs.out, out.sizes)) return false
    if (numelOf(from) === 0) return true
    for (let i = 0; i < attrs.axes.length; i++) {
      let low = attrs.offset[i]
      let high = low
      for (const { in: axis, step } of attrs.axes[i]) {
        const span = (from[axis] - 1) * step
        if (span < 0) low += span
        else high += span
      }
      if (!(low >= 0 && high < out.sizes[i])) return false
    }
    return true
  },
  gather: ({ attrs: { axis }, inputs: [x, index], outputs: [out] }) =>
    sameShape(shapeOf(index), out.sizes) && covers(shapeOf(index), shapeOf(x), axis),
  scatter: ({ attrs: { axis }, inputs: [base, index, source], outputs: [out] }) =>
    sameShape(shapeOf(base), out.sizes) &&
    sameShape(shapeOf(index), shapeOf(source)) &&
    covers(shapeOf(index), out.sizes, axis),
  assign: ({ attrs: { region }, inputs: [base, source], outputs: [out] }) =>
    sameShape(shapeOf(base), out.sizes) &&
    sameShape(region.sizes, shapeOf(source)) &&
    liesWithin(region, numelOf(out.sizes)),
  sort: ({ inputs: [x], outputs: [values, indices] }) =>
    sameShape(shapeOf(x), values.sizes) && sameShape(values.sizes, indices.sizes),
  iota: () => true,
}

function fitsExtent(
  extent: Extent,
  shape: Shape | undefined,
  whole: Shape,
  attrs: CompositeAttrs[CompositeKind],
): boolean {
  const { axis } = attrs
  if (shape === undefined) return false
  if (extent === 'all') return sameShape(shape, whole)
  if (extent === 'rowOrOne' && numelOf(shape) === 1) return true
  if (/^[ri]/.test(extent)) return sameBut(shape, whole, axis) && (shape[axis] ?? 1) === 1
  return numelOf(shape) === numelOf(sizesOf(extent, whole, attrs))
}

/** Whether the operands are those that the table gives for the composition. */
function fitsComposite({ kind, attrs, inputs, outputs }: Instr<CompositeKind>): boolean {
  const composite = composites[kind]
  const { axis } = attrs
  if (inputs.length !== composite.inputs.length || outputs.length !== composite.outputs.length) return false
  const whole = shapeOf(inputs[0]) as Shape | undefined
  if (whole === undefined || !(axis >= 0 && axis < Math.max(whole.length, 1)) || !Number.isInteger(axis)) return false
  for (let i = 0; i < inputs.length; i++)
    if (!fitsExtent(composite.inputs[i][1], shapeOf(inputs[i]), whole, attrs)) return false
  for (let k = 0; k < outputs.length; k++)
    if (!fitsExtent(composite.outputs[k][1], outputs[k].sizes, whole, attrs)) return false
  return true
}

const outside = ({ sizes, strides, offset }: Layout, length: number, what: string): RuntimeError =>
  new RuntimeError(
    `setStorage: sizes ${shapeString(sizes)}, strides ${shapeString(strides)}, storage offset ${offset} are out of bounds for storage of ${length} elements`,
    `It is ${what}. Was a state loaded for a parameter of another size?`,
  )

/** Throws a RuntimeError unless a view is within its tensor; `what` names the view. */
export function checkView(x: View, what: string): void {
  const { length } = x.buffer
  if (!liesWithin(x, length)) throw outside(x, length, what)
}

/** Throws a RuntimeError unless an output, and the elements to write to it, fit its tensor. */
export function checkWhole({ sizes, buffer: { length } }: Output, elements: number, what: string): void {
  if (elements === numelOf(sizes) && elements <= length) return
  throw outside({ ...contiguousLayout(sizes), sizes: numelOf(sizes) === elements ? sizes : [elements] }, length, what)
}

/**
 * Throws a RuntimeError unless each operand and output of an instruction is within its own tensor, and their shapes fit
 * each other as the kind requires. Backends call it before a kernel reads or writes anything.
 */
export function checkClaims(instr: Instr): void {
  const { inputs, outputs, origin } = instr
  for (let i = 0; i < inputs.length; i++) {
    // Each property is read once, because operands have many hidden classes, and on tensors the buffer is a getter.
    const { sizes, strides, offset } = inputs[i] as View
    if (strides === undefined || isWithin(sizes, strides, offset, (inputs[i] as View).buffer.length)) continue
    checkView(inputs[i] as View, `operand ${i} of ${origin.name}`)
  }
  for (let k = 0; k < outputs.length; k++) {
    const { sizes: shape, buffer } = outputs[k]
    const n = numelOf(shape)
    if (!(n <= buffer.length)) checkWhole(outputs[k], n, `result ${k} of ${origin.name}`)
  }
  // Maps skip the lookup by name, because most instructions are maps.
  if (instr.kind === 'map') {
    if (!fitsMap(instr)) throw unfit(instr)
    return
  }
  // What JavaScript computes gets the shapes as they are.
  if (instr.kind === 'host') return
  const fit = fits[instr.kind as PrimKind] as ((instr: Instr) => boolean) | undefined
  if (!(fit === undefined ? isComposite(instr) && fitsComposite(instr) : fit(instr))) throw unfit(instr)
}

const unfit = ({ inputs, outputs, kind, origin }: Instr): RuntimeError =>
  new RuntimeError(
    `${origin.name} (${kind}): a result of shape ${outputs.map(({ sizes }) => shapeString(sizes)).join(', ')} is not made of ${inputs.map((x) => (isScalar(x) ? 'a number' : shapeString(x.sizes))).join(', ')}`,
    'The sizes of tensors must fit each other. Was a state loaded for a parameter of another size?',
  )
