// Pooling layers: the functions of the same names with their arguments kept. They have no parameters.
import {
  type AdaptiveMaxPoolFunction,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  type OutputSize,
  outputSizes,
} from '../ops/pool/adaptive.ts'
import { checkPooling } from '../ops/pool/geometry.ts'
import {
  type AvgPoolArguments,
  type LPPoolArguments,
  type MaxPoolOptions,
  type AvgPoolNdOptions,
  type AvgPoolOptions,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  lpPool1d,
  lpPool2d,
  type MaxPoolFunction,
  maxPool1d,
  maxPool2d,
  maxPool3d,
} from '../ops/pool/pooling.ts'
import type { PerDim } from '../ops/product/conv.ts'
import {
  type Takes,
  type Arguments,
  bool,
  constructing,
  dims,
  int,
  nullable,
  optional,
  real,
  required,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Module } from './module.ts'
import { fieldsOf } from './names.ts'

export type { AvgPoolNdOptions, AvgPoolOptions } from '../ops/pool/pooling.ts'

/** A copy of a list, so that the caller's never becomes part of a layer. */
export const own = <T extends number | readonly unknown[] | null>(given: T): T =>
  (Array.isArray(given) ? [...given] : given) as T

/** The result of a layer: with indices, a pair. */
export type Pooled<I extends boolean> = I extends true ? [values: Tensor, indices: Tensor] : Tensor

// ---- maximum ----

export interface MaxPoolLayerOptions<I extends boolean = boolean> extends Omit<MaxPoolOptions, 'returnIndices'> {
  /** Return the places of the largest elements too. */
  readonly returnIndices?: I
}
export type MaxPoolLayerArguments<I extends boolean> = [
  kernelSize: PerDim | (MaxPoolLayerOptions<I> & { readonly kernelSize: PerDim }),
  ...Arguments<
    [stride: PerDim | null, padding: PerDim, dilation: PerDim, returnIndices: I, ceilMode: boolean],
    MaxPoolLayerOptions<I>
  >,
]

const maxArguments = [1, 2, 3].map((rank) =>
  constructing(
    `MaxPool${rank}d`,
    required('kernelSize', dims),
    optional('stride', nullable(dims), null),
    optional('padding', dims, 0),
    optional('dilation', dims, 1),
    optional('returnIndices', bool, false),
    optional('ceilMode', bool, false),
  ),
)

class MaxPooling<I extends boolean> extends Module {
  kernelSize: PerDim
  stride: PerDim
  padding: PerDim
  dilation: PerDim
  readonly returnIndices: boolean
  ceilMode: boolean

  constructor(rank: 1 | 2 | 3, args: readonly unknown[]) {
    const [kernel, stride, padding, dilation, returnIndices, ceilMode] = maxArguments[rank - 1](args)
    checkPooling({ kind: 'max', rank }, { kernel, stride, padding, dilation, ceilMode })
    super()
    this.kernelSize = own(kernel)
    this.stride = own(stride ?? kernel)
    this.padding = own(padding)
    this.dilation = own(dilation)
    this.returnIndices = returnIndices
    this.ceilMode = ceilMode
  }

  protected pooled(pool: MaxPoolFunction, x: Tensor): Pooled<I> {
    const { kernelSize, stride, padding, dilation, ceilMode, returnIndices } = this
    return pool(x, kernelSize, stride, padding, dilation, ceilMode, returnIndices as true) as unknown as Pooled<I>
  }

  override extraRepr(): string {
    return fieldsOf(this, 'kernelSize', 'stride', 'padding', 'dilation', 'ceilMode')
  }
}

/** The largest element of each window of signals, as `F.maxPool1d`. */
export class MaxPool1d<I extends boolean = false> extends MaxPooling<I> {
  constructor(...args: MaxPoolLayerArguments<I>) {
    super(1, args)
  }

  override forward(x: Tensor): Pooled<I> {
    return this.pooled(maxPool1d, x)
  }
}
/**
 * The largest element of each window of images [N, C, H, W] or [C, H, W], as `F.maxPool2d`.
 *
 * @example
 * new nn.MaxPool2d(2).forward(ones(1, 3, 8, 8)).shape // [1, 3, 4, 4]
 * const [values, indices] = new nn.MaxPool2d(3, { stride: 2, returnIndices: true }).forward(ones(1, 3, 7, 7))
 */
export class MaxPool2d<I extends boolean = false> extends MaxPooling<I> {
  constructor(...args: MaxPoolLayerArguments<I>) {
    super(2, args)
  }

  override forward(x: Tensor): Pooled<I> {
    return this.pooled(maxPool2d, x)
  }
}
/** The largest element of each window of volumes, as `F.maxPool3d`. */
export class MaxPool3d<I extends boolean = false> extends MaxPooling<I> {
  constructor(...args: MaxPoolLayerArguments<I>) {
    super(3, args)
  }

  override forward(x: Tensor): Pooled<I> {
    return this.pooled(maxPool3d, x)
  }
}

// ---- mean ----

const avgShared = [
  required('kernelSize', dims),
  optional('stride', nullable(dims), null),
  optional('padding', dims, 0),
  optional('ceilMode', bool, false),
  optional('countIncludePad', bool, true),
] as const
const avgArguments = [1, 2, 3].map((rank) =>
  constructing(
    `AvgPool${rank}d`,
    ...avgShared,
    ...(rank === 1 ? [] : [optional('divisorOverride', nullable(int), null)]),
  ),
)

abstract class AvgPooling extends Module {
  kernelSize: PerDim
  stride: PerDim
  padding: PerDim
  ceilMode: boolean
  countIncludePad: boolean

  constructor(rank: 1 | 2 | 3, args: readonly unknown[]) {
    const [kernel, stride, padding, ceilMode, countIncludePad] = avgArguments[rank - 1](args)
    checkPooling({ kind: 'avg', rank }, { kernel, stride, padding, dilation: 1, ceilMode })
    super()
    // PyTorch prints tuples in one dimension only.
    const kept = (given: PerDim): PerDim => (rank === 1 && typeof given === 'number' ? [given] : own(given))
    this.kernelSize = kept(kernel)
    this.stride = kept(stride ?? kernel)
    this.padding = kept(padding)
    this.ceilMode = ceilMode
    this.countIncludePad = countIncludePad
  }

  abstract override forward(x: Tensor): Tensor

  override extraRepr(): string {
    return fieldsOf(this, 'kernelSize', 'stride', 'padding')
  }
}

/** The mean of each window of signals, as `F.avgPool1d`. */
export class AvgPool1d extends AvgPooling {
  constructor(...args: AvgPoolArguments<AvgPoolOptions, []>) {
    super(1, args)
  }

  override forward(x: Tensor): Tensor {
    return avgPool1d(x, this.kernelSize, this.stride, this.padding, this.ceilMode, this.countIncludePad)
  }
}

abstract class AvgPoolingNd extends AvgPooling {
  divisorOverride: number | null

  constructor(rank: 2 | 3, args: readonly unknown[]) {
    super(rank, args)
    const [, , , , , override] = avgArguments[rank - 1](args)
    this.divisorOverride = override as number | null
  }

  protected pooled(pool: typeof avgPool2d, x: Tensor): Tensor {
    const { kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride } = this
    return pool(x, kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride)
  }
}

/**
 * The mean of each window of images [N, C, H, W] or [C, H, W], as `F.avgPool2d`.
 *
 * @example
 * new nn.AvgPool2d(2).forward(ones(1, 3, 8, 8)).shape // [1, 3, 4, 4]
 */
export class AvgPool2d extends AvgPoolingNd {
  constructor(...args: AvgPoolArguments<AvgPoolNdOptions, [divisorOverride: number | null]>) {
    super(2, args)
  }

  override forward(x: Tensor): Tensor {
    return this.pooled(avgPool2d, x)
  }
}
/** The mean of each window of volumes, as `F.avgPool3d`. */
export class AvgPool3d extends AvgPoolingNd {
  constructor(...args: AvgPoolArguments<AvgPoolNdOptions, [divisorOverride: number | null]>) {
    super(3, args)
  }

  override forward(x: Tensor): Tensor {
    return this.pooled(avgPool3d, x)
  }
}

// ---- p-norm ----

const lpArguments = [1, 2].map((rank) =>
  constructing(
    `LPPool${rank}d`,
    required('normType', real),
    required('kernelSize', dims),
    optional('stride', nullable(dims), null),
    optional('ceilMode', bool, false),
  ),
)
abstract class NormPooling extends Module {
  normType: number
  kernelSize: PerDim
  stride: PerDim | null
  ceilMode: boolean

  constructor(rank: 1 | 2, args: readonly unknown[]) {
    const [normType, kernel, stride, ceilMode] = lpArguments[rank - 1](args)
    checkPooling({ kind: 'avg', rank }, { kernel, stride, padding: 0, dilation: 1, ceilMode })
    super()
    this.normType = normType
    this.kernelSize = own(kernel)
    this.stride = own(stride)
    this.ceilMode = ceilMode
  }

  abstract override forward(x: Tensor): Tensor

  override extraRepr(): string {
    return fieldsOf(this, 'normType', 'kernelSize', 'stride', 'ceilMode')
  }
}

/** The p-norm of each window of signals, as `F.lpPool1d`. */
export class LPPool1d extends NormPooling {
  constructor(...args: LPPoolArguments) {
    super(1, args)
  }

  override forward(x: Tensor): Tensor {
    return lpPool1d(x, this.normType, this.kernelSize, this.stride, this.ceilMode)
  }
}
/** The p-norm of each window of images, as `F.lpPool2d`. */
export class LPPool2d extends NormPooling {
  constructor(...args: LPPoolArguments) {
    super(2, args)
  }

  override forward(x: Tensor): Tensor {
    return lpPool2d(x, this.normType, this.kernelSize, this.stride, this.ceilMode)
  }
}

// ---- adaptive ----

class AdaptivePooling extends Module {
  outputSize: OutputSize

  constructor(outputSize: OutputSize) {
    super()
    this.outputSize = own(outputSize)
  }

  override extraRepr(): string {
    return fieldsOf(this, 'outputSize')
  }
}

const outputSize = required('outputSize', outputSizes)
const adaptiveAvgArguments = [1, 2, 3].map((rank) => constructing(`AdaptiveAvgPool${rank}d`, outputSize))
type OutputSizeArguments = Takes<[outputSize: OutputSize], 'outputSize'>

/** The means of `outputSize` windows over signals, as `F.adaptiveAvgPool1d`. */
export class AdaptiveAvgPool1d extends AdaptivePooling {
  constructor(...args: OutputSizeArguments) {
    super(adaptiveAvgArguments[0](args)[0])
  }

  override forward(x: Tensor): Tensor {
    return adaptiveAvgPool1d(x, this.outputSize)
  }
}
/**
 * The means of windows over images [N, C, H, W] or [C, H, W], as `F.adaptiveAvgPool2d`: images of any size give one
 * size.
 *
 * @example
 * new nn.AdaptiveAvgPool2d(1).forward(ones(2, 3, 7, 5)).shape // [2, 3, 1, 1]
 */
export class AdaptiveAvgPool2d extends AdaptivePooling {
  constructor(...args: OutputSizeArguments) {
    super(adaptiveAvgArguments[1](args)[0])
  }

  override forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize)
  }
}
/** The means of windows over volumes, as `F.adaptiveAvgPool3d`. */
export class AdaptiveAvgPool3d extends AdaptivePooling {
  constructor(...args: OutputSizeArguments) {
    super(adaptiveAvgArguments[2](args)[0])
  }

  override forward(x: Tensor): Tensor {
    return adaptiveAvgPool3d(x, this.outputSize)
  }
}

interface ReturnIndices<I extends boolean> {
  /** Return the places of the largest elements too. */
  readonly returnIndices?: I
}
type AdaptiveMaxArguments<I extends boolean> = [
  outputSize: OutputSize | (ReturnIndices<I> & { readonly outputSize: OutputSize }),
  ...Arguments<[returnIndices: I], ReturnIndices<I>>,
]
const adaptiveMaxArguments = [1, 2, 3].map((rank) =>
  constructing(`AdaptiveMaxPool${rank}d`, outputSize, optional('returnIndices', bool, false)),
)

class AdaptiveMaxPooling<I extends boolean> extends AdaptivePooling {
  readonly returnIndices: boolean

  constructor(rank: 1 | 2 | 3, args: readonly unknown[]) {
    const [size, returnIndices] = adaptiveMaxArguments[rank - 1](args)
    super(size)
    this.returnIndices = returnIndices
  }

  protected pooled(pool: AdaptiveMaxPoolFunction, x: Tensor): Pooled<I> {
    return pool(x, this.outputSize, this.returnIndices as true) as unknown as Pooled<I>
  }
}

/** The largest elements of `outputSize` windows over signals, as `F.adaptiveMaxPool1d`. */
export class AdaptiveMaxPool1d<I extends boolean = false> extends AdaptiveMaxPooling<I> {
  constructor(...args: AdaptiveMaxArguments<I>) {
    super(1, args)
  }

  override forward(x: Tensor): Pooled<I> {
    return this.pooled(adaptiveMaxPool1d, x)
  }
}
/** The largest elements of windows over images [N, C, H, W] or [C, H, W], as `F.adaptiveMaxPool2d`. */
export class AdaptiveMaxPool2d<I extends boolean = false> extends AdaptiveMaxPooling<I> {
  constructor(...args: AdaptiveMaxArguments<I>) {
    super(2, args)
  }

  override forward(x: Tensor): Pooled<I> {
    return this.pooled(adaptiveMaxPool2d, x)
  }
}
/** The largest elements of windows over volumes, as `F.adaptiveMaxPool3d`. */
export class AdaptiveMaxPool3d<I extends boolean = false> extends AdaptiveMaxPooling<I> {
  constructor(...args: AdaptiveMaxArguments<I>) {
    super(3, args)
  }

  override forward(x: Tensor): Pooled<I> {
    return this.pooled(adaptiveMaxPool3d, x)
  }
}
