// The normal distribution of vectors whose covariance is a diagonal and a product of a few columns: all is computed from a
// small matrix of one row a column.
import { RuntimeError, ValueError } from '../base/errors.ts'
import type { Shape } from '../base/shape.ts'
import { eye } from '../ops/create/create.ts'
import { cholesky } from '../ops/linalg/factor.ts'
import { lowerSolved, mT } from '../ops/linalg/triangular.ts'
import { matmul } from '../ops/product/matmul.ts'
import { broadcastTensors } from '../ops/views/grids.ts'
import { formatSize } from '../tensor/print.ts'
import { type Takes, constructing, required, tensor } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import * as constraints from './constraints.ts'
import type { Constraint } from './constraints.ts'
import { Distribution, type Validate, validateParameter } from './distribution.ts'
import { standardNormal } from './location.ts'
import { covarianceOf, halfLogDet, mahalanobis, noMatrix, product } from './multivariate-normal.ts'

const lowRankArguments = constructing(
  'LowRankMultivariateNormal',
  required('loc', tensor),
  required('covFactor', tensor),
  required('covDiag', tensor),
  validateParameter,
)
type LowRankArguments = Takes<
  [loc: Tensor, covFactor: Tensor, covDiag: Tensor],
  'loc covFactor covDiag',
  [validateArgs?: Validate]
>

/** The parameters without repetitions along the batch, and the Cholesky factor of the small matrix. */
export interface LowRank {
  readonly factor: Tensor
  readonly diagonal: Tensor
  readonly lower: Tensor
}
const identityAnd = (x: Tensor): Tensor => x.add(eye(x.sizes[x.dim() - 1], { dtype: x.dtype, device: x.device }))

/** The transposed factor divided by the diagonal. */
const scaled = ({ factor, diagonal }: Pick<LowRank, 'factor' | 'diagonal'>): Tensor =>
  mT(factor).div(diagonal.unsqueeze(-2))
/** The logarithm of the determinant of the covariance. */
export const logDetOf = ({ diagonal, lower }: LowRank): Tensor => halfLogDet(lower).mul(2).add(diagonal.log().sum(-1))
/** The squared length of a vector, in units of the distribution. */
export const distanceOf = (parts: LowRank, x: Tensor): Tensor =>
  x
    .pow(2)
    .div(parts.diagonal)
    .sum(-1)
    .sub(mahalanobis(parts.lower, product(scaled(parts), x)))
/** A matrix whose square is what the factor takes away from the inverse of the diagonal in the precision. */
export const takenOf = (parts: LowRank): Tensor => lowerSolved(parts.lower, scaled(parts))

/**
 * The normal distribution of vectors around `loc` [..., n] with the covariance `covFactor @ covFactor.T + diag(covDiag)`, of
 * shapes [..., n, rank] and [..., n].
 *
 * @example
 * const { LowRankMultivariateNormal } = distributions
 * new LowRankMultivariateNormal(zeros(2), ones(2, 1), ones(2)).variance // tensor([2., 2.])
 */
export class LowRankMultivariateNormal extends Distribution {
  protected override get title(): string {
    return 'LowRankMultivariateNormal'
  }
  declare readonly loc: Tensor
  declare readonly covFactor: Tensor
  declare readonly covDiag: Tensor
  /** For divergences. */
  declare readonly parts: LowRank

  constructor(...args: LowRankArguments) {
    const [center, factor, diagonal, validateArgs] = lowRankArguments(args)
    if (center.dim() < 1) throw new ValueError('loc must be at least one-dimensional.')
    const eventShape = center.sizes.slice(-1)
    if (factor.dim() < 2) throw noMatrix('cov_factor')
    if (factor.sizes[factor.dim() - 2] !== eventShape[0])
      throw new ValueError(`cov_factor must be a batch of matrices with shape ${eventShape[0]} x m`)
    if (diagonal.sizes[diagonal.dim() - 1] !== eventShape[0])
      throw new ValueError(`cov_diag must be a batch of vectors with shape ${formatSize(eventShape)}`)
    const [locs, covFactor, diagonals] = together(center, factor, diagonal)
    const loc = locs.select(-1, 0)
    super({
      fields: { loc, covFactor, covDiag: diagonals.select(-1, 0) },
      batchShape: loc.sizes.slice(0, -1),
      eventShape,
      validateArgs,
    })
    const lower = cholesky(identityAnd(matmul(scaled({ factor, diagonal }), factor)))
    const parts: LowRank = { factor, diagonal, lower }
    this.own('parts', parts)
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return {
      loc: constraints.realVector,
      covFactor: constraints.independent(constraints.real, 2),
      covDiag: constraints.independent(constraints.positive, 1),
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

  override get mean(): Tensor {
    return this.loc
  }

  override get mode(): Tensor {
    return this.loc
  }

  override get variance(): Tensor {
    const { factor, diagonal } = this.parts
    return factor.pow(2).sum(-1).add(diagonal).expand(this.extended([]))
  }

  get scaleTril(): Tensor {
    return this.lazy('scaleTril', () => {
      const { factor, diagonal } = this.parts
      const root = diagonal.sqrt().unsqueeze(-1)
      const small = factor.div(root)
      return this.spread(root.mul(cholesky(identityAnd(matmul(small, mT(small))))))
    })
  }

  get covarianceMatrix(): Tensor {
    return this.lazy('covarianceMatrix', () => {
      const { factor, diagonal } = this.parts
      return this.spread(covarianceOf(factor).add(diagonal.diagEmbed()))
    })
  }

  get precisionMatrix(): Tensor {
    return this.lazy('precisionMatrix', () => {
      const taken = takenOf(this.parts)
      return this.spread(
        this.parts.diagonal
          .reciprocal()
          .diagEmbed()
          .sub(matmul(mT(taken), taken)),
      )
    })
  }

  protected override drawn(sampleShape: Shape): Tensor {
    const { factor, diagonal } = this.parts
    const shape = this.extended(sampleShape)
    const columns = standardNormal(this.loc, [...shape.slice(0, -1), factor.sizes[factor.dim() - 1]])
    const own = standardNormal(this.loc, shape)
    return this.loc.add(product(factor, columns)).add(diagonal.sqrt().mul(own))
  }

  protected override logDensity(value: Tensor): Tensor {
    const distance = distanceOf(this.parts, value.sub(this.loc))
    return logDetOf(this.parts)
      .add(this.eventShape[0] * Math.log(2 * Math.PI))
      .add(distance)
      .mul(-0.5)
  }

  override entropy(): Tensor {
    const entropy = logDetOf(this.parts).add(this.eventShape[0] * (1 + Math.log(2 * Math.PI)))
    return entropy.mul(0.5).expand([...this.batchShape])
  }

  protected override expanded(batchShape: Shape): this {
    return this.like({ ...this.expandedParameters(batchShape), parts: this.parts }, batchShape)
  }
}

/** The three as matrices with the same dimensions before the last two. */
function together(loc: Tensor, factor: Tensor, diagonal: Tensor): Tensor[] {
  try {
    return broadcastTensors(loc.unsqueeze(-1), factor, diagonal.unsqueeze(-1))
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error
    const [a, b, c] = [loc, factor, diagonal].map((x) => formatSize(x.sizes))
    throw new ValueError(`Incompatible batch shapes: loc ${a}, cov_factor ${b}, cov_diag ${c}`)
  }
}
