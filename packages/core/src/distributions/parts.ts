// Transforms of pieces of a tensor, CatTransform and StackTransform; the transform by a distribution's own probabilities; and
// the one between vectors and Cholesky factors of correlation matrices.
import { AssertionError, ValueError } from '../base/errors.ts'
import type { Shape } from '../base/shape.ts'
import { eye } from '../ops/create/create.ts'
import { softplus } from '../ops/pointwise/nonlinear.ts'
import { cat, stack } from '../ops/views/join.ts'
import { pad } from '../ops/views/pad.ts'
import { trilIndices } from '../ops/views/triangles.ts'
import {
  type Arguments,
  type Takes,
  constructing,
  int,
  ints,
  list,
  nullable,
  optional,
  required,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { distributionKind } from './compound.ts'
import * as constraints from './constraints.ts'
import type { Constraint } from './constraints.ts'
import type { Distribution } from './distribution.ts'
import {
  atLeast,
  type Cache,
  cacheSize,
  type CacheOption,
  ComposeTransform,
  Transform,
  transformKind,
} from './transform.ts'
import { fullOf, lengthsOf, limitsOf, piecesOf, slicesOf, sumRightmost, type TensorOrNumber } from './values.ts'

/**
 * The transform that changes nothing.
 *
 * @example
 * distributions.identityTransform.forward(tensor(2)) // tensor(2.)
 */
export const identityTransform: Transform = new ComposeTransform([])

/** Transforms of pieces along a dimension. */
abstract class OfPieces extends Transform {
  readonly transforms: readonly Transform[]
  readonly dim: number

  constructor(transforms: readonly Transform[], dim: number, size: number) {
    super(size)
    this.transforms = size > 0 ? transforms.map((t) => t.withCache(size)) : transforms
    this.dim = dim
  }
  override get bijective(): boolean {
    return this.transforms.every((t) => t.bijective)
  }
  protected abstract get length(): number
  protected abstract pieces(x: Tensor): readonly Tensor[]
  protected abstract joined(pieces: readonly Tensor[]): Tensor
  /** The pieces of a tensor that has as many as transforms. */
  protected cut(x: Tensor): readonly Tensor[] {
    const pieces = this.pieces(x)
    const size = x.sizes.at(this.dim)
    if (size === this.length) return pieces
    throw new AssertionError(`Expected a size of ${this.length} in dimension ${this.dim}, but got ${size}`)
  }
  protected override transformed(x: Tensor): Tensor {
    return this.joined(this.cut(x).map((piece, i) => this.transforms[i].forward(piece)))
  }
  protected override inverted(y: Tensor): Tensor {
    return this.joined(this.cut(y).map((piece, i) => this.transforms[i].inv.forward(piece)))
  }
  protected logDets(x: Tensor, y: Tensor): Tensor[] {
    const results = this.cut(y)
    return this.cut(x).map((piece, i) => this.transforms[i].logAbsDetJacobian(piece, results[i]))
  }
  protected override sameAs(other: this): boolean {
    return this === other
  }
}

const sequence = required('tseq', list(transformKind))
const along = optional('dim', int, 0)
interface StackOptions extends CacheOption {
  readonly dim?: number
}
interface CatOptions extends StackOptions {
  /** How long each piece is, by default 1. */
  readonly lengths?: readonly number[] | null
}
const catArguments = constructing('CatTransform', sequence, along, optional('lengths', nullable(ints), null), cacheSize)
/**
 * A transform for each piece of a tensor along `dim`, of the given lengths, as `cat` joins them.
 *
 * @example
 * const { CatTransform, ExpTransform, identityTransform } = distributions
 * new CatTransform([new ExpTransform(), identityTransform], 0, [1, 2]).forward(zeros(3)) // tensor([1., 0., 0.])
 */
export class CatTransform extends OfPieces {
  protected override get title(): string {
    return 'CatTransform'
  }
  readonly lengths: readonly number[]

  constructor(
    ...args: Takes<
      [tseq: readonly Transform[]],
      'tseq',
      Arguments<[dim: number, lengths: readonly number[] | null, cacheSize: number], CatOptions>
    >
  ) {
    const [transforms, dim, lengths, size] = catArguments(args)
    super(transforms, dim, size)
    this.lengths = lengthsOf(transforms, lengths)
  }
  override get domain(): Constraint {
    return this.ofPieces((t) => t.domain)
  }
  override get codomain(): Constraint {
    return this.ofPieces((t) => t.codomain)
  }
  private ofPieces(region: (t: Transform) => Constraint): Constraint {
    return constraints.cat(this.transforms.map(region), this.dim, this.lengths)
  }
  override get eventDim(): number {
    return Math.max(0, ...this.transforms.map((t) => t.eventDim))
  }
  get length(): number {
    return this.lengths.reduce((sum, n) => sum + n, 0)
  }
  protected override pieces(x: Tensor): readonly Tensor[] {
    return piecesOf(x, this.dim, this.lengths)
  }
  protected override joined(pieces: readonly Tensor[]): Tensor {
    return cat(pieces, this.dim)
  }
  protected override logDet(x: Tensor, y: Tensor): Tensor {
    const { eventDim } = this
    const terms = this.logDets(x, y).map((term, i) => sumRightmost(term, eventDim - this.transforms[i].eventDim))
    const dim = (this.dim < 0 ? this.dim : this.dim - x.dim()) + eventDim
    return dim < 0 ? cat(terms, dim) : terms.reduce((sum, term) => sum.add(term))
  }
  protected override again(size: number): Transform {
    return new CatTransform(this.transforms, this.dim, this.lengths, size)
  }
}

const stackArguments = constructing('StackTransform', sequence, along, cacheSize)
/**
 * A transform for each slice of a tensor along `dim`, as `stack` joins them.
 *
 * @example
 * const { ExpTransform, identityTransform, StackTransform } = distributions
 * new StackTransform([new ExpTransform(), identityTransform]).forward(zeros(2)) // tensor([1., 0.])
 */
export class StackTransform extends OfPieces {
  protected override get title(): string {
    return 'StackTransform'
  }
  constructor(
    ...args: Takes<[tseq: readonly Transform[]], 'tseq', Arguments<[dim: number, cacheSize: number], StackOptions>>
  ) {
    super(...stackArguments(args))
  }
  override get domain(): Constraint {
    return constraints.stack(
      this.transforms.map((t) => t.domain),
      this.dim,
    )
  }
  override get codomain(): Constraint {
    return constraints.stack(
      this.transforms.map((t) => t.codomain),
      this.dim,
    )
  }
  protected override get length(): number {
    return this.transforms.length
  }
  protected override pieces(x: Tensor): readonly Tensor[] {
    return slicesOf(x, this.dim)
  }
  protected override joined(pieces: readonly Tensor[]): Tensor {
    return stack(pieces, this.dim)
  }
  protected override logDet(x: Tensor, y: Tensor): Tensor {
    return stack(this.logDets(x, y), this.dim)
  }
  protected override again(size: number): Transform {
    return new StackTransform(this.transforms, this.dim, size)
  }
}

const cumulativeArguments = constructing(
  'CumulativeDistributionTransform',
  required('distribution', distributionKind),
  cacheSize,
)
/**
 * The transform from a distribution's values to their cumulated probabilities.
 *
 * @example
 * const t = new distributions.CumulativeDistributionTransform(new distributions.Normal(0, 1))
 * t.forward(tensor(0)) // tensor(0.5000)
 */
export class CumulativeDistributionTransform extends Transform {
  protected override get title(): string {
    return 'CumulativeDistributionTransform'
  }
  readonly distribution: Distribution

  constructor(...args: Takes<[distribution: Distribution], 'distribution', [cacheSize?: Cache]>) {
    const [distribution, size] = cumulativeArguments(args)
    super(size)
    this.distribution = distribution
  }
  override get domain(): Constraint {
    return this.distribution.support
  }
  override get codomain(): Constraint {
    return constraints.unitInterval
  }
  override get sign(): TensorOrNumber {
    return 1
  }
  protected override transformed(x: Tensor): Tensor {
    return this.distribution.cdf(x)
  }
  protected override inverted(y: Tensor): Tensor {
    return this.distribution.icdf(y)
  }
  protected override logDet(x: Tensor): Tensor {
    return this.distribution.logProb(x)
  }
  protected override again(size: number): Transform {
    return new CumulativeDistributionTransform(this.distribution, size)
  }
  protected override sameAs(other: this): boolean {
    return this === other
  }
}

/** The positions of a triangle's elements, row by row, in a matrix of `n` rows. */
function trianglePositions(n: number, offset: number, device: string): Tensor {
  const [rows, columns] = trilIndices(n, n, offset, { device }).unbind()
  return rows.mul(n).add(columns)
}
const triangleOf = (x: Tensor, offset: number): Tensor =>
  x.flatten(-2).indexSelect(-1, trianglePositions(x.sizes[x.dim() - 1], offset, x.device))

/** How many rows have `length` elements below the diagonal, if any number has. */
function rowsOf(length: number): number | null {
  const n = Math.round(Math.sqrt(0.25 + 2 * length) + 0.5)
  return (n * (n - 1)) / 2 === length ? n : null
}

/**
 * Vectors of `n (n - 1) / 2` numbers to Cholesky factors of correlation matrices of `n` rows: lower triangular, with a positive
 * diagonal and rows of length 1.
 *
 * @example
 * new distributions.CorrCholeskyTransform().forward(zeros(1)).tolist() // [[1, 0], [0, 1]]
 */
export class CorrCholeskyTransform extends Transform {
  protected override get title(): string {
    return 'CorrCholeskyTransform'
  }
  override get domain(): Constraint {
    return constraints.realVector
  }
  override get codomain(): Constraint {
    return constraints.corrCholesky
  }
  protected override transformed(x: Tensor): Tensor {
    const lead = atLeast(x.sizes, 1).slice(0, -1)
    const length = x.sizes[lead.length]
    const n = rowsOf(length)
    if (n === null) {
      throw new ValueError(
        `The size of last dimension is ${length} which cannot be expressed as ` +
          'the lower triangular part of a square D x D matrix.',
      )
    }
    const { eps } = limitsOf(x)
    const inside = x.tanh().clamp(eps - 1, 1 - eps)
    const below = fullOf(x, [...lead, n * n], 0)
      .indexCopy(-1, trianglePositions(n, -1, x.device), inside)
      .reshape([...lead, n, n])
    const rest = below.pow(2).neg().add(1).sqrt().cumprod(-1)
    return below
      .add(eye(n, { dtype: x.dtype, device: x.device }))
      .mul(pad(rest.slice(-1, 0, n - 1), [1, 0], { value: 1 }))
  }
  protected override inverted(y: Tensor): Tensor {
    const n = y.sizes[y.dim() - 1]
    const rest = y.mul(y).cumsum(-1).neg().add(1)
    const before = pad(rest.slice(-1, 0, n - 1), [1, 0], { value: 1 })
    const t = triangleOf(y, -1).div(triangleOf(before, -1).sqrt())
    return t.add(1).div(t.neg().add(1)).log().div(2)
  }
  protected override logDet(x: Tensor, y: Tensor): Tensor {
    const rest = triangleOf(y.mul(y).cumsum(-1).neg().add(1), -2)
    const ofTanh = x
      .add(softplus(x.mul(-2)))
      .sub(Math.LN2)
      .sum(-1)
    return rest.log().sum(-1).mul(0.5).sub(ofTanh.mul(2))
  }
  protected override shapeForward(shape: Shape): Shape {
    const sizes = atLeast(shape, 1)
    const n = rowsOf(sizes[sizes.length - 1])
    if (n === null) throw new ValueError('Input is not a flattend lower-diagonal number')
    return [...sizes.slice(0, -1), n, n]
  }
  protected override shapeBack(shape: Shape): Shape {
    const sizes = atLeast(shape, 2)
    const [rows, n] = sizes.slice(-2)
    if (rows !== n) throw new ValueError('Input is not square')
    return [...sizes.slice(0, -2), (n * (n - 1)) / 2]
  }
}
