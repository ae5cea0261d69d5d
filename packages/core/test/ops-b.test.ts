import { js } from '@flambeau/backend-js'
import * as fl from '@flambeau/core'
import { beforeAll, expect, it } from 'vitest'
const { tensor, Slice, ones, arange, zeros, grad } = fl

beforeAll(() => void fl.useDevice(js()))
const N = (x: any) => JSON.stringify(x.toNested())
it('smoke', () => {
  const I = (...a: number[]) => tensor(a, { dtype: 'int32' })
  const x = arange(24, { dtype: 'float32' }).reshape(2, 3, 4)
  const log = (...a: any[]) => console.log(...a)
  log(N(x.at(0)), N(x.at(Slice(1), '...', -1)), N(x.at('1:, None, ::2, 0')), N(x.at(I(1, 0), Slice(), I(1, 3))))
  log(N(x.at(x.gt(20))), N(x.at('...', [0, -1])), N(x.at(0, [true, false, true])))
  const y = x.clone()
  y.setAt([0, Slice(0, 2), 1], 100).setAt(x.gt(20), -1).setAt([[1], Slice(), [2]], tensor([7, 8, 9]).reshape(1, 3))
  log(N(y))
  const p = ones(2, 3, { requiresGrad: true })
  const [g] = grad(p.at(I(0, 0)).square().sum(), [p], { createGraph: true })
  log(N(g), g.gradFn!.name, N(grad(g.sum(), [p])[0]))
  log(N(p.nonzero()), N(I(0, 2).oneHot()), N(p.indexSelect(1, I(2, 2))), p.maskedFill(p.gt(0), 3).gradFn!.name)
  const z = p.mul(1)
  z.setAt([I(0), I(1)], 5)
  log(N(z), z.gradFn!.name, N(grad(z.sum(), [p])[0]))
  log(N(tensor([1.5, 0]).bool()), p.equal(p.detach()), p.allclose(p), [...[1]])
  log(N(zeros(2).fill_(3)), N(zeros(2, 2).copy_(tensor([1, 2]))))
})
