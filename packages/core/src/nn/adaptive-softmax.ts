// A softmax over very many classes in clusters: frequent classes in the head, the others in tails of fewer features,
// which only the rows of these classes need.
import { RuntimeError, ValueError } from '../base/errors.ts'
import { shapeString } from '../base/shape.ts'
import { runtime } from '../expr/runtime.ts'
import { fromArray, zeros } from '../ops/create/create.ts'
import { indexAdd } from '../ops/indexing/along.ts'
import { gather } from '../ops/indexing/gather.ts'
import { indexSelect } from '../ops/indexing/select.ts'
import { argmax } from '../ops/order/extremes.ts'
import { add, neg } from '../ops/pointwise/arithmetic.ts'
import { ge } from '../ops/pointwise/comparison.ts'
import { where } from '../ops/pointwise/where.ts'
import { mean } from '../ops/reduce/reduce.ts'
import { logSoftmax } from '../ops/reduce/softmax.ts'
import { cat } from '../ops/views/join.ts'
import { narrow, select, squeeze, unsqueeze } from '../ops/views/views.ts'
import { effects } from '../tensor/effects.ts'
import {
  type Takes,
  type Arguments,
  bool,
  constructing,
  int,
  ints,
  number,
  optional,
  required,
  signature,
  tensor,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { ModuleList, Sequential } from './container.ts'
import { type LayerOptions, layerOptions, layerParameters, Linear } from './linear.ts'
import { Module } from './module.ts'

export interface AdaptiveLogSoftmaxOptions extends LayerOptions {
  /** By how much each cluster has fewer features than the one before. */
  readonly divValue?: number
  /** Whether the head has a bias. */
  readonly headBias?: boolean
}
const ofAdaptive = constructing(
  'AdaptiveLogSoftmaxWithLoss',
  required('inFeatures', int),
  required('nClasses', int),
  required('cutoffs', ints),
  optional('divValue', number, 4),
  optional('headBias', bool, false),
  ...layerParameters,
)
const takesInput = signature('log_prob', required('input', tensor))
const takes = signature('AdaptiveLogSoftmaxWithLoss.forward', required('input', tensor), required('target', tensor))

/** The logarithm of each row's probability of its target, and the mean loss. */
export interface ASMOutput {
  readonly output: Tensor
  readonly loss: Tensor
}

/**
 * The logarithm of the probability of a class number for each row, and the mean of its negative: for features
 * [N, inFeatures] and class numbers [N], or one row. Classes are sorted by frequency; `cutoffs` are the first classes of
 * the clusters behind the head.
 *
 * Throws a ValueError for cutoffs that do not rise between 1 and `nClasses` - 1, a RuntimeError for class numbers out of
 * range. A step that reads the class numbers cannot be compiled.
 *
 * @example
 * const layer = new nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5, 10])
 * layer.forward(rand(3, 8), tensor([0, 7, 19], { dtype: 'int32' })).output.shape // [3]
 */
export class AdaptiveLogSoftmaxWithLoss extends Module {
  readonly inFeatures: number
  readonly nClasses: number
  readonly cutoffs: readonly number[]
  readonly divValue: number
  readonly headBias: boolean
  readonly head: Linear
  readonly tail: ModuleList

  constructor(
    ...args: Takes<
      [inFeatures: number, nClasses: number, cutoffs: readonly number[]],
      'inFeatures nClasses cutoffs',
      Arguments<[divValue: number, headBias: boolean], AdaptiveLogSoftmaxOptions>
    >
  ) {
    const [inFeatures, nClasses, cutoffs, divValue, headBias, ...rest] = ofAdaptive(args)
    super()
    const rising = cutoffs.every((cutoff, i) => cutoff > (cutoffs[i - 1] ?? 0) && cutoff < nClasses)
    if (!rising || cutoffs.length === 0) {
      throw new ValueError(
        'cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each value is between 1 and n_classes-1',
      )
    }
    const options = layerOptions(rest)
    this.inFeatures = inFeatures
    this.nClasses = nClasses
    this.cutoffs = [...cutoffs, nClasses]
    this.divValue = divValue
    this.headBias = headBias
    this.head = new Linear(inFeatures, cutoffs[0] + cutoffs.length, headBias, options)
    const plain = { ...options, bias: false }
    this.tail = new ModuleList(
      cutoffs.map((cutoff, i) => {
        const features = runtime.floorDiv(inFeatures, divValue ** (i + 1))
        return new Sequential(
          new Linear(inFeatures, features, plain),
          new Linear(features, this.cutoffs[i + 1] - cutoff, plain),
        )
      }),
    )
  }

  /** Draws all weights again. */
  resetParameters(): void {
    for (const module of this.modules()) if (module instanceof Linear) module.resetParameters()
  }

  override forward(...args: [input: Tensor, target: Tensor]): ASMOutput {
    const [given, target] = takes(args)
    const single = target.dim() === 0
    if (target.dim() > 1) throw new RuntimeError('0D or 1D target tensor expected, multi-target not supported')
    if (!single && given.sizes[0] !== target.sizes[0])
      throw new RuntimeError('Input and target should have the same size in the batch dimension.')
    if (given.dim() !== target.dim() + 1) {
      throw new RuntimeError(
        `${target.dim()}D target tensor expects ${target.dim() + 1}D input tensors, but found inputs with size ${shapeString(given.sizes)}`,
      )
    }
    const input = single ? unsqueeze(given, 0) : given
    const { output, places } = clusters(this, input, target)
    const head = logSoftmax(this.head.forward(input), 1)
    const found = add(output, squeeze(gather(head, 1, places), 1))
    return { output: single ? squeeze(found, 0) : found, loss: mean(neg(found)) }
  }

  /** The logarithms of the probabilities of all classes, [N, nClasses]. */
  logProb(...args: [input: Tensor]): Tensor {
    const [input] = takesInput(args)
    const head = logSoftmax(this.head.forward(input), 1)
    const [first] = this.cutoffs
    const tails = this.tail
      .children()
      .map((tail, i) => add(logSoftmax(tail.forward(input), 1), unsqueeze(select(head, 1, first + i), 1)))
    return cat([narrow(head, 1, 0, first), ...tails], 1)
  }

  /** The most probable class of each row, as the head chooses its cluster, [N]. */
  predict(...args: [input: Tensor]): Tensor {
    const [input] = takesInput(args)
    const chosen = argmax(this.head.forward(input), 1)
    return where(ge(chosen, this.cutoffs[0]), argmax(this.logProb(input), 1), chosen)
  }
}

/** What the tails add to the rows of their classes, and where in the head each row looks, [N, 1]. */
function clusters(
  layer: AdaptiveLogSoftmaxWithLoss,
  input: Tensor,
  target: Tensor,
): { readonly output: Tensor; readonly places: Tensor } {
  effects.sink?.refuse(
    'AdaptiveLogSoftmaxWithLoss, which reads the class numbers,',
    'Use logProb(), which computes all classes.',
  )
  const { device, dtype } = input
  const classes = Array.from(target.toArray())
  const wrong = classes.some((c) => !(c >= 0 && c < layer.nClasses))
  if (wrong) {
    throw new RuntimeError(
      `Target values should be in [0, ${layer.nClasses - 1}], but values in range [${Math.min(...classes)}, ${Math.max(...classes)}] were found. `,
    )
  }
  const int32 = (values: readonly number[], ...sizes: number[]): Tensor =>
    fromArray(Int32Array.from(values), sizes, { device })
  const [first] = layer.cutoffs
  const places = [...classes]
  let output = zeros([classes.length], { dtype, device })
  layer.tail.children().forEach((tail, i) => {
    const [low, high] = [layer.cutoffs[i], layer.cutoffs[i + 1]]
    const rows = classes.flatMap((c, row) => (c >= low && c < high ? [row] : []))
    if (rows.length === 0) return
    for (const row of rows) places[row] = first + i
    const at = int32(rows, rows.length)
    const logProbs = logSoftmax(tail.forward(indexSelect(input, 0, at)), 1)
    const own = int32(
      rows.map((row) => classes[row] - low),
      rows.length,
      1,
    )
    output = indexAdd(output, 0, at, squeeze(gather(logProbs, 1, own), 1))
  })
  return { output, places: int32(places, classes.length, 1) }
}
