// Workloads that are all overhead: a graph of twenty scalar operations, forward and backward, and a single operation.
import { grad, noGrad, ones, tensor } from 'flambeau'
import { input, type Workload, wasmOfJs } from './workload.ts'

export const scalarGraph: Workload = {
  name: 'scalar-graph',
  id: 'W10',
  title: 'z = x, ten times z = z * y + x, backward',
  unit: 'graph',
  inputs: () => ({ x: tensor(1), y: tensor(0.99) }),
  program(inputs) {
    const x = input(inputs, 'x').detach().requiresGrad_()
    const y = input(inputs, 'y').detach().requiresGrad_()
    return {
      step() {
        let z = x
        for (let i = 0; i < 10; i++) z = z.mul(y).add(x)
        return [z, ...grad(z, [x, y])]
      },
    }
  },
  expected: { after: 1, sum: 10.46617 },
  targets: [
    wasmOfJs,
    { subject: 'js', atMost: 20_000 },
    // 20 µs on a machine where PyTorch takes 77.
    { subject: 'js', than: 'torch', atMost: 0.26 },
    { subject: 'js compiled', atMost: 1000 },
    { subject: 'js compiled', than: 'torch', atMost: 1 },
    { subject: 'js compiled', than: 'jax-js', atMost: 1 },
    { subject: 'js compiled', than: 'js-pytorch', atMost: 1 },
    { subject: 'native', than: 'torch', atMost: 0.25 },
  ],
}

const operations = 100

export const operation: Workload = {
  name: 'operation',
  id: 'per op',
  title: 'One operation on one element, no gradient',
  unit: 'operation',
  units: operations,
  inputs: () => ({ x: ones(1), y: ones(1) }),
  program(inputs) {
    const x = input(inputs, 'x')
    const y = input(inputs, 'y')
    return {
      step: () =>
        noGrad(() => {
          let z = x
          for (let i = 0; i < operations; i++) z = z.mul(y)
          return z
        }),
    }
  },
  expected: { after: 1, sum: 1 },
  targets: [wasmOfJs, { subject: 'js', atMost: 500 }, { subject: 'native', atMost: 600 }],
}
