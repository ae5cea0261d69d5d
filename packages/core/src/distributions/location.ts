// Distributions of real numbers that are moved and stretched: Normal, Laplace and Cauchy. Samples are PyTorch's for the
// same seed, and every formula is the one that PyTorch computes.
import type { Shape } from '../base/shape.ts'
import { empty } from '../ops/create/create.ts'
import { normal } from '../ops/random/random.ts'
import { type Takes, constructing, required } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type Constraint, positive, real } from './constraints.ts'
import { Distribution, type Made, type Validate, validateParameter } from './distribution.ts'
import { ExponentialFamily } from './exponential-family.ts'
import { broadcastAll, fullOf, limitsOf, tensorOrNumber, type TensorOrNumber } from './values.ts'

/** Memory for draws, in the dtype and on the device of a parameter. */
export const unfilled = (like: Tensor, shape: Shape): Tensor => empty(shape, { dtype: like.dtype, device: like.device })
export const standardNormal = (like: Tensor, shape: Shape): Tensor => unfilled(like, shape).normal_()

export type LocScaleArguments = Takes<
  [loc: TensorOrNumber, scale: TensorOrNumber],
  'loc scale',
  [validateArgs?: Validate]
>
export const locScale = (name: string): ReturnType<typeof constructLocScale> => constructLocScale(name)
const constructLocScale = (name: string) =>
  constructing(name, required('loc', tensorOrNumber), required('scale', tensorOrNumber), validateParameter)

const made = ([center, stretch, validateArgs]: readonly [TensorOrNumber, TensorOrNumber, boolean | null]): Made => {
  const [loc, scale] = broadcastAll(center, stretch)
  return { fields: { loc, scale }, batchShape: loc.sizes, validateArgs }
}

/** Distributions of real numbers that are moved and stretched. */
abstract class LocScale extends Distribution {
  declare readonly loc: Tensor
  declare readonly scale: Tensor

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
export class Normal extends ExponentialFamily {
  protected override get title(): string {
    return 'Normal'
  }
  declare readonly loc: Tensor
  declare readonly scale: Tensor

  constructor(...args: LocScaleArguments) {
    super(made(normalArguments(args)))
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

  protected override logDensity(value: Tensor): Tensor {
    const squares = value.sub(this.loc).pow(2).neg()
    return squares
      .div(this.scale.pow(2).mul(2))
      .sub(this.scale.log())
      .sub(Math.log(Math.sqrt(2 * Math.PI)))
  }

  protected override cumulative(value: Tensor): Tensor {
    this.checkSample(value)
    return value.sub(this.loc).mul(this.scale.reciprocal()).div(Math.SQRT2).erf().add(1).mul(0.5)
  }

  protected override quantile(value: Tensor): Tensor {
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
  protected override get title(): string {
    return 'Laplace'
  }
  constructor(...args: LocScaleArguments) {
    super(made(laplaceArguments(args)))
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

  protected override logDensity(value: Tensor): Tensor {
    return this.scale.mul(2).log().neg().sub(value.sub(this.loc).abs().div(this.scale))
  }

  protected override cumulative(value: Tensor): Tensor {
    this.checkSample(value)
    const distance = value.sub(this.loc)
    return distance.sign().mul(0.5).mul(distance.abs().neg().div(this.scale).expm1()).mul(-1).add(0.5)
  }

  protected override quantile(value: Tensor): Tensor {
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
  protected override get title(): string {
    return 'Cauchy'
  }
  constructor(...args: LocScaleArguments) {
    super(made(cauchyArguments(args)))
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

  protected override logDensity(value: Tensor): Tensor {
    return this.scale.log().neg().add(-Math.log(Math.PI)).sub(this.standard(value).pow(2).add(1).log())
  }

  protected override cumulative(value: Tensor): Tensor {
    this.checkSample(value)
    return this.standard(value).atan().div(Math.PI).add(0.5)
  }

  protected override quantile(value: Tensor): Tensor {
    return value.sub(0.5).mul(Math.PI).tan().mul(this.scale).add(this.loc)
  }

  override entropy(): Tensor {
    return this.scale.log().add(Math.log(4 * Math.PI))
  }
}
