// Derivatives of scalar expressions: first and second derivatives at ties, kinks, infinities and NaN are PyTorch's;
// elsewhere derivatives up to the third agree with finite differences for every elementwise operation.
import { js } from '@flambeau/backend-js'
import * as core from '@flambeau/core'
import { fullLike, grad, gradcheck, gradgradcheck, type Tensor, tensor, useDevice, zerosLike } from '@flambeau/core'
import { describe, expect, it } from 'vitest'
import { derive } from '../src/expr/derive.ts'
import { type Expr, exprString, inputsOf, s, substitute } from '../src/expr/expr.ts'
import { elementwise } from '../src/ops/define/elementwise.ts'
import { apply } from '../src/tensor/apply.ts'
import { agrees } from './agreement.ts'

useDevice(js())

const { NaN: nan, POSITIVE_INFINITY: inf } = Number
const points = [0, -0, 1, -1, 0.5, -0.5, 1.5, -1.5, 2, -3, inf, -inf, nan]

const unary: Record<string, (x: Tensor) => Tensor> = {
  abs: core.abs,
  neg: core.neg,
  sign: core.sign,
  sqrt: core.sqrt,
  exp: core.exp,
  expm1: core.expm1,
  log: core.log,
  log1p: core.log1p,
  sin: core.sin,
  cos: core.cos,
  tanh: core.tanh,
  erf: core.erf,
  sigmoid: core.sigmoid,
  relu: core.relu,
  floor: core.floor,
  ceil: core.ceil,
  trunc: core.trunc,
  round: core.round,
  square: core.square,
  'leakyRelu(0.1)': (x) => x.leakyRelu(0.1),
  'clamp(-1, 1)': (x) => x.clamp(-1, 1),
  'clamp(-1)': (x) => x.clamp(-1),
  'clamp(null, 1)': (x) => x.clamp(null, 1),
  'clamp(1, -1)': (x) => x.clamp(1, -1),
  'pow(2)': (x) => x.pow(2),
  'pow(3)': (x) => x.pow(3),
  'pow(0)': (x) => x.pow(0),
  'pow(1)': (x) => x.pow(1),
  'pow(-1)': (x) => x.pow(-1),
  'pow(0.5)': (x) => x.pow(0.5),
  'pow(-0.5)': (x) => x.pow(-0.5),
  'div(2)': (x) => x.div(2),
  'remainder(2)': (x) => x.remainder(2),
  'maximum of itself': (x) => x.maximum(x),
}
const binary: Record<string, (x: Tensor, y: Tensor) => Tensor> = {
  add: (x, y) => x.add(y),
  sub: (x, y) => x.sub(y),
  mul: (x, y) => x.mul(y),
  div: (x, y) => x.div(y),
  pow: (x, y) => x.pow(y),
  maximum: (x, y) => x.maximum(y),
  minimum: (x, y) => x.minimum(y),
  remainder: (x, y) => x.remainder(y),
  'where(x > 0)': (x, y) => core.where(x.gt(0), x, y),
  'div, floor': (x, y) => x.div(y, { roundingMode: 'floor' }),
  'div, trunc': (x, y) => x.div(y, { roundingMode: 'trunc' }),
}

/** First and second derivatives under fixed gradients; zeros if none flows. */
function twice(y: Tensor, inputs: readonly Tensor[]): Tensor[][] {
  const first = grad(y, inputs, { gradOutputs: fullLike(y, 1.5), createGraph: true, allowUnused: true })
  const flowing = first.filter((g): g is Tensor => g?.requiresGrad === true)
  const second =
    flowing.length === 0
      ? inputs.map(() => null)
      : grad(flowing, inputs, { gradOutputs: flowing.map((g) => fullLike(g, -0.5)), allowUnused: true })
  return [first, second].map((gs) => gs.map((g, i) => g ?? zerosLike(inputs[i])))
}

const leaf = (values: number[], dtype: 'float32' | 'float64') => tensor(values, { dtype, requiresGrad: true })
const cases: Record<string, () => unknown> = {}
for (const dtype of ['float32', 'float64'] as const) {
  for (const [name, fn] of Object.entries(unary)) {
    cases[`${dtype} ${name}`] = () => {
      const x = leaf(points, dtype)
      return twice(fn(x), [x])
    }
  }
}
for (const [name, fn] of Object.entries(binary)) {
  cases[`float32 ${name}`] = () => {
    const [x, y] = [leaf(points, 'float32'), leaf(points, 'float32')]
    return twice(fn(x.unsqueeze(1), y.unsqueeze(0).expand(13, 13)), [x, y])
  }
}
cases['float32 clamp by tensors'] = () => {
  const x = leaf([0, 1, 2, -1, -2, 0.5, 3], 'float32')
  const low = leaf([-1, 1, 1, -1, -1, 2, 3], 'float32')
  const high = leaf([1, 2, 2, 1, 1, 1, 3], 'float32')
  return twice(x.clamp(low, high), [x, low, high])
}

agrees('slopes', cases)

describe('away from kinks, up to the third derivative', () => {
  const { tan, sinh, cosh, asin, acos, atan, asinh, acosh, atanh, exp2, log2, log10, lgamma, digamma, erfinv, i0 } =
    core
  const anywhere = { ...unary, sinh, cosh, atan, asinh, exp2, i0 }
  const positive = { log2, log10, lgamma, digamma }
  const small = { tan, asin, acos, atanh, erfinv }
  const pointsOf = (name: string): number[] => {
    if (name === 'acosh') return [1.3, 1.9, 2.6]
    if (name in small) return [-0.6, 0.2, 0.7]
    const isPositive = name in positive || ['sqrt', 'log', 'log1p', 'pow(0.5)', 'pow(-0.5)'].includes(name)
    return isPositive ? [0.3, 1.2, 2.6] : [-1.3, 0.4, 2.2]
  }
  for (const [name, fn] of Object.entries({ ...anywhere, ...positive, ...small, acosh })) {
    it(name, () => {
      const x = leaf(pointsOf(name), 'float64')
      const slope = (x: Tensor): Tensor => grad(fn(x).sum(), x, { createGraph: true })[0]
      expect(gradcheck(fn, x)).toBe(true)
      expect(gradgradcheck(fn, x)).toBe(true)
      if (slope(x).requiresGrad) expect(gradgradcheck(slope, x)).toBe(true)
    })
  }
  const { atan2, hypot, copysign, fmod } = core
  for (const [name, fn] of Object.entries({ ...binary, atan2, hypot, copysign, fmod })) {
    it(`${name}, broadcast`, () => {
      const x = leaf([0.3, 1.2, 2.6], 'float64')
      const y = leaf([1.7, 0.45, 2.2, 0.9], 'float64')
      const broadcast = (x: Tensor, y: Tensor): Tensor => fn(x.view(3, 1), y)
      const slopes = (x: Tensor, y: Tensor): Tensor[] =>
        grad(broadcast(x, y).sum(), [x, y], { createGraph: true }).filter((g) => g.requiresGrad)
      expect(gradcheck(broadcast, [x, y])).toBe(true)
      expect(gradgradcheck(broadcast, [x, y])).toBe(true)
      if (slopes(x, y).length > 0) expect(gradgradcheck(slopes, [x, y])).toBe(true)
    })
  }
})

describe('a map that sums in the same kernel', () => {
  const builds: Record<string, (a: Expr, b: Expr) => Expr> = {
    sum: (a, b) => s.add(a, b),
    product: (a, b) => s.mul(a, b),
    'square of the difference': (a, b) => s.mul(s.sub(a, b), s.sub(a, b)),
    mixed: (a, b) => s.add(s.exp(a), b),
  }
  const operands = {
    'a row and a matrix': [[3], [2, 3]],
    'a matrix and a row': [[2, 3], [3]],
    'a row and a column': [[3], [2, 1]],
    'two matrices': [
      [2, 3],
      [2, 3],
    ],
  }
  for (const [name, build] of Object.entries(builds)) {
    const record = elementwise(name, build)
    for (const [which, shapes] of Object.entries(operands)) {
      it(`${name} of ${which}`, () => {
        const [a, b] = shapes.map((shape, k) => {
          const values = Array.from({ length: shape.reduce((x, y) => x * y) }, (_, i) => 0.3 * i - 0.4 * k + 0.1)
          return leaf(values, 'float64').view(shape).detach().requiresGrad_()
        })
        for (const shape of [[], [3], [1, 3], [2, 1], [2, 3]]) {
          const fn = (a: Tensor, b: Tensor): Tensor => apply(record, [a, b], { sizes: shape, dtype: 'float64' })
          expect(gradcheck(fn, [a, b])).toBe(true)
          expect(gradgradcheck(fn, [a, b])).toBe(true)
        }
      })
    }
  }
})

describe('derive', () => {
  const [x, y, dy] = [0, 1, 2].map((i) => s.input(i, 'float64'))
  const text = (e: Expr, at: number[]): (string | undefined)[] => derive(e, dy, at).map((d) => d && exprString(d))

  it('adds up over a node that is used twice', () => {
    const square = s.mul(x, x)
    expect(text(square, [0])).toEqual(['add(mul(x2, x0), mul(x2, x0))'])
  })

  it('gives no derivative for inputs that only matter to a condition, or not at all', () => {
    expect(text(s.exp(x), [0, 1])).toEqual(['mul(x2, exp(x0))', undefined])
    expect(text(s.select(s.gt(x, 0), y, 1), [0, 1])).toEqual([undefined, 'select(gt(x0, 0), x2, 0)'])
    expect(text(s.floor(x), [0])).toEqual([undefined])
  })

  it('selects between the slopes of two branches, after multiplying by dy', () => {
    expect(text(s.select(s.gt(x, 0), s.sqrt(x), 1), [0])).toEqual(['select(gt(x0, 0), div(x2, mul(sqrt(x0), 2)), 0)'])
  })

  it('goes through casts between floats, and stops at integers', () => {
    const single = s.input(0, 'float32')
    expect(text(s.cast(single, 'float64'), [0])).toEqual(['float32(x2)'])
    expect(text(s.cast(s.input(0, 'int32'), 'float64'), [0])).toEqual([undefined])
  })

  it('inputs can be listed and substituted', () => {
    const e = s.add(s.mul(x, y), x)
    expect(inputsOf([e])).toEqual([0, 1])
    expect(exprString(substitute(e, (i) => (i.value === 0 ? s.exp(dy) : i)))).toBe('add(mul(exp(x2), x1), exp(x2))')
  })
})
