// LeNet-5, from "Gradient-based learning applied to document recognition" (1998): the first convolutional network that
// many people used, on the digits of bank cheques.
import { nn, signatures, type Tensor, ValueError } from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import { builder, type MemberOptions, memberParameters, scaledBy } from './options.ts'

const { constructing, int, optional, str } = signatures

export interface LeNet5Options extends MemberOptions {
  /** How windows of 2 x 2 become one value: their average, as in the paper, or their maximum. */
  readonly pooling?: 'avg' | 'max'
  /** The function behind each layer: tanh, as in the paper, or relu. */
  readonly activation?: 'tanh' | 'relu'
  /** The height and width of the images: MNIST's 28, or 32 as in the paper, which puts MNIST's on a larger field. */
  readonly imageSize?: 28 | 32
}

const poolings = { avg: () => new nn.AvgPool2d(2), max: () => new nn.MaxPool2d(2) } as const
const activations = { tanh: () => new nn.Tanh(), relu: () => new nn.ReLU() } as const
/** An option that is one of a few names. */
function chosen<T>(table: Readonly<Record<string, T>>, name: string, value: string): T {
  if (Object.hasOwn(table, value)) return table[value]
  const names = Object.keys(table).map((each) => `'${each}'`)
  throw new ValueError(`${name} should be ${names.join(' or ')}, but got '${value}'`)
}

const [width, inChannels] = memberParameters
const ofLeNet5 = constructing(
  'LeNet5',
  optional('numClasses', int, 10),
  optional('pooling', str, 'avg'),
  optional('activation', str, 'tanh'),
  optional('imageSize', int, 28),
  width,
  { ...inChannels, otherwise: 1 },
)

/**
 * LeNet-5: grey images [N, 1, 28, 28] to scores [N, numClasses], by 61,706 weights.
 *
 * The layers have the paper's sizes and, by default, its average pooling and tanh, so that it is the network that one
 * reads about; `{ pooling: 'max', activation: 'relu' }` trains faster. It differs from the paper where everybody's does:
 * each map of the second convolution sees all maps of the first, pooling has no weights, and the last layer is linear
 * and meant for cross entropy.
 *
 * Throws a ValueError for another pooling, activation or image size.
 */
export class LeNet5 extends nn.Module {
  features: nn.Sequential
  classifier: nn.Sequential

  constructor(
    ...args: signatures.Arguments<
      [numClasses: number, pooling: 'avg' | 'max', activation: 'tanh' | 'relu', imageSize: 28 | 32],
      LeNet5Options
    >
  ) {
    const [numClasses, pooling, activation, imageSize, width, inChannels] = ofLeNet5(args)
    const pooled = chosen(poolings, 'pooling', pooling)
    const activated = chosen(activations, 'activation', activation)
    if (imageSize !== 28 && imageSize !== 32) throw new ValueError(`imageSize should be 28 or 32, but got ${imageSize}`)
    const scaled = scaledBy(width)
    super()
    this.features = new nn.Sequential(
      new nn.Conv2d(inChannels, scaled(6), 5, { padding: imageSize === 28 ? 2 : 0 }),
      activated(),
      pooled(),
      new nn.Conv2d(scaled(6), scaled(16), 5),
      activated(),
      pooled(),
    )
    this.classifier = new nn.Sequential(
      new nn.Flatten(),
      new nn.Linear(scaled(16) * 5 * 5, scaled(120)),
      activated(),
      new nn.Linear(scaled(120), scaled(84)),
      activated(),
      new nn.Linear(scaled(84), numClasses),
    )
  }

  override forward(x: Tensor): Tensor {
    return this.classifier.forward(this.features.forward(x))
  }
}

/**
 * LeNet-5 for digits of 28 x 28.
 *
 * @example
 * lenet5().forward(randn(2, 1, 28, 28)).shape // [ 2, 10 ]
 */
export const lenet5 = builder('lenet5', (options: LeNet5Options) => new LeNet5(options))

nameClasses({ LeNet5 })
