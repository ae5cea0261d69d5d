// One dimension in place of several.
import { flatten } from '../ops/views.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Module } from './module.ts'

/** Dimensions `startDim` to `endDim` as one; all but the batch unless told otherwise. */
export class Flatten extends Module {
  readonly startDim: number
  readonly endDim: number

  constructor(startDim = 1, endDim = -1) {
    super()
    this.startDim = startDim
    this.endDim = endDim
  }

  override forward(x: Tensor): Tensor {
    return flatten(x, this.startDim, this.endDim)
  }

  override extraRepr(): string {
    return `start_dim=${this.startDim}, end_dim=${this.endDim}`
  }
}
