// Normalisation of each sample by its root mean square, as PyTorch 2.4 has it: without a mean and without a shift.
import { isFloat } from '../base/dtype.ts'
import { notImplemented } from '../ops/define/arguments.ts'
import { add, mul } from '../ops/pointwise/arithmetic.ts'
import { rsqrt } from '../ops/pointwise/elementary.ts'
import { mean } from '../ops/reduce/reduce.ts'
import { ones } from '../ops/create/create.ts'
import {
  type Takes,
  type Arguments,
  bool,
  constructing,
  dims,
  finite,
  ints,
  nullable,
  optional,
  required,
  signature,
  tensor,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkNormalized } from './group-norm.ts'
import { ones_ } from './init.ts'
import { type LayerOptions, layerOptions, layerParameters } from './linear.ts'
import { holdMembers } from './held.ts'
import { Module } from './module.ts'
import { fieldsOf, pythonRepr } from './names.ts'
import { Parameter } from './parameter.ts'

export interface RMSNormOptions {
  readonly weight?: Tensor | null
  /** Added to the mean of the squares; null for the spacing of numbers at 1. */
  readonly eps?: number | null
}
const epsParameter = optional('eps', nullable(finite), null)
const read = signature(
  'rms_norm',
  required('input', tensor),
  required('normalizedShape', ints),
  optional('weight', nullable(tensor), null),
  epsParameter,
)
/**
 * Divides the elements of each sample, the last dimensions of sizes `normalizedShape`, by the root of the mean of their
 * squares; then scales by `weight` of these sizes.
 *
 * @example
 * F.rmsNorm(tensor([[1, 1], [3, 3]]), [2]) // tensor([[1.0000, 1.0000],
 *                                         //         [1.0000, 1.0000]])
 */
export function rmsNorm(
  x: Tensor,
  ...args: Takes<
    [normalizedShape: readonly number[]],
    'normalizedShape',
    Arguments<[weight: Tensor | null, eps: number | null], RMSNormOptions>
  >
): Tensor {
  const [, sizes, weight, eps] = read([x, ...args])
  const batch = checkNormalized(x, sizes, { weight })
  if (!isFloat(x.dtype)) throw notImplemented('rms_norm', x.dtype)
  const least = eps ?? (x.dtype === 'float32' ? 2 ** -23 : Number.EPSILON)
  const squares = mean(
    mul(x, x),
    sizes.map((_, i) => batch + i),
    true,
  )
  const y = mul(x, rsqrt(add(squares, least)))
  return weight === null ? y : mul(y, weight)
}

export interface RMSNormLayerOptions extends LayerOptions {
  readonly eps?: number | null
  /** Learn a scale for each element. */
  readonly elementwiseAffine?: boolean
}
const ofRMSNorm = constructing(
  'RMSNorm',
  required('normalizedShape', dims),
  epsParameter,
  optional('elementwiseAffine', bool, true),
  ...layerParameters,
)

/**
 * Normalisation of the last dimensions, of sizes `normalizedShape`, by their root mean square.
 *
 * @example
 * new nn.RMSNorm(4).forward(rand(2, 4)).shape // [2, 4]
 */
export class RMSNorm extends Module {
  readonly normalizedShape: readonly number[]
  eps: number | null
  readonly elementwiseAffine: boolean
  weight: Parameter | null

  constructor(
    ...args: Takes<
      [normalizedShape: number | readonly number[]],
      'normalizedShape',
      Arguments<[eps: number | null, elementwiseAffine: boolean], RMSNormLayerOptions>
    >
  ) {
    const [shape, eps, elementwiseAffine, ...rest] = ofRMSNorm(args)
    super()
    this.normalizedShape = typeof shape === 'number' ? [shape] : [...shape]
    this.eps = eps
    this.elementwiseAffine = elementwiseAffine
    this.weight = elementwiseAffine ? new Parameter(ones([...this.normalizedShape], layerOptions(rest))) : null
    holdMembers(this, 'weight')
  }

  /** Resets the scale. */
  resetParameters(): void {
    if (this.weight !== null) ones_(this.weight)
  }

  override forward(x: Tensor): Tensor {
    return rmsNorm(x, this.normalizedShape, this.weight, this.eps)
  }

  override extraRepr(): string {
    return `${pythonRepr(this.normalizedShape)}, ${fieldsOf(this, 'eps', 'elementwiseAffine')}`
  }
}
