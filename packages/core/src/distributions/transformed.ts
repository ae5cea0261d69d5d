// Distributions of the transformed samples of others: LogNormal, Gumbel, HalfNormal, HalfCauchy, Weibull, Pareto, and
// any other by TransformedDistribution.
import { ValueError } from '../base/errors.ts'
import { sameShape, type Shape } from '../base/shape.ts'
import { typeName } from '../base/python.ts'
import { onesLike, zerosLike } from '../ops/create/create.ts'
import { toDType } from '../ops/define/fill.ts'
import { where } from '../ops/indexing/positions.ts'
import { formatSize } from '../tensor/print.ts'
import { type Takes, constructing, notOptions, required } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import * as constraints from './constraints.ts'
import type { Constraint } from './constraints.ts'
import { distributionKind, Independent } from './compound.ts'
import { Exponential, Uniform } from './continuous.ts'
import { Cauchy, locScale, type LocScaleArguments, Normal } from './location.ts'
import { Distribution, type Made, type Validate, validateParameter } from './distribution.ts'
import { ComposeTransform, times, Transform } from './transform.ts'
import { AbsTransform, AffineTransform, ExpTransform, PowerTransform } from './transforms.ts'
import { broadcastAll, EULER, fullOf, limitsOf, sumRightmost, tensorOrNumber, type TensorOrNumber } from './values.ts'

/** What a transformed distribution consists of. */
interface Parts {
  readonly base: Distribution
  readonly transforms: readonly Transform[]
  readonly fields?: Readonly<Record<string, unknown>>
  readonly validateArgs: boolean | null
}

/** The base distribution in the shape that the transforms need, and the shape of the result. */
function assembled({ base, transforms, fields, validateArgs }: Parts): Made {
  const shape = [...base.batchShape, ...base.eventShape]
  const baseDim = base.eventShape.length
  const transform = new ComposeTransform(transforms)
  const domainDim = transform.domain.eventDim
  if (shape.length < domainDim) {
    throw new ValueError(
      `base_distribution needs to have shape with size at least ${domainDim}, but got ${formatSize(shape)}.`,
    )
  }
  const result = transform.forwardShape(shape)
  const wanted = transform.inverseShape(result)
  const wide = sameShape(shape, wanted) ? base : base.expand(wanted.slice(0, wanted.length - baseDim))
  const baseDist = domainDim > baseDim ? new Independent(wide, domainDim - baseDim) : wide
  const cut = result.length - transform.codomain.eventDim - Math.max(baseDim - domainDim, 0)
  return {
    fields: { ...fields, baseDist, transforms },
    batchShape: result.slice(0, cut),
    eventShape: result.slice(cut),
    validateArgs,
  }
}

/** A distribution whose samples are those of another, transformed. */
export abstract class Transformed extends Distribution {
  declare readonly baseDist: Distribution
  declare readonly transforms: readonly Transform[]

  constructor(parts: Parts) {
    super(assembled(parts))
  }

  override get support(): Constraint {
    const last = this.transforms.at(-1)
    if (last === undefined) return this.baseDist.support
    const { codomain } = last
    const more = this.eventShape.length - codomain.eventDim
    return more > 0 ? constraints.independent(codomain, more) : codomain
  }

  override get hasRsample(): boolean {
    return this.baseDist.hasRsample
  }

  protected override drawn(sampleShape: Shape, reparametrized: boolean): Tensor {
    const x = reparametrized ? this.baseDist.rsample(sampleShape) : this.baseDist.sample(sampleShape)
    return this.transforms.reduce((value, transform) => transform.forward(value), x)
  }

  protected override logDensity(value: Tensor): Tensor {
    let eventDim = this.eventShape.length
    let y = value
    let total: Tensor | null = null
    for (const transform of [...this.transforms].reverse()) {
      const x = transform.inverse(y)
      eventDim += transform.domain.eventDim - transform.codomain.eventDim
      const term = sumRightmost(transform.logAbsDetJacobian(x, y), eventDim - transform.domain.eventDim).neg()
      total = total === null ? term : total.add(term)
      y = x
    }
    const base = sumRightmost(this.baseDist.logProb(y), eventDim - this.baseDist.eventShape.length)
    return total === null ? base : total.add(base)
  }

  /** A probability, counted from the other end if the transforms are decreasing. */
  protected increasing(value: Tensor): Tensor {
    const sign = this.transforms.reduce<TensorOrNumber>((product, transform) => times(product, transform.sign), 1)
    return sign === 1 ? value : value.sub(0.5).mul(sign).add(0.5)
  }

  protected override cumulative(value: Tensor): Tensor {
    return this.increasing(
      this.baseDist.cdf(this.transforms.reduceRight((y, transform) => transform.inverse(y), value)),
    )
  }

  protected override quantile(value: Tensor): Tensor {
    const x = this.baseDist.icdf(this.increasing(value))
    return this.transforms.reduce((y, transform) => transform.forward(y), x)
  }

  protected override expanded(batchShape: Shape): this {
    const { transforms, baseDist } = this
    const shape = transforms.reduceRight<readonly number[]>(
      (sizes, transform) => transform.inverseShape(sizes),
      [...batchShape, ...this.eventShape],
    )
    const fields: Record<string, unknown> = {}
    for (const name in this.argConstraints) {
      if (Object.hasOwn(this, name)) fields[name] = (this.field(name) as Tensor).expand(batchShape)
    }
    const base = baseDist.expand(shape.slice(0, shape.length - baseDist.eventShape.length))
    return this.like({ ...fields, baseDist: base, transforms }, batchShape)
  }
}
const transformedArguments = constructing(
  'TransformedDistribution',
  required('baseDistribution', distributionKind),
  required('transforms', notOptions),
  validateParameter,
)
/**
 * The distribution of another one's samples after transforms.
 *
 * @example
 * const { Normal, ExpTransform, TransformedDistribution } = distributions
 * new TransformedDistribution(new Normal(0, 1), [new ExpTransform()]).logProb(tensor(1)) // tensor(-0.9189)
 */
export class TransformedDistribution extends Transformed {
  protected override get title(): string {
    return 'TransformedDistribution'
  }
  constructor(
    ...args: Takes<
      [baseDistribution: Distribution, transforms: Transform | readonly Transform[]],
      'baseDistribution transforms',
      [validateArgs?: Validate]
    >
  ) {
    const [base, given, validateArgs] = transformedArguments(args)
    const transforms = (given instanceof Transform ? [given] : given) as readonly Transform[]
    if (!Array.isArray(transforms))
      throw new ValueError(`transforms must be a Transform or list, but was ${typeName(given)}`)
    for (let i = 0; i < transforms.length; i++) {
      if (!(transforms[i] instanceof Transform))
        throw new ValueError(
          'transforms must be a Transform or a list of Transforms',
          `One is ${typeName(transforms[i])}.`,
        )
    }
    super({ base, transforms: [...transforms], validateArgs })
  }
}

const logNormalArguments = locScale('LogNormal')
/**
 * Numbers whose logarithms are normal, of mean `loc` and standard deviation `scale`.
 *
 * @example
 * new distributions.LogNormal(0, 1).mean // tensor(1.6487)
 */
export class LogNormal extends Transformed {
  protected override get title(): string {
    return 'LogNormal'
  }
  declare readonly baseDist: Normal

  constructor(...args: LocScaleArguments) {
    const [loc, scale, validateArgs] = logNormalArguments(args)
    super({ base: new Normal(loc, scale, validateArgs), transforms: [new ExpTransform()], validateArgs })
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { loc: constraints.real, scale: constraints.positive }
  }

  override get support(): Constraint {
    return constraints.positive
  }

  get loc(): Tensor {
    return this.baseDist.loc
  }

  get scale(): Tensor {
    return this.baseDist.scale
  }

  override get mean(): Tensor {
    return this.loc.add(this.scale.pow(2).div(2)).exp()
  }

  override get mode(): Tensor {
    return this.loc.sub(this.scale.square()).exp()
  }

  override get variance(): Tensor {
    const square = this.scale.pow(2)
    return square.exp().sub(1).mul(this.loc.mul(2).add(square).exp())
  }

  override entropy(): Tensor {
    return this.baseDist.entropy().add(this.loc)
  }
}

const gumbelArguments = locScale('Gumbel')
/**
 * The Gumbel distribution: the largest of many numbers.
 *
 * @example
 * new distributions.Gumbel(0, 1).mean // tensor(0.5772)
 */
export class Gumbel extends Transformed {
  protected override get title(): string {
    return 'Gumbel'
  }
  declare readonly loc: Tensor
  declare readonly scale: Tensor

  constructor(...args: LocScaleArguments) {
    const [center, stretch, validateArgs] = gumbelArguments(args)
    const [loc, scale] = broadcastAll(center, stretch)
    const { tiny, eps } = limitsOf(loc)
    const log = new ExpTransform().inv
    super({
      base: new Uniform(fullOf(loc, loc.sizes, tiny), fullOf(loc, loc.sizes, 1 - eps)),
      transforms: [log, new AffineTransform(0, onesLike(scale).neg()), log, new AffineTransform(loc, scale.neg())],
      fields: { loc, scale },
      validateArgs,
    })
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { loc: constraints.real, scale: constraints.positive }
  }

  override get support(): Constraint {
    return constraints.real
  }

  override get mean(): Tensor {
    return this.loc.add(this.scale.mul(EULER))
  }

  override get mode(): Tensor {
    return this.loc
  }

  override get stddev(): Tensor {
    return this.scale.mul(Math.PI / Math.sqrt(6))
  }

  override get variance(): Tensor {
    return this.stddev.pow(2)
  }

  // More precise than by the transforms.
  protected override logDensity(value: Tensor): Tensor {
    const y = this.loc.sub(value).div(this.scale)
    return y.sub(y.exp()).sub(this.scale.log())
  }

  override entropy(): Tensor {
    return this.scale.log().add(1 + EULER)
  }
}

const scaleOnly = (name: string) => constructing(name, required('scale', tensorOrNumber), validateParameter)
type ScaleArguments = Takes<[scale: TensorOrNumber], 'scale', [validateArgs?: Validate]>

/** Absolute values of a distribution around 0. */
abstract class Half extends Transformed {
  declare readonly baseDist: Normal | Cauchy

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { scale: constraints.positive }
  }

  override get support(): Constraint {
    return constraints.nonnegative
  }

  get scale(): Tensor {
    return this.baseDist.scale
  }

  override get mode(): Tensor {
    return zerosLike(this.scale)
  }

  protected override logDensity(given: Tensor): Tensor {
    const value = toDType(given, this.scale.dtype)
    return where(value.ge(0), this.baseDist.logProb(value).add(Math.LN2), -Infinity)
  }

  protected override cumulative(value: Tensor): Tensor {
    this.checkSample(value)
    return this.baseDist.cdf(value).mul(2).sub(1)
  }

  protected override quantile(value: Tensor): Tensor {
    return this.baseDist.icdf(value.add(1).div(2))
  }

  override entropy(): Tensor {
    return this.baseDist.entropy().sub(Math.LN2)
  }
}

const halfNormalArguments = scaleOnly('HalfNormal')
/**
 * Absolute values of normal numbers of mean 0.
 *
 * @example
 * new distributions.HalfNormal(1).mean // tensor(0.7979)
 */
export class HalfNormal extends Half {
  protected override get title(): string {
    return 'HalfNormal'
  }
  constructor(...args: ScaleArguments) {
    const [scale, validateArgs] = halfNormalArguments(args)
    super({ base: new Normal(0, scale, false), transforms: [new AbsTransform()], validateArgs })
  }

  override get mean(): Tensor {
    return this.scale.mul(Math.sqrt(2 / Math.PI))
  }

  override get variance(): Tensor {
    return this.scale.pow(2).mul(1 - 2 / Math.PI)
  }
}

const halfCauchyArguments = scaleOnly('HalfCauchy')
/**
 * Absolute values of numbers of the Cauchy distribution around 0.
 *
 * @example
 * new distributions.HalfCauchy(1).cdf(tensor(1)) // tensor(0.5000)
 */
export class HalfCauchy extends Half {
  protected override get title(): string {
    return 'HalfCauchy'
  }
  constructor(...args: ScaleArguments) {
    const [scale, validateArgs] = halfCauchyArguments(args)
    super({ base: new Cauchy(0, scale, false), transforms: [new AbsTransform()], validateArgs })
  }

  override get mean(): Tensor {
    return fullOf(this.scale, this.extended([]), Infinity)
  }

  override get variance(): Tensor {
    return this.baseDist.variance
  }
}

const weibullArguments = constructing(
  'Weibull',
  required('scale', tensorOrNumber),
  required('concentration', tensorOrNumber),
  validateParameter,
)
type WeibullArguments = Takes<
  [scale: TensorOrNumber, concentration: TensorOrNumber],
  'scale concentration',
  [validateArgs?: Validate]
>
/**
 * The Weibull distribution: times until something fails.
 *
 * @example
 * new distributions.Weibull(1, 2).mean // tensor(0.8862)
 */
export class Weibull extends Transformed {
  protected override get title(): string {
    return 'Weibull'
  }
  declare readonly scale: Tensor
  declare readonly concentration: Tensor

  constructor(...args: WeibullArguments) {
    const [stretch, shape, validateArgs] = weibullArguments(args)
    const [scale, concentration] = broadcastAll(stretch, shape)
    super({
      base: new Exponential(onesLike(scale), validateArgs),
      transforms: weibullTransforms(scale, concentration),
      fields: { scale, concentration },
      validateArgs,
    })
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { scale: constraints.positive, concentration: constraints.positive }
  }

  override get support(): Constraint {
    return constraints.positive
  }

  /** The logarithm of the mean of the power `n`, without the scale. */
  protected logMoment(n: number): Tensor {
    return this.concentration.reciprocal().mul(n).add(1).lgamma()
  }

  override get mean(): Tensor {
    return this.scale.mul(this.logMoment(1).exp())
  }

  override get mode(): Tensor {
    const { concentration } = this
    return this.scale.mul(concentration.sub(1).div(concentration).pow(concentration.reciprocal()))
  }

  override get variance(): Tensor {
    return this.scale.pow(2).mul(this.logMoment(2).exp().sub(this.logMoment(1).mul(2).exp()))
  }

  override entropy(): Tensor {
    const reciprocal = this.concentration.reciprocal()
    return reciprocal.neg().add(1).mul(EULER).add(this.scale.mul(reciprocal).log()).add(1)
  }

  protected override expanded(batchShape: Shape): this {
    const [scale, concentration] = [this.scale, this.concentration].map((x) => x.expand(batchShape))
    const baseDist = this.baseDist.expand(batchShape)
    return this.like(
      { scale, concentration, baseDist, transforms: weibullTransforms(scale, concentration) },
      batchShape,
    )
  }
}
const weibullTransforms = (scale: Tensor, concentration: Tensor): Transform[] => [
  new PowerTransform(concentration.reciprocal()),
  new AffineTransform(0, scale),
]

const paretoArguments = constructing(
  'Pareto',
  required('scale', tensorOrNumber),
  required('alpha', tensorOrNumber),
  validateParameter,
)
type ParetoArguments = Takes<[scale: TensorOrNumber, alpha: TensorOrNumber], 'scale alpha', [validateArgs?: Validate]>
/**
 * The Pareto distribution of numbers above `scale`, with a tail of power `alpha`.
 *
 * @example
 * new distributions.Pareto(1, 3).mean // tensor(1.5000)
 */
export class Pareto extends Transformed {
  protected override get title(): string {
    return 'Pareto'
  }
  declare readonly scale: Tensor
  declare readonly alpha: Tensor

  constructor(...args: ParetoArguments) {
    const [least, power, validateArgs] = paretoArguments(args)
    const [scale, alpha] = broadcastAll(least, power)
    super({
      base: new Exponential(alpha, validateArgs),
      transforms: [new ExpTransform(), new AffineTransform(0, scale)],
      fields: { scale, alpha },
      validateArgs,
    })
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { alpha: constraints.positive, scale: constraints.positive }
  }

  override get support(): Constraint {
    return constraints.greaterThanEq(this.scale)
  }

  override get mean(): Tensor {
    const a = this.alpha.clamp({ min: 1 })
    return a.mul(this.scale).div(a.sub(1))
  }

  override get mode(): Tensor {
    return this.scale
  }

  override get variance(): Tensor {
    const a = this.alpha.clamp({ min: 2 })
    return this.scale
      .pow(2)
      .mul(a)
      .div(a.sub(1).pow(2).mul(a.sub(2)))
  }

  override entropy(): Tensor {
    return this.scale.div(this.alpha).log().add(this.alpha.reciprocal().add(1))
  }
}
