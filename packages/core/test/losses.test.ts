// Losses and batch normalisation as functions: values, first and second gradients, names of nodes and errors as in real
// PyTorch (tools/golden/nn.py, losses.py), and other gradients by finite differences.
import { js } from '@flambeau/backend-js'
import {
  F,
  grad,
  gradcheck,
  gradgradcheck,
  nn,
  ones,
  rand,
  type Tensor,
  tensor,
  useDevice,
  zeros,
} from '@flambeau/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  cotangent,
  expectClose,
  expectError,
  type GoldenError,
  type GoldenTensor,
  isGolden,
  type Make,
  made,
  makeModule,
  optionsOf,
  readGolden,
} from './golden-tensors.ts'

useDevice(js())
afterEach(() => void vi.restoreAllMocks())

interface Call {
  readonly fn: string
  readonly args: readonly unknown[]
  readonly options: Readonly<Record<string, unknown>>
}
interface Case extends Call {
  readonly grads: readonly number[]
  readonly out: GoldenTensor
  readonly first: readonly GoldenTensor[]
  readonly second?: readonly (GoldenTensor | null)[]
}
interface Golden {
  readonly cases: readonly Case[]
  readonly errors: readonly (Call & GoldenError)[]
  readonly names: readonly (Call & { readonly name: string })[]
}
const more = readGolden<
  Golden & {
    readonly modules: readonly {
      readonly make: Make
      readonly text: string
      readonly args: readonly GoldenTensor[]
      readonly output: GoldenTensor
      readonly grads: readonly [GoldenTensor]
    }[]
  }
>('more-losses')
const first = readGolden<Golden>('losses')
const golden: Golden = {
  cases: [...first.cases, ...more.cases],
  errors: [...first.errors, ...more.errors],
  names: [...first.names, ...more.names],
}
const modules = readGolden<{
  readonly losses: readonly {
    readonly make: Make
    readonly args: readonly GoldenTensor[]
    readonly output: GoldenTensor
    readonly grads: readonly (GoldenTensor | null)[]
  }[]
}>('nn').losses

const functions = F as unknown as Readonly<Record<string, (...args: unknown[]) => Tensor>>
const quiet = () => vi.spyOn(console, 'warn').mockImplementation(() => {})

const argsOf = ({ args }: Call, wanted: readonly number[] = []): unknown[] =>
  args.map((arg, i) => (isGolden(arg) ? made(arg, wanted.includes(i)) : arg))
const call = (record: Call, args: readonly unknown[] = argsOf(record)): Tensor =>
  functions[record.fn](...args, optionsOf(record.options))

const title = ({ fn, args, options }: Call): string => {
  const shapes = args.map((arg) => (isGolden(arg) ? `[${arg.shape}]` : 'null')).join(', ')
  return `${fn}(${shapes}, ${JSON.stringify(options, (_, x) => (isGolden(x) ? `[${x.shape}]` : x))})`
}

// First, because a warning appears once.
it('warns that the mean of the divergence divides by all elements', () => {
  const warn = quiet()
  F.klDiv(zeros(2), ones(2), { reduction: 'batchmean' })
  expect(warn).not.toHaveBeenCalled()
  F.klDiv(zeros(2), ones(2))
  expect(warn.mock.calls.flat()[0]).toMatch(/^UserWarning: reduction: 'mean' divides the total loss by both/)
})

describe('losses and batch normalisation as PyTorch computes them', () => {
  golden.cases.forEach((record, n) => {
    it(`${n}: ${title(record)}`, () => {
      quiet()
      const args = argsOf(record, record.grads)
      const leaves = record.grads.map((i) => args[i] as Tensor)
      const out = call(record, args)
      expectClose(out, record.out, 1e-13, 'output')
      const first = grad(out, leaves, { gradOutputs: cotangent(out), createGraph: true })
      first.forEach((g, i) => void expectClose(g, record.first[i], 1e-12, `gradient ${i}`))
      if (record.second === undefined) return
      const total = first.map((g) => cotangent(g, 1).mul(g).mul(g).sum()).reduce((a, b) => a.add(b))
      // A linear loss has no second gradient; PyTorch may return zeros for it.
      const second = total.requiresGrad ? grad(total, leaves, { allowUnused: true }) : leaves.map(() => null)
      record.second.forEach((wanted, i) => {
        const found = second[i] ?? zeros(leaves[i].shape, { dtype: 'float64' })
        expectClose(
          found,
          wanted ?? { dtype: leaves[i].dtype, shape: leaves[i].shape, data: new Array(leaves[i].numel()).fill(0) },
          1e-10,
          `second gradient ${i}`,
        )
      })
    })
  })

  for (const record of golden.names) {
    it(`${title(record)} is made by ${record.name}`, () => {
      quiet()
      const out = call(record, argsOf(record, [0]))
      expect(out.gradFn?.name).toBe(record.name)
    })
  }
})

describe('invalid losses', () => {
  golden.errors.forEach((record, n) => {
    it(`${n}: ${title(record)}: ${record.message}`, () => {
      quiet()
      expectError(() => call(record), record)
    })
  })

  it('refuses probabilities outside 0 to 1, and NaN', () => {
    const wrong = { error: 'RuntimeError', message: 'all elements of input should be between 0 and 1' }
    for (const x of [-0.1, 1.5, Number.NaN]) expectError(() => F.binaryCrossEntropy(tensor([0.5, x]), ones(2)), wrong)
  })
})

describe('gradients by finite differences', () => {
  const double = { dtype: 'float64', requiresGrad: true } as const
  const x = () => rand([3, 4], double)
  const weight = tensor([0.5, 1, 2, 3], { dtype: 'float64' })
  const labels = tensor([1, -100, 3], { dtype: 'int32' })
  const both: Record<string, [(...x: Tensor[]) => Tensor, ...Tensor[]]> = {
    'mse, sizes that broadcast': [(a, b) => F.mseLoss(a, b), rand([3, 1], double), rand([4], double)],
    'weighted positives, by input and target': [
      (a, t) => F.binaryCrossEntropyWithLogits(a, t, { posWeight: weight }),
      x(),
      x(),
    ],
    'weighted binary cross entropy, by input and target': [
      (p, t) => F.binaryCrossEntropy(p.mul(0.8).add(0.1), t, { weight, reduction: 'none' }),
      x(),
      x(),
    ],
    'smoothed, weighted cross entropy': [
      (a) => F.crossEntropy(a, labels, { weight, labelSmoothing: 0.3, reduction: 'none' }),
      x(),
    ],
    'squared margins of classes, which PyTorch does not derive twice': [
      (a) => F.multiMarginLoss(a, tensor([1, 0, 3], { dtype: 'int32' }), { p: 2, margin: 3, weight }),
      x(),
    ],
    'cosines of pairs, by both': [(a, b) => F.cosineEmbeddingLoss(a, b, tensor([1, -1, 1]), { margin: -1 }), x(), x()],
    'soft targets': [(a, t) => F.crossEntropy(a, t, { weight, labelSmoothing: 0.3 }), x(), x()],
    'batch normalisation in training': [
      (a, w, b) => F.batchNorm(a, null, null, w, b, { training: true }),
      x(),
      rand([4], double),
      rand([4], double),
    ],
    'batch normalisation of rows in training': [
      (a, w) => F.batchNorm(a, null, null, w, null, { training: true }),
      rand([3, 2, 2], double),
      rand([2], double),
    ],
    'batch normalisation in evaluation': [
      (a, w, b) => F.batchNorm(a, zeros([4], { dtype: 'float64' }), weight, w, b),
      x(),
      rand([4], double),
      rand([4], double),
    ],
  }
  for (const [name, [fn, ...inputs]] of Object.entries(both)) {
    it(name, () => {
      quiet()
      expect(gradcheck(fn, inputs)).toBe(true)
      expect(gradgradcheck(fn, inputs)).toBe(true)
    })
  }
})

describe('losses as modules', () => {
  modules.forEach(({ make, args, output, grads }, n) => {
    it(`${n}: ${JSON.stringify(make)}`, () => {
      const [x, y] = args.map((arg, i) => made(arg, grads[i] !== null))
      const out = makeModule(make).forward(x, y) as Tensor
      expectClose(out, output, 2e-7)
      out.backward(cotangent(out))
      expectClose(x.grad, grads[0] as GoldenTensor, 2e-7)
    })
  })

  for (const { make, text, args, output, grads } of more.modules) {
    it(`${JSON.stringify(make)}`, () => {
      quiet()
      const [x, ...rest] = args.map((arg, i) => made(arg, i === 0))
      const loss = makeModule(make)
      expect(String(loss)).toBe(text)
      const out = loss.forward(x, ...rest) as Tensor
      expectClose(out, output, 1e-6)
      out.backward(cotangent(out))
      expectClose(x.grad, grads[0], 1e-6)
    })
  }

  it('keep their weights as buffers, so that they move and are saved', () => {
    const loss = new nn.CrossEntropyLoss({ weight: ones(3), reduction: 'sum' })
    expect([...loss.stateDict().keys()]).toEqual(['weight'])
    loss.double()
    expect(loss.weight?.dtype).toBe('float64')
    expect([...new nn.BCEWithLogitsLoss({ posWeight: ones(2) }).stateDict().keys()]).toEqual(['pos_weight'])
    expect([...new nn.NLLLoss().stateDict().keys()]).toEqual([])
  })
})

describe('edges', () => {
  it('refuses class weights of another size, which PyTorch reads beyond their end', () => {
    const labels = tensor([0, 1], { dtype: 'int32' })
    expect(() => F.multiMarginLoss(ones(2, 3), labels, { weight: ones(2) })).toThrow(
      /^inconsistent weight size, expected 3 but got \[2\]/,
    )
  })

  it('refuses a target of soft margins that wants a gradient, and distances that are no tensors', () => {
    const target = ones(2).setRequiresGrad(true)
    expect(() => F.softMarginLoss(ones(2), target)).toThrow(/^The function 'soft_margin_loss' is not differentiable/)
    const wrong = { distanceFunction: (() => 1) as never }
    expect(() => F.tripletMarginWithDistanceLoss(ones(1, 2), ones(1, 2), ones(1, 2), wrong)).toThrow(
      'distance_function must return a Tensor, not int',
    )
  })

  it('warns once where sizes differ and broadcast', () => {
    const warn = quiet()
    for (let i = 0; i < 3; i++) F.mseLoss(ones(5, 1), ones(5))
    expect(warn.mock.calls).toEqual([
      [
        'UserWarning: Using a target size (torch.Size([5])) that is different to the input size (torch.Size([5, 1])). This will likely lead to incorrect results due to broadcasting. Please ensure they have the same size.',
      ],
    ])
  })

  it('does not warn where they are equal', () => {
    const warn = quiet()
    F.mseLoss(ones(5, 1), ones(5, 1))
    expect(warn).not.toHaveBeenCalled()
  })

  it('clamps logarithms of probabilities at -100, and their slopes', () => {
    const x = tensor([0, 1, 0.5], { requiresGrad: true })
    const loss = F.binaryCrossEntropy(x, tensor([1, 0, 1]), { reduction: 'none' })
    expect(Array.from(loss.detach().toArray())).toEqual([100, 100, Math.fround(Math.LN2)])
    loss.sum().backward()
    expect(Array.from(x.grad?.toArray() ?? [])).toEqual([Math.fround(-1e12), Math.fround(1e12), -2])
  })

  it('takes logits of any size', () => {
    const x = tensor([1000, -1000, 0], { requiresGrad: true })
    const loss = F.binaryCrossEntropyWithLogits(x, tensor([1, 1, 0.5]), { reduction: 'none' })
    expect(Array.from(loss.detach().toArray())).toEqual([0, 1000, Math.fround(Math.LN2)])
    loss.sum().backward()
    expect(Array.from(x.grad?.toArray() ?? [])).toEqual([0, -1, 0])
  })

  it('does not read log-probabilities of other classes', () => {
    const x = tensor([[Number.NEGATIVE_INFINITY, -1]], { requiresGrad: true })
    const loss = F.nllLoss(x, tensor([1], { dtype: 'int32' }))
    expect(loss.item()).toBe(1)
    loss.backward()
    expect(Array.from(x.grad?.toArray() ?? [])).toEqual([0, -1])
  })

  it('gives NaN for a mean of nothing', () => {
    expect(F.mseLoss(ones(0), ones(0)).item()).toBeNaN()
    expect(F.nllLoss(ones(2, 3), tensor([-100, -100], { dtype: 'int32' })).item()).toBeNaN()
    expect(F.nllLoss(ones(0, 3), zeros([0], { dtype: 'int32' }), { reduction: 'sum' }).item()).toBe(0)
  })

  it('ignores no class if the ignored class is not an int32', () => {
    const x = rand(3, 4)
    const y = tensor([0, 1, 2], { dtype: 'int32' })
    for (const labelSmoothing of [0, 0.1]) {
      const all = F.crossEntropy(x, y, { labelSmoothing, reduction: 'none' }).toArray()
      for (const ignoreIndex of [2 ** 32, 2 ** 32 + 1, -(2 ** 40)])
        expect(F.crossEntropy(x, y, { ignoreIndex, labelSmoothing, reduction: 'none' }).toArray()).toEqual(all)
    }
  })

  it('gives one-hot and index targets the same loss', () => {
    const x = rand([5, 3])
    const labels = tensor([0, 2, 1, 1, 0], { dtype: 'int32' })
    const oneHot = F.oneHot(labels, 3).float()
    expect(F.crossEntropy(x, labels).sub(F.crossEntropy(x, oneHot)).abs().item()).toBeLessThan(1e-6)
  })

  it('runs one kernel for the sum, one for the mean, one for each gradient', () => {
    const device = js()
    const run = vi.spyOn(device, 'run')
    const x = rand([8, 2], { requiresGrad: true })
    run.mockClear()
    const loss = F.mseLoss(x, zeros(8, 2).sub(1))
    expect(run.mock.calls.map(([{ kind }]) => kind)).toEqual(['map', 'map', 'map', 'map'])
    run.mockClear()
    loss.backward()
    // The starting gradient of 1, and the gradient.
    expect(run.mock.calls.map(([{ kind }]) => kind)).toEqual(['map', 'map'])
  })
})
