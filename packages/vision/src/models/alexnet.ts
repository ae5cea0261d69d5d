// AlexNet. `AlexNet` is torchvision's, from "One weird trick for parallelizing convolutional neural networks" (2014):
// fewer channels than the network of 2012, and none of its towers. `AlexNetTwoTower` is that of 2012.
import { flatten, nn, signatures, type Tensor } from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import { builder, type MemberOptions, memberParameters, scaledBy } from './options.ts'

const { constructing, finite, int, optional } = signatures
const inplace = { inplace: true }

export interface AlexNetOptions extends MemberOptions {
  /** The probability with which the classifier drops a value. */
  readonly dropout?: number
}
const parameters = [optional('numClasses', int, 1000), optional('dropout', finite, 0.5), ...memberParameters] as const
type AlexNetArguments = signatures.Arguments<[numClasses: number, dropout: number], AlexNetOptions>

/** Three linear layers, the first two behind dropout. */
export const classifierOf = (inFeatures: number, hidden: number, numClasses: number, dropout: number): nn.Sequential =>
  new nn.Sequential(
    new nn.Dropout(dropout),
    new nn.Linear(inFeatures, hidden),
    new nn.ReLU(inplace),
    new nn.Dropout(dropout),
    new nn.Linear(hidden, hidden),
    new nn.ReLU(inplace),
    new nn.Linear(hidden, numClasses),
  )

const ofAlexNet = constructing('AlexNet', ...parameters)

/** AlexNet as torchvision has it: images [N, 3, H, W] of at least 63 x 63 to scores [N, numClasses]. */
export class AlexNet extends nn.Module {
  features: nn.Sequential
  avgpool: nn.AdaptiveAvgPool2d
  classifier: nn.Sequential

  constructor(...args: AlexNetArguments) {
    const [numClasses, dropout, width, inChannels] = ofAlexNet(args)
    const scaled = scaledBy(width)
    super()
    this.features = new nn.Sequential(
      new nn.Conv2d(inChannels, scaled(64), 11, { stride: 4, padding: 2 }),
      new nn.ReLU(inplace),
      new nn.MaxPool2d(3, { stride: 2 }),
      new nn.Conv2d(scaled(64), scaled(192), 5, { padding: 2 }),
      new nn.ReLU(inplace),
      new nn.MaxPool2d(3, { stride: 2 }),
      new nn.Conv2d(scaled(192), scaled(384), 3, { padding: 1 }),
      new nn.ReLU(inplace),
      new nn.Conv2d(scaled(384), scaled(256), 3, { padding: 1 }),
      new nn.ReLU(inplace),
      new nn.Conv2d(scaled(256), scaled(256), 3, { padding: 1 }),
      new nn.ReLU(inplace),
      new nn.MaxPool2d(3, { stride: 2 }),
    )
    this.avgpool = new nn.AdaptiveAvgPool2d([6, 6])
    this.classifier = classifierOf(scaled(256) * 6 * 6, scaled(4096), numClasses, dropout)
  }

  override forward(x: Tensor): Tensor {
    return this.classifier.forward(flatten(this.avgpool.forward(this.features.forward(x)), 1))
  }
}

const ofTwoTower = constructing('AlexNetTwoTower', ...parameters)

/**
 * The network of "ImageNet classification with deep convolutional neural networks" (2012): images [N, 3, 224, 224] to
 * scores [N, numClasses].
 *
 * Its two towers, one on each of two GPUs, are groups: layers 2, 4 and 5 see the channels of their own tower only, and
 * layer 3 and the linear layers see both. It normalises across neighbouring channels, and its pooling windows overlap.
 */
export class AlexNetTwoTower extends nn.Module {
  features: nn.Sequential
  classifier: nn.Sequential

  constructor(...args: AlexNetArguments) {
    const [numClasses, dropout, width, inChannels] = ofTwoTower(args)
    // Half of the channels is a tower.
    const half = scaledBy(width)
    const scaled = (channels: number): number => 2 * half(channels / 2)
    super()
    // The paper multiplies the sum of squares by 1e-4, PyTorch their mean by alpha.
    const normalised = (): nn.LocalResponseNorm => new nn.LocalResponseNorm(5, { alpha: 5e-4, beta: 0.75, k: 2 })
    this.features = new nn.Sequential(
      new nn.Conv2d(inChannels, scaled(96), 11, { stride: 4, padding: 2 }),
      new nn.ReLU(inplace),
      normalised(),
      new nn.MaxPool2d(3, { stride: 2 }),
      new nn.Conv2d(scaled(96), scaled(256), 5, { padding: 2, groups: 2 }),
      new nn.ReLU(inplace),
      normalised(),
      new nn.MaxPool2d(3, { stride: 2 }),
      new nn.Conv2d(scaled(256), scaled(384), 3, { padding: 1 }),
      new nn.ReLU(inplace),
      new nn.Conv2d(scaled(384), scaled(384), 3, { padding: 1, groups: 2 }),
      new nn.ReLU(inplace),
      new nn.Conv2d(scaled(384), scaled(256), 3, { padding: 1, groups: 2 }),
      new nn.ReLU(inplace),
      new nn.MaxPool2d(3, { stride: 2 }),
    )
    this.classifier = classifierOf(scaled(256) * 6 * 6, scaled(4096), numClasses, dropout)
  }

  override forward(x: Tensor): Tensor {
    return this.classifier.forward(flatten(this.features.forward(x), 1))
  }
}

/**
 * AlexNet as torchvision has it.
 *
 * @example
 * alexnet({ numClasses: 10, width: 0.125 }).forward(randn(1, 3, 64, 64)).shape // [ 1, 10 ]
 */
export const alexnet = builder('alexnet', (options: AlexNetOptions) => new AlexNet(options))

/**
 * AlexNet as the paper of 2012 has it, with the two towers as groups.
 *
 * @example
 * alexnetTwoTower({ numClasses: 10, width: 0.125 }).forward(randn(1, 3, 224, 224)).shape // [ 1, 10 ]
 */
export const alexnetTwoTower = builder('alexnetTwoTower', (options: AlexNetOptions) => new AlexNetTwoTower(options))

nameClasses({ AlexNet, AlexNetTwoTower })
