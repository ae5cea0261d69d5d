// Maxima and minima of rows and columns of every length, which C++ finds several at a time, beside Math.max and Math.min:
// NaN wins, the positive zero is the larger one, and the first of equal elements is the one that counts.
import { type Tensor, tensor, useDevice } from '@flambeau/core'
import { expect, it } from 'vitest'
import { wasm } from '../src/index.ts'
import { dice } from './random.ts'

const lengths = [1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 70, 257, 1030]

/** Numbers of few values: nothing but zeros and what is below or above them, some NaN, or any of all. */
const kinds: readonly (readonly number[])[] = [
  [0, -0],
  [-0, -0, -0, -0, -0, -0, -0, 0, -1, -Infinity],
  [0, 0, 0, 0, 0, 0, 0, -0, 1, Infinity],
  [...Array.from({ length: 60 }, (_, i) => i - 30), Number.NaN],
  [1, -1, 0.5, -0.5, Infinity, -Infinity, 0, -0, 2 ** -149],
]

const positionOf = (row: readonly number[], extreme: number): number =>
  row.findIndex((x) => x === extreme || (Number.isNaN(x) && Number.isNaN(extreme)))

it('maxima and minima, and where they are, for every length of rows and columns', async () => {
  useDevice(await wasm())
  const roll = dice(9)
  for (const n of lengths) {
    for (const values of kinds) {
      for (const count of [1, 5, 19]) {
        const rows = Array.from({ length: count }, () => Array.from({ length: n }, () => values[roll(values.length)]))
        const [across, down] = [tensor(rows), tensor(rows).t().contiguous()]
        const numbers = (x: Tensor): number[] => Array.from(x.toArray() as ArrayLike<number>)
        for (const [name, extreme] of [
          ['max', Math.max],
          ['min', Math.min],
        ] as const) {
          const expected = rows.map((row) => extreme(...row))
          const places = rows.map((row, i) => positionOf(row, expected[i]))
          const [values, position] = [`a${name}`, `arg${name}`] as ['amax' | 'amin', 'argmax' | 'argmin']
          for (const [x, dim] of [
            [across, 1],
            [down, 0],
          ] as const) {
            expect(numbers(x[values](dim)), `${name} of ${rows}`).toEqual(expected)
            expect(numbers(x[position](dim)), `the place of ${name} of ${rows}`).toEqual(places)
          }
        }
      }
    }
  }
})

it('columns that are too long for a block', () => {
  // 65 rows would fill one.
  const columns = 1000
  const roll = dice(10)
  for (const rows of [64, 65, 129, 150]) {
    for (const values of kinds) {
      const numbers = Float32Array.from({ length: rows * columns }, () => values[roll(values.length)])
      const x = tensor(numbers).view(rows, columns)
      for (const [name, extreme] of [
        ['amax', Math.max],
        ['amin', Math.min],
      ] as const) {
        const expected = Float32Array.from({ length: columns }, (_, j) => {
          let most = numbers[j]
          for (let i = 1; i < rows; i++) most = extreme(most, numbers[i * columns + j])
          return most
        })
        expect(x[name](0).toArray(), `${name} of ${rows} rows of ${values}`).toEqual(expected)
      }
    }
  }
})
