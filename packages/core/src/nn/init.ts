// Initialisations: each overwrites a tensor in place, without recording, and draws what PyTorch draws.
import { ValueError } from '../base/errors.ts'
import { numelOf, type Shape } from '../base/shape.ts'
import { warn } from '../base/warn.ts'
import { eye } from '../ops/create.ts'
import { type GeneratorOption, normal_ as drawNormal, uniform_ as drawUniform } from '../ops/random.ts'
import { copy_, fill_ } from '../ops/write.ts'
import { noGrad } from '../tensor/mode.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** Uniform numbers of [a, b). */
export const uniform_ = (x: Tensor, a = 0, b = 1, options: GeneratorOption = {}): Tensor =>
  noGrad(() => drawUniform(x, a, b, options))

/** Normal numbers. */
export const normal_ = (x: Tensor, mean = 0, std = 1, options: GeneratorOption = {}): Tensor =>
  noGrad(() => drawNormal(x, mean, std, options))

/** One value everywhere. */
export const constant_ = (x: Tensor, value: number): Tensor => noGrad(() => fill_(x, value))

/** 1 everywhere. */
export const ones_ = (x: Tensor): Tensor => constant_(x, 1)
/** 0 everywhere. */
export const zeros_ = (x: Tensor): Tensor => constant_(x, 0)

/** Ones on the diagonal of a matrix. */
export function eye_(x: Tensor): Tensor {
  if (x.dim() !== 2) throw new ValueError('Only tensors with 2 dimensions are supported')
  return noGrad(() => copy_(x, eye(x.shape[0], x.shape[1], { dtype: x.dtype, device: x.device })))
}

const linear = [
  'linear',
  'conv1d',
  'conv2d',
  'conv3d',
  'conv_transpose1d',
  'conv_transpose2d',
  'conv_transpose3d',
  'sigmoid',
]

/** By how much an activation shrinks values: the gain that keeps their variance, by PyTorch's name of the activation. */
export function calculateGain(nonlinearity: string, param?: number | null): number {
  if (linear.includes(nonlinearity)) return 1
  if (nonlinearity === 'tanh') return 5 / 3
  if (nonlinearity === 'relu') return Math.sqrt(2)
  if (nonlinearity === 'selu') return 3 / 4
  if (nonlinearity !== 'leaky_relu') {
    throw new ValueError(
      `Unsupported nonlinearity ${nonlinearity}`,
      `Known are ${[...linear, 'tanh', 'relu', 'leaky_relu', 'selu'].join(', ')}.`,
    )
  }
  const slope: unknown = param ?? 0.01
  if (typeof slope !== 'number') throw new ValueError(`negative_slope ${String(slope)} not a valid number`)
  return Math.sqrt(2 / (1 + slope ** 2))
}

/** The number of inputs to and outputs from one unit of a weight [out, in, ...window]. */
export function fansOf(shape: Shape): { fanIn: number; fanOut: number } {
  if (shape.length < 2) {
    throw new ValueError('Fan in and fan out can not be computed for tensor with fewer than 2 dimensions')
  }
  const window = numelOf(shape.slice(2))
  return { fanIn: shape[1] * window, fanOut: shape[0] * window }
}

export interface GainOption {
  /** Scales the result; see `calculateGain`. */
  readonly gain?: number
}
const xavierStd = (x: Tensor, given: number | GainOption): number => {
  const gain = typeof given === 'number' ? given : (given.gain ?? 1)
  const { fanIn, fanOut } = fansOf(x.shape)
  return gain * Math.sqrt(2 / (fanIn + fanOut))
}

/** Glorot's initialisation, uniform. */
export function xavierUniform_(x: Tensor, gain: number | GainOption = {}): Tensor {
  const bound = Math.sqrt(3) * xavierStd(x, gain)
  return uniform_(x, -bound, bound)
}

/** Glorot's initialisation, normal. */
export const xavierNormal_ = (x: Tensor, gain: number | GainOption = {}): Tensor => normal_(x, 0, xavierStd(x, gain))

export interface KaimingOptions {
  /** The negative slope of a leaky relu after this layer. */
  readonly a?: number
  /** Keep the variance of activations ('fan_in') or of gradients ('fan_out'). */
  readonly mode?: 'fan_in' | 'fan_out'
  readonly nonlinearity?: string
}
/** null for a tensor without elements: there is nothing to fill. */
function kaimingStd(x: Tensor, { a = 0, mode = 'fan_in', nonlinearity = 'leaky_relu' }: KaimingOptions): number | null {
  if (x.shape.includes(0)) {
    warn('Initializing zero-element tensors is a no-op')
    return null
  }
  if (mode !== 'fan_in' && mode !== 'fan_out') {
    throw new ValueError(`Mode ${String(mode)} not supported, please use one of ['fan_in', 'fan_out']`)
  }
  const { fanIn, fanOut } = fansOf(x.shape)
  return calculateGain(nonlinearity, a) / Math.sqrt(mode === 'fan_in' ? fanIn : fanOut)
}

/** He's initialisation, uniform: the default of linear layers, with `a` the root of 5. */
export function kaimingUniform_(x: Tensor, options: KaimingOptions = {}): Tensor {
  const std = kaimingStd(x, options)
  if (std === null) return x
  const bound = Math.sqrt(3) * std
  return uniform_(x, -bound, bound)
}

/** He's initialisation, normal. */
export function kaimingNormal_(x: Tensor, options: KaimingOptions = {}): Tensor {
  const std = kaimingStd(x, options)
  return std === null ? x : normal_(x, 0, std)
}
