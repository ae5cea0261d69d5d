// Distributions of classes: Categorical, OneHotCategorical and Multinomial, by probabilities or logits.
import { ValueError } from '../base/errors.ts'
import { numelOf, type Shape } from '../base/shape.ts'
import { eye, tensor } from '../ops/create/create.ts'
import { toDType } from '../ops/define/fill.ts'
import { where } from '../ops/indexing/positions.ts'
import { oneHot } from '../ops/indexing/select.ts'
import { multinomial } from '../ops/random/families.ts'
import { logsumexp, softmax } from '../ops/reduce/softmax.ts'
import {
  type Arguments,
  constructing,
  int,
  nullable,
  optional,
  type Parameter,
  tensor as tensorKind,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { clampProbs, oneOf } from './chances.ts'
import * as constraints from './constraints.ts'
import type { Constraint } from './constraints.ts'
import { Binomial, countTo } from './discrete.ts'
import { Distribution, type ValidateOption, validateParameter } from './distribution.ts'
import { unfilled } from './location.ts'
import { broadcastAll, fullOf, limitsOf } from './values.ts'

export type Classes = Tensor | null
export interface ClassesOptions extends ValidateOption {
  readonly probs?: Classes
  readonly logits?: Classes
}
export type ClassesArguments = Arguments<
  [probs: Classes, logits: Classes, validateArgs: boolean | null],
  ClassesOptions
>
export const classes: readonly [Parameter<Classes>, Parameter<Classes>, Parameter<boolean | null>] = [
  optional('probs', nullable(tensorKind), null),
  optional('logits', nullable(tensorKind), null),
  validateParameter,
]

const categoricalArguments = constructing('Categorical', ...classes)
/**
 * Classes by number: the last dimension of `probs`, which need not sum to 1, or of `logits` counts them.
 *
 * @example
 * new distributions.Categorical(tensor([1, 3])).probs // tensor([0.2500, 0.7500])
 */
export class Categorical extends Distribution {
  protected override get title(): string {
    return 'Categorical'
  }
  constructor(...args: ClassesArguments) {
    const [probs, logits, validateArgs] = categoricalArguments(args)
    const [name, given] = oneOf(probs, logits)
    if (given.dim() < 1) {
      throw new ValueError(`\`${name}\` parameter must be at least one-dimensional.`, 'Pass one for each class.')
    }
    const value = probs !== null ? probs.div(probs.sum(-1, true)) : given.sub(logsumexp(given, -1, true))
    super({ fields: { [name]: value }, batchShape: value.sizes.slice(0, -1), validateArgs })
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { probs: constraints.simplex, logits: constraints.realVector }
  }

  get probs(): Tensor {
    return this.lazy('probs', () => softmax(this.logits, -1))
  }

  get logits(): Tensor {
    return this.lazy('logits', () => clampProbs(this.probs).log())
  }

  protected get param(): Tensor {
    return Object.hasOwn(this, 'probs') ? this.probs : this.logits
  }

  get paramShape(): readonly number[] {
    return this.param.shape
  }

  protected get size(): number {
    return this.param.sizes[this.param.dim() - 1]
  }

  override get support(): Constraint {
    return constraints.integerInterval(0, this.size - 1)
  }

  override get hasEnumerateSupport(): boolean {
    return true
  }

  override get mean(): Tensor {
    return fullOf(this.probs, this.extended([]), Number.NaN)
  }

  override get mode(): Tensor {
    return this.probs.argmax(-1)
  }

  override get variance(): Tensor {
    return fullOf(this.probs, this.extended([]), Number.NaN)
  }

  protected override drawn(sampleShape: Shape): Tensor {
    const rows = this.probs.reshape(-1, this.size)
    return multinomial(rows, numelOf(sampleShape), true)
      .t()
      .reshape([...this.extended(sampleShape)])
  }

  protected override logDensity(value: Tensor): Tensor {
    const [indices, logProbs] = broadcastAll(toDType(value, 'int32').unsqueeze(-1), this.logits)
    return logProbs.gather(-1, indices.slice(-1, 0, 1)).squeeze(-1)
  }

  override entropy(): Tensor {
    return this.logits
      .clamp({ min: -limitsOf(this.logits).max })
      .mul(this.probs)
      .sum(-1)
      .neg()
  }

  protected override enumerated(): Tensor {
    return countTo(this.size, this.param, 'int32')
  }
}

/** Distributions that count or mark the classes of a categorical one. */
export abstract class OfClasses extends Distribution {
  declare readonly categorical: Categorical

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { probs: constraints.simplex, logits: constraints.realVector }
  }

  get probs(): Tensor {
    return this.categorical.probs
  }

  get logits(): Tensor {
    return this.categorical.logits
  }

  get paramShape(): readonly number[] {
    return this.categorical.paramShape
  }

  protected override expanded(batchShape: Shape): this {
    return this.like({ ...this.others(), categorical: this.categorical.expand(batchShape) }, batchShape)
  }

  protected others(): Readonly<Record<string, unknown>> {
    return {}
  }
}

const oneHotArguments = constructing('OneHotCategorical', ...classes)
/**
 * Classes as vectors with a 1 at the place of the class.
 *
 * @example
 * new distributions.OneHotCategorical(tensor([1, 3])).mode // tensor([0., 1.])
 */
export class OneHotCategorical extends OfClasses {
  protected override get title(): string {
    return 'OneHotCategorical'
  }
  constructor(...args: ClassesArguments) {
    const [probs, logits, validateArgs] = oneHotArguments(args)
    const categorical = new Categorical(probs, logits)
    const { paramShape, batchShape } = categorical
    super({ fields: { categorical }, batchShape, eventShape: paramShape.slice(-1), validateArgs })
  }

  override get support(): Constraint {
    return constraints.oneHot
  }

  override get hasEnumerateSupport(): boolean {
    return true
  }

  override get mean(): Tensor {
    return this.probs
  }

  override get mode(): Tensor {
    return this.marked(this.categorical.mode)
  }

  override get variance(): Tensor {
    return this.probs.mul(this.probs.neg().add(1))
  }

  private marked(classes: Tensor): Tensor {
    return toDType(oneHot(classes, this.eventShape[0]), this.probs.dtype)
  }

  protected override drawn(sampleShape: Shape): Tensor {
    return this.marked(this.categorical.sample(sampleShape))
  }

  protected override logDensity(value: Tensor): Tensor {
    return this.categorical.logProb(value.argmax(-1))
  }

  override entropy(): Tensor {
    return this.categorical.entropy()
  }

  protected override enumerated(): Tensor {
    return eye(this.eventShape[0], { dtype: this.probs.dtype, device: this.probs.device })
  }
}

/**
 * `OneHotCategorical` whose `rsample` passes gradients straight through to the probabilities.
 *
 * @example
 * new distributions.OneHotCategoricalStraightThrough(tensor([1, 3])).hasRsample // true
 */
export class OneHotCategoricalStraightThrough extends OneHotCategorical {
  protected override get title(): string {
    return 'OneHotCategoricalStraightThrough'
  }
  override get hasRsample(): boolean {
    return true
  }

  protected override drawn(sampleShape: Shape, reparametrized = false): Tensor {
    const samples = super.drawn(sampleShape)
    return reparametrized ? samples.add(this.probs.sub(this.probs.detach())) : samples
  }
}

const multinomialArguments = constructing('Multinomial', optional('totalCount', int, 1), ...classes)
interface MultinomialOptions extends ClassesOptions {
  readonly totalCount?: number
}
type MultinomialArguments = Arguments<
  [totalCount: number, probs: Classes, logits: Classes, validateArgs: boolean | null],
  MultinomialOptions
>
/**
 * How often each class is drawn in `totalCount` draws.
 *
 * @example
 * new distributions.Multinomial(4, tensor([1, 3])).mean // tensor([1., 3.])
 */
export class Multinomial extends OfClasses {
  protected override get title(): string {
    return 'Multinomial'
  }
  declare readonly totalCount: number

  constructor(...args: MultinomialArguments) {
    const [totalCount, probs, logits, validateArgs] = multinomialArguments(args)
    if (totalCount < 0) throw new ValueError(`total_count must not be negative, but is ${totalCount}`)
    const categorical = new Categorical(probs, logits)
    const { paramShape, batchShape } = categorical
    super({ fields: { totalCount, categorical }, batchShape, eventShape: paramShape.slice(-1), validateArgs })
  }

  override get support(): Constraint {
    return constraints.multinomial(this.totalCount)
  }

  override get mean(): Tensor {
    return this.probs.mul(this.totalCount)
  }

  override get variance(): Tensor {
    return this.probs.mul(this.totalCount).mul(this.probs.neg().add(1))
  }

  protected override others(): Readonly<Record<string, unknown>> {
    return { totalCount: this.totalCount }
  }

  protected override drawn(sampleShape: Shape): Tensor {
    const draws = this.categorical.sample([this.totalCount, ...sampleShape]).movedim(0, -1)
    const counts = unfilled(this.probs, this.extended(sampleShape)).zero_()
    return counts.scatterAdd(-1, draws, fullOf(counts, draws.sizes, 1))
  }

  override entropy(): Tensor {
    const n = this.totalCount
    const support = countTo(n + 1, this.probs).narrow(0, 1, n)
    const values = support.reshape([n, ...this.probs.sizes.map(() => 1)])
    const chances = new Binomial(n, this.probs, null, false).logProb(values).exp()
    const ways = chances.mul(values.add(1).lgamma()).sum([0, -1])
    return this.categorical
      .entropy()
      .mul(n)
      .sub(tensor(n + 1, { device: this.probs.device }).lgamma())
      .add(ways)
  }

  protected override logDensity(given: Tensor): Tensor {
    const [all, value] = broadcastAll(this.logits, given)
    const logits = where(value.eq(0).logicalAnd(all.eq(-Infinity)), fullOf(all, [], 0), all)
    return value.sum(-1).add(1).lgamma().sub(value.add(1).lgamma().sum(-1)).add(logits.mul(value).sum(-1))
  }
}
