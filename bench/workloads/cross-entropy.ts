// Softmax cross entropy of 1024 rows of 1000 classes, and its gradient.
import { F, grad, manualSeed, randint, randn } from 'flambeau'
import { input, type Workload, wasmOfNative, wasmTargets } from './workload.ts'

const [rows, classes] = [1024, 1000]

export const crossEntropy: Workload = {
  name: 'cross-entropy',
  id: 'W8',
  title: `Softmax cross entropy ${rows} x ${classes}, backward`,
  unit: 'step',
  inputs() {
    manualSeed(0)
    return { x: randn(rows, classes), y: randint(classes, [rows]) }
  },
  program(inputs) {
    const x = input(inputs, 'x').detach().requiresGrad_()
    const y = input(inputs, 'y')
    return {
      step() {
        const loss = F.crossEntropy(x, y)
        return [loss, ...grad(loss, x)]
      },
    }
  },
  expected: { after: 1, sum: 7.413549 },
  bytes: 2 * 4 * rows * classes,
  targets: [
    ...wasmTargets(0.1, 0.2),
    wasmOfNative,
    { subject: 'js compiled', than: 'floor', atMost: 1.2 },
    { subject: 'js compiled', than: 'jax-js', atMost: 1 },
    { subject: 'native compiled', than: 'torch', atMost: 1 / 3 },
  ],
}
