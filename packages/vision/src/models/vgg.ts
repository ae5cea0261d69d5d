// VGG, from "Very deep convolutional networks for large-scale image recognition" (2014): only 3 x 3 windows, stacked, and
// half the size at every pooling.
import { flatten, nn, signatures, type Tensor } from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import { type Builder, builder, type MemberOptions, scaledBy } from './options.ts'

const { bool, constructing, finite, instance, int, keyword, optional, required } = signatures
const inplace = { inplace: true }

/** The channels of each convolution; 'M' halves the size. The letters are the paper's columns. */
type Plan = readonly (number | 'M')[]
const plans = {
  A: [64, 'M', 128, 'M', 256, 256, 'M', 512, 512, 'M', 512, 512, 'M'],
  B: [64, 64, 'M', 128, 128, 'M', 256, 256, 'M', 512, 512, 'M', 512, 512, 'M'],
  D: [64, 64, 'M', 128, 128, 'M', 256, 256, 256, 'M', 512, 512, 512, 'M', 512, 512, 512, 'M'],
  E: [64, 64, 'M', 128, 128, 'M', 256, 256, 256, 256, 'M', 512, 512, 512, 512, 'M', 512, 512, 512, 512, 'M'],
} as const satisfies Record<string, Plan>

/** The convolutions and poolings of a plan. */
function featuresOf(plan: Plan, batchNorm: boolean, width: number, inChannels: number): nn.Sequential {
  const scaled = scaledBy(width)
  let channels = inChannels
  const layers = plan.flatMap((next): nn.Module[] => {
    if (next === 'M') return [new nn.MaxPool2d(2, { stride: 2 })]
    const conv = new nn.Conv2d(channels, scaled(next), 3, { padding: 1 })
    channels = scaled(next)
    return [conv, ...(batchNorm ? [new nn.BatchNorm2d(channels)] : []), new nn.ReLU(inplace)]
  })
  return new nn.Sequential(...layers)
}

export interface VGGClassOptions extends Omit<MemberOptions, 'inChannels'> {
  /** Initialise as in torchvision: He's normal numbers for convolutions, small ones for linear layers. */
  readonly initWeights?: boolean
  /** The probability with which the classifier drops a value. */
  readonly dropout?: number
}
export interface VGGOptions extends VGGClassOptions, MemberOptions {}

const ofVGG = constructing(
  'VGG',
  required('features', instance(nn.Module, 'Module')),
  optional('numClasses', int, 1000),
  optional('initWeights', bool, true),
  optional('dropout', finite, 0.5),
  keyword('width', finite, 1),
)

/** VGG over given features: images [N, 3, H, W] of at least 32 x 32 to scores [N, numClasses]. */
export class VGG<F extends nn.Module = nn.Sequential> extends nn.Module {
  features: F
  avgpool: nn.AdaptiveAvgPool2d
  classifier: nn.Sequential

  constructor(
    ...args: [
      features: F,
      ...signatures.Arguments<[numClasses: number, initWeights: boolean, dropout: number], VGGClassOptions>,
    ]
  ) {
    const [features, numClasses, initWeights, dropout, width] = ofVGG(args)
    const scaled = scaledBy(width)
    super()
    this.features = features as F
    this.avgpool = new nn.AdaptiveAvgPool2d([7, 7])
    this.classifier = new nn.Sequential(
      new nn.Linear(scaled(512) * 7 * 7, scaled(4096)),
      new nn.ReLU(inplace),
      new nn.Dropout(dropout),
      new nn.Linear(scaled(4096), scaled(4096)),
      new nn.ReLU(inplace),
      new nn.Dropout(dropout),
      new nn.Linear(scaled(4096), numClasses),
    )
    if (initWeights) for (const module of this.modules()) initialise(module)
  }

  override forward(x: Tensor): Tensor {
    return this.classifier.forward(flatten(this.avgpool.forward(this.features.forward(x)), 1))
  }
}

function initialise(module: nn.Module): void {
  if (module instanceof nn.Conv2d) {
    nn.init.kaimingNormal_(module.weight, { mode: 'fan_out', nonlinearity: 'relu' })
    if (module.bias !== null) nn.init.zeros_(module.bias)
  } else if (module instanceof nn.Linear) {
    nn.init.normal_(module.weight, 0, 0.01)
    if (module.bias !== null) nn.init.zeros_(module.bias)
  }
}

/** The function that builds a member of the family. */
const vgg = (name: string, plan: Plan, batchNorm: boolean): Builder<VGGOptions, VGG> =>
  builder(name, ({ inChannels = 3, ...rest }: VGGOptions) => {
    return new VGG(featuresOf(plan, batchNorm, rest.width ?? 1, inChannels), rest)
  })

/**
 * VGG with 11 layers that have weights (the paper's column A).
 *
 * @example
 * vgg11({ numClasses: 10, width: 0.125 }).forward(randn(1, 3, 32, 32)).shape // [ 1, 10 ]
 */
export const vgg11 = vgg('vgg11', plans.A, false)
/** `vgg11` with batch normalisation after every convolution. */
export const vgg11Bn = vgg('vgg11Bn', plans.A, true)
/** VGG with 13 layers (the paper's column B). */
export const vgg13 = vgg('vgg13', plans.B, false)
/** `vgg13` with batch normalisation after every convolution. */
export const vgg13Bn = vgg('vgg13Bn', plans.B, true)
/** VGG with 16 layers (the paper's column D). */
export const vgg16 = vgg('vgg16', plans.D, false)
/** `vgg16` with batch normalisation after every convolution. */
export const vgg16Bn = vgg('vgg16Bn', plans.D, true)
/** VGG with 19 layers (the paper's column E). */
export const vgg19 = vgg('vgg19', plans.E, false)
/** `vgg19` with batch normalisation after every convolution. */
export const vgg19Bn = vgg('vgg19Bn', plans.E, true)

nameClasses({ VGG })
