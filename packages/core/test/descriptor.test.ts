// Instructions share a descriptor if they differ only in memory, offsets and numbers. Each row of the tables changes one
// property of an instruction.
import { describe, expect, it } from 'vitest'
import {
  type Backend,
  contiguousStrides,
  type Descriptor,
  descriptorOf,
  type DType,
  type Instr,
  Slot,
  s,
  type View,
} from '../src/backend/index.ts'

const backend = {} as Backend
const buffer = () => ({ backend, length: 1000 })
const view = (
  sizes: readonly number[],
  dtype: DType = 'float32',
  strides: readonly number[] = contiguousStrides(sizes),
  offset = 0,
): View => ({ sizes, dtype, strides, offset, buffer: buffer() })
const out = (sizes: readonly number[], dtype: DType = 'float32') => ({ sizes, dtype, buffer: buffer() })

const x = s.input(0, 'float32')
const attrs = { outs: [{ expr: s.add(x, s.input(1, 'float32')) }] }
const positive = s.gt(x, 0)
const error = (): Error => new Error('a check')
/** A sum of a tensor of two dimensions and a number, with a check. */
const sum = (change: object = {}): Instr =>
  ({
    kind: 'map',
    attrs,
    inputs: [view([2, 3]), { value: 2, dtype: 'float32' }],
    outputs: [out([2, 3])],
    check: { expr: positive, error },
    origin: { name: 'add' },
    ...change,
  }) as Instr
const number = { value: 2, dtype: 'float32' }
const fill = (result: object): Instr => sum({ inputs: [number, number], check: undefined, outputs: [result] })
const of = (kind: string, attrs: object, inputs: readonly object[] = [view([5])]): Instr =>
  ({ kind, attrs, inputs, outputs: [out([5])], origin: { name: kind } }) as unknown as Instr

const alike: readonly (readonly [string, Instr, Instr])[] = [
  ['memory', sum(), sum()],
  ['an offset', sum(), sum({ inputs: [view([2, 3], 'float32', [3, 1], 7), number] })],
  ['a number', sum(), sum({ inputs: [view([2, 3]), { value: () => 7, dtype: 'float32' }] })],
  ['what the error of a check is', sum(), sum({ check: { expr: positive, error: () => new Error('another') } })],
  ['donation', sum(), sum({ donate: [0] })],
  ['the origin', sum(), sum({ origin: { name: 'sub' } })],
  ['attributes that say the same', of('scan', { fn: 'sum', axis: 0 }), of('scan', { fn: 'sum', axis: 0 })],
  ['what is padded with', of('pad', { low: [1], high: [0], value: 1 }), of('pad', { low: [1], high: [0], value: 2 })],
  [
    'where a fold begins',
    of('fold', { out: [5], offset: [0], axes: [[{ in: 0, step: 1 }]] }),
    of('fold', { out: [5], offset: [2], axes: [[{ in: 0, step: 1 }]] }),
  ],
  [
    'where a region begins',
    of('assign', { region: { sizes: [2], strides: [1], offset: 0 } }),
    of('assign', { region: { sizes: [2], strides: [1], offset: 3 } }),
  ],
]

const apart: readonly (readonly [string, Instr, Instr])[] = [
  ['expressions', sum(), sum({ attrs: { outs: [...attrs.outs] } })],
  ['checks', sum(), sum({ check: { expr: s.gt(x, 0), error } })],
  ['no check', sum(), sum({ check: undefined })],
  ['shapes', sum(), sum({ inputs: [view([3, 2]), number] })],
  ['ranks', sum(), sum({ inputs: [view([6]), number] })],
  ['strides', sum(), sum({ inputs: [view([2, 3], 'float32', [1, 2]), number] })],
  ['dtypes', sum(), sum({ inputs: [view([2, 3], 'float64'), number] })],
  ['a view for a number', sum(), sum({ inputs: [view([2, 3]), view([2, 3])] })],
  ['a number for a view', sum(), sum({ inputs: [number, number] })],
  ['how many operands', sum(), sum({ inputs: [view([2, 3])] })],
  ['shapes of results that read nothing', fill(out([2, 3])), fill(out([6]))],
  ['dtypes of results that read nothing', fill(out([2, 3])), fill(out([2, 3], 'float64'))],
  ['kinds', of('gather', { axis: 0 }), of('iota', { axis: 0 })],
  ['axes', of('gather', { axis: 0 }), of('gather', { axis: 1 })],
  ['NaN and null', of('softmax', { ignore: Number.NaN }), of('softmax', { ignore: Number.POSITIVE_INFINITY })],
  ['zeros', of('softmax', { ignore: 0 }), of('softmax', { ignore: -0 })],
  ['epilogues', of('contract', { batch: 0, sum: 1 }), of('contract', { batch: 0, sum: 1, post: x })],
  [
    'regions',
    of('assign', { region: { sizes: [2], strides: [1], offset: 0 } }),
    of('assign', { region: { sizes: [2], strides: [2], offset: 0 } }),
  ],
]

describe('instructions that differ in', () => {
  it.each(alike)('%s have one descriptor', (_, a, b) => {
    const found = descriptorOf(a)
    expect(descriptorOf(b)).toBe(found)
    expect(descriptorOf(a)).toBe(found)
  })

  it.each(apart)('%s have two', (_, a, b) => {
    const [first, second] = [descriptorOf(a), descriptorOf(b)]
    expect(first).not.toBe(second)
    // Each is found again, whichever was asked for last.
    for (const [instr, found] of [
      [a, first],
      [b, second],
      [b, second],
      [a, first],
    ] as const)
      expect(descriptorOf(instr)).toBe(found)
  })
})

it('a descriptor says what the instruction said, and nothing of its memory', () => {
  const { kind, inputs, outputs, check } = descriptorOf(sum())
  expect({ kind, inputs, outputs, check }).toEqual({
    kind: 'map',
    inputs: [{ sizes: [2, 3], dtype: 'float32', strides: [3, 1] }, null],
    outputs: [{ sizes: [2, 3], dtype: 'float32' }],
    check: positive,
  })
})

it('two with one hash are told apart', () => {
  // The hash multiplies what was before by 961 and adds 31 times the size and the step.
  const row = (size: number, step: number): Instr =>
    sum({ attrs: { outs: [...attrs.outs] }, inputs: [view([size], 'float32', [step])], outputs: [out([1])] })
  const a = row(2, 40)
  const b = { ...row(3, 9), attrs: a.attrs } as Instr
  const seen = new Set<Descriptor>()
  for (let turn = 0; turn < 3; turn++) {
    for (const instr of [a, b]) {
      const found = descriptorOf(instr)
      expect(found.inputs[0]?.sizes).toEqual((instr.inputs[0] as View).sizes)
      seen.add(found)
    }
  }
  expect(seen.size).toBe(2)
})

it('of one expression few are kept', () => {
  const one = { outs: [...attrs.outs] }
  const first = descriptorOf(sum({ attrs: one }))
  for (let n = 1; n <= 1000; n++) descriptorOf(sum({ attrs: one, inputs: [view([n]), number], outputs: [out([n])] }))
  expect(descriptorOf(sum({ attrs: one }))).not.toBe(first)
})

it('backends keep what they like, each in its own slot', () => {
  const made = descriptorOf(sum())
  const [mine, yours] = [new Slot<string>(), new Slot<number>()]
  expect([mine.of(made), yours.of(made)]).toEqual([undefined, undefined])
  expect(yours.keep(made, 7)).toBe(7)
  expect(mine.keep(made, 'a plan')).toBe('a plan')
  expect([mine.of(made), yours.of(made)]).toEqual(['a plan', 7])
  expect(mine.of(descriptorOf(sum({ check: undefined })))).toBeUndefined()
})
