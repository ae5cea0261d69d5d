// A layout maps the elements of a tensor to its buffer: sizes, strides and offset, in elements. A view is nothing but a
// layout, so slicing, transposing and expanding only happen in files that import this one.
import { numelOf, type Shape } from './shape.ts'

export interface Layout {
  readonly sizes: Shape
  readonly strides: readonly number[]
  readonly offset: number
}

/** The lowest position in the buffer of a layout's elements; meaningless without elements. */
export function lowestOf(shape: Shape, strides: readonly number[], offset: number): number {
  let low = offset
  for (let i = 0; i < shape.length; i++) if (strides[i] < 0) low += (shape[i] - 1) * strides[i]
  return low
}

/** The highest position in the buffer of a layout's elements; meaningless without elements. */
export function highestOf(shape: Shape, strides: readonly number[], offset: number): number {
  let high = offset
  for (let i = 0; i < shape.length; i++) if (!(strides[i] < 0)) high += (shape[i] - 1) * strides[i]
  return high
}

const none: readonly number[] = []
const one: readonly number[] = [1]

/** The strides of a row-major tensor; a size of 0 counts as 1. */
export function contiguousStrides(shape: Shape): readonly number[] {
  if (shape.length < 2) return shape.length === 0 ? none : one
  const strides = new Array<number>(shape.length)
  let step = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step
    step *= shape[i] > 1 ? shape[i] : 1
  }
  return strides
}

/** The layout of a tensor that fills a buffer in row-major order. */
export const contiguousLayout = (shape: Shape): Layout => ({
  sizes: shape,
  strides: contiguousStrides(shape),
  offset: 0,
})

/** Whether a layout is row-major without gaps, from any offset. */
export function isContiguous(layout: Layout): boolean {
  const { sizes, strides } = layout
  let step = 1
  for (let i = sizes.length - 1; i >= 0; i--) {
    const size = sizes[i]
    if (size === 0) return true
    if (size !== 1) {
      if (strides[i] !== step) return false
      step *= size
    }
  }
  return true
}

/** Whether no two indices reach the same element, as far as sizes and strides tell; overlapping windows do. */
export function isInjective({ sizes, strides }: Layout): boolean {
  const dims = sizes.map((_, i) => i).filter((i) => sizes[i] > 1)
  dims.sort((a, b) => Math.abs(strides[a]) - Math.abs(strides[b]))
  let reach = 0
  for (const i of dims) {
    const step = Math.abs(strides[i])
    if (step <= reach) return false
    reach += (sizes[i] - 1) * step
  }
  return true
}

/** The strides that read a layout as a larger shape (0 where a size of 1 is repeated); the shapes must broadcast. */
export function expandStrides(layout: Layout, shape: Shape): readonly number[] {
  const lead = shape.length - layout.sizes.length
  return shape.map((_, i) => (i < lead || layout.sizes[i - lead] === 1 ? 0 : layout.strides[i - lead]))
}

/** The strides that read the same elements as `shape`, or null if they must be copied first. */
export function viewStrides(layout: Layout, shape: Shape): readonly number[] | null {
  if (numelOf(shape) === 0 || isContiguous(layout)) return contiguousStrides(shape)
  // Walk both shapes from the right in chunks that are contiguous in memory (like PyTorch's computeStride).
  const from = layout.sizes
  const strides = new Array<number>(shape.length).fill(1)
  let d = shape.length - 1
  let chunkStride = layout.strides.length > 0 ? layout.strides[layout.strides.length - 1] : 1
  let chunk = 1
  let taken = 1
  for (let i = from.length - 1; i >= 0; i--) {
    chunk *= from[i]
    if (i === 0 || (from[i - 1] !== 1 && layout.strides[i - 1] !== chunk * chunkStride)) {
      while (d >= 0 && (taken < chunk || shape[d] === 1)) {
        strides[d] = taken * chunkStride
        taken *= shape[d]
        d--
      }
      if (taken !== chunk) return null
      if (i > 0) {
        chunkStride = layout.strides[i - 1]
        chunk = 1
        taken = 1
      }
    }
  }
  return d === -1 ? strides : null
}
