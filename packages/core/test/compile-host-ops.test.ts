// Factorizations and solvers in compiled steps: instructions that JavaScript computes. Each replay computes them anew, with
// their gradients, and a matrix that cannot be factorized fails the step before it has changed anything.
import { js } from '@flambeau/backend-js'
import {
  compile,
  distributions,
  eye,
  linalg,
  manualSeed,
  noGrad,
  nn,
  optim,
  randn,
  type Tensor,
  useDevice,
  zeros,
} from '@flambeau/core'
import { beforeEach, describe, expect, it } from 'vitest'

beforeEach(() => useDevice(js()))

const ops: Record<string, (x: Tensor, b: Tensor) => Tensor> = {
  inv: (x) => linalg.inv(x),
  det: (x) => linalg.det(x),
  slogdet: (x) => linalg.slogdet(x).logabsdet,
  solve: (x, b) => linalg.solve(x, b),
  cholesky: (x) => linalg.cholesky(x.matmul(x.transpose(-2, -1)).add(eye(3))),
  qr: (x) => linalg.qr(x).R,
  svdvals: (x) => linalg.svdvals(x),
  eigvalsh: (x) => linalg.eigvalsh(x.add(x.transpose(-2, -1))),
  pinv: (x) => linalg.pinv(x),
  lstsq: (x, b) => linalg.lstsq(x, b).solution,
  matrixExp: (x) => linalg.matrixExp(x),
}

describe('a training through', () => {
  it.each(Object.entries(ops))('%s', (_, op) => {
    const trained = (isCompiled: boolean): unknown => {
      manualSeed(1)
      const x = new nn.Parameter(randn(2, 3, 3).add(eye(3).mul(3)))
      const b = randn(2, 3, 2)
      const sgd = new optim.SGD([x], { lr: 0.01 })
      const step = (): Tensor => {
        const loss = op(x, b).square().mean()
        sgd.zeroGrad()
        loss.backward()
        sgd.step()
        return loss
      }
      const run = isCompiled ? compile(step) : step
      const losses = Array.from({ length: 6 }, () => run().item())
      if (isCompiled) expect((run as ReturnType<typeof compile>).explain()).toContain('host')
      return [losses, x.tolist()]
    }
    expect(trained(true)).toEqual(trained(false))
  })
})

it('a matrix that is singular at a replay throws, and nothing has changed', () => {
  const x = eye(2).mul(2)
  const count = zeros(1)
  const step = compile(() => {
    noGrad(() => count.add_(1))
    return linalg.inv(x)
  })
  for (let i = 0; i < 4; i++) step()
  expect(step.repeat(3).tolist()).toEqual([
    [0.5, 0],
    [0, 0.5],
  ])
  noGrad(() => x.zero_())
  expect(() => step()).toThrow('linalg.inv: ')
  expect(count.item()).toBe(7)
  noGrad(() => x.add_(eye(2)))
  expect(step().tolist()).toEqual([
    [1, 0],
    [0, 1],
  ])
})

it('a distribution of vectors is fitted in a compiled step', () => {
  manualSeed(0)
  const data = randn(64, 2).mul(2).add(1)
  const [loc, factor] = [new nn.Parameter(zeros(2)), new nn.Parameter(eye(2))]
  const adam = new optim.Adam([loc, factor], { lr: 0.1 })
  const step = compile(() => {
    const p = new distributions.MultivariateNormal(loc, { covarianceMatrix: factor.matmul(factor.t()) })
    const loss = p.logProb(data).mean().neg()
    adam.zeroGrad()
    loss.backward()
    adam.step()
    return loss
  })
  for (let i = 0; i < 100; i++) step()
  expect(loc.allclose(data.mean(0), { atol: 0.05 })).toBe(true)
})
