// float64 as the default dtype: every line of golden/doubles.json as real PyTorch runs it (tools/golden/doubles.py), and that
// compiled steps and what was made before notice the change.
import { js } from '@flambeau/backend-js'
import * as core from '@flambeau/core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { asPrinted } from './lines.ts'

const { compile, ones, setDefaultDtype, tensor } = core

beforeAll(() => {
  core.useDevice(js())
  setDefaultDtype('float64')
})
afterAll(() => setDefaultDtype('float32'))

asPrinted('doubles', { t: core, nn: core.nn })

describe('a change', () => {
  afterEach(() => setDefaultDtype('float64'))

  it('reaches ops that ran before', () => {
    const x = tensor([1, 2], { dtype: 'int32' })
    const dtypes = (): string[] => [x.sin(), x.add(0.5), x.div(2), ones(1)].map(({ dtype }) => dtype)
    expect(dtypes()).toEqual(new Array(4).fill('float64'))
    setDefaultDtype('float32')
    expect(dtypes()).toEqual(new Array(4).fill('float32'))
    expect(String(ones(1, { dtype: 'float64' }))).toBe('tensor([1.], dtype=torch.float64)')
    setDefaultDtype('double')
    expect(dtypes()).toEqual(new Array(4).fill('float64'))
    expect(String(ones(1, { dtype: 'float32' }))).toBe('tensor([1.], dtype=torch.float32)')
  })

  it('reaches compiled steps, which cannot make one', () => {
    const x = tensor([1, 2], { dtype: 'int32' })
    const step = compile((x: core.Tensor) => x.sin().add(core.rand(2)))
    const run = (): string[] => Array.from({ length: 4 }, () => step(x).dtype)
    expect(run()).toEqual(new Array(4).fill('float64'))
    setDefaultDtype('float32')
    expect(run()).toEqual(new Array(4).fill('float32'))
    expect(() => compile(() => setDefaultDtype('float64'))()).toThrow('cannot be called inside a compiled step')
    expect(core.getDefaultDtype()).toBe('float32')
  })

  it('keeps the dtype of typed arrays, and trains', () => {
    expect(tensor(Float32Array.of(1)).dtype).toBe('float32')
    const model = new core.nn.Sequential(new core.nn.Linear(2, 3), new core.nn.Tanh(), new core.nn.Linear(3, 1))
    const optimizer = new core.optim.Adam(model.parameters(), { lr: 0.1 })
    const step = compile((x: core.Tensor) => {
      const loss = model.forward(x).square().mean()
      optimizer.zeroGrad()
      loss.backward()
      optimizer.step()
      return loss
    })
    const losses = Array.from({ length: 20 }, () => step(ones(4, 2)))
    expect(losses[0].dtype).toBe('float64')
    expect(losses[19].item()).toBeLessThan(losses[0].item())
  })
})
