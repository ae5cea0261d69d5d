// Activations that are functions of PyTorch's functional module but not methods. An activation is an elementwise
// record; its numbers are operands, so that one kernel serves all their values.
import { type DType, dtypeName, isFloat } from '../../base/dtype.ts'
import { mixed } from '../../base/promotion.ts'
import { RuntimeError } from '../../base/errors.ts'
import { toInt } from '../../base/remedies.ts'
import { normalizeDim } from '../../base/shape.ts'
import { type Expr, s } from '../../expr/expr.ts'
import * as draw from '../../random/distributions.ts'
import { defaultGenerator } from '../../random/generator.ts'
import { apply, operand } from '../../tensor/apply.ts'
import { effects } from '../../tensor/effects.ts'
import { applyInPlace } from '../../tensor/in-place.ts'
import { mode } from '../../tensor/mode.ts'
import type { Input } from '../../tensor/op.ts'
import {
  type Takes,
  type Arguments,
  bool,
  int,
  number,
  optional,
  type Parameter,
  required,
  signature,
  str,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { type DimOption, notImplemented, numberFor } from '../define/arguments.ts'
import { cloneOp, type Elementwise, elementwise, type ElementwiseOptions } from '../define/elementwise.ts'
import { fromArray } from '../create/create.ts'
import { sub } from './arithmetic.ts'
import { tanh } from './elementary.ts'
import { named } from '../define/overloads.ts'
import { narrow } from '../views/views.ts'
import { reshapeOp } from '../define/views.ts'

// ---- how an activation is defined ----

type Build = Parameters<typeof elementwise>[1]
/** Throws for dtypes that PyTorch's kernel does not take. */
const floats =
  (kernel: string) =>
  (_: DType, [x]: readonly Input[]): void => {
    if (!isFloat(x.dtype)) throw notImplemented(kernel, x.dtype)
  }
/** An op of floating point. */
const unit = (name: string, kernel: string, build: Build, grad?: ElementwiseOptions['grad']): Elementwise =>
  elementwise(name, build, { accepts: floats(kernel), ...(grad && { grad }) })

export interface InPlace {
  /** Overwrite the input. */
  readonly inplace?: boolean
}
/** Numbers, then `inplace`. */
type Activation<P extends readonly unknown[] = [], O = object> = (
  x: Tensor,
  ...args: Arguments<[...P, inplace: boolean], O & InPlace>
) => Tensor

const input = required('input', tensor)
const inPlaceParameter = optional('inplace', bool, false)

/** The nodes that PyTorch names differently in place. */
const inPlaceNames: Readonly<Record<string, string>> = {
  elu: 'EluBackward1',
  celu: 'CeluBackward1',
  rreluWithNoise: 'RreluWithNoiseBackward1',
  threshold: 'ThresholdBackward1',
}
const overwriting = new Map<Elementwise, Elementwise>()
function overwritingOf(op: Elementwise): Elementwise {
  let made = overwriting.get(op)
  if (made === undefined) {
    made = named(inPlaceNames[op.name] ?? op.name, op)
    overwriting.set(op, made)
  }
  return made
}

/** Applies an op, or overwrites its input, of which the graph then keeps a copy. */
function into(op: Elementwise, x: Tensor, more: readonly Input[], inplace: boolean): Tensor {
  if (!inplace) return apply(op, [x, ...more], null)
  const kept = mode.grad && x.requiresGrad && !x.isLeaf ? apply(cloneOp, [x], null) : x
  return applyInPlace(overwritingOf(op), x, [kept, ...more], null)
}

function activation(
  name: string,
  op: Elementwise,
  parameters: readonly Parameter<number>[] = [],
  check?: (x: Tensor, numbers: readonly number[]) => void,
): (x: Tensor, ...args: readonly unknown[]) => Tensor {
  const read = signature(name, input, ...parameters, inPlaceParameter) as (
    args: readonly unknown[],
  ) => readonly unknown[]
  return (...args) => {
    const values = read(args)
    const x = values[0] as Tensor
    const numbers = values.slice(1, -1) as number[]
    check?.(x, numbers)
    const whole = !isFloat(x.dtype)
    const operands = numbers.map((value) => operand(whole ? Number(numberFor(value, x.dtype)) : value))
    return into(op, x, operands, values[values.length - 1] as boolean)
  }
}

const sigmoid = (x: Expr): Expr => s.div(1, s.add(1, s.exp(s.neg(x))))
const one = optional('alpha', number, 1)

// ---- linear for positive numbers, exponential for others ----

/**
 * `x` where it is positive, `alpha (exp(x) - 1)` elsewhere.
 *
 * @example
 * F.elu(tensor([-1, 0, 2])) // tensor([-0.6321,  0.0000,  2.0000])
 */
export const elu: Activation<[alpha: number], { readonly alpha?: number }> = activation(
  'elu',
  unit('elu', 'elu_cpu', (x, alpha) => s.select(s.le(x, 0), s.mul(s.expm1(x), alpha), x)),
  [one],
)
/**
 * `x` where it is positive, `alpha (exp(x / alpha) - 1)` elsewhere.
 *
 * @example
 * F.celu(tensor([-1, 0, 2]), 2) // tensor([-0.7869,  0.0000,  2.0000])
 */
export const celu: Activation<[alpha: number], { readonly alpha?: number }> = activation(
  'celu',
  unit('celu', 'elu_cpu', (x, alpha) => s.select(s.le(x, 0), s.mul(s.expm1(s.div(x, alpha)), alpha), x)),
  [one],
  (_, [alpha]) => {
    if (alpha === 0) throw new RuntimeError('ZeroDivisionError: alpha cannot be 0 for CELU')
  },
)
const [alpha, scale] = [1.6732632423543772, 1.0507009873554805]
/**
 * `elu` with the scale and the alpha that keep mean 0 and variance 1 from layer to layer.
 *
 * @example
 * F.selu(tensor([-1, 0, 2])) // tensor([-1.1113,  0.0000,  2.1014])
 */
export const selu: Activation = activation(
  'selu',
  unit('elu', 'elu_cpu', (x) => s.select(s.le(x, 0), s.mul(s.expm1(x), scale * alpha), s.mul(x, scale))),
)

// ---- smooth ones ----

const gelus: Readonly<Record<string, Elementwise>> = {
  none: unit('gelu', 'GeluKernelImpl', (x) => s.mul(x, s.mul(s.add(s.erf(s.mul(x, Math.SQRT1_2)), 1), 0.5))),
  tanh: unit('gelu', 'GeluKernelImpl', (x) => {
    const cubic = s.add(x, s.mul(s.mul(s.mul(x, x), x), 0.044715))
    return s.mul(s.mul(x, 0.5), s.add(s.tanh(s.mul(cubic, Math.sqrt(2 / Math.PI))), 1))
  }),
}
const readGelu = signature('gelu', input, optional('approximate', str, 'none'))
/**
 * `x` times the normal distribution function of `x`, or with `approximate` 'tanh' a close formula.
 *
 * @example
 * F.gelu(tensor([-1, 0, 2])) // tensor([-0.1587,  0.0000,  1.9545])
 */
export function gelu(x: Tensor, ...args: Arguments<[approximate: string], { readonly approximate?: string }>): Tensor {
  const [given, approximate] = readGelu([x, ...args])
  if (!Object.hasOwn(gelus, approximate))
    throw new RuntimeError('approximate argument must be either none or tanh.', `It is '${approximate}'.`)
  return apply(gelus[approximate], [given], null)
}
/**
 * `x sigmoid(x)`.
 *
 * @example
 * F.silu(tensor([-1, 0, 2])) // tensor([-0.2689,  0.0000,  1.7616])
 */
export const silu: Activation = activation(
  'silu',
  unit(
    'silu',
    'silu_cpu',
    (x) => s.div(x, s.add(1, s.exp(s.neg(x)))),
    ({ dy, x: [x] }) => {
      const share = sigmoid(x)
      return [s.mul(dy, s.mul(share, s.add(1, s.mul(x, s.sub(1, share)))))]
    },
  ),
)
/**
 * `x tanh(softplus(x))`.
 *
 * @example
 * F.mish(tensor([-1, 0, 2])) // tensor([-0.3034,  0.0000,  1.9440])
 */
export const mish: Activation = activation(
  'mish',
  unit(
    'mish',
    'mish_cpu',
    (x) => s.mul(x, s.tanh(s.log1p(s.exp(x)))),
    ({ dy, x: [x] }) => {
      const bounded = s.tanh(s.log1p(s.exp(x)))
      return [s.mul(dy, s.add(bounded, s.mul(s.mul(x, sigmoid(x)), s.sub(1, s.mul(bounded, bounded)))))]
    },
  ),
)
const readSoftplus = signature('softplus', input, optional('beta', number, 1), optional('threshold', number, 20))
const softplusOp = unit('softplus', 'softplus_cpu', (x, beta, threshold) => {
  const z = s.mul(x, beta)
  return s.select(s.gt(z, threshold), x, s.div(s.log1p(s.exp(z)), beta))
})
/**
 * `log(1 + exp(beta x)) / beta`, or `x` where `beta x` is more than `threshold`.
 *
 * @example
 * F.softplus(tensor([-1, 0, 30])) // tensor([ 0.3133,  0.6931, 30.0000])
 */
export function softplus(
  x: Tensor,
  ...args: Arguments<[beta: number, threshold: number], { readonly beta?: number; readonly threshold?: number }>
): Tensor {
  const [given, beta, threshold] = readSoftplus([x, ...args])
  return apply(softplusOp, [given, operand(beta), operand(threshold)], null)
}
/** A function of one tensor alone. */
const alone = (name: string, op: Elementwise): ((x: Tensor) => Tensor) => {
  const read = signature(name, input)
  return (...args: readonly unknown[]) => apply(op, read(args), null)
}
/**
 * The logarithm of `sigmoid`.
 *
 * @example
 * F.logsigmoid(tensor([-1, 0, 2])) // tensor([-1.3133, -0.6931, -0.1269])
 */
export const logsigmoid: (x: Tensor) => Tensor = alone(
  'log_sigmoid',
  unit(
    'logSigmoid',
    'log_sigmoid_cpu',
    (x) => s.sub(s.min(x, 0), s.log1p(s.exp(s.neg(s.abs(x))))),
    ({ dy, x: [x] }) => {
      const [up, down] = [s.exp(x), s.exp(s.neg(x))]
      return [s.select(s.lt(x, 0), s.div(dy, s.add(up, 1)), s.div(s.mul(dy, down), s.add(down, 1)))]
    },
  ),
)
/**
 * `x / (1 + |x|)`.
 *
 * @example
 * F.softsign(tensor([-1, 0, 3])) // tensor([-0.5000,  0.0000,  0.7500])
 */
export const softsign: (x: Tensor) => Tensor = alone(
  'softsign',
  elementwise('div', (x) => s.div(x, s.add(s.abs(x), 1)), {
    out: 'float',
    accepts: (_, [x]) => {
      if (x.dtype === 'bool') throw notImplemented('abs_cpu', 'bool')
    },
  }),
)
/**
 * `x - tanh(x)`.
 *
 * @example
 * F.tanhshrink(tensor([-1, 0, 2])) // tensor([-0.2384,  0.0000,  1.0360])
 */
export function tanhshrink(x: Tensor): Tensor
export function tanhshrink(...args: readonly unknown[]): Tensor {
  const [x] = readTanhshrink(args)
  return sub(x, tanh(x))
}
const readTanhshrink = signature('tanhshrink', input)

// ---- straight ones ----

const lambd = optional('lambd', number, 0.5)
type Shrinking = Arguments<[lambd: number], { readonly lambd?: number }>
const readHardshrink = signature('hardshrink', input, lambd)
const within = (x: Expr, bound: Expr): Expr => s.and(s.ge(x, s.neg(bound)), s.le(x, bound))
const hardshrinkOp = unit('hardshrink', 'hardshrink_cpu', (x, bound) => s.select(within(x, bound), 0, x))
/**
 * 0 from `-lambd` to `lambd` (0.5), `x` elsewhere.
 *
 * @example
 * hardshrink(tensor([-1, 0.3, 2])) // tensor([-1.,  0.,  2.])
 */
export function hardshrink(x: Tensor, ...args: Shrinking): Tensor {
  const [given, bound] = readHardshrink([x, ...args])
  return apply(hardshrinkOp, [given, operand(bound)], null)
}
const readSoftshrink = signature('softshrink', input, lambd)
const softshrinkOp = unit(
  'softshrink',
  'softshrink_cpu',
  (x, bound) => s.select(s.gt(x, bound), s.sub(x, bound), s.select(s.lt(x, s.neg(bound)), s.add(x, bound), 0)),
  ({ dy, x: [x, bound] }) => [s.select(within(x, bound), 0, dy), s.constant(0, dy.dtype)],
)
/**
 * 0 from `-lambd` to `lambd` (0.5); elsewhere `x`, nearer to 0 by `lambd`.
 *
 * @example
 * F.softshrink(tensor([-1, 0.3, 2])) // tensor([-0.5000,  0.0000,  1.5000])
 */
export function softshrink(x: Tensor, ...args: Shrinking): Tensor {
  const [given, bound] = readSoftshrink([x, ...args])
  if (bound < 0) throw new RuntimeError(`lambda must be greater or equal to 0, but found to be ${bound}.`)
  return apply(softshrinkOp, [given, operand(bound)], null)
}

const none = (dy: Expr): Expr => s.constant(0, dy.dtype)
const hardtanhOp = elementwise('hardtanh', (x, low, high) => s.min(s.max(x, low), high), {
  grad: ({ dy, x: [x, low, high] }) => [s.select(s.or(s.le(x, low), s.ge(x, high)), 0, dy), none(dy), none(dy)],
  accepts: (_, [x]) => {
    if (x.dtype === 'bool') throw new RuntimeError('Bool inputs not supported for hardtanh', toInt)
  },
})
function checkLimits(x: Tensor, numbers: readonly number[]): void {
  if (x.dtype === 'uint8' && numbers.some((n) => n < 0))
    throw new RuntimeError('cannot do hardtanh on an unsigned type with negative limits')
}
/**
 * `x` within `minVal` (-1) and `maxVal` (1), and these outside.
 *
 * @example
 * F.hardtanh(tensor([-3, 0.5, 2])) // tensor([-1.0000,  0.5000,  1.0000])
 */
export const hardtanh: Activation<
  [minVal: number, maxVal: number],
  { readonly minVal?: number; readonly maxVal?: number }
> = activation('hardtanh', hardtanhOp, [optional('minVal', number, -1), optional('maxVal', number, 1)], checkLimits)
const bounded = activation('hardtanh', hardtanhOp, [optional('minVal', number, 0), optional('maxVal', number, 6)])
const readRelu6 = signature('relu6', input, inPlaceParameter)
/**
 * `x` within 0 and 6, and these outside.
 *
 * @example
 * F.relu6(tensor([-3, 0.5, 8])) // tensor([0.0000, 0.5000, 6.0000])
 */
export function relu6(x: Tensor, ...args: Arguments<[inplace: boolean], InPlace>): Tensor {
  const [given, inplace] = readRelu6([x, ...args])
  return bounded(given, 0, 6, inplace)
}
const steps = (x: Expr): Expr => s.min(s.max(s.add(x, 3), 0), 6)
/**
 * `x relu6(x + 3) / 6`.
 *
 * @example
 * F.hardswish(tensor([-1, 1, 4])) // tensor([-0.3333,  0.6667,  4.0000])
 */
export const hardswish: Activation = activation(
  'hardswish',
  unit(
    'hardswish',
    'hardswish_cpu',
    (x) => s.div(s.mul(x, steps(x)), 6),
    ({ dy, x: [x] }) => [s.select(s.lt(x, -3), 0, s.select(s.le(x, 3), s.mul(dy, s.add(s.div(x, 3), 0.5)), dy))],
  ),
)
/**
 * `relu6(x + 3) / 6`.
 *
 * @example
 * F.hardsigmoid(tensor([-4, 0, 1])) // tensor([0.0000, 0.5000, 0.6667])
 */
export const hardsigmoid: Activation = activation(
  'hardsigmoid',
  unit(
    'hardsigmoid',
    'hardsigmoid_cpu',
    (x) => s.div(steps(x), 6),
    ({ dy, x: [x] }) => [s.select(s.and(s.gt(x, -3), s.lt(x, 3)), s.div(dy, 6), 0)],
  ),
)
/**
 * `x` where it is more than `threshold`, `value` elsewhere.
 *
 * @example
 * F.threshold(tensor([1, 2, 3]), 2, -1) // tensor([-1., -1.,  3.])
 */
export const threshold: (
  x: Tensor,
  ...args: Takes<[threshold: number, value: number], 'threshold value', Arguments<[inplace: boolean], InPlace>>
) => Tensor = activation(
  'threshold',
  elementwise('threshold', (x, bound, value) => s.select(s.le(x, bound), value, x), {
    accepts: (_, [x]) => {
      if (x.dtype === 'bool') throw notImplemented('threshold_cpu', 'bool')
    },
  }),
  [required('threshold', number), required('value', number)],
)

// ---- of several tensors ----

const readGlu = signature('glu', input, optional('dim', int, -1))
const gluOp = unit(
  'glu',
  'glu_cpu',
  (a, b) => s.mul(a, sigmoid(b)),
  ({ dy, x: [a, b] }) => {
    const gate = sigmoid(b)
    return [s.mul(dy, gate), s.mul(s.mul(dy, a), s.mul(gate, s.sub(1, gate)))]
  },
)
/**
 * The first half along `dim` (the last) times the `sigmoid` of the second half.
 *
 * @example
 * F.glu(tensor([1, 2, 0, 0])) // tensor([0.5000, 1.0000])
 */
export function glu(x: Tensor, ...args: Arguments<[dim: number], DimOption>): Tensor {
  const [given, dim] = readGlu([x, ...args])
  if (given.dim() === 0) throw new RuntimeError('glu does not support scalars because halving size must be even')
  const d = normalizeDim(dim, given.dim())
  const size = given.sizes[d]
  if (size % 2 !== 0) throw new RuntimeError(`Halving dimension must be even, but dimension ${d} is size ${size}`)
  return apply(gluOp, [narrow(given, d, 0, size / 2), narrow(given, d, size / 2, size / 2)], null)
}

const readPrelu = signature('prelu', input, required('weight', tensor))
const preluOp = unit('prelu', 'prelu_cpu', (x, weight) => s.select(s.gt(x, 0), x, s.mul(x, weight)))
/**
 * `x` where it is positive, elsewhere `x` times `weight`: one number, or one for each channel of [N, C, ...].
 *
 * @example
 * prelu(tensor([-2, 3]), tensor(0.25)) // tensor([-0.5000,  3.0000])
 */
export function prelu(x: Tensor, ...args: Takes<[weight: Tensor], 'weight'>): Tensor {
  const [given, weight] = readPrelu([x, ...args])
  if (weight.dtype !== given.dtype) {
    throw mixed(
      given.dtype,
      weight.dtype,
      `Found dtype ${dtypeName[weight.dtype]} but expected ${dtypeName[given.dtype]}`,
    )
  }
  if (weight.elements !== 1) {
    if (given.dim() === 0) throw new RuntimeError('Not allow zero-dim input tensor.')
    const channels = given.sizes[1] ?? 1
    if (channels !== weight.elements) {
      throw new RuntimeError(
        `Mismatch of parameter numbers and input channel size. Found parameter numbers = ${weight.elements} and channel size = ${channels}.`,
      )
    }
  }
  if (weight.dim() > 1) {
    throw new RuntimeError(`prelu: Expected \`weight\` to be a scalar or 1D tensor, but got ndim = ${weight.dim()}`)
  }
  const shape = given.sizes.map((_, i) => (i === 1 ? weight.elements : 1))
  return apply(preluOp, [given, apply(reshapeOp, [weight], shape)], null)
}

const readRrelu = signature(
  'rrelu',
  input,
  optional('lower', number, 1 / 8),
  optional('upper', number, 1 / 3),
  optional('training', bool, false),
  inPlaceParameter,
)
const leakyOp = unit('rreluWithNoise', 'leaky_relu_cpu', (x, slope) => s.select(s.gt(x, 0), x, s.mul(x, slope)))
const noisyOp = unit('rreluWithNoise', 'rrelu_with_noise_out_cpu', (x, noise) => s.mul(x, noise))
/**
 * `x` where it is positive; elsewhere `x` times a random number between `lower` (1/8) and `upper` (1/3), or in
 * evaluation their mean. Only elements that are not positive draw numbers, as in PyTorch, and so it reads `x` in
 * training.
 *
 * @example
 * F.rrelu(tensor([-8, 0, 2]), 0.125, 0.375) // tensor([-2.,  0.,  2.])
 */
export function rrelu(
  x: Tensor,
  ...args: Arguments<
    [lower: number, upper: number, training: boolean, inplace: boolean],
    InPlace & { readonly lower?: number; readonly upper?: number; readonly training?: boolean }
  >
): Tensor {
  const [given, lower, upper, training, inplace] = readRrelu([x, ...args])
  if (!(lower <= upper)) throw new RuntimeError('Lower bound should be less than or equal to the upper bound')
  if (!training) return into(leakyOp, given, [operand((lower + upper) / 2)], inplace)
  if (!isFloat(given.dtype)) throw notImplemented('rrelu_with_noise_out_cpu', given.dtype)
  effects.sink?.refuse(
    'rrelu() in training, which reads its input to draw numbers for elements that are not positive,',
    'Use leakyRelu() or prelu().',
  )
  const round = given.dtype === 'float32' ? Math.fround : Number
  const slopes = Array.from(given.detach().toArray(), (value) => {
    if (!(value <= 0)) return 1
    const drawn = new Float64Array(1)
    draw.uniform(drawn, round(lower), round(upper), defaultGenerator)
    return drawn[0]
  })
  const noise = fromArray(slopes, given.sizes, { dtype: given.dtype, device: given.device })
  return into(noisyOp, given, [noise], inplace)
}
