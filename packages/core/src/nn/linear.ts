// Linear layers, and the identity.
import type { DType } from '../base/dtype.ts'
import { empty, type TensorOptions } from '../ops/create/create.ts'
import { linear } from '../ops/product/matmul.ts'
import {
  type Arguments,
  type Takes,
  bool,
  constructing,
  device,
  dtype,
  int,
  optional,
  type Parameter as Declared,
  required,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { fansOf, kaimingUniform_, uniform_ } from './init.ts'
import { holdMembers } from './held.ts'
import { Module } from './module.ts'
import { pythonRepr } from './names.ts'
import { Parameter } from './parameter.ts'

/** The device and dtype of a layer's parameters. */
export type LayerOptions = Pick<TensorOptions, 'dtype' | 'device'>
type LayerValues = readonly [device: string | undefined, dtype: DType | undefined]
/** The last two arguments of a layer's constructor, in PyTorch's order. */
export const layerParameters: readonly [Declared<string | undefined>, Declared<DType | undefined>] = [
  optional('device', device, undefined),
  optional('dtype', dtype, undefined),
]
export const layerOptions = ([device, dtype]: LayerValues): LayerOptions => ({ device, dtype })

/** Draws a weight and then its bias, as PyTorch initialises linear and convolution layers. */
export function drawParameters(weight: Parameter, bias: Parameter | null): void {
  kaimingUniform_(weight, { a: Math.sqrt(5) })
  if (bias === null) return
  const { fanIn } = fansOf(weight.sizes)
  const bound = fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0
  uniform_(bias, -bound, bound)
}

/** Returns its input. */
export class Identity extends Module {
  override forward(x: Tensor): Tensor {
    return x
  }
}

export interface LinearOptions extends LayerOptions {
  /** Add a learnt vector. */
  readonly bias?: boolean
}
const ofLinear = constructing(
  'Linear',
  required('inFeatures', int),
  required('outFeatures', int),
  optional('bias', bool, true),
  ...layerParameters,
)

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
    ...args: Takes<
      [inFeatures: number, outFeatures: number],
      'inFeatures outFeatures',
      Arguments<[bias: boolean], LinearOptions>
    >
  ) {
    const [inFeatures, outFeatures, bias, ...options] = ofLinear(args)
    super()
    this.inFeatures = inFeatures
    this.outFeatures = outFeatures
    this.weight = new Parameter(empty([outFeatures, inFeatures], layerOptions(options)))
    this.bias = bias ? new Parameter(empty([outFeatures], layerOptions(options))) : null
    holdMembers(this, 'bias')
    this.resetParameters()
  }

  /** Initialises weight and bias again. */
  resetParameters(): void {
    drawParameters(this.weight, this.bias)
  }

  override forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias)
  }

  override extraRepr(): string {
    return `in_features=${this.inFeatures}, out_features=${this.outFeatures}, bias=${pythonRepr(this.bias !== null)}`
  }
}
