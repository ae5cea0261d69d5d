// Flattens several dimensions into one, and splits one into several.
import { unflatten } from '../ops/views/arrange.ts'
import { flatten } from '../ops/views/views.ts'
import { type Takes, type Arguments, constructing, int, ints, optional, required } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Module } from './module.ts'
import { fieldsOf } from './names.ts'

export interface FlattenOptions {
  readonly startDim?: number
  readonly endDim?: number
}

const ofFlatten = constructing('Flatten', optional('startDim', int, 1), optional('endDim', int, -1))

/** Flattens dimensions `startDim` to `endDim` into one; by default all but the batch. */
export class Flatten extends Module {
  startDim: number
  endDim: number

  constructor(...args: Arguments<[startDim: number, endDim: number], FlattenOptions>) {
    super()
    ;[this.startDim, this.endDim] = ofFlatten(args)
  }

  override forward(x: Tensor): Tensor {
    return flatten(x, this.startDim, this.endDim)
  }

  override extraRepr(): string {
    return `start_dim=${this.startDim}, end_dim=${this.endDim}`
  }
}

const ofUnflatten = constructing('Unflatten', required('dim', int), required('unflattenedSize', ints))

/**
 * Splits dimension `dim` into several of sizes `unflattenedSize`, one of which may be -1.
 *
 * @example
 * new nn.Unflatten(1, [2, -1]).forward(rand(3, 6)).shape // [3, 2, 3]
 */
export class Unflatten extends Module {
  dim: number
  unflattenedSize: readonly number[]

  constructor(...args: Takes<[dim: number, unflattenedSize: readonly number[]], 'dim unflattenedSize'>) {
    const [dim, unflattenedSize] = ofUnflatten(args)
    super()
    this.dim = dim
    this.unflattenedSize = [...unflattenedSize]
  }

  override forward(x: Tensor): Tensor {
    return unflatten(x, this.dim, this.unflattenedSize)
  }

  override extraRepr(): string {
    return fieldsOf(this, 'dim', 'unflattenedSize')
  }
}
