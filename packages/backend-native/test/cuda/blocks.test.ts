// Programs of small instructions: one block does them all, with the bits of separate kernels.
import {
  compile,
  manualSeed,
  matmul,
  noGrad,
  optim,
  randn,
  type Tensor,
  tensor,
  useDevice,
  zeros,
} from '@flambeau/core'
import { expect } from 'vitest'
import { testWith } from '../../../../tools/test/machine.ts'
import type { CudaAddon } from '../../src/cuda/addon.ts'
import type { CudaBackend } from '../../src/cuda/index.ts'
import { cudaMissing, openBy } from './driver.ts'

/** The launches of the graphs that were recorded, one list for each. */
const graphs: number[] = []
let recorded = -1

/** An addon that notes how many launches graphs have. */
function watched(addon: CudaAddon): CudaAddon {
  return {
    ...addon,
    beginGraph: (device: never) => {
      recorded = 0
      return addon.beginGraph(device)
    },
    endGraph: (device: never) => {
      graphs.push(recorded)
      recorded = -1
      return addon.endGraph(device)
    },
    submit: (device: never, words: Int32Array, count: number) => {
      // A launch has eight words and two for each parameter.
      if (recorded >= 0) for (let at = 0; at < count; at += 8 + 2 * words[at + 6]) recorded++
      return addon.submit(device, words, count)
    },
  }
}

let cuda: CudaBackend | undefined
const onCuda = (): void => void useDevice((cuda ??= openBy(watched)))
const it = (name: string, body: () => void): void => testWith('native', cudaMissing, name, body, 120_000)

/** Runs a step a few times, eagerly and compiled; returns the launches of the graph. */
function sameBits(make: () => [step: () => Tensor, state: readonly Tensor[]]): number {
  onCuda()
  const run = (compiled: boolean): number[][] => {
    manualSeed(5)
    const [step, state] = make()
    const program = compiled ? compile(step) : step
    const results: number[][] = []
    for (let i = 0; i < 4; i++) results.push([...program().toArray()])
    return [...results, ...state.map((x) => [...x.detach().toArray()])]
  }
  const eager = run(false)
  graphs.length = 0
  expect(run(true)).toEqual(eager)
  expect(graphs.length).toBeGreaterThan(0)
  return Math.max(...graphs)
}

it('a regression over a small set is one launch', () => {
  const launches = sameBits(() => {
    const [x, y] = [randn(506, 13), randn(506, 1)]
    const [w, b] = [randn(13, 1, { requiresGrad: true }), zeros(1, { requiresGrad: true })]
    const sgd = new optim.SGD([w, b], { lr: 0.01, momentum: 0.9 })
    const step = (): Tensor => {
      sgd.zeroGrad()
      const loss = matmul(x, w).add(b).sub(y).square().mean()
      loss.backward()
      sgd.step()
      return loss.detach()
    }
    return [step, [w, b]]
  })
  expect(launches).toBe(1)
})

it('rows, reductions of several forms and movements are in one launch', () => {
  const launches = sameBits(() => {
    const x = randn(40, 70)
    const step = (): Tensor =>
      noGrad(() => {
        // By threads, by warps, by blocks, and in parts.
        const sums = x.sum(0).sum().add(x.softmax(1).logsumexp(0).mean()).add(x.flatten().prod())
        return sums.add(x.slice(0, 0, 9, 2).cumsum(1).max()).add(x.argmax(1).sum())
      })
    return [step, []]
  })
  expect(launches).toBe(1)
})

it('what is large stands alone between blocks', () => {
  const launches = sameBits(() => {
    const [x, w] = [randn(80, 80), randn(80, 80)]
    return [() => noGrad(() => matmul(x.softmax(1), w).softmax(1).sum()), []]
  })
  expect(launches).toBe(3)
})

it('a failure within a block leaves what comes after it', () => {
  onCuda()
  const [table, index, kept] = [tensor([1, 2, 3]), tensor([0], { dtype: 'int32' }), zeros(1)]
  const step = compile(() =>
    noGrad(() => {
      kept.add_(table.indexSelect(0, index))
      index.add_(1)
    }),
  )
  for (let i = 0; i < 3; i++) step()
  expect(step).toThrow(/index 3 is out of bounds/)
  expect([kept.item(), index.item()]).toEqual([6, 3])
})
