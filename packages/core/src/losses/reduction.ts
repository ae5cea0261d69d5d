// Common parts of losses: the reduction of the elements' losses to one number, PyTorch's two deprecated arguments
// before it, and the base class of their modules.
import { ValueError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { Module } from '../nn/module.ts'
import { mean, sum } from '../ops/reduce/reduce.ts'
import { type Kind, nothing, nullable, optional, type Parameter, tensor } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** 'mean' and 'sum' over all elements, or 'none': each element's loss. */
export type Reduction = 'mean' | 'sum' | 'none'

export interface ReductionOption {
  readonly reduction?: Reduction
}

/** One of some words; PyTorch refuses others in `sentence`. */
const reductionKind = <R extends string>(words: readonly R[], sentence: string): Kind<R> => ({
  expected: 'str',
  accepts: (x) => (words as readonly unknown[]).includes(x),
  refuse: (x) =>
    new ValueError(
      `${typeof x === 'string' || typeof x === 'number' ? x : typeName(x)} ${sentence}`,
      `Use ${words
        .slice(0, -1)
        .map((word) => `'${word}'`)
        .join(', ')} or '${words[words.length - 1]}' as the reduction.`,
    ),
})
const words = ['mean', 'sum', 'none'] as const
/** The positions of PyTorch's `size_average` and `reduce`, which are gone. */
const old: Kind<null> = nothing("It is deprecated; pass { reduction: 'mean' }, 'sum' or 'none'.")

export const sizeAverageParameter: Parameter<null> = optional('sizeAverage', old, null)
export const reduceParameter: Parameter<null> = optional('reduce', old, null)
const invalid = 'is not a valid value for reduction'
export const reductionParameter: Parameter<Reduction> = optional('reduction', reductionKind(words, invalid), 'mean')
/** The same of functions that PyTorch writes in Python, which have another sentence. */
export const checkedReduction: Parameter<Reduction> = optional(
  'reduction',
  reductionKind(words, 'is not valid'),
  'mean',
)
/** Those of the Kullback-Leibler divergence: 'batchmean' is the sum over the size of the batch. */
export const klReduction: Parameter<Reduction | 'batchmean'> = optional(
  'reduction',
  reductionKind(['mean', 'sum', 'batchmean', 'none'], invalid),
  'mean',
)
/** The last arguments of every loss, in PyTorch's order. */
export const reductionParameters = [sizeAverageParameter, reduceParameter, reductionParameter] as const
export type ReductionArguments = [sizeAverage: null, reduce: null, reduction: Reduction]
export const weightParameter: Parameter<Tensor | null> = optional('weight', nullable(tensor), null)

/** The losses of elements, reduced. */
export const reduceBy = (x: Tensor, reduction: Reduction): Tensor =>
  reduction === 'mean' ? mean(x) : reduction === 'sum' ? sum(x) : x

/** A loss as a module, which keeps its options. */
export class Loss<R extends string = Reduction> extends Module {
  readonly reduction: R

  constructor(reduction: R) {
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
