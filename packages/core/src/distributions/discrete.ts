// Distributions of whole numbers: Bernoulli, Geometric, Binomial, NegativeBinomial and Poisson.
import { NotImplementedError } from '../base/errors.ts'
import type { Shape } from '../base/shape.ts'
import { binaryCrossEntropyWithLogits } from '../losses/binary-cross-entropy.ts'
import { arange, zerosLike } from '../ops/create/create.ts'
import { toDType } from '../ops/define/fill.ts'
import { where } from '../ops/indexing/positions.ts'
import { logsigmoid } from '../ops/pointwise/nonlinear.ts'
import { xlogy } from '../ops/pointwise/special.ts'
import { bernoulli } from '../ops/random/bernoulli.ts'
import { binomial, poisson } from '../ops/random/families.ts'
import { formatTuple } from '../tensor/print.ts'
import { type Arguments, constructing, optional, required } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import {
  type Chance,
  chance,
  type ChanceArguments,
  type ChanceOptions,
  Chances,
  chancesMade,
  FamilyOfChances,
  oneOf,
  paramOf,
} from './chances.ts'
import * as constraints from './constraints.ts'
import type { Constraint } from './constraints.ts'
import type { RateArguments } from './continuous.ts'
import { type Made, validateParameter } from './distribution.ts'
import { ExponentialFamily } from './exponential-family.ts'
import { Gamma } from './gamma.ts'
import { unfilled } from './location.ts'
import { broadcastAll, fullOf, limitsOf, tensorOrNumber, type TensorOrNumber } from './values.ts'

const bernoulliArguments = constructing('Bernoulli', ...chance)
/**
 * 1 with probability `probs`, otherwise 0.
 *
 * @example
 * new distributions.Bernoulli(0.3).mean // tensor(0.3000)
 */
export class Bernoulli extends FamilyOfChances {
  protected override get title(): string {
    return 'Bernoulli'
  }
  constructor(...args: ChanceArguments) {
    super(chancesMade(bernoulliArguments(args)))
  }

  override get support(): Constraint {
    return constraints.boolean
  }

  override get hasEnumerateSupport(): boolean {
    return true
  }

  override get mean(): Tensor {
    return this.probs
  }

  override get mode(): Tensor {
    return where(this.probs.eq(0.5), Number.NaN, toDType(this.probs.ge(0.5), this.probs.dtype))
  }

  override get variance(): Tensor {
    return this.probs.mul(this.probs.neg().add(1))
  }

  protected override drawn(sampleShape: Shape): Tensor {
    return bernoulli(this.probs.expand(this.extended(sampleShape)))
  }

  protected override logDensity(value: Tensor): Tensor {
    const [logits, target] = broadcastAll(this.logits, value)
    return binaryCrossEntropyWithLogits(logits, toDType(target, logits.dtype), { reduction: 'none' }).neg()
  }

  override entropy(): Tensor {
    return binaryEntropy(this)
  }

  protected override enumerated(): Tensor {
    return countTo(2, paramOf(this))
  }
}

/** The entropy of success and failure. */
const binaryEntropy = ({ logits, probs }: Bernoulli | Geometric): Tensor =>
  binaryCrossEntropyWithLogits(logits, probs, { reduction: 'none' })

/** 0 to n - 1, in the dtype and on the device of a parameter. */
export const countTo = (n: number, like: Tensor, dtype = like.dtype): Tensor =>
  arange(n, { dtype, device: like.device })

const geometricArguments = constructing('Geometric', ...chance)
/**
 * The number of failures before the first success, each trial a success with probability `probs`.
 *
 * @example
 * new distributions.Geometric(0.25).mean // tensor(3.)
 */
export class Geometric extends Chances {
  protected override get title(): string {
    return 'Geometric'
  }
  constructor(...args: ChanceArguments) {
    super(chancesMade(geometricArguments(args)))
    if (!Object.hasOwn(this, 'probs')) return
    const { probs } = this
    this.demand(
      () => probs.gt(0),
      'Expected parameter probs of distribution Geometric to be positive',
      () =>
        `Expected parameter probs (Tensor of shape ${formatTuple(probs.sizes)}) of distribution ${this} to be positive ` +
        `but found invalid values:\n${probs.detach().maskedSelect(probs.gt(0).logicalNot())}`,
    )
  }

  override get support(): Constraint {
    return constraints.nonnegativeInteger
  }

  override get mean(): Tensor {
    return this.probs.reciprocal().sub(1)
  }

  override get mode(): Tensor {
    return zerosLike(this.probs)
  }

  override get variance(): Tensor {
    return this.probs.reciprocal().sub(1).div(this.probs)
  }

  protected override drawn(sampleShape: Shape): Tensor {
    const u = unfilled(this.probs, this.extended(sampleShape)).uniform_(limitsOf(this.probs).tiny, 1)
    return u.log().div(this.probs.neg().log1p()).floor()
  }

  protected override logDensity(given: Tensor): Tensor {
    const [value, all] = broadcastAll(given, this.probs)
    const probs = where(all.eq(1).logicalAnd(value.eq(0)), fullOf(all, [], 0), all)
    return value.mul(probs.neg().log1p()).add(this.probs.log())
  }

  override entropy(): Tensor {
    return binaryEntropy(this).div(this.probs)
  }
}

// ---- counts ----

interface CountOptions extends ChanceOptions {
  readonly totalCount?: TensorOrNumber
}
type CountArguments = Arguments<
  [totalCount: TensorOrNumber, probs: Chance, logits: Chance, validateArgs: boolean | null],
  CountOptions
>
const countsMade = ([count, probs, logits, validateArgs]: readonly [
  TensorOrNumber,
  Chance,
  Chance,
  boolean | null,
]): Made => {
  const [name, given] = oneOf(probs, logits)
  const [total, value] = broadcastAll(count, given)
  return { fields: { totalCount: toDType(total, value.dtype), [name]: value }, batchShape: value.sizes, validateArgs }
}

/** Like clamp at 0, with the gradient 1/2 there. */
const clampByZero = (x: Tensor): Tensor =>
  x
    .clamp({ min: 0 })
    .add(x)
    .sub(x.clamp({ max: 0 }))
    .div(2)

const binomialArguments = constructing('Binomial', optional('totalCount', tensorOrNumber, 1), ...chance)
/**
 * The number of successes among `totalCount` trials, each with probability `probs`.
 *
 * @example
 * new distributions.Binomial(10, 0.5).variance // tensor(2.5000)
 */
export class Binomial extends Chances {
  protected override get title(): string {
    return 'Binomial'
  }
  declare readonly totalCount: Tensor

  constructor(...args: CountArguments) {
    super(countsMade(binomialArguments(args)))
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { totalCount: constraints.nonnegativeInteger, ...super.argConstraints }
  }

  override get support(): Constraint {
    return constraints.integerInterval(0, this.totalCount)
  }

  override get hasEnumerateSupport(): boolean {
    return true
  }

  override get mean(): Tensor {
    return this.totalCount.mul(this.probs)
  }

  override get mode(): Tensor {
    return this.totalCount.add(1).mul(this.probs).floor().clamp({ max: this.totalCount })
  }

  override get variance(): Tensor {
    return this.totalCount.mul(this.probs).mul(this.probs.neg().add(1))
  }

  protected override drawn(sampleShape: Shape): Tensor {
    const shape = this.extended(sampleShape)
    return binomial(this.totalCount.expand(shape), this.probs.expand(shape))
  }

  protected override logDensity(value: Tensor): Tensor {
    const { totalCount, logits } = this
    const failed = totalCount.sub(value)
    const normalizer = totalCount
      .mul(clampByZero(logits))
      .add(totalCount.mul(logits.abs().neg().exp().log1p()))
      .sub(totalCount.add(1).lgamma())
    return value.mul(logits).sub(value.add(1).lgamma()).sub(failed.add(1).lgamma()).sub(normalizer)
  }

  /** The number of trials, if all have the same. */
  protected get count(): (what: string) => number {
    return (what) => {
      const most = this.totalCount.max().item()
      if (this.totalCount.min().item() === most) return Math.trunc(most)
      throw new NotImplementedError(`Inhomogeneous total count not supported by \`${what}\`.`)
    }
  }

  override entropy(): Tensor {
    this.count('entropy')
    const logProb = this.logProb(this.enumerateSupport(false))
    return logProb.exp().mul(logProb).sum(0).neg()
  }

  protected override enumerated(): Tensor {
    return countTo(1 + this.count('enumerate_support'), paramOf(this))
  }
}

const negativeArguments = constructing('NegativeBinomial', required('totalCount', tensorOrNumber), ...chance)
/**
 * The number of successes, each with probability `probs`, before `totalCount` failures.
 *
 * @example
 * new distributions.NegativeBinomial(3, 0.5).mean // tensor(3.)
 */
export class NegativeBinomial extends Chances {
  protected override get title(): string {
    return 'NegativeBinomial'
  }
  declare readonly totalCount: Tensor

  constructor(...args: CountArguments) {
    super(countsMade(negativeArguments(args)))
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return {
      totalCount: constraints.greaterThanEq(0),
      probs: constraints.halfOpenInterval(0, 1),
      logits: constraints.real,
    }
  }

  override get support(): Constraint {
    return constraints.nonnegativeInteger
  }

  override get mean(): Tensor {
    return this.totalCount.mul(this.logits.exp())
  }

  override get mode(): Tensor {
    return this.totalCount.sub(1).mul(this.logits.exp()).floor().clamp({ min: 0 })
  }

  override get variance(): Tensor {
    return this.mean.div(this.logits.neg().sigmoid())
  }

  protected override drawn(sampleShape: Shape): Tensor {
    return poisson(new Gamma(this.totalCount, this.logits.neg().exp(), false).sample(sampleShape))
  }

  protected override logDensity(value: Tensor): Tensor {
    const { totalCount, logits } = this
    const all = totalCount.add(value)
    const scale = all.lgamma().neg().add(value.add(1).lgamma()).add(totalCount.lgamma())
    const normalizer = where(all.eq(0), fullOf(all, [], 0), scale)
    return totalCount
      .mul(logsigmoid(logits.neg()))
      .add(value.mul(logsigmoid(logits)))
      .sub(normalizer)
  }
}

const poissonArguments = constructing('Poisson', required('rate', tensorOrNumber), validateParameter)
/**
 * The number of events of which `rate` are expected.
 *
 * @example
 * new distributions.Poisson(3).logProb(tensor(2)) // tensor(-1.4959)
 */
export class Poisson extends ExponentialFamily {
  protected override get title(): string {
    return 'Poisson'
  }
  declare readonly rate: Tensor

  constructor(...args: RateArguments) {
    const [given, validateArgs] = poissonArguments(args)
    const [rate] = broadcastAll(given)
    super({ fields: { rate }, batchShape: rate.sizes, validateArgs })
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { rate: constraints.nonnegative }
  }

  override get support(): Constraint {
    return constraints.nonnegativeInteger
  }

  override get mean(): Tensor {
    return this.rate
  }

  override get mode(): Tensor {
    return this.rate.floor()
  }

  override get variance(): Tensor {
    return this.rate
  }

  protected override drawn(sampleShape: Shape): Tensor {
    return poisson(this.rate.expand(this.extended(sampleShape)))
  }

  protected override logDensity(given: Tensor): Tensor {
    const [rate, value] = broadcastAll(this.rate, given)
    return xlogy(value, rate).sub(rate).sub(value.add(1).lgamma())
  }
}
