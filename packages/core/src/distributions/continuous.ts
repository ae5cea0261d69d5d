// More distributions of real numbers: Uniform, Exponential, Student's t and Fisher's F.
import type { Shape } from '../base/shape.ts'
import { zerosLike } from '../ops/create/create.ts'
import { where } from '../ops/indexing/positions.ts'
import { toDType } from '../ops/define/fill.ts'
import { type Takes, constructing, optional, required } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type Constraint, dependent, interval, nonnegative, positive, real } from './constraints.ts'
import { Distribution, type Validate, type ValidateOption, validateParameter } from './distribution.ts'
import { ExponentialFamily } from './exponential-family.ts'
import { Chi2, Gamma } from './gamma.ts'
import { standardNormal, unfilled } from './location.ts'
import { broadcastAll, fullOf, limitsOf, tensorOrNumber, type TensorOrNumber } from './values.ts'

const uniformArguments = constructing(
  'Uniform',
  required('low', tensorOrNumber),
  required('high', tensorOrNumber),
  validateParameter,
)
type UniformArguments = Takes<[low: TensorOrNumber, high: TensorOrNumber], 'low high', [validateArgs?: Validate]>
/**
 * The uniform distribution from `low` to below `high`.
 *
 * @example
 * manualSeed(0)
 * new distributions.Uniform(0, 10).sample([2]) // tensor([4.9626, 7.6822])
 */
export class Uniform extends Distribution {
  protected override get title(): string {
    return 'Uniform'
  }
  declare readonly low: Tensor
  declare readonly high: Tensor

  constructor(...args: UniformArguments) {
    const [from, to, validateArgs] = uniformArguments(args)
    const [low, high] = broadcastAll(from, to)
    super({ fields: { low, high }, batchShape: low.sizes, validateArgs })
    this.demand(() => low.lt(high), 'Uniform is not defined when low>= high')
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { low: dependent, high: dependent }
  }

  override get support(): Constraint {
    return interval(this.low, this.high)
  }

  override get hasRsample(): boolean {
    return true
  }

  override get mean(): Tensor {
    return this.high.add(this.low).div(2)
  }

  override get mode(): Tensor {
    return this.high.mul(Number.NaN)
  }

  override get stddev(): Tensor {
    return this.high.sub(this.low).div(Math.sqrt(12))
  }

  override get variance(): Tensor {
    return this.high.sub(this.low).pow(2).div(12)
  }

  protected override drawn(sampleShape: Shape): Tensor {
    const u = unfilled(this.low, this.extended(sampleShape)).uniform_()
    return this.low.add(u.mul(this.high.sub(this.low)))
  }

  protected override logDensity(value: Tensor): Tensor {
    const inside = toDType(this.low.le(value), this.low.dtype).mul(toDType(this.high.gt(value), this.low.dtype))
    return inside.log().sub(this.high.sub(this.low).log())
  }

  protected override cumulative(value: Tensor): Tensor {
    this.checkSample(value)
    return value.sub(this.low).div(this.high.sub(this.low)).clamp(0, 1)
  }

  protected override quantile(value: Tensor): Tensor {
    return value.mul(this.high.sub(this.low)).add(this.low)
  }

  override entropy(): Tensor {
    return this.high.sub(this.low).log()
  }
}

const exponentialArguments = constructing('Exponential', required('rate', tensorOrNumber), validateParameter)
export type RateArguments = Takes<[rate: TensorOrNumber], 'rate', [validateArgs?: Validate]>
/**
 * The exponential distribution: waiting times for events, of which `rate` are expected in a unit of time.
 *
 * @example
 * new distributions.Exponential(2).mean // tensor(0.5000)
 */
export class Exponential extends ExponentialFamily {
  protected override get title(): string {
    return 'Exponential'
  }
  declare readonly rate: Tensor

  constructor(...args: RateArguments) {
    const [given, validateArgs] = exponentialArguments(args)
    const [rate] = broadcastAll(given)
    super({ fields: { rate }, batchShape: rate.sizes, validateArgs })
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { rate: positive }
  }

  override get support(): Constraint {
    return nonnegative
  }

  override get hasRsample(): boolean {
    return true
  }

  override get mean(): Tensor {
    return this.rate.reciprocal()
  }

  override get mode(): Tensor {
    return zerosLike(this.rate)
  }

  override get stddev(): Tensor {
    return this.rate.reciprocal()
  }

  override get variance(): Tensor {
    return this.rate.pow(-2)
  }

  protected override drawn(sampleShape: Shape): Tensor {
    return unfilled(this.rate, this.extended(sampleShape)).exponential_().div(this.rate)
  }

  protected override logDensity(value: Tensor): Tensor {
    return this.rate.log().sub(this.rate.mul(value))
  }

  protected override cumulative(value: Tensor): Tensor {
    this.checkSample(value)
    return this.rate.neg().mul(value).exp().neg().add(1)
  }

  protected override quantile(value: Tensor): Tensor {
    return value.neg().add(1).log().neg().div(this.rate)
  }

  override entropy(): Tensor {
    return this.rate.log().neg().add(1)
  }
}

const studentArguments = constructing(
  'StudentT',
  required('df', tensorOrNumber),
  optional('loc', tensorOrNumber, 0),
  optional('scale', tensorOrNumber, 1),
  validateParameter,
)
interface StudentOptions extends ValidateOption {
  readonly loc?: TensorOrNumber
  readonly scale?: TensorOrNumber
}
type StudentArguments =
  | [
      df: TensorOrNumber,
      loc?: TensorOrNumber | StudentOptions,
      scale?: TensorOrNumber | StudentOptions,
      validateArgs?: Validate,
    ]
  | [params: { readonly df: TensorOrNumber } & StudentOptions]
/**
 * Student's t distribution of `df` degrees of freedom, around `loc` (0) and stretched by `scale` (1).
 *
 * @example
 * new distributions.StudentT(3).variance // tensor(3.)
 */
export class StudentT extends Distribution {
  protected override get title(): string {
    return 'StudentT'
  }
  declare readonly df: Tensor
  declare readonly loc: Tensor
  declare readonly scale: Tensor

  constructor(...args: StudentArguments) {
    const [freedom, center, stretch, validateArgs] = studentArguments(args)
    const [df, loc, scale] = broadcastAll(freedom, center, stretch)
    // Its own error comes first, as in PyTorch.
    if (validateArgs !== false) new Chi2(df)
    super({ fields: { df, loc, scale }, batchShape: df.sizes, validateArgs })
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { df: positive, loc: real, scale: positive }
  }

  override get support(): Constraint {
    return real
  }

  override get hasRsample(): boolean {
    return true
  }

  override get mean(): Tensor {
    return where(this.df.le(1), Number.NaN, this.loc)
  }

  override get mode(): Tensor {
    return this.loc
  }

  override get variance(): Tensor {
    const { df } = this
    const finite = this.scale.pow(2).mul(df).div(df.sub(2))
    return where(df.gt(2), finite, where(df.gt(1), fullOf(df, df.sizes, Infinity), Number.NaN))
  }

  protected override drawn(sampleShape: Shape, reparametrized: boolean): Tensor {
    const x = standardNormal(this.df, this.extended(sampleShape))
    const chi2 = new Chi2(this.df, false)
    const z = reparametrized ? chi2.rsample(sampleShape) : chi2.sample(sampleShape)
    return this.loc.add(this.scale.mul(x.mul(z.div(this.df).rsqrt())))
  }

  protected override logDensity(value: Tensor): Tensor {
    const { df } = this
    const y = value.sub(this.loc).div(this.scale)
    const half = df.add(1).mul(0.5)
    const z = this.scale
      .log()
      .add(df.log().mul(0.5))
      .add(0.5 * Math.log(Math.PI))
      .add(df.mul(0.5).lgamma())
      .sub(half.lgamma())
    return df.add(1).mul(-0.5).mul(y.pow(2).div(df).log1p()).sub(z)
  }

  override entropy(): Tensor {
    const { df } = this
    const half = df.add(1).mul(0.5)
    const beta = df.mul(0.5).lgamma().add(0.5723649429247001).sub(half.lgamma())
    return this.scale
      .log()
      .add(half.mul(half.digamma().sub(df.mul(0.5).digamma())))
      .add(df.log().mul(0.5))
      .add(beta)
  }
}

const fisherArguments = constructing(
  'FisherSnedecor',
  required('df1', tensorOrNumber),
  required('df2', tensorOrNumber),
  validateParameter,
)
type FisherArguments = Takes<[df1: TensorOrNumber, df2: TensorOrNumber], 'df1 df2', [validateArgs?: Validate]>
/**
 * The F distribution: the ratio of two means of squares, of `df1` and of `df2` standard normal numbers.
 *
 * @example
 * new distributions.FisherSnedecor(2, 4).mean // tensor(2.)
 */
export class FisherSnedecor extends Distribution {
  protected override get title(): string {
    return 'FisherSnedecor'
  }
  declare readonly df1: Tensor
  declare readonly df2: Tensor
  declare protected readonly gammas: readonly Gamma[]

  constructor(...args: FisherArguments) {
    const [first, second, validateArgs] = fisherArguments(args)
    const [df1, df2] = broadcastAll(first, second)
    const gammas = [df1, df2].map((df) => new Gamma(df.mul(0.5), df))
    super({ fields: { df1, df2, gammas }, batchShape: df1.sizes, validateArgs })
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { df1: positive, df2: positive }
  }

  override get support(): Constraint {
    return positive
  }

  override get hasRsample(): boolean {
    return true
  }

  override get mean(): Tensor {
    const { df2 } = this
    return where(df2.le(2), Number.NaN, df2.div(df2.sub(2)))
  }

  override get mode(): Tensor {
    const { df1, df2 } = this
    return where(df1.le(2), Number.NaN, df1.sub(2).div(df1).mul(df2).div(df2.add(2)))
  }

  override get variance(): Tensor {
    const { df1, df2 } = this
    const above = df2.pow(2).mul(2).mul(df1.add(df2).sub(2))
    const below = df1.mul(df2.sub(2).pow(2)).mul(df2.sub(4))
    return where(df2.le(4), Number.NaN, above.div(below))
  }

  protected override drawn(sampleShape: Shape): Tensor {
    const [above, below] = this.gammas.map((gamma) => gamma.rsample(sampleShape))
    const { tiny: min } = limitsOf(below)
    return above.div(below.clamp({ min })).clamp({ min })
  }

  protected override logDensity(value: Tensor): Tensor {
    const [half1, half2] = [this.df1.mul(0.5), this.df2.mul(0.5)]
    const ratio = this.df1.div(this.df2)
    const total = half1.add(half2)
    const t1 = total.lgamma().sub(half1.lgamma()).sub(half2.lgamma())
    const t2 = half1.mul(ratio.log()).add(half1.sub(1).mul(value.log()))
    return t1.add(t2).sub(total.mul(ratio.mul(value).log1p()))
  }

  protected override expanded(batchShape: Shape): this {
    const gammas = this.gammas.map((gamma) => gamma.expand(batchShape))
    return this.like({ ...this.expandedParameters(batchShape), gammas }, batchShape)
  }
}
