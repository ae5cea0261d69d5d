// Regression with two hidden layers on the Boston housing set, 13-10-5-1, LeakyReLU, full batch, SGD: an epoch.
import { F, manualSeed, nn, optim } from 'flambeau'
import { floats, start, tabular, training } from './training.ts'
import { type Workload, wasmOfJs } from './workload.ts'

const network = (): nn.Sequential =>
  new nn.Sequential(
    new nn.Linear(13, 10),
    new nn.LeakyReLU(),
    new nn.Linear(10, 5),
    new nn.LeakyReLU(),
    new nn.Linear(5, 1),
  )

export const bostonMlp: Workload = {
  name: 'boston-mlp',
  id: 'T1-mlp',
  title: 'Boston, 13-10-5-1 LeakyReLU, MSE, SGD',
  unit: 'epoch',
  async inputs() {
    manualSeed(0)
    return { ...(await tabular('loadBoston')), ...floats(network()) }
  },
  program(inputs) {
    const model = start(network(), inputs)
    return training(model, F.mseLoss, new optim.SGD(model.parameters(), { lr: 1e-3 }), inputs)
  },
  expected: { after: 500, sum: 11.86735 },
  tolerance: 1e-3,
  flops: 2 * 506 * (2 * (13 * 10 + 10 * 5 + 5) + (10 * 5 + 5)),
  targets: [
    wasmOfJs,
    { subject: 'js compiled', than: 'floor', atMost: 1.15 },
    { subject: 'js compiled', than: 'torch', atMost: 1 },
    { subject: 'native', than: 'torch', atMost: 0.4 },
    { subject: 'native repeated', than: 'torch', atMost: 0.1 },
  ],
}
