// What losses share: the reduction of the elements' losses to one number, and the base class of their modules.
import { ValueError } from '../base/errors.ts'
import { Module } from '../nn/module.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** 'mean' and 'sum' over all elements, or 'none': each element's loss. */
export type Reduction = 'mean' | 'sum' | 'none'

export interface ReductionOption {
  readonly reduction?: Reduction
}

/** The reduction asked for, 'mean' unless told otherwise. */
export function reductionOf({ reduction = 'mean' }: ReductionOption): Reduction {
  if (reduction === 'mean' || reduction === 'sum' || reduction === 'none') return reduction
  throw new ValueError(`${String(reduction)} is not a valid value for reduction`, "Use 'mean', 'sum' or 'none'.")
}

export interface WeightOption extends ReductionOption {
  /** A factor for each loss. */
  readonly weight?: Tensor | null
}

/** A loss as a module: what it is told stays with it. */
export class Loss extends Module {
  readonly reduction: Reduction

  constructor(options: ReductionOption = {}) {
    super()
    this.reduction = reductionOf(options)
  }
}

/** A loss whose weight is part of its state. */
export class WeightedLoss extends Loss {
  weight: Tensor | null = null

  constructor({ weight = null, ...options }: WeightOption = {}) {
    super(options)
    this.registerBuffer('weight', weight)
  }
}
