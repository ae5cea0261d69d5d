// Jacobians, Hessians and their products with vectors, compared with real PyTorch.
import { js } from '@flambeau/backend-js'
import { arange, autograd, type Tensor, tensor, useDevice } from '@flambeau/core'
import { describe, expect, it } from 'vitest'
import { freeing } from '../src/tensor/effects.ts'
import { agrees } from './agreement.ts'

useDevice(js())
// Small gradients are freed as large ones are.
freeing.from = 0

const { hessian, hvp, jacobian, jvp, vhp, vjp } = autograd.functional
const x = tensor([1, 2])
const y = arange(4, { dtype: 'float32' }).add(1).view(2, 2)
const both: [Tensor, Tensor] = [x, y]

agrees('functional', {
  jacobian: () => jacobian((x) => x.square(), x),
  'jacobian of several by several': () => jacobian((x, y): Tensor[] => [y.mv(x), x.sum()], both),
  'jacobian of one by several': () => jacobian((x) => x.mul(2), both),
  'jacobian of a constant': () => jacobian((x) => x.detach(), x),
  'jacobian that is differentiated': () => {
    const x = tensor([1, 2], { requiresGrad: true })
    jacobian((x) => x.pow(3), x, { createGraph: true })
      .sum()
      .backward()
    return x.grad
  },
  hessian: () => hessian((x) => x.pow(3).sum(), x),
  'hessian of several': () => hessian((x, y) => y.mv(x).sum().mul(x.sum()), both),
  'hessian of a linear function': () => hessian((x) => x.sum(), x),
  'hessian of several elements': () => hessian((x) => x.pow(3), x),
  'hessian of several outputs': () => hessian((x) => [x.sum(), x.sum()] as unknown as Tensor, x),
})

const cubes = (x: Tensor): Tensor => x.pow(3).sum()
const coupled = (x: Tensor, y: Tensor): Tensor => y.mv(x).sum().mul(x.sum())
const mixed = (x: Tensor, y: Tensor): Tensor[] => [y.mv(x), x.mul(y).sum()]
const square = (x: Tensor): Tensor => x.square()
const constant = (x: Tensor): Tensor => x.detach()
const linear = (x: Tensor): Tensor => x.sum()
const first = (x: Tensor, _y: Tensor): Tensor => x.mul(2)
const cubesOfFirst = (x: Tensor, _y: Tensor): Tensor => cubes(x)
const v = tensor([1, 10])
const w = tensor([
  [1, 3],
  [5, 7],
])
type More = autograd.functional.FunctionalOptions

const products: Readonly<Record<string, (more: More) => unknown>> = {
  vjp: (more) => vjp(square, x, v, more),
  'vjp of one element': (more) => vjp(cubes, x, more),
  'vjp of several by several': (more) => vjp(mixed, both, [v, tensor(2)], more),
  'vjp of a constant': (more) => vjp(constant, x, v, more),
  'vjp of one that ignores an input': (more) => vjp(first, both, v, more),
  jvp: (more) => jvp(square, x, v, more),
  'jvp of one element': (more) => jvp((x) => x.exp().expand(2), tensor([1]), more),
  'jvp of several by several': (more) => jvp(mixed, both, [v, w], more),
  'jvp of a constant': (more) => jvp(constant, x, v, more),
  'jvp of one that ignores an input': (more) => jvp(first, both, [v, w], more),
  vhp: (more) => vhp(cubes, x, v, more),
  'vhp of several': (more) => vhp(coupled, both, [v, w], more),
  'vhp of a linear function': (more) => vhp(linear, x, v, more),
  'vhp of one that ignores an input': (more) => vhp(cubesOfFirst, both, [v, w], more),
  hvp: (more) => hvp(cubes, x, v, more),
  'hvp of several': (more) => hvp(coupled, both, [v, w], more),
  'hvp of a linear function': (more) => hvp(linear, x, v, more),
  'hvp of one that ignores an input': (more) => hvp(cubesOfFirst, both, [v, w], more),
  jacobian: (more) => jacobian(mixed, both, more),
  'jacobian of a linear function': (more) => jacobian((x) => x.mul(2), tensor([1, 2], { requiresGrad: true }), more),
  'jacobian of a constant': (more) => jacobian(constant, x, more),
  'jacobian of one that ignores an input': (more) => jacobian(first, both, more),
  hessian: (more) => hessian(cubes, x, more),
  'hessian of several': (more) => hessian(coupled, both, more),
  'hessian of a linear function': (more) => hessian(linear, x, more),
  'hessian of one that ignores an input': (more) => hessian(cubesOfFirst, both, more),
}

/** A product whose gradients flow to the input and to the vector. */
const differentiated = (product: (x: Tensor, v: Tensor) => readonly [Tensor, Tensor]): unknown => {
  const [x, v] = [tensor([1, 2], { requiresGrad: true }), tensor([3, -1], { requiresGrad: true })]
  product(x, v)[1].sum().backward()
  return [x.grad, v.grad]
}
const graph = { createGraph: true }
const forward = { vectorize: true, strategy: 'forward-mode' } as const
const outer = { vectorize: true, outerJacobianStrategy: 'forward-mode' } as const
const cube = (x: Tensor): Tensor => x.pow(3)

type Loose = (fn: unknown, inputs: unknown, v?: unknown) => unknown
const mistakes = ({ name, call }: { name: string; call: Loose }): readonly (readonly [string, () => unknown])[] => [
  [`${name} of a number`, () => call(cubes, 5, v)],
  [`${name} of a list with a number`, () => call(cubes, [x, 5], v)],
  [`${name} that returns a number`, () => call(() => 5, x, v)],
  [`${name} without a vector`, () => call(square, x)],
  [`${name} with a vector of another size`, () => call(square, x, tensor([1, 2, 3]))],
  [`${name} with a list of vectors too many`, () => call(square, x, [v, v])],
  [`${name} with too few vectors`, () => call(mixed, both, [v])],
  [`${name} with a wrong vector in a list`, () => call(mixed, both, [v, v])],
  [`${name} of several elements`, () => call(square, x, v)],
  [`${name} of several outputs`, () => call((x: Tensor) => [x.sum(), x.sum()], x, v)],
]

agrees('products', {
  ...Object.fromEntries(
    Object.entries(products).flatMap(([name, run]) => [
      [name, () => run({})],
      [`${name}, strict`, () => run({ strict: true })],
      [`${name}, strict, with a graph`, () => run({ strict: true, createGraph: true })],
    ]),
  ),
  'vjp that is differentiated': () => differentiated((x, v) => vjp(cube, x, v, graph)),
  'jvp that is differentiated': () => differentiated((x, v) => jvp(cube, x, v, graph)),
  'vhp that is differentiated': () => differentiated((x, v) => vhp(cubes, x, v, graph)),
  'hvp that is differentiated': () => differentiated((x, v) => hvp(cubes, x, v, graph)),
  ...Object.fromEntries(
    Object.entries({ vjp, jvp, vhp, hvp }).flatMap(([name, call]) => mistakes({ name, call: call as Loose })),
  ),
  'jacobian, strict, vectorized': () => jacobian(cubes, x, { strict: true, vectorize: true }),
  'jacobian, vectorized': () => jacobian(mixed, both, { vectorize: true }),
  'jacobian, forward': () => jacobian(mixed, both, forward),
  'jacobian of one that ignores an input, forward': () => jacobian(first, both, forward),
  'jacobian of a constant, forward': () => jacobian(constant, x, forward),
  'jacobian of what requires gradients, forward': () => jacobian(cube, tensor([1, 2], { requiresGrad: true }), forward),
  'jacobian, forward, with a graph': () => jacobian(cubes, x, { ...forward, createGraph: true }),
  'jacobian, forward, strict': () => jacobian(cubes, x, { ...forward, strict: true }),
  'jacobian, forward, not vectorized': () => jacobian(cubes, x, { strategy: 'forward-mode' }),
  'jacobian, sideways': () => jacobian(cubes, x, { strategy: 'sideways' as never }),
  'hessian, forward': () => hessian(cubes, x, outer),
  'hessian of several, forward': () => hessian(coupled, both, outer),
  'hessian, forward, with a graph': () => hessian(cubes, x, { ...outer, createGraph: true }),
  'hessian, sideways': () => hessian(cubes, x, { outerJacobianStrategy: 'sideways' as never }),
})

describe('jacobian', () => {
  it('does not change its inputs', () => {
    const x = tensor([1, 2], { requiresGrad: true })
    jacobian((x) => x.exp(), x)
    expect([x.grad, x.version, tensor([1, 2]).requiresGrad]).toEqual([null, 0, false])
  })

  it('reports invalid inputs and outputs', () => {
    expect(() => jacobian((x) => x, 5 as unknown as Tensor)).toThrow(
      'The inputs given to jacobian must be either a Tensor',
    )
    expect(() => jacobian(() => 5 as unknown as Tensor, x)).toThrow(
      'The outputs of the user-provided function given to',
    )
  })
})
