// tanh(1.5 x + 0.5) * sigmoid(x) of a million, summed, and its gradient.
import { grad, manualSeed, randn } from 'flambeau'
import { input, type Workload, wasmOfNative, wasmTargets } from './workload.ts'

const n = 1_000_000

export const activation: Workload = {
  name: 'activation',
  id: 'W7',
  title: 'tanh(1.5 x + 0.5) * sigmoid(x) of a million, sum, backward',
  unit: 'step',
  inputs() {
    manualSeed(0)
    return { x: randn(n) }
  },
  program(inputs) {
    const x = input(inputs, 'x').detach().requiresGrad_()
    return {
      step() {
        const sum = x.mul(1.5).add(0.5).tanh().mul(x.sigmoid()).sum()
        return [sum, ...grad(sum, x)]
      },
    }
  },
  expected: { after: 1, sum: 254_702.5 },
  bytes: 2 * 4 * n,
  targets: [
    ...wasmTargets(0.2, 0.3),
    wasmOfNative,
    { subject: 'js compiled', than: 'floor', atMost: 1.1 },
    { subject: 'js compiled', than: 'jax-js', atMost: 1 },
    { subject: 'native compiled', than: 'torch', atMost: 0.2 },
  ],
}
