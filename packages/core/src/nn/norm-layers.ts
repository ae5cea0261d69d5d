// Layers of normalisation. Those that normalise channels share a scale and a shift for each channel, and statistics that
// training collects for evaluation.
import { ValueError } from '../base/errors.ts'
import { full, ones, zeros } from '../ops/create/create.ts'
import {
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
import { checkBatch, normalise, normaliseBy } from './batch-norm.ts'
import { ones_, zeros_ } from './init.ts'
import { type LayerOptions, layerOptions, layerParameters } from './linear.ts'
import { Module } from './module.ts'
import { pythonRepr } from './names.ts'
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
type BatchNormLayerArguments = [
  numFeatures: number,
  ...Arguments<
    [eps: number, momentum: number | null, affine: boolean, trackRunningStats: boolean],
    BatchNormLayerOptions
  >,
]
const ofBatchNorm = constructing(
  '_BatchNorm',
  required('numFeatures', int),
  optional('eps', finite, 1e-5),
  optional('momentum', nullable(finite), 0.1),
  optional('affine', bool, true),
  optional('trackRunningStats', bool, true),
  ...layerParameters,
)

/** Batch normalisation of inputs with any number of dimensions; the subclasses say which. */
abstract class BatchNorm extends Module {
  readonly numFeatures: number
  readonly eps: number
  momentum: number | null
  readonly affine: boolean
  readonly trackRunningStats: boolean
  weight: Parameter | null
  bias: Parameter | null
  runningMean: Tensor | null = null
  runningVar: Tensor | null = null
  /** Batches seen in training, int32. */
  numBatchesTracked: Tensor | null = null

  constructor(...args: BatchNormLayerArguments) {
    const [numFeatures, eps, momentum, affine, trackRunningStats, ...rest] = ofBatchNorm(args)
    super()
    this.numFeatures = numFeatures
    this.eps = eps
    this.momentum = momentum
    this.affine = affine
    this.trackRunningStats = trackRunningStats
    const options = layerOptions(rest)
    this.weight = affine ? new Parameter(ones([numFeatures], options)) : null
    this.bias = affine ? new Parameter(zeros([numFeatures], options)) : null
    const tracked = trackRunningStats ? options : null
    this.registerBuffer('runningMean', tracked && zeros([numFeatures], tracked))
    this.registerBuffer('runningVar', tracked && ones([numFeatures], tracked))
    this.registerBuffer('numBatchesTracked', tracked && full([], 0, { ...tracked, dtype: 'int32' }))
  }

  /** Throws if the input has another number of dimensions. */
  protected abstract checkDim(dim: number): void

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

  override forward(x: Tensor): Tensor {
    checkSelf('batch_norm', x)
    this.checkDim(x.dim())
    const { runningMean: mean, runningVar: variance, numBatchesTracked: batches, weight, bias } = this
    const ofBatch = this.training || mean === null || variance === null
    checkBatch(x, { running_mean: mean, running_var: variance, weight, bias }, ofBatch)
    if (!ofBatch) return normaliseBy(x, mean, variance, this)
    if (!this.training || !this.trackRunningStats || mean === null || variance === null) return normalise(x, this, null)
    return normalise(x, this, { mean, variance, batches, momentum: this.momentum })
  }

  override extraRepr(): string {
    const { numFeatures, eps, momentum, affine, trackRunningStats } = this
    return `${numFeatures}, eps=${pythonRepr(eps)}, momentum=${pythonRepr(momentum)}, affine=${pythonRepr(affine)}, track_running_stats=${pythonRepr(trackRunningStats)}`
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

function checkDims(dim: number, ...wanted: readonly number[]): void {
  if (wanted.includes(dim)) return
  throw new ValueError(`expected ${wanted.map((n) => `${n}D`).join(' or ')} input (got ${dim}D input)`)
}

/** Batch normalisation of [N, C] or [N, C, L]. */
export class BatchNorm1d extends BatchNorm {
  protected override checkDim(dim: number): void {
    checkDims(dim, 2, 3)
  }
}

/**
 * Batch normalisation of images [N, C, H, W].
 *
 * @example
 * new nn.BatchNorm2d(3).forward(ones(2, 3, 4, 4)).shape // [2, 3, 4, 4]
 */
export class BatchNorm2d extends BatchNorm {
  protected override checkDim(dim: number): void {
    checkDims(dim, 4)
  }
}

/** Batch normalisation of volumes [N, C, D, H, W]. */
export class BatchNorm3d extends BatchNorm {
  protected override checkDim(dim: number): void {
    checkDims(dim, 5)
  }
}
