// Histograms as TensorBoard draws them: numpy's counts for given edges, without the empty buckets at both ends.
import { ValueError } from '@flambeau/core'
import type { Histogram } from './events.ts'

let tensorflow: readonly number[] | undefined
/** The edges that TensorFlow uses: from 1e-12 to 1e20, each a tenth larger than the one before, and their negatives. */
function tensorflowEdges(): readonly number[] {
  if (tensorflow !== undefined) return tensorflow
  const edges: number[] = []
  for (let v = 1e-12; v < 1e20; v *= 1.1) edges.push(v)
  return (tensorflow = [...edges.map((v) => -v).reverse(), 0, ...edges])
}

/** The edges of a number of equal buckets, as numpy lays them. */
function equalEdges(count: number, low: number, high: number): number[] {
  const [from, to] = low === high ? [low - 0.5, high + 0.5] : [low, high]
  const step = (to - from) / count
  return Array.from({ length: count + 1 }, (_, i) => (i === count ? to : i * step + from))
}

/** How many edges are at most the value. */
function edgesUpTo(edges: readonly number[], value: number): number {
  let low = 0
  let high = edges.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (edges[middle] <= value) low = middle + 1
    else high = middle
  }
  return low
}

/** Neighbours together, so that there are about `most` buckets. */
function merged(counts: readonly number[], edges: readonly number[], most: number): [number[], number[]] {
  const size = Math.floor(counts.length / most)
  const sums: number[] = []
  for (let i = 0; i < counts.length; i += size) sums.push(counts.slice(i, i + size).reduce((a, b) => a + b, 0))
  const limits = sums.map((_, i) => edges[i * size])
  return [sums, [...limits, edges[edges.length - 1]]]
}

/** The histogram of values. `bins`: TensorFlow's edges, a number of equal buckets, or edges. */
export function histogramOf(
  values: ArrayLike<number>,
  bins: string | number | readonly number[],
  maxBins: number | null,
): Histogram {
  const num = values.length
  if (num === 0) throw new ValueError('The input has no element.')
  let [min, max, sum, sumSquares] = [Infinity, -Infinity, 0, 0]
  for (let i = 0; i < num; i++) {
    const v = values[i]
    if (!Number.isFinite(v)) {
      throw new ValueError(
        `Histograms need finite values, but value ${i} is ${v}`,
        'Leave them out, values[isFinite], or skip the histogram of this step.',
      )
    }
    min = Math.min(min, v)
    max = Math.max(max, v)
    sum += v
    sumSquares += v * v
  }
  let edges =
    typeof bins === 'string' ? tensorflowEdges() : typeof bins === 'number' ? equalEdges(bins, min, max) : bins
  let counts: number[] = Array(edges.length - 1).fill(0)
  for (let i = 0; i < num; i++) {
    const v = values[i]
    const place = edgesUpTo(edges, v) - 1
    // The last bucket holds its right edge, too.
    if (place === counts.length && v === edges[place]) counts[place - 1]++
    else if (place >= 0 && place < counts.length) counts[place]++
  }
  if (maxBins !== null && counts.length > maxBins) [counts, edges] = merged(counts, edges, maxBins)
  const first = counts.findIndex((count) => count > 0)
  if (first < 0) {
    throw new ValueError(
      'The histogram is empty: no value is between the edges',
      `The values are from ${min} to ${max}, the edges from ${edges[0]} to ${edges[edges.length - 1]}.`,
    )
  }
  const last = counts.reduce((end, count, i) => (count > 0 ? i + 1 : end), 0)
  // Only right edges are written, so an empty bucket in front tells where the first one begins.
  return {
    ...{ min, max, num, sum, sumSquares },
    limits: edges.slice(first, last + 1),
    counts: [first > 0 ? counts[first - 1] : 0, ...counts.slice(first, last)],
  }
}
