// Every printed form against real PyTorch; tools/golden/print.py wrote the expected texts.
import { afterEach, describe, expect, test } from 'vitest'
import type { DType } from '../src/base/dtype.ts'
import {
  formatExponent,
  formatFixed,
  formatOrderedDict,
  formatParameter,
  formatReturnType,
  formatSize,
  formatTensor,
  formatTuple,
  getPrintOptions,
  reprFloat,
  reprString,
  setPrintOptions,
} from '../src/tensor/print.ts'
import golden from './golden/print.json' with { type: 'json' }

interface Case {
  shape: number[]
  dtype: string
  text: string
  data?: (number | string)[]
  fill?: { start: number; step: number }
  hidden?: number[]
  options?: Record<string, unknown>
  gradFn?: string
  requiresGrad?: boolean
  device?: string
}

const parse = (x: number | string): number => Number(String(x).replace('inf', 'Infinity'))

const reader = ({ data, fill, dtype, hidden }: Case): ((i: number) => number) => {
  const round = dtype === 'float32' ? Math.fround : dtype === 'float64' ? (x: number) => x : Math.trunc
  if (fill) return (i) => (hidden?.[0] === i ? hidden[1] : round(fill.start + fill.step * i))
  const values = (data ?? []).map(parse)
  return (i) => values[i]
}

const printed = (record: Case): string =>
  formatTensor({
    at: reader(record),
    shape: record.shape,
    dtype: record.dtype as DType,
    suffixes: { device: record.device, gradFn: record.gradFn, requiresGrad: record.requiresGrad },
  })

afterEach(() => setPrintOptions({ profile: 'default' }))

describe('tensors', () => {
  const name = (record: Case, i: number) =>
    `${i}: ${record.dtype} [${record.shape}] ${JSON.stringify(record.options ?? '')}`
  const all: Case[] = [...golden.tensors, ...golden.randoms, ...golden.options, ...golden.devices]
  test.each(all.map((record, i) => [name(record, i), record] as const))('%s', (_, record) => {
    if (record.options) setPrintOptions(record.options)
    expect(printed(record)).toBe(record.text)
  })

  test('options can be given for a single tensor', () => {
    const third = { at: () => 1 / 3, shape: [2], dtype: 'float64' as const }
    expect(formatTensor({ ...third, options: { precision: 2 } })).toBe('tensor([0.33, 0.33], dtype=torch.float64)')
    expect(formatTensor(third)).toBe('tensor([0.3333, 0.3333], dtype=torch.float64)')
  })

  test('printing a large tensor reads only the shown elements', () => {
    const read: number[] = []
    const at = (i: number) => {
      read.push(i)
      return i
    }
    formatTensor({ at, shape: [1000, 1000], dtype: 'int32' })
    expect(read.length).toBe(36)
    expect(new Set(read).size).toBe(36)
    expect(Math.max(...read)).toBe(999_999)
  })
})

describe('options', () => {
  test('omitted options stay unchanged, except the notation', () => {
    setPrintOptions({ precision: 2, sciMode: true })
    setPrintOptions({ linewidth: 40 })
    expect(getPrintOptions()).toEqual({
      precision: 2,
      threshold: 1000,
      edgeitems: 3,
      linewidth: 40,
      sciMode: undefined,
    })
  })

  test('impossible values are refused and change nothing', () => {
    const before = getPrintOptions()
    expect(() => setPrintOptions({ precision: -1 })).toThrow('precision expects a whole number of at least 0, got -1')
    expect(() => setPrintOptions({ precision: 101 })).toThrow('precision')
    expect(() => setPrintOptions({ linewidth: 20, edgeitems: 0 })).toThrow('edgeitems')
    expect(() => setPrintOptions({ profile: 'tiny' as never })).toThrow("unknown print profile 'tiny'")
    expect(getPrintOptions()).toEqual(before)
    setPrintOptions({ threshold: Number.POSITIVE_INFINITY })
    expect(getPrintOptions().threshold).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('numbers and strings as Python writes them', () => {
  test('%.nf, %.ne and repr', () => {
    const view = new DataView(new ArrayBuffer(8))
    for (const [hex, repr, ...texts] of golden.numbers) {
      view.setBigUint64(0, BigInt(`0x${hex}`))
      const x = view.getFloat64(0)
      const own = [0, 1, 4, 10].flatMap((digits) => [formatFixed(x, digits), formatExponent(x, digits)])
      expect([repr, ...own]).toEqual([repr, ...texts])
      expect(reprFloat(x)).toBe(repr)
    }
  })

  test('strings', () => {
    for (const [text, repr] of golden.strings) expect(reprString(text)).toBe(repr)
  })
})

describe('containers', () => {
  test.each(golden.containers)('$what: $text', (record) => {
    const parts = (record.parts ?? {}) as Record<string, string>
    if (record.what === 'size') {
      expect(formatSize(record.shape as number[])).toBe(record.text)
      expect(formatTuple(record.shape as number[])).toBe(record.tuple)
    } else if (record.what === 'parameter') expect(formatParameter(parts.data)).toBe(record.text)
    else if (record.what === 'orderedDict') expect(formatOrderedDict(Object.entries(parts))).toBe(record.text)
    else expect(formatReturnType(record.name as string, parts)).toBe(record.text)
  })
})
