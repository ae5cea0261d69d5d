// The functions of emitted code have the numbers of the C++: a digit that differs in a late coefficient changes one result in
// a million, which random numbers may miss.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const textOf = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
/** Numbers with a fraction; those of C++ are single precision if they end in f. */
const fractions = (text: string): string[] => text.match(/(?<![\w.])\d+\.\d+(?:e[+-]?\d+)?f?/g) ?? []

it('every coefficient is one of math.inl', () => {
  const known = fractions(textOf('../../../native/src/cpu/math.inl'))
  const singles = new Set(known.filter((x) => x.endsWith('f')).map((x) => Math.fround(Number.parseFloat(x))))
  const doubles = new Set(known.filter((x) => !x.endsWith('f')).map(Number))
  expect(singles.size).toBeGreaterThan(60)
  expect(doubles.size).toBeGreaterThan(25)
  const used = fractions(textOf('../src/emit/math.ts'))
  expect(used.length).toBeGreaterThan(90)
  expect(used.filter((x) => !doubles.has(Number(x)) && !singles.has(Math.fround(Number(x))))).toEqual([])
})
