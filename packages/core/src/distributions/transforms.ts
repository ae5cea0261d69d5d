// The transforms that PyTorch's torch.distributions.transforms has: invertible functions that turn one distribution into
// another.
import { ValueError } from '../base/errors.ts'
import { broadcastShapes, checkSizes, numelOf, sameShape, type Shape } from '../base/shape.ts'
import { logsigmoid, softplus } from '../ops/pointwise/nonlinear.ts'
import { pad } from '../ops/views/pad.ts'
import { formatSize } from '../tensor/print.ts'
import { type Arguments, type Takes, constructing, int, ints, optional, required } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import * as constraints from './constraints.ts'
import type { Constraint } from './constraints.ts'
import { atLeast, type Cache, type CacheOption, cacheSize, isSame, shapeOf, Transform } from './transform.ts'
import { broadcastAll, fullOf, limitsOf, sumRightmost, tensorOrNumber, type TensorOrNumber } from './values.ts'

export {
  CatTransform,
  CorrCholeskyTransform,
  CumulativeDistributionTransform,
  identityTransform,
  StackTransform,
} from './parts.ts'
export { ComposeTransform, IndependentTransform, Transform } from './transform.ts'

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
  protected override get title(): string {
    return 'ExpTransform'
  }
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
  protected override get title(): string {
    return 'PowerTransform'
  }
  readonly exponent: Tensor

  constructor(...args: Takes<[exponent: TensorOrNumber], 'exponent', [cacheSize?: Cache]>) {
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
  protected override shapeForward(shape: Shape): Shape {
    return broadcastShapes(shape, this.exponent.sizes)
  }
  protected override shapeBack(shape: Shape): Shape {
    return this.shapeForward(shape)
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
  protected override get title(): string {
    return 'SigmoidTransform'
  }
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
  protected override get title(): string {
    return 'SoftplusTransform'
  }
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
  protected override get title(): string {
    return 'TanhTransform'
  }
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
  protected override get title(): string {
    return 'AbsTransform'
  }
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
  protected override get title(): string {
    return 'AffineTransform'
  }
  readonly loc: TensorOrNumber
  readonly scale: TensorOrNumber
  readonly #eventDim: number

  constructor(
    ...args: Takes<
      [loc: TensorOrNumber, scale: TensorOrNumber],
      'loc scale',
      Arguments<[eventDim: number, cacheSize: number], AffineOptions>
    >
  ) {
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
  protected override shapeForward(shape: Shape): Shape {
    return [shapeOf(this.loc), shapeOf(this.scale)].reduce(broadcastShapes, shape)
  }
  protected override shapeBack(shape: Shape): Shape {
    return this.shapeForward(shape)
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
  protected override get title(): string {
    return 'SoftmaxTransform'
  }
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
  protected override shapeForward(shape: Shape): Shape {
    return atLeast(shape, 1)
  }
  protected override shapeBack(shape: Shape): Shape {
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
  protected override get title(): string {
    return 'StickBreakingTransform'
  }
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
  protected override shapeForward(shape: Shape): Shape {
    const sizes = atLeast(shape, 1)
    return [...sizes.slice(0, -1), sizes[sizes.length - 1] + 1]
  }
  protected override shapeBack(shape: Shape): Shape {
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
  protected override get title(): string {
    return 'LowerCholeskyTransform'
  }
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
  protected override get title(): string {
    return 'ReshapeTransform'
  }
  readonly inShape: readonly number[]
  readonly outShape: readonly number[]

  constructor(
    ...args: Takes<[inShape: readonly number[], outShape: readonly number[]], 'inShape outShape', [cacheSize?: Cache]>
  ) {
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
  #reshaped(shape: Shape, from: Shape, to: Shape): Shape {
    const sizes = atLeast(shape, from.length)
    const cut = sizes.length - from.length
    if (!sameShape(sizes.slice(cut), from)) {
      throw new ValueError(`Shape mismatch: expected ${formatSize(sizes.slice(cut))} but got ${formatSize(from)}`)
    }
    return [...sizes.slice(0, cut), ...to]
  }
  protected override shapeForward(shape: Shape): Shape {
    return this.#reshaped(shape, this.inShape, this.outShape)
  }
  protected override shapeBack(shape: Shape): Shape {
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
