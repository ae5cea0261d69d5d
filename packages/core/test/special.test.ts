// Functions that are a single step: errors in units in the last place against mpmath, in double precision and in
// float32, and every special value; and for all steps, equal numbers on every path.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type DType, dtypes, isFloat } from '../src/base/dtype.ts'
import { type Computed, type Expr, stepDef, s } from '../src/expr/expr.ts'
import { emitJs, interpret } from '../src/expr/js.ts'
import { runtime } from '../src/expr/runtime.ts'
import * as steps from '../src/expr/steps.ts'

const golden: Record<string, number[][]> = JSON.parse(
  readFileSync(join(import.meta.dirname, 'golden/special.json'), 'utf8'),
)
const { NaN: nan, POSITIVE_INFINITY: inf } = Number
const { fround } = Math

/** The distance between a number of this size and the next one, at a precision in bits. */
const ulp = (x: number, bits: number): number => 2 ** (Math.floor(Math.log2(Math.abs(x))) - bits + 1)

/** A step over numbers, in a dtype. */
function computed(name: string, dtype: DType): (...x: number[]) => number {
  const [step, n] = name.split(' ')
  const inputs = [0, 1].map((i) => s.input(i, dtype))
  const operands = n === undefined ? inputs : [s.constant(Number(n), dtype), inputs[0]]
  const expr = (s[step as Computed] as (...x: Expr[]) => Expr)(...operands.slice(0, stepDef(step as Computed).arity))
  const run = interpret(expr)
  return (...x) => run(x)
}

/** In double precision; by default, the accuracy of Math's functions. */
const most: Record<string, number> = {
  lgamma: 6,
  digamma: 4,
  erfinv: 3,
  i0: 4,
  i1: 4,
  'polygamma 1': 5,
  'polygamma 2': 6,
  'polygamma 3': 7,
  'polygamma 5': 7,
  log10: 2,
  hypot: 2,
}

describe.each(Object.keys(golden))('%s', (name) => {
  it('has the stated accuracy in double precision', () => {
    const f = computed(name, 'float64')
    let worst = 0
    for (const row of golden[name]) {
      const x = row.slice(0, -1)
      const y = row[row.length - 1]
      // Functions of gamma's kind are 0 between their poles: there the unit is that of numbers near 1.
      const unit = x[0] < 0 && /gamma/.test(name) ? Math.max(ulp(y, 53), 2 ** -52) : ulp(y, 53)
      worst = Math.max(worst, Math.abs(f(...x) - y) / unit)
    }
    expect(worst).toBeLessThanOrEqual(most[name] ?? 1.5)
  })

  it('is correctly rounded in float32, or a neighbour', () => {
    const f = computed(name, 'float32')
    const exact = computed(name, 'float64')
    for (const row of golden[name]) {
      const x = row.slice(0, -1).map(fround)
      const y = exact(...x)
      if (Math.abs(y) < 2 ** -126 || !Number.isFinite(fround(y))) continue
      expect(Math.abs(fround(f(...x)) - y) / ulp(y, 24), String(x)).toBeLessThan(0.57)
    }
  })
})

describe('special values', () => {
  const table: Record<string, readonly (readonly number[])[]> = {
    lgamma: [
      [0, inf],
      [-0, inf],
      [-1, inf],
      [-30, inf],
      [1, 0],
      [2, 0],
      [inf, inf],
      [-inf, inf],
      [nan, nan],
      [1e-310, 713.8013788281542],
    ],
    digamma: [
      [0, -inf],
      [-0, inf],
      [-1, nan],
      [-2, nan],
      [inf, inf],
      [-inf, nan],
      [nan, nan],
      [-1e300, nan],
    ],
    'polygamma 1': [
      [0, inf],
      [-0, inf],
      [-1, inf],
      [inf, 0],
      [-inf, nan],
      [nan, nan],
    ],
    'polygamma 2': [
      [0, -inf],
      [-3, -inf],
      [inf, -0],
      [nan, nan],
    ],
    'polygamma 171': [[1, nan]],
    'polygamma 1.5': [[1, nan]],
    'polygamma -1': [[1, nan]],
    erfinv: [
      [0, 0],
      [-0, -0],
      [1, inf],
      [-1, -inf],
      [1.5, nan],
      [inf, nan],
      [nan, nan],
    ],
    i0: [
      [0, 1],
      [-0, 1],
      [720, inf],
      [inf, nan],
      [nan, nan],
    ],
    i1: [
      [0, 0],
      [-0, -0],
      [-inf, nan],
      [nan, nan],
    ],
    nextafter: [
      [1, 2, 1 + 2 ** -52],
      [1, 0, 1 - 2 ** -53],
      [-1, -2, -1 - 2 ** -52],
      [0, 1, Number.MIN_VALUE],
      [0, -1, -Number.MIN_VALUE],
      [Number.MIN_VALUE, 0, 0],
      [-Number.MIN_VALUE, 0, -0],
      [Number.MAX_VALUE, inf, inf],
      [-inf, 0, -Number.MAX_VALUE],
      [2 ** 32, inf, 2 ** 32 + 2 ** -20],
      [0, -0, -0],
      [1, nan, nan],
      [nan, 1, nan],
    ],
    copysign: [
      [1, -0, -1],
      [-1, 0, 1],
      [0, -1, -0],
      [-inf, 1, inf],
      [nan, -1, nan],
    ],
    hypot: [
      [inf, nan, inf],
      [nan, -inf, inf],
      [nan, 1, nan],
      [0, -0, 0],
    ],
    fmod: [
      [-5.5, 2, -1.5],
      [5, inf, 5],
      [inf, 2, nan],
      [1, 0, nan],
      [-4, 2, -0],
    ],
  }
  it.each(Object.keys(table))('of %s', (name) => {
    const f = computed(name, 'float64')
    for (const row of table[name]) expect([...row.slice(0, -1), f(...row)]).toEqual(row)
  })

  it('float32 has its own neighbours', () => {
    const next = computed('nextafter', 'float32')
    const rows = [
      [1, 2, 1 + 2 ** -23],
      [1, 0, 1 - 2 ** -24],
      [0, -1, -(2 ** -149)],
      [2 ** -149, 0, 0],
      [-(2 ** -149), 0, -0],
      [3.4028234663852886e38, inf, inf],
    ]
    for (const [x, y, z] of rows) expect([x, y, next(x, y)]).toEqual([x, y, z])
  })
})

describe('shifts', () => {
  it('by more places than there are, or by a negative number, leave only the sign', () => {
    const left = computed('shiftLeft', 'int32')
    const right = computed('shiftRight', 'int32')
    expect([0, 31, 32, 33, -1].map((n) => left(3, n))).toEqual([3, -2147483648, 0, 0, 0])
    expect([0, 1, 31, 32, -1].map((n) => right(-8, n))).toEqual([-8, -4, -1, -1, -1])
    expect([0, 1, 8, 40].map((n) => computed('shiftLeft', 'uint8')(200, n))).toEqual([200, 144, 0, 0])
    expect([0, 1, 8, 40].map((n) => computed('shiftRight', 'uint8')(200, n))).toEqual([200, 100, 0, 0])
  })
})

/** The dtypes that a rule accepts. */
const takes = (name: Computed, dtype: DType): boolean => {
  const { rule } = stepDef(name)
  if (rule === 'floating' || rule === 'rounding') return isFloat(dtype)
  // No op subtracts or divides bools.
  if (dtype === 'bool' && ['sub', 'div', 'mod', 'fmod', 'floorDiv', 'neg'].includes(name)) return false
  if (rule === 'bitwise') return !isFloat(dtype)
  return rule !== 'shift' || (!isFloat(dtype) && dtype !== 'bool')
}

describe('every step', () => {
  const points = [0, -0, 1, -1, 0.3, -2.7, 11, -95.5, 88.9, 2, 1e-40, inf, -inf, nan]
  const valuesOf: Record<DType, readonly number[]> = {
    float64: points,
    float32: points.map(fround),
    int32: [0, 1, -1, 2, 7, -7, 31, 32, 100, 2147483647, -2147483648],
    uint8: [0, 1, 2, 7, 31, 200, 255],
    bool: [0, 1],
  }

  it.each(Object.keys(steps) as Computed[])('%s gives the same as source and as a closure', (name) => {
    const { arity } = stepDef(name)
    for (const dtype of dtypes.filter((each) => takes(name, each))) {
      const inputs = [0, 1, 2].map((i) => s.input(i, dtype))
      const expr =
        name === 'cast' ? s.cast(inputs[0], 'uint8') : (s[name] as (...x: Expr[]) => Expr)(...inputs.slice(0, arity))
      const { lines, results } = emitJs([expr], (i) => `x[${i}]`)
      const source = `return (x) => { ${lines.join('\n')}\nreturn ${results[0]} }`
      const emitted = new Function(...Object.keys(runtime), source)(...Object.values(runtime))
      const closures = interpret(expr)
      const values = valuesOf[dtype]
      for (const a of values)
        for (const b of values) expect([a, b, emitted([a, b, a])]).toEqual([a, b, closures([a, b, a])])
    }
  })

  it('calls functions whose names differ from emitted variables', () => {
    for (const name of Object.keys(runtime)) expect(name).not.toMatch(/^[a-z]+\d+$/)
  })
})
