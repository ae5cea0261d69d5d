// Arithmetic on shapes: sizes, broadcasting and dimension numbers, with PyTorch's errors. Shapes are never mutated, so
// tensors share them.
import { IndexError, RuntimeError, TypeError } from './errors.ts'
import { typeName } from './python.ts'

export type Shape = readonly number[]

/** The shape of a 0-d tensor; always this array. */
export const scalarShape: Shape = []

/** The number of elements: the product of the sizes. */
export function numelOf(shape: Shape): number {
  let n = 1
  for (let i = 0; i < shape.length; i++) n *= shape[i]
  return n
}

/** Whether all sizes are equal. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

const copies = new WeakMap<Shape, Shape>()

/**
 * A frozen copy for programs, which could otherwise write into the array; the same copy at each call. flambeau itself
 * reads the unfrozen array, because V8 reads it three times as fast.
 */
export function frozen(shape: Shape): Shape {
  let copy = copies.get(shape)
  if (copy === undefined) {
    copy = Object.freeze([...shape])
    copies.set(shape, copy)
  }
  return copy
}

/** A shape as messages print it: `[2, 3]`. */
export const shapeString = (shape: Shape): string => `[${shape.join(', ')}]`

/** The shape of an elementwise result; sizes must be equal or 1, aligned from the right. */
export function broadcastShapes(a: Shape, b: Shape): Shape {
  if (b.length === 0) return a
  if (a.length === 0) return b
  if (sameShape(a, b)) return a
  const rank = Math.max(a.length, b.length)
  const out = new Array<number>(rank)
  for (let i = rank - 1; i >= 0; i--) {
    const x = i - rank + a.length >= 0 ? a[i - rank + a.length] : 1
    const y = i - rank + b.length >= 0 ? b[i - rank + b.length] : 1
    if (x !== y && x !== 1 && y !== 1) {
      throw new RuntimeError(
        `The size of tensor a (${x}) must match the size of tensor b (${y}) at non-singleton dimension ${i}`,
        `The shapes ${shapeString(a)} and ${shapeString(b)} do not broadcast: sizes must be equal or 1, compared from the last dimension.`,
      )
    }
    out[i] = x === 1 ? y : x
  }
  return out
}

/** Throws if a result of the broadcast shape does not fit an output, which must not grow. */
export function checkOutput(shape: Shape, broadcast: Shape): void {
  if (sameShape(shape, broadcast)) return
  throw new RuntimeError(
    `output with shape ${shapeString(shape)} doesn't match the broadcast shape ${shapeString(broadcast)}`,
  )
}

/** A dimension number between -rank and rank - 1, counted from the end when negative (a 0-d tensor counts as 1-d). */
export function normalizeDim(dim: number, rank: number): number {
  const range = Math.max(rank, 1)
  if (!Number.isInteger(dim))
    throw new TypeError(`dim must be an integer, but got ${typeof dim === 'number' ? dim : typeName(dim)}`)
  if (dim < -range || dim >= range) {
    throw new IndexError(
      `Dimension out of range (expected to be in range of [${-range}, ${range - 1}], but got ${dim})`,
    )
  }
  return dim < 0 ? dim + range : dim
}

/** A dimension number of a shape that must have dimensions. */
export function dimIn(shape: Shape, dim: number): number {
  if (shape.length === 0) throw new IndexError(`Dimension specified as ${dim} but tensor has no dimensions`)
  return normalizeDim(dim, shape.length)
}

const allDims: (readonly number[])[] = []

/** Sorted, unique dimension numbers; no argument means all, for which the result is always the same array. */
export function normalizeDims(dims: number | readonly number[] | null | undefined, rank: number): readonly number[] {
  if (dims === undefined || dims === null || (Array.isArray(dims) && dims.length === 0)) {
    allDims[rank] ??= Array.from({ length: rank }, (_, i) => i)
    return allDims[rank]
  }
  if (typeof dims === 'number') {
    const dim = normalizeDim(dims, rank)
    return rank === 0 ? [] : [dim]
  }
  const list = dims.map((d) => normalizeDim(d, rank))
  const sorted = [...list].sort((a, b) => a - b)
  for (let i = 1; i < sorted.length; i++) {
    if (sorted[i] === sorted[i - 1])
      throw new RuntimeError(`dim ${sorted[i]} appears multiple times in the list of dims`)
  }
  return rank === 0 ? [] : sorted
}

/** The shape after reducing the (normalised) dims. */
export function reducedShape(shape: Shape, dims: readonly number[], keepdim: boolean): Shape {
  const rank = keepdim ? shape.length : shape.length - dims.length
  if (rank <= 0) return scalarShape
  // Created with its length, because an array that grows by push allocates room for seventeen.
  const out = new Array<number>(rank)
  let at = 0
  for (let i = 0; i < shape.length; i++) {
    if (!dims.includes(i)) out[at++] = shape[i]
    else if (keepdim) out[at++] = 1
  }
  return out
}

/** Returns the sizes; throws if one of them is less than `least`. */
export function checkSizes(sizes: Shape, least = 0): Shape {
  for (const size of sizes) {
    if (size >= least) continue
    throw new RuntimeError(
      least === 0
        ? `Trying to create tensor with negative dimension ${size}: ${shapeString(sizes)}`
        : `invalid shape dimension ${size}`,
    )
  }
  return sizes
}

/** Resolves one -1 in a shape for `view` and `reshape`. */
export function inferSize(sizes: Shape, numel: number): Shape {
  let known = 1
  let hole = -1
  for (let i = 0; i < sizes.length; i++) {
    if (sizes[i] === -1) {
      if (hole >= 0) throw new RuntimeError('only one dimension can be inferred')
      hole = i
    } else known *= sizes[i]
  }
  if (hole < 0 && known === numel) return sizes
  if (hole >= 0 && known > 0 && numel % known === 0) return sizes.map((s, i) => (i === hole ? numel / known : s))
  if (hole >= 0 && known === 0 && numel === 0) {
    throw new RuntimeError(
      `cannot reshape tensor of 0 elements into shape ${shapeString(sizes)} because the unspecified dimension size -1 can be any value and is ambiguous`,
    )
  }
  throw new RuntimeError(
    `shape '${shapeString(sizes)}' is invalid for input of size ${numel}`,
    `The sizes multiply to ${hole < 0 ? known : `a multiple of ${known}`}; they must multiply to ${numel}.`,
  )
}

/** The check of `source` by functions that put it into a slice of a tensor. */
export function checkSource(source: Shape, slice: Shape): void {
  if (sameShape(slice, source)) return
  throw new RuntimeError(
    `expected src to have a size equal to the slice of self. src size = ${shapeString(source)}, slice size = ${shapeString(slice)}`,
  )
}
