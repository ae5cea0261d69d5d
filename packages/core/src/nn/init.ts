// Initialisations: each overwrites a tensor in place, without recording, with the numbers that PyTorch draws.
import { ValueError } from '../base/errors.ts'
import { numelOf, type Shape } from '../base/shape.ts'
import { warn } from '../base/warn.ts'
import { eye } from '../ops/create/create.ts'
import { type GeneratorOption, generatorParameter } from '../ops/random/draws.ts'
import { type NormalOptions, normal_ as drawNormal, uniform_ as drawUniform } from '../ops/random/random.ts'
import { copy_, fill_ } from '../ops/write/write.ts'
import { noGrad } from '../tensor/mode.ts'
import {
  type Arguments,
  finite,
  ints,
  method,
  nullable,
  number,
  optional,
  real,
  required,
  scalar,
  signature,
  str,
  type Values,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** Fills `x` with uniform numbers in [a, b). */
export function uniform_(x: Tensor, ...args: Arguments<[a: number, b: number], InitUniformOptions>): Tensor {
  const [a, b, generator] = uniformArguments(x, args)
  return noGrad(() => drawUniform(x, a, b, { generator }))
}
interface InitUniformOptions extends GeneratorOption {
  readonly a?: number
  readonly b?: number
}
const uniformArguments = method('uniform_', optional('a', number, 0), optional('b', number, 1), generatorParameter)

/** Fills `x` with normal numbers. */
export function normal_(x: Tensor, ...args: Arguments<[mean: number, std: number], NormalOptions>): Tensor {
  const [mean, std, generator] = normalArguments(x, args)
  return noGrad(() => drawNormal(x, mean, std, { generator }))
}
const normalArguments = method('normal_', optional('mean', number, 0), optional('std', number, 1), generatorParameter)

/** Fills `x` with one value. */
export function constant_(x: Tensor, ...args: [val: number]): Tensor {
  const [val] = constantArguments(x, args)
  return noGrad(() => fill_(x, val))
}
const constantArguments = method('constant_', required('val', scalar))

/** Fills `x` with 1. */
export function ones_(x: Tensor, ...none: []): Tensor {
  onesArguments(x, none)
  return noGrad(() => fill_(x, 1))
}
const onesArguments = method('ones_')
/** Fills `x` with 0. */
export function zeros_(x: Tensor, ...none: []): Tensor {
  zerosArguments(x, none)
  return noGrad(() => fill_(x, 0))
}
const zerosArguments = method('zeros_')

const eyeArguments = method('eye_')
/** Writes the identity into a matrix. */
export function eye_(x: Tensor, ...none: []): Tensor {
  eyeArguments(x, none)
  if (x.dim() !== 2) throw new ValueError('Only tensors with 2 dimensions are supported')
  return noGrad(() => copy_(x, eye(x.sizes[0], x.sizes[1], { dtype: x.dtype, device: x.device })))
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

const gainArguments = signature(
  'calculate_gain',
  required('nonlinearity', str),
  optional('param', nullable(real), null),
)
/** The gain that compensates for an activation, to keep the variance of values, by PyTorch's name of the activation. */
export function calculateGain(...args: [nonlinearity: string, param?: number | null]): number {
  const [nonlinearity, param] = gainArguments(args)
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
  const slope = param ?? 0.01
  return Math.sqrt(2 / (1 + slope ** 2))
}

const fansArguments = signature('fansOf', required('shape', ints))
/** The number of inputs to and outputs from one unit of a weight [out, in, ...window]. */
export function fansOf(...args: [shape: Shape]): { fanIn: number; fanOut: number } {
  const [shape] = fansArguments(args)
  if (shape.length < 2) {
    throw new ValueError('Fan in and fan out can not be computed for tensor with fewer than 2 dimensions')
  }
  const window = numelOf(shape.slice(2))
  return { fanIn: shape[1] * window, fanOut: shape[0] * window }
}

export interface GainOption {
  /** A factor for the result; see `calculateGain`. */
  readonly gain?: number
}
type GainArguments = [gain?: number | GainOption]
const gainParameter = optional('gain', finite, 1)
const xavierStd = (x: Tensor, gain: number): number => {
  const { fanIn, fanOut } = fansOf(x.sizes)
  return gain * Math.sqrt(2 / (fanIn + fanOut))
}

const xavierUniformArguments = method('xavier_uniform_', gainParameter)
/** Glorot's uniform initialisation. */
export function xavierUniform_(x: Tensor, ...args: GainArguments): Tensor {
  const [gain] = xavierUniformArguments(x, args)
  const bound = Math.sqrt(3) * xavierStd(x, gain)
  return uniform_(x, -bound, bound)
}

const xavierNormalArguments = method('xavier_normal_', gainParameter)
/** Glorot's normal initialisation. */
export function xavierNormal_(x: Tensor, ...args: GainArguments): Tensor {
  const [gain] = xavierNormalArguments(x, args)
  return normal_(x, 0, xavierStd(x, gain))
}

export interface KaimingOptions {
  /** The negative slope of a leaky relu after this layer. */
  readonly a?: number
  /** Keep the variance of activations ('fan_in') or of gradients ('fan_out'). */
  readonly mode?: 'fan_in' | 'fan_out'
  readonly nonlinearity?: string
}
type KaimingArguments = Arguments<[a: number, mode: 'fan_in' | 'fan_out', nonlinearity: string], KaimingOptions>
const kaimingParameters = [
  optional('a', real, 0),
  optional('mode', str, 'fan_in'),
  optional('nonlinearity', str, 'leaky_relu'),
] as const
/** The standard deviation; null for a tensor without elements, which needs no filling. */
function kaimingStd(x: Tensor, [a, mode, nonlinearity]: Values<typeof kaimingParameters>): number | null {
  if (x.sizes.includes(0)) {
    warn('Initializing zero-element tensors is a no-op')
    return null
  }
  if (mode !== 'fan_in' && mode !== 'fan_out') {
    throw new ValueError(`Mode ${mode} not supported, please use one of ['fan_in', 'fan_out']`)
  }
  const { fanIn, fanOut } = fansOf(x.sizes)
  return calculateGain(nonlinearity, a) / Math.sqrt(mode === 'fan_in' ? fanIn : fanOut)
}

const kaimingUniformArguments = method('kaiming_uniform_', ...kaimingParameters)
/** He's uniform initialisation: with `a` the root of 5, the default of linear layers. */
export function kaimingUniform_(x: Tensor, ...args: KaimingArguments): Tensor {
  const std = kaimingStd(x, kaimingUniformArguments(x, args))
  if (std === null) return x
  const bound = Math.sqrt(3) * std
  return uniform_(x, -bound, bound)
}

const kaimingNormalArguments = method('kaiming_normal_', ...kaimingParameters)
/** He's normal initialisation. */
export function kaimingNormal_(x: Tensor, ...args: KaimingArguments): Tensor {
  const std = kaimingStd(x, kaimingNormalArguments(x, args))
  return std === null ? x : normal_(x, 0, std)
}
