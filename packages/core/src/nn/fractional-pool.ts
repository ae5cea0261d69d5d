// Fractional max pooling as layers: windows at random distances.
import { RuntimeError, ValueError } from '../base/errors.ts'
import type { Shape } from '../base/shape.ts'
import {
  type FractionalMaxPoolFunction,
  type FractionalMaxPoolOptions,
  fractionalMaxPool2d,
  fractionalMaxPool3d,
  type Ratio,
  ratios,
} from '../ops/pool/fractional.ts'
import { expanded, type PerDim } from '../ops/product/conv.ts'
import { type Arguments, bool, constructing, dims, nullable, optional, required, tensor } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Module } from './module.ts'
import { pythonRepr } from './names.ts'
import type { Pooled } from './pool.ts'

interface Options<I extends boolean> extends Omit<FractionalMaxPoolOptions, 'returnIndices'> {
  readonly returnIndices?: I
}
type FractionalLayerArguments<I extends boolean> = [
  kernelSize: PerDim | (Options<I> & { readonly kernelSize: PerDim }),
  ...Arguments<
    [outputSize: PerDim | null, outputRatio: Ratio | null, returnIndices: I, _randomSamples: Tensor | null],
    Options<I>
  >,
]
const layerArguments = (rank: number) =>
  constructing(
    `FractionalMaxPool${rank}d`,
    required('kernelSize', dims),
    optional('outputSize', nullable(dims), null),
    optional('outputRatio', nullable(ratios), null),
    optional('returnIndices', bool, false),
    optional('_randomSamples', nullable(tensor), null),
  )
const ofTwo = layerArguments(2)
const ofThree = layerArguments(3)

class FractionalMaxPooling<I extends boolean> extends Module {
  kernelSize: Shape
  outputSize: Shape | null
  outputRatio: Shape | null
  readonly returnIndices: boolean
  /** The random numbers of all calls; null draws new ones in each. */
  _randomSamples: Tensor | null = null

  constructor(rank: 2 | 3, args: readonly unknown[]) {
    const [kernelSize, outputSize, outputRatio, returnIndices, samples] = (rank === 2 ? ofTwo : ofThree)(args)
    const each = (name: string, given: Ratio | null): Shape | null =>
      given === null ? null : expanded(name, given, rank, rank)
    const kernel = each('kernel_size', kernelSize) as Shape
    const size = each('output_size', outputSize)
    const ratio = each('output_ratio', outputRatio)
    const name = `FractionalMaxPool${rank}d`
    if (kernel.some((n) => n <= 0))
      throw new RuntimeError(`kernel size should be greater than zero, but got ${pythonRepr(kernel)}`)
    if (size === null && ratio === null)
      throw new ValueError(`${name} requires specifying either an output size, or a pooling ratio`)
    if (size !== null && ratio !== null)
      throw new ValueError('only one of output_size and output_ratio may be specified')
    if (ratio?.some((n) => n <= 0 || n >= 1) === true)
      throw new ValueError(`output_ratio must be between 0 and 1 (got ${pythonRepr(outputRatio)})`)
    super()
    this.kernelSize = kernel
    this.outputSize = size
    this.outputRatio = ratio
    this.returnIndices = returnIndices
    this.registerBuffer('_randomSamples', samples)
  }

  protected pooled(pool: FractionalMaxPoolFunction, x: Tensor): Pooled<I> {
    const { kernelSize, outputSize, outputRatio, returnIndices, _randomSamples } = this
    const found: unknown = pool(x, kernelSize, outputSize, outputRatio, returnIndices as true, _randomSamples)
    return found as Pooled<I>
  }
}

/**
 * The largest elements of windows at random distances over images, as `F.fractionalMaxPool2d`; `outputSize` or
 * `outputRatio` is required.
 *
 * @example
 * new nn.FractionalMaxPool2d(2, { outputRatio: 0.5 }).forward(ones(1, 3, 8, 8)).shape // [1, 3, 4, 4]
 */
export class FractionalMaxPool2d<I extends boolean = false> extends FractionalMaxPooling<I> {
  constructor(...args: FractionalLayerArguments<I>) {
    super(2, args)
  }

  override forward(x: Tensor): Pooled<I> {
    return this.pooled(fractionalMaxPool2d, x)
  }
}
/** The largest elements of windows at random distances over volumes, as `F.fractionalMaxPool3d`. */
export class FractionalMaxPool3d<I extends boolean = false> extends FractionalMaxPooling<I> {
  constructor(...args: FractionalLayerArguments<I>) {
    super(3, args)
  }

  override forward(x: Tensor): Pooled<I> {
    return this.pooled(fractionalMaxPool3d, x)
  }
}
