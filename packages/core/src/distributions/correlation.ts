// Correlation matrices by their Cholesky factors: the distribution LKJCholesky.
import { ValueError } from '../base/errors.ts'
import type { Shape } from '../base/shape.ts'
import { cat } from '../ops/views/join.ts'
import { constructing, int, optional, required } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import * as constraints from './constraints.ts'
import type { Constraint } from './constraints.ts'
import { countTo } from './discrete.ts'
import { Distribution, type Validate, type ValidateOption, validateParameter } from './distribution.ts'
import { Beta } from './gamma.ts'
import { standardNormal } from './location.ts'
import { broadcastAll, fullOf, limitsOf, tensorOrNumber, type TensorOrNumber } from './values.ts'

const lkjArguments = constructing(
  'LKJCholesky',
  required('dim', int),
  optional('concentration', tensorOrNumber, 1),
  validateParameter,
)
interface LKJOptions extends ValidateOption {
  readonly concentration?: TensorOrNumber
}
type LKJArguments =
  | [dim: number, concentration?: TensorOrNumber | LKJOptions, validateArgs?: Validate]
  | [params: { readonly dim: number } & LKJOptions]
/**
 * Cholesky factors of correlation matrices of `dim` rows, with a density of matrices proportional to their determinant to
 * the power `concentration - 1`: at 1 (the default) all are equally likely.
 *
 * @example
 * new distributions.LKJCholesky(3).sample().shape // [3, 3]
 */
export class LKJCholesky extends Distribution {
  protected override get title(): string {
    return 'LKJCholesky'
  }
  declare readonly dim: number
  declare readonly concentration: Tensor
  declare protected readonly beta: Beta

  constructor(...args: LKJArguments) {
    const [dim, given, validateArgs] = lkjArguments(args)
    if (dim < 2) throw new ValueError(`Expected dim to be an integer greater than or equal to 2. Found dim=${dim}.`)
    const [concentration] = broadcastAll(given)
    const offset = cat([fullOf(concentration, [1], 0), countTo(dim - 1, concentration)])
    const marginal = concentration.add(0.5 * (dim - 2)).unsqueeze(-1)
    const beta = new Beta(offset.add(0.5), marginal.sub(offset.mul(0.5)))
    super({
      fields: { dim, concentration, beta },
      batchShape: concentration.sizes,
      eventShape: [dim, dim],
      validateArgs,
    })
  }

  override get argConstraints(): Readonly<Record<string, Constraint>> {
    return { concentration: constraints.positive }
  }

  override get support(): Constraint {
    return constraints.corrCholesky
  }

  // The onion method: row by row a length and a direction.
  protected override drawn(sampleShape: Shape): Tensor {
    const squares = this.beta.sample(sampleShape).unsqueeze(-1)
    const normal = standardNormal(squares, this.extended(sampleShape)).tril(-1)
    const directions = normal.div(normal.norm({ dim: -1, keepdim: true }))
    // The first row has none.
    directions.select(-2, 0).zero_()
    const below = squares.sqrt().mul(directions)
    const rest = below.pow(2).sum(-1).neg().add(1)
    return below.add(
      rest
        .clamp({ min: limitsOf(below).tiny })
        .sqrt()
        .diagEmbed(),
    )
  }

  protected override logDensity(value: Tensor): Tensor {
    const { dim, concentration } = this
    const powers = concentration
      .sub(1)
      .unsqueeze(-1)
      .mul(2)
      .add(dim)
      .sub(countTo(dim - 1, concentration).add(2))
    const diagonal = value.diagonal({ dim1: -1, dim2: -2 }).slice(-1, 1)
    const n = dim - 1
    const alpha = concentration.add(0.5 * n)
    const divisor = alpha
      .sub(0.5)
      .mvlgamma(n)
      .add(0.5 * n * Math.log(Math.PI))
      .sub(alpha.lgamma().mul(n))
    return powers.mul(diagonal.log()).sum(-1).sub(divisor)
  }

  protected override expanded(batchShape: Shape): this {
    const beta = this.beta.expand([...batchShape, this.dim])
    return this.like({ ...this.expandedParameters(batchShape), dim: this.dim, beta }, batchShape)
  }
}
