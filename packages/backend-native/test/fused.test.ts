// Kernels of compositions, compared with the instructions they replace where the conformance suite does not: in
// compiled steps, across devices, in their errors, and on several threads.
import { watched } from '@flambeau/backend-conformance'
import { js } from '@flambeau/backend-js'
import * as core from '@flambeau/core'
import { expect } from 'vitest'
import { nativeMissing, testWith } from '../../../tools/test/machine.ts'
import { native } from '../src/index.ts'

const { F, compile, grad, logSoftmax, manualSeed, nn, optim, randint, randn, softmax, tensor, useDevice } = core
type Tensor = core.Tensor
type FloatType = 'float32' | 'float64'

const it = (name: string, body: () => void | Promise<void>) => testWith('native', nativeMissing, name, body)

const numbers = (x: Tensor): number[] => Array.from(x.detach().reshape(-1).toArray() as ArrayLike<number>)

/** Runs a body with and without fused kernels. The results must be close, and it must use the named kernels. */
async function alike(kernels: readonly string[], dtype: FloatType, body: () => readonly Tensor[]): Promise<void> {
  const device = await native()
  const seen = new Set<string>()
  const run = (fused: boolean): number[][] => {
    useDevice(watched(device, fused, fused ? seen : new Set()))
    manualSeed(5)
    return body().map(numbers)
  }
  const [whole, composed] = [run(true), run(false)]
  for (const kernel of kernels) expect([...seen]).toContain(kernel)
  const tolerance = dtype === 'float32' ? 2e-5 : 1e-12
  whole.forEach((values, i) => {
    expect(values.length).toBe(composed[i].length)
    const most = composed[i].reduce((a, x) => (Number.isFinite(x) ? Math.max(a, Math.abs(x)) : a), 1)
    values.forEach((x, k) => {
      const y = composed[i][k]
      const near = Number.isFinite(y) ? Math.abs(x - y) <= tolerance * most : Object.is(x, y)
      if (!near) throw new Error(`result ${i}, element ${k}: ${x} with the kernel, ${y} without`)
    })
  })
}

it('a compiled step uses the kernels and gives the results of an eager one', async () => {
  for (const shape of [
    [12, 9],
    [6, 4, 10],
  ]) {
    await alike([], 'float32', () => {
      const [last] = shape.slice(-1)
      const norms = [new nn.BatchNorm1d(shape[1]), new nn.LayerNorm(last)]
      const model = new nn.Sequential(new nn.Linear(last, last), ...norms, new nn.Tanh())
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 })
      const x = randn([...shape])
      const y = randint(shape[1], [shape[0], ...shape.slice(2)])
      const step = compile(() => {
        const loss = F.crossEntropy(model.forward(x), y).add(softmax(model.forward(x), 1).mul(x).sum())
        optimizer.zeroGrad()
        loss.backward()
        optimizer.step()
        return loss
      })
      const losses = Array.from({ length: 12 }, () => tensor(step().item()))
      const kinds = ['batchNorm', 'sliceNorm', 'crossEntropy', 'softmax'].flatMap((kind) => [kind, `${kind}Backward`])
      for (const kind of kinds)
        if (core.currentDevice().backend.caps.fused !== undefined) expect(String(step.explain())).toContain(`${kind}(`)
      return [...losses, ...model.parameters()]
    })
  }
})

it('tensors that change their device between forward and backward', async () => {
  useDevice(await native())
  const x = randn(20, 10).requiresGrad_()
  const y = randint(10, [20])
  const here = grad(F.crossEntropy(x, y), x)[0]
  const there = x.detach().to(core.registerDevice(js()).name).requiresGrad_()
  const moved = grad(F.crossEntropy(logSoftmax(there.to('native'), 1), y).to('js'), there)[0]
  expect(moved.device).toBe('js')
  for (const [i, v] of numbers(moved).entries()) expect(v).toBeCloseTo(numbers(here)[i], 6)
})

it('cross entropy throws the same errors with and without its kernel', async () => {
  const device = await native()
  const sentences = (fused: boolean): string[] => {
    useDevice(watched(device, fused, new Set()))
    const x = randn(3, 4)
    const cases: (() => unknown)[] = [
      () => F.crossEntropy(x, tensor([0, 4, 1], { dtype: 'int32' })),
      () => F.crossEntropy(x, tensor([0, -1, 1], { dtype: 'int32' })),
      () => F.crossEntropy(x, tensor([0, 1], { dtype: 'int32' })),
      () => F.crossEntropy(x, tensor([0, 4, 1], { dtype: 'int32' }), { ignoreIndex: 2 ** 32 + 4 }),
      () => F.crossEntropy(x, tensor([0.5, 1, 2])),
      () => F.crossEntropy(x.int(), tensor([0, 1, 2], { dtype: 'int32' })),
      () => F.crossEntropy(x, tensor([0, 1, 2], { dtype: 'int32' }), { reduction: 'middle' as 'mean' }),
    ]
    return cases.map((body) => {
      try {
        body()
        return 'no error'
      } catch (error) {
        return `${(error as Error).name}: ${(error as Error).message}`
      }
    })
  }
  const whole = sentences(true)
  expect(whole).toEqual(sentences(false))
  expect(whole).not.toContain('no error')
})

it('one thread and several give the same bits', async () => {
  const run = async (threads: number) => {
    useDevice(await native({ threads }))
    manualSeed(3)
    const x = randn(300, 70, 5).requiresGrad_()
    const loss = F.crossEntropy(x, randint(70, [300, 5]))
    const [weight, bias, channels, shifts] = [[70, 5], [70, 5], [70], [70]].map((sizes) => randn(sizes).requiresGrad_())
    const normal = F.batchNorm(x, null, null, { weight: channels, bias: shifts, training: true })
    // Channels so large that each is cut into parts, and channels side by side.
    const large = randn(140, 1, 1000).requiresGrad_()
    const flat = randn(8300, 17).requiresGrad_()
    const [ofLarge, ofFlat] = [large, flat].map((y) => F.batchNorm(y, null, null, { training: true }))
    const layers = F.layerNorm(x, [70, 5], { weight, bias })
    const groups = F.groupNorm(x, 7, { weight: channels, bias: shifts })
    const sums = [normal.add(layers).add(groups).mul(x), ofLarge.mul(large), ofFlat.mul(flat)].map((y) => y.sum())
    const total = sums.reduce((sum, y) => sum.add(y), loss)
    const results = [softmax(x, 1), logSoftmax(x, 0), loss, normal, layers, groups, ofLarge, ofFlat]
    const gradients = grad(total, [x, large, flat, weight, bias, channels, shifts])
    return [...results, ...gradients].map((y) => Buffer.from(y.detach().toArray().buffer as ArrayBuffer))
  }
  const [one, two] = [await run(1), await run(2)]
  expect(one.map((bits, i) => bits.equals(two[i]))).not.toContain(false)
  expect(one).toHaveLength(15)
})
