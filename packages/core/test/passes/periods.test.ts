// Periodic stretches of sequences, compared with a search that tries every place and every period.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Stretch, stretches } from '../../src/compile/passes/periods.ts'

/** All maximal stretches of at least `least` periods whose period is not a multiple of a smaller one. */
function searched(tokens: readonly number[], least: number): Stretch[] {
  const found: Stretch[] = []
  const isPeriod = (from: number, to: number, period: number): boolean => {
    for (let i = from + period; i < to; i++) if (tokens[i] !== tokens[i - period]) return false
    return true
  }
  for (let period = 1; period * least <= tokens.length; period++) {
    for (let from = 0; from < tokens.length; from++) {
      if (from > 0 && tokens[from - 1] === tokens[from - 1 + period]) continue
      let to = from + period
      while (to < tokens.length && tokens[to] === tokens[to - period]) to++
      const smaller = Array.from({ length: period - 1 }, (_, i) => i + 1).some((p) => isPeriod(from, to, p))
      if (to - from >= least * period && to <= tokens.length && !smaller) found.push({ from, to, period })
    }
  }
  return found
}

const key = ({ from, to, period }: Stretch): string => `${from} ${to} ${period}`
const sorted = (list: readonly Stretch[]): string[] => list.map(key).sort()

test('equal those of a search, whatever is around them', () => {
  const word = fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 7 })
  const piece = fc
    .tuple(word, fc.integer({ min: 1, max: 9 }))
    .map(([list, times]) => new Array(times).fill(list).flat())
  let found = 0
  void fc.assert(
    fc.property(fc.array(piece, { maxLength: 4 }), fc.constantFrom(3, 4, 5), (pieces, least) => {
      const tokens = pieces.flat()
      expect(sorted(stretches(tokens, least))).toEqual(sorted(searched(tokens, least)))
      found += stretches(tokens, least).length
    }),
    { numRuns: 300, seed: 2 },
  )
  expect(found).toBeGreaterThan(200)
})

test('take time in proportion to the length, not to its square', () => {
  const turn = Array.from({ length: 50 }, (_, i) => i % 7)
  const tokens = new Array(4_000).fill(turn).flat()
  const long = stretches(tokens, 4).filter(({ to, from }) => to - from > 50)
  expect(long).toEqual([{ from: 0, to: 200_000, period: 50 }])
})
