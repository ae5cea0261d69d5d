// One dimension in place of several.
import { flatten } from '../ops/views.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Module } from './module.ts'

export interface FlattenOptions {
  readonly startDim?: number
  readonly endDim?: number
}

/** Dimensions `startDim` to `endDim` as one; all but the batch unless told otherwise. */
export class Flatten extends Module {
  readonly startDim: number
  readonly endDim: number

  constructor(startDim: number | FlattenOptions = {}, endDim = -1) {
    super()
    const given = typeof startDim === 'number' ? { startDim, endDim } : startDim
    this.startDim = given.startDim ?? 1
    this.endDim = given.endDim ?? -1
  }

  override forward(x: Tensor): Tensor {
    return flatten(x, this.startDim, this.endDim)
  }

  override extraRepr(): string {
    return `start_dim=${this.startDim}, end_dim=${this.endDim}`
  }
}
