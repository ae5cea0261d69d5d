// Logistic regression on the Wisconsin breast cancer set, all 30 features, full batch, SGD: an epoch.
import { F, manualSeed, nn, optim } from 'flambeau'
import { floats, start, tabular, training } from './training.ts'
import { type Workload, wasmTargets } from './workload.ts'

const network = (): nn.Sequential => new nn.Sequential(new nn.Linear(30, 1), new nn.Sigmoid())

export const breastCancer: Workload = {
  name: 'breast-cancer',
  id: 'W2',
  title: 'Breast cancer, Linear(30, 1) + sigmoid, BCE, SGD',
  unit: 'epoch',
  async inputs() {
    manualSeed(0)
    return { ...(await tabular('loadBreastCancer')), ...floats(network()) }
  },
  program(inputs) {
    const model = start(network(), inputs)
    return training(model, F.binaryCrossEntropy, new optim.SGD(model.parameters(), { lr: 1e-2 }), inputs)
  },
  expected: { after: 500, sum: 0.1307945 },
  flops: 4 * 569 * 30,
  targets: [
    ...wasmTargets(0.05, 0.06),
    { subject: 'js', than: 'torch', atMost: 0.85 },
    { subject: 'js compiled', than: 'floor', atMost: 1.15 },
    { subject: 'js compiled', than: 'torch', atMost: 1 },
    { subject: 'js compiled', than: 'jax-js', atMost: 1 },
    { subject: 'js compiled', than: 'tfjs-wasm', atMost: 1 },
    { subject: 'floor', than: 'torch', atMost: 0.45 },
    { subject: 'floor c++', than: 'torch', atMost: 0.04 },
    { subject: 'native', than: 'torch', atMost: 0.4 },
    { subject: 'native repeated', than: 'torch', atMost: 1 / 15 },
    { subject: 'native repeated', than: 'floor c++', atMost: 1.5 },
  ],
}
