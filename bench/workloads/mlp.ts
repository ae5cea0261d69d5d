// A training step of 784-256-128-10, relu, cross entropy, Adam, on one batch of 64 images. They are noise of MNIST's
// shape and range: nothing has to be downloaded, and the arithmetic is the same.
import { F, manualSeed, nn, optim, rand, randint } from 'flambeau'
import { parameters, start, training } from './training.ts'
import type { Workload } from './workload.ts'

const network = (): nn.Sequential =>
  new nn.Sequential(
    new nn.Linear(784, 256),
    new nn.ReLU(),
    new nn.Linear(256, 128),
    new nn.ReLU(),
    new nn.Linear(128, 10),
  )

export const mlp: Workload = {
  name: 'mlp',
  id: 'W3',
  title: '784-256-128-10, batch 64, cross entropy, Adam',
  unit: 'step',
  inputs() {
    manualSeed(0)
    return { x: rand(64, 784), y: randint(10, [64]), ...parameters(network()) }
  },
  program(inputs) {
    const model = start(network(), inputs)
    return training(model, F.crossEntropy, new optim.Adam(model.parameters(), { lr: 1e-3 }), inputs)
  },
  expected: { after: 5, sum: 2.122921 },
  tolerance: 1e-2,
  flops: 2 * 64 * (3 * (256 * 128 + 128 * 10) + 2 * 784 * 256),
  targets: [
    // 75 % of the rate that the products alone allow.
    { subject: 'js compiled', than: 'floor products', atMost: 1.333 },
    { subject: 'js compiled', than: 'tfjs-wasm', atMost: 1 },
  ],
}
