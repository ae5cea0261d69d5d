// Common parts of losses: the reduction of the elements' losses to one number, PyTorch's two deprecated arguments
// before it, and the base class of their modules.
import { ValueError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { warn } from '../base/warn.ts'
import { Module } from '../nn/module.ts'
import { mean, sum } from '../ops/reduce/reduce.ts'
import { bool, type Kind, nullable, optional, type Parameter, type Settle, tensor } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** 'mean' and 'sum' over all elements, or 'none': each element's loss. */
export type Reduction = 'mean' | 'sum' | 'none'

export interface ReductionOption extends OldReduction {
  readonly reduction?: Reduction
}
export interface OldReduction {
  /** @deprecated Use `reduction`. */
  readonly sizeAverage?: boolean | null
  /** @deprecated Use `reduction`. */
  readonly reduce?: boolean | null
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
const hint = "Pass { reduction: 'mean' }, 'sum' or 'none'."
/** PyTorch's `size_average` and `reduce`, which decide the reduction together, with its warning. */
type Old = boolean | null
/** Of the two, the first also takes the reduction itself: `F.mseLoss(x, y, 'sum')`. */
export type SizeAverage<R = Reduction> = Old | R
const old: Kind<Old> = { ...nullable(bool), hint }
const first: Kind<SizeAverage> = {
  ...old,
  accepts: (x) => old.accepts(x) || x === 'batchmean' || (words as readonly unknown[]).includes(x),
}

/** Sets the reduction as the two older arguments say. */
const decide: Settle = (values, at) => {
  const sizeAverage = values[at('sizeAverage')]
  const reduce = values[at('reduce')]
  if (sizeAverage === null && reduce === null) return
  const chosen =
    typeof sizeAverage === 'string' ? sizeAverage : reduce === false ? 'none' : sizeAverage === false ? 'sum' : 'mean'
  if (typeof sizeAverage !== 'string')
    warn(`size_average and reduce args will be deprecated, please use reduction='${chosen}' instead.`)
  values[at('reduction')] = chosen
}

export const sizeAverageParameter: Parameter<SizeAverage> = { ...optional('sizeAverage', first, null), settle: decide }
export const reduceParameter: Parameter<Old> = optional('reduce', old, null)
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
export type ReductionArguments = [sizeAverage: SizeAverage, reduce: boolean | null, reduction: Reduction]
export const weightParameter: Parameter<Tensor | null> = optional('weight', nullable(tensor), null)

/** The losses of elements, reduced. */
export const reduceBy = (x: Tensor, reduction: Reduction): Tensor =>
  reduction === 'mean' ? mean(x) : reduction === 'sum' ? sum(x) : x

/** A loss as a module, which keeps its options. */
export class Loss<R extends string = Reduction> extends Module {
  reduction: R

  constructor(reduction: R) {
    super()
    this.reduction = reduction
  }
}

/** A loss whose weight is part of its state. */
export abstract class WeightedLoss extends Loss {
  weight: Tensor | null = null

  constructor(reduction: Reduction, weight: Tensor | null) {
    super(reduction)
    this.registerBuffer('weight', weight)
  }

  abstract override forward(input: Tensor, target: Tensor): Tensor
}
