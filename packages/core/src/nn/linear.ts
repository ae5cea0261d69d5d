// Layers that multiply by a matrix, and the one that does nothing.
import { RuntimeError } from '../base/errors.ts'
import { empty, type TensorOptions } from '../ops/create.ts'
import { linear } from '../ops/matmul.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { fansOf, kaimingUniform_, uniform_ } from './init.ts'
import { Module } from './module.ts'
import { pythonRepr } from './names.ts'
import { Parameter } from './parameter.ts'

/** Where the parameters of a layer are made, and of which dtype. */
export type LayerOptions = Pick<TensorOptions, 'dtype' | 'device'>

/** Returns its input. */
export class Identity extends Module {
  override forward(x: Tensor): Tensor {
    return x
  }
}

/**
 * `x @ weight.t() + bias`: [..., inFeatures] to [..., outFeatures].
 *
 * @example
 * new nn.Linear(13, 1).forward(x)
 */
export class Linear extends Module {
  readonly inFeatures: number
  readonly outFeatures: number
  /** [outFeatures, inFeatures] */
  weight: Parameter
  /** [outFeatures] */
  bias: Parameter | null

  constructor(
    inFeatures: number,
    outFeatures: number,
    { bias = true, ...options }: LayerOptions & { bias?: boolean } = {},
  ) {
    super()
    if (!Number.isInteger(inFeatures) || !Number.isInteger(outFeatures)) {
      throw new RuntimeError(`Linear takes whole numbers of features, but got ${inFeatures} and ${outFeatures}`)
    }
    this.inFeatures = inFeatures
    this.outFeatures = outFeatures
    this.weight = new Parameter(empty([outFeatures, inFeatures], options))
    this.bias = bias ? new Parameter(empty([outFeatures], options)) : null
    this.resetParameters()
  }

  /** Draws weight and bias anew. */
  resetParameters(): void {
    kaimingUniform_(this.weight, { a: Math.sqrt(5) })
    if (this.bias === null) return
    const { fanIn } = fansOf(this.weight.shape)
    const bound = fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0
    uniform_(this.bias, -bound, bound)
  }

  override forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias)
  }

  override extraRepr(): string {
    return `in_features=${this.inFeatures}, out_features=${this.outFeatures}, bias=${pythonRepr(this.bias !== null)}`
  }
}
