// Triplets of vectors: an anchor should be nearer to a positive than to a negative one, by a margin.
import { RuntimeError, TypeError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { Module } from '../nn/module.ts'
import { PairwiseDistance } from '../nn/nonlinear.ts'
import { add, sub } from '../ops/pointwise/arithmetic.ts'
import { clamp, minimum } from '../ops/pointwise/choice.ts'
import { pairwiseDistance } from '../ops/product/distance.ts'
import {
  type Takes,
  type Arguments,
  bool,
  constructing,
  either,
  fn,
  instance,
  isTensor,
  type Kind,
  keyword,
  nullable,
  optional,
  real,
  required,
  signature,
  tensor,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { missing } from './margin.ts'
import {
  Loss,
  reduceBy,
  type ReductionArguments,
  type ReductionOption,
  reductionParameter,
  reductionParameters,
} from './reduction.ts'

const vectors = [required('anchor', tensor), required('positive', tensor), required('negative', tensor)] as const

// ---- by a norm ----

interface TripletOption extends ReductionOption {
  readonly margin?: number
  /** Take the distance of the positive from the negative where it is smaller. */
  readonly swap?: boolean
}
export interface TripletMarginLossOptions extends TripletOption {
  /** The order of the norm. */
  readonly p?: number
  /** Added to every difference. */
  readonly eps?: number
}
type TripletArguments = Arguments<
  [margin: number, p: number, eps: number, swap: boolean, ...ReductionArguments],
  TripletMarginLossOptions
>
const tripletParameters = [
  optional('margin', real, 1),
  optional('p', real, 2),
  optional('eps', real, 1e-6),
  optional('swap', bool, false),
  ...reductionParameters,
] as const
const tripletArguments = signature('triplet_margin_loss', ...vectors, ...tripletParameters)

/**
 * The mean of `max(0, d(anchor, positive) - d(anchor, negative) + margin)`, where `d` is the norm of order `p` (2) of
 * differences along the last dimension.
 *
 * Throws a RuntimeError if the three have different numbers of dimensions.
 *
 * @example
 * F.tripletMarginLoss(tensor([[0, 0]]), tensor([[3, 4]]), tensor([[0, 3]])) // tensor(3.0000)
 */
export function tripletMarginLoss(
  anchor: Tensor,
  ...args: Takes<[positive: Tensor, negative: Tensor], 'positive negative', TripletArguments>
): Tensor {
  const [given, positive, negative, margin, p, eps, swap, , , reduction] = tripletArguments([anchor, ...args])
  const [a, b, c] = [given, positive, negative].map((x) => x.dim())
  if (a !== b || b !== c) {
    throw new RuntimeError(`All inputs should have same dimension but got ${a}D, ${b}D and ${c}D inputs.`)
  }
  const distance = (x: Tensor, y: Tensor): Tensor => pairwiseDistance(x, y, p, eps)
  const near = distance(given, positive)
  const far = farther(distance, given, positive, negative, swap)
  return reduceBy(missing(sub(add(near, margin), far)), reduction)
}

/** The distance of the negative from the anchor, or the smaller one from both others. */
function farther(
  distance: (x: Tensor, y: Tensor) => Tensor,
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  swap: boolean,
): Tensor {
  const far = distance(anchor, negative)
  return swap ? minimum(far, distance(positive, negative)) : far
}

/** `F.tripletMarginLoss` as a module. */
export class TripletMarginLoss extends Loss {
  margin: number
  p: number
  eps: number
  swap: boolean

  constructor(...args: TripletArguments) {
    const [margin, p, eps, swap, , , reduction] = ofTripletMarginLoss(args)
    super(reduction)
    this.margin = margin
    this.p = p
    this.eps = eps
    this.swap = swap
  }

  override forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    const { margin, p, eps, swap, reduction } = this
    return tripletMarginLoss(anchor, positive, negative, { margin, p, eps, swap, reduction })
  }
}
const ofTripletMarginLoss = constructing('TripletMarginLoss', ...tripletParameters)

// ---- by any distance ----

/** A distance of two tensors: a function or a module. */
export type Distance = ((x: Tensor, y: Tensor) => Tensor) | Module
export interface TripletMarginWithDistanceLossOptions extends TripletOption {
  /** `F.pairwiseDistance` if not given. */
  readonly distanceFunction?: Distance | null
}
const distanceKind = nullable(either(fn, instance(Module, 'Module'))) as unknown as Kind<Distance | null>
const distanceParameters = [
  keyword('distanceFunction', distanceKind, null),
  keyword('margin', real, 1),
  keyword('swap', bool, false),
  { ...reductionParameter, keyword: true },
] as const
const withDistanceArguments = signature('triplet_margin_with_distance_loss', ...vectors, ...distanceParameters)

/** The distance as a function whose result is a tensor. */
const calling =
  (distance: Distance) =>
  (x: Tensor, y: Tensor): Tensor => {
    const result: unknown = distance instanceof Module ? distance.forward(x, y) : distance(x, y)
    if (isTensor(result)) return result
    throw new TypeError(`distance_function must return a Tensor, not ${typeName(result)}`)
  }

/**
 * The mean of `max(0, d(anchor, positive) - d(anchor, negative) + margin)` for a distance `d` of your own.
 *
 * @example
 * const apart = (x: Tensor, y: Tensor) => sub(1, F.cosineSimilarity(x, y))
 * F.tripletMarginWithDistanceLoss(tensor([[1, 0]]), tensor([[1, 1]]), tensor([[0, 1]]), { distanceFunction: apart })
 * // tensor(0.2929)
 */
export function tripletMarginWithDistanceLoss(
  anchor: Tensor,
  ...args: Takes<
    [positive: Tensor, negative: Tensor],
    'positive negative',
    [options?: TripletMarginWithDistanceLossOptions]
  >
): Tensor {
  const [given, positive, negative, own, margin, swap, reduction] = withDistanceArguments([anchor, ...args])
  const distance = own === null ? (x: Tensor, y: Tensor) => pairwiseDistance(x, y) : calling(own)
  const near = distance(given, positive)
  const far = farther(distance, given, positive, negative, swap)
  return reduceBy(clamp(add(sub(near, far), margin), { min: 0 }), reduction)
}

/** `F.tripletMarginWithDistanceLoss` as a module. */
export class TripletMarginWithDistanceLoss extends Loss {
  distanceFunction: Distance
  margin: number
  swap: boolean

  constructor(options?: TripletMarginWithDistanceLossOptions)
  constructor(...args: [options?: TripletMarginWithDistanceLossOptions]) {
    const [distance, margin, swap, reduction] = ofTripletMarginWithDistanceLoss(args)
    super(reduction)
    this.distanceFunction = distance ?? new PairwiseDistance()
    this.margin = margin
    this.swap = swap
  }

  override forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    const { distanceFunction, margin, swap, reduction } = this
    return tripletMarginWithDistanceLoss(anchor, positive, negative, { distanceFunction, margin, swap, reduction })
  }
}
const ofTripletMarginWithDistanceLoss = constructing('TripletMarginWithDistanceLoss', ...distanceParameters)
