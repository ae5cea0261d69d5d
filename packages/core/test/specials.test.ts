// Functions of the namespace `special` that run in JavaScript, compared with PyTorch and mpmath (tools/golden/specials.py).
import { readFileSync } from 'node:fs'
import { js } from '@flambeau/backend-js'
import { compile, gradcheck, igamma, igammac, ones, special, type Tensor, tensor, useDevice } from '@flambeau/core'
import { describe, expect, test } from 'vitest'

useDevice(js())

type Column = readonly (number | string)[]
interface Record_ {
  readonly args: readonly Column[]
  readonly values: Column
  readonly exact: Column
  readonly size: Column
}
type Table = Readonly<Record<string, Record_>>
const golden: { readonly inside: Table; readonly edges: Table } = JSON.parse(
  readFileSync(new URL('./golden/specials.json', import.meta.url), 'utf8'),
)
const words: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Infinity, '-inf': -Infinity, '-0': -0 }
const numbers = (column: Column): number[] => column.map((x) => (typeof x === 'string' ? words[x] : x))
const camel = (name: string): string => name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
const functions = special as unknown as Readonly<Record<string, (...xs: (Tensor | number)[]) => Tensor>>
const called = (name: string, { args }: Record_): number[] =>
  Array.from(functions[camel(name)](...args.map((x) => tensor(numbers(x), { dtype: 'float64' }))).toArray())

/** Units in the last place of the number that an error is measured against, and how many are allowed. */
const ulp = 2 ** -52
const allowed = (name: string): number => (name.includes('polynomial') ? 8 : 4)

describe('within 4 units in the last place where PyTorch is right, polynomials within 8 of their largest term', () => {
  test.each(Object.entries(golden.inside))('%s', (name, record) => {
    const own = called(name, record)
    const [theirs, exact, size] = [record.values, record.exact, record.size].map(numbers)
    const most = allowed(name)
    const wrong = own.flatMap((y, i) => {
      const [error, other, unit] = [Math.abs(y - exact[i]), Math.abs(theirs[i] - exact[i]), ulp * size[i] || 5e-324]
      return error <= most * unit + 2 * other
        ? []
        : [
            `${record.args.map((x) => x[i])}: ${y} not ${exact[i]}, ${(error / unit).toFixed(1)} units; PyTorch ${(other / unit).toFixed(1)}`,
          ]
    })
    expect(wrong).toEqual([])
  })
})

describe('as in PyTorch at the edges', () => {
  test.each(Object.entries(golden.edges))('%s', (name, record) => {
    const theirs = numbers(record.values)
    const wrong = called(name, record).flatMap((y, i) => {
      const same = Object.is(y + 0, theirs[i] + 0) || Math.abs(y - theirs[i]) <= 4 * ulp * Math.abs(theirs[i])
      return same ? [] : [`${record.args.map((x) => x[i])}: ${y} not ${theirs[i]}`]
    })
    expect(wrong).toEqual([])
  })
})

test('dtypes and shapes are those of every function: integers give float32, and numbers broadcast', () => {
  const whole = tensor([1, 2], { dtype: 'int32' })
  expect(String(special.besselJ0(whole))).toBe('tensor([0.7652, 0.2239])')
  expect(String(special.chebyshevPolynomialT(2, whole))).toBe('tensor([2., 7.])')
  expect(special.zeta(ones(2, 1).mul(2), ones(3)).shape).toEqual([2, 3])
  expect(special.airyAi(ones(0, 2)).shape).toEqual([0, 2])
  expect(special.hermitePolynomialH(ones(2).double(), 2).dtype).toBe('float64')
  expect(special.besselY1(ones(2, 3).t()).shape).toEqual([3, 2])
})

test('gradients are those of PyTorch: of the second argument, or none', () => {
  const leaf = (...values: number[]): Tensor => tensor(values, { dtype: 'float64', requiresGrad: true })
  const a = tensor([0.5, 2, 12], { dtype: 'float64' })
  for (const f of [igamma, igammac]) expect(gradcheck((x: Tensor) => f(a, x), [leaf(0.7, 2, 11)])).toBe(true)
  expect(gradcheck((q: Tensor) => special.zeta(3, q), [leaf(0.7, 2, 11)])).toBe(true)
  expect(() => igamma(leaf(1), leaf(1)).sum().backward()).toThrow(
    "the derivative for 'igamma: input' is not implemented.",
  )
  expect(() => igammac(leaf(1), leaf(1)).sum().backward()).toThrow(
    "the derivative for 'igammac: input' is not implemented.",
  )
  expect(() => special.zeta(leaf(2), 1).sum().backward()).toThrow("the derivative for 'zeta' is not implemented.")
  const without = [special.besselJ0, special.airyAi, (x: Tensor) => special.legendrePolynomialP(x, 2)]
  for (const f of without) expect(f(leaf(1)).requiresGrad).toBe(false)
})

test('in place, and in a compiled step', () => {
  expect(String(tensor([1, 2]).igamma_(tensor([1, 2])))).toBe('tensor([0.6321, 0.5940])')
  expect(() => igamma(tensor([1], { dtype: 'int32' }), tensor([1], { dtype: 'int32' }))).toThrow(
    '"igamma_cpu" not implemented',
  )
  const x = tensor([1, 2])
  const step = compile(() => [special.besselJ0(x.add_(1)), igamma(x, x.mul(0.5)), special.chebyshevPolynomialT(x, 2)])
  for (let call = 0; call < 5; call++) {
    const found = step()
    const wanted = [special.besselJ0(x), igamma(x, x.mul(0.5)), special.chebyshevPolynomialT(x, 2)]
    expect(found.map(String)).toEqual(wanted.map(String))
  }
})
