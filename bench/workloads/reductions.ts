// Sum, mean and maximum of 1000 x 1000 x 10 over each axis.
import { manualSeed, randn, type Tensor } from 'flambeau'
import { type Inputs, input, type Workload, wasmOfNative, wasmTargets } from './workload.ts'

const shape = [1000, 1000, 10]
const elements = 1e7

const inputs = (): Inputs => {
  manualSeed(0)
  return { x: randn(...shape) }
}

const reducers: Readonly<Record<string, (x: Tensor, dim: number) => Tensor>> = {
  sum: (x, dim) => x.sum(dim),
  mean: (x, dim) => x.mean(dim),
  max: (x, dim) => x.amax(dim),
}

const reduction = (name: string, dim: number, sum: number): Workload => ({
  name: `${name}-${dim}`,
  id: `W9-${name}${dim}`,
  title: `${name} of ${shape.join(' x ')} over axis ${dim}`,
  unit: 'reduction',
  inputs,
  program(given) {
    const x = input(given, 'x')
    const reduce = reducers[name]
    return { step: () => reduce(x, dim) }
  },
  expected: { after: 1, sum },
  bytes: 4 * (elements + elements / shape[dim]),
  targets: [
    ...wasmTargets(1, 1),
    wasmOfNative,
    { subject: 'js compiled', than: 'floor', atMost: 1.2 },
    { subject: 'native', than: 'torch', atMost: name === 'max' ? 1 / 3 : 1 },
  ],
})

export const reductions: readonly Workload[] = [
  reduction('sum', 0, 519.697),
  reduction('sum', 1, 519.697),
  reduction('sum', 2, 519.697),
  reduction('mean', 0, 0.519697),
  reduction('mean', 1, 0.519697),
  reduction('mean', 2, 51.96975),
  reduction('max', 0, 32_424.08),
  reduction('max', 1, 32_461.94),
  reduction('max', 2, 1_538_583),
]
