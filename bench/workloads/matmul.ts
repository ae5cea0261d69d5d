// Products of square matrices.
import { manualSeed, randn } from 'flambeau'
import { type Inputs, input, type Workload, wasmTargets } from './workload.ts'

const matmul = (n: number, sum: number): Workload => ({
  name: `matmul-${n}`,
  id: `W4-${n}`,
  title: `Matrix product ${n} x ${n}`,
  unit: 'product',
  inputs(): Inputs {
    manualSeed(0)
    return { a: randn(n, n), b: randn(n, n) }
  },
  program(inputs) {
    const a = input(inputs, 'a')
    const b = input(inputs, 'b')
    return { step: () => a.matmul(b) }
  },
  expected: { after: 1, sum },
  flops: 2 * n ** 3,
  targets: n === 64 ? wasmTargets(0.75, 0.4) : wasmTargets(0.68, 0.5),
})

export const matmuls: readonly Workload[] = [
  matmul(64, -15.17682),
  matmul(256, -6888.969),
  matmul(512, 23_075.54),
  matmul(1024, -65_378.37),
]
