// Arrays that last as long as a computation.
import { expect, it } from 'vitest'
import { floats, withRoom } from '../src/base/room.ts'

const taken = (...lengths: readonly number[]): readonly Float64Array[] => {
  let arrays: readonly Float64Array[] = []
  withRoom(() => {
    arrays = lengths.map((length, i) => floats(length).fill(i + 1))
  })
  return arrays
}
const lengths = [3, 64, 1000, 65]

it('a computation has arrays of its own, and the next one gets them again', () => {
  taken(...lengths)
  const first = taken(...lengths)
  expect(first.map(({ length }) => length)).toEqual(lengths)
  for (const [i, array] of first.entries()) expect(array.every((x) => x === i + 1)).toBe(true)
  const next = taken(0, 64)
  expect(next[1].buffer === first[1].buffer).toBe(true)
  expect(first[1][0]).toBe(2)
  expect(first[2][0]).toBe(3)
  expect(first[0].buffer === first[1].buffer).toBe(true)
})

it('after one that failed, too, and outside of computations arrays are new', () => {
  const [, array] = taken(...lengths)
  expect(() =>
    withRoom(() => {
      floats(64).fill(9)
      throw new Error('singular')
    }),
  ).toThrow('singular')
  expect(array[0]).toBe(9)
  const outside = floats(64)
  expect(outside.buffer).not.toBe(array.buffer)
  taken(64)
  expect(outside.every((x) => x === 0)).toBe(true)
})

it('more than eight megabytes are not kept', () => {
  const [, before] = taken(...lengths)
  taken(2 ** 20)
  expect(taken(0, 64)[1].buffer === before.buffer).toBe(true)
  const [half, rest] = taken(2 ** 19, 2 ** 20)
  expect([half.length, rest.length]).toEqual([2 ** 19, 2 ** 20])
  // What fits is kept.
  const { byteLength } = taken(64)[0].buffer
  expect(byteLength).toBeGreaterThanOrEqual(half.byteLength)
  expect(byteLength).toBeLessThanOrEqual(2 ** 23)
})
