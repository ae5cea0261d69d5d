// Sorting of rows so long that they are sorted by digits: as a stable sort by comparison gives it, for every dtype, with
// NaN as the largest, and for rows that are not side by side.
import { type DType, type Tensor, tensor } from 'flambeau'
import { expect, it } from 'vitest'

const odd = [0, -0, NaN, Infinity, -Infinity, 1, -1, 1.5, 3e38, -3e38, 1e-45, -1e-45, 2147483647, -2147483648]
let seed = 1
const next = (): number => {
  seed = (Math.imul(seed, 1103515245) + 12345) | 0
  return seed
}
const valuesFor: Readonly<Record<string, () => number>> = {
  float32: () => Math.fround(next() % 3 === 0 ? odd[Math.abs(next()) % odd.length] : next() / 65536),
  float64: () => (next() % 3 === 0 ? odd[Math.abs(next()) % odd.length] : next() / 65536),
  int32: () => (next() % 2 === 0 ? next() : next() % 5),
  uint8: () => Math.abs(next()) % 256,
  bool: () => Math.abs(next()) % 2,
}

/** The order of equal elements is kept; NaN is the largest. */
function orderOf(row: readonly number[], descending: boolean): number[] {
  const rank = (a: number, b: number): number => {
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return 0
    return Number.isNaN(b) || a < b ? -1 : 1
  }
  return [...row.keys()].sort((a, b) => (descending ? -1 : 1) * rank(row[a], row[b]) || a - b)
}
const numbers = (x: Tensor): number[] => Array.from(x.toArray())

it.each(Object.keys(valuesFor))('%s', (dtype) => {
  const n = 700
  const rows = [0, 1].map(() => Array.from({ length: n }, valuesFor[dtype]))
  const columns = tensor(rows, { dtype: dtype as DType })
    .t()
    .contiguous()
  for (const descending of [false, true]) {
    const { values, indices } = columns.sort(0, descending)
    rows.forEach((row, i) => {
      const order = orderOf(row, descending)
      expect(numbers(indices.select(1, i))).toEqual(order)
      expect(numbers(values.select(1, i))).toEqual(order.map((at) => row[at]))
    })
  }
})
