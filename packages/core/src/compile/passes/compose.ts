// Composes views: finds the layout that reads the elements of a view, or of an elementwise function of one, from the
// original value.
import { contiguousStrides, isContiguous, type Layout } from '../../base/layout.ts'

/** Sizes and strides without sizes of 1, with adjacent dimensions merged where one stride suffices. */
function merged({ sizes: shape, strides }: Layout): { sizes: number[]; steps: number[] } {
  const sizes: number[] = []
  const steps: number[] = []
  shape.forEach((size, i) => {
    if (size === 1) return
    const last = sizes.length - 1
    if (last >= 0 && steps[last] === strides[i] * size) {
      sizes[last] *= size
      steps[last] = strides[i]
    } else {
      sizes.push(size)
      steps.push(strides[i])
    }
  })
  return { sizes, steps }
}

/**
 * `outer` reads the row-major elements of a tensor that `inner` reads from elsewhere. Returns the layout that reads the
 * same elements from there, or null if there is none, because strides of `outer` cross dimensions of `inner`.
 */
export function compose(outer: Layout, inner: Layout): Layout | null {
  const { sizes: shape } = outer
  if (isContiguous(inner)) return { sizes: shape, strides: outer.strides, offset: inner.offset + outer.offset }
  const { sizes, steps } = merged(inner)
  const rows = contiguousStrides(sizes)
  /** A distance between row-major elements as steps along each dimension. */
  const digits = (distance: number): number[] => {
    let rest = Math.abs(distance)
    return rows.map((row) => {
      const digit = Math.floor(rest / row)
      rest -= digit * row
      return Math.sign(distance) * digit
    })
  }
  const moved = (by: readonly number[]): number => by.reduce((sum, digit, d) => sum + digit * steps[d], 0)

  // Steps along dimensions equal steps between elements as long as no element read lies outside a dimension.
  const least = digits(outer.offset)
  const most = [...least]
  const offset = inner.offset + moved(least)
  const strides = outer.strides.map((stride, i) => {
    if (shape[i] <= 1) return 0
    const by = digits(stride)
    by.forEach((digit, d) => {
      const reach = digit * (shape[i] - 1)
      if (reach < 0) least[d] += reach
      else most[d] += reach
    })
    return moved(by)
  })
  return least.every((x) => x >= 0) && most.every((x, d) => x < sizes[d]) ? { sizes: shape, strides, offset } : null
}
