// Layers of normalisation. Those that normalise channels share a scale and a shift for each channel, and statistics that
// training collects for evaluation.
import { ValueError } from '../base/errors.ts'
import { full, ones, zeros } from '../ops/create/create.ts'
import { squeeze, unsqueeze } from '../ops/views/views.ts'
import {
  type Takes,
  type Arguments,
  bool,
  checkSelf,
  constructing,
  dims,
  finite,
  int,
  type Kind,
  nullable,
  optional,
  required,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkBatch, normalise, normaliseBy } from './batch-norm.ts'
import { groupNorm, instanceNorm, layerNorm, type LocalResponseNormOptions, localResponseNorm } from './group-norm.ts'
import { ones_, zeros_ } from './init.ts'
import { type LayerOptions, layerOptions, layerParameters } from './linear.ts'
import { holdMembers } from './held.ts'
import { Module } from './module.ts'
import { fieldsOf, floatRepr, pythonRepr } from './names.ts'
import { Parameter } from './parameter.ts'
import type { StateDict } from './state-dict.ts'

export interface BatchNormLayerOptions extends LayerOptions {
  readonly eps?: number
  /** The share of a new batch; null averages over all batches. */
  readonly momentum?: number | null
  /** Learn a scale and a shift. */
  readonly affine?: boolean
  /** Collect running statistics in training and use them in evaluation. */
  readonly trackRunningStats?: boolean
}
interface FeaturesOption {
  readonly numFeatures: number
}
type BatchNormLayerArguments =
  | [
      numFeatures: number,
      ...Arguments<
        [eps: number, momentum: number | null, affine: boolean, trackRunningStats: boolean],
        BatchNormLayerOptions
      >,
    ]
  | [options: BatchNormLayerOptions & FeaturesOption]
const channelNorm = (name: string, momentum: Kind<number | null>, learning: boolean) =>
  constructing(
    name,
    required('numFeatures', int),
    optional('eps', finite, 1e-5),
    optional('momentum', momentum, 0.1),
    optional('affine', bool, learning),
    optional('trackRunningStats', bool, learning),
    ...layerParameters,
  )
const ofBatchNorm = channelNorm('_BatchNorm', nullable(finite), true)
const ofInstanceNorm = channelNorm('_InstanceNorm', finite, false)

/** Scale, shift and running statistics of channels. */
export abstract class ChannelNorm extends Module {
  readonly numFeatures: number
  eps: number
  momentum: number | null
  readonly affine: boolean
  readonly trackRunningStats: boolean
  weight: Parameter | null
  bias: Parameter | null
  runningMean: Tensor | null = null
  runningVar: Tensor | null = null
  /** Batches seen in training, int32. */
  numBatchesTracked: Tensor | null = null

  constructor([numFeatures, eps, momentum, affine, trackRunningStats, ...rest]: ReturnType<typeof ofBatchNorm>) {
    super()
    this.numFeatures = numFeatures
    this.eps = eps
    this.momentum = momentum
    this.affine = affine
    this.trackRunningStats = trackRunningStats
    const options = layerOptions(rest)
    this.weight = affine ? new Parameter(ones([numFeatures], options)) : null
    this.bias = affine ? new Parameter(zeros([numFeatures], options)) : null
    holdMembers(this, 'weight', 'bias')
    const tracked = trackRunningStats ? options : null
    this.registerBuffer('runningMean', tracked && zeros([numFeatures], tracked))
    this.registerBuffer('runningVar', tracked && ones([numFeatures], tracked))
    this.registerBuffer('numBatchesTracked', tracked && full([], 0, { ...tracked, dtype: 'int32' }))
  }

  /** Throws if the input is no tensor or has another number of dimensions. */
  protected abstract checkInput(x: Tensor): void

  /** Resets the running statistics. */
  resetRunningStats(): void {
    if (this.runningMean !== null) zeros_(this.runningMean)
    if (this.runningVar !== null) ones_(this.runningVar)
    if (this.numBatchesTracked !== null) zeros_(this.numBatchesTracked)
  }

  /** Resets the running statistics, the scale and the shift. */
  resetParameters(): void {
    this.resetRunningStats()
    if (this.weight !== null) ones_(this.weight)
    if (this.bias !== null) zeros_(this.bias)
  }

  override extraRepr(): string {
    return `${this.numFeatures}, ${fieldsOf(this, 'eps', 'momentum', 'affine', 'trackRunningStats')}`
  }

  protected override stateVersion(): number {
    return 2
  }

  /** States before version 2 lack the counter. */
  protected override upgradeState(state: StateDict, prefix: string, version: number | undefined): void {
    const key = `${prefix}num_batches_tracked`
    if ((version === undefined || version < 2) && this.trackRunningStats && !state.has(key)) {
      state.set(key, full([], 0, { dtype: 'int32' }))
    }
  }
}

/** Batch normalisation of inputs with any number of dimensions; the subclasses say which. */
export abstract class BatchNorm extends ChannelNorm {
  constructor(...args: BatchNormLayerArguments) {
    super(ofBatchNorm(args))
  }

  override forward(x: Tensor): Tensor {
    this.checkInput(x)
    const { runningMean: mean, runningVar: variance, numBatchesTracked: batches, weight, bias } = this
    const ofBatch = this.training || mean === null || variance === null
    checkBatch(x, { running_mean: mean, running_var: variance, weight, bias }, ofBatch)
    if (!ofBatch) return normaliseBy(x, mean, variance, this)
    if (!this.training || !this.trackRunningStats || mean === null || variance === null) return normalise(x, this, null)
    return normalise(x, this, { mean, variance, batches, momentum: this.momentum })
  }
}

function checkDims(name: string, x: Tensor, ...wanted: readonly number[]): void {
  checkSelf(name, x)
  const dim = x.dim()
  if (wanted.includes(dim)) return
  throw new ValueError(`expected ${wanted.map((n) => `${n}D`).join(' or ')} input (got ${dim}D input)`)
}

/** Batch normalisation of [N, C] or [N, C, L]. */
export class BatchNorm1d extends BatchNorm {
  protected override checkInput(x: Tensor): void {
    checkDims('batch_norm', x, 2, 3)
  }
}

/**
 * Batch normalisation of images [N, C, H, W].
 *
 * @example
 * new nn.BatchNorm2d(3).forward(ones(2, 3, 4, 4)).shape // [2, 3, 4, 4]
 */
export class BatchNorm2d extends BatchNorm {
  protected override checkInput(x: Tensor): void {
    checkDims('batch_norm', x, 4)
  }
}

/** Batch normalisation of volumes [N, C, D, H, W]. */
export class BatchNorm3d extends BatchNorm {
  protected override checkInput(x: Tensor): void {
    checkDims('batch_norm', x, 5)
  }
}

export interface InstanceNormLayerOptions extends BatchNormLayerOptions {
  /** The share of a new batch. */
  readonly momentum?: number
}
type InstanceNormLayerArguments =
  | [
      numFeatures: number,
      ...Arguments<
        [eps: number, momentum: number, affine: boolean, trackRunningStats: boolean],
        InstanceNormLayerOptions
      >,
    ]
  | [options: InstanceNormLayerOptions & FeaturesOption]

/** Instance normalisation of inputs with `rank` spatial dimensions, with or without a batch. */
abstract class InstanceNorm extends ChannelNorm {
  protected abstract rank(): number

  constructor(...args: InstanceNormLayerArguments) {
    super(ofInstanceNorm(args))
  }

  protected override checkInput(x: Tensor): void {
    checkDims('instance_norm', x, this.rank() + 1, this.rank() + 2)
  }

  override forward(x: Tensor): Tensor {
    this.checkInput(x)
    const { runningMean, runningVar, weight, bias, momentum, eps } = this
    const useInputStats = this.training || !this.trackRunningStats
    const options = { runningMean, runningVar, weight, bias, useInputStats, momentum: momentum as number, eps }
    if (x.dim() > this.rank() + 1) return instanceNorm(x, options)
    return squeeze(instanceNorm(unsqueeze(x, 0), options), 0)
  }
}

/** Instance normalisation of [N, C, L] or [C, L]. */
export class InstanceNorm1d extends InstanceNorm {
  protected override rank(): number {
    return 1
  }
}

/**
 * Instance normalisation of images [N, C, H, W] or [C, H, W].
 *
 * @example
 * new nn.InstanceNorm2d(3, { affine: true }).forward(rand(2, 3, 4, 4)).shape // [2, 3, 4, 4]
 */
export class InstanceNorm2d extends InstanceNorm {
  protected override rank(): number {
    return 2
  }
}

/** Instance normalisation of volumes [N, C, D, H, W] or [C, D, H, W]. */
export class InstanceNorm3d extends InstanceNorm {
  protected override rank(): number {
    return 3
  }
}

/** Ones and zeros, to be learnt. */
const learnt = (sizes: readonly number[], options: LayerOptions): [weight: Parameter, bias: Parameter] => [
  new Parameter(ones([...sizes], options)),
  new Parameter(zeros([...sizes], options)),
]

export interface LayerNormLayerOptions extends LayerOptions {
  readonly eps?: number
  /** Learn a scale and a shift for each element. */
  readonly elementwiseAffine?: boolean
}
const ofLayerNorm = constructing(
  'LayerNorm',
  required('normalizedShape', dims),
  optional('eps', finite, 1e-5),
  optional('elementwiseAffine', bool, true),
  ...layerParameters,
)

/**
 * Layer normalisation over the last dimensions, whose sizes are `normalizedShape`.
 *
 * @example
 * new nn.LayerNorm(4).forward(rand(2, 4)).shape // [2, 4]
 */
export class LayerNorm extends Module {
  readonly normalizedShape: readonly number[]
  eps: number
  readonly elementwiseAffine: boolean
  weight: Parameter | null
  bias: Parameter | null

  constructor(
    ...args:
      | [
          normalizedShape: number | readonly number[],
          ...Arguments<[eps: number, elementwiseAffine: boolean], LayerNormLayerOptions>,
        ]
      | [options: LayerNormLayerOptions & { readonly normalizedShape: number | readonly number[] }]
  ) {
    const [shape, eps, elementwiseAffine, ...rest] = ofLayerNorm(args)
    super()
    this.normalizedShape = typeof shape === 'number' ? [shape] : [...shape]
    this.eps = eps
    this.elementwiseAffine = elementwiseAffine
    const values = elementwiseAffine ? learnt(this.normalizedShape, layerOptions(rest)) : [null, null]
    this.weight = values[0]
    this.bias = values[1]
    holdMembers(this, 'weight', 'bias')
  }

  /** Resets scale and shift. */
  resetParameters(): void {
    if (this.weight !== null) ones_(this.weight)
    if (this.bias !== null) zeros_(this.bias)
  }

  override forward(x: Tensor): Tensor {
    return layerNorm(x, this.normalizedShape, this.weight, this.bias, this.eps)
  }

  override extraRepr(): string {
    return `${pythonRepr(this.normalizedShape)}, ${fieldsOf(this, 'eps', 'elementwiseAffine')}`
  }
}

export interface GroupNormLayerOptions extends LayerOptions {
  readonly eps?: number
  /** Learn a scale and a shift for each channel. */
  readonly affine?: boolean
}
const ofGroupNorm = constructing(
  'GroupNorm',
  required('numGroups', int),
  required('numChannels', int),
  optional('eps', finite, 1e-5),
  optional('affine', bool, true),
  ...layerParameters,
)

/**
 * Normalisation of groups of channels, [N, C, ...].
 *
 * @example
 * new nn.GroupNorm(2, 4).forward(rand(3, 4, 5)).shape // [3, 4, 5]
 */
export class GroupNorm extends Module {
  readonly numGroups: number
  readonly numChannels: number
  eps: number
  readonly affine: boolean
  weight: Parameter | null
  bias: Parameter | null

  constructor(
    ...args: Takes<
      [numGroups: number, numChannels: number],
      'numGroups numChannels',
      Arguments<[eps: number, affine: boolean], GroupNormLayerOptions>
    >
  ) {
    const [numGroups, numChannels, eps, affine, ...rest] = ofGroupNorm(args)
    super()
    if (numGroups === 0 || numChannels % numGroups !== 0) {
      throw new ValueError(
        'num_channels must be divisible by num_groups',
        `There are ${numChannels} channels and ${numGroups} groups.`,
      )
    }
    this.numGroups = numGroups
    this.numChannels = numChannels
    this.eps = eps
    this.affine = affine
    const values = affine ? learnt([numChannels], layerOptions(rest)) : [null, null]
    this.weight = values[0]
    this.bias = values[1]
    holdMembers(this, 'weight', 'bias')
  }

  /** Resets scale and shift. */
  resetParameters(): void {
    if (this.weight !== null) ones_(this.weight)
    if (this.bias !== null) zeros_(this.bias)
  }

  override forward(x: Tensor): Tensor {
    return groupNorm(x, this.numGroups, this.weight, this.bias, this.eps)
  }

  override extraRepr(): string {
    return `${this.numGroups}, ${this.numChannels}, ${fieldsOf(this, 'eps', 'affine')}`
  }
}

const ofLocalResponseNorm = constructing(
  'LocalResponseNorm',
  required('size', int),
  optional('alpha', finite, 1e-4),
  optional('beta', finite, 0.75),
  optional('k', finite, 1),
)

/**
 * Local response normalisation over `size` neighbouring channels, [N, C, ...].
 *
 * @example
 * new nn.LocalResponseNorm(5, { k: 2 }).forward(rand(1, 8, 3, 3)).shape // [1, 8, 3, 3]
 */
export class LocalResponseNorm extends Module {
  size: number
  alpha: number
  beta: number
  k: number

  constructor(
    ...args: Takes<
      [size: number],
      'size',
      Arguments<[alpha: number, beta: number, k: number], LocalResponseNormOptions>
    >
  ) {
    super()
    ;[this.size, this.alpha, this.beta, this.k] = ofLocalResponseNorm(args)
  }

  override forward(x: Tensor): Tensor {
    return localResponseNorm(x, this.size, this.alpha, this.beta, this.k)
  }

  override extraRepr(): string {
    return `${this.size}, ${fieldsOf(this, 'alpha', 'beta')}, k=${floatRepr(this.k, 1)}`
  }
}
