// Long maps that call functions are computed in blocks. Tests which results are stored between loops, and that the
// numbers are those of eager ops bit for bit, also if the result overwrites an operand.
import { compile, manualSeed, noGrad, randn, type Tensor, useDevice } from '@flambeau/core'
import { exprString, s } from '@flambeau/core/backend'
import { beforeEach, describe, expect, test } from 'vitest'
import { js } from '../src/index.ts'
import { blocksOf } from '../src/text/blocks.ts'

beforeEach(() => {
  useDevice(js())
  manualSeed(0)
})

describe('blocksOf', () => {
  const x = s.input(0, 'float32')
  const argument = s.rounded(s.mul(x, s.constant(3, 'float32')))
  const twice = [{ expr: s.mul(s.rounded(s.exp(argument)), s.rounded(s.tanh(x))) }]

  test('stores the arguments and the results of calls if they are rounded', () => {
    const parts = blocksOf(twice, 6000, 1)
    expect(parts?.size).toBe(1000)
    expect(parts?.steps.map((step) => exprString(step))).toEqual(['mul(x0, 3)', 'exp(x1)', 'tanh(x0)'])
    expect(parts?.outs.map(({ expr }) => exprString(expr))).toEqual(['mul(x2, x3)'])
  })

  test('makes no blocks if a map is short, cannot be divided, calls nothing or rounds nothing', () => {
    expect(blocksOf(twice, 4000, 1)).toBeUndefined()
    expect(blocksOf(twice, 10007, 1)).toBeUndefined()
    expect(blocksOf([{ expr: s.mul(argument, s.rounded(s.add(x, x))) }], 6000, 1)).toBeUndefined()
    expect(blocksOf([{ expr: s.mul(s.exp(x), s.tanh(x)) }], 6000, 1)).toBeUndefined()
  })
})

const steps: Readonly<Record<string, (x: Tensor, y: Tensor) => Tensor[]>> = {
  'two calls': (x, y) => [x.mul(1.5).add(0.5).tanh().mul(y.sigmoid())],
  'two outputs, one reduced': (x, y) => {
    const z = x.exp().add(y.sin())
    return [z, z.sum(), z.amax()]
  },
  'a number from memory': (x, y) => [x.tanh().mul(y.at(0).exp()).add(x.cos())],
  'a number from memory that several loops read': (x, y) => [
    x
      .mul(y.at(0))
      .tanh()
      .add(x.sub(y.at(0)).cos()),
  ],
  'a view read backwards and one with a step': (x, y) => [x.flip(0).exp().mul(y.reshape(-1, 2).t().reshape(-1).tanh())],
  'booleans and integers in between': (x, y) => [x.exp().gt(y.tanh()).int().mul(2).float().sub(x.sin())],
}

describe.each([6000, 4096, 10007 * 2])('%i elements', (n) => {
  test.each(Object.keys(steps))('%s', (name) => {
    const values = randn(n).mul(3)
    values.setAt(1, Number.NaN).setAt(2, Number.POSITIVE_INFINITY).setAt(3, Number.NEGATIVE_INFINITY)
    const [x, y] = [values, randn(n)]
    const step = compile(() => steps[name](x, y))
    const bits = (results: Tensor[]) => results.map((z) => Buffer.from(z.toArray().buffer).toString('latin1'))
    const expected = bits(steps[name](x, y))
    for (let i = 0; i < 5; i++) expect(bits(step())).toEqual(expected)
  })
})

test('a parameter is updated in place', () => {
  const start = randn(6000)
  const [a, b] = [start.clone(), start.clone()]
  const update = (w: Tensor) => noGrad(() => w.copy_(w.mul(2).tanh().mul(w.sigmoid())))
  const step = compile(() => void update(b))
  for (let i = 0; i < 6; i++) {
    update(a)
    step()
  }
  expect(b.toArray()).toEqual(a.toArray())
  expect(step.explain()).toContain('in place of')
})
