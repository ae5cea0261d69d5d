// Initialisations: each overwrites a tensor in place, without recording, with the numbers that PyTorch draws.
import { ValueError } from '../base/errors.ts'
import { newArray } from '../base/dtype.ts'
import { numelOf, type Shape } from '../base/shape.ts'
import { warn } from '../base/warn.ts'
import { transposed } from '../ops/linalg/factorizations.ts'
import { factorQR } from '../ops/linalg/orthogonal.ts'
import { inJavaScript } from '../ops/linalg/in-javascript.ts'
import { eye, fromArray } from '../ops/create/create.ts'
import { maskedFill } from '../ops/indexing/select.ts'
import {
  drawInto,
  drawn,
  type Fill,
  type GeneratorOption,
  generatorParameter,
  normalFill,
  truncNormalFill,
} from '../ops/random/draws.ts'
import { type NormalOptions, normal_ as drawNormal, uniform_ as drawUniform } from '../ops/random/random.ts'
import { t } from '../ops/views/views.ts'
import { copy_, fill_ } from '../ops/write/write.ts'
import { randperm } from '../random/distributions.ts'
import { defaultGenerator } from '../random/generator.ts'
import { noGrad } from '../tensor/mode.ts'
import {
  type Takes,
  type Arguments,
  finite,
  int,
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

export interface TruncNormalOptions {
  readonly mean?: number
  readonly std?: number
  /** The smallest number. */
  readonly a?: number
  /** The largest number. */
  readonly b?: number
}
/**
 * Fills `x` with normal numbers of `mean` and `std`, those outside [a, b] drawn again: by default between -2 and 2.
 *
 * @example
 * nn.init.truncNormal_(model.weight, { std: 0.01 })
 */
export function truncNormal_(
  x: Tensor,
  ...args: Arguments<[mean: number, std: number, a: number, b: number], TruncNormalOptions>
): Tensor {
  const [mean, std, a, b] = truncNormalArguments(x, args)
  if (mean < a - 2 * std || mean > b + 2 * std) {
    warn('mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be incorrect.')
  }
  return noGrad(() => drawInto(x, 'uniform', null, () => truncNormalFill(x.dtype, mean, std, a, b)))
}
const truncNormalArguments = method(
  'trunc_normal_',
  optional('mean', number, 0),
  optional('std', number, 1),
  optional('a', number, -2),
  optional('b', number, 2),
)

/** Fills `x` with one value. */
export function constant_(x: Tensor, ...args: Takes<[val: number], 'val'>): Tensor {
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

const diracArguments = method('dirac_', optional('groups', int, 1))
/**
 * Writes the weight of a convolution that returns its input: `x` is [out, in / groups, ...window] with one to three
 * window dimensions, and the middle of the window is 1 where output and input channel agree.
 *
 * Throws a ValueError for another number of dimensions, or if `groups` does not divide the output channels.
 */
export function dirac_(x: Tensor, ...args: [groups?: number | { readonly groups?: number }]): Tensor {
  const [groups] = diracArguments(x, args)
  const { sizes } = x
  if (sizes.length < 3 || sizes.length > 5) {
    throw new ValueError('Only tensors with 3, 4, or 5 dimensions are supported')
  }
  if (sizes[0] % groups !== 0) throw new ValueError('dim 0 must be divisible by groups')
  const values = newArray(x.dtype, x.elements)
  const perGroup = sizes[0] / groups
  const window = numelOf(sizes.slice(2))
  const middle = sizes.slice(2).reduce((at, size) => at * size + Math.floor(size / 2), 0)
  for (let channel = 0; channel < sizes[0]; channel++) {
    const own = channel % perGroup
    if (own < sizes[1]) values[(channel * sizes[1] + own) * window + middle] = 1
  }
  return noGrad(() => copy_(x, fromArray(values, sizes, { dtype: x.dtype, device: x.device })))
}

const sparseArguments = method('sparse_', required('sparsity', finite), optional('std', number, 0.01))
/**
 * Fills a matrix with normal numbers of deviation `std`, and sets the share `sparsity` of each column, rounded up, to 0.
 *
 * Throws a ValueError if `x` is not a matrix.
 */
export function sparse_(
  x: Tensor,
  ...args: Takes<[sparsity: number], 'sparsity', [std?: number | { readonly std?: number }]>
): Tensor {
  const [sparsity, std] = sparseArguments(x, args)
  if (x.dim() !== 2) throw new ValueError('Only tensors with 2 dimensions are supported')
  const [rows, columns] = x.sizes
  const zeros = Math.ceil(sparsity * rows)
  const holes: Fill = (out, generator) => {
    out.fill(0)
    const order = new Int32Array(rows)
    for (let column = 0; column < columns; column++) {
      randperm(order, generator)
      for (const row of order.subarray(0, zeros)) out[column * rows + row] = 1
    }
  }
  return noGrad(() => {
    drawNormal(x, 0, std)
    const mask = drawn(x.storage.device, { sizes: [columns, rows], dtype: 'bool' }, defaultGenerator, holes)
    return copy_(x, maskedFill(x, t(mask), 0))
  })
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
export function calculateGain(
  ...args: Takes<[nonlinearity: string], 'nonlinearity', [param?: number | null | { readonly param?: number | null }]>
): number {
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

const orthogonalArguments = method('orthogonal_', gainParameter)
/**
 * Saxe's orthogonal initialisation: the rows of `x` as a matrix [sizes[0], rest], or its columns if they are fewer, are
 * orthogonal and of length `gain`.
 *
 * Throws a ValueError for fewer than two dimensions.
 */
export function orthogonal_(x: Tensor, ...args: GainArguments): Tensor {
  const [gain] = orthogonalArguments(x, args)
  const { sizes, elements } = x
  if (sizes.length < 2) throw new ValueError('Only tensors with 2 or more dimensions are supported')
  if (elements === 0) return x
  const rows = sizes[0]
  const columns = elements / rows
  const normal = normalFill(x.dtype, 0, 1, true)
  return noGrad(() => {
    const value = drawn(x.storage.device, { sizes, dtype: x.dtype }, defaultGenerator, (out, generator) => {
      normal(out, generator)
      const x = Float64Array.from(out)
      const vectors =
        rows < columns
          ? transposed(orthonormal(transposed(x, rows, columns), columns, rows), columns, rows)
          : orthonormal(x, rows, columns)
      for (let i = 0; i < out.length; i++) out[i] = vectors[i] * gain
    })
    return copy_(x, value)
  })
}

/** The orthonormal columns of a matrix with at least as many rows, each on the side of its own (Saxe et al., 2014). */
function orthonormal(x: Float64Array, rows: number, columns: number): Float64Array {
  const r = x.slice()
  // On every device the same.
  const q = factorQR(inJavaScript, r, rows, columns, columns)
  return q.map((value, i) => value * Math.sign(r[(i % columns) * (columns + 1)]))
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
