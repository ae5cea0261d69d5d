// The gamma distribution and its relatives: Chi2, Beta and Dirichlet. Their samples come from rejection, and gradients
// reach the parameters by implicit derivatives.
import { AutogradFunction, type FunctionCtx } from '../autograd/function.ts'
import { ValueError } from '../base/errors.ts'
import type { Shape } from '../base/shape.ts'
import { tensor } from '../ops/create/create.ts'
import { toDType } from '../ops/define/fill.ts'
import { oneHot } from '../ops/indexing/select.ts'
import { where } from '../ops/indexing/positions.ts'
import { xlogy } from '../ops/pointwise/special.ts'
import { sampleDirichlet, standardGamma } from '../ops/random/families.ts'
import { stack } from '../ops/views/join.ts'
import { type Takes, constructing, isTensor, required, tensor as tensorKind } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type Constraint, independent, nonnegative, positive, simplex, unitInterval } from './constraints.ts'
import { type Validate, validateParameter } from './distribution.ts'
import { ExponentialFamily } from './exponential-family.ts'
import { broadcastAll, limitsOf, tensorOrNumber, type TensorOrNumber } from './values.ts'

const gammaArguments = constructing(
  'Gamma',
  required('concentration', tensorOrNumber),
  required('rate', tensorOrNumber),
  validateParameter,
)
type GammaArguments = Takes<
  [concentration: TensorOrNumber, rate: TensorOrNumber],
  'concentration rate',
  [validateArgs?: Validate]
>
/**
 * The gamma distribution of shape `concentration` and `rate`.
 *
 * @example
 * new distributions.Gamma(2, 4).mean // tensor(0.5000)
 */
export class Gamma extends ExponentialFamily {
  protected override get title(): string {
    return 'Gamma'
  }
  declare readonly concentration: Tensor
  declare readonly rate: Tensor

  constructor(...args: GammaArguments) {
    const [shape, pace, validateArgs] = gammaArguments(args)
    const [concentration, rate] = broadcastAll(shape, pace)
    super({ fields: { concentration, rate }, batchShape: rate.sizes, validateArgs })
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { concentration: positive, rate: positive }
  }

  override get support(): Constraint {
    return nonnegative
  }

  override get hasRsample(): boolean {
    return true
  }

  override get mean(): Tensor {
    return this.concentration.div(this.rate)
  }

  override get mode(): Tensor {
    return this.concentration.sub(1).div(this.rate).clamp({ min: 0 })
  }

  override get variance(): Tensor {
    return this.concentration.div(this.rate.pow(2))
  }

  protected override drawn(sampleShape: Shape): Tensor {
    const shape = this.extended(sampleShape)
    const value = standardGamma(this.concentration.expand(shape)).div(this.rate.expand(shape))
    value.detach().clamp_({ min: limitsOf(value).tiny })
    return value
  }

  protected override logDensity(given: Tensor): Tensor {
    const value = toDType(given, this.rate.dtype)
    const { concentration, rate } = this
    return xlogy(concentration, rate)
      .add(xlogy(concentration.sub(1), value))
      .sub(rate.mul(value))
      .sub(concentration.lgamma())
  }

  override entropy(): Tensor {
    const { concentration, rate } = this
    return concentration
      .sub(rate.log())
      .add(concentration.lgamma())
      .add(concentration.neg().add(1).mul(concentration.digamma()))
  }

  protected override expanded(batchShape: Shape): this {
    const [concentration, rate] = [this.concentration, this.rate].map((x) => x.expand(batchShape))
    return this.like({ concentration, rate }, batchShape)
  }
}

const chi2Arguments = constructing('Chi2', required('df', tensorOrNumber), validateParameter)
type Chi2Arguments = Takes<[df: TensorOrNumber], 'df', [validateArgs?: Validate]>
/**
 * The chi-squared distribution of `df` degrees of freedom: the sum of that many squares of standard normal numbers.
 *
 * @example
 * new distributions.Chi2(3).variance // tensor(6.)
 */
export class Chi2 extends Gamma {
  protected override get title(): string {
    return 'Chi2'
  }
  constructor(...args: Chi2Arguments) {
    const [df, validateArgs] = chi2Arguments(args)
    super(isTensor(df) ? df.mul(0.5) : 0.5 * df, 0.5, validateArgs)
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { df: positive }
  }

  /** The degrees of freedom. */
  get df(): Tensor {
    return this.concentration.mul(2)
  }
}

// ---- Dirichlet and Beta ----

/** Draws whose slopes are computed when a gradient asks for them. */
class DirichletSample extends AutogradFunction {
  static override forward(ctx: FunctionCtx, concentration: Tensor): Tensor {
    const { value, gradient } = sampleDirichlet(concentration)
    ctx.gradient = gradient
    ctx.saveForBackward(value, concentration)
    return value
  }

  static override backward(ctx: FunctionCtx, dy: Tensor): Tensor {
    // Throws if one of them was written to.
    void ctx.savedTensors
    return (ctx.gradient as (dy: Tensor) => Tensor)(dy)
  }
}

const dirichletArguments = constructing('Dirichlet', required('concentration', tensorKind), validateParameter)
type DirichletArguments = Takes<[concentration: Tensor], 'concentration', [validateArgs?: Validate]>
/**
 * The Dirichlet distribution of proportions, vectors of non-negative numbers with the sum 1; the last dimension of
 * `concentration` counts them.
 *
 * @example
 * new distributions.Dirichlet(tensor([1, 3])).mean // tensor([0.2500, 0.7500])
 */
export class Dirichlet extends ExponentialFamily {
  protected override get title(): string {
    return 'Dirichlet'
  }
  declare readonly concentration: Tensor

  constructor(...args: DirichletArguments) {
    const [concentration, validateArgs] = dirichletArguments(args)
    if (concentration.dim() < 1)
      throw new ValueError(
        '`concentration` parameter must be at least one-dimensional.',
        'Pass one for each proportion.',
      )
    const { sizes } = concentration
    super({
      fields: { concentration },
      batchShape: sizes.slice(0, -1),
      eventShape: sizes.slice(-1),
      validateArgs,
    })
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { concentration: independent(positive, 1) }
  }

  override get support(): Constraint {
    return simplex
  }

  override get hasRsample(): boolean {
    return true
  }

  override get mean(): Tensor {
    return this.concentration.div(this.concentration.sum(-1, true))
  }

  override get mode(): Tensor {
    const above = this.concentration.sub(1).clamp({ min: 0 })
    const mode = above.div(above.sum(-1, true))
    // Where all parameters are below 1, PyTorch takes the first corner.
    const low = this.concentration.lt(1).all(-1)
    return where(low.unsqueeze(-1), toDType(oneHot(mode.argmax(-1), mode.sizes.at(-1)), mode.dtype), mode)
  }

  override get variance(): Tensor {
    const total = this.concentration.sum(-1, true)
    return this.concentration.mul(total.sub(this.concentration)).div(total.pow(2).mul(total.add(1)))
  }

  protected override drawn(sampleShape: Shape): Tensor {
    return DirichletSample.apply(this.concentration.expand(this.extended(sampleShape))) as Tensor
  }

  protected override logDensity(value: Tensor): Tensor {
    const { concentration } = this
    return value
      .log()
      .mul(concentration.sub(1))
      .sum(-1)
      .add(concentration.sum(-1).lgamma())
      .sub(concentration.lgamma().sum(-1))
  }

  override entropy(): Tensor {
    const { concentration } = this
    const total = concentration.sum(-1)
    const rest = total.neg().add(concentration.sizes[concentration.dim() - 1])
    return concentration
      .lgamma()
      .sum(-1)
      .sub(total.lgamma())
      .sub(rest.mul(total.digamma()))
      .sub(concentration.sub(1).mul(concentration.digamma()).sum(-1))
  }
}

const betaArguments = constructing(
  'Beta',
  required('concentration1', tensorOrNumber),
  required('concentration0', tensorOrNumber),
  validateParameter,
)
type BetaArguments = Takes<
  [concentration1: TensorOrNumber, concentration0: TensorOrNumber],
  'concentration1 concentration0',
  [validateArgs?: Validate]
>
/**
 * The beta distribution of numbers between 0 and 1.
 *
 * @example
 * new distributions.Beta(1, 3).mean // tensor(0.2500)
 */
export class Beta extends ExponentialFamily {
  protected override get title(): string {
    return 'Beta'
  }
  declare protected readonly dirichlet: Dirichlet

  constructor(...args: BetaArguments) {
    const [first, second, validateArgs] = betaArguments(args)
    const both =
      typeof first === 'number' && typeof second === 'number'
        ? tensor([first, second])
        : stack(broadcastAll(first, second), -1)
    const dirichlet = new Dirichlet(both, validateArgs)
    super({ fields: { dirichlet }, batchShape: dirichlet.batchShape, validateArgs })
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { concentration1: positive, concentration0: positive }
  }

  override get support(): Constraint {
    return unitInterval
  }

  override get hasRsample(): boolean {
    return true
  }

  get concentration1(): Tensor {
    return this.dirichlet.concentration.select(-1, 0)
  }

  get concentration0(): Tensor {
    return this.dirichlet.concentration.select(-1, 1)
  }

  override get mean(): Tensor {
    return this.concentration1.div(this.concentration1.add(this.concentration0))
  }

  override get mode(): Tensor {
    return this.dirichlet.mode.select(-1, 0)
  }

  override get variance(): Tensor {
    const total = this.concentration1.add(this.concentration0)
    return this.concentration1.mul(this.concentration0).div(total.pow(2).mul(total.add(1)))
  }

  protected override drawn(sampleShape: Shape): Tensor {
    return this.dirichlet.rsample(sampleShape).select(-1, 0)
  }

  protected override logDensity(value: Tensor): Tensor {
    return this.dirichlet.logProb(stack([value, value.neg().add(1)], -1))
  }

  override entropy(): Tensor {
    return this.dirichlet.entropy()
  }

  protected override expanded(batchShape: Shape): this {
    return this.like({ dirichlet: this.dirichlet.expand(batchShape) }, batchShape)
  }
}
