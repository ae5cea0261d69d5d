// The normal distribution of vectors, by a covariance, a precision, or a Cholesky factor of the covariance.
import { ValueError } from '../base/errors.ts'
import { broadcastShapes, type Shape } from '../base/shape.ts'
import { matmul } from '../ops/product/matmul.ts'
import { flip } from '../ops/views/views.ts'
import { constructing, nullable, optional, type Parameter, required, tensor } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { cholesky } from '../ops/linalg/factor.ts'
import { eye } from '../ops/create/create.ts'
import { lowerSolved } from '../ops/linalg/triangular.ts'
import * as constraints from './constraints.ts'
import type { Constraint } from './constraints.ts'
import { unfilled } from './location.ts'
import { Distribution, type Validate, type ValidateOption, validateParameter } from './distribution.ts'

const matrix = nullable(tensor)
type Matrix = Parameter<Tensor | null>
export const matrices: readonly [covariance: Matrix, precision: Matrix, scale: Matrix] = [
  optional('covarianceMatrix', matrix, null),
  optional('precisionMatrix', matrix, null),
  optional('scaleTril', matrix, null),
]
const normalArguments = constructing('MultivariateNormal', required('loc', tensor), ...matrices, validateParameter)
export interface MatrixOptions extends ValidateOption {
  readonly covarianceMatrix?: Tensor | null
  readonly precisionMatrix?: Tensor | null
  readonly scaleTril?: Tensor | null
}
export type MatrixArgument = Tensor | null | MatrixOptions
type MatrixName = 'covarianceMatrix' | 'precisionMatrix' | 'scaleTril'

/** The one matrix that is given, and its name. */
export function oneMatrix(
  matrices: Readonly<Record<MatrixName, Tensor | null>>,
  Refusal: new (message: string, hint: string) => Error,
): [MatrixName, Tensor] {
  const given = Object.entries(matrices).filter(([, x]) => x !== null)
  if (given.length === 1) return given[0] as [MatrixName, Tensor]
  throw new Refusal(
    'Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.',
    `There are ${given.length}.`,
  )
}
/** The Cholesky factor of the covariance, by whichever matrix is given. */
export const lowerOf = (name: MatrixName, own: Tensor): Tensor =>
  name === 'scaleTril' ? own : name === 'covarianceMatrix' ? cholesky(own) : factorOf(own)

const flipped = (x: Tensor): Tensor => flip(x, [-2, -1])
/** The inverse of a lower triangle. */
const inverted = (lower: Tensor): Tensor =>
  lowerSolved(lower, eye(lower.sizes[lower.dim() - 1], { dtype: lower.dtype, device: lower.device }))
export const product = (x: Tensor, vector: Tensor): Tensor => matmul(x, vector.unsqueeze(-1)).squeeze(-1)
/** A matrix times its own transposed. */
export const covarianceOf = (lower: Tensor): Tensor => matmul(lower, lower.transpose(-2, -1))
/** The inverse of the covariance. */
export const precisionOf = (lower: Tensor): Tensor => {
  const inverse = inverted(lower)
  return matmul(inverse.transpose(-2, -1), inverse)
}
/** The sum of the logarithms on the diagonal: half the logarithm of the determinant of the covariance. */
export const halfLogDet = (lower: Tensor): Tensor => lower.diagonal({ dim1: -2, dim2: -1 }).log().sum(-1)
/** The squared length of a vector, in units of the distribution. */
export const mahalanobis = (lower: Tensor, vector: Tensor): Tensor =>
  lowerSolved(lower, vector.unsqueeze(-1)).squeeze(-1).pow(2).sum(-1)

/** PyTorch's error for a parameter that has too few dimensions. */
export const noMatrix = (name: string): ValueError =>
  new ValueError(`${name} must be at least two-dimensional, with optional leading batch dimensions`)

/**
 * The normal distribution of vectors around `loc`, given one of `covarianceMatrix`, `precisionMatrix` and `scaleTril`,
 * the lower triangular Cholesky factor of the covariance.
 *
 * @example
 * const p = new distributions.MultivariateNormal(zeros(2), eye(2))
 * p.logProb(tensor([0, 0])) // tensor(-1.8379)
 */
export class MultivariateNormal extends Distribution {
  protected override get title(): string {
    return 'MultivariateNormal'
  }
  declare readonly loc: Tensor
  /** The factor without repetitions along the batch. */
  declare protected readonly lower: Tensor

  constructor(
    ...args:
      | [
          loc: Tensor,
          covarianceMatrix?: MatrixArgument,
          precisionMatrix?: MatrixArgument,
          scaleTril?: MatrixArgument,
          validateArgs?: Validate,
        ]
      | [params: { readonly loc: Tensor } & MatrixOptions]
  ) {
    const [center, covarianceMatrix, precisionMatrix, scaleTril, validateArgs] = normalArguments(args)
    if (center.dim() < 1) throw new ValueError('loc must be at least one-dimensional.')
    const [name, own] = oneMatrix({ covarianceMatrix, precisionMatrix, scaleTril }, ValueError)
    if (own.dim() < 2) {
      const snake = {
        covarianceMatrix: 'covariance_matrix',
        precisionMatrix: 'precision_matrix',
        scaleTril: 'scale_tril matrix',
      }
      throw noMatrix(snake[name])
    }
    const n = own.sizes.slice(-2)
    const batchShape = broadcastShapes(own.sizes.slice(0, -2), center.sizes.slice(0, -1))
    const loc = center.expand([...batchShape, center.sizes[center.dim() - 1]])
    super({
      fields: { [name]: own.expand([...batchShape, ...n]), loc },
      batchShape,
      eventShape: loc.sizes.slice(-1),
      validateArgs,
    })
    this.own('lower', lowerOf(name, own))
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return {
      loc: constraints.realVector,
      covarianceMatrix: constraints.positiveDefinite,
      precisionMatrix: constraints.positiveDefinite,
      scaleTril: constraints.lowerCholesky,
    }
  }

  override get support(): Constraint {
    return constraints.realVector
  }

  override get hasRsample(): boolean {
    return true
  }

  private spread(x: Tensor): Tensor {
    return x.expand([...this.batchShape, ...x.sizes.slice(-2)])
  }

  get scaleTril(): Tensor {
    return this.lazy('scaleTril', () => this.spread(this.lower))
  }

  get covarianceMatrix(): Tensor {
    return this.lazy('covarianceMatrix', () => this.spread(covarianceOf(this.lower)))
  }

  get precisionMatrix(): Tensor {
    return this.lazy('precisionMatrix', () => this.spread(precisionOf(this.lower)))
  }

  override get mean(): Tensor {
    return this.loc
  }

  override get mode(): Tensor {
    return this.loc
  }

  override get variance(): Tensor {
    return this.lower
      .pow(2)
      .sum(-1)
      .expand([...this.batchShape, ...this.eventShape])
  }

  protected override drawn(sampleShape: Shape): Tensor {
    const eps = unfilled(this.loc, this.extended(sampleShape)).normal_()
    return this.loc.add(product(this.lower, eps))
  }

  protected override logDensity(value: Tensor): Tensor {
    const distance = mahalanobis(this.lower, value.sub(this.loc))
    return distance
      .add(this.eventShape[0] * Math.log(2 * Math.PI))
      .mul(-0.5)
      .sub(halfLogDet(this.lower))
  }

  override entropy(): Tensor {
    const entropy = halfLogDet(this.lower).add(0.5 * this.eventShape[0] * (1 + Math.log(2 * Math.PI)))
    return entropy.expand([...this.batchShape])
  }

  protected override expanded(batchShape: Shape): this {
    const fields: Record<string, unknown> = { lower: this.lower }
    const { length } = this.batchShape
    for (const name of Object.keys(this.argConstraints)) {
      if (!Object.hasOwn(this, name)) continue
      const value = this.field(name) as Tensor
      fields[name] = value.expand([...batchShape, ...value.sizes.slice(length)])
    }
    return this.like(fields, batchShape)
  }

  /** The Cholesky factor, for divergences. */
  get factor(): Tensor {
    return this.lower
  }
}

/** The factor of the covariance from the precision: the precision's own, reversed, is its inverse. */
export const factorOf = (precision: Tensor): Tensor => inverted(flipped(cholesky(flipped(precision))).transpose(-2, -1))
