import { expect, test } from 'vitest'
import { consume, consumed, measure, median, timed } from '../src/harness.ts'
import { markdown, passes, verdict } from '../src/report.ts'
import { duration, figure } from '../src/units.ts'

test('subjects are sampled alternately, every other round in reverse', async () => {
  const order: string[] = []
  const subject = (name: string, ns: number) => (n: number) => {
    order.push(name)
    return ns * n
  }
  await measure({ a: subject('a', 1), b: subject('b', 2) }, { rounds: 4, repeat: 10, warmupMs: 0 })
  expect(order.slice(0, 2)).toEqual(['a', 'b'])
  expect(order.slice(2).join('')).toBe('abbaabba')
})

test('figures are nanoseconds per repetition; ratios are taken within a round', async () => {
  // The machine becomes ten times slower half-way: the two medians are far apart, their ratio is not.
  let round = 0
  const slower = () => (round++ < 10 ? 1 : 10)
  const a = (n: number) => 100 * n * slower()
  const b = (n: number) => 50 * n * (round <= 10 ? 1 : 10)
  const measured = await measure({ a, b }, { rounds: 21, repeat: 7, warmupMs: 0 })
  expect(measured.statistics('b')).toMatchObject({ min: 50, samples: 21 })
  expect(measured.ratio('a', 'b').median).toBe(2)
  expect(measured.difference('a', 'b').p10).toBe(50)
})

test('what is fast is called often before it is measured, what is slow only for ten times as long', async () => {
  const callsOf = async (ns: number) => {
    let calls = 0
    const sample = (n: number) => {
      calls += n
      return ns * n
    }
    await measure({ sample }, { rounds: 3, repeat: 1, warmupMs: 1, warmupRuns: 30 })
    return calls - 3
  }
  expect(await callsOf(1e5)).toBe(30)
  expect(await callsOf(1e6)).toBe(10)
})

test('the number of repetitions is chosen to fill a sample', async () => {
  const seen: number[] = []
  const sample = (n: number) => {
    seen.push(n)
    return 1000 * n
  }
  await measure({ sample }, { rounds: 3, sampleMs: 2, warmupMs: 1 })
  const last = seen.slice(-3)
  expect(last[0] * 1000).toBeGreaterThanOrEqual(2e6)
  expect(last[0] * 1000).toBeLessThan(4e6)
  expect(last).toEqual([last[0], last[0], last[0]])
})

test('a slow subject is left out of later rounds, and compared over its own rounds', async () => {
  let round = 0
  const fast = (n: number) => ++round * 1e6 * n
  const slow = (n: number) => (round + 1) * 2e6 * n
  const measured = await measure({ slow, fast }, { rounds: 9, repeat: 1, warmupMs: 0, budgetMs: 1 })
  expect(measured.statistics('slow').samples).toBe(3)
  expect(measured.statistics('fast').samples).toBe(3)
  const uneven = await measure(
    { slow: (n) => 5e6 * n, fast: (n) => 1e5 * n },
    { rounds: 9, repeat: 1, warmupMs: 0, budgetMs: 1 },
  )
  expect(uneven.statistics('fast').samples).toBe(9)
  expect(uneven.ratio('slow', 'fast').median).toBe(50)
  expect(uneven.ratio('fast', 'slow').median).toBe(0.02)
})

test('the results of timed work are kept', () => {
  const ns = timed((n) => n + 1)(41) as number
  expect(ns).toBeGreaterThan(0)
  expect(consumed()).toBe(42)
  consume('other')
  expect(consumed()).toBe('other')
})

test('the median of an even number of values lies between the middle two', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 2, 3])).toBe(2.5)
})

test('a row passes inside its bound', () => {
  const row = { what: 'x', unit: 'ns', value: 5 }
  expect(passes(row)).toBeUndefined()
  expect(passes({ ...row, atMost: 5 })).toBe(true)
  expect(passes({ ...row, atMost: 4.9 })).toBe(false)
  expect(passes({ ...row, atLeast: 5 })).toBe(true)
  expect(passes({ ...row, atLeast: 5.1 })).toBe(false)
  expect(passes({ ...row, value: Number.NaN, atMost: 5 })).toBe(false)
  expect(markdown([{ ...row, atMost: 4 }])).toContain('| x | 5.000 ns | ≤ 4 ns | **FAIL** |  |')
  expect(markdown([{ ...row, atMost: 16 / 3 }])).toContain('| x | 5.000 ns | ≤ 5.333 ns | pass |  |')
  const rows = [row, { ...row, atMost: 5 }, { ...row, atMost: 4 }]
  expect(verdict(rows)).toEqual({ met: 1, of: 2 })
  const skipped = { ...row, value: Number.NaN, atMost: 4, skipped: 'no GPU' }
  expect(passes(skipped)).toBeUndefined()
  expect(markdown([skipped])).toContain('| x | – | ≤ 4 ns | skipped | no GPU |')
  expect([1.5e9, 2.5e6, 3500, 4.5, 0.5].map(duration)).toEqual([
    '1.500 s',
    '2.500 ms',
    '3.500 µs',
    '4.500 ns',
    '0.500 ns',
  ])
  expect([1234.5, 123.45, 12.345, 1.2345].map(figure)).toEqual(['1235', '123.5', '12.35', '1.234'])
})
