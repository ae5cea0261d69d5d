// Activations as layers, besides those of activation.ts, and distances of vectors.
import { AssertionError } from '../base/errors.ts'
import { full } from '../ops/create/create.ts'
import { cosineSimilarity, pairwiseDistance } from '../ops/product/distance.ts'
import {
  celu,
  elu,
  gelu,
  glu,
  hardshrink,
  hardsigmoid,
  hardswish,
  hardtanh,
  logsigmoid,
  mish,
  prelu,
  relu6,
  rrelu,
  selu,
  silu,
  softplus,
  softshrink,
  softsign,
  tanhshrink,
  threshold,
} from '../ops/pointwise/nonlinear.ts'
import { softmax, softmin } from '../ops/reduce/softmax.ts'
import {
  type Takes,
  type Arguments,
  bool,
  checkSelf,
  constructing,
  int,
  optional,
  type Parameter as Declared,
  real,
  required,
  str,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { AlongDim } from './activation.ts'
import type { InplaceOption } from './rectified.ts'
import { type LayerOptions, layerOptions, layerParameters } from './linear.ts'
import { holdMembers } from './held.ts'
import { Module } from './module.ts'
import { fieldsOf, floatRepr, pythonRepr } from './names.ts'
import { Parameter } from './parameter.ts'

const inplaceParameter = optional('inplace', bool, false)
const number = (name: string, otherwise: number): Declared<number> => optional(name, real, otherwise)
type InplaceArguments = Arguments<[inplace: boolean], InplaceOption>

/** A layer without parameters but `inplace`. */
abstract class Inplace extends Module {
  inplace: boolean

  constructor(name: string, args: readonly unknown[]) {
    const [inplace] = constructing(name, inplaceParameter)(args)
    super()
    this.inplace = inplace
  }

  abstract override forward(x: Tensor): Tensor

  override extraRepr(): string {
    return this.inplace ? 'inplace=True' : ''
  }
}
/** The end of a text of several values. */
const inplaceRepr = (inplace: boolean): string => (inplace ? ', inplace=True' : '')

/** ELU or CELU. */
abstract class Exponential extends Module {
  alpha: number
  inplace: boolean

  constructor(name: string, args: readonly unknown[]) {
    const [alpha, inplace] = constructing(name, number('alpha', 1), inplaceParameter)(args)
    super()
    this.alpha = alpha
    this.inplace = inplace
  }

  override extraRepr(): string {
    return `alpha=${floatRepr(this.alpha, 1)}${inplaceRepr(this.inplace)}`
  }
}
type ExponentialArguments = Arguments<[alpha: number, inplace: boolean], InplaceOption & { readonly alpha?: number }>

/** `x` where it is positive, `alpha (exp(x) - 1)` elsewhere. */
export class ELU extends Exponential {
  constructor(...args: ExponentialArguments) {
    super('ELU', args)
  }

  override forward(x: Tensor): Tensor {
    return elu(x, this.alpha, this.inplace)
  }
}
/** `x` where it is positive, `alpha (exp(x / alpha) - 1)` elsewhere. */
export class CELU extends Exponential {
  constructor(...args: ExponentialArguments) {
    super('CELU', args)
  }

  override forward(x: Tensor): Tensor {
    return celu(x, this.alpha, this.inplace)
  }
}
/** ELU with the scale and the alpha that keep mean 0 and variance 1. */
export class SELU extends Inplace {
  constructor(...args: InplaceArguments) {
    super('SELU', args)
  }

  override forward(x: Tensor): Tensor {
    return selu(x, this.inplace)
  }
}

const ofGelu = constructing('GELU', optional('approximate', str, 'none'))
/** `x` times the normal distribution function of `x`. */
export class GELU extends Module {
  approximate: string

  constructor(...args: Arguments<[approximate: string], { readonly approximate?: string }>) {
    const [approximate] = ofGelu(args)
    super()
    this.approximate = approximate
  }

  override forward(x: Tensor): Tensor {
    return gelu(x, this.approximate)
  }

  override extraRepr(): string {
    return `approximate='${this.approximate}'`
  }
}
/** `x sigmoid(x)` */
export class SiLU extends Inplace {
  constructor(...args: InplaceArguments) {
    super('SiLU', args)
  }

  override forward(x: Tensor): Tensor {
    return silu(x, this.inplace)
  }
}
/** `x tanh(softplus(x))` */
export class Mish extends Inplace {
  constructor(...args: InplaceArguments) {
    super('Mish', args)
  }

  override forward(x: Tensor): Tensor {
    return mish(x, this.inplace)
  }
}
const ofSoftplus = constructing('Softplus', number('beta', 1), number('threshold', 20))
/** `log(1 + exp(beta x)) / beta`, or `x` where `beta x` is more than `threshold`. */
export class Softplus extends Module {
  beta: number
  threshold: number

  constructor(
    ...args: Arguments<[beta: number, threshold: number], { readonly beta?: number; readonly threshold?: number }>
  ) {
    const [beta, limit] = ofSoftplus(args)
    super()
    this.beta = beta
    this.threshold = limit
  }

  override forward(x: Tensor): Tensor {
    return softplus(x, this.beta, this.threshold)
  }

  override extraRepr(): string {
    return fieldsOf(this, 'beta', 'threshold')
  }
}
/** The logarithm of the sigmoid. */
export class LogSigmoid extends Module {
  constructor(...none: []) {
    constructing('LogSigmoid')(none)
    super()
  }

  override forward(x: Tensor): Tensor {
    return logsigmoid(x)
  }
}
/** `x / (1 + |x|)` */
export class Softsign extends Module {
  constructor(...none: []) {
    constructing('Softsign')(none)
    super()
  }

  override forward(x: Tensor): Tensor {
    return softsign(x)
  }
}
/** `x - tanh(x)` */
export class Tanhshrink extends Module {
  constructor(...none: []) {
    constructing('Tanhshrink')(none)
    super()
  }

  override forward(x: Tensor): Tensor {
    return tanhshrink(x)
  }
}

type ShrinkArguments = Arguments<[lambd: number], { readonly lambd?: number }>
/** Softshrink or Hardshrink. */
abstract class Shrink extends Module {
  lambd: number

  constructor(name: string, args: readonly unknown[]) {
    const [lambd] = constructing(name, number('lambd', 0.5))(args)
    super()
    this.lambd = lambd
  }

  abstract override forward(x: Tensor): Tensor

  override extraRepr(): string {
    return pythonRepr(this.lambd)
  }
}
/** 0 from `-lambd` to `lambd` (0.5); elsewhere `x`, nearer to 0 by `lambd`. */
export class Softshrink extends Shrink {
  constructor(...args: ShrinkArguments) {
    super('Softshrink', args)
  }

  override forward(x: Tensor): Tensor {
    return softshrink(x, this.lambd)
  }
}
/** 0 from `-lambd` to `lambd` (0.5), `x` elsewhere. */
export class Hardshrink extends Shrink {
  constructor(...args: ShrinkArguments) {
    super('Hardshrink', args)
  }

  override forward(x: Tensor): Tensor {
    return hardshrink(x, this.lambd)
  }
}

const ofHardtanh = constructing('Hardtanh', number('minVal', -1), number('maxVal', 1), inplaceParameter)
/** `x` within `minVal` (-1) and `maxVal` (1), and these outside. */
export class Hardtanh extends Module {
  minVal: number
  maxVal: number
  inplace: boolean

  constructor(
    ...args: Arguments<
      [minVal: number, maxVal: number, inplace: boolean],
      InplaceOption & { readonly minVal?: number; readonly maxVal?: number }
    >
  ) {
    const [minVal, maxVal, inplace] = ofHardtanh(args)
    super()
    if (!(maxVal > minVal))
      throw new AssertionError('', `maxVal must be more than minVal, ${minVal}, but is ${maxVal}.`)
    this.minVal = minVal
    this.maxVal = maxVal
    this.inplace = inplace
  }

  override forward(x: Tensor): Tensor {
    return hardtanh(x, this.minVal, this.maxVal, this.inplace)
  }

  override extraRepr(): string {
    const { minVal, maxVal, inplace } = this
    return `min_val=${floatRepr(minVal, -1)}, max_val=${floatRepr(maxVal, 1)}${inplaceRepr(inplace)}`
  }
}
/** `x` within 0 and 6, and these outside. */
export class ReLU6 extends Hardtanh {
  constructor(...args: InplaceArguments) {
    const [inplace] = constructing('ReLU6', inplaceParameter)(args)
    super(0, 6, inplace)
  }

  override forward(x: Tensor): Tensor {
    return relu6(x, this.inplace)
  }

  override extraRepr(): string {
    return this.inplace ? 'inplace=True' : ''
  }
}
/** `x relu6(x + 3) / 6` */
export class Hardswish extends Inplace {
  constructor(...args: InplaceArguments) {
    super('Hardswish', args)
  }

  override forward(x: Tensor): Tensor {
    return hardswish(x, this.inplace)
  }

  /** PyTorch's text does not say whether it is in place. */
  override extraRepr(): string {
    return ''
  }
}
/** `relu6(x + 3) / 6` */
export class Hardsigmoid extends Inplace {
  constructor(...args: InplaceArguments) {
    super('Hardsigmoid', args)
  }

  override forward(x: Tensor): Tensor {
    return hardsigmoid(x, this.inplace)
  }

  /** PyTorch's text does not say whether it is in place. */
  override extraRepr(): string {
    return ''
  }
}
const ofThreshold = constructing('Threshold', required('threshold', real), required('value', real), inplaceParameter)
/** `x` where it is more than `threshold`, `value` elsewhere. */
export class Threshold extends Module {
  threshold: number
  value: number
  inplace: boolean

  constructor(...args: Takes<[threshold: number, value: number], 'threshold value', InplaceArguments>) {
    const [limit, value, inplace] = ofThreshold(args)
    super()
    this.threshold = limit
    this.value = value
    this.inplace = inplace
  }

  override forward(x: Tensor): Tensor {
    return threshold(x, this.threshold, this.value, this.inplace)
  }

  override extraRepr(): string {
    return fieldsOf(this, 'threshold', 'value') + inplaceRepr(this.inplace)
  }
}

const ofGlu = constructing('GLU', optional('dim', int, -1))
/** The first half along `dim` (the last) times the sigmoid of the second half. */
export class GLU extends Module {
  dim: number

  constructor(...args: Arguments<[dim: number], { readonly dim?: number }>) {
    const [dim] = ofGlu(args)
    super()
    this.dim = dim
  }

  override forward(x: Tensor): Tensor {
    return glu(x, this.dim)
  }

  override extraRepr(): string {
    return `dim=${this.dim}`
  }
}

export interface PReLUOptions extends LayerOptions {
  readonly numParameters?: number
  /** The slopes to begin with. */
  readonly init?: number
}
const ofPrelu = constructing('PReLU', optional('numParameters', int, 1), number('init', 0.25), ...layerParameters)
/**
 * `x` where it is positive, elsewhere `x` times a learnt slope: one, or one for each channel of [N, C, ...].
 *
 * @example
 * new nn.PReLU().forward(tensor([-4, 2])) // tensor([-1.,  2.], grad_fn=<PreluBackward0>)
 */
export class PReLU extends Module {
  readonly numParameters: number
  weight: Parameter

  constructor(...args: Arguments<[numParameters: number, init: number], PReLUOptions>) {
    const [numParameters, init, ...rest] = ofPrelu(args)
    super()
    this.numParameters = numParameters
    this.weight = new Parameter(full([numParameters], init, layerOptions(rest)))
    holdMembers(this)
  }

  override forward(x: Tensor): Tensor {
    return prelu(x, this.weight)
  }

  override extraRepr(): string {
    return `num_parameters=${this.numParameters}`
  }
}
const ofRrelu = constructing('RReLU', number('lower', 1 / 8), number('upper', 1 / 3), inplaceParameter)
/** `x` where it is positive, elsewhere `x` times a random slope; in evaluation the mean slope. */
export class RReLU extends Module {
  lower: number
  upper: number
  inplace: boolean

  constructor(
    ...args: Arguments<
      [lower: number, upper: number, inplace: boolean],
      InplaceOption & { readonly lower?: number; readonly upper?: number }
    >
  ) {
    super()
    ;[this.lower, this.upper, this.inplace] = ofRrelu(args)
  }

  override forward(x: Tensor): Tensor {
    return rrelu(x, this.lower, this.upper, this.training, this.inplace)
  }

  override extraRepr(): string {
    return fieldsOf(this, 'lower', 'upper') + inplaceRepr(this.inplace)
  }
}

/** A softmax of `-x` along `dim`. */
export class Softmin extends AlongDim {
  override forward(x: Tensor): Tensor {
    return softmin(x, this.dim)
  }
}
/** A softmax over the channels of images, [N, C, H, W] or [C, H, W]. */
export class Softmax2d extends Module {
  constructor(...none: []) {
    constructing('Softmax2d')(none)
    super()
  }

  override forward(x: Tensor): Tensor {
    checkSelf('softmax', x)
    if (x.dim() !== 3 && x.dim() !== 4) throw new AssertionError('Softmax2d requires a 3D or 4D tensor as input')
    return softmax(x, -3)
  }
}

const ofCosine = constructing('CosineSimilarity', optional('dim', int, 1), number('eps', 1e-8))
/** The cosine of the angle between vectors along `dim` (1). */
export class CosineSimilarity extends Module {
  dim: number
  eps: number

  constructor(...args: Arguments<[dim: number, eps: number], { readonly dim?: number; readonly eps?: number }>) {
    super()
    ;[this.dim, this.eps] = ofCosine(args)
  }

  override forward(x1: Tensor, x2: Tensor): Tensor {
    return cosineSimilarity(x1, x2, this.dim, this.eps)
  }
}
const ofDistance = constructing(
  'PairwiseDistance',
  number('p', 2),
  number('eps', 1e-6),
  optional('keepdim', bool, false),
)
/** The distances of vectors along the last dimension. */
export class PairwiseDistance extends Module {
  norm: number
  eps: number
  keepdim: boolean

  constructor(
    ...args: Arguments<
      [p: number, eps: number, keepdim: boolean],
      { readonly p?: number; readonly eps?: number; readonly keepdim?: boolean }
    >
  ) {
    const [p, eps, keepdim] = ofDistance(args)
    super()
    this.norm = p
    this.eps = eps
    this.keepdim = keepdim
  }

  override forward(x1: Tensor, x2: Tensor): Tensor {
    return pairwiseDistance(x1, x2, this.norm, this.eps, this.keepdim)
  }
}
