// Keys of plans: all numbers count, their order and the kind, and equal hashes of different keys don't collide.
import { expect, it } from 'vitest'
import { Key, Table } from '../src/key.ts'

const key = new Key()
function written(kind: string, ...words: readonly number[]): Key {
  key.start(kind)
  for (const word of words) key.add(word)
  return key
}

it('finds a value only by all its numbers and the kind', () => {
  const table = new Table<string>()
  table.add(written('map', 3, -1, 2 ** 40), 'a')
  table.add(written('map', 3, -1), 'b')
  table.add(written('scan', 3, -1), 'c')
  expect(table.size).toBe(3)
  expect(table.find(written('map', 3, -1, 2 ** 40))).toBe('a')
  expect(table.find(written('map', 3, -1))).toBe('b')
  expect(table.find(written('scan', 3, -1))).toBe('c')
  for (const words of [[-1, 3], [3], [], [3, -1, 0], [3, -1, 2 ** 40 + 2 ** 32]])
    expect(table.find(written('map', ...words))).toBeUndefined()
})

it('distinguishes lists that are the same numbers in a row', () => {
  const lists = (...all: readonly (readonly number[])[]): Key => {
    key.start('map')
    for (const words of all) key.addAll(words)
    return key
  }
  const table = new Table<string>()
  table.add(lists([2, 3], [4]), 'a')
  expect(table.find(lists([2, 3], [4]))).toBe('a')
  expect(table.find(lists([2], [3, 4]))).toBeUndefined()
  expect(table.find(lists([2, 3, 4]))).toBeUndefined()
})

it('distinguishes values with equal hashes', () => {
  const seen = new Map<number, readonly [number, number]>()
  const same: (readonly [number, number])[] = []
  for (let i = 0; same.length === 0; i++) {
    const words = [Math.imul(i, 0x2c1b3c6d), Math.imul(i, i)] as const
    const { hash } = written('map', ...words)
    const other = seen.get(hash)
    if (other !== undefined) same.push(other, words)
    seen.set(hash, words)
  }
  const table = new Table<number>()
  table.add(written('map', ...same[0]), 0)
  expect(table.find(written('map', ...same[1]))).toBeUndefined()
  table.add(written('map', ...same[1]), 1)
  expect(same.map((words) => table.find(written('map', ...words)))).toEqual([0, 1])
})
