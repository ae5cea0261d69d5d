// Fused kernels beside what they stand for: the same functions on native with its kernels and without them, of random
// shapes, along every axis, with special values, with gradients and their gradients, eager and compiled.
import { js } from '@flambeau/backend-js'
import * as core from '@flambeau/core'
import type { Backend, Instr } from '@flambeau/core/backend'
import { expect } from 'vitest'
import { nativeMissing, testWith } from '../../../tools/test/machine.ts'
import { native } from '../src/index.ts'

const { F, compile, grad, logSoftmax, manualSeed, nn, optim, randint, randn, softmax, tensor, useDevice } = core
type Tensor = core.Tensor
type FloatType = 'float32' | 'float64'

const it = (name: string, body: () => void | Promise<void>) => testWith('native', nativeMissing, name, body)

/** A backend that says what it ran; `fused` false: without its fused kernels. */
function watched(backend: Backend, fused: boolean, kinds: Set<string>): Backend {
  const caps = fused ? backend.caps : { ...backend.caps, fused: undefined }
  return new Proxy(backend, {
    get(target, key) {
      if (key === 'caps') return caps
      const value = target[key as keyof Backend] as unknown
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        if (key === 'run') kinds.add((args[0] as Instr).kind)
        return value.apply(target, args)
      }
    },
  })
}

const numbers = (x: Tensor): number[] => Array.from(x.detach().reshape(-1).toArray() as ArrayLike<number>)

/** Runs a body with and without fused kernels; its results have to be alike, and it has to use the kernels named. */
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

const shapes: readonly (readonly number[])[] = [
  [1],
  [7],
  [64],
  [5, 16],
  [3, 33],
  [9, 1],
  [2, 5, 3],
  [4, 17, 20],
  [2, 3, 4, 5],
  [3, 1000],
  [70, 2, 40],
]
const dtypes: readonly FloatType[] = ['float32', 'float64']

for (const dtype of dtypes) {
  for (const [name, fn] of Object.entries({ softmax, logSoftmax })) {
    it(`${name} and its gradients, ${dtype}`, async () => {
      for (const shape of shapes) {
        for (let d = 0; d < shape.length; d++) {
          await alike([name, `${name}Backward`], dtype, () => {
            const x = randn([...shape], { dtype })
              .mul(3)
              .requiresGrad_()
            const weights = randn([...shape], { dtype })
            const y = fn(x, d)
            const [first] = grad(y.mul(weights).sum(), x, { retainGraph: true })
            const [again] = grad(y.mul(weights).sum(), x, { createGraph: true })
            return [y, first, ...grad(again.mul(again).sum(), x)]
          })
        }
      }
    })
  }

  it(`cross entropy and its gradients, ${dtype}`, async () => {
    for (const shape of shapes) {
      const classes = shape[shape.length === 1 ? 0 : 1]
      for (const reduction of ['mean', 'sum', 'none'] as const) {
        for (const ignoreIndex of [-100, 0]) {
          await alike(['crossEntropy', 'crossEntropyBackward'], dtype, () => {
            const x = randn([...shape], { dtype })
              .mul(2)
              .requiresGrad_()
            const y = randint(classes, shape.length === 1 ? [] : [shape[0], ...shape.slice(2)])
            const options = { reduction, ignoreIndex }
            const loss = F.crossEntropy(x, y, options)
            const weights = randn([...loss.shape], { dtype })
            const [first] = grad(loss.mul(weights).sum(), x)
            const [again] = grad(F.crossEntropy(x, y, options).mul(weights).sum(), x, { createGraph: true })
            return [loss, first, ...grad(again.mul(again).sum(), x)]
          })
        }
      }
    }
  })

  it(`moments in batch norm, ${dtype}`, async () => {
    for (const shape of [
      [2, 1],
      [40, 3],
      [33, 50],
      [2, 5, 7],
      [4, 3, 600],
      [2, 3, 4, 9],
    ]) {
      await alike(['moments'], dtype, () => {
        const x = randn([...shape], { dtype })
          .add(7)
          .requiresGrad_()
        const [mean, variance] = [core.zeros(shape[1], { dtype }), core.ones(shape[1], { dtype })]
        const y = F.batchNorm(x, mean, variance, { training: true })
        return [y, mean, variance, ...grad(y.mul(randn([...shape], { dtype })).sum(), x)]
      })
    }
  })
}

it('special values', async () => {
  const { NaN: nan, POSITIVE_INFINITY: infinity } = Number
  const rows = [
    [1, nan, 2],
    [infinity, 1, 2],
    [-infinity, 1, 2],
    [-infinity, -infinity, -infinity],
    [infinity, infinity, 0],
    [1e38, -1e38, 3e38],
    [88, 89, -104],
    [0, -0, 0],
    [1000, 1000.5, 999],
  ]
  for (const dtype of dtypes) {
    await alike(['softmax', 'logSoftmax', 'crossEntropy'], dtype, () =>
      [rows, rows.map((row) => [...row, ...new Array(40).fill(-3)])].flatMap((values) => {
        const x = tensor(values, { dtype }).requiresGrad_()
        const y = tensor(
          values.map((_, i) => i % 3),
          { dtype: 'int32' },
        )
        const losses = F.crossEntropy(x, y, { reduction: 'none' })
        return [softmax(x, 1), softmax(x, 0), logSoftmax(x, 1), losses, ...grad(losses.sum(), x)]
      }),
    )
  }
})

it('operands in any order, and a gradient that is one number for all', async () => {
  await alike(['softmax', 'softmaxBackward', 'crossEntropy', 'crossEntropyBackward', 'moments'], 'float32', () => {
    const x = randn(30, 6, 50).requiresGrad_()
    const views = [x.transpose(0, 2), x.permute(1, 2, 0), x.flip(1), x.select(1, 2).expand(4, 30, 50)]
    return views.flatMap((view) => {
      const y = softmax(view, 1)
      const losses = F.crossEntropy(view, randint(view.shape[1], [view.shape[0], ...view.shape.slice(2)]))
      const normal = F.batchNorm(view, null, null, { training: true })
      return [y, losses, normal, ...grad(y.sum().add(losses).add(normal.mul(y).sum()), x)]
    })
  })
})

it('a compiled step uses the kernels and gives what an eager one gives', async () => {
  for (const shape of [
    [12, 9],
    [6, 4, 10],
  ]) {
    await alike([], 'float32', () => {
      const model = new nn.Sequential(new nn.BatchNorm1d(shape[1]), new nn.Tanh())
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
      for (const kind of ['moments', 'crossEntropy', 'crossEntropyBackward', 'softmax', 'softmaxBackward'])
        if (core.currentDevice().backend.caps.fused !== undefined) expect(String(step.explain())).toContain(`${kind}(`)
      return [...losses, ...model.parameters()]
    })
  }
})

it('tensors that change the device between forward and backward', async () => {
  useDevice(await native())
  const x = randn(20, 10).requiresGrad_()
  const y = randint(10, [20])
  const here = grad(F.crossEntropy(x, y), x)[0]
  const there = x.detach().to(core.registerDevice(js()).name).requiresGrad_()
  const moved = grad(F.crossEntropy(logSoftmax(there.to('native'), 1), y).to('js'), there)[0]
  expect(moved.device).toBe('js')
  for (const [i, v] of numbers(moved).entries()) expect(v).toBeCloseTo(numbers(here)[i], 6)
})

it('errors of cross entropy are those without the kernel', async () => {
  const device = await native()
  const sentences = (fused: boolean): string[] => {
    useDevice(watched(device, fused, new Set()))
    const x = randn(3, 4)
    const cases: (() => unknown)[] = [
      () => F.crossEntropy(x, tensor([0, 4, 1], { dtype: 'int32' })),
      () => F.crossEntropy(x, tensor([0, -1, 1], { dtype: 'int32' })),
      () => F.crossEntropy(x, tensor([0, 1], { dtype: 'int32' })),
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
    const normal = F.batchNorm(x, null, null, { training: true })
    return [softmax(x, 1), logSoftmax(x, 0), loss, normal, ...grad(loss.add(normal.mul(x).sum()), x)].map(numbers)
  }
  const [one, two] = [await run(1), await run(2)]
  expect(one).toEqual(two)
})
