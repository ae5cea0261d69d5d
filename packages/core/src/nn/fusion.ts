// Batch normalisation in evaluation as part of the layer before it: nn.utils.fusion.
import { AssertionError } from '../base/errors.ts'
import { add, mul, sub } from '../ops/pointwise/arithmetic.ts'
import { rsqrt } from '../ops/pointwise/elementary.ts'
import { reshape } from '../ops/views/views.ts'
import { noGrad } from '../tensor/mode.ts'
import { bool, instance, optional, required, signature } from '../tensor/signature.ts'
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

function fused<L extends Convolution | Linear>(layer: L, bn: BatchNorm, dim: number): L {
  const { runningMean: mean, runningVar: variance } = bn
  if (layer.training || bn.training || mean === null || variance === null)
    throw new AssertionError('Fusion only for eval!', 'Call eval() on both, and keep the running statistics.')
  const copy = copyOf(layer, new Map())
  noGrad(() => {
    const scale = rsqrt(add(variance, bn.eps))
    const factor = bn.weight === null ? scale : mul(bn.weight, scale)
    const { weight, bias } = layer
    const along = weight.sizes.map((_, d) => (d === dim ? -1 : 1))
    const shifted = bias === null ? mul(mean, -1) : sub(bias, mean)
    const moved = mul(shifted, factor)
    copy.weight = new Parameter(mul(weight, reshape(factor, along)), weight.requiresGrad)
    copy.bias = new Parameter(bn.bias === null ? moved : add(moved, bn.bias), (bias ?? weight).requiresGrad)
  })
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
  ...args: [conv: C, bn: BatchNorm, transpose?: boolean | { readonly transpose?: boolean }]
): C {
  const [conv, bn, transpose] = readConv(args)
  return fused(conv as C, bn as BatchNorm, transpose ? 1 : 0)
}

/** A linear layer that computes what a linear layer and the batch normalisation behind it do in evaluation. */
export function fuseLinearBnEval<L extends Linear>(...args: [linear: L, bn: BatchNorm]): L {
  const [linear, bn] = readLinear(args)
  return fused(linear as L, bn as BatchNorm, 0)
}
