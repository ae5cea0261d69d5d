// The Wishart distribution of positive definite matrices, by the scale's covariance, precision or Cholesky factor.
import { AssertionError } from '../base/errors.ts'
import { broadcastShapes, type Shape } from '../base/shape.ts'
import { warn } from '../base/warn.ts'
import { choleskySolve, slogdet } from '../ops/linalg/solve.ts'
import { matmul } from '../ops/product/matmul.ts'
import { where } from '../ops/indexing/positions.ts'
import { trilIndices } from '../ops/views/triangles.ts'
import { effects } from '../tensor/effects.ts'
import { constructing, isTensor, required } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import * as constraints from './constraints.ts'
import type { Constraint } from './constraints.ts'
import { countTo } from './discrete.ts'
import { demand, validateParameter } from './distribution.ts'
import { ExponentialFamily } from './exponential-family.ts'
import { Chi2 } from './gamma.ts'
import { standardNormal } from './location.ts'
import {
  covarianceOf,
  halfLogDet,
  noMatrix,
  lowerOf,
  matrices,
  type MatrixArgument,
  type MatrixOptions,
  oneMatrix,
  precisionOf,
} from './multivariate-normal.ts'
import { fullOf, limitsOf, tensorOrNumber, type TensorOrNumber } from './values.ts'

const wishartArguments = constructing('Wishart', required('df', tensorOrNumber), ...matrices, validateParameter)

/**
 * The Wishart distribution of positive definite matrices, sums of `df` squares of normal vectors, given one of
 * `covarianceMatrix`, `precisionMatrix` and `scaleTril`. `df` must exceed the number of rows less 1.
 *
 * @example
 * new distributions.Wishart(3, eye(2)).mean // tensor([[3., 0.],
 *                                           //         [0., 3.]])
 */
export class Wishart extends ExponentialFamily {
  protected override get title(): string {
    return 'Wishart'
  }
  declare readonly df: Tensor
  /** The factor without repetitions along the batch. */
  declare protected readonly lower: Tensor

  constructor(
    ...args:
      | [
          df: TensorOrNumber,
          covarianceMatrix?: MatrixArgument,
          precisionMatrix?: MatrixArgument,
          scaleTril?: MatrixArgument,
          validateArgs?: boolean | null | MatrixOptions,
        ]
      | [params: { readonly df: TensorOrNumber } & MatrixOptions]
  ) {
    const [freedom, covarianceMatrix, precisionMatrix, scaleTril, validateArgs] = wishartArguments(args)
    const [name, own] = oneMatrix({ covarianceMatrix, precisionMatrix, scaleTril }, AssertionError)
    if (own.dim() < 2) throw noMatrix('scale_tril')
    const lead = own.sizes.slice(0, -2)
    const batchShape = isTensor(freedom) ? broadcastShapes(lead, freedom.sizes) : lead
    const df = isTensor(freedom) ? freedom.expand([...batchShape]) : fullOf(own, lead, freedom)
    const eventShape = own.sizes.slice(-2)
    const p = eventShape[1]
    const low = `expected to be greater than ndim - 1 = ${p - 1}.`
    demand(df.gt(p - 1), () => `Value of df=${freedom} ${low}`, `Value of df ${low}`)
    if (effects.sink === null && df.storage.device.backend.caps.syncRead && df.lt(p).any().item() !== 0)
      warn('Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < ndim.')
    super({ fields: { df, [name]: own.expand([...batchShape, ...eventShape]) }, batchShape, eventShape, validateArgs })
    this.own('lower', lowerOf(name, own))
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return {
      covarianceMatrix: constraints.positiveDefinite,
      precisionMatrix: constraints.positiveDefinite,
      scaleTril: constraints.lowerCholesky,
      df: constraints.greaterThan(this.rows - 1),
    }
  }

  override get support(): Constraint {
    return constraints.positiveDefinite
  }

  override get hasRsample(): boolean {
    return true
  }

  private get rows(): number {
    return this.eventShape[1]
  }

  private spread(x: Tensor): Tensor {
    return x.expand(this.extended([]))
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

  /** A number for each matrix. */
  private each(x: Tensor): Tensor {
    return x.unsqueeze(-1).unsqueeze(-1)
  }

  override get mean(): Tensor {
    return this.each(this.df).mul(this.covarianceMatrix)
  }

  override get mode(): Tensor {
    const factor = this.df.sub(this.rows + 1)
    return this.each(where(factor.le(0), Number.NaN, factor)).mul(this.covarianceMatrix)
  }

  override get variance(): Tensor {
    const { covarianceMatrix } = this
    const diagonal = covarianceMatrix.diagonal({ dim1: -2, dim2: -1 })
    const products = diagonal.unsqueeze(-1).mul(diagonal.unsqueeze(-2))
    return this.each(this.df).mul(covarianceMatrix.pow(2).add(products))
  }

  /** By Bartlett's decomposition. */
  private bartlett(sampleShape: Shape): Tensor {
    const p = this.rows
    const chi2 = new Chi2(this.df.unsqueeze(-1).sub(countTo(p, this.lower)), false)
    const roots = chi2.rsample(sampleShape).sqrt()
    const diagonal = roots.clamp({ min: limitsOf(roots).eps }).diagEmbed()
    const lead = diagonal.sizes.slice(0, -2)
    const below = standardNormal(diagonal, [...lead, (p * (p - 1)) / 2])
    const [rows, columns] = trilIndices(p, p, -1, { device: below.device }).unbind()
    const noise = diagonal
      .flatten(-2)
      .indexAdd(-1, rows.mul(p).add(columns), below)
      .reshape(diagonal.sizes as number[])
    return covarianceOf(matmul(this.lower, noise))
  }

  /** For each sample, whether one of its matrices, or with `all` each of them, is positive definite. */
  private areDefinite(samples: Tensor, all: boolean): Tensor {
    const definite = constraints.positiveDefinite.check(samples.detach())
    const n = this.batchShape.length
    if (n === 0) return definite
    const flat = definite.flatten(-n)
    return all ? flat.all(-1) : flat.any(-1)
  }

  // Draws again what could not be factorized. PyTorch 1.13 begins with what could be; the numbers for a seed depend on it.
  protected override drawn(sampleShape: Shape): Tensor {
    const first = this.bartlett(sampleShape)
    const shape = first.sizes as number[]
    let samples = first.reshape(-1, ...this.extended([]))
    let again = this.areDefinite(samples, false).nonzero().squeeze(-1)
    for (let i = 0; i < 10 && again.elements > 0; i++) {
      const fresh = this.bartlett([again.elements])
      samples = samples.indexCopy(0, again, fresh)
      again = again.maskedSelect(this.areDefinite(fresh, true).logicalNot())
    }
    return samples.reshape(shape)
  }

  /** The logarithm of the determinant of the scale, and of 2 for each row, halved. */
  private halfLogScale(): Tensor {
    return halfLogDet(this.lower).add((this.rows * Math.LN2) / 2)
  }

  protected override logDensity(value: Tensor): Tensor {
    const { df, rows: p } = this
    const trace = choleskySolve(value, this.lower).diagonal({ dim1: -2, dim2: -1 }).sum(-1)
    return df
      .neg()
      .mul(this.halfLogScale())
      .sub(df.div(2).mvlgamma(p))
      .add(
        df
          .sub(p + 1)
          .div(2)
          .mul(slogdet(value).logabsdet),
      )
      .sub(trace.div(2))
  }

  override entropy(): Tensor {
    const { df, rows: p } = this
    const half = df.div(2)
    const digamma = half.unsqueeze(-1).sub(countTo(p, df).div(2)).digamma().sum(-1)
    return this.halfLogScale()
      .mul(p + 1)
      .add(half.mvlgamma(p))
      .sub(
        df
          .sub(p + 1)
          .div(2)
          .mul(digamma),
      )
      .add(df.mul(p).div(2))
  }

  protected override get naturalParams(): readonly Tensor[] {
    return [this.precisionMatrix.neg().div(2), this.df.sub(this.rows + 1).div(2)]
  }

  protected override logNormalizer(matrix: Tensor, power: Tensor): Tensor {
    const p = this.rows
    const half = power.add((p + 1) / 2)
    const logDet = slogdet(matrix.mul(-2)).logabsdet
    return half.mul(logDet.neg().add(p * Math.LN2)).add(half.mvlgamma(p))
  }

  protected override expanded(batchShape: Shape): this {
    const lower = this.lower.expand([...batchShape, ...this.eventShape])
    return this.like({ ...this.expandedParameters(batchShape), lower }, batchShape)
  }
}
