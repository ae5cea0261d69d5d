// ResNet, from "Deep residual learning for image recognition" (2015): blocks that add their input to what they compute, so
// that depth helps. This file has torchvision's for large images; resnet-small.ts has the paper's for 32 x 32.
import { flatten, NotImplementedError, nn, signatures, type Tensor, ValueError } from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import { type Builder, builder, type MemberOptions, memberParameters, scaledBy } from './options.ts'

const { anything, bool, constructing, int, list, nullable, optional, required } = signatures
const inplace = { inplace: true }

/** A convolution that keeps the size at stride 1. */
export const conv3x3 = (inPlanes: number, outPlanes: number, stride = 1, groups = 1, dilation = 1): nn.Conv2d =>
  new nn.Conv2d(inPlanes, outPlanes, 3, { stride, padding: dilation, groups, bias: false, dilation })
const conv1x1 = (inPlanes: number, outPlanes: number, stride = 1): nn.Conv2d =>
  new nn.Conv2d(inPlanes, outPlanes, 1, { stride, bias: false })

/** Makes the normalisation of a number of channels. */
export type NormLayer = (channels: number) => nn.Module
const batchNorm: NormLayer = (channels) => new nn.BatchNorm2d(channels)

export interface BlockOptions {
  readonly groups?: number
  /** The channels of a group in the first stage. */
  readonly baseWidth?: number
  readonly dilation?: number
  readonly normLayer?: NormLayer | null
}
type BlockArguments = [
  inplanes: number,
  planes: number,
  ...signatures.Arguments<
    [
      stride: number,
      downsample: nn.Module | null,
      groups: number,
      baseWidth: number,
      dilation: number,
      normLayer: NormLayer | null,
    ],
    BlockOptions & { readonly stride?: number; readonly downsample?: nn.Module | null }
  >,
]
const module = nullable(signatures.instance(nn.Module, 'Module'))
const normLayer = nullable(signatures.fn) as unknown as signatures.Kind<NormLayer | null>
const blockParameters = [
  required('inplanes', int),
  required('planes', int),
  optional('stride', int, 1),
  optional('downsample', module, null),
  optional('groups', int, 1),
  optional('baseWidth', int, 64),
  optional('dilation', int, 1),
  optional('normLayer', normLayer, null),
] as const
const ofBasicBlock = constructing('BasicBlock', ...blockParameters)
const ofBottleneck = constructing('Bottleneck', ...blockParameters)

/** Two 3 x 3 convolutions beside a shortcut: [N, inplanes, H, W] to [N, planes, H / stride, W / stride]. */
export class BasicBlock extends nn.Module {
  static readonly expansion = 1
  conv1: nn.Conv2d
  bn1: nn.Module
  relu: nn.ReLU
  conv2: nn.Conv2d
  bn2: nn.Module
  /** What fits the input to the sum; null adds it as it is. */
  downsample: nn.Module | null
  readonly stride: number

  constructor(...args: BlockArguments) {
    const [inplanes, planes, stride, downsample, groups, baseWidth, dilation, given] = ofBasicBlock(args)
    super()
    const norm = given ?? batchNorm
    if (groups !== 1 || baseWidth !== 64) throw new ValueError('BasicBlock only supports groups=1 and base_width=64')
    if (dilation > 1) throw new NotImplementedError('Dilation > 1 not supported in BasicBlock', 'Use a Bottleneck.')
    this.conv1 = conv3x3(inplanes, planes, stride)
    this.bn1 = norm(planes)
    this.relu = new nn.ReLU(inplace)
    this.conv2 = conv3x3(planes, planes)
    this.bn2 = norm(planes)
    this.downsample = downsample
    this.stride = stride
  }

  override forward(x: Tensor): Tensor {
    const y = this.relu.forward(this.bn1.forward(this.conv1.forward(x)))
    const sum = this.bn2.forward(this.conv2.forward(y)).add_(this.downsample?.forward(x) ?? x)
    return this.relu.forward(sum)
  }
}

/**
 * A 3 x 3 convolution between two 1 x 1 ones, which make its channels fewer and then more again, beside a shortcut:
 * [N, inplanes, H, W] to [N, 4 planes, H / stride, W / stride].
 *
 * As in torchvision the stride is that of the 3 x 3 convolution; the paper has it in the first one.
 */
export class Bottleneck extends nn.Module {
  static readonly expansion = 4
  conv1: nn.Conv2d
  bn1: nn.Module
  conv2: nn.Conv2d
  bn2: nn.Module
  conv3: nn.Conv2d
  bn3: nn.Module
  relu: nn.ReLU
  /** What fits the input to the sum; null adds it as it is. */
  downsample: nn.Module | null
  readonly stride: number

  constructor(...args: BlockArguments) {
    const [inplanes, planes, stride, downsample, groups, baseWidth, dilation, given] = ofBottleneck(args)
    super()
    const norm = given ?? batchNorm
    const width = Math.trunc(planes * (baseWidth / 64)) * groups
    this.conv1 = conv1x1(inplanes, width)
    this.bn1 = norm(width)
    this.conv2 = conv3x3(width, width, stride, groups, dilation)
    this.bn2 = norm(width)
    this.conv3 = conv1x1(width, planes * Bottleneck.expansion)
    this.bn3 = norm(planes * Bottleneck.expansion)
    this.relu = new nn.ReLU(inplace)
    this.downsample = downsample
    this.stride = stride
  }

  override forward(x: Tensor): Tensor {
    let y = this.relu.forward(this.bn1.forward(this.conv1.forward(x)))
    y = this.relu.forward(this.bn2.forward(this.conv2.forward(y)))
    const sum = this.bn3.forward(this.conv3.forward(y)).add_(this.downsample?.forward(x) ?? x)
    return this.relu.forward(sum)
  }
}

/** A class of blocks. */
export type Block = typeof BasicBlock | typeof Bottleneck

export interface ResNetOptions extends MemberOptions {
  /** Let every block begin as its shortcut alone: the scale of its last normalisation is 0. */
  readonly zeroInitResidual?: boolean
  /** Groups of the 3 x 3 convolutions of a Bottleneck. */
  readonly groups?: number
  /** The channels of each group in the first stage. */
  readonly widthPerGroup?: number
  /** For each of the last three stages, whether to dilate its windows instead of halving the size. */
  readonly replaceStrideWithDilation?: readonly boolean[] | null
  readonly normLayer?: NormLayer | null
}

const ofResNet = constructing(
  'ResNet',
  required('block', anything as signatures.Kind<Block>),
  required('layers', list(int)),
  optional('numClasses', int, 1000),
  optional('zeroInitResidual', bool, false),
  optional('groups', int, 1),
  optional('widthPerGroup', int, 64),
  optional('replaceStrideWithDilation', nullable(list(bool)), null),
  optional('normLayer', normLayer, null),
  ...memberParameters,
)

/**
 * A residual network of four stages of blocks: images [N, 3, H, W] to scores [N, numClasses].
 *
 * Throws a ValueError if `layers` does not have four numbers, or `replaceStrideWithDilation` three booleans.
 */
export class ResNet extends nn.Module {
  readonly groups: number
  readonly baseWidth: number
  /** The channels that the next block gets, and the dilation so far: the state of construction. */
  inplanes: number
  dilation = 1
  conv1: nn.Conv2d
  bn1: nn.Module
  relu: nn.ReLU
  maxpool: nn.MaxPool2d
  layer1: nn.Sequential
  layer2: nn.Sequential
  layer3: nn.Sequential
  layer4: nn.Sequential
  avgpool: nn.AdaptiveAvgPool2d
  fc: nn.Linear

  constructor(
    ...args: [
      block: Block,
      layers: readonly number[],
      ...signatures.Arguments<
        [
          numClasses: number,
          zeroInitResidual: boolean,
          groups: number,
          widthPerGroup: number,
          replaceStrideWithDilation: readonly boolean[] | null,
          normLayer: NormLayer | null,
        ],
        ResNetOptions
      >,
    ]
  ) {
    const [block, layers, numClasses, zeroInitResidual, groups, widthPerGroup, dilate, given, width, inChannels] =
      ofResNet(args)
    const scaled = scaledBy(width)
    if (block !== BasicBlock && block !== Bottleneck) {
      throw new ValueError('block should be BasicBlock or Bottleneck', 'Pass the class: new ResNet(BasicBlock, ...).')
    }
    if (layers.length !== 4) throw new ValueError(`layers should be a 4-element tuple, got [${layers.join(', ')}]`)
    if (dilate !== null && dilate.length !== 3) {
      const got = dilate.map((x) => (x ? 'True' : 'False')).join(', ')
      throw new ValueError(`replace_stride_with_dilation should be None or a 3-element tuple, got [${got}]`)
    }
    super()
    const norm = given ?? batchNorm
    this.inplanes = scaled(64)
    this.groups = groups
    this.baseWidth = widthPerGroup
    this.conv1 = new nn.Conv2d(inChannels, this.inplanes, 7, { stride: 2, padding: 3, bias: false })
    this.bn1 = norm(this.inplanes)
    this.relu = new nn.ReLU(inplace)
    this.maxpool = new nn.MaxPool2d(3, { stride: 2, padding: 1 })
    const stage = (planes: number, blocks: number, stride: number, dilated: boolean): nn.Sequential =>
      this.#stage(block, scaled(planes), blocks, dilated ? 1 : stride, dilated ? stride : 1, norm)
    this.layer1 = stage(64, layers[0], 1, false)
    this.layer2 = stage(128, layers[1], 2, dilate?.[0] ?? false)
    this.layer3 = stage(256, layers[2], 2, dilate?.[1] ?? false)
    this.layer4 = stage(512, layers[3], 2, dilate?.[2] ?? false)
    this.avgpool = new nn.AdaptiveAvgPool2d([1, 1])
    this.fc = new nn.Linear(scaled(512) * block.expansion, numClasses)
    for (const each of this.modules()) initialiseResidual(each)
    if (zeroInitResidual) for (const each of this.modules()) zeroLast(each)
  }

  /** Some blocks, of which the first has the stride and changes the number of channels. */
  #stage(block: Block, planes: number, blocks: number, stride: number, dilate: number, norm: NormLayer): nn.Sequential {
    const outPlanes = planes * block.expansion
    const before = this.dilation
    this.dilation *= dilate
    const downsample =
      stride === 1 && this.inplanes === outPlanes
        ? null
        : new nn.Sequential(conv1x1(this.inplanes, outPlanes, stride), norm(outPlanes))
    const options = { groups: this.groups, baseWidth: this.baseWidth, normLayer: norm }
    const list: nn.Module[] = [new block(this.inplanes, planes, stride, downsample, { ...options, dilation: before })]
    this.inplanes = outPlanes
    for (let i = 1; i < blocks; i++) {
      list.push(new block(this.inplanes, planes, { ...options, dilation: this.dilation }))
    }
    return new nn.Sequential(...list)
  }

  override forward(x: Tensor): Tensor {
    let y = this.maxpool.forward(this.relu.forward(this.bn1.forward(this.conv1.forward(x))))
    y = this.layer2.forward(this.layer1.forward(y))
    y = this.layer4.forward(this.layer3.forward(y))
    return this.fc.forward(flatten(this.avgpool.forward(y), 1))
  }
}

/** He's initialisation of a convolution; normalisations begin at 1 and 0 already. */
export function initialiseResidual(each: nn.Module): void {
  if (each instanceof nn.Conv2d) nn.init.kaimingNormal_(each.weight, { mode: 'fan_out', nonlinearity: 'relu' })
}

function zeroLast(each: nn.Module): void {
  const last = each instanceof Bottleneck ? each.bn3 : each instanceof BasicBlock ? each.bn2 : null
  const weight = (last as { weight?: unknown } | null)?.weight
  if (weight instanceof nn.Parameter) nn.init.zeros_(weight)
}

/** The function that builds a member of the family. */
const resnet = (
  name: string,
  block: Block,
  layers: readonly number[],
  fixed: ResNetOptions = {},
): Builder<ResNetOptions, ResNet> =>
  builder(name, (options: ResNetOptions) => new ResNet(block, layers, { ...options, ...fixed }))

/**
 * ResNet with 18 layers that have weights.
 *
 * @example
 * resnet18({ numClasses: 10, width: 0.125 }).forward(randn(1, 3, 64, 64)).shape // [ 1, 10 ]
 */
export const resnet18 = resnet('resnet18', BasicBlock, [2, 2, 2, 2])
/** ResNet with 34 layers. */
export const resnet34 = resnet('resnet34', BasicBlock, [3, 4, 6, 3])
/** ResNet with 50 layers, in bottlenecks. */
export const resnet50 = resnet('resnet50', Bottleneck, [3, 4, 6, 3])
/** ResNet with 101 layers, in bottlenecks. */
export const resnet101 = resnet('resnet101', Bottleneck, [3, 4, 23, 3])
/** ResNet with 152 layers, in bottlenecks. */
export const resnet152 = resnet('resnet152', Bottleneck, [3, 8, 36, 3])

// "Aggregated residual transformations for deep neural networks" (2017): groups in the middle of a bottleneck.
/** ResNeXt with 50 layers, in bottlenecks of 32 groups, with 4 channels each in the first stage. */
export const resnext50_32x4d = resnet('resnext50_32x4d', Bottleneck, [3, 4, 6, 3], { groups: 32, widthPerGroup: 4 })
/** ResNeXt with 101 layers, in bottlenecks of 32 groups, with 8 channels each in the first stage. */
export const resnext101_32x8d = resnet('resnext101_32x8d', Bottleneck, [3, 4, 23, 3], { groups: 32, widthPerGroup: 8 })
/** ResNeXt with 101 layers, in bottlenecks of 64 groups, with 4 channels each in the first stage. */
export const resnext101_64x4d = resnet('resnext101_64x4d', Bottleneck, [3, 4, 23, 3], { groups: 64, widthPerGroup: 4 })
// "Wide residual networks" (2016): more channels in the middle of a bottleneck.
/** ResNet with 50 layers, whose bottlenecks have twice the channels in the middle. */
export const wideResnet50_2 = resnet('wide_resnet50_2', Bottleneck, [3, 4, 6, 3], { widthPerGroup: 128 })
/** ResNet with 101 layers, whose bottlenecks have twice the channels in the middle. */
export const wideResnet101_2 = resnet('wide_resnet101_2', Bottleneck, [3, 4, 23, 3], { widthPerGroup: 128 })

nameClasses({ BasicBlock, Bottleneck, ResNet })
