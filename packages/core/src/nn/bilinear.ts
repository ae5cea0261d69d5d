// A layer of two inputs: each output is a bilinear form of them.
import { ValueError } from '../base/errors.ts'
import { empty } from '../ops/create/create.ts'
import { bilinear } from '../ops/product/tensordot.ts'
import { type Takes, type Arguments, bool, constructing, int, optional, required } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { uniform_ } from './init.ts'
import { type LayerOptions, layerOptions, layerParameters, type LinearOptions } from './linear.ts'
import { holdMembers } from './held.ts'
import { Module } from './module.ts'
import { pythonRepr } from './names.ts'
import { Parameter } from './parameter.ts'

const ofBilinear = constructing(
  'Bilinear',
  required('in1Features', int),
  required('in2Features', int),
  required('outFeatures', int),
  optional('bias', bool, true),
  ...layerParameters,
)

/**
 * `x1 @ weight[k] @ x2 + bias[k]` for each output k: [..., in1Features] and [..., in2Features] to [..., outFeatures].
 *
 * Throws a ValueError if `in1Features` is not positive.
 *
 * @example
 * new nn.Bilinear(3, 4, 2).forward(rand(5, 3), rand(5, 4)).shape // [5, 2]
 */
export class Bilinear extends Module {
  readonly in1Features: number
  readonly in2Features: number
  readonly outFeatures: number
  /** [outFeatures, in1Features, in2Features] */
  weight: Parameter
  /** [outFeatures] */
  bias: Parameter | null

  constructor(
    ...args: Takes<
      [in1Features: number, in2Features: number, outFeatures: number],
      'in1Features in2Features outFeatures',
      Arguments<[bias: boolean, device: string, dtype: LayerOptions['dtype']], LinearOptions>
    >
  ) {
    const [in1Features, in2Features, outFeatures, bias, ...options] = ofBilinear(args)
    super()
    if (in1Features <= 0) throw new ValueError(`in1_features must be > 0, but got ${in1Features}`)
    this.in1Features = in1Features
    this.in2Features = in2Features
    this.outFeatures = outFeatures
    this.weight = new Parameter(empty([outFeatures, in1Features, in2Features], layerOptions(options)))
    this.bias = bias ? new Parameter(empty([outFeatures], layerOptions(options))) : null
    holdMembers(this, 'bias')
    this.resetParameters()
  }

  /** Draws weight and bias again. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.in1Features)
    for (const parameter of this.parameters()) uniform_(parameter, -bound, bound)
  }

  override forward(x1: Tensor, x2: Tensor): Tensor {
    return bilinear(x1, x2, this.weight, this.bias)
  }

  override extraRepr(): string {
    const { in1Features, in2Features, outFeatures, bias } = this
    return `in1_features=${in1Features}, in2_features=${in2Features}, out_features=${outFeatures}, bias=${pythonRepr(bias !== null)}`
  }
}
