// Lazy layers learn the number of their inputs from the first input. Until then their parameters have no sizes; after it
// they are instances of the usual class, with the same objects as parameters.
import { className } from '../base/class-name.ts'
import { RuntimeError, ValueError } from '../base/errors.ts'
import type { Shape } from '../base/shape.ts'
import { formatSize } from '../tensor/print.ts'
import {
  type Takes,
  type Arguments,
  bool,
  checkSelf,
  constructing,
  finite,
  int,
  nullable,
  optional,
  required,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import {
  Conv1d,
  Conv2d,
  Conv3d,
  type Convolution,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  type LazyConvArguments,
  type LazyConvTransposeArguments,
  type OutputSizeArgument,
  PlainConvolution,
  plain,
  TransposedConvolution,
  transposed,
} from './conv.ts'
import { ones_, zeros_ } from './init.ts'
import { Linear, type LayerOptions, type LinearOptions, layerOptions, layerParameters } from './linear.ts'
import type { Module } from './module.ts'
import {
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  type BatchNormLayerOptions,
  type ChannelNorm,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
  type InstanceNormLayerOptions,
} from './norm-layers.ts'
import { isUninitialized, materialize, UninitializedBuffer, UninitializedParameter } from './uninitialized.ts'

type Type = { readonly prototype: Module }

/**
 * The first call of a layer: gives its parts their sizes, sets what it now knows, and makes it an instance of its usual
 * class. If the call fails, the layer is lazy again.
 */
function first(
  layer: Module,
  type: Type,
  known: Readonly<Record<string, number>>,
  parts: readonly (readonly [part: Tensor | null, sizes: Shape])[],
  reset: () => void,
  forward: () => Tensor,
): Tensor {
  const lazy: object = Object.getPrototypeOf(layer)
  const unknown = Object.fromEntries(Object.keys(known).map((name) => [name, 0]))
  const undo = parts.flatMap(([part, sizes]) => (isUninitialized(part) ? [materialize(part as Tensor, sizes)] : []))
  Object.assign(layer, known)
  Object.setPrototypeOf(layer, type.prototype)
  try {
    if (undo.length > 0) reset()
    return forward()
  } catch (error) {
    Object.setPrototypeOf(layer, lazy)
    Object.assign(layer, unknown)
    for (const back of undo) back()
    throw error
  }
}

// ---- linear ----

const ofLazyLinear = constructing(
  'LazyLinear',
  required('outFeatures', int),
  optional('bias', bool, true),
  ...layerParameters,
)

/**
 * A linear layer that takes `inFeatures` from its first input.
 *
 * @example
 * const layer = new nn.LazyLinear(2)
 * layer.forward(ones(3, 5)).shape // [3, 2]
 * String(layer) // 'Linear(in_features=5, out_features=2, bias=True)'
 */
export class LazyLinear extends Linear {
  constructor(...args: Takes<[outFeatures: number], 'outFeatures', Arguments<[bias: boolean], LinearOptions>>) {
    const [outFeatures, bias, ...rest] = ofLazyLinear(args)
    const options = layerOptions(rest)
    super(0, outFeatures, false, options)
    this.weight = new UninitializedParameter(options)
    this.bias = bias ? new UninitializedParameter(options) : null
  }

  override resetParameters(): void {
    if (this.inFeatures !== 0 && !isUninitialized(this.weight)) super.resetParameters()
  }

  override forward(x: Tensor): Tensor {
    checkSelf('linear', x)
    const { weight, bias, outFeatures } = this
    const features = x.sizes[x.dim() - 1]
    if (features === undefined)
      throw new RuntimeError(`LazyLinear expects at least one dimension, but got ${formatSize(x.sizes)}`)
    const parts = [
      [weight, [outFeatures, features]],
      [bias, [outFeatures]],
    ] as const
    const reset = (): void => this.resetParameters()
    return first(this, Linear, { inFeatures: features }, parts, reset, () => super.forward(x))
  }
}

// ---- convolutions ----

/** The first call of a convolution. */
function firstConvolution(layer: Convolution, x: Tensor, type: Type, forward: () => Tensor): Tensor {
  const { weight, bias, kernelSize, groups, outChannels } = layer
  const name = className(layer.constructor)
  checkSelf(name, x)
  const rank = kernelSize.length
  if (x.dim() !== rank + 1 && x.dim() !== rank + 2) {
    throw new RuntimeError(
      `Expected ${rank + 1}D (unbatched) or ${rank + 2}D (batched) input to ${name}, but got input of size: ${formatSize(x.sizes)}`,
    )
  }
  const channels = x.sizes[x.dim() - rank - 1]
  if (channels % groups !== 0) throw new ValueError('in_channels must be divisible by groups')
  const ends = layer.transposed ? [channels, outChannels / groups] : [outChannels, channels / groups]
  const parts = [
    [weight, [...ends, ...kernelSize]],
    [bias, [outChannels]],
  ] as const
  return first(layer, type, { inChannels: channels }, parts, () => layer.resetParameters(), forward)
}

const [plain1, plain2, plain3] = [1, 2, 3].map((rank) => plain(rank, true))
const [transposed1, transposed2, transposed3] = [1, 2, 3].map((rank) => transposed(rank, true))

/** A `Conv1d` that takes `inChannels` from its first input. */
export class LazyConv1d extends PlainConvolution {
  constructor(...args: LazyConvArguments) {
    super(plain1(args))
  }

  override forward(x: Tensor): Tensor {
    return firstConvolution(this, x, Conv1d, () => super.forward(x))
  }
}
/**
 * A `Conv2d` that takes `inChannels` from its first input.
 *
 * @example
 * const layer = new nn.LazyConv2d(4, 3)
 * layer.forward(ones(1, 2, 5, 5)).shape // [1, 4, 3, 3]
 * layer.weight.shape // [4, 2, 3, 3]
 */
export class LazyConv2d extends PlainConvolution {
  constructor(...args: LazyConvArguments) {
    super(plain2(args))
  }

  override forward(x: Tensor): Tensor {
    return firstConvolution(this, x, Conv2d, () => super.forward(x))
  }
}
/** A `Conv3d` that takes `inChannels` from its first input. */
export class LazyConv3d extends PlainConvolution {
  constructor(...args: LazyConvArguments) {
    super(plain3(args))
  }

  override forward(x: Tensor): Tensor {
    return firstConvolution(this, x, Conv3d, () => super.forward(x))
  }
}
/** A `ConvTranspose1d` that takes `inChannels` from its first input. */
export class LazyConvTranspose1d extends TransposedConvolution {
  constructor(...args: LazyConvTransposeArguments) {
    super(transposed1(args))
  }

  override forward(x: Tensor, ...args: OutputSizeArgument): Tensor {
    return firstConvolution(this, x, ConvTranspose1d, () => super.forward(x, ...args))
  }
}
/** A `ConvTranspose2d` that takes `inChannels` from its first input. */
export class LazyConvTranspose2d extends TransposedConvolution {
  constructor(...args: LazyConvTransposeArguments) {
    super(transposed2(args))
  }

  override forward(x: Tensor, ...args: OutputSizeArgument): Tensor {
    return firstConvolution(this, x, ConvTranspose2d, () => super.forward(x, ...args))
  }
}
/** A `ConvTranspose3d` that takes `inChannels` from its first input. */
export class LazyConvTranspose3d extends TransposedConvolution {
  constructor(...args: LazyConvTransposeArguments) {
    super(transposed3(args))
  }

  override forward(x: Tensor, ...args: OutputSizeArgument): Tensor {
    return firstConvolution(this, x, ConvTranspose3d, () => super.forward(x, ...args))
  }
}

// ---- normalisation ----

/** As in PyTorch, instance normalisation learns and collects too if it is lazy. */
const ofLazyNorm = constructing(
  '_LazyNormBase',
  optional('eps', finite, 1e-5),
  optional('momentum', nullable(finite), 0.1),
  optional('affine', bool, true),
  optional('trackRunningStats', bool, true),
  ...layerParameters,
)
type LazyNormArguments<O> = Arguments<
  [eps: number, momentum: number | null, affine: boolean, trackRunningStats: boolean],
  O
>
/** The options for the usual constructor. */
const optionsOf = ([eps, momentum, affine, trackRunningStats, ...rest]: ReturnType<typeof ofLazyNorm>) => ({
  ...{ eps, momentum: momentum as number, affine, trackRunningStats },
  ...layerOptions(rest),
})

/** Takes the parameters and statistics of a new layer away. */
function uninitialize(layer: ChannelNorm, { dtype, device }: LayerOptions): void {
  const options = { dtype, device }
  if (layer.affine) {
    layer.weight = new UninitializedParameter(options)
    layer.bias = new UninitializedParameter(options)
  }
  if (!layer.trackRunningStats) return
  layer.runningMean = new UninitializedBuffer(options)
  layer.runningVar = new UninitializedBuffer(options)
}
/** The first call, with an input whose channels are in dimension `dim`. */
function firstNorm(layer: ChannelNorm, x: Tensor, dim: number, type: Type, forward: () => Tensor): Tensor {
  const channels = x.sizes[dim]
  const { weight, bias, runningMean, runningVar } = layer
  const parts = [weight, bias, runningMean, runningVar].map((part) => [part, [channels]] as const)
  // Without the count of batches, which is 0 already.
  const reset = (): void => {
    for (const x of [weight, runningVar]) if (x !== null) ones_(x)
    for (const x of [bias, runningMean]) if (x !== null) zeros_(x)
  }
  return first(layer, type, { numFeatures: channels }, parts, reset, forward)
}

/** A `BatchNorm1d` that takes `numFeatures` from its first input. */
export class LazyBatchNorm1d extends BatchNorm1d {
  constructor(...args: LazyNormArguments<BatchNormLayerOptions>) {
    const options = optionsOf(ofLazyNorm(args))
    super(0, options)
    uninitialize(this, options)
  }

  override forward(x: Tensor): Tensor {
    this.checkInput(x)
    return firstNorm(this, x, 1, BatchNorm1d, () => super.forward(x))
  }
}
/**
 * A `BatchNorm2d` that takes `numFeatures` from its first input.
 *
 * @example
 * const layer = new nn.LazyBatchNorm2d()
 * layer.forward(rand(2, 3, 4, 4)).shape // [2, 3, 4, 4]
 * layer.runningMean.shape // [3]
 */
export class LazyBatchNorm2d extends BatchNorm2d {
  constructor(...args: LazyNormArguments<BatchNormLayerOptions>) {
    const options = optionsOf(ofLazyNorm(args))
    super(0, options)
    uninitialize(this, options)
  }

  override forward(x: Tensor): Tensor {
    this.checkInput(x)
    return firstNorm(this, x, 1, BatchNorm2d, () => super.forward(x))
  }
}
/** A `BatchNorm3d` that takes `numFeatures` from its first input. */
export class LazyBatchNorm3d extends BatchNorm3d {
  constructor(...args: LazyNormArguments<BatchNormLayerOptions>) {
    const options = optionsOf(ofLazyNorm(args))
    super(0, options)
    uninitialize(this, options)
  }

  override forward(x: Tensor): Tensor {
    this.checkInput(x)
    return firstNorm(this, x, 1, BatchNorm3d, () => super.forward(x))
  }
}
/** An `InstanceNorm1d` that takes `numFeatures` from its first input. */
export class LazyInstanceNorm1d extends InstanceNorm1d {
  constructor(...args: LazyNormArguments<InstanceNormLayerOptions>) {
    const options = optionsOf(ofLazyNorm(args))
    super(0, options)
    uninitialize(this, options)
  }

  override forward(x: Tensor): Tensor {
    this.checkInput(x)
    return firstNorm(this, x, x.dim() - 2, InstanceNorm1d, () => super.forward(x))
  }
}
/** An `InstanceNorm2d` that takes `numFeatures` from its first input. */
export class LazyInstanceNorm2d extends InstanceNorm2d {
  constructor(...args: LazyNormArguments<InstanceNormLayerOptions>) {
    const options = optionsOf(ofLazyNorm(args))
    super(0, options)
    uninitialize(this, options)
  }

  override forward(x: Tensor): Tensor {
    this.checkInput(x)
    return firstNorm(this, x, x.dim() - 3, InstanceNorm2d, () => super.forward(x))
  }
}
/** An `InstanceNorm3d` that takes `numFeatures` from its first input. */
export class LazyInstanceNorm3d extends InstanceNorm3d {
  constructor(...args: LazyNormArguments<InstanceNormLayerOptions>) {
    const options = optionsOf(ofLazyNorm(args))
    super(0, options)
    uninitialize(this, options)
  }

  override forward(x: Tensor): Tensor {
    this.checkInput(x)
    return firstNorm(this, x, x.dim() - 4, InstanceNorm3d, () => super.forward(x))
  }
}
