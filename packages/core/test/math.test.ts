// The library's own functions: within 0.57 units in the last place of float32, every special value exact, and equal
// however an expression is run.
import { describe, expect, it } from 'vitest'
import { s } from '../src/expr/expr.ts'
import { emitJs, interpret } from '../src/expr/js.ts'
import { erf } from '../src/expr/math.ts'
import { runtime } from '../src/expr/runtime.ts'

const { NaN: nan, POSITIVE_INFINITY: inf } = Number
const { fround } = Math

/** The distance between a float32 of this size and the next one. */
function ulp(x: number): number {
  const size = Math.abs(x)
  return size < 2 ** -126 ? 2 ** -149 : 2 ** (Math.floor(Math.log2(size)) - 23)
}

const functions = {
  expf: { exactly: Math.exp, near: [0, 88.722839, -87.336545, -103.972084, 0.0433217, -0.0433217] },
  expm1f: { exactly: Math.expm1, near: [0, 88.722839, -17.3286795, 0.0433217, -0.0433217] },
  logf: { exactly: Math.log, near: [0, 1, Math.SQRT1_2, Math.SQRT2, 2 ** -126, 2 ** -149, 3.4028234663852886e38] },
  log1pf: { exactly: Math.log1p, near: [0, -1, 1, Math.SQRT1_2 - 1, Math.SQRT2 - 1, 3.4028234663852886e38] },
  tanhf: { exactly: Math.tanh, near: [0, 9.01, -9.01, 10, 0.0216608] },
  erff: { exactly: erf, near: [0, 3.83, 3.92, 3.95, -3.95] },
} as const
type Name = keyof typeof functions

const specials: Record<Name, readonly (readonly [x: number, y: number])[]> = {
  expf: [
    [0, 1],
    [-0, 1],
    [inf, inf],
    [-inf, 0],
    [nan, nan],
    [88.72283, fround(Math.exp(fround(88.72283)))],
    [88.73, inf],
    [-103.9, 2 ** -149],
    [-104, 0],
    [-1e30, 0],
    [1e30, inf],
  ],
  expm1f: [
    [0, 0],
    [-0, -0],
    [inf, inf],
    [-inf, -1],
    [nan, nan],
    [88.73, inf],
    [-30, -1],
    [2 ** -149, 2 ** -149],
    [-(2 ** -149), -(2 ** -149)],
  ],
  logf: [
    [0, -inf],
    [-0, -inf],
    [1, 0],
    [inf, inf],
    [-1, nan],
    [-inf, nan],
    [nan, nan],
    [-(2 ** -149), nan],
    [2 ** -149, fround(Math.log(2 ** -149))],
  ],
  log1pf: [
    [0, 0],
    [-0, -0],
    [-1, -inf],
    [-1.5, nan],
    [inf, inf],
    [-inf, nan],
    [nan, nan],
    [2 ** -149, 2 ** -149],
  ],
  tanhf: [
    [0, 0],
    [-0, -0],
    [inf, 1],
    [-inf, -1],
    [nan, nan],
    [9.1, 1],
    [-9.1, -1],
    [1e30, 1],
    [2 ** -149, 2 ** -149],
  ],
  erff: [
    [0, 0],
    [-0, -0],
    [inf, 1],
    [-inf, -1],
    [nan, nan],
    [4, 1],
    [-4, -1],
    [1e30, 1],
  ],
}

const float = new Float32Array(1)
const bits = new Int32Array(float.buffer)

/** The largest error among float32s with these bits, in units in the last place; infinite where a special value is wrong. */
function worst(name: Name, from: number, to: number, step: number): number {
  const own = runtime[name]
  const { exactly } = functions[name]
  let largest = 0
  for (let i = from; i < to; i += step) {
    bits[0] = i
    const x = float[0]
    const y = exactly(x)
    const rounded = fround(own(x))
    const nearest = fround(y)
    if (rounded === nearest || (rounded !== rounded && nearest !== nearest)) continue
    const finite = Number.isFinite(rounded) && Number.isFinite(nearest)
    largest = Math.max(largest, finite ? Math.abs(rounded - y) / ulp(y) : inf)
  }
  return largest
}

describe.each(Object.keys(functions) as Name[])('%s', (name) => {
  it('is within 0.57 units in the last place of float32, over all of them', () => {
    // The exact erf is slow, and flat beyond 4, so only a sample is tested.
    const step = name === 'erff' ? 40009 : 2003
    expect(worst(name, -(2 ** 31), 2 ** 31, step)).toBeLessThan(0.57)
  })

  it('and at every float32 near its limits', () => {
    const count = name === 'erff' ? 200 : 20000
    for (const x of functions[name].near) {
      float[0] = x
      const at = bits[0]
      expect(worst(name, Math.max(at - count, 0), at + count, 1)).toBeLessThan(0.57)
      if (at > 0) expect(worst(name, (at - count) | -(2 ** 31), (at + count) | -(2 ** 31), 1)).toBeLessThan(0.57)
    }
  })

  it('gives every special value', () => {
    for (const [x, y] of specials[name]) expect([x, fround(runtime[name](fround(x)))]).toEqual([x, y])
  })
})

describe('of doubles between float32 values', () => {
  const doubles = Array.from({ length: 4001 }, (_, i) => (i - 2000) / 7)
  const positive = Array.from({ length: 2045 }, (_, i) => 1.3 * 2 ** (i - 1022))

  it.each(Object.keys(functions) as Name[])('%s has the accuracy of a float32', (name) => {
    const { exactly } = functions[name]
    const others = name === 'logf' || name === 'log1pf' ? positive : []
    for (const x of [...doubles, ...others]) {
      const y = exactly(x)
      // Beyond the range of float32 exponentials, they are 0 and infinity.
      if (!Number.isFinite(y) || y > 1e76 || (y < 1e-76 && name === 'expf')) continue
      expect(Math.abs(runtime[name](x) - y), `at ${x}`).toBeLessThanOrEqual(2.4e-8 * Math.abs(y))
    }
  })

  it('they reach their limits exactly', () => {
    expect([20, -20, 1e300].map(runtime.tanhf)).toEqual([1, -1, 1])
    expect([4, -4, 1e300].map(runtime.erff)).toEqual([1, -1, 1])
    expect([178, -178].map(runtime.expf)).toEqual([inf, 0])
    expect([178, -178].map(runtime.expm1f)).toEqual([inf, -1])
  })
})

describe('erf in double precision', () => {
  it('has the tabulated values', () => {
    // By mpmath, rounded to doubles.
    const table = [
      [1e-10, 1.1283791670955126e-10],
      [0.1, 0.1124629160182849],
      [0.5, 0.5204998778130465],
      [0.9999, 0.8426592780487595],
      [1, 0.8427007929497149],
      [1.5, 0.9661051464753108],
      [2, 0.9953222650189527],
      [3, 0.9999779095030014],
      [5.5, 0.9999999999999927],
    ]
    for (const [x, y] of table) {
      expect(Math.abs(erf(x) / y - 1)).toBeLessThan(2 * Number.EPSILON)
      expect(erf(-x)).toBe(-erf(x))
    }
  })

  it('gives every special value', () => {
    expect([0, -0, inf, -inf, nan, 7].map(erf)).toEqual([0, -0, 1, -1, nan, 1])
  })
})

describe('the same function on every path', () => {
  const points = [0, -0, 1, -1, 0.3, -2.7, 11, -95.5, 88.9, 1e-40, inf, -inf, nan].map(fround)
  for (const dtype of ['float32', 'float64'] as const) {
    for (const name of ['exp', 'expm1', 'log', 'log1p', 'tanh', 'erf'] as const) {
      it(`${name}, ${dtype}`, () => {
        const expression = s[name](s.input(0, dtype))
        const { lines, results } = emitJs([expression], () => 'x')
        const source = `return (x) => { ${lines.join('\n')}\nreturn ${results[0]} }`
        const emitted = new Function(...Object.keys(runtime), source)(...Object.values(runtime))
        const closures = interpret(expression)
        expect(points.map(emitted)).toEqual(points.map((x) => closures([x])))
      })
    }
  }

  const special = [0, -0, 1, -1, 1e-45, -1e-45, 3.4e38, -3.4e38, 0.3, inf, -inf, nan].map(fround)
  for (const dtype of ['float32', 'float64'] as const) {
    const [x, y, z] = [0, 1, 2].map((i) => s.input(i, dtype))
    const two = s.max(x, y)
    /** Chains of extremes as the first and the second operand, read by others or not, of rounded numbers and others. */
    const choices = {
      two,
      chain: s.max(s.max(two, z), 0),
      'a chain that is read': s.add(s.max(two, z), two),
      'second operand': s.max(z, two),
      'both operands': s.max(two, s.max(y, z)),
      'with itself': s.max(two, two),
      'of a minimum': s.max(s.min(s.min(x, y), z), s.neg(s.min(y, z))),
      'of a number that is not rounded': s.max(two, s.mul(z, 1.1)),
      'of a choice': s.max(s.select(s.gt(x, y), z, x), y),
      comparisons: s.select(s.le(x, y), s.select(s.ne(y, z), x, -3), s.select(s.isnan(x), 1, z)),
      'small integers': s.select(s.gt(x, y), s.constant(2, dtype), s.select(s.ge(y, z), 1, s.constant(-7, dtype))),
      'a bool': s.select(s.cast(z, 'bool'), x, y),
      'bools together': s.select(s.and(s.lt(x, z), s.not(s.eq(y, z))), x, y),
    }
    it.each(Object.entries(choices))(`%s, ${dtype}`, (_, expression) => {
      const { lines, results } = emitJs([expression], (i) => 'xyz'[i])
      const source = `return (x, y, z) => { ${lines.join('\n')}\nreturn ${results[0]} }`
      const emitted = new Function(...Object.keys(runtime), source)(...Object.values(runtime))
      const closures = interpret(expression)
      const all = special.flatMap((a) => special.flatMap((b) => special.map((c) => [a, b, c])))
      expect(all.map((of) => emitted(...of))).toEqual(all.map(closures))
    })
  }

  it('a cast to a wider type emits no code', () => {
    const { lines, results } = emitJs([s.cast(s.cast(s.input(0, 'bool'), 'uint8'), 'float32')], () => 'x')
    expect([lines, results]).toEqual([[], ['x']])
    expect(emitJs([s.cast(s.input(0, 'int32'), 'float32')], () => 'x').lines).toEqual(['const t0 = fround(x)'])
  })
})
