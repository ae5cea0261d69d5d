// The base class of transforms, inverses, and transforms made of others. Where PyTorch calls a transform, `forward` is
// called here, as with layers: `t.forward(x)`, and `t.inv.forward(y)` back.
import { inspect } from '../base/inspect.ts'
import { NotImplementedError, ValueError } from '../base/errors.ts'
import { checkSizes, type Shape, scalarShape } from '../base/shape.ts'
import { zerosLike } from '../ops/create/create.ts'
import {
  type Takes,
  anything,
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
import { valueKind } from './distribution.ts'
import { broadcastAll, nameOf, sumRightmost, type TensorOrNumber } from './values.ts'

export const cacheSize: Parameter<number> = optional('cacheSize', int, 0)
export interface CacheOption {
  /** With 1, the last input and result are kept, so that inverting the result is exact and free. */
  readonly cacheSize?: number
}
export type Cache = number | CacheOption
const cacheArguments = constructing('Transform', cacheSize)
const forwardArguments = signature('forward', required('x', valueKind))
const inverseArguments = signature('inverse', required('y', valueKind))
const jacobianArguments = signature('log_abs_det_jacobian', required('x', valueKind), required('y', valueKind))
const forwardShapeArguments = signature('forward_shape', required('shape', ints))
const inverseShapeArguments = signature('inverse_shape', required('shape', ints))
const equalsArguments = signature('equals', required('other', anything))
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

  /** The name that is printed. */
  protected get title(): string {
    return nameOf(this)
  }

  /** Whether the transform can be undone. */
  get bijective(): boolean {
    return true
  }

  /** 1 for an increasing function, -1 for a decreasing one. */
  get sign(): TensorOrNumber {
    throw new NotImplementedError(`${nameOf(this)} does not implement sign`)
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
  forward(...args: [x: Tensor]): Tensor {
    const [x] = forwardArguments(args)
    if (this.cacheSize === 0) return this.transformed(x)
    if (this.#last?.[0] !== x) this.#last = [x, this.transformed(x)]
    return this.#last[1]
  }

  /** Undoes the transform. */
  inverse(...args: [y: Tensor]): Tensor {
    const [y] = inverseArguments(args)
    if (this.cacheSize === 0) return this.inverted(y)
    if (this.#last?.[1] !== y) this.#last = [this.inverted(y), y]
    return this.#last[0]
  }

  /** The logarithm of how much the transform stretches at `x`, which it takes to `y`. */
  logAbsDetJacobian(...args: [x: Tensor, y: Tensor]): Tensor {
    return this.logDet(...jacobianArguments(args))
  }

  protected abstract transformed(x: Tensor): Tensor

  protected inverted(_y: Tensor): Tensor {
    throw new NotImplementedError(`${nameOf(this)} has no inverse`)
  }

  protected logDet(_x: Tensor, _y: Tensor): Tensor {
    throw new NotImplementedError(`${nameOf(this)} does not implement log_abs_det_jacobian`)
  }

  /** The shape of the result for a shape of the input. */
  forwardShape(...args: [shape: readonly number[]]): readonly number[] {
    return this.shapeForward(checkSizes([...forwardShapeArguments(args)[0]]))
  }

  /** The shape of the input for a shape of the result. */
  inverseShape(...args: [shape: readonly number[]]): readonly number[] {
    return this.shapeBack(checkSizes([...inverseShapeArguments(args)[0]]))
  }

  protected shapeForward(shape: Shape): Shape {
    return shape
  }

  protected shapeBack(shape: Shape): Shape {
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
  equals(...args: [other: unknown]): boolean {
    const [other] = equalsArguments(args)
    return other instanceof Transform && this.constructor === other.constructor && this.sameAs(other as this)
  }

  protected sameAs(_other: this): boolean {
    return true
  }

  toString(): string {
    return `${nameOf(this)}()`
  }

  [Symbol.for(inspect)](): string {
    return this.toString()
  }
}

export const isSame = (a: TensorOrNumber, b: TensorOrNumber): boolean => {
  if (typeof a === 'number' && typeof b === 'number') return a === b
  const [x, y] = broadcastAll(a, b)
  return x.eq(y).all().item() === 1
}
export const shapeOf = (x: TensorOrNumber): Shape => (isTensor(x) ? x.sizes : scalarShape)
/** Checks that a shape has at least `least` dimensions. */
export function atLeast(shape: Shape, least: number): Shape {
  if (shape.length < least)
    throw new ValueError('Too few dimensions on input', `There are ${shape.length}, not ${least}.`)
  return shape
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
  protected override transformed(x: Tensor): Tensor {
    return this.#of.inverse(x)
  }
  protected override inverted(y: Tensor): Tensor {
    return this.#of.forward(y)
  }
  protected override logDet(x: Tensor, y: Tensor): Tensor {
    return this.#of.logAbsDetJacobian(y, x).neg()
  }
  protected override shapeForward(shape: Shape): Shape {
    return this.#of.inverseShape(shape)
  }
  protected override shapeBack(shape: Shape): Shape {
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
  protected override get title(): string {
    return 'ComposeTransform'
  }
  readonly parts: readonly Transform[]

  constructor(...args: Takes<[parts: readonly Transform[]], 'parts', [cacheSize?: Cache]>) {
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
  protected override transformed(x: Tensor): Tensor {
    return this.parts.reduce((value, part) => part.forward(value), x)
  }
  protected override inverted(y: Tensor): Tensor {
    return this.parts.reduceRight((value, part) => part.inverse(value), y)
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
  protected override shapeForward(shape: Shape): Shape {
    return this.parts.reduce<Shape>((sizes, part) => part.forwardShape(sizes), shape)
  }
  protected override shapeBack(shape: Shape): Shape {
    return this.parts.reduceRight<Shape>((sizes, part) => part.inverseShape(sizes), shape)
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
  protected override get title(): string {
    return 'IndependentTransform'
  }
  readonly baseTransform: Transform
  readonly reinterpretedBatchNdims: number

  constructor(
    ...args: Takes<
      [baseTransform: Transform, reinterpretedBatchNdims: number],
      'baseTransform reinterpretedBatchNdims',
      [cacheSize?: Cache]
    >
  ) {
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
    atLeast(x.sizes, this.domain.eventDim)
    return this.baseTransform.forward(x)
  }
  protected override inverted(y: Tensor): Tensor {
    atLeast(y.sizes, this.codomain.eventDim)
    return this.baseTransform.inverse(y)
  }
  protected override logDet(x: Tensor, y: Tensor): Tensor {
    return sumRightmost(this.baseTransform.logAbsDetJacobian(x, y), this.reinterpretedBatchNdims)
  }
  protected override shapeForward(shape: Shape): Shape {
    return this.baseTransform.forwardShape(shape)
  }
  protected override shapeBack(shape: Shape): Shape {
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
