// Batch normalisation in evaluation as part of the layer before it: nn.utils.fusion.
import { AssertionError } from '../base/errors.ts'
import { add, mul, sub } from '../ops/pointwise/arithmetic.ts'
import { rsqrt } from '../ops/pointwise/elementary.ts'
import { reshape } from '../ops/views/views.ts'
import { noGrad } from '../tensor/mode.ts'
import {
  type Takes,
  bool,
  instance,
  nullable,
  number,
  optional,
  required,
  signature,
  tensor,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Convolution } from './conv.ts'
import { copyOf } from './copy.ts'
import { Linear } from './linear.ts'
import { BatchNorm } from './norm-layers.ts'
import { Parameter } from './parameter.ts'

const norm = required('bn', instance(BatchNorm, '_BatchNorm'))
const readConv = signature(
  'fuse_conv_bn_eval',
  required('conv', instance(Convolution, '_ConvNd')),
  norm,
  optional('transpose', bool, false),
)
const readLinear = signature('fuse_linear_bn_eval', required('linear', instance(Linear, 'Linear')), norm)

/** The weight and bias of a layer and of the batch normalisation behind it; outputs are dimension `dim`. */
function folded(
  [weight, bias]: readonly [Tensor, Tensor | null],
  [mean, variance]: readonly [Tensor, Tensor],
  eps: number,
  [scale, shift]: readonly [Tensor | null, Tensor | null],
  dim: number,
): readonly [weight: Parameter, bias: Parameter] {
  return noGrad(() => {
    const deviation = rsqrt(add(variance, eps))
    const factor = scale === null ? deviation : mul(scale, deviation)
    const along = weight.sizes.map((_, d) => (d === dim ? -1 : 1))
    const moved = mul(bias === null ? mul(mean, -1) : sub(bias, mean), factor)
    return [
      new Parameter(mul(weight, reshape(factor, along)), weight.requiresGrad),
      new Parameter(shift === null ? moved : add(moved, shift), (bias ?? weight).requiresGrad),
    ]
  })
}

function fused<L extends Convolution | Linear>(layer: L, bn: BatchNorm, dim: number): L {
  const { runningMean: mean, runningVar: variance } = bn
  if (layer.training || bn.training || mean === null || variance === null)
    throw new AssertionError('Fusion only for eval!', 'Call eval() on both, and keep the running statistics.')
  const copy = copyOf(layer, new Map())
  const [weight, bias] = folded([layer.weight, layer.bias], [mean, variance], bn.eps, [bn.weight, bn.bias], dim)
  copy.weight = weight
  copy.bias = bias
  return copy
}

/**
 * A convolution that computes what a convolution and the batch normalisation behind it do in evaluation; `transpose`
 * for a transposed one.
 *
 * Throws an AssertionError if one of them trains, or has no running statistics.
 *
 * @example
 * const [conv, norm] = [new nn.Conv2d(3, 4, 3).eval(), new nn.BatchNorm2d(4).eval()]
 * nn.utils.fuseConvBnEval(conv, norm).forward(rand(1, 3, 5, 5)).shape // [1, 4, 3, 3]
 */
export function fuseConvBnEval<C extends Convolution>(
  ...args: Takes<[conv: C, bn: BatchNorm], 'conv bn', [transpose?: boolean | { readonly transpose?: boolean }]>
): C {
  const [conv, bn, transpose] = readConv(args)
  return fused(conv as C, bn as BatchNorm, transpose ? 1 : 0)
}

/** A linear layer that computes what a linear layer and the batch normalisation behind it do in evaluation. */
export function fuseLinearBnEval<L extends Linear>(...args: Takes<[linear: L, bn: BatchNorm], 'linear bn'>): L {
  const [linear, bn] = readLinear(args)
  return fused(linear as L, bn as BatchNorm, 0)
}

const maybe = nullable(tensor)
const readWeights = signature(
  'fuse_conv_bn_weights',
  required('convW', tensor),
  required('convB', maybe),
  required('bnRm', tensor),
  required('bnRv', tensor),
  required('bnEps', number),
  required('bnW', maybe),
  required('bnB', maybe),
  optional('transpose', bool, false),
)
/**
 * The weight and bias of one convolution that computes what a convolution and the batch normalisation behind it do in
 * evaluation, given weight, bias, running mean, running variance, eps, scale and shift; `transpose` for a transposed one.
 *
 * @example
 * const [mean, variance] = [zeros(2), ones(2)]
 * nn.utils.fuseConvBnWeights(ones(2, 1, 3, 3), null, mean, variance, 1e-5, null, null).map((x) => x.shape)
 * // [[2, 1, 3, 3], [2]]
 */
export function fuseConvBnWeights(
  ...args: Takes<
    [
      convW: Tensor,
      convB: Tensor | null,
      bnRm: Tensor,
      bnRv: Tensor,
      bnEps: number,
      bnW: Tensor | null,
      bnB: Tensor | null,
    ],
    'convW convB bnRm bnRv bnEps bnW bnB',
    [transpose?: boolean | { readonly transpose?: boolean }]
  >
): readonly [weight: Parameter, bias: Parameter] {
  const [weight, bias, mean, variance, eps, scale, shift, transpose] = readWeights(args)
  const [w, b] = folded([weight, bias], [mean, variance], eps, [scale, shift], transpose ? 1 : 0)
  return [w.requiresGrad_(), b.requiresGrad_()] as readonly Tensor[] as readonly [Parameter, Parameter]
}
