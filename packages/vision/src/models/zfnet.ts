// ZFNet, from "Visualizing and understanding convolutional networks" (2013): AlexNet with smaller windows and strides in
// its first layers, which its authors chose after they had looked inside (inspect/deconvnet.ts).
import { flatten, nn, signatures, type Tensor } from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import { type AlexNetOptions, classifierOf } from './alexnet.ts'
import { builder, memberParameters, scaledBy } from './options.ts'

const { constructing, finite, int, optional } = signatures
const inplace = { inplace: true }

const ofZFNet = constructing(
  'ZFNet',
  optional('numClasses', int, 1000),
  optional('dropout', finite, 0.5),
  ...memberParameters,
)

/**
 * ZFNet: images [N, 3, 224, 224] to scores [N, numClasses].
 *
 * The paper gives the sizes of its maps, 110, 55, 26, 13 and 6, and the padding follows from them.
 */
export class ZFNet extends nn.Module {
  features: nn.Sequential
  classifier: nn.Sequential

  constructor(...args: signatures.Arguments<[numClasses: number, dropout: number], AlexNetOptions>) {
    const [numClasses, dropout, width, inChannels] = ofZFNet(args)
    const scaled = scaledBy(width)
    super()
    // As AlexNet's, whose constants the paper keeps.
    const normalised = (): nn.LocalResponseNorm => new nn.LocalResponseNorm(5, { alpha: 5e-4, beta: 0.75, k: 2 })
    this.features = new nn.Sequential(
      new nn.Conv2d(inChannels, scaled(96), 7, { stride: 2, padding: 1 }),
      new nn.ReLU(inplace),
      new nn.MaxPool2d(3, { stride: 2, padding: 1 }),
      normalised(),
      new nn.Conv2d(scaled(96), scaled(256), 5, { stride: 2 }),
      new nn.ReLU(inplace),
      new nn.MaxPool2d(3, { stride: 2, padding: 1 }),
      normalised(),
      new nn.Conv2d(scaled(256), scaled(384), 3, { padding: 1 }),
      new nn.ReLU(inplace),
      new nn.Conv2d(scaled(384), scaled(384), 3, { padding: 1 }),
      new nn.ReLU(inplace),
      new nn.Conv2d(scaled(384), scaled(256), 3, { padding: 1 }),
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
 * ZFNet.
 *
 * @example
 * zfnet({ numClasses: 10, width: 0.125 }).forward(randn(1, 3, 224, 224)).shape // [ 1, 10 ]
 */
export const zfnet = builder('zfnet', (options: AlexNetOptions) => new ZFNet(options))

nameClasses({ ZFNet })
