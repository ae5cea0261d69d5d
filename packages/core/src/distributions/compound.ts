// Distributions made of others: independent ones, whose last batch dimensions make one event, and mixtures.
import { NotImplementedError, ValueError } from '../base/errors.ts'
import type { Shape } from '../base/shape.ts'
import { typeName } from '../base/python.ts'
import { logSoftmax, logsumexp } from '../ops/reduce/softmax.ts'
import { formatSize } from '../tensor/print.ts'
import { type Takes, anything, constructing, instance, int, type Kind, required } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Categorical } from './classes.ts'
import * as constraints from './constraints.ts'
import type { Constraint } from './constraints.ts'
import { Distribution, type Validate, validateParameter } from './distribution.ts'
import { sumRightmost } from './values.ts'

export const distributionKind: Kind<Distribution> = instance(Distribution, 'Distribution')

const independentArguments = constructing(
  'Independent',
  required('baseDistribution', distributionKind),
  required('reinterpretedBatchNdims', int),
  validateParameter,
)
/**
 * A distribution whose last batch dimensions become part of the event: their log-probabilities are summed.
 *
 * @example
 * const p = new distributions.Independent(new distributions.Normal(zeros(3), 1), 1)
 * p.eventShape // [3]
 */
export class Independent extends Distribution {
  protected override get title(): string {
    return 'Independent'
  }
  declare readonly baseDist: Distribution
  declare readonly reinterpretedBatchNdims: number

  constructor(
    ...args: Takes<
      [baseDistribution: Distribution, reinterpretedBatchNdims: number],
      'baseDistribution reinterpretedBatchNdims',
      [validateArgs?: Validate]
    >
  ) {
    const [baseDist, n, validateArgs] = independentArguments(args)
    const { batchShape, eventShape } = baseDist
    if (n > batchShape.length || n < 0) {
      throw new ValueError(
        'Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), ' +
          `actual ${n} vs ${batchShape.length}`,
      )
    }
    const shape = [...batchShape, ...eventShape]
    const cut = batchShape.length - n
    super({
      fields: { baseDist, reinterpretedBatchNdims: n },
      batchShape: shape.slice(0, cut),
      eventShape: shape.slice(cut),
      validateArgs,
    })
  }

  override get support(): Constraint {
    const { support } = this.baseDist
    return this.reinterpretedBatchNdims > 0 ? constraints.independent(support, this.reinterpretedBatchNdims) : support
  }

  override get hasRsample(): boolean {
    return this.baseDist.hasRsample
  }

  override get hasEnumerateSupport(): boolean {
    return this.reinterpretedBatchNdims === 0 && this.baseDist.hasEnumerateSupport
  }

  override get mean(): Tensor {
    return this.baseDist.mean
  }

  override get mode(): Tensor {
    return this.baseDist.mode
  }

  override get variance(): Tensor {
    return this.baseDist.variance
  }

  protected override drawn(sampleShape: Shape, reparametrized: boolean): Tensor {
    return reparametrized ? this.baseDist.rsample(sampleShape) : this.baseDist.sample(sampleShape)
  }

  protected override logDensity(value: Tensor): Tensor {
    return sumRightmost(this.baseDist.logProb(value), this.reinterpretedBatchNdims)
  }

  override entropy(): Tensor {
    return sumRightmost(this.baseDist.entropy(), this.reinterpretedBatchNdims)
  }

  protected override enumerated(): Tensor {
    if (this.reinterpretedBatchNdims > 0)
      throw new NotImplementedError('Enumeration over cartesian product is not implemented')
    return this.baseDist.enumerateSupport(false).reshape([-1, ...this.eventShape])
  }

  // The base distribution checks.
  protected override checkSample(): void {}

  protected override expanded(batchShape: Shape): this {
    const { reinterpretedBatchNdims } = this
    const baseDist = this.baseDist.expand([...batchShape, ...this.eventShape.slice(0, reinterpretedBatchNdims)])
    return this.like({ baseDist, reinterpretedBatchNdims }, batchShape)
  }

  override toString(): string {
    return `Independent(${this.baseDist}, ${this.reinterpretedBatchNdims})`
  }
}

const mixtureArguments = constructing(
  'MixtureSameFamily',
  required('mixtureDistribution', anything),
  required('componentDistribution', anything),
  validateParameter,
)
/**
 * A mixture: a categorical distribution chooses among the last batch dimension of the component distribution.
 *
 * @example
 * const { Categorical, MixtureSameFamily, Normal } = distributions
 * new MixtureSameFamily(new Categorical(ones(2)), new Normal(tensor([-1, 3]), 1)).mean // tensor(1.)
 */
export class MixtureSameFamily extends Distribution {
  protected override get title(): string {
    return 'MixtureSameFamily'
  }
  declare readonly mixtureDistribution: Categorical
  declare readonly componentDistribution: Distribution

  constructor(
    ...args: [mixtureDistribution: Categorical, componentDistribution: Distribution, validateArgs?: Validate]
  ) {
    const [mixture, component, validateArgs] = mixtureArguments(args)
    if (!(mixture instanceof Categorical)) {
      throw new ValueError(
        ' The Mixture distribution needs to be an  instance of torch.distribtutions.Categorical',
        `It is ${typeName(mixture)}.`,
      )
    }
    if (!(component instanceof Distribution)) {
      throw new ValueError(
        'The Component distribution need to be an instance of torch.distributions.Distribution',
        `It is ${typeName(component)}.`,
      )
    }
    const own = mixture.batchShape
    const batchShape = component.batchShape.slice(0, -1)
    for (let i = 1; i <= Math.min(own.length, batchShape.length); i++) {
      const [m, n] = [own[own.length - i], batchShape[batchShape.length - i]]
      if (m === 1 || n === 1 || m === n) continue
      throw new ValueError(
        `\`mixture_distribution.batch_shape\` (${formatSize(own)}) is not compatible with ` +
          `\`component_distribution.batch_shape\`(${formatSize(batchShape)})`,
      )
    }
    const [km, kc] = [mixture.logits.sizes.at(-1), component.batchShape.at(-1)]
    if (km !== kc) {
      throw new ValueError(
        `\`mixture_distribution component\` (${km}) does not equal \`component_distribution.batch_shape[-1]\` (${kc ?? 0})`,
        'The last batch dimension of the components counts them.',
      )
    }
    super({
      fields: { mixtureDistribution: mixture, componentDistribution: component },
      batchShape,
      eventShape: component.eventShape,
      validateArgs,
    })
  }

  override get support(): Constraint {
    return this.componentDistribution.support
  }

  /** Adds the dimension of the components. */
  protected padded(x: Tensor): Tensor {
    return x.unsqueeze(-1 - this.eventShape.length)
  }

  /** The probabilities of the components, before the dimensions of an event. */
  protected weights(): Tensor {
    const { probs } = this.mixtureDistribution
    return probs.reshape([...probs.sizes, ...this.eventShape.map(() => 1)])
  }

  protected mixed(x: Tensor): Tensor {
    return this.weights()
      .mul(x)
      .sum(-1 - this.eventShape.length)
  }

  override get mean(): Tensor {
    return this.mixed(this.componentDistribution.mean)
  }

  override get variance(): Tensor {
    const { mean, variance } = this.componentDistribution
    return this.mixed(variance).add(this.mixed(mean.sub(this.padded(this.mean)).pow(2)))
  }

  protected override cumulative(value: Tensor): Tensor {
    return this.componentDistribution.cdf(this.padded(value)).mul(this.mixtureDistribution.probs).sum(-1)
  }

  protected override logDensity(value: Tensor): Tensor {
    const ofComponents = this.componentDistribution.logProb(this.padded(value))
    return logsumexp(ofComponents.add(logSoftmax(this.mixtureDistribution.logits, -1)), -1)
  }

  protected override drawn(sampleShape: Shape): Tensor {
    const dim = sampleShape.length + this.batchShape.length
    const choice = this.mixtureDistribution.sample(sampleShape)
    const samples = this.componentDistribution.sample(sampleShape)
    const { eventShape } = this
    const index = choice
      .reshape([...choice.sizes, 1, ...eventShape.map(() => 1)])
      .expand([...choice.sizes, 1, ...eventShape])
    return samples.gather(dim, index).squeeze(dim)
  }

  protected override expanded(batchShape: Shape): this {
    const { mixtureDistribution, componentDistribution } = this
    return this.like(
      {
        mixtureDistribution: mixtureDistribution.expand(batchShape),
        componentDistribution: componentDistribution.expand([
          ...batchShape,
          componentDistribution.batchShape.at(-1) as number,
        ]),
      },
      batchShape,
    )
  }

  override toString(): string {
    return `MixtureSameFamily(\n  ${this.mixtureDistribution},\n  ${this.componentDistribution})`
  }
}
