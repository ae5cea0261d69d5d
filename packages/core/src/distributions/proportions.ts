// Distributions of numbers between 0 and 1 and of proportions: Kumaraswamy, LogisticNormal and ContinuousBernoulli.
import { ValueError } from '../base/errors.ts'
import type { Shape } from '../base/shape.ts'
import { binaryCrossEntropyWithLogits } from '../losses/binary-cross-entropy.ts'
import { where } from '../ops/indexing/positions.ts'
import { type Arguments, type Takes, constructing, list, number, optional, required } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type Chance, chance, type ChanceOptions, chancesMade, clampProbs, FamilyOfChances } from './chances.ts'
import type { Independent } from './compound.ts'
import * as constraints from './constraints.ts'
import type { Constraint } from './constraints.ts'
import { Uniform } from './continuous.ts'
import { type Validate, validateParameter } from './distribution.ts'
import { locScale, type LocScaleArguments, Normal, unfilled } from './location.ts'
import { Transformed } from './transformed.ts'
import { AffineTransform, PowerTransform, StickBreakingTransform } from './transforms.ts'
import { broadcastAll, EULER, fullOf, tensorOrNumber, type TensorOrNumber } from './values.ts'

const kumaraswamyArguments = constructing(
  'Kumaraswamy',
  required('concentration1', tensorOrNumber),
  required('concentration0', tensorOrNumber),
  validateParameter,
)
type KumaraswamyArguments = Takes<
  [concentration1: TensorOrNumber, concentration0: TensorOrNumber],
  'concentration1 concentration0',
  [validateArgs?: Validate]
>
/**
 * The Kumaraswamy distribution: like `Beta`, with a closed form of its cumulated probability.
 *
 * @example
 * new distributions.Kumaraswamy(1, 3).mean // tensor(0.2500)
 */
export class Kumaraswamy extends Transformed {
  protected override get title(): string {
    return 'Kumaraswamy'
  }
  declare readonly concentration1: Tensor
  declare readonly concentration0: Tensor

  constructor(...args: KumaraswamyArguments) {
    const [first, second, validateArgs] = kumaraswamyArguments(args)
    const [concentration1, concentration0] = broadcastAll(first, second)
    const edge = (value: number): Tensor => fullOf(concentration0, concentration0.sizes, value)
    super({
      base: new Uniform(edge(0), edge(1), validateArgs),
      transforms: [
        new PowerTransform(concentration0.reciprocal()),
        new AffineTransform(1, -1),
        new PowerTransform(concentration1.reciprocal()),
      ],
      fields: { concentration1, concentration0 },
      validateArgs,
    })
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { concentration1: constraints.positive, concentration0: constraints.positive }
  }

  override get support(): Constraint {
    return constraints.unitInterval
  }

  /** The mean of the power `n`. */
  protected moment(n: number): Tensor {
    const b = this.concentration0
    const a = this.concentration1.reciprocal().mul(n).add(1)
    return b.mul(a.lgamma().add(b.lgamma()).sub(a.add(b).lgamma()).exp())
  }

  override get mean(): Tensor {
    return this.moment(1)
  }

  override get mode(): Tensor {
    const [a, b] = [this.concentration1, this.concentration0]
    const log = b.reciprocal().mul(b.neg().log1p()).sub(b.neg().mul(a).log1p())
    return where(b.lt(1).logicalOr(a.lt(1)), Number.NaN, log).exp()
  }

  override get variance(): Tensor {
    return this.moment(2).sub(this.mean.pow(2))
  }

  override entropy(): Tensor {
    const [a, b] = [this.concentration1, this.concentration0]
    const harmonic = b.add(1).digamma().add(EULER)
    const rest = a.reciprocal().neg().add(1).mul(harmonic)
    return b.reciprocal().neg().add(1).add(rest).sub(a.log()).sub(b.log())
  }
}

const logisticArguments = locScale('LogisticNormal')
/**
 * Proportions by breaking a stick at places whose logits are normal, of mean `loc` and standard deviation `scale`: one more
 * than these have elements.
 *
 * @example
 * new distributions.LogisticNormal(zeros(2), ones(2)).eventShape // [3]
 */
export class LogisticNormal extends Transformed {
  protected override get title(): string {
    return 'LogisticNormal'
  }
  declare readonly baseDist: Independent

  constructor(...args: LocScaleArguments) {
    const [loc, scale, validateArgs] = logisticArguments(args)
    const normal = new Normal(loc, scale, validateArgs)
    const base = normal.batchShape.length === 0 ? normal.expand([1]) : normal
    super({ base, transforms: [new StickBreakingTransform()], validateArgs })
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { loc: constraints.real, scale: constraints.positive }
  }

  override get support(): Constraint {
    return constraints.simplex
  }

  get loc(): Tensor {
    return (this.baseDist.baseDist as Normal).loc
  }

  get scale(): Tensor {
    return (this.baseDist.baseDist as Normal).scale
  }
}

const limits = list(number)
const [probsParameter, logitsParameter] = chance
const continuousArguments = constructing(
  'ContinuousBernoulli',
  probsParameter,
  logitsParameter,
  optional('lims', limits, [0.499, 0.501]),
  validateParameter,
)
interface ContinuousOptions extends ChanceOptions {
  /** Between these, formulas that divide by almost 0 are replaced by the first terms of their series. */
  readonly lims?: readonly number[]
}
type ContinuousArguments = Arguments<
  [probs: Chance, logits: Chance, lims: readonly number[], validateArgs: boolean | null],
  ContinuousOptions
>
/**
 * Numbers between 0 and 1 with a density proportional to `probs ** x * (1 - probs) ** (1 - x)`.
 *
 * @example
 * new distributions.ContinuousBernoulli(0.3).mean // tensor(0.4302)
 */
export class ContinuousBernoulli extends FamilyOfChances {
  protected override get title(): string {
    return 'ContinuousBernoulli'
  }
  declare protected readonly lims: readonly number[]

  constructor(...args: ContinuousArguments) {
    const [probs, logits, lims, validateArgs] = continuousArguments(args)
    if (lims.length !== 2) throw new ValueError(`lims must be a pair, but has ${lims.length} elements`)
    const made = chancesMade([probs, logits, validateArgs])
    const given = made.fields.probs as Tensor | undefined
    const clamped = given === undefined ? {} : { probs: clampProbs(given) }
    super({ ...made, fields: { ...made.fields, ...clamped, lims } })
    // Clamped ones are always valid.
    if (given !== undefined)
      this.demand(() => constraints.unitInterval.check(given), 'The parameter probs has invalid values')
  }

  override get support(): Constraint {
    return constraints.unitInterval
  }

  override get hasRsample(): boolean {
    return true
  }

  override get probs(): Tensor {
    return this.lazy('probs', () => clampProbs(this.logits.sigmoid()))
  }

  /** Where the formulas hold, and the probabilities, with a harmless one in place of the others. */
  private cut(): readonly [stable: Tensor, probs: Tensor] {
    const { probs, lims } = this
    const stable = probs.le(lims[0]).logicalOr(probs.gt(lims[1]))
    return [stable, where(stable, probs, lims[0])]
  }

  /** The logarithm of what the density must be multiplied by. */
  get logNorm(): Tensor {
    const [stable, cut] = this.cut()
    const below = where(cut.le(0.5), cut, 0)
    const above = where(cut.ge(0.5), cut, 1)
    const width = where(cut.le(0.5), below.mul(-2).log1p(), above.mul(2).sub(1).log())
    const exact = logOdds(cut).abs().log().sub(width)
    const x = this.probs.sub(0.5).pow(2)
    const series = x
      .mul(104 / 45)
      .add(4 / 3)
      .mul(x)
      .add(Math.LN2)
    return where(stable, exact, series)
  }

  override get mean(): Tensor {
    const [stable, cut] = this.cut()
    const exact = cut.div(cut.mul(2).sub(1)).add(logOdds(cut).reciprocal())
    const x = this.probs.sub(0.5)
    const series = x
      .pow(2)
      .mul(16 / 45)
      .add(1 / 3)
      .mul(x)
      .add(0.5)
    return where(stable, exact, series)
  }

  override get variance(): Tensor {
    const [stable, cut] = this.cut()
    const first = cut.mul(cut.sub(1)).div(cut.mul(-2).add(1).pow(2))
    const exact = first.add(logOdds(cut).pow(2).reciprocal())
    const x = this.probs.sub(0.5).pow(2)
    const slope = x.mul(-128 / 945).add(1 / 15)
    return where(
      stable,
      exact,
      slope
        .mul(x)
        .neg()
        .add(1 / 12),
    )
  }

  protected override drawn(sampleShape: Shape): Tensor {
    return this.quantile(unfilled(this.probs, this.extended(sampleShape)).uniform_())
  }

  protected override logDensity(given: Tensor): Tensor {
    const [logits, value] = broadcastAll(this.logits, given)
    return binaryCrossEntropyWithLogits(logits, value, { reduction: 'none' }).neg().add(this.logNorm)
  }

  protected override cumulative(value: Tensor): Tensor {
    this.checkSample(value)
    const [stable, cut] = this.cut()
    const rest = cut.neg().add(1)
    const power = cut.pow(value).mul(rest.pow(value.neg().add(1)))
    const exact = power.add(cut).sub(1).div(cut.mul(2).sub(1))
    const inside = where(stable, exact, value)
    return where(value.le(0), 0, where(value.ge(1), 1, inside))
  }

  protected override quantile(value: Tensor): Tensor {
    const [stable, cut] = this.cut()
    const rest = cut.neg().log1p()
    const part = value.mul(cut.mul(2).sub(1)).sub(cut).log1p()
    return where(stable, part.sub(rest).div(cut.log().sub(rest)), value)
  }

  override entropy(): Tensor {
    const rest = this.probs.neg().log1p()
    return this.mean.mul(rest.sub(this.probs.log())).sub(this.logNorm).sub(rest)
  }

  protected override expanded(batchShape: Shape): this {
    return this.like({ ...this.expandedParameters(batchShape), lims: this.lims }, batchShape)
  }
}
const logOdds = (probs: Tensor): Tensor => probs.neg().log1p().sub(probs.log())
