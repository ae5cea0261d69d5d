// Linear regression on the Boston housing set, all 13 features, full batch, SGD: an epoch.
import { F, manualSeed, nn, optim } from 'flambeau'
import { floats, start, tabular, training } from './training.ts'
import { type Workload, wasmTargets } from './workload.ts'

export const boston: Workload = {
  name: 'boston',
  id: 'W1',
  title: 'Boston, Linear(13, 1), MSE, SGD',
  unit: 'epoch',
  async inputs() {
    manualSeed(0)
    return { ...(await tabular('loadBoston')), ...floats(new nn.Linear(13, 1)) }
  },
  program(inputs) {
    const model = start(new nn.Linear(13, 1), inputs)
    return training(model, F.mseLoss, new optim.SGD(model.parameters(), { lr: 1e-3 }), inputs)
  },
  expected: { after: 2000, sum: 23.09575 },
  flops: 4 * 506 * 13,
  targets: [
    ...wasmTargets(0.06, 0.1),
    { subject: 'js', than: 'torch', atMost: 0.5 },
    { subject: 'js compiled', than: 'floor', atMost: 1.15 },
    { subject: 'js compiled', than: 'torch', atMost: 1 },
    { subject: 'js compiled', than: 'jax-js', atMost: 1 },
    { subject: 'js compiled', than: 'tfjs-wasm', atMost: 1 },
    { subject: 'floor', than: 'torch', atMost: 0.16 },
    { subject: 'floor c++', than: 'torch', atMost: 0.025 },
    { subject: 'native', than: 'torch', atMost: 0.4 },
    { subject: 'native repeated', than: 'torch', atMost: 1 / 15 },
  ],
}
