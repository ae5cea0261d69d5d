// The lecture's convolutional networks: training steps of LeNet-5 and ResNet-20, and ResNet-18's scores of one image.
// Images are noise of the right shapes, so that nothing has to be downloaded. The package of models is imported on demand:
// the other workloads start without it.
import { F, manualSeed, type nn, noGrad, optim, rand, randint, randn, type Tensor } from 'flambeau'
import type * as vision from '@flambeau/vision'
import { floats, start, training } from './training.ts'
import { type Target, type Workload, wasmOfJs } from './workload.ts'

type Named = Pick<Workload, 'name' | 'id' | 'title' | 'expected' | 'flops' | 'tolerance' | 'targets'>
type Sizes = readonly [images: number, channels: number, height: number, width: number]
type Rule = (parameters: Iterable<nn.Parameter>) => optim.Optimizer

type Make = (models: typeof vision.models) => nn.Module
const build = async (make: Make): Promise<nn.Module> => make((await import('@flambeau/vision')).models)

/** A step of a model with cross entropy. */
const step = (named: Named, sizes: Sizes, make: Make, rule: Rule): Workload => ({
  ...named,
  unit: 'step',
  async inputs() {
    manualSeed(0)
    return { x: randn(...sizes), y: randint(10, [sizes[0]]), ...floats(await build(make)) }
  },
  async program(inputs) {
    const model = start(await build(make), inputs)
    return training(model, F.crossEntropy, rule(model.parameters()), inputs)
  },
  threads: 2,
})

/** On one thread and on two. */
const onBoth = (subject: string, than: string, atMost: number): Target[] =>
  ['', ' 2 threads'].map((threads) => ({ subject: subject + threads, than: than + threads, atMost }))

const lenetTargets: readonly Target[] = [
  ...['convnetjs', 'jax-js', 'tfjs-cpu'].map((than) => ({ subject: 'js compiled', than, atMost: 1 / 5 })),
  ...onBoth('native compiled', 'torch', 1 / 2),
]
/** The convolutions and linear layers of LeNet-5 for an image; by the images nobody asks for a gradient. */
const first = 28 * 28 * 6 * 25
const others = 10 * 10 * 16 * 150 + 400 * 120 + 120 * 84 + 84 * 10

const lenet = (named: Omit<Named, 'flops' | 'targets'>, options: vision.models.LeNet5Options): Workload =>
  step(
    { ...named, flops: 2 * 64 * (2 * first + 3 * others), targets: lenetTargets },
    [64, 1, 28, 28],
    ({ lenet5 }) => lenet5(options),
    (parameters) => new optim.SGD(parameters, { lr: 0.05 }),
  )

export const lenet5 = lenet(
  {
    name: 'lenet5',
    id: 'W5-avg',
    title: "LeNet-5 with the paper's averages and tanh, batch 64, SGD",
    expected: { after: 3, sum: 2.305758 },
  },
  {},
)

export const lenet5Max = lenet(
  {
    name: 'lenet5-max',
    id: 'W5',
    title: 'LeNet-5 with maxima and relu, batch 64, SGD',
    expected: { after: 3, sum: 2.297634 },
  },
  { pooling: 'max', activation: 'relu' },
)

export const resnet20 = step(
  {
    name: 'resnet20',
    id: 'W6b',
    title: 'ResNet-20, batch 32 of 3 x 32 x 32, SGD with momentum',
    expected: { after: 2, sum: 2.173722 },
    // In single precision gradients of deep networks are uncertain by some percent, PyTorch's included.
    tolerance: 5e-2,
    // The first convolution has no gradient by the images.
    flops: 2 * 32 * (3 * 40_551_040 - 442_368),
    targets: [wasmOfJs, { subject: 'js compiled', atMost: 2.5e9 }, ...onBoth('native compiled', 'torch', 1 / 1.5)],
  },
  [32, 3, 32, 32],
  ({ resnet20 }) => resnet20(),
  (parameters) => new optim.SGD(parameters, { lr: 0.05, momentum: 0.9 }),
)

/** Running statistics of a model that has seen images, so that to leave them out or to fold them in wrongly shows. */
function trained<M extends nn.Module>(model: M): M {
  for (const [name, buffer] of model.namedBuffers()) {
    if (name.endsWith('running_mean')) buffer.normal_(0, 0.1)
    if (name.endsWith('running_var')) buffer.uniform_(0.5, 1.5)
  }
  return model
}

export const resnet18: Workload = {
  name: 'resnet18',
  id: 'W6a',
  title: 'ResNet-18, the scores of one image of 3 x 224 x 224',
  unit: 'image',
  async inputs() {
    manualSeed(0)
    return { x: rand(1, 3, 224, 224), ...floats(trained(await build(({ resnet18 }) => resnet18()))) }
  },
  async program(inputs) {
    const model = start(await build(({ resnet18 }) => resnet18()), inputs).eval()
    return { step: () => noGrad(() => model.forward(inputs.x) as Tensor) }
  },
  expected: { after: 1, sum: -36.20697 },
  flops: 2 * 1_814_073_344,
  threads: 2,
  targets: [
    wasmOfJs,
    { subject: 'js compiled', than: 'tfjs-cpu', atMost: 1 / 4 },
    ...onBoth('native compiled', 'onnxruntime', 1),
  ],
}
