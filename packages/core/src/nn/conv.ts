// Convolution layers in one to three dimensions, plain and transposed. One class holds what they share: the checks of
// their arguments, their parameters and their text.
import { ValueError } from '../base/errors.ts'
import { type Shape, shapeString } from '../base/shape.ts'
import { empty } from '../ops/create/create.ts'
import {
  checkNotNegative,
  checkPositive,
  type ConvTransposeOptions,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  expanded,
  type PerDim,
} from '../ops/product/conv.ts'
import { pad } from '../ops/views/pad.ts'
import {
  type Arguments,
  bool,
  constructing,
  dims,
  either,
  int,
  ints,
  method,
  nullable,
  optional,
  required,
  str,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { drawParameters, type LayerOptions, layerOptions, layerParameters } from './linear.ts'
import { holdMembers } from './held.ts'
import { Module } from './module.ts'
import { pythonRepr } from './names.ts'
import { Parameter } from './parameter.ts'
import { isUninitialized, UninitializedParameter } from './uninitialized.ts'

/** What surrounds the input: zeros, the input mirrored, its edge repeated, or its other end. */
export type PaddingMode = 'zeros' | 'reflect' | 'replicate' | 'circular'
const paddingModes: readonly string[] = ['zeros', 'reflect', 'replicate', 'circular']

interface SharedOptions extends LayerOptions {
  readonly stride?: PerDim
  readonly dilation?: PerDim
  /** Blocks of channels, each of which is convolved on its own; both numbers of channels are divisible by it. */
  readonly groups?: number
  /** Add a learnt number to each channel. */
  readonly bias?: boolean
}
export interface ConvLayerOptions extends SharedOptions {
  /** Numbers, `'same'` for an output of the input's size, or `'valid'` for no padding. */
  readonly padding?: PerDim | 'same' | 'valid'
  readonly paddingMode?: PaddingMode
}
export interface ConvTransposeLayerOptions extends SharedOptions, Pick<ConvTransposeOptions, 'outputPadding'> {
  readonly padding?: PerDim
  readonly paddingMode?: 'zeros'
}

/** The arguments by name. */
export interface Given {
  readonly rank: number
  readonly transposed: boolean
  readonly inChannels: number
  readonly outChannels: number
  readonly kernelSize: PerDim
  readonly stride: PerDim
  readonly padding: PerDim | string
  readonly outputPadding: PerDim
  readonly dilation: PerDim
  readonly groups: number
  readonly bias: boolean
  readonly paddingMode: string
  readonly options: LayerOptions
  /** The parameters are made for the first input. */
  readonly lazy: boolean
}

/** Throws PyTorch's errors, in its order. */
function check({ inChannels, outChannels, groups, padding, paddingMode }: Given, stride: Shape): void {
  if (groups <= 0) throw new ValueError('groups must be a positive integer')
  if (inChannels % groups !== 0) throw new ValueError('in_channels must be divisible by groups')
  if (outChannels % groups !== 0) throw new ValueError('out_channels must be divisible by groups')
  if (typeof padding === 'string') {
    if (padding !== 'same' && padding !== 'valid') {
      throw new ValueError(`Invalid padding string '${padding}', should be one of {'same', 'valid'}`)
    }
    if (padding === 'same' && stride.some((n) => n !== 1)) {
      throw new ValueError("padding='same' is not supported for strided convolutions")
    }
  }
  if (!paddingModes.includes(paddingMode)) {
    throw new ValueError(
      `padding_mode must be one of {${paddingModes.map((mode) => `'${mode}'`).join(', ')}}, but got padding_mode='${paddingMode}'`,
    )
  }
}

export class Convolution extends Module {
  readonly inChannels: number
  readonly outChannels: number
  readonly kernelSize: Shape
  stride: Shape
  padding: Shape | 'same' | 'valid'
  dilation: Shape
  readonly transposed: boolean
  outputPadding: Shape
  readonly groups: number
  paddingMode: PaddingMode
  /** [outChannels, inChannels / groups, ...kernelSize]; transposed [inChannels, outChannels / groups, ...kernelSize] */
  weight: Parameter
  /** [outChannels] */
  bias: Parameter | null

  constructor(given: Given) {
    const { rank, transposed, inChannels, outChannels, groups, padding, bias, paddingMode, options, lazy } = given
    const each = (name: string, value: PerDim): Shape => expanded(name, value, rank, rank)
    const kernelSize = each('kernel_size', given.kernelSize)
    const stride = each('stride', given.stride)
    const dilation = each('dilation', given.dilation)
    const outputPadding = each('output_padding', given.outputPadding)
    check(given, stride)
    const around = typeof padding === 'string' ? padding : each('padding', padding)
    if (typeof around !== 'string') checkNotNegative('padding', around)
    checkNotNegative('output_padding', outputPadding)
    checkPositive('stride', stride)
    checkPositive('dilation', dilation)
    super()
    this.inChannels = inChannels
    this.outChannels = outChannels
    this.kernelSize = kernelSize
    this.stride = stride
    this.padding = around as Shape | 'same' | 'valid'
    this.dilation = dilation
    this.transposed = transposed
    this.outputPadding = outputPadding
    this.groups = groups
    this.paddingMode = paddingMode as PaddingMode
    const channels = transposed ? [inChannels, outChannels / groups] : [outChannels, inChannels / groups]
    const parameter = (sizes: Shape): Parameter =>
      lazy ? new UninitializedParameter(options) : new Parameter(empty([...sizes], options))
    this.weight = parameter([...channels, ...kernelSize])
    this.bias = bias ? parameter([outChannels]) : null
    holdMembers(this, 'bias')
    this.resetParameters()
  }

  /** Initialises weight and bias again. */
  resetParameters(): void {
    if (!isUninitialized(this.weight)) drawParameters(this.weight, this.bias)
  }

  override extraRepr(): string {
    const { inChannels, outChannels, kernelSize, stride, padding, dilation, outputPadding, groups } = this
    const parts = [
      `${inChannels}, ${outChannels}`,
      `kernel_size=${pythonRepr(kernelSize)}`,
      `stride=${pythonRepr(stride)}`,
    ]
    const unless = (usual: number, name: string, value: Shape | string): void => {
      if (typeof value === 'string' || value.some((n) => n !== usual)) parts.push(`${name}=${pythonRepr(value)}`)
    }
    unless(0, 'padding', padding)
    unless(1, 'dilation', dilation)
    unless(0, 'output_padding', outputPadding)
    if (groups !== 1) parts.push(`groups=${groups}`)
    if (this.bias === null) parts.push('bias=False')
    if (this.paddingMode !== 'zeros') parts.push(`padding_mode=${this.paddingMode}`)
    return parts.join(', ')
  }
}

// ---- plain ----

const inputs = required('inChannels', int)
const outputs = [required('outChannels', int), required('kernelSize', dims)] as const
interface KernelOption {
  readonly kernelSize: PerDim
}
interface OutputOptions extends KernelOption {
  readonly outChannels: number
}
/** The sizes of a lazy layer's outputs, by position or by name, and the rest. */
type WithOutputs<A extends readonly unknown[], O> =
  | [outChannels: number, kernelSize: PerDim, ...Arguments<A, O>]
  | [outChannels: number, options: O & KernelOption]
  | [options: O & OutputOptions]
type WithInputs<A extends readonly unknown[], O> =
  | [inChannels: number, ...A]
  | [options: O & OutputOptions & { readonly inChannels: number }]
export type ConvLayerArguments = WithInputs<LazyConvArguments, ConvLayerOptions>
export type LazyConvArguments = WithOutputs<
  [
    stride: PerDim,
    padding: PerDim | 'same' | 'valid',
    dilation: PerDim,
    groups: number,
    bias: boolean,
    paddingMode: PaddingMode,
  ],
  ConvLayerOptions
>

/** Reads the arguments of a layer, or of a lazy one, which has no `inChannels`. */
export function plain(rank: number, lazy = false): (args: readonly unknown[]) => Given {
  const name = `Conv${rank}d`
  const own = [
    ...outputs,
    optional('stride', dims, 1),
    optional('padding', either(dims, str), 0),
    optional('dilation', dims, 1),
    optional('groups', int, 1),
    optional('bias', bool, true),
    optional('paddingMode', str, 'zeros'),
    ...layerParameters,
  ] as const
  const read = constructing(name, inputs, ...own)
  const readLazy = constructing(`Lazy${name}`, ...own)
  return (args) => {
    const [inChannels, outChannels, kernelSize, stride, padding, dilation, groups, bias, paddingMode, ...rest] = lazy
      ? ([0, ...readLazy(args)] as const)
      : read(args)
    const sizes = { inChannels, outChannels, kernelSize, stride, padding, outputPadding: 0, dilation, groups }
    return { rank, transposed: false, lazy, ...sizes, bias, paddingMode, options: layerOptions(rest) }
  }
}
const ofConv1d = plain(1)
const ofConv2d = plain(2)
const ofConv3d = plain(3)

const convolutions = [conv1d, conv2d, conv3d]

export class PlainConvolution extends Convolution {
  override forward(x: Tensor): Tensor {
    const { weight, bias, kernelSize, stride, dilation, padding, groups } = this
    const convolve = convolutions[kernelSize.length - 1]
    if (this.paddingMode === 'zeros') return convolve(x, weight, bias, stride, padding, dilation, groups)
    return convolve(pad(x, around(this), { mode: this.paddingMode }), weight, bias, stride, 0, dilation, groups)
  }
}

/** The padding before and after each dimension, the last one first, as `F.pad` takes it. */
function around({ kernelSize, dilation, padding }: Convolution): number[] {
  const both = kernelSize.map((n, i) => {
    if (padding === 'valid') return [0, 0]
    const total = dilation[i] * (n - 1)
    return padding === 'same' ? [Math.floor(total / 2), Math.ceil(total / 2)] : [padding[i], padding[i]]
  })
  return both.reverse().flat()
}

/**
 * A convolution of signals: [N, inChannels, L] or [inChannels, L] to [N, outChannels, L'] or [outChannels, L'], as
 * `F.conv1d` with a learnt weight and bias.
 *
 * @example
 * new nn.Conv1d(4, 8, 3, { padding: 'same' }).forward(ones(1, 4, 10)).shape // [1, 8, 10]
 */
export class Conv1d extends PlainConvolution {
  constructor(...args: ConvLayerArguments) {
    super(ofConv1d(args))
  }
}
/**
 * A convolution of images: [N, inChannels, H, W] or [inChannels, H, W] to [N, outChannels, H', W'] or [outChannels, H',
 * W'], as `F.conv2d` with a learnt weight and bias. Kernel, stride, padding and dilation are numbers or lists of two.
 *
 * Throws a ValueError for channels that `groups` does not divide.
 *
 * @example
 * new nn.Conv2d(3, 16, 3, { stride: 2, padding: 1 }).forward(ones(1, 3, 8, 8)).shape // [1, 16, 4, 4]
 */
export class Conv2d extends PlainConvolution {
  constructor(...args: ConvLayerArguments) {
    super(ofConv2d(args))
  }
}
/** A convolution of volumes: [N, inChannels, D, H, W] to [N, outChannels, D', H', W'], each also without N. */
export class Conv3d extends PlainConvolution {
  constructor(...args: ConvLayerArguments) {
    super(ofConv3d(args))
  }
}

// ---- transposed ----

export type ConvTransposeLayerArguments = WithInputs<LazyConvTransposeArguments, ConvTransposeLayerOptions>
export type LazyConvTransposeArguments = WithOutputs<
  [
    stride: PerDim,
    padding: PerDim,
    outputPadding: PerDim,
    groups: number,
    bias: boolean,
    dilation: PerDim,
    paddingMode: 'zeros',
  ],
  ConvTransposeLayerOptions
>

/** Reads the arguments of a transposed layer, or of a lazy one. */
export function transposed(rank: number, lazy = false): (args: readonly unknown[]) => Given {
  const name = `ConvTranspose${rank}d`
  const own = [
    ...outputs,
    optional('stride', dims, 1),
    optional('padding', dims, 0),
    optional('outputPadding', dims, 0),
    optional('groups', int, 1),
    optional('bias', bool, true),
    optional('dilation', dims, 1),
    optional('paddingMode', str, 'zeros'),
    ...layerParameters,
  ] as const
  const read = constructing(name, inputs, ...own)
  const readLazy = constructing(`Lazy${name}`, ...own)
  return (args) => {
    const [inChannels, outChannels, kernelSize, stride, padding, outputPadding, groups, bias, dilation, mode, ...rest] =
      lazy ? ([0, ...readLazy(args)] as const) : read(args)
    if (mode !== 'zeros')
      throw new ValueError(`Only "zeros" padding mode is supported for ${lazy ? 'Lazy' : ''}${name}`, `Got '${mode}'.`)
    const sizes = { inChannels, outChannels, kernelSize, stride, padding, outputPadding, dilation, groups }
    return { rank, transposed: true, lazy, ...sizes, bias, paddingMode: mode, options: layerOptions(rest) }
  }
}
const ofConvTranspose1d = transposed(1)
const ofConvTranspose2d = transposed(2)
const ofConvTranspose3d = transposed(3)

export interface OutputSizeOption {
  /** The size of the output, with or without batch and channels; it decides the output padding. */
  readonly outputSize?: readonly number[] | null
}
export type OutputSizeArgument = [outputSize?: readonly number[] | null | OutputSizeOption]
/** Declares an argument `outputSize` besides the input. */
export const withOutputSize = (name: string) => method(name, optional('outputSize', nullable(ints), null))

/** The output padding that gives an output of this size, or PyTorch's error. */
function outputPadding(layer: Convolution, x: Tensor, given: Shape | null): Shape {
  if (given === null) return layer.outputPadding
  const { kernelSize, stride, dilation } = layer
  const padding = layer.padding as Shape
  const rank = kernelSize.length
  const lead = x.dim() === rank + 2 ? 2 : 1
  const wanted = given.length === lead + rank ? given.slice(lead) : given
  if (wanted.length !== rank) {
    throw new ValueError(
      `ConvTranspose${rank}D: for ${x.dim()}D input, output_size must have ${rank} or ${lead + rank} elements (got ${wanted.length})`,
    )
  }
  const least = kernelSize.map(
    (n, i) => (x.sizes[lead + i] - 1) * stride[i] - 2 * padding[i] + dilation[i] * (n - 1) + 1,
  )
  const most = least.map((n, i) => n + stride[i] - 1)
  if (wanted.some((n, i) => n < least[i] || n > most[i])) {
    throw new ValueError(
      `requested an output size of ${shapeString(wanted)}, but valid sizes range from ${shapeString(least)} to ${shapeString(most)} (for an input of torch.Size(${shapeString(x.sizes.slice(2))}))`,
    )
  }
  return wanted.map((n, i) => n - least[i])
}

const transposedConvolutions = [convTranspose1d, convTranspose2d, convTranspose3d]
const forwardArguments = [1, 2, 3].map((rank) => withOutputSize(`conv_transpose${rank}d`))

export class TransposedConvolution extends Convolution {
  override forward(x: Tensor, ...args: OutputSizeArgument): Tensor {
    const { weight, bias, kernelSize, stride, groups, dilation } = this
    const at = kernelSize.length - 1
    const [outputSize] = forwardArguments[at](x, args)
    const more = outputPadding(this, x, outputSize)
    return transposedConvolutions[at](x, weight, bias, stride, this.padding as Shape, more, groups, dilation)
  }
}

/**
 * A transposed convolution of signals: [N, inChannels, L] or [inChannels, L] to [N, outChannels, L'] or [outChannels,
 * L'], as `F.convTranspose1d` with a learnt weight and bias.
 */
export class ConvTranspose1d extends TransposedConvolution {
  constructor(...args: ConvTransposeLayerArguments) {
    super(ofConvTranspose1d(args))
  }
}
/**
 * A transposed convolution of images: [N, inChannels, H, W] to [N, outChannels, H', W'], each also without N. With a
 * stride, inputs of one size have outputs of several: `forward(x, outputSize)` chooses.
 *
 * Throws a ValueError for an output size that the input cannot have.
 *
 * @example
 * const up = new nn.ConvTranspose2d(16, 3, 3, { stride: 2, padding: 1 })
 * up.forward(ones(1, 16, 4, 4)).shape // [1, 3, 7, 7]
 * up.forward(ones(1, 16, 4, 4), [8, 8]).shape // [1, 3, 8, 8]
 */
export class ConvTranspose2d extends TransposedConvolution {
  constructor(...args: ConvTransposeLayerArguments) {
    super(ofConvTranspose2d(args))
  }
}
/** A transposed convolution of volumes: [N, inChannels, D, H, W] to [N, outChannels, D', H', W'], each also without N. */
export class ConvTranspose3d extends TransposedConvolution {
  constructor(...args: ConvTransposeLayerArguments) {
    super(ofConvTranspose3d(args))
  }
}
