// Layers that change the size of their input, or the order of its pixels and channels.
import { interpolate } from '../ops/resample/interpolate.ts'
import { channelShuffle, pixelShuffle, pixelUnshuffle } from '../ops/views/shuffle.ts'
import {
  type Takes,
  type Arguments,
  bool,
  constructing,
  dims,
  either,
  int,
  list,
  nullable,
  finite,
  optional,
  required,
  str,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Module } from './module.ts'
import { pythonRepr } from './names.ts'

type Sizes = number | readonly number[] | null
export interface UpsamplingOptions {
  readonly size?: Sizes
  readonly scaleFactor?: Sizes
}
export interface UpsampleOptions extends UpsamplingOptions {
  readonly mode?: string
  readonly alignCorners?: boolean | null
  readonly recomputeScaleFactor?: boolean | null
}
const sizeParameters = [
  optional('size', nullable(dims), null),
  optional('scaleFactor', nullable(either(finite, list(finite))), null),
] as const
const ofUpsample = constructing(
  'Upsample',
  ...sizeParameters,
  optional('mode', str, 'nearest'),
  optional('alignCorners', nullable(bool), null),
  optional('recomputeScaleFactor', nullable(bool), null),
)

/** A factor in Python's format, which is always a float. */
function factorRepr(factor: Sizes): string {
  if (typeof factor === 'number') return Number.isInteger(factor) ? `${factor}.0` : pythonRepr(factor)
  return factor === null ? 'None' : `(${factor.map(factorRepr).join(', ')}${factor.length === 1 ? ',' : ''})`
}

/**
 * Resamples [N, C, ...] to a size, or by a factor; `F.interpolate` says how.
 *
 * @example
 * new nn.Upsample({ scaleFactor: 2 }).forward(ones(1, 1, 2, 3)).shape // [1, 1, 4, 6]
 */
export class Upsample extends Module {
  size: Sizes
  scaleFactor: Sizes
  mode: string
  alignCorners: boolean | null
  recomputeScaleFactor: boolean | null

  constructor(
    ...args: Arguments<
      [
        size: Sizes,
        scaleFactor: Sizes,
        mode: string,
        alignCorners: boolean | null,
        recomputeScaleFactor: boolean | null,
      ],
      UpsampleOptions
    >
  ) {
    super()
    ;[this.size, this.scaleFactor, this.mode, this.alignCorners, this.recomputeScaleFactor] = ofUpsample(args)
  }

  override forward(x: Tensor): Tensor {
    return interpolate(x, this.size, this.scaleFactor, this.mode, this.alignCorners, this.recomputeScaleFactor)
  }

  override extraRepr(): string {
    const { size, scaleFactor, mode } = this
    return `${scaleFactor === null ? `size=${pythonRepr(size)}` : `scale_factor=${factorRepr(scaleFactor)}`}, mode=${mode}`
  }
}

type UpsamplingArguments = Arguments<[size: Sizes, scaleFactor: Sizes], UpsamplingOptions>

/** Resamples images to the nearest element. */
export class UpsamplingNearest2d extends Upsample {
  constructor(...args: UpsamplingArguments) {
    const [size, scaleFactor] = constructing('UpsamplingNearest2d', ...sizeParameters)(args)
    super(size, scaleFactor, 'nearest')
  }
}
/** Resamples images linearly; the corner elements of input and result have the same centers. */
export class UpsamplingBilinear2d extends Upsample {
  constructor(...args: UpsamplingArguments) {
    const [size, scaleFactor] = constructing('UpsamplingBilinear2d', ...sizeParameters)(args)
    super(size, scaleFactor, 'bilinear', true)
  }
}

const ofPixelShuffle = constructing('PixelShuffle', required('upscaleFactor', int))
const ofPixelUnshuffle = constructing('PixelUnshuffle', required('downscaleFactor', int))
const ofChannelShuffle = constructing('ChannelShuffle', required('groups', int))

/**
 * [..., C r², H, W] to [..., C, H r, W r].
 *
 * @example
 * new nn.PixelShuffle(2).forward(ones(1, 8, 2, 3)).shape // [1, 2, 4, 6]
 */
export class PixelShuffle extends Module {
  upscaleFactor: number

  constructor(...args: Takes<[upscaleFactor: number], 'upscaleFactor'>) {
    const [upscaleFactor] = ofPixelShuffle(args)
    super()
    this.upscaleFactor = upscaleFactor
  }

  override forward(x: Tensor): Tensor {
    return pixelShuffle(x, this.upscaleFactor)
  }

  override extraRepr(): string {
    return `upscale_factor=${this.upscaleFactor}`
  }
}
/** [..., C, H r, W r] to [..., C r², H, W]. */
export class PixelUnshuffle extends Module {
  downscaleFactor: number

  constructor(...args: Takes<[downscaleFactor: number], 'downscaleFactor'>) {
    const [downscaleFactor] = ofPixelUnshuffle(args)
    super()
    this.downscaleFactor = downscaleFactor
  }

  override forward(x: Tensor): Tensor {
    return pixelUnshuffle(x, this.downscaleFactor)
  }

  override extraRepr(): string {
    return `downscale_factor=${this.downscaleFactor}`
  }
}
/** The channels of groups in turn: [N, C, ...]. */
export class ChannelShuffle extends Module {
  readonly groups: number

  constructor(...args: Takes<[groups: number], 'groups'>) {
    const [groups] = ofChannelShuffle(args)
    super()
    this.groups = groups
  }

  override forward(x: Tensor): Tensor {
    return channelShuffle(x, this.groups)
  }

  override extraRepr(): string {
    return `groups=${this.groups}`
  }
}
