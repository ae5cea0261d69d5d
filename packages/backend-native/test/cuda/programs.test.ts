// Several runs of a compiled program in one call: the host sends the numbers, draws and places of all of them and
// waits for none, and what fails leaves what the complete ones made.
import {
  compile,
  linear,
  manualSeed,
  noGrad,
  optim,
  rand,
  randn,
  type Tensor,
  tensor,
  useDevice,
  zeros,
} from '@flambeau/core'
import { js } from '@flambeau/backend-js'
import { expect } from 'vitest'
import { testWith } from '../../../../tools/test/machine.ts'
import type { CudaAddon } from '../../src/cuda/addon.ts'
import type { CudaBackend } from '../../src/cuda/index.ts'
import { cudaMissing, openBy } from './driver.ts'

/** Calls of the addon's functions, by name. */
const calls = new Map<string, number>()

/** An addon whose calls are counted. */
function counted(addon: CudaAddon): CudaAddon {
  const entries = Object.entries(addon).map(([name, value]: [string, unknown]) => {
    if (typeof value !== 'function') return [name, value] as const
    const call = (...args: unknown[]): unknown => {
      calls.set(name, (calls.get(name) ?? 0) + 1)
      return value.apply(addon, args)
    }
    return [name, call] as const
  })
  return Object.fromEntries(entries) as unknown as CudaAddon
}

let cuda: CudaBackend | undefined
const onCuda = (): void => void useDevice((cuda ??= openBy(counted)))
const it = (name: string, body: () => void): void => testWith('native', cudaMissing, name, body)

/** A step with an argument, a draw and a number that changes with every run; it returns a new tensor. */
function training(): [step: ReturnType<typeof make>, w: Tensor, x: Tensor] {
  manualSeed(3)
  const w = randn(5, 4, { requiresGrad: true })
  const x = randn(6, 4)
  return [make(w), w, x]
}
function make(w: Tensor) {
  const adam = new optim.Adam([w], { lr: 0.05 })
  return compile((x: Tensor) => {
    adam.zeroGrad()
    const loss = linear(x, w).mul(rand(6, 5)).sum()
    loss.backward()
    adam.step()
    return loss.detach()
  })
}

/** The results of 12 runs, and the weights afterwards. */
function results(use: () => unknown, several: boolean): [losses: number[], weights: number[]] {
  use()
  const [step, w, x] = training()
  const losses: number[] = []
  for (let i = 0; i < 4; i++) losses.push(step(x).item())
  if (several) losses.push(...step.repeat(8, { args: [x], stack: true }).toArray())
  else for (let i = 0; i < 8; i++) losses.push(step(x).item())
  return [losses, [...w.detach().toArray()]]
}

/** What a call gives: its elements, or the error that it throws. */
function outcome(call: () => Tensor): unknown {
  try {
    return call().tolist()
  } catch (error) {
    return (error as Error).message
  }
}

it('numbers beyond the range of their dtype are those of eager calls', () => {
  onCuda()
  const numbers = { int32: [3e9, -3e9, 2 ** 31], uint8: [-1, 256, 511], float32: [1e40] } as const
  for (const [dtype, values] of Object.entries(numbers)) {
    const x = tensor([1, 0, 1], { dtype: dtype as keyof typeof numbers })
    for (const number of values) {
      for (const own of [() => x.add(number), () => x.clamp(number)]) {
        const step = compile(own)
        for (let i = 0; i < 4; i++) expect(outcome(step), `${number} as ${dtype}`).toEqual(outcome(own))
      }
    }
  }
})

it('runs in one call have the numbers of single ones', () => {
  expect(results(onCuda, true)).toEqual(results(onCuda, false))
  const [[losses], [wanted]] = [results(onCuda, true), results(() => useDevice(js()), true)]
  for (const [i, loss] of losses.entries()) expect(loss).toBeCloseTo(wanted[i], 4)
})

it('runs in one call are launched together, and nobody waits', () => {
  onCuda()
  const [step, , x] = training()
  for (let i = 0; i < 4; i++) step(x)
  x.sum().item()
  calls.clear()
  const last = step.repeat(50, { args: [x] })
  // Core draws for a few runs at a time.
  const launches = calls.get('launchGraph') ?? 0
  expect(launches).toBeGreaterThan(0)
  expect(launches).toBeLessThan(10)
  expect(calls.get('read') ?? 0).toBe(0)
  expect(calls.get('synchronize') ?? 0).toBe(0)
  expect(calls.get('write')).toBeLessThanOrEqual(3 * launches)
  expect(last.item()).toBeLessThan(0)
})

it('a run that fails leaves what the complete ones made', () => {
  const outcome = (use: () => unknown): unknown[] => {
    use()
    const index = tensor([0], { dtype: 'int32' })
    const [table, kept] = [tensor([1, 2, 3, 4, 5]), zeros(1)]
    const step = compile(() =>
      noGrad(() => {
        kept.add_(table.indexSelect(0, index))
        index.add_(1)
        return kept.clone()
      }),
    )
    for (let i = 0; i < 3; i++) step()
    const message = (() => {
      try {
        step.repeat(9)
        return ''
      } catch (error) {
        return (error as Error).message.split('\n')[0]
      }
    })()
    return [message, kept.item(), index.item()]
  }
  expect(outcome(onCuda)).toEqual(outcome(() => useDevice(js())))
})
