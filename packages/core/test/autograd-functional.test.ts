// Jacobians and Hessians, compared with real PyTorch.
import { js } from '@flambeau/backend-js'
import { arange, autograd, type Tensor, tensor, useDevice } from '@flambeau/core'
import { describe, expect, it } from 'vitest'
import { agrees } from './agreement.ts'

useDevice(js())

const { hessian, jacobian } = autograd.functional
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
