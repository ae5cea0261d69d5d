// Numbers that TypeScript and C++ share are compared with the enums of the C++ sources. A step, reduction or kind
// without a number in C++ is not supported; it never silently becomes another one.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { dtypes, type Expr, type Instr, rankOf, s, type Step } from '@flambeau/core/backend'
import { describe, expect, it } from 'vitest'
import {
  Calls,
  codeWords,
  compile,
  format,
  opcodes,
  reductions,
  registers,
  type Runner,
  steps,
  writes,
} from '../src/index.ts'
import { compositesHeader } from './composites-header.ts'
import { stepsHeader } from './steps-header.ts'

const source = (name: string): string => readFileSync(join(import.meta.dirname, '../../../native/src', name), 'utf8')
const kernels = source('kernels.h')
const stream = source('stream.h')

/** The names of an enum from its first one on; `count` is their number. */
function enumOf(text: string, name: string): string[] {
  const body = new RegExp(`enum class ${name} : int32_t \\{([^}]*)\\}`).exec(text)?.[1] ?? ''
  return body
    .split(',')
    .map((entry) => entry.trim().replace(/ = -1$/, ''))
    .filter((entry) => entry !== '' && entry !== 'count')
}
const numbered = (names: readonly string[], first = 0): Record<string, number> =>
  Object.fromEntries(names.map((name, i) => [name, first + i]))
const constant = (text: string, name: string): number =>
  Number(new RegExp(`\\b${name} = (\\d+)`).exec(text)?.[1] ?? Number.NaN)

describe('both sides', () => {
  it('have the same numbers', () => {
    expect(source('steps.h')).toBe(stepsHeader())
    expect(source('composites.h')).toBe(compositesHeader())
    expect(Object.values(steps).sort((a, b) => a - b)).toEqual(Object.values(steps).map((_, i) => i))
    expect(opcodes).toEqual(numbered(enumOf(stream, 'Opcode')))
    expect({ none: -1, ...reductions }).toEqual(numbered(enumOf(kernels, 'Reduce'), -1))
    const { set, add, ...rest } = writes
    expect({ none: set, sum: add, ...rest }).toEqual({ none: -1, ...reductions })
    expect(Object.fromEntries(dtypes.map((dtype) => [dtype, rankOf(dtype)]))).toEqual(
      numbered(enumOf(kernels, 'DType').map((name) => (name === 'boolean' ? 'bool' : name))),
    )
    expect({ format, registers, codeWords }).toEqual({
      format: constant(stream, 'streamFormat'),
      registers: constant(kernels, 'maxRegisters'),
      codeWords: 7,
    })
  })
})

describe('an unknown step, reduction or kind', () => {
  const x = s.input(0, 'float32')
  const strange: Expr = { step: 'gamma' as Step, dtype: 'float32', args: [x], value: 0 }
  const map = (expr: Expr) => ({ outs: [{ expr }] })
  const instr = (kind: string, attrs: unknown, check?: Expr): Instr =>
    ({
      kind,
      attrs,
      inputs: [],
      outputs: [{ sizes: [1, 1], dtype: 'float32' }],
      check: check && { expr: check },
      origin: { name: kind },
    }) as unknown as Instr

  const matrix = { sizes: [1, 1], strides: [1, 1], offset: 0, dtype: 'float32' }
  const product = (post?: Expr): Instr =>
    ({
      ...instr('contract', { batch: 0, sum: 1, post }),
      inputs: [matrix, matrix],
      outputs: [matrix],
    }) as unknown as Instr

  it('is not supported', () => {
    const calls = new Calls({ host: { fused: new Set(['crossEntropy', 'crossEntropyBackward']) } } as unknown as Runner)
    const known = s.exp(x)
    const reduce = { fn: 'sum', axes: [0] }
    const answers: readonly (readonly [Instr, boolean])[] = [
      [instr('map', map(known)), true],
      [instr('map', map(known), s.isnan(x)), true],
      [instr('map', map(strange)), false],
      [instr('map', map(s.add(s.neg(strange), 1))), false],
      [instr('map', { outs: [{ expr: known }, { expr: strange }] }), false],
      [instr('map', map(known), strange), false],
      [instr('map', { outs: [{ expr: known, reduce }] }), true],
      [instr('map', { outs: [{ expr: known, reduce: { ...reduce, fn: 'median' } }] }), false],
      [instr('map', { outs: [{ expr: known, reduce: { ...reduce, post: known } }] }), false],
      [product(known), true],
      [product(), true],
      [product(strange), false],
      [instr('argReduce', { fn: 'max', axes: [0] }), true],
      [instr('argReduce', { fn: 'median', axes: [0] }), false],
      [instr('scan', { fn: 'prod', axis: 0 }), true],
      [instr('scan', { fn: 'median', axis: 0 }), false],
      [instr('scatter', { fn: 'set', axis: 0 }), true],
      [instr('scatter', { fn: 'sub', axis: 0 }), false],
      [instr('crossEntropy', { axis: 0, ignore: -100 }), true],
      [instr('crossEntropy', { axis: 0, ignore: 2 ** 32 }), false],
      [instr('crossEntropyBackward', { axis: 0, ignore: Number.NaN }), false],
      [instr('sort', { axis: 0, descending: true }), true],
      [instr('convolution', {}), false],
    ]
    // Twice, because the answer for attributes is kept.
    for (const [asked, answer] of [...answers, ...answers])
      expect(calls.supports(asked), JSON.stringify([asked.kind, asked.attrs])).toBe(answer)
  })

  it('has no words', () => {
    expect(() => compile([strange])).toThrow("native has no step 'gamma'")
  })
})
