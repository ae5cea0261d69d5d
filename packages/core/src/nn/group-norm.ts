// Normalisation within each sample. Layers, groups and instances are normalised as slices (slice-norm.ts); instances with
// running statistics by batch normalisation of the input in another shape, whose channels are the instances. Local
// response normalisation divides by a sum over neighbouring channels.
import { isFloat } from '../base/dtype.ts'
import { RuntimeError, ValueError } from '../base/errors.ts'
import { normalizeDim, numelOf, sameShape, type Shape, shapeString } from '../base/shape.ts'
import { s } from '../expr/expr.ts'
import { notImplemented } from '../ops/define/arguments.ts'
import { elementwise } from '../ops/define/elementwise.ts'
import { ownView, reshapeOp } from '../ops/define/views.ts'
import { div, mul } from '../ops/pointwise/arithmetic.ts'
import { sum } from '../ops/reduce/reduce.ts'
import { padOp } from '../ops/views/pad.ts'
import { expand, unfold } from '../ops/views/views.ts'
import { apply, operand } from '../tensor/apply.ts'
import { formatSize } from '../tensor/print.ts'
import {
  type Takes,
  type Arguments,
  bool,
  finite,
  int,
  ints,
  nullable,
  optional,
  required,
  signature,
  tensor,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkBatch, checkDTypes, normalise, normaliseBy } from './batch-norm.ts'
import { constant_ } from './init.ts'
import { sliceNorm } from './slice-norm.ts'

const shaped = (x: Tensor, sizes: Shape): Tensor => apply(reshapeOp, [x], sizes)

const ofLayers = sliceNorm('nativeLayerNorm')
const ofGroups = sliceNorm('nativeGroupNorm')
const ofInstances = sliceNorm('view')

const orNone = nullable(tensor)
const inputParameter = required('input', tensor)
const weightParameter = optional('weight', orNone, null)
const biasParameter = optional('bias', orNone, null)
const epsParameter = optional('eps', finite, 1e-5)

export interface LayerNormOptions {
  readonly weight?: Tensor | null
  readonly bias?: Tensor | null
  readonly eps?: number
}
const layerNormArguments = signature(
  'layer_norm',
  inputParameter,
  required('normalizedShape', ints),
  weightParameter,
  biasParameter,
  epsParameter,
)
/**
 * Shifts and scales the elements of each sample, the last dimensions of sizes `normalizedShape`, to mean 0 and variance
 * 1; then scales by `weight` and shifts by `bias`, both of these sizes.
 *
 * @example
 * F.layerNorm(tensor([[1, 3], [2, 6]]), [2]) // tensor([[-1.0000,  1.0000],
 *                                            //         [-1.0000,  1.0000]])
 */
export function layerNorm(
  x: Tensor,
  ...args: Takes<
    [normalizedShape: readonly number[]],
    'normalizedShape',
    Arguments<[weight: Tensor | null, bias: Tensor | null, eps: number], LayerNormOptions>
  >
): Tensor {
  const [, sizes, weight, bias, eps] = layerNormArguments([x, ...args])
  const batch = checkNormalized(x, sizes, { weight, bias })
  checkDTypes(x, [weight, bias], 'LayerNormKernelImpl')
  return ofLayers(x, [numelOf(x.sizes.slice(0, batch)), 1, numelOf(sizes), 1], weight, bias, eps)
}

/** Throws PyTorch's error for dimensions that cannot be normalised; returns how many come before them. */
export function checkNormalized(x: Tensor, sizes: Shape, learnt: Readonly<Record<string, Tensor | null>>): number {
  const shape = shapeString(sizes)
  if (sizes.length === 0) {
    throw new RuntimeError(
      `Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got normalized_shape = ${shape}`,
    )
  }
  for (const [name, value] of Object.entries(learnt)) {
    if (value === null || sameShape(value.sizes, sizes)) continue
    throw new RuntimeError(
      `Expected ${name} to be of same shape as normalized_shape, but got ${name} of shape ${shapeString(value.sizes)} and normalized_shape = ${shape}`,
    )
  }
  const batch = x.dim() - sizes.length
  if (batch < 0 || !sameShape(x.sizes.slice(batch), sizes)) {
    throw new RuntimeError(
      `Given normalized_shape=${shape}, expected input with shape [*, ${sizes.join(', ')}], but got input of size${shapeString(x.sizes)}`,
    )
  }
  return batch
}

const groupNormArguments = signature(
  'group_norm',
  inputParameter,
  required('numGroups', int),
  weightParameter,
  biasParameter,
  epsParameter,
)
/**
 * Shifts and scales each of `numGroups` groups of the channels of each sample [N, C, ...] to mean 0 and variance 1; then
 * scales by `weight` and shifts by `bias`, both [C].
 *
 * @example
 * F.groupNorm(tensor([[1, 3, 2, 6]]), 2) // tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
 */
export function groupNorm(
  x: Tensor,
  ...args: Takes<
    [numGroups: number],
    'numGroups',
    Arguments<[weight: Tensor | null, bias: Tensor | null, eps: number], LayerNormOptions>
  >
): Tensor {
  const [, groups, weight, bias, eps] = groupNormArguments([x, ...args])
  const [n, channels, ...spatial] = x.sizes
  normalizeDim(1, x.dim())
  if (groups <= 0) throw new RuntimeError(`Expected num groups to be greater than 0, got ${groups}`)
  const rows = [Math.floor((n * channels) / groups), groups, ...spatial]
  if (numelOf(rows) === groups) {
    throw new ValueError(`Expected more than 1 value per channel when training, got input size ${shapeString(rows)}`)
  }
  const shape = shapeString(x.sizes)
  if (channels % groups !== 0) {
    throw new RuntimeError(
      `Expected number of channels in input to be divisible by num_groups, but got input of shape ${shape} and num_groups=${groups}`,
    )
  }
  for (const [name, value] of [
    ['weight', weight],
    ['bias', bias],
  ] as const) {
    if (value === null || sameShape(value.sizes, [channels])) continue
    throw new RuntimeError(
      `Expected ${name} to be a vector of size equal to the number of channels in input, but got ${name} of shape ${shapeString(value.sizes)} and input of shape ${shape}`,
    )
  }
  checkDTypes(x, [weight, bias], 'GroupNormKernelImpl')
  return ofGroups(x, [n, groups, channels / groups, numelOf(spatial)], weight, bias, eps)
}

export interface InstanceNormOptions {
  readonly runningMean?: Tensor | null
  readonly runningVar?: Tensor | null
  readonly weight?: Tensor | null
  readonly bias?: Tensor | null
  /** Use the statistics of the input and update the running ones; otherwise use the running ones. */
  readonly useInputStats?: boolean
  /** The share of a new batch in the running statistics. */
  readonly momentum?: number
  readonly eps?: number
}
const instanceNormArguments = signature(
  'instance_norm',
  inputParameter,
  optional('runningMean', orNone, null),
  optional('runningVar', orNone, null),
  weightParameter,
  biasParameter,
  optional('useInputStats', bool, true),
  optional('momentum', finite, 0.1),
  epsParameter,
)
/**
 * Shifts and scales each channel of each sample [N, C, ...] to mean 0 and variance 1, or by the running statistics
 * [C]; then scales by `weight` and shifts by `bias`, both [C].
 *
 * Throws a ValueError for channels of one element.
 *
 * @example
 * F.instanceNorm(tensor([[[1, 3], [2, 6]]])) // tensor([[[-1.0000,  1.0000],
 *                                            //          [-1.0000,  1.0000]]])
 */
export function instanceNorm(
  x: Tensor,
  ...args: Arguments<
    [
      runningMean: Tensor | null,
      runningVar: Tensor | null,
      weight: Tensor | null,
      bias: Tensor | null,
      useInputStats: boolean,
      momentum: number,
      eps: number,
    ],
    InstanceNormOptions
  >
): Tensor {
  const [, runningMean, runningVar, weight, bias, useInputStats, momentum, eps] = instanceNormArguments([x, ...args])
  if (useInputStats && numelOf(x.sizes.slice(2)) === 1) {
    throw new ValueError(
      `Expected more than 1 spatial element when training, got input size ${formatSize(x.sizes)}`,
      'The mean and variance are those of the elements of one channel of one sample.',
    )
  }
  const known = runningMean !== null && runningVar !== null
  if (!useInputStats && !known)
    throw new RuntimeError('Expected running_mean and running_var to be defined when use_input_stats is false')
  normalizeDim(1, x.dim())
  const [n, channels, ...spatial] = x.sizes
  checkBatch(x, { running_mean: runningMean, running_var: runningVar, weight, bias }, false, n)
  if (x.elements > 0) {
    if (!known) return ofInstances(x, [n, channels, 1, numelOf(spatial)], weight, bias, eps)
    if (!useInputStats) return apply(viewed, [normaliseBy(x, runningMean, runningVar, { weight, bias, eps })], x.sizes)
  }
  const forEach = (value: Tensor | null): Tensor | null => value && shaped(expand(value, [n, channels]), [n * channels])
  const affine = { weight: forEach(weight), bias: forEach(bias), eps }
  const running = known ? { mean: runningMean, variance: runningVar, batches: null, momentum } : null
  const y = normalise(shaped(x, [1, n * channels, ...spatial]), affine, running)
  // Running statistics become means over samples, and so NaN over none.
  if (known && n === 0) for (const value of [runningMean, runningVar]) constant_(value, Number.NaN)
  return apply(viewed, [y], x.sizes)
}
const viewed = ownView('view')

// ---- local response normalisation ----

const divided = elementwise('div', (x, mean, alpha, beta, k) => s.div(x, s.pow(s.add(s.mul(mean, alpha), k), beta)))
export interface LocalResponseNormOptions {
  readonly alpha?: number
  readonly beta?: number
  readonly k?: number
}
const localResponseArguments = signature(
  'local_response_norm',
  inputParameter,
  required('size', int),
  optional('alpha', finite, 1e-4),
  optional('beta', finite, 0.75),
  optional('k', finite, 1),
)
/**
 * Divides each element of [N, C, ...] by (k + alpha m) to the power beta, where m is the mean of the squares over `size`
 * neighbouring channels; channels outside count as 0.
 *
 * @example
 * F.localResponseNorm(ones(1, 2, 1), 2, { alpha: 2, beta: 1 }) // tensor([[[0.5000],
 *                                                              //          [0.3333]]])
 */
export function localResponseNorm(
  x: Tensor,
  ...args: Takes<[size: number], 'size', Arguments<[alpha: number, beta: number, k: number], LocalResponseNormOptions>>
): Tensor {
  const [, size, alpha, beta, k] = localResponseArguments([x, ...args])
  if (x.dim() < 3) {
    throw new ValueError(
      // PyTorch's own spaces.
      `Expected 3D or higher dimensionality                          input (got ${x.dim()} dimensions)`,
    )
  }
  if (x.elements === 0) return x
  if (size <= 0) {
    const kernel = x.dim() === 3 ? `kH: ${size} kW: 1` : `kT: ${size} kH: 1 kW: 1`
    throw new RuntimeError(`kernel size should be greater than zero, but got ${kernel}`)
  }
  if (x.dtype === 'bool') throw notImplemented(x.dim() === 3 ? 'avg_pool2d' : 'avg_pool3d_out_frame', 'bool')
  const around = (amount: number): number[] => x.sizes.map((_, i) => (i === 1 ? amount : 0))
  const sides = { low: around(Math.floor(size / 2)), high: around(Math.floor((size - 1) / 2)), value: 0 }
  const total = sum(unfold(apply(padOp, [mul(x, x)], sides), 1, size, 1), -1)
  const mean = isFloat(x.dtype) ? div(total, size) : div(total, size, { roundingMode: 'floor' })
  return apply(divided, [x, mean, operand(alpha), operand(beta), operand(k)], null)
}
