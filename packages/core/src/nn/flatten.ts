// Flattens several dimensions into one.
import { flatten } from '../ops/views/views.ts'
import { type Arguments, constructing, int, optional } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Module } from './module.ts'

export interface FlattenOptions {
  readonly startDim?: number
  readonly endDim?: number
}

const ofFlatten = constructing('Flatten', optional('startDim', int, 1), optional('endDim', int, -1))

/** Flattens dimensions `startDim` to `endDim` into one; by default all but the batch. */
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
