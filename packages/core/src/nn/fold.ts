// Unfolding and folding as layers.
import { type FoldArguments, fold, type UnfoldArguments, unfold, windowParameters } from '../ops/pool/fold.ts'
import type { PerDim } from '../ops/product/conv.ts'
import { constructing, dims, required } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Module } from './module.ts'
import { fieldsOf } from './names.ts'
import { own } from './pool.ts'

const ofUnfold = constructing('Unfold', ...windowParameters)
const ofFold = constructing('Fold', required('outputSize', dims), ...windowParameters)

/**
 * The windows of images as columns, as `F.unfold`.
 *
 * @example
 * new nn.Unfold(3, { padding: 1 }).forward(ones(1, 2, 4, 5)).shape // [1, 18, 20]
 */
export class Unfold extends Module {
  kernelSize: PerDim
  dilation: PerDim
  padding: PerDim
  stride: PerDim

  constructor(...args: UnfoldArguments) {
    const [kernelSize, dilation, padding, stride] = ofUnfold(args)
    super()
    this.kernelSize = own(kernelSize)
    this.dilation = own(dilation)
    this.padding = own(padding)
    this.stride = own(stride)
  }

  override forward(x: Tensor): Tensor {
    return unfold(x, this.kernelSize, this.dilation, this.padding, this.stride)
  }

  override extraRepr(): string {
    return fieldsOf(this, 'kernelSize', 'dilation', 'padding', 'stride')
  }
}

/**
 * Columns added up to images, as `F.fold`.
 *
 * @example
 * new nn.Fold([4, 5], 2).forward(ones(1, 8, 12)).shape // [1, 2, 4, 5]
 */
export class Fold extends Module {
  outputSize: PerDim
  kernelSize: PerDim
  dilation: PerDim
  padding: PerDim
  stride: PerDim

  constructor(...args: FoldArguments) {
    const [outputSize, kernelSize, dilation, padding, stride] = ofFold(args)
    super()
    this.outputSize = own(outputSize)
    this.kernelSize = own(kernelSize)
    this.dilation = own(dilation)
    this.padding = own(padding)
    this.stride = own(stride)
  }

  override forward(x: Tensor): Tensor {
    return fold(x, this.outputSize, this.kernelSize, this.dilation, this.padding, this.stride)
  }

  override extraRepr(): string {
    return fieldsOf(this, 'outputSize', 'kernelSize', 'dilation', 'padding', 'stride')
  }
}
