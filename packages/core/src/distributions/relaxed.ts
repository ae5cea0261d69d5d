// Relaxations of discrete distributions, whose samples have gradients: RelaxedBernoulli and RelaxedOneHotCategorical, and the
// distributions of their logits. A low temperature brings samples close to 0 and 1.
import type { Shape } from '../base/shape.ts'
import { logsumexp } from '../ops/reduce/softmax.ts'
import { constructing, isTensor, required } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type Chance, chance, type ChanceOptions, Chances, chancesMade, clampProbs } from './chances.ts'
import { Categorical, type Classes, classes, type ClassesOptions, OfClasses } from './classes.ts'
import * as constraints from './constraints.ts'
import type { Constraint } from './constraints.ts'
import { unfilled } from './location.ts'
import { ExpTransform, SigmoidTransform } from './transforms.ts'
import { Transformed } from './transformed.ts'
import { broadcastAll, fullOf, tensorOrNumber, type TensorOrNumber } from './values.ts'

const temperatureParameter = required('temperature', tensorOrNumber)
type RelaxedArguments<T, O> =
  | [temperature: TensorOrNumber, probs?: T | O, logits?: T | O, validateArgs?: boolean | null | O]
  | [params: { readonly temperature: TensorOrNumber } & O]

/** Uniform numbers that are neither 0 nor 1. */
const inside = (like: Tensor, shape: Shape): Tensor => clampProbs(unfilled(like, shape).uniform_())
const temperatureOf = (temperature: TensorOrNumber, like: Tensor): Tensor =>
  isTensor(temperature) ? temperature : fullOf(like, [], temperature)

const logitArguments = constructing('LogitRelaxedBernoulli', temperatureParameter, ...chance)
/**
 * The logits of a relaxed Bernoulli distribution's values.
 *
 * @example
 * new distributions.LogitRelaxedBernoulli(tensor(0.5), 0.3).logProb(tensor(0)) // tensor(-2.2538)
 */
export class LogitRelaxedBernoulli extends Chances {
  protected override get title(): string {
    return 'LogitRelaxedBernoulli'
  }
  declare readonly temperature: TensorOrNumber

  constructor(...args: RelaxedArguments<Chance, ChanceOptions>) {
    const [temperature, ...rest] = logitArguments(args)
    const made = chancesMade(rest)
    super({ ...made, fields: { ...made.fields, temperature } })
  }

  override get support(): Constraint {
    return constraints.real
  }

  override get hasRsample(): boolean {
    return true
  }

  protected override drawn(sampleShape: Shape): Tensor {
    const shape = this.extended(sampleShape)
    const probs = clampProbs(this.probs.expand(shape))
    const u = inside(probs, shape)
    return u.log().sub(u.neg().log1p()).add(probs.log()).sub(probs.neg().log1p()).div(this.temperature)
  }

  protected override logDensity(given: Tensor): Tensor {
    const [logits, value] = broadcastAll(this.logits, given)
    const difference = logits.sub(value.mul(this.temperature))
    return temperatureOf(this.temperature, logits).log().add(difference).sub(difference.exp().log1p().mul(2))
  }

  protected override expanded(batchShape: Shape): this {
    return this.like({ ...this.expandedParameters(batchShape), temperature: this.temperature }, batchShape)
  }
}

/** Distributions between 0 and 1 by those of their logits or logarithms, whose parameters they have. */
abstract class Relaxation extends Transformed {
  declare readonly baseDist: LogitRelaxedBernoulli | ExpRelaxedCategorical

  get temperature(): TensorOrNumber {
    return this.baseDist.temperature
  }

  get probs(): Tensor {
    return this.baseDist.probs
  }

  get logits(): Tensor {
    return this.baseDist.logits
  }
}

const bernoulliArguments = constructing('RelaxedBernoulli', temperatureParameter, ...chance)
/**
 * Numbers between 0 and 1 in place of the 0 and 1 of `Bernoulli`, with gradients.
 *
 * @example
 * new distributions.RelaxedBernoulli(tensor(0.5), 0.3).hasRsample // true
 */
export class RelaxedBernoulli extends Relaxation {
  protected override get title(): string {
    return 'RelaxedBernoulli'
  }

  constructor(...args: RelaxedArguments<Chance, ChanceOptions>) {
    const [temperature, probs, logits, validateArgs] = bernoulliArguments(args)
    const base = new LogitRelaxedBernoulli(temperature, probs, logits)
    super({ base, transforms: [new SigmoidTransform()], validateArgs })
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { probs: constraints.unitInterval, logits: constraints.real }
  }

  override get support(): Constraint {
    return constraints.unitInterval
  }
}

const expArguments = constructing('ExpRelaxedCategorical', temperatureParameter, ...classes)
/**
 * The logarithms of a relaxed one-hot distribution's values.
 *
 * @example
 * new distributions.ExpRelaxedCategorical(tensor(0.5), tensor([1, 3])).eventShape // [2]
 */
export class ExpRelaxedCategorical extends OfClasses {
  protected override get title(): string {
    return 'ExpRelaxedCategorical'
  }
  declare readonly temperature: TensorOrNumber

  constructor(...args: RelaxedArguments<Classes, ClassesOptions>) {
    const [temperature, probs, logits, validateArgs] = expArguments(args)
    const categorical = new Categorical(probs, logits)
    const { paramShape, batchShape } = categorical
    super({ fields: { categorical, temperature }, batchShape, eventShape: paramShape.slice(-1), validateArgs })
  }

  override get support(): Constraint {
    return constraints.realVector
  }

  override get hasRsample(): boolean {
    return true
  }

  protected override others(): Readonly<Record<string, unknown>> {
    return { temperature: this.temperature }
  }

  protected override drawn(sampleShape: Shape): Tensor {
    const u = inside(this.logits, this.extended(sampleShape))
    const scores = this.logits.add(u.log().neg().log().neg()).div(this.temperature)
    return scores.sub(logsumexp(scores, -1, true))
  }

  protected override logDensity(given: Tensor): Tensor {
    const [k] = this.eventShape
    const [logits, value] = broadcastAll(this.logits, given)
    const temperature = temperatureOf(this.temperature, logits)
    const scale = fullOf(temperature, temperature.sizes, k)
      .lgamma()
      .sub(temperature.log().mul(1 - k))
    const score = logits.sub(value.mul(temperature))
    return score
      .sub(logsumexp(score, -1, true))
      .sum(-1)
      .add(scale)
  }
}

const oneHotArguments = constructing('RelaxedOneHotCategorical', temperatureParameter, ...classes)
/**
 * Proportions in place of the vectors of `OneHotCategorical`, with gradients: the Gumbel-softmax distribution.
 *
 * @example
 * new distributions.RelaxedOneHotCategorical(tensor(0.5), tensor([1, 3])).eventShape // [2]
 */
export class RelaxedOneHotCategorical extends Relaxation {
  protected override get title(): string {
    return 'RelaxedOneHotCategorical'
  }

  constructor(...args: RelaxedArguments<Classes, ClassesOptions>) {
    const [temperature, probs, logits, validateArgs] = oneHotArguments(args)
    const base = new ExpRelaxedCategorical(temperature, probs, logits, validateArgs)
    super({ base, transforms: [new ExpTransform()], validateArgs })
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { probs: constraints.simplex, logits: constraints.realVector }
  }

  override get support(): Constraint {
    return constraints.simplex
  }
}
