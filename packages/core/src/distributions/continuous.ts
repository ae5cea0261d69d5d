// Distributions of numbers by a formula: Normal, Laplace, Uniform, Exponential, Cauchy and Student's t. Samples are
// PyTorch's for the same seed, and every formula is the one that PyTorch computes.
import type { Shape } from '../base/shape.ts'
import { empty, zerosLike } from '../ops/create/create.ts'
import { normal } from '../ops/random/random.ts'
import { where } from '../ops/indexing/positions.ts'
import { toDType } from '../ops/define/fill.ts'
import { constructing, optional, required } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type Constraint, dependent, interval, nonnegative, positive, real } from './constraints.ts'
import { checkValue, Distribution, type ValidateOption, validateParameter } from './distribution.ts'
import { Chi2 } from './gamma.ts'
import { broadcastAll, fullOf, limitsOf, tensorOrNumber, type TensorOrNumber } from './values.ts'

type Validate = boolean | null | ValidateOption

/** Memory for draws, in the dtype and on the device of a parameter. */
export const unfilled = (like: Tensor, shape: Shape): Tensor => empty(shape, { dtype: like.dtype, device: like.device })
const standardNormal = (like: Tensor, shape: Shape): Tensor => unfilled(like, shape).normal_()

// ---- a location and a scale ----

type LocScaleArguments =
  | [loc: TensorOrNumber, scale: TensorOrNumber, validateArgs?: Validate]
  | [params: { readonly loc: TensorOrNumber; readonly scale: TensorOrNumber } & ValidateOption]
export type { LocScaleArguments }
export const locScale = (name: string): ReturnType<typeof constructLocScale> => constructLocScale(name)
const constructLocScale = (name: string) =>
  constructing(name, required('loc', tensorOrNumber), required('scale', tensorOrNumber), validateParameter)

/** Distributions of real numbers that are moved and stretched. */
abstract class LocScale extends Distribution {
  declare readonly loc: Tensor
  declare readonly scale: Tensor

  constructor([given, deviation, validateArgs]: readonly [TensorOrNumber, TensorOrNumber, boolean | null]) {
    const [loc, scale] = broadcastAll(given, deviation)
    super({ fields: { loc, scale }, batchShape: loc.sizes, validateArgs })
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { loc: real, scale: positive }
  }

  override get support(): Constraint {
    return real
  }

  override get hasRsample(): boolean {
    return true
  }

  override get mode(): Tensor {
    return this.loc
  }

  /** How many scales a value lies above the location. */
  protected standard(value: Tensor): Tensor {
    return value.sub(this.loc).div(this.scale)
  }
}

const normalArguments = locScale('Normal')
/**
 * The normal distribution of mean `loc` and standard deviation `scale`.
 *
 * @example
 * manualSeed(0)
 * new distributions.Normal(0, 1).sample([2]) // tensor([ 1.5410, -0.2934])
 */
export class Normal extends LocScale {
  constructor(...args: LocScaleArguments) {
    super(normalArguments(args))
  }

  override get mean(): Tensor {
    return this.loc
  }

  override get stddev(): Tensor {
    return this.scale
  }

  override get variance(): Tensor {
    return this.scale.pow(2)
  }

  protected override drawn(sampleShape: Shape, reparametrized: boolean): Tensor {
    const shape = this.extended(sampleShape)
    if (!reparametrized) return normal(this.loc.expand(shape), this.scale.expand(shape))
    return this.loc.add(standardNormal(this.loc, shape).mul(this.scale))
  }

  override logProb(value: Tensor): Tensor {
    this.checkSample(value)
    const squares = value.sub(this.loc).pow(2).neg()
    return squares
      .div(this.scale.pow(2).mul(2))
      .sub(this.scale.log())
      .sub(Math.log(Math.sqrt(2 * Math.PI)))
  }

  override cdf(value: Tensor): Tensor {
    this.checkSample(value)
    return value.sub(this.loc).mul(this.scale.reciprocal()).div(Math.SQRT2).erf().add(1).mul(0.5)
  }

  override icdf(value: Tensor): Tensor {
    checkValue('icdf', value)
    return this.loc.add(this.scale.mul(value.mul(2).sub(1).erfinv()).mul(Math.SQRT2))
  }

  override entropy(): Tensor {
    return this.scale.log().add(0.5 + 0.5 * Math.log(2 * Math.PI))
  }
}

const laplaceArguments = locScale('Laplace')
/**
 * The Laplace distribution around `loc`, with a mean distance of `scale`.
 *
 * @example
 * new distributions.Laplace(0, 1).logProb(tensor([0, 1])) // tensor([-0.6931, -1.6931])
 */
export class Laplace extends LocScale {
  constructor(...args: LocScaleArguments) {
    super(laplaceArguments(args))
  }

  override get mean(): Tensor {
    return this.loc
  }

  override get variance(): Tensor {
    return this.scale.pow(2).mul(2)
  }

  override get stddev(): Tensor {
    return this.scale.mul(Math.SQRT2)
  }

  protected override drawn(sampleShape: Shape): Tensor {
    const u = unfilled(this.loc, this.extended(sampleShape)).uniform_(limitsOf(this.loc).eps - 1, 1)
    return this.loc.sub(this.scale.mul(u.sign()).mul(u.abs().neg().log1p()))
  }

  override logProb(value: Tensor): Tensor {
    this.checkSample(value)
    return this.scale.mul(2).log().neg().sub(value.sub(this.loc).abs().div(this.scale))
  }

  override cdf(value: Tensor): Tensor {
    this.checkSample(value)
    const distance = value.sub(this.loc)
    return distance.sign().mul(0.5).mul(distance.abs().neg().div(this.scale).expm1()).mul(-1).add(0.5)
  }

  override icdf(value: Tensor): Tensor {
    checkValue('icdf', value)
    const term = value.sub(0.5)
    return this.loc.sub(this.scale.mul(term.sign()).mul(term.abs().mul(-2).log1p()))
  }

  override entropy(): Tensor {
    return this.scale.mul(2).log().add(1)
  }
}

const cauchyArguments = locScale('Cauchy')
/**
 * The Cauchy distribution around `loc`, half of it within `scale`. It has no mean and no variance.
 *
 * @example
 * new distributions.Cauchy(0, 1).cdf(tensor([0, 1])) // tensor([0.5000, 0.7500])
 */
export class Cauchy extends LocScale {
  constructor(...args: LocScaleArguments) {
    super(cauchyArguments(args))
  }

  override get mean(): Tensor {
    return fullOf(this.loc, this.extended([]), Number.NaN)
  }

  override get variance(): Tensor {
    return fullOf(this.loc, this.extended([]), Infinity)
  }

  protected override drawn(sampleShape: Shape): Tensor {
    return this.loc.add(unfilled(this.loc, this.extended(sampleShape)).cauchy_().mul(this.scale))
  }

  override logProb(value: Tensor): Tensor {
    this.checkSample(value)
    return this.scale.log().neg().add(-Math.log(Math.PI)).sub(this.standard(value).pow(2).add(1).log())
  }

  override cdf(value: Tensor): Tensor {
    this.checkSample(value)
    return this.standard(value).atan().div(Math.PI).add(0.5)
  }

  override icdf(value: Tensor): Tensor {
    checkValue('icdf', value)
    return value.sub(0.5).mul(Math.PI).tan().mul(this.scale).add(this.loc)
  }

  override entropy(): Tensor {
    return this.scale.log().add(Math.log(4 * Math.PI))
  }
}

// ---- the others ----

const uniformArguments = constructing(
  'Uniform',
  required('low', tensorOrNumber),
  required('high', tensorOrNumber),
  validateParameter,
)
type UniformArguments =
  | [low: TensorOrNumber, high: TensorOrNumber, validateArgs?: Validate]
  | [params: { readonly low: TensorOrNumber; readonly high: TensorOrNumber } & ValidateOption]
/**
 * The uniform distribution from `low` to below `high`.
 *
 * @example
 * manualSeed(0)
 * new distributions.Uniform(0, 10).sample([2]) // tensor([4.9626, 7.6822])
 */
export class Uniform extends Distribution {
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

  override logProb(value: Tensor): Tensor {
    this.checkSample(value)
    const inside = toDType(this.low.le(value), this.low.dtype).mul(toDType(this.high.gt(value), this.low.dtype))
    return inside.log().sub(this.high.sub(this.low).log())
  }

  override cdf(value: Tensor): Tensor {
    this.checkSample(value)
    return value.sub(this.low).div(this.high.sub(this.low)).clamp(0, 1)
  }

  override icdf(value: Tensor): Tensor {
    checkValue('icdf', value)
    return value.mul(this.high.sub(this.low)).add(this.low)
  }

  override entropy(): Tensor {
    return this.high.sub(this.low).log()
  }
}

const exponentialArguments = constructing('Exponential', required('rate', tensorOrNumber), validateParameter)
type RateArguments =
  | [rate: TensorOrNumber, validateArgs?: Validate]
  | [params: { readonly rate: TensorOrNumber } & ValidateOption]
export type { RateArguments }
/**
 * The exponential distribution: waiting times for events, of which `rate` are expected in a unit of time.
 *
 * @example
 * new distributions.Exponential(2).mean // tensor(0.5000)
 */
export class Exponential extends Distribution {
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

  override logProb(value: Tensor): Tensor {
    this.checkSample(value)
    return this.rate.log().sub(this.rate.mul(value))
  }

  override cdf(value: Tensor): Tensor {
    this.checkSample(value)
    return this.rate.neg().mul(value).exp().neg().add(1)
  }

  override icdf(value: Tensor): Tensor {
    checkValue('icdf', value)
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

  override logProb(value: Tensor): Tensor {
    this.checkSample(value)
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
