// Batch normalisation: shifts and scales each channel to mean 0 and variance 1 over the batch, or in evaluation by the
// running statistics that training collected.
import { isFloat } from '../base/dtype.ts'
import { mixed } from '../base/promotion.ts'
import { RuntimeError, ValueError } from '../base/errors.ts'
import { sameShape, type Shape } from '../base/shape.ts'
import { type Expr, s } from '../expr/expr.ts'
import { notImplemented } from '../ops/define/arguments.ts'
import { composite } from '../ops/define/composite.ts'
import { cloneOp, elementwise, expandTo, sumTo } from '../ops/define/elementwise.ts'
import { filled } from '../ops/define/fill.ts'
import { sums } from '../ops/define/sums.ts'
import { reshapeOp } from '../ops/define/views.ts'
import { add, div, mul } from '../ops/pointwise/arithmetic.ts'
import { inPlace } from '../ops/methods.ts'
import { select } from '../ops/views/views.ts'
import { update } from '../ops/write/update.ts'
import { apply, applyAll, operand } from '../tensor/apply.ts'
import { noGrad } from '../tensor/mode.ts'
import type { Input, OpDef, Vjp } from '../tensor/op.ts'
import { formatSize } from '../tensor/print.ts'
import {
  type Takes,
  type Arguments,
  bool,
  finite,
  method,
  nullable,
  optional,
  required,
  tensor,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { atomically } from '../tensor/undo.ts'

// What is computed once for each channel is an op of its own, so that two steps are left for each element, as in PyTorch.
const scaleOf = elementwise('mul', (weight, variance, eps) => s.div(weight, s.sqrt(s.add(variance, eps))))
const shiftOf = elementwise('sub', (bias, mean, scale) => s.sub(bias, s.mul(mean, scale)))
const scaled = elementwise('nativeBatchNorm', (x, scale, shift) => s.add(s.mul(x, scale), shift))

/** The number of elements of each channel. */
function countOf(sizes: Shape): number {
  let n = sizes[0]
  for (let i = 2; i < sizes.length; i++) n *= sizes[i]
  return n
}
const attrs = () => ({ axis: 1 })
const squaredError = elementwise('sum', (x, mean) => s.mul(s.sub(x, mean), s.sub(x, mean)))
/** The mean of each channel, and the sum of squared distances from it. */
export const moments = composite<'moments', null>({
  name: 'nativeBatchNorm',
  kind: 'moments',
  attrs,
  compose([input]) {
    const x = input as Tensor
    const spec = { sizes: channelShape(x.sizes), dtype: x.dtype }
    const mean = div(sumTo(x, spec.sizes), countOf(x.sizes))
    return [mean, apply(squaredError, [x, mean], spec)]
  },
})
const times = elementwise('mul', (invStd, weight) => s.mul(invStd, weight))
export const inverseStd = elementwise('rsqrt', (sumOfSquares, n, eps) =>
  s.div(1, s.sqrt(s.add(s.div(sumOfSquares, n), eps))),
)
export const channelSums = sums(
  'sum',
  (dy) => dy,
  (dy, x, mean) => s.mul(dy, s.sub(x, mean)),
)
/** The gradient of the input is `scale` dy + `slope` (x - mean) + `level`. */
const slopeOf = elementwise('mul', (weightSum, invStd, scale, inverse) =>
  s.neg(s.mul(s.mul(s.mul(weightSum, inverse), invStd), scale)),
)
const levelOf = elementwise('mul', (biasSum, scale, inverse) => s.neg(s.mul(s.mul(biasSum, inverse), scale)))
const inputGradient = elementwise('nativeBatchNormBackward', (dy, x, mean, scale, slope, level) =>
  s.add(s.mul(dy, scale), s.add(s.mul(s.sub(x, mean), slope), level)),
)
const invStdGradient = elementwise('mul', (dInvStd, x, mean, invStd, inverse) =>
  s.mul(s.mul(s.mul(s.neg(dInvStd), inverse), s.mul(invStd, s.mul(invStd, invStd))), s.sub(x, mean)),
)

/** What an op of three outputs, the result and the statistics, saves of inputs and outputs. */
export const saves = () => ({ inputs: [0, 1], outputs: [1, 2] })
/**
 * The gradient of the input: `dx` through the result, and through the statistics of n elements alone, which only the
 * gradient of a gradient needs.
 */
export function withStatistics(ctx: Vjp<unknown>, dx: Tensor | null, n: number): Tensor | null {
  const [, dMean, dInvStd] = ctx.dys
  const terms = dx === null ? [] : [dx]
  if (ctx.needs(0)) {
    const x = ctx.input(0)
    if (dMean !== null) terms.push(expandTo(mul(dMean, 1 / n), x.sizes))
    if (dInvStd !== null)
      terms.push(apply(invStdGradient, [dInvStd, x, ctx.output(1), ctx.output(2), operand(1 / n)], null))
  }
  return terms.length === 0 ? null : terms.reduce((sum, term) => add(sum, term))
}

const moved = (old: Expr, batch: Expr, factor: Expr, keep: Expr | undefined): Expr =>
  s.add(s.mul(batch, factor), s.mul(old, keep ?? s.sub(1, factor)))
/** Updates the running statistics: the mean, and the unbiased variance. */
const track = update('batchNorm', 2, (mean, variance, batchMean, squares, n1, factor, keep) => [
  moved(mean, batchMean, factor, keep),
  moved(variance, s.div(squares, n1), factor, keep),
])
/** The same as averages over all batches so far. */
const trackAverage = update('batchNorm', 2, (mean, variance, batchMean, squares, n1, batches) => [
  moved(mean, batchMean, s.div(1, batches), undefined),
  moved(variance, s.div(squares, n1), s.div(1, batches), undefined),
])

interface Running {
  readonly mean: Tensor
  readonly variance: Tensor
  /** The number of batches. */
  readonly batches: Tensor | null
  /** The share of a new batch; null gives all batches the same share. */
  readonly momentum: number | null
}
interface Training {
  readonly eps: number
  readonly running: Running | null
}

/** Counts a batch. */
const count = (batches: Tensor | null): void => {
  if (batches !== null) noGrad(() => inPlace(add, batches, 1))
}

/** Updates running statistics and the batch count together, once everything else has been computed. */
function trackBatch(
  { mean, variance, batches, momentum }: Running,
  batchMean: Tensor,
  squares: Tensor,
  n: number,
): void {
  const targets = [mean, variance]
  const all = batches === null ? targets : [...targets, batches]
  // Reading the buffer of a freed storage throws.
  for (const x of all) if (x.storage.freed) void x.buffer
  // Instances, if normalised one by one, count equally.
  const ofChannels = (x: Tensor): Tensor => {
    const rows = apply(reshapeOp, [x], [x.elements / mean.elements, mean.elements])
    return apply(reshapeOp, [div(sumTo(rows, [1, mean.elements]), rows.sizes[0])], mean.sizes)
  }
  const single = batchMean.elements === mean.elements
  const values = [
    ...[batchMean, squares].map((x) => (single ? apply(reshapeOp, [x], mean.sizes) : ofChannels(x))),
    n - 1,
  ]
  atomically(all, () => {
    count(batches)
    if (momentum === null && batches !== null) trackAverage(targets, [...values, batches])
    else track(targets, [...values, momentum ?? 0, 1 - (momentum ?? 0)])
  })
}

/** The shape of per-channel statistics for broadcasting, [C, 1, ...]. */
const channelShape = (shape: Shape): Shape => [shape[1], ...shape.slice(2).map(() => 1)]
/** A value for each channel, shaped to broadcast against the input; recorded if it requires a gradient. */
const perChannel = (x: Tensor, shape: Shape): Tensor => {
  const channel = channelShape(shape)
  return sameShape(x.sizes, channel) ? x : apply(reshapeOp, [x], channel)
}

/** The gradients of the weight and the bias, and of the input if it is wanted. */
function gradients(dy: Tensor, x: Tensor, mean: Tensor, invStd: Tensor, weight: Input, wanted: boolean) {
  const [biasSum, product] = channelSums([dy, x, mean], mean.sizes)
  const weightSum = mul(product, invStd)
  if (!wanted) return [null, weightSum, biasSum]
  const inverse = operand(1 / countOf(x.sizes))
  const scale = apply(times, [invStd, weight], null)
  const slope = apply(slopeOf, [weightSum, invStd, scale, inverse], null)
  const level = apply(levelOf, [biasSum, scale, inverse], null)
  return [apply(inputGradient, [dy, x, mean, scale, slope, level], null), weightSum, biasSum]
}
const backward = composite<'batchNormBackward', null>({
  name: 'nativeBatchNormBackward',
  kind: 'batchNormBackward',
  attrs,
  compose: ([dy, x, mean, invStd, weight]) =>
    gradients(dy as Tensor, x as Tensor, mean as Tensor, invStd as Tensor, weight, true) as Tensor[],
})

/** What a kernel reads in place of a weight or a bias: a tensor of these sizes with the number that stands for it. */
export const asTensor = (given: Input, sizes: Shape, { dtype, storage }: Tensor): Input =>
  given.wrapped === true ? filled(sizes, dtype, given.value as number, storage.device) : given
/** The operands of a kernel. */
export const operandsOf = ([x, weight, bias]: readonly Input[], eps: number, sizes: Shape): readonly Input[] => [
  x,
  ...[weight, bias].map((given) => asTensor(given, sizes, x as Tensor)),
  asTensor(operand(eps), [1], x as Tensor),
]

const rules: Pick<OpDef<Training>, 'saves' | 'vjp'> = {
  saves,
  vjp(ctx) {
    const [dy] = ctx.dys
    const x = ctx.input(0)
    const weight = ctx.operand(1)
    const [mean, invStd] = [ctx.output(1), ctx.output(2)]
    const [dx, weightSum, biasSum] =
      dy === null
        ? [null, null, null]
        : ctx.needs(0)
          ? applyAll(backward, [dy, x, mean, invStd, asTensor(weight, mean.sizes, x)], null)
          : gradients(dy, x, mean, invStd, weight, false)
    return [withStatistics(ctx, dx, countOf(x.sizes)), ctx.needs(1) ? weightSum : null, ctx.needs(2) ? biasSum : null]
  },
}
/** Updates the running statistics by an op's results. */
function tracked(outs: readonly Tensor[], x: Tensor, { running }: Training): readonly Tensor[] {
  if (running !== null) trackBatch(running, outs[1], outs[3], countOf(x.sizes))
  return outs
}
/** Outputs: the result, and for the gradient the batch's mean and inverse standard deviation; sums of squared distances. */
const trainingOp = composite<'batchNorm', Training>({
  name: 'nativeBatchNorm',
  kind: 'batchNorm',
  attrs,
  ...rules,
  compose([input, weight, bias], training) {
    const x = input as Tensor
    const [mean, squares] = applyAll(moments, [x], null)
    const invStd = apply(inverseStd, [squares, operand(countOf(x.sizes)), operand(training.eps)], null)
    const scale = apply(times, [invStd, weight], null)
    const y = apply(scaled, [x, scale, apply(shiftOf, [bias, mean, scale], null)], null)
    return tracked([y, mean, invStd, squares], x, training)
  },
  whole: {
    ...rules,
    around(inputs, training, kernel) {
      const x = inputs[0] as Tensor
      return tracked(kernel(operandsOf(inputs, training.eps, channelShape(x.sizes))), x, training)
    },
  },
})

/** Throws for a dtype that `kernel` of PyTorch does not take, and for parameters of another one. */
export function checkDTypes(
  x: Tensor,
  parameters: readonly (Tensor | null)[],
  kernel: string,
  sentence?: string,
): void {
  if (!isFloat(x.dtype)) throw notImplemented(kernel, x.dtype)
  for (const value of parameters) {
    if (value !== null && value.dtype !== x.dtype) throw mixed(x.dtype, value.dtype, sentence)
  }
}
/**
 * Throws PyTorch's errors before anything is changed. Values are one for each channel of each of `instances` samples,
 * if these are normalised one by one.
 */
export function checkBatch(
  x: Tensor,
  values: Readonly<Record<string, Tensor | null>>,
  training: boolean,
  instances = 1,
): void {
  const { sizes } = x
  if (training && countOf(sizes) === 1) {
    throw new ValueError(
      `Expected more than 1 value per channel when training, got input size ${formatSize(sizes)}`,
      'Use larger batches, or model.eval() for single samples.',
    )
  }
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value.elements !== sizes[1]) {
      throw new RuntimeError(
        `${name} should contain ${sizes[1] * instances} elements not ${value.elements * instances}`,
        `One for each of ${sizes[1]} channels.`,
      )
    }
  }
  checkDTypes(
    x,
    Object.values(values),
    'batch_norm',
    'mixed dtype (CPU): expect parameter to have scalar type of Float',
  )
}

interface Affine {
  readonly weight: Tensor | null
  readonly bias: Tensor | null
  readonly eps: number
}

/** Scale and shift of the channels; 1 and 0 if none are learnt. */
const affineOf = ({ weight, bias }: Affine, { sizes }: Tensor): readonly [scale: Input, shift: Input] => [
  weight === null ? operand(1) : perChannel(weight, sizes),
  bias === null ? operand(0) : perChannel(bias, sizes),
]

/** A copy of what has no elements, times the first weight, plus the first bias, as in PyTorch. */
function copied(x: Tensor, { weight, bias }: Affine): Tensor {
  const y = apply(cloneOp, [x], null)
  const scaled = weight === null ? y : mul(y, select(weight, 0, 0))
  return bias === null ? scaled : add(scaled, select(bias, 0, 0))
}

export function normalise(x: Tensor, affine: Affine, running: Running | null): Tensor {
  if (x.elements > 0) return applyAll(trainingOp, [x, ...affineOf(affine, x)], { eps: affine.eps, running })[0]
  // A batch without elements counts, but has no statistics.
  const y = copied(x, affine)
  count(running?.batches ?? null)
  return y
}

export function normaliseBy(x: Tensor, mean: Tensor, variance: Tensor, affine: Affine): Tensor {
  if (x.elements === 0) return copied(x, affine)
  const [weight, bias] = affineOf(affine, x)
  const scale = apply(scaleOf, [weight, perChannel(variance, x.sizes), operand(affine.eps)], null)
  return apply(scaled, [x, scale, apply(shiftOf, [bias, perChannel(mean, x.sizes), scale], null)], null)
}

export interface BatchNormOptions {
  readonly weight?: Tensor | null
  readonly bias?: Tensor | null
  /** Use the batch's statistics and update the running ones; otherwise use the running ones. */
  readonly training?: boolean
  /** The share of a new batch in the running statistics. */
  readonly momentum?: number
  readonly eps?: number
}

const orNone = nullable(tensor)
const batchNormArguments = method(
  'batch_norm',
  required('runningMean', orNone),
  required('runningVar', orNone),
  optional('weight', orNone, null),
  optional('bias', orNone, null),
  optional('training', bool, false),
  optional('momentum', finite, 0.1),
  optional('eps', finite, 1e-5),
)

/**
 * Shifts and scales each channel of `x` [N, C, ...] by its mean and variance, then by `weight` and `bias` [C].
 *
 * Throws a ValueError when training on one value per channel.
 */
export function batchNorm(
  x: Tensor,
  ...args: Takes<
    [runningMean: Tensor | null, runningVar: Tensor | null],
    'runningMean runningVar',
    Arguments<
      [weight: Tensor | null, bias: Tensor | null, training: boolean, momentum: number, eps: number],
      BatchNormOptions
    >
  >
): Tensor {
  const [runningMean, runningVar, weight, bias, training, momentum, eps] = batchNormArguments(x, args)
  const affine = { weight, bias, eps }
  if (x.dim() < 2) throw new RuntimeError(`batchNorm expects at least 2 dimensions, [N, C, ...], but got ${x.dim()}`)
  checkBatch(
    x,
    { running_mean: runningMean, running_var: runningVar, weight: affine.weight, bias: affine.bias },
    training,
  )
  const known = runningMean !== null && runningVar !== null
  if (training)
    return normalise(x, affine, known ? { mean: runningMean, variance: runningVar, batches: null, momentum } : null)
  if (!known)
    throw new RuntimeError(
      `${runningMean === null ? 'running_mean' : 'running_var'} must be defined in evaluation mode`,
    )
  return normaliseBy(x, runningMean, runningVar, affine)
}
