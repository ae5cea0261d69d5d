// Invertible functions that turn one distribution into another: PyTorch's torch.distributions.transforms. Where PyTorch
// calls a transform, `forward` is called here, as with layers: `t.forward(x)`, and `t.inv.forward(y)` back.
import { className } from '../base/class-name.ts'
import { NotImplementedError, ValueError } from '../base/errors.ts'
import { broadcastShapes, checkSizes, numelOf, sameShape, type Shape, scalarShape } from '../base/shape.ts'
import { zerosLike } from '../ops/create/create.ts'
import { logsigmoid, softplus } from '../ops/pointwise/nonlinear.ts'

import { pad } from '../ops/views/pad.ts'
import { formatSize } from '../tensor/print.ts'
import {
  constructing,
  instance,
  int,
  ints,
  isTensor,
  type Kind,
  list,
  optional,
  type Parameter,
  required,
  signature,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import * as constraints from './constraints.ts'
import type { Constraint } from './constraints.ts'
import { checkValue } from './distribution.ts'
import { broadcastAll, fullOf, limitsOf, sumRightmost, tensorOrNumber, type TensorOrNumber } from './values.ts'

const cacheSize: Parameter<number> = optional('cacheSize', int, 0)
interface CacheOption {
  /** With 1, the last input and result are kept, so that inverting the result is exact and free. */
  readonly cacheSize?: number
}
type Cache = number | CacheOption
const cacheArguments = constructing('Transform', cacheSize)
const withCacheArguments = signature('with_cache', optional('cacheSize', int, 1))

/**
 * The base class of transforms. A subclass defines `domain`, `codomain`, `transformed`, and what it can of `inverted`
 * and `logDet`.
 *
 * @example
 * const t = new distributions.ExpTransform()
 * t.forward(tensor(0)) // tensor(1.)
 * t.inv.forward(tensor(1)) // tensor(0.)
 */
export abstract class Transform {
  readonly cacheSize: number
  #last: readonly [x: Tensor, y: Tensor] | null = null
  protected undoing: Transform | null = null

  constructor(...args: [cacheSize?: Cache]) {
    const [size] = cacheArguments(args)
    if (size !== 0 && size !== 1) throw new ValueError('cache_size must be 0 or 1', `It is ${size}.`)
    this.cacheSize = size
  }

  abstract get domain(): Constraint
  abstract get codomain(): Constraint

  /** Whether the transform can be undone. */
  get bijective(): boolean {
    return true
  }

  /** 1 for an increasing function, -1 for a decreasing one. */
  get sign(): TensorOrNumber {
    throw new NotImplementedError(`${className(this.constructor)} does not implement sign`)
  }

  /** How many last dimensions it works on, if domain and codomain agree on it. */
  get eventDim(): number {
    const { eventDim } = this.domain
    if (eventDim === this.codomain.eventDim) return eventDim
    throw new ValueError('Please use either .domain.event_dim or .codomain.event_dim')
  }

  /** The inverse transform. */
  get inv(): Transform {
    this.undoing ??= this.undone()
    return this.undoing
  }

  protected undone(): Transform {
    return new InverseTransform(this)
  }

  /** Applies the transform. */
  forward(x: Tensor): Tensor {
    checkValue('forward', x)
    if (this.cacheSize === 0) return this.transformed(x)
    if (this.#last?.[0] !== x) this.#last = [x, this.transformed(x)]
    return this.#last[1]
  }

  /** Undoes the transform. */
  inverse(y: Tensor): Tensor {
    checkValue('inverse', y)
    if (this.cacheSize === 0) return this.inverted(y)
    if (this.#last?.[1] !== y) this.#last = [this.inverted(y), y]
    return this.#last[0]
  }

  /** The logarithm of how much the transform stretches at `x`, which it takes to `y`. */
  logAbsDetJacobian(x: Tensor, y: Tensor): Tensor {
    checkValue('log_abs_det_jacobian', x)
    checkValue('log_abs_det_jacobian', y)
    return this.logDet(x, y)
  }

  protected abstract transformed(x: Tensor): Tensor

  protected inverted(_y: Tensor): Tensor {
    throw new NotImplementedError(`${className(this.constructor)} has no inverse`)
  }

  protected logDet(_x: Tensor, _y: Tensor): Tensor {
    throw new NotImplementedError(`${className(this.constructor)} does not implement log_abs_det_jacobian`)
  }

  /** The shape of the result for a shape of the input. */
  forwardShape(shape: readonly number[]): readonly number[] {
    return shape
  }

  /** The shape of the input for a shape of the result. */
  inverseShape(shape: readonly number[]): readonly number[] {
    return shape
  }

  /** The same transform with a cache of the given size. */
  withCache(...args: [cacheSize?: Cache]): Transform {
    const [size] = withCacheArguments(args)
    return size === this.cacheSize ? this : this.again(size)
  }

  /** The same transform with another size of the cache. */
  protected again(size: number): Transform {
    return Reflect.construct(this.constructor, [size])
  }

  /** Whether another transform computes the same. */
  equals(other: Transform): boolean {
    return other instanceof Transform && this.constructor === other.constructor && this.sameAs(other as this)
  }

  protected sameAs(_other: this): boolean {
    return true
  }

  toString(): string {
    return `${className(this.constructor)}()`
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}

const isSame = (a: TensorOrNumber, b: TensorOrNumber): boolean => {
  if (typeof a === 'number' && typeof b === 'number') return a === b
  const [x, y] = broadcastAll(a, b)
  return x.eq(y).all().item() === 1
}
const shapeOf = (x: TensorOrNumber): Shape => (isTensor(x) ? x.sizes : scalarShape)
const shapesArguments = signature('forward_shape', required('shape', ints))
/** Checks a shape of at least `least` dimensions. */
const atLeast = (shape: unknown, least: number): Shape => {
  const [sizes] = shapesArguments([shape])
  if (sizes.length < least) throw new ValueError('Too few dimensions on input')
  return checkSizes([...sizes])
}

class InverseTransform extends Transform {
  readonly #of: Transform

  constructor(of: Transform) {
    super(of.cacheSize)
    this.#of = of
  }

  override get domain(): Constraint {
    return this.#of.codomain
  }
  override get codomain(): Constraint {
    return this.#of.domain
  }
  override get bijective(): boolean {
    return this.#of.bijective
  }
  override get sign(): TensorOrNumber {
    return this.#of.sign
  }
  override get inv(): Transform {
    return this.#of
  }
  override forward(x: Tensor): Tensor {
    return this.#of.inverse(x)
  }
  override inverse(y: Tensor): Tensor {
    return this.#of.forward(y)
  }
  protected override transformed(x: Tensor): Tensor {
    return this.#of.inverse(x)
  }
  protected override logDet(x: Tensor, y: Tensor): Tensor {
    return this.#of.logAbsDetJacobian(y, x).neg()
  }
  override forwardShape(shape: readonly number[]): readonly number[] {
    return this.#of.inverseShape(shape)
  }
  override inverseShape(shape: readonly number[]): readonly number[] {
    return this.#of.forwardShape(shape)
  }
  protected override again(size: number): Transform {
    return this.#of.withCache(size).inv
  }
  protected override sameAs(other: this): boolean {
    return this.#of.equals(other.#of)
  }
  override toString(): string {
    return `_InverseTransform(${this.#of})`
  }
}

// ---- of one number ----

/** Between real numbers, increasing. */
abstract class OfNumbers extends Transform {
  override get domain(): Constraint {
    return constraints.real
  }
  override get sign(): TensorOrNumber {
    return 1
  }
}

/**
 * `exp(x)`.
 *
 * @example
 * new distributions.ExpTransform().logAbsDetJacobian(tensor(2), tensor(7.389)) // tensor(2.)
 */
export class ExpTransform extends OfNumbers {
  override get codomain(): Constraint {
    return constraints.positive
  }
  protected override transformed(x: Tensor): Tensor {
    return x.exp()
  }
  protected override inverted(y: Tensor): Tensor {
    return y.log()
  }
  protected override logDet(x: Tensor): Tensor {
    return x
  }
}

const powerArguments = constructing('PowerTransform', required('exponent', tensorOrNumber), cacheSize)
/**
 * `x ** exponent`, of positive numbers.
 *
 * @example
 * new distributions.PowerTransform(2).forward(tensor(3)) // tensor(9.)
 */
export class PowerTransform extends OfNumbers {
  readonly exponent: Tensor

  constructor(...args: [exponent: TensorOrNumber, cacheSize?: Cache]) {
    const [exponent, size] = powerArguments(args)
    super(size)
    ;[this.exponent] = broadcastAll(exponent)
  }
  override get domain(): Constraint {
    return constraints.positive
  }
  override get codomain(): Constraint {
    return constraints.positive
  }
  protected override transformed(x: Tensor): Tensor {
    return x.pow(this.exponent)
  }
  protected override inverted(y: Tensor): Tensor {
    return y.pow(this.exponent.reciprocal())
  }
  protected override logDet(x: Tensor, y: Tensor): Tensor {
    return this.exponent.mul(y).div(x).abs().log()
  }
  override forwardShape(shape: readonly number[]): readonly number[] {
    return broadcastShapes(atLeast(shape, 0), this.exponent.sizes)
  }
  override inverseShape(shape: readonly number[]): readonly number[] {
    return this.forwardShape(shape)
  }
  protected override again(size: number): Transform {
    return new PowerTransform(this.exponent, size)
  }
  protected override sameAs(other: this): boolean {
    return isSame(this.exponent, other.exponent)
  }
}

/**
 * `1 / (1 + exp(-x))`, kept from 0 and 1 by the smallest possible distance.
 *
 * @example
 * new distributions.SigmoidTransform().forward(tensor(0)) // tensor(0.5000)
 */
export class SigmoidTransform extends OfNumbers {
  override get codomain(): Constraint {
    return constraints.unitInterval
  }
  protected override transformed(x: Tensor): Tensor {
    return clippedSigmoid(x)
  }
  protected override inverted(y: Tensor): Tensor {
    const inside = clipped(y)
    return inside.log().sub(inside.neg().log1p())
  }
  protected override logDet(x: Tensor): Tensor {
    return softplus(x.neg()).neg().sub(softplus(x))
  }
}
const clipped = (x: Tensor): Tensor => {
  const { tiny, eps } = limitsOf(x)
  return x.clamp(tiny, 1 - eps)
}
const clippedSigmoid = (x: Tensor): Tensor => clipped(x.sigmoid())

/**
 * `log(1 + exp(x))`.
 *
 * @example
 * new distributions.SoftplusTransform().forward(tensor(0)) // tensor(0.6931)
 */
export class SoftplusTransform extends OfNumbers {
  override get codomain(): Constraint {
    return constraints.positive
  }
  protected override transformed(x: Tensor): Tensor {
    return softplus(x)
  }
  protected override inverted(y: Tensor): Tensor {
    return y.neg().expm1().neg().log().add(y)
  }
  protected override logDet(x: Tensor): Tensor {
    return softplus(x.neg()).neg()
  }
}

/**
 * `tanh(x)`.
 *
 * @example
 * new distributions.TanhTransform().inv.forward(tensor(0.5)) // tensor(0.5493)
 */
export class TanhTransform extends OfNumbers {
  override get codomain(): Constraint {
    return constraints.interval(-1, 1)
  }
  protected override transformed(x: Tensor): Tensor {
    return x.tanh()
  }
  protected override inverted(y: Tensor): Tensor {
    return y.atanh()
  }
  protected override logDet(x: Tensor): Tensor {
    return x
      .neg()
      .add(Math.LN2)
      .sub(softplus(x.mul(-2)))
      .mul(2)
  }
}

/**
 * `|x|`, whose inverse gives the positive number.
 *
 * @example
 * new distributions.AbsTransform().forward(tensor([-1, 2])) // tensor([1., 2.])
 */
export class AbsTransform extends Transform {
  override get domain(): Constraint {
    return constraints.real
  }
  override get codomain(): Constraint {
    return constraints.positive
  }
  override get bijective(): boolean {
    return false
  }
  protected override transformed(x: Tensor): Tensor {
    return x.abs()
  }
  protected override inverted(y: Tensor): Tensor {
    return y
  }
}

const affineArguments = constructing(
  'AffineTransform',
  required('loc', tensorOrNumber),
  required('scale', tensorOrNumber),
  optional('eventDim', int, 0),
  cacheSize,
)
interface AffineOptions extends CacheOption {
  readonly eventDim?: number
}
/**
 * `loc + scale x`; with `eventDim`, of that many last dimensions together.
 *
 * @example
 * new distributions.AffineTransform(1, 2).forward(tensor([0, 1])) // tensor([1., 3.])
 */
export class AffineTransform extends Transform {
  readonly loc: TensorOrNumber
  readonly scale: TensorOrNumber
  readonly #eventDim: number

  constructor(...args: [loc: TensorOrNumber, scale: TensorOrNumber, eventDim?: number | AffineOptions, size?: Cache]) {
    const [loc, scale, eventDim, size] = affineArguments(args)
    super(size)
    if (eventDim < 0) throw new ValueError(`event_dim must not be negative, but is ${eventDim}`)
    this.loc = loc
    this.scale = scale
    this.#eventDim = eventDim
  }
  override get domain(): Constraint {
    return this.#eventDim === 0 ? constraints.real : constraints.independent(constraints.real, this.#eventDim)
  }
  override get codomain(): Constraint {
    return this.domain
  }
  override get sign(): TensorOrNumber {
    return typeof this.scale === 'number' ? Math.sign(this.scale) : this.scale.sign()
  }
  protected override transformed(x: Tensor): Tensor {
    return x.mul(this.scale).add(this.loc)
  }
  protected override inverted(y: Tensor): Tensor {
    return y.sub(this.loc).div(this.scale)
  }
  protected override logDet(x: Tensor): Tensor {
    const { scale } = this
    const n = this.#eventDim
    const logs = typeof scale === 'number' ? fullOf(x, x.sizes, Math.log(Math.abs(scale))) : scale.abs().log()
    return sumRightmost(logs, n).expand(x.sizes.slice(0, x.dim() - n))
  }
  override forwardShape(shape: readonly number[]): readonly number[] {
    return [shapeOf(this.loc), shapeOf(this.scale)].reduce(broadcastShapes, atLeast(shape, 0))
  }
  override inverseShape(shape: readonly number[]): readonly number[] {
    return this.forwardShape(shape)
  }
  protected override again(size: number): Transform {
    return new AffineTransform(this.loc, this.scale, this.#eventDim, size)
  }
  protected override sameAs(other: this): boolean {
    return isSame(this.loc, other.loc) && isSame(this.scale, other.scale)
  }
}

// ---- of vectors and matrices ----

/**
 * Vectors to proportions by softmax; its inverse is the logarithm.
 *
 * @example
 * new distributions.SoftmaxTransform().forward(tensor([0, 0])) // tensor([0.5000, 0.5000])
 */
export class SoftmaxTransform extends Transform {
  override get domain(): Constraint {
    return constraints.realVector
  }
  override get codomain(): Constraint {
    return constraints.simplex
  }
  override get bijective(): boolean {
    return false
  }
  protected override transformed(x: Tensor): Tensor {
    const probs = x.sub(x.amax(-1, true)).exp()
    return probs.div(probs.sum(-1, true))
  }
  protected override inverted(y: Tensor): Tensor {
    return y.log()
  }
  override forwardShape(shape: readonly number[]): readonly number[] {
    return atLeast(shape, 1)
  }
  override inverseShape(shape: readonly number[]): readonly number[] {
    return atLeast(shape, 1)
  }
}

/**
 * Vectors to proportions, one more, by breaking pieces off a stick.
 *
 * @example
 * new distributions.StickBreakingTransform().forward(tensor([0, 0])) // tensor([0.3333, 0.3333, 0.3333])
 */
export class StickBreakingTransform extends Transform {
  override get domain(): Constraint {
    return constraints.realVector
  }
  override get codomain(): Constraint {
    return constraints.simplex
  }
  /** x less the logarithms of n, n - 1 ... 1. */
  #shifted(x: Tensor): Tensor {
    const n = x.sizes[x.dim() - 1]
    return x.sub(
      fullOf(x, [n], 1)
        .cumsum(-1)
        .neg()
        .add(n + 1)
        .log(),
    )
  }
  protected override transformed(x: Tensor): Tensor {
    const z = clippedSigmoid(this.#shifted(x))
    return pad(z, [0, 1], { value: 1 }).mul(pad(z.neg().add(1).cumprod(-1), [1, 0], { value: 1 }))
  }
  protected override inverted(y: Tensor): Tensor {
    const n = y.sizes[y.dim() - 1]
    const crop = y.slice(-1, 0, n - 1)
    const rest = crop
      .cumsum(-1)
      .neg()
      .add(1)
      .clamp({ min: limitsOf(y).tiny })
    const offset = fullOf(y, [n - 1], 1)
      .cumsum(-1)
      .neg()
      .add(n)
    return crop.log().sub(rest.log()).add(offset.log())
  }
  protected override logDet(x: Tensor, y: Tensor): Tensor {
    const z = this.#shifted(x)
    return z
      .neg()
      .add(logsigmoid(z))
      .add(y.slice(-1, 0, y.sizes[y.dim() - 1] - 1).log())
      .sum(-1)
  }
  override forwardShape(shape: readonly number[]): readonly number[] {
    const sizes = atLeast(shape, 1)
    return [...sizes.slice(0, -1), sizes[sizes.length - 1] + 1]
  }
  override inverseShape(shape: readonly number[]): readonly number[] {
    const sizes = atLeast(shape, 1)
    return [...sizes.slice(0, -1), sizes[sizes.length - 1] - 1]
  }
}

/**
 * Square matrices to lower triangular ones with a positive diagonal.
 *
 * @example
 * new distributions.LowerCholeskyTransform().forward(zeros(2, 2)).tolist() // [[1, 0], [0, 1]]
 */
export class LowerCholeskyTransform extends Transform {
  override get domain(): Constraint {
    return constraints.independent(constraints.real, 2)
  }
  override get codomain(): Constraint {
    return constraints.lowerCholesky
  }
  override get bijective(): boolean {
    return false
  }
  #withDiagonal(x: Tensor, fn: (diagonal: Tensor) => Tensor): Tensor {
    return x.tril(-1).add(fn(x.diagonal({ dim1: -2, dim2: -1 })).diagEmbed())
  }
  protected override transformed(x: Tensor): Tensor {
    return this.#withDiagonal(x, (diagonal) => diagonal.exp())
  }
  protected override inverted(y: Tensor): Tensor {
    return this.#withDiagonal(y, (diagonal) => diagonal.log())
  }
}

const reshapeArguments = constructing(
  'ReshapeTransform',
  required('inShape', ints),
  required('outShape', ints),
  cacheSize,
)
/**
 * Events of one shape to another with as many elements.
 *
 * @example
 * new distributions.ReshapeTransform([4], [2, 2]).forward(ones(3, 4)).shape // [3, 2, 2]
 */
export class ReshapeTransform extends Transform {
  readonly inShape: readonly number[]
  readonly outShape: readonly number[]

  constructor(...args: [inShape: readonly number[], outShape: readonly number[], cacheSize?: Cache]) {
    const [inShape, outShape, size] = reshapeArguments(args)
    super(size)
    this.inShape = checkSizes([...inShape])
    this.outShape = checkSizes([...outShape])
    if (numelOf(inShape) !== numelOf(outShape)) {
      throw new ValueError(
        'in_shape, out_shape have different numbers of elements',
        `They are ${formatSize(inShape)} and ${formatSize(outShape)}.`,
      )
    }
  }
  override get domain(): Constraint {
    return constraints.independent(constraints.real, this.inShape.length)
  }
  override get codomain(): Constraint {
    return constraints.independent(constraints.real, this.outShape.length)
  }
  #reshaped(shape: unknown, from: Shape, to: Shape): Shape {
    const sizes = atLeast(shape, from.length)
    const cut = sizes.length - from.length
    if (!sameShape(sizes.slice(cut), from)) {
      throw new ValueError(`Shape mismatch: expected ${formatSize(sizes.slice(cut))} but got ${formatSize(from)}`)
    }
    return [...sizes.slice(0, cut), ...to]
  }
  override forwardShape(shape: readonly number[]): readonly number[] {
    return this.#reshaped(shape, this.inShape, this.outShape)
  }
  override inverseShape(shape: readonly number[]): readonly number[] {
    return this.#reshaped(shape, this.outShape, this.inShape)
  }
  protected override transformed(x: Tensor): Tensor {
    return x.reshape([...this.forwardShape(x.sizes)])
  }
  protected override inverted(y: Tensor): Tensor {
    return y.reshape([...this.inverseShape(y.sizes)])
  }
  protected override logDet(x: Tensor): Tensor {
    return fullOf(x, x.sizes.slice(0, x.dim() - this.inShape.length), 0)
  }
  protected override again(size: number): Transform {
    return new ReshapeTransform(this.inShape, this.outShape, size)
  }
  protected override sameAs(other: this): boolean {
    return this === other
  }
}

// ---- of other transforms ----

export const transformKind: Kind<Transform> = instance(Transform, 'Transform')
const composeArguments = constructing('ComposeTransform', required('parts', list(transformKind)), cacheSize)
/** The constraint with at least `eventDim` dimensions to an event. */
const widened = (constraint: Constraint, eventDim: number): Constraint =>
  eventDim > constraint.eventDim ? constraints.independent(constraint, eventDim - constraint.eventDim) : constraint

/**
 * Several transforms, one after the other.
 *
 * @example
 * const { AffineTransform, ComposeTransform, ExpTransform } = distributions
 * new ComposeTransform([new AffineTransform(1, 2), new ExpTransform()]).forward(tensor(-0.5)) // tensor(1.)
 */
export class ComposeTransform extends Transform {
  readonly parts: readonly Transform[]

  constructor(...args: [parts: readonly Transform[], cacheSize?: Cache]) {
    const [parts, size] = composeArguments(args)
    super(size)
    this.parts = parts.map((part) => (size > 0 ? part.withCache(size) : part))
  }
  override get domain(): Constraint {
    const { parts } = this
    if (parts.length === 0) return constraints.real
    let { eventDim } = parts[parts.length - 1].codomain
    for (const { domain, codomain } of [...parts].reverse())
      eventDim = Math.max(eventDim + domain.eventDim - codomain.eventDim, domain.eventDim)
    return widened(parts[0].domain, eventDim)
  }
  override get codomain(): Constraint {
    const { parts } = this
    if (parts.length === 0) return constraints.real
    let { eventDim } = parts[0].domain
    for (const { domain, codomain } of parts)
      eventDim = Math.max(eventDim + codomain.eventDim - domain.eventDim, codomain.eventDim)
    return widened(parts[parts.length - 1].codomain, eventDim)
  }
  protected override undone(): Transform {
    const inverse = new ComposeTransform(this.parts.map((part) => part.inv).reverse())
    inverse.undoing = this
    return inverse
  }
  override get bijective(): boolean {
    return this.parts.every((part) => part.bijective)
  }
  override get sign(): TensorOrNumber {
    return this.parts.reduce<TensorOrNumber>((sign, part) => times(sign, part.sign), 1)
  }
  override forward(x: Tensor): Tensor {
    checkValue('forward', x)
    return this.parts.reduce((value, part) => part.forward(value), x)
  }
  override inverse(y: Tensor): Tensor {
    checkValue('inverse', y)
    return this.parts.reduceRight((value, part) => part.inverse(value), y)
  }
  protected override transformed(x: Tensor): Tensor {
    return this.forward(x)
  }
  protected override logDet(x: Tensor, y: Tensor): Tensor {
    const { parts } = this
    if (parts.length === 0) return zerosLike(x)
    let { eventDim } = this.domain
    let total: Tensor | null = null
    let value = x
    for (const [i, part] of parts.entries()) {
      const next = i === parts.length - 1 ? y : part.forward(value)
      const term = sumRightmost(part.logAbsDetJacobian(value, next), eventDim - part.domain.eventDim)
      total = total === null ? term : total.add(term)
      eventDim += part.codomain.eventDim - part.domain.eventDim
      value = next
    }
    return total as Tensor
  }
  override forwardShape(shape: readonly number[]): readonly number[] {
    return this.parts.reduce((sizes, part) => part.forwardShape(sizes), atLeast(shape, 0))
  }
  override inverseShape(shape: readonly number[]): readonly number[] {
    return this.parts.reduceRight((sizes, part) => part.inverseShape(sizes), atLeast(shape, 0))
  }
  protected override again(size: number): Transform {
    return new ComposeTransform(this.parts, size)
  }
  protected override sameAs(other: this): boolean {
    return areSame(this.parts, other.parts)
  }
  override toString(): string {
    return `ComposeTransform(\n    ${this.parts.join(',\n    ')}\n)`
  }
}
/** The product of signs. */
export const times = (a: TensorOrNumber, b: TensorOrNumber): TensorOrNumber =>
  typeof a !== 'number' ? a.mul(b) : typeof b !== 'number' ? b.mul(a) : a * b
/** Whether two lists of transforms compute the same. */
export const areSame = (a: readonly Transform[], b: readonly Transform[]): boolean =>
  a.length === b.length && a.every((t, i) => t.equals(b[i]))

const independentArguments = constructing(
  'IndependentTransform',
  required('baseTransform', transformKind),
  required('reinterpretedBatchNdims', int),
  cacheSize,
)
/**
 * A transform whose last batch dimensions belong to the event, so that its Jacobian is summed over them.
 *
 * @example
 * const t = new distributions.IndependentTransform(new distributions.ExpTransform(), 1)
 * t.logAbsDetJacobian(ones(3, 2), ones(3, 2)).shape // [3]
 */
export class IndependentTransform extends Transform {
  readonly baseTransform: Transform
  readonly reinterpretedBatchNdims: number

  constructor(...args: [baseTransform: Transform, reinterpretedBatchNdims: number, cacheSize?: Cache]) {
    const [base, n, size] = independentArguments(args)
    super(size)
    if (n < 0) throw new ValueError(`reinterpreted_batch_ndims must not be negative, but is ${n}`)
    this.baseTransform = base.withCache(size)
    this.reinterpretedBatchNdims = n
  }
  override get domain(): Constraint {
    return constraints.independent(this.baseTransform.domain, this.reinterpretedBatchNdims)
  }
  override get codomain(): Constraint {
    return constraints.independent(this.baseTransform.codomain, this.reinterpretedBatchNdims)
  }
  override get bijective(): boolean {
    return this.baseTransform.bijective
  }
  override get sign(): TensorOrNumber {
    return this.baseTransform.sign
  }
  protected override transformed(x: Tensor): Tensor {
    atLeast([...x.sizes], this.domain.eventDim)
    return this.baseTransform.forward(x)
  }
  protected override inverted(y: Tensor): Tensor {
    atLeast([...y.sizes], this.codomain.eventDim)
    return this.baseTransform.inverse(y)
  }
  protected override logDet(x: Tensor, y: Tensor): Tensor {
    return sumRightmost(this.baseTransform.logAbsDetJacobian(x, y), this.reinterpretedBatchNdims)
  }
  override forwardShape(shape: readonly number[]): readonly number[] {
    return this.baseTransform.forwardShape(shape)
  }
  override inverseShape(shape: readonly number[]): readonly number[] {
    return this.baseTransform.inverseShape(shape)
  }
  protected override again(size: number): Transform {
    return new IndependentTransform(this.baseTransform, this.reinterpretedBatchNdims, size)
  }
  protected override sameAs(other: this): boolean {
    return this === other
  }
  override toString(): string {
    return `IndependentTransform(${this.baseTransform}, ${this.reinterpretedBatchNdims})`
  }
}

/** The transform that changes nothing. */
export const identityTransform: ComposeTransform = new ComposeTransform([])
