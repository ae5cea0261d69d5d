// The residual networks for images of 32 x 32 (section 4.2 of "Deep residual learning for image recognition"), and the
// same networks without shortcuts, which show what the shortcuts are good for: with 56 layers a plain network trains
// worse than with 20.
import { F, flatten, nn, signatures, Slice, type Tensor, ValueError } from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import { type Builder, builder, type MemberOptions, memberParameters, scaledBy } from './options.ts'
import { BasicBlock, conv3x3, initialiseResidual } from './resnet.ts'

const { bool, constructing, int, optional, required } = signatures

const ofShortcut = constructing('ZeroPadShortcut', required('channels', int), required('stride', int))
/**
 * The paper's shortcut A, which has no weights: takes every `stride`-th row and column, and adds `channels` channels of
 * zeros, half of them before and half behind.
 */
export class ZeroPadShortcut extends nn.Module {
  readonly channels: number
  readonly stride: number

  constructor(...args: [channels: number, stride: number]) {
    const [channels, stride] = ofShortcut(args)
    super()
    this.channels = channels
    this.stride = stride
  }

  override forward(x: Tensor): Tensor {
    const every = Slice(null, null, this.stride)
    const before = Math.floor(this.channels / 2)
    return F.pad(x.at('...', every, every), [0, 0, 0, 0, before, this.channels - before])
  }

  override extraRepr(): string {
    return `channels=${this.channels}, stride=${this.stride}`
  }
}

const ofPlain = constructing(
  'PlainBlock',
  required('inplanes', int),
  required('planes', int),
  optional('stride', int, 1),
)
/** Two 3 x 3 convolutions without a shortcut. */
export class PlainBlock extends nn.Module {
  conv1: nn.Conv2d
  bn1: nn.BatchNorm2d
  relu: nn.ReLU
  conv2: nn.Conv2d
  bn2: nn.BatchNorm2d

  constructor(...args: [inplanes: number, planes: number, stride?: number]) {
    const [inplanes, planes, stride] = ofPlain(args)
    super()
    this.conv1 = conv3x3(inplanes, planes, stride)
    this.bn1 = new nn.BatchNorm2d(planes)
    this.relu = new nn.ReLU({ inplace: true })
    this.conv2 = conv3x3(planes, planes)
    this.bn2 = new nn.BatchNorm2d(planes)
  }

  override forward(x: Tensor): Tensor {
    const y = this.relu.forward(this.bn1.forward(this.conv1.forward(x)))
    return this.relu.forward(this.bn2.forward(this.conv2.forward(y)))
  }
}

export interface SmallResNetOptions extends MemberOptions {
  /** Blocks with shortcuts; without them it is a plain network. */
  readonly residual?: boolean
}

const ofSmallResNet = constructing(
  'SmallResNet',
  required('blocks', int),
  optional('numClasses', int, 10),
  optional('residual', bool, true),
  ...memberParameters,
)

/**
 * A residual or plain network of 6 `blocks` + 2 layers: images [N, 3, 32, 32] to scores [N, numClasses]. Three stages of
 * 16, 32 and 64 channels, each at half the size of the one before, then the mean over each channel and one linear layer.
 *
 * Throws a ValueError if `blocks` is less than 1.
 */
export class SmallResNet extends nn.Module {
  conv1: nn.Conv2d
  bn1: nn.BatchNorm2d
  relu: nn.ReLU
  layer1: nn.Sequential
  layer2: nn.Sequential
  layer3: nn.Sequential
  avgpool: nn.AdaptiveAvgPool2d
  fc: nn.Linear

  constructor(
    ...args: [blocks: number, ...signatures.Arguments<[numClasses: number, residual: boolean], SmallResNetOptions>]
  ) {
    const [blocks, numClasses, residual, width, inChannels] = ofSmallResNet(args)
    const scaled = scaledBy(width)
    if (blocks < 1)
      throw new ValueError(`blocks should be at least 1, but got ${blocks}`, 'One block a stage: 8 layers.')
    super()
    this.conv1 = conv3x3(inChannels, scaled(16))
    this.bn1 = new nn.BatchNorm2d(scaled(16))
    this.relu = new nn.ReLU({ inplace: true })
    const stage = (inplanes: number, planes: number, stride: number): nn.Sequential =>
      new nn.Sequential(
        ...Array.from({ length: blocks }, (_, i) =>
          blockOf(residual, i === 0 ? inplanes : planes, planes, i === 0 ? stride : 1),
        ),
      )
    this.layer1 = stage(scaled(16), scaled(16), 1)
    this.layer2 = stage(scaled(16), scaled(32), 2)
    this.layer3 = stage(scaled(32), scaled(64), 2)
    this.avgpool = new nn.AdaptiveAvgPool2d([1, 1])
    this.fc = new nn.Linear(scaled(64), numClasses)
    for (const each of this.modules()) initialiseResidual(each)
  }

  override forward(x: Tensor): Tensor {
    const y = this.layer1.forward(this.relu.forward(this.bn1.forward(this.conv1.forward(x))))
    return this.fc.forward(flatten(this.avgpool.forward(this.layer3.forward(this.layer2.forward(y))), 1))
  }
}

function blockOf(residual: boolean, inplanes: number, planes: number, stride: number): nn.Module {
  if (!residual) return new PlainBlock(inplanes, planes, stride)
  const fits = stride === 1 && inplanes === planes
  return new BasicBlock(inplanes, planes, stride, fits ? null : new ZeroPadShortcut(planes - inplanes, stride))
}

/** The function that builds a member of the family. */
const small = (name: string, layers: number, residual: boolean): Builder<MemberOptions, SmallResNet> =>
  builder(name, (options: MemberOptions) => new SmallResNet((layers - 2) / 6, { ...options, residual }))

/**
 * ResNet with 20 layers for images of 32 x 32 and 10 classes.
 *
 * @example
 * resnet20({ width: 0.25, inChannels: 1 }).forward(randn(2, 1, 28, 28)).shape // [ 2, 10 ]
 */
export const resnet20 = small('resnet20', 20, true)
/** ResNet with 32 layers for images of 32 x 32. */
export const resnet32 = small('resnet32', 32, true)
/** ResNet with 44 layers for images of 32 x 32. */
export const resnet44 = small('resnet44', 44, true)
/** ResNet with 56 layers for images of 32 x 32. */
export const resnet56 = small('resnet56', 56, true)
/** ResNet with 110 layers for images of 32 x 32. */
export const resnet110 = small('resnet110', 110, true)
/** `resnet20` without shortcuts. */
export const plain20 = small('plain20', 20, false)
/** `resnet56` without shortcuts. */
export const plain56 = small('plain56', 56, false)

nameClasses({ ZeroPadShortcut, PlainBlock, SmallResNet })
