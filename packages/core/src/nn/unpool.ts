// Unpooling layers: values of max pooling back at their places.
import { type MaxUnpoolOptions, maxUnpool1d, maxUnpool2d, maxUnpool3d } from '../ops/pool/unpool.ts'
import { expanded, type PerDim } from '../ops/product/conv.ts'
import type { Shape } from '../base/shape.ts'
import {
  type Takes,
  type Arguments,
  constructing,
  dims,
  ints,
  nullable,
  optional,
  required,
  signature,
  tensor,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Module } from './module.ts'
import { fieldsOf } from './names.ts'

type Options = Omit<MaxUnpoolOptions, 'outputSize'>
type MaxUnpoolLayerArguments = Takes<
  [kernelSize: PerDim],
  'kernelSize',
  Arguments<[stride: PerDim | null, padding: PerDim], Options>
>
const layerArguments = [1, 2, 3].map((rank) =>
  constructing(
    `MaxUnpool${rank}d`,
    required('kernelSize', dims),
    optional('stride', nullable(dims), null),
    optional('padding', dims, 0),
  ),
)
const forwardArguments = [1, 2, 3].map((rank) =>
  signature(
    `max_unpool${rank}d`,
    required('input', tensor),
    required('indices', tensor),
    optional('outputSize', nullable(ints), null),
  ),
)
const functions = [maxUnpool1d, maxUnpool2d, maxUnpool3d]

class MaxUnpooling extends Module {
  kernelSize: Shape
  stride: Shape
  padding: Shape

  constructor(rank: number, args: readonly unknown[]) {
    const [kernel, stride, padding] = layerArguments[rank - 1](args)
    const each = (name: string, given: PerDim): Shape => expanded(name, given, rank, rank)
    const sizes = [each('kernel_size', kernel), each('stride', stride ?? kernel), each('padding', padding)]
    super()
    const [kernelSize, strides, paddings] = sizes
    this.kernelSize = kernelSize
    this.stride = strides
    this.padding = paddings
  }

  /** Values, and the indices that max pooling returned with them. */
  override forward(
    x: Tensor,
    ...args: [indices: Tensor, outputSize?: readonly number[] | null | Pick<MaxUnpoolOptions, 'outputSize'>]
  ): Tensor {
    const at = this.kernelSize.length - 1
    const [input, indices, outputSize] = forwardArguments[at]([x, ...args])
    return functions[at](input, indices, this.kernelSize, this.stride, this.padding, outputSize)
  }

  override extraRepr(): string {
    return fieldsOf(this, 'kernelSize', 'stride', 'padding')
  }
}

/** Puts values of `MaxPool1d` back to their places in zeros, as `F.maxUnpool1d`. */
export class MaxUnpool1d extends MaxUnpooling {
  constructor(...args: MaxUnpoolLayerArguments) {
    super(1, args)
  }
}
/**
 * Puts values of `MaxPool2d` back to their places in zeros, as `F.maxUnpool2d`.
 *
 * @example
 * const [values, indices] = new nn.MaxPool2d(2, { returnIndices: true }).forward(ones(1, 1, 4, 4))
 * new nn.MaxUnpool2d(2).forward(values, indices).shape // [1, 1, 4, 4]
 */
export class MaxUnpool2d extends MaxUnpooling {
  constructor(...args: MaxUnpoolLayerArguments) {
    super(2, args)
  }
}
/** Puts values of `MaxPool3d` back to their places in zeros, as `F.maxUnpool3d`. */
export class MaxUnpool3d extends MaxUnpooling {
  constructor(...args: MaxUnpoolLayerArguments) {
    super(3, args)
  }
}
