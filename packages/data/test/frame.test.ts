import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { type ColumnTable, table } from 'arquero'
import { describe, expect, it } from 'vitest'
import { formatFrame, loadBoston, loadBreastCancer, loadDigits, loadIris } from '../src/frame/index.ts'

interface FrameCase {
  columns: [name: string, dtype: string, values: unknown[]][]
  width: number
  text: string
}

const golden = JSON.parse(readFileSync(new URL('golden/frames.json', import.meta.url), 'utf8')) as {
  cases: FrameCase[]
  sets: Record<string, string>
}

const numbers: Record<string, number> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
}
const decode = (value: unknown): unknown => (typeof value === 'string' && value in numbers ? numbers[value] : value)

const column = (dtype: string, values: unknown[]) => {
  const decoded = values.map(decode)
  if (dtype === 'list') return decoded
  const kinds = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array }
  return kinds[dtype as keyof typeof kinds].from(decoded as number[])
}

export const frameOf = (columns: FrameCase['columns']): ColumnTable =>
  table(new Map(columns.map(([name, dtype, values]) => [name, column(dtype, values)])))

describe('formatFrame prints what pandas prints', () => {
  it.each(golden.cases.map((c, i) => [i, c] as const))('frame %i', (_, { columns, width, text }) => {
    expect(formatFrame(frameOf(columns), { width })).toBe(text)
  })

  it('prints a list of only NaN like a typed array of NaN', () => {
    const nan = [Number.NaN, Number.NaN]
    expect(formatFrame({ measured: nan })).toBe(formatFrame({ measured: Float64Array.from(nan) }))
  })

  // The same columns in other representations.
  const written: Record<string, (dtype: string, values: unknown[]) => ReturnType<typeof column>> = {
    'arrays of numbers': (dtype, values) => {
      const made = Array.from(column(dtype, values))
      return dtype === 'float64' && !made.every(Number.isSafeInteger) ? made : column(dtype, values)
    },
    'undefined for None': (dtype, values) =>
      dtype === 'list' ? values.map((v) => decode(v) ?? undefined) : column(dtype, values),
    'big integers': (dtype, values) =>
      dtype === 'list' && values.every((v) => v === null || Number.isInteger(v))
        ? values.map((v) => (v === null ? null : BigInt(v as number)))
        : column(dtype, values),
  }
  it.each(Object.entries(written))('from %s', (_, write) => {
    let others = 0
    for (const { columns, width, text } of golden.cases) {
      const made = columns.map(([name, dtype, values]) => [name, write(dtype, values)] as const)
      if (made.every(([, values], i) => isDeepStrictEqual(values, column(columns[i][1], columns[i][2])))) continue
      others++
      expect(formatFrame(table(new Map(made)), { width })).toBe(text)
    }
    expect(others).toBeGreaterThan(10)
  })

  it.each([
    ['boston', loadBoston],
    ['breast-cancer', loadBreastCancer],
    ['iris', loadIris],
    ['digits', loadDigits],
  ])('the %s set', (name, load) => {
    expect(formatFrame(load().frame)).toBe(golden.sets[name])
  })

  it('follows a filter and an order', () => {
    const frame = table({ a: [3, 1, 2], b: ['x', 'y', 'z'] })
    const rows = frame.filter('d => d.a > 1').orderby('a')
    expect(formatFrame(rows)).toBe('   a  b\n0  2  z\n1  3  x')
  })
})
