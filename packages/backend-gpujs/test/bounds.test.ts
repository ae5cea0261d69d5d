// Bounds of integer expressions: never below the actual value, and unknown if float32 may not be exact.
import { type Expr, interpret, s } from '@flambeau/core/backend'
import { describe, expect, it } from 'vitest'
import { exprBound, reducedBound } from '../src/bounds.ts'
import { functionsIn } from '../src/math.ts'
import { divided, literal } from '../src/writer.ts'

const [a, b] = [0, 1].map((position) => s.input(position, 'int32'))
const f = s.input(2, 'float32')
const unknown = Number.POSITIVE_INFINITY

describe('bounds', () => {
  it.each<[string, Expr, number]>([
    ['a sum', s.add(a, b), 107],
    ['a difference', s.sub(a, b), 107],
    ['a product', s.mul(a, b), 700],
    ['a product and a sum', s.fma(a, b, a), 800],
    ['the larger', s.max(a, b), 100],
    ['a negative', s.neg(a), 100],
    ['a choice', s.select(s.gt(f, 0), b, a), 100],
    ['a quotient', s.floorDiv(a, b), 100],
    ['a power', s.pow(a, 2), 10000],
    ['a power that is too large', s.pow(a, b), unknown],
    ['a product that is too large', s.mul(s.mul(s.mul(a, a), a), s.mul(a, a)), unknown],
    ['a large product inside', s.cast(s.gt(s.mul(s.mul(s.mul(a, a), a), s.mul(a, a)), 3), 'float32'), unknown],
    ['a truncated float', s.cast(f, 'int32'), 2 ** 31],
    ['a sum with a truncated float', s.add(s.cast(f, 'int32'), 1), unknown],
    ['a byte', s.cast(s.cast(a, 'uint8'), 'int32'), 255],
    ['a truth', s.cast(s.gt(a, b), 'int32'), 1],
    ['a float', s.add(s.cast(a, 'float32'), f), 0],
  ])('of %s', (_, expr, bound) => expect(exprBound(expr, [100, 7, 0])).toBe(bound))

  it('are never exceeded', () => {
    const builds = [s.add, s.sub, s.mul, s.min, s.max, s.mod, s.floorDiv, s.div]
    for (const build of builds) {
      const expr = build(a, b)
      const of = interpret(expr)
      const bound = exprBound(expr, [9, 9])
      for (let x = -9; x <= 9; x++) {
        for (let y = -9; y <= 9; y++) expect(Math.abs(of([x, y])), `${expr.step} ${x} ${y}`).toBeLessThanOrEqual(bound)
      }
    }
  })

  it('grow with the number of elements combined', () => {
    expect(reducedBound('sum', 10, 1000)).toBe(10000)
    expect(reducedBound('sum', 2 ** 20, 17)).toBe(unknown)
    expect(reducedBound('prod', 3, 4)).toBe(81)
    expect(reducedBound('prod', 1, 2 ** 30)).toBe(1)
    expect(reducedBound('prod', 3, 100)).toBe(unknown)
    expect(reducedBound('max', 10, 1000)).toBe(10)
  })
})

describe('source', () => {
  it('includes exactly the functions that a text calls, directly or indirectly', () => {
    expect(functionsIn('v0 + Math.exp(v1)')).toEqual([])
    const names = functionsIn('tanhf(v0)').map(({ name }) => name)
    expect([...names].sort()).toEqual(['exp2i', 'expRest', 'expm1f', 'scaled', 'tanhf'])
    expect(functionsIn('powf(v0, v1)').find(({ name }) => name === 'powf')?.parameters).toBe(2)
  })

  it('writes numbers so that no two signs are adjacent', () => {
    expect([1.5, -2, -0, 1e21].map(literal)).toEqual(['1.5', '(-2)', '(-0)', '1e+21'])
  })

  it('divides whole numbers', () => {
    expect(divided('i', 1, 10)).toBe('i')
    expect(divided('i', 7, 2 ** 20)).toBe('Math.floor((i + 0.5) / 7)')
    expect(divided('i', 7, 2 ** 24)).toBe('divided(i, 7)')
  })
})
