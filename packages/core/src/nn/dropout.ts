// Dropout: noise in training, nothing in evaluation.
import { ValueError } from '../base/errors.ts'
import { dropout } from '../ops/random/bernoulli.ts'
import { type Arguments, bool, constructing, number, optional } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { InplaceOption } from './activation.ts'
import { Module } from './module.ts'
import { pythonRepr } from './names.ts'

export interface DropoutLayerOptions extends InplaceOption {
  readonly p?: number
}

const ofDropout = constructing('Dropout', optional('p', number, 0.5), optional('inplace', bool, false))

/** In training, sets elements to 0 with probability `p` (0.5) and scales the others by 1 / (1 - p). */
export class Dropout extends Module {
  readonly p: number
  readonly inplace: boolean

  constructor(...args: Arguments<[p: number, inplace: boolean], DropoutLayerOptions>) {
    const [p, inplace] = ofDropout(args)
    super()
    if (!(p >= 0 && p <= 1)) throw new ValueError(`dropout probability has to be between 0 and 1, but got ${p}`)
    this.p = p
    this.inplace = inplace
  }

  override forward(x: Tensor): Tensor {
    return dropout(x, this.p, this.training, this.inplace)
  }

  override extraRepr(): string {
    return `p=${pythonRepr(this.p)}, inplace=${pythonRepr(this.inplace)}`
  }
}
