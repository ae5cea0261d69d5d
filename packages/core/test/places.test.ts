// Places that JavaScript finds in host memory, compared with the definition: of values in sorted rows, many at a time, of
// elements that are not zero, and of equal integers in a range.
import { js } from '@flambeau/backend-js'
import { bincount, manualSeed, nonzero, randint, randn, searchsorted, tensor, useDevice } from '@flambeau/core'
import { expect, it } from 'vitest'

useDevice(js())
manualSeed(0)

/** PyTorch's steps, which need not find the first such place where NaN is among the elements. */
function placeOf(sorted: ArrayLike<number>, value: number, right: boolean): number {
  let [start, end] = [0, sorted.length]
  while (start < end) {
    const middle = start + ((end - start) >> 1)
    if (right ? !(sorted[middle] > value) : !(sorted[middle] >= value)) start = middle + 1
    else end = middle
  }
  return start
}

it.each([true, false])('searchsorted finds each of hundreds of values in each row, right: %s', (right) => {
  const rows = randn(3, 37).sort().values
  rows.select(0, 1).select(0, 36).fill_(Number.NaN)
  const values = randn(3, 150)
  values.select(0, 0).select(0, 70).fill_(Number.NaN)
  values.select(0, 2).select(0, 149).copy_(rows.at(2, 5))
  const expected = [0, 1, 2].map((row) =>
    Array.from(values.at(row).toArray(), (value) => placeOf(rows.at(row).toArray(), value, right)),
  )
  expect(searchsorted(rows, values, { right }).tolist()).toEqual(expected)
})

const sequences: Record<string, number[]> = {
  even: Array.from({ length: 60 }, (_, i) => i / 7 - 3),
  repeated: Array.from({ length: 60 }, (_, i) => Math.floor(i / 9)),
  equal: Array(60).fill(2),
  crowded: Array.from({ length: 60 }, (_, i) => 2 ** (i - 55)),
  infinite: [-Infinity, -Infinity, -1, 0, 0.5, 2, Infinity],
  'without an end': [-1, 0, 0.5, 2, Infinity],
  huge: [-1.7e308, -1, 0, 1.7e308],
  tiny: [0, 5e-324, 1e-323],
  'with NaN': [...Array.from({ length: 30 }, (_, i) => i / 4 - 3), Number.NaN, Number.NaN],
  unsorted: Array.from({ length: 40 }, (_, i) => ((i * 17) % 40) / 8 - 2),
  single: [0.5],
}
it.each(Object.keys(sequences))('searchsorted by buckets and without them: %s', (name) => {
  const sequence = sequences[name]
  const sorted = tensor(sequence, { dtype: 'float64' })
  const around = sequence.flatMap((x) => [x, x - 1e-9, x + 1e-9, 1.5 * x])
  const all = [...around, ...Array.from({ length: 200 }, (_, i) => i / 20 - 5), Infinity, -Infinity, Number.NaN]
  for (const values of [all, ...all.map((x) => [x])]) {
    for (const right of [true, false]) {
      const found = searchsorted(sorted, tensor(values, { dtype: 'float64' }), { right })
      expect(found.tolist()).toEqual(values.map((value) => placeOf(sequence, value, right)))
    }
  }
})

it('nonzero finds NaN, too', () => {
  const data = Array.from({ length: 300 }, (_, i) => (i % 7 === 3 ? Number.NaN : i % 3))
  expect(nonzero(tensor(data)).tolist()).toEqual(data.flatMap((x, i) => (x === 0 ? [] : [[i]])))
  expect(nonzero(tensor([0, 0])).shape).toEqual([0, 1])
})

it.each([
  ['dense', 40],
  ['sparse', 1e9],
])('unique of %s integers gives values, places and counts', (_, range) => {
  for (const n of [200, 201, 202, 203]) {
    const x = randint(-range, range, [n], { dtype: 'int32' })
    const [values, inverse, counts] = x.unique({ returnInverse: true, returnCounts: true })
    const data = Array.from(x.toArray())
    const expected = [...new Set(data)].sort((a, b) => a - b)
    expect(values.tolist()).toEqual(expected)
    expect(inverse.tolist()).toEqual(data.map((each) => expected.indexOf(each)))
    expect(counts.tolist()).toEqual(expected.map((each) => data.filter((other) => other === each).length))
  }
})

it('bincount counts small numbers before, between and after larger ones', () => {
  for (let n = 1; n < 24; n++) {
    for (let at = 0; at < n; at++) {
      const data = Array.from({ length: n }, (_, i) => (i === at ? 5000 : i === at + 5 ? 1500 : (i * 7) % 5))
      const expected = new Array<number>(Math.max(...data) + 1).fill(0)
      for (const value of data) expected[value]++
      expect(bincount(tensor(data, { dtype: 'int32' })).tolist()).toEqual(expected)
    }
    const negative = Array.from({ length: n }, (_, i) => (i === n - 1 ? -1 : i))
    expect(() => bincount(tensor(negative, { dtype: 'int32' }))).toThrow('non-negative')
  }
})
