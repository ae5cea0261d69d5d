// A training step of 784-256-128-10, relu, cross entropy, Adam, on one batch of 64 images. They are noise with MNIST's
// shape and range: nothing has to be downloaded, and the arithmetic is the same.
import { F, manualSeed, nn, optim, rand, randint } from 'flambeau'
import { floats, start, training } from './training.ts'
import { type Workload, wasmOfJs, wasmTargets } from './workload.ts'

const network = (): nn.Sequential =>
  new nn.Sequential(
    new nn.Linear(784, 256),
    new nn.ReLU(),
    new nn.Linear(256, 128),
    new nn.ReLU(),
    new nn.Linear(128, 10),
  )

type Rule = (parameters: Iterable<nn.Parameter>) => optim.Optimizer

const training784 = (
  named: Pick<Workload, 'name' | 'id' | 'title' | 'expected' | 'tolerance' | 'targets'>,
  rule: Rule,
): Workload => ({
  ...named,
  unit: 'step',
  inputs() {
    manualSeed(0)
    return { x: rand(64, 784), y: randint(10, [64]), ...floats(network()) }
  },
  program(inputs) {
    const model = start(network(), inputs)
    return training(model, F.crossEntropy, rule(model.parameters()), inputs)
  },
  // Adam's moments for gradients that have become zero decay to subnormal numbers, which cost a hundred cycles each: a
  // step would take longer the more steps came before it, which penalizes fast subjects.
  anew: 500,
  flops: 2 * 64 * (3 * (256 * 128 + 128 * 10) + 2 * 784 * 256),
})

export const mlp = training784(
  {
    name: 'mlp',
    id: 'W3',
    title: '784-256-128-10, batch 64, cross entropy, Adam',
    expected: { after: 5, sum: 2.122921 },
    tolerance: 1e-2,
    targets: [
      ...wasmTargets(0.1, 0.3),
      // 75 % of the rate that the products alone would allow.
      { subject: 'js compiled', than: 'floor products', atMost: 1.333 },
      { subject: 'js compiled', than: 'tfjs-wasm', atMost: 1 },
      { subject: 'native compiled', than: 'torch', atMost: 0.5 },
    ],
  },
  (parameters) => new optim.Adam(parameters, { lr: 1e-3 }),
)

export const mlpSgd = training784(
  {
    name: 'mlp-sgd',
    id: 'W3-sgd',
    title: '784-256-128-10, batch 64, cross entropy, SGD',
    expected: { after: 5, sum: 2.305731 },
    targets: [wasmOfJs, { subject: 'native compiled', than: 'torch', atMost: 1 / 1.7 }],
  },
  (parameters) => new optim.SGD(parameters, { lr: 1e-2 }),
)
