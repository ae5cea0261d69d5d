// One dimension in place of several.
import { flatten } from '../ops/views/views.ts'
import { type Arguments, constructing, int, optional } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Module } from './module.ts'

export interface FlattenOptions {
  readonly startDim?: number
  readonly endDim?: number
}

const ofFlatten = constructing('Flatten', optional('startDim', int, 1), optional('endDim', int, -1))

/** Dimensions `startDim` to `endDim` as one; all but the batch unless told otherwise. */
export class Flatten extends Module {
  readonly startDim: number
  readonly endDim: number

  constructor(...args: Arguments<[startDim: number, endDim: number], FlattenOptions>) {
    const [startDim, endDim] = ofFlatten(args)
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
