// GoogLeNet, from "Going deeper with convolutions" (2014), as torchvision has it: with batch normalisation, and with
// 3 x 3 windows where the paper has 5 x 5. 1 x 1 convolutions make the channels fewer before the larger windows.
import { cat, F, flatten, nn, relu, signatures, type Tensor, ValueError } from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import { builder, type MemberOptions, memberParameters, scaledBy } from './options.ts'

const { bool, constructing, finite, int, optional, required } = signatures

interface Window {
  readonly kernelSize: number
  readonly stride?: number
  readonly padding?: number
}
/** A convolution without bias, batch normalisation and relu. */
class BasicConv2d extends nn.Module {
  conv: nn.Conv2d
  bn: nn.BatchNorm2d

  constructor(inChannels: number, outChannels: number, { kernelSize, stride = 1, padding = 0 }: Window) {
    super()
    this.conv = new nn.Conv2d(inChannels, outChannels, kernelSize, { stride, padding, bias: false })
    this.bn = new nn.BatchNorm2d(outChannels, { eps: 0.001 })
  }

  override forward(x: Tensor): Tensor {
    return this.bn.forward(this.conv.forward(x)).relu_()
  }
}

const ofInception = constructing(
  'Inception',
  required('inChannels', int),
  required('ch1x1', int),
  required('ch3x3red', int),
  required('ch3x3', int),
  required('ch5x5red', int),
  required('ch5x5', int),
  required('poolProj', int),
)
/**
 * Four branches side by side, whose channels are joined: [N, inChannels, H, W] to
 * [N, ch1x1 + ch3x3 + ch5x5 + poolProj, H, W].
 */
export class Inception extends nn.Module {
  branch1: BasicConv2d
  branch2: nn.Sequential
  branch3: nn.Sequential
  branch4: nn.Sequential

  constructor(...args: [inChannels: number, ...Branches]) {
    const [inChannels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, poolProj] = ofInception(args)
    super()
    this.branch1 = new BasicConv2d(inChannels, ch1x1, { kernelSize: 1 })
    this.branch2 = new nn.Sequential(
      new BasicConv2d(inChannels, ch3x3red, { kernelSize: 1 }),
      new BasicConv2d(ch3x3red, ch3x3, { kernelSize: 3, padding: 1 }),
    )
    this.branch3 = new nn.Sequential(
      new BasicConv2d(inChannels, ch5x5red, { kernelSize: 1 }),
      new BasicConv2d(ch5x5red, ch5x5, { kernelSize: 3, padding: 1 }),
    )
    this.branch4 = new nn.Sequential(
      new nn.MaxPool2d(3, { stride: 1, padding: 1, ceilMode: true }),
      new BasicConv2d(inChannels, poolProj, { kernelSize: 1 }),
    )
  }

  override forward(x: Tensor): Tensor {
    return cat(
      [this.branch1, this.branch2, this.branch3, this.branch4].map((branch) => branch.forward(x)),
      1,
    )
  }
}

/** A classifier in the middle of the network, for training: [N, inChannels, H, W] to [N, numClasses]. */
class InceptionAux extends nn.Module {
  conv: BasicConv2d
  fc1: nn.Linear
  fc2: nn.Linear
  dropout: nn.Dropout

  constructor(inChannels: number, numClasses: number, dropout: number, scaled: (channels: number) => number) {
    super()
    this.conv = new BasicConv2d(inChannels, scaled(128), { kernelSize: 1 })
    this.fc1 = new nn.Linear(scaled(128) * 4 * 4, scaled(1024))
    this.fc2 = new nn.Linear(scaled(1024), numClasses)
    this.dropout = new nn.Dropout(dropout)
  }

  override forward(x: Tensor): Tensor {
    const y = flatten(this.conv.forward(F.adaptiveAvgPool2d(x, [4, 4])), 1)
    return this.fc2.forward(this.dropout.forward(relu(this.fc1.forward(y))))
  }
}

/**
 * The scores of the network and of its two auxiliary classifiers. As in torchvision, `auxLogits2` are those of the first
 * one and `auxLogits1` those of the second; all three can be taken apart: `const [logits, aux2, aux1] = outputs`.
 */
export class GoogLeNetOutputs implements Iterable<Tensor> {
  readonly logits: Tensor
  readonly auxLogits2: Tensor
  readonly auxLogits1: Tensor

  constructor(logits: Tensor, auxLogits2: Tensor, auxLogits1: Tensor) {
    this.logits = logits
    this.auxLogits2 = auxLogits2
    this.auxLogits1 = auxLogits1
  }

  *[Symbol.iterator](): IterableIterator<Tensor> {
    yield this.logits
    yield this.auxLogits2
    yield this.auxLogits1
  }
}

/** The channels of an inception module: 1 x 1, before and of 3 x 3, before and of 5 x 5, behind the pooling. */
type Branches = [ch1x1: number, ch3x3red: number, ch3x3: number, ch5x5red: number, ch5x5: number, poolProj: number]

export interface GoogLeNetOptions extends MemberOptions {
  /** Two auxiliary classifiers, whose losses help the early layers to train. */
  readonly auxLogits?: boolean
  /** Convert images that were normalised as torchvision's other networks want them. */
  readonly transformInput?: boolean
  /** Initialise with truncated normal numbers, as torchvision; otherwise with each layer's own. */
  readonly initWeights?: boolean
  /** The probability with which the classifier drops a value. */
  readonly dropout?: number
  /** The same in the auxiliary classifiers. */
  readonly dropoutAux?: number
}

const ofGoogLeNet = constructing(
  'GoogLeNet',
  optional('numClasses', int, 1000),
  optional('auxLogits', bool, true),
  optional('transformInput', bool, false),
  optional('initWeights', bool, true),
  optional('dropout', finite, 0.2),
  optional('dropoutAux', finite, 0.7),
  ...memberParameters,
)

/**
 * GoogLeNet: images [N, 3, H, W] to scores [N, numClasses]; in training, with `auxLogits`, to `GoogLeNetOutputs`.
 *
 * Throws a ValueError if `transformInput` is to convert images that do not have three channels.
 */
export class GoogLeNet extends nn.Module {
  auxLogits: boolean
  readonly transformInput: boolean
  conv1: BasicConv2d
  maxpool1: nn.MaxPool2d
  conv2: BasicConv2d
  conv3: BasicConv2d
  maxpool2: nn.MaxPool2d
  inception3a: Inception
  inception3b: Inception
  maxpool3: nn.MaxPool2d
  inception4a: Inception
  inception4b: Inception
  inception4c: Inception
  inception4d: Inception
  inception4e: Inception
  maxpool4: nn.MaxPool2d
  inception5a: Inception
  inception5b: Inception
  aux1: InceptionAux | null
  aux2: InceptionAux | null
  avgpool: nn.AdaptiveAvgPool2d
  dropout: nn.Dropout
  fc: nn.Linear

  constructor(
    ...args: signatures.Arguments<
      [
        numClasses: number,
        auxLogits: boolean,
        transformInput: boolean,
        initWeights: boolean,
        dropout: number,
        dropoutAux: number,
      ],
      GoogLeNetOptions
    >
  ) {
    const [numClasses, auxLogits, transformInput, initWeights, dropout, dropoutAux, width, inChannels] =
      ofGoogLeNet(args)
    const scaled = scaledBy(width)
    if (transformInput && inChannels !== 3) {
      throw new ValueError(`transformInput needs images of 3 channels, but inChannels is ${inChannels}`)
    }
    super()
    /** The channels so far: what the branches of the last module add up to. */
    let channels = scaled(192)
    const inception = (...[ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, poolProj]: Branches): Inception => {
      const [a, b, c, d] = [ch1x1, ch3x3, ch5x5, poolProj].map(scaled)
      const module = new Inception(channels, a, scaled(ch3x3red), b, scaled(ch5x5red), c, d)
      channels = a + b + c + d
      return module
    }
    const halved = (kernelSize: number): nn.MaxPool2d => new nn.MaxPool2d(kernelSize, { stride: 2, ceilMode: true })
    this.auxLogits = auxLogits
    this.transformInput = transformInput
    this.conv1 = new BasicConv2d(inChannels, scaled(64), { kernelSize: 7, stride: 2, padding: 3 })
    this.maxpool1 = halved(3)
    this.conv2 = new BasicConv2d(scaled(64), scaled(64), { kernelSize: 1 })
    this.conv3 = new BasicConv2d(scaled(64), scaled(192), { kernelSize: 3, padding: 1 })
    this.maxpool2 = halved(3)
    this.inception3a = inception(64, 96, 128, 16, 32, 32)
    this.inception3b = inception(128, 128, 192, 32, 96, 64)
    this.maxpool3 = halved(3)
    this.inception4a = inception(192, 96, 208, 16, 48, 64)
    const before1 = channels
    this.inception4b = inception(160, 112, 224, 24, 64, 64)
    this.inception4c = inception(128, 128, 256, 24, 64, 64)
    this.inception4d = inception(112, 144, 288, 32, 64, 64)
    const before2 = channels
    this.inception4e = inception(256, 160, 320, 32, 128, 128)
    this.maxpool4 = halved(2)
    this.inception5a = inception(256, 160, 320, 32, 128, 128)
    this.inception5b = inception(384, 192, 384, 48, 128, 128)
    this.aux1 = auxLogits ? new InceptionAux(before1, numClasses, dropoutAux, scaled) : null
    this.aux2 = auxLogits ? new InceptionAux(before2, numClasses, dropoutAux, scaled) : null
    this.avgpool = new nn.AdaptiveAvgPool2d([1, 1])
    this.dropout = new nn.Dropout(dropout)
    this.fc = new nn.Linear(channels, numClasses)
    if (initWeights) for (const each of this.modules()) initialise(each)
  }

  override forward(x: Tensor): Tensor | GoogLeNetOutputs {
    let y = this.transformInput ? transformed(x) : x
    y = this.maxpool1.forward(this.conv1.forward(y))
    y = this.maxpool2.forward(this.conv3.forward(this.conv2.forward(y)))
    y = this.maxpool3.forward(this.inception3b.forward(this.inception3a.forward(y)))
    y = this.inception4a.forward(y)
    const aux1 = this.training && this.aux1 !== null ? this.aux1.forward(y) : null
    y = this.inception4d.forward(this.inception4c.forward(this.inception4b.forward(y)))
    const aux2 = this.training && this.aux2 !== null ? this.aux2.forward(y) : null
    y = this.maxpool4.forward(this.inception4e.forward(y))
    y = this.inception5b.forward(this.inception5a.forward(y))
    const logits = this.fc.forward(this.dropout.forward(flatten(this.avgpool.forward(y), 1)))
    // torchvision gives each auxiliary classifier's scores under the other's name.
    return aux1 === null || aux2 === null ? logits : new GoogLeNetOutputs(logits, aux1, aux2)
  }
}

function initialise(each: nn.Module): void {
  if (each instanceof nn.Conv2d || each instanceof nn.Linear) {
    nn.init.truncNormal_(each.weight, { mean: 0, std: 0.01, a: -2, b: 2 })
  }
}

/** From the mean and deviation of ImageNet to those of the network's authors, 0.5 and 0.5. */
function transformed(x: Tensor): Tensor {
  const channels = [
    [0.229, 0.485],
    [0.224, 0.456],
    [0.225, 0.406],
  ].map(([std, mean], i) =>
    x
      .narrow(1, i, 1)
      .mul(std / 0.5)
      .add((mean - 0.5) / 0.5),
  )
  return cat(channels, 1)
}

/**
 * GoogLeNet.
 *
 * As in torchvision, `weights` are loaded with the auxiliary classifiers, which are then removed unless `auxLogits` is
 * true, and `transformInput` is true unless given, because torchvision's weights want it so.
 *
 * @example
 * const model = googlenet({ numClasses: 10, width: 0.125 }).eval()
 * model.forward(randn(1, 3, 64, 64)).shape // [ 1, 10 ]
 */
export const googlenet = builder(
  'googlenet',
  (options: GoogLeNetOptions) => new GoogLeNet(options),
  (options) => ({ ...options, transformInput: options.transformInput ?? true, auxLogits: true }),
  (model, { auxLogits }) => {
    if (auxLogits === true) return
    model.auxLogits = false
    model.aux1 = null
    model.aux2 = null
  },
)

nameClasses({ BasicConv2d, Inception, InceptionAux, GoogLeNetOutputs, GoogLeNet })
