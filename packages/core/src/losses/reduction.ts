// Common parts of losses: the reduction of the elements' losses to one number, PyTorch's two deprecated arguments
// before it, and the base class of their modules.
import { ValueError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { Module } from '../nn/module.ts'
import { type Kind, nothing, nullable, optional, type Parameter, tensor } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** 'mean' and 'sum' over all elements, or 'none': each element's loss. */
export type Reduction = 'mean' | 'sum' | 'none'

export interface ReductionOption {
  readonly reduction?: Reduction
}

const reductions: readonly unknown[] = ['mean', 'sum', 'none']
const reductionKind: Kind<Reduction> = {
  expected: 'str',
  accepts: (x) => reductions.includes(x),
  refuse: (x) =>
    new ValueError(
      `${typeof x === 'string' || typeof x === 'number' ? x : typeName(x)} is not a valid value for reduction`,
      "Use 'mean', 'sum' or 'none'.",
    ),
}
/** The positions of PyTorch's `size_average` and `reduce`, which are gone. */
const old: Kind<null> = nothing("It is deprecated; pass { reduction: 'mean' }, 'sum' or 'none'.")

export const sizeAverageParameter: Parameter<null> = optional('sizeAverage', old, null)
export const reduceParameter: Parameter<null> = optional('reduce', old, null)
export const reductionParameter: Parameter<Reduction> = optional('reduction', reductionKind, 'mean')
/** The last arguments of every loss, in PyTorch's order. */
export const reductionParameters = [sizeAverageParameter, reduceParameter, reductionParameter] as const
export type ReductionArguments = [sizeAverage: null, reduce: null, reduction: Reduction]
export const weightParameter: Parameter<Tensor | null> = optional('weight', nullable(tensor), null)

/** A loss as a module, which keeps its options. */
export class Loss extends Module {
  readonly reduction: Reduction

  constructor(reduction: Reduction) {
    super()
    this.reduction = reduction
  }
}

/** A loss whose weight is part of its state. */
export class WeightedLoss extends Loss {
  weight: Tensor | null = null

  constructor(reduction: Reduction, weight: Tensor | null) {
    super(reduction)
    this.registerBuffer('weight', weight)
  }
}
