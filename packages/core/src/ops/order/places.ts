// The kernels of searchsorted, bucketize and isin: how many elements of sorted rows come before each of many values. Buckets
// of equal width first say where to look: for 32 numbers spread evenly over a range, one step is left of six.
import type { Attributes } from '../../backend/backend.ts'
import { bit } from '../../base/arrays.ts'
import type { TypedArray } from '../../base/dtype.ts'
import type { OpDef } from '../../tensor/op.ts'

/** Which elements come before a value: those less than it, those not greater; or those less than it where NaN is last. */
type Side = 'left' | 'right' | 'below'

/** Values that are looked for together, so that the processor waits for the elements of many and not of one. */
const together = 64
const starts = new Int32Array(together)
const widths = new Int32Array(together)

// These loops are functions of their own, because each is compiled for itself.

/**
 * Writes to `ends[b + 1]` where bucket b ends among the n elements from `row` on, of n buckets. False if the elements are
 * not sorted, or one is NaN: where the steps of a search lead then is not for buckets to say.
 */
function fillBuckets(sorted: TypedArray, row: number, n: number, scale: number, ends: Int32Array): boolean {
  const least = sorted[row]
  let before = least
  let isSorted = 1
  ends.fill(0)
  for (let i = 0; i < n; i++) {
    const element = sorted[row + i]
    isSorted &= bit(before <= element)
    before = element
    const bucket = (element - least) * scale
    ends[bucket < n - 1 ? (bucket | 0) + 1 : n] = i + 1
  }
  for (let b = 1; b <= n; b++) ends[b] = Math.max(ends[b], ends[b - 1])
  return isSorted === 1
}

/** Writes the bucket of each of `count` values from `at` on, and returns the width of the widest. NaN is in the last one. */
function begin(
  values: TypedArray,
  at: number,
  count: number,
  least: number,
  scale: number,
  last: number,
  ends: Int32Array,
): number {
  let widest = 0
  for (let k = 0; k < count; k++) {
    const bucket = (values[at + k] - least) * scale
    const b = bucket < last ? Math.max(bucket, 0) | 0 : last
    const width = ends[b + 1] - ends[b]
    starts[k] = ends[b]
    widths[k] = width
    widest = Math.max(widest, width)
  }
  return widest
}

/** Narrows all intervals to none by PyTorch's steps, which matters if NaN is among the elements. */
function bisect(
  sorted: TypedArray,
  row: number,
  values: TypedArray,
  at: number,
  count: number,
  widest: number,
  side: Side,
): void {
  for (let most = widest; most > 0; most >>= 1) {
    for (let k = 0; k < count; k++) {
      const width = widths[k]
      if (width === 0) continue
      const half = width >> 1
      const found = sorted[row + starts[k] + half]
      const value = values[at + k]
      const isBefore =
        side === 'left' ? bit(found >= value) ^ 1 : side === 'right' ? bit(found > value) ^ 1 : bit(found < value)
      starts[k] += (half + 1) & -isBefore
      widths[k] = (width - isBefore) >> 1
    }
  }
}

/** For rows of n sorted elements and as many rows of m values: how many elements come before each value. */
function findPlaces(sorted: TypedArray, n: number, values: TypedArray, m: number, side: Side): Int32Array {
  const places = new Int32Array(values.length)
  // Buckets for a few values would take longer than to look for those.
  const mayFill = n <= 2 * m
  const ends = new Int32Array(mayFill ? n + 1 : 2)
  for (let first = 0, row = 0; first < values.length; first += m, row += n) {
    const least = sorted[row]
    let scale = n / (sorted[row + n - 1] - least)
    let last = n - 1
    if (!(mayFill && scale > 0 && scale < Infinity && fillBuckets(sorted, row, n, scale, ends))) {
      // One bucket for all.
      scale = last = ends[0] = 0
      ends[1] = n
    }
    for (let at = first; at < first + m; at += together) {
      const count = Math.min(together, first + m - at)
      bisect(sorted, row, values, at, count, begin(values, at, count, least, scale, last, ends), side)
      for (let k = 0; k < count; k++) places[at + k] = starts[k]
    }
  }
  return places
}

const placesBy = (side: Side): OpDef<null> => {
  const lowered: Attributes['host'] = {
    op: 'searchsorted',
    name: 'searchsorted',
    attrs: side,
    compute: ([sorted, values], [elements, wanted]) => [
      findPlaces(sorted, elements.sizes[1], values, wanted.sizes[1], side),
    ],
  }
  return {
    name: 'searchsorted',
    infer: ([, { sizes }]) => [{ sizes, dtype: 'int32' }],
    to: { kind: 'kernel', prim: 'host', lower: () => lowered },
  }
}
export const [goesLeft, goesRight, goesBelow] = [placesBy('left'), placesBy('right'), placesBy('below')]
