// Connectionist temporal classification: the probability of a sequence of labels under all its alignments with the steps
// of time, by a recursion over time in logarithms. Each step is one kernel for the batch, so that it runs on every
// backend and in compiled steps. The gradient is PyTorch's: that of the log-probabilities together with the softmax
// that made them.
import { isFloat } from '../base/dtype.ts'
import { RuntimeError } from '../base/errors.ts'
import { type Expr, s } from '../expr/expr.ts'
import { counted, fromArray } from '../ops/create/create.ts'
import { notImplemented } from '../ops/define/arguments.ts'
import { elementwise, expandTo } from '../ops/define/elementwise.ts'
import { filled, toDType } from '../ops/define/fill.ts'
import { reshapeOp } from '../ops/define/views.ts'
import { checkedIndices } from '../ops/indexing/advanced.ts'
import { gatherAlongDim, scatterAddAlongDim } from '../ops/indexing/gather.ts'
import { add, div } from '../ops/pointwise/arithmetic.ts'
import { maximum } from '../ops/pointwise/choice.ts'
import { lt, ne } from '../ops/pointwise/comparison.ts'
import { where } from '../ops/pointwise/where.ts'
import { logsumexp } from '../ops/reduce/softmax.ts'
import { cat, stack } from '../ops/views/join.ts'
import { padOp } from '../ops/views/pad.ts'
import { narrow, select, unsqueeze } from '../ops/views/views.ts'
import { apply, applyAll, operand } from '../tensor/apply.ts'
import { effects } from '../tensor/effects.ts'
import type { OpDef } from '../tensor/op.ts'
import {
  type Takes,
  type Arguments,
  bool,
  constructing,
  either,
  int,
  ints,
  isTensor,
  optional,
  required,
  signature,
  tensor,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Loss, reduceBy, type Reduction, reductionParameter } from './reduction.ts'

// ---- the recursions ----

/** The logarithm of 0: finite, because not every device has infinities. */
const LOW = -1e30
const shaped = (x: Tensor, ...sizes: number[]): Tensor => apply(reshapeOp, [x], sizes)
const padded = (x: Tensor, low: number, high: number, value = LOW): Tensor =>
  apply(padOp, [x], { low: [0, low], high: [0, high], value })
/** Three neighbouring states, of a matrix with two more columns. */
const neighbours = (x: Tensor, order: readonly number[]): Tensor[] =>
  order.map((first) => narrow(x, 1, first, x.sizes[1] - 2))

/** The logarithm of the sum of three exponentials. */
const logSum = (a: Expr, b: Expr, c: Expr): Expr => {
  const most = s.max(s.max(a, b), c)
  const part = (x: Expr): Expr => s.exp(s.sub(x, most))
  return s.add(most, s.log(s.add(s.add(part(a), part(b)), part(c))))
}
const allowed = (jump: Expr, x: Expr): Expr => s.select(s.eq(jump, 0), LOW, x)
/** After a step of time: a state is reached from itself, the one before, or the one before that. */
const forth = elementwise('ctcLoss', (here, before, second, jump, emission, lengths, t) =>
  s.select(s.lt(t, lengths), s.max(s.add(logSum(here, before, allowed(jump, second)), emission), LOW), here),
)
/** Before a step of time, backwards; the emissions are added already. At the end it is whether the state may be last. */
const back = elementwise('ctcLoss', (here, after, second, jump, last, lengths, t) =>
  s.select(s.lt(t, lengths), s.max(logSum(here, after, allowed(jump, second)), LOW), last),
)
/** States that may be the last: that of the last label, and the blank behind it. */
const lastOf = elementwise('ctcLoss', (state, labels) =>
  s.select(
    s.or(s.eq(state, s.mul(labels, 2)), s.eq(state, s.sub(s.mul(labels, 2), 1))),
    s.constant(0, state.dtype),
    LOW,
  ),
)
const lossOf = elementwise('ctcLoss', (total) =>
  s.select(s.lt(total, LOW / 2), s.constant(Number.POSITIVE_INFINITY, total.dtype), s.neg(total)),
)
const weightOf = elementwise('ctcLoss', (alpha, beta, loss) => s.exp(s.add(s.add(alpha, beta), loss)))
const gradientOf = (impossible: number) =>
  elementwise('ctcLossBackward', (dy, logProb, weight, loss, lengths, t) =>
    s.select(
      s.lt(t, lengths),
      s.select(
        s.eq(loss, s.constant(Number.POSITIVE_INFINITY, loss.dtype)),
        s.constant(impossible, loss.dtype),
        s.mul(dy, s.sub(s.exp(logProb), weight)),
      ),
      s.constant(0, loss.dtype),
    ),
  )
const gradients = { kept: gradientOf(Number.NaN), zeroed: gradientOf(0) }

/** The states from `first` on that may be the last, [batch, count]. */
const endings = (labelCounts: Tensor, first: number, count: number): Tensor => {
  const states = add(counted(count, 'int32', labelCounts.device), first)
  return apply(lastOf, [toDType(shaped(states, 1, count), labelCounts.dtype), labelCounts], null)
}

interface CTC {
  /** Losses that are infinite have no gradient; otherwise it is NaN. */
  readonly zeroInfinity: boolean
}

/**
 * Inputs: log-probabilities [time, batch, classes], the label of each state [batch, states], whether it is reached from
 * the state two before it, and the numbers of steps and of labels, [batch, 1], as floats. Outputs: the losses [batch],
 * and the forward recursion [time, batch, states].
 */
const ctcOp: OpDef<CTC> = {
  name: 'ctcLoss',
  infer([logProbs, labels]) {
    const [time, batch] = logProbs.sizes
    const { dtype } = logProbs
    return [
      { sizes: [batch], dtype },
      { sizes: [time, batch, labels.sizes[1]], dtype },
    ]
  },
  saves: () => ({ inputs: [0, 1, 2, 3, 4], outputs: [0, 1] }),
  vjp: (ctx) => [
    apply(backwardOp, [ctx.dy, ...[0, 1, 2, 3, 4].map((i) => ctx.input(i)), ctx.output(0), ctx.output(1)], ctx.attrs),
    null,
    null,
    null,
    null,
  ],
  to: {
    kind: 'compose',
    compose(inputs) {
      const [logProbs, labels, jumps, lengths, labelCounts] = inputs as readonly Tensor[]
      const [time, batch] = logProbs.sizes
      const states = labels.sizes[1]
      const emissions = gatherAlongDim(logProbs, 2, expandTo(labels, [time, batch, states]))
      // Before the first step, only a state before the first one is possible.
      let alpha = padded(filled([batch, 1], logProbs.dtype, 0, logProbs.storage.device), 1, states)
      const all: Tensor[] = []
      for (let t = 0; t < time; t++) {
        const next = apply(
          forth,
          [...neighbours(alpha, [2, 1, 0]), jumps, select(emissions, 0, t), lengths, operand(t)],
          null,
        )
        all.push(next)
        // A batch without steps keeps the state before the first one.
        alpha =
          t === 0
            ? cat([where(lt(lengths, 1), narrow(alpha, 1, 0, 2), LOW), next], 1)
            : cat([narrow(alpha, 1, 0, 2), next], 1)
      }
      const total = logsumexp(add(alpha, endings(labelCounts, -2, states + 2)), 1)
      const shape = { sizes: [time, batch, states], dtype: logProbs.dtype }
      return [
        apply(lossOf, [total], null),
        all.length > 0 ? stack(all) : filled(shape.sizes, shape.dtype, 0, logProbs.storage.device),
      ]
    },
  },
}

const backwardOp: OpDef<CTC> = {
  name: 'ctcLossBackward',
  infer: ([, logProbs]) => [{ sizes: logProbs.sizes, dtype: logProbs.dtype }],
  vjp: () => {
    throw new RuntimeError(
      'derivative for aten::_ctc_loss_backward is not implemented',
      'The gradient of this loss has no gradient.',
    )
  },
  to: {
    kind: 'compose',
    compose(inputs, { zeroInfinity }) {
      const [dy, logProbs, labels, jumps, lengths, labelCounts, loss, alphas] = inputs as readonly Tensor[]
      const [time, batch] = logProbs.sizes
      const states = labels.sizes[1]
      const index = expandTo(labels, [time, batch, states])
      const emissions = gatherAlongDim(logProbs, 2, index)
      const last = endings(labelCounts, 0, states)
      const leaving = narrow(padded(jumps, 0, 2, 0), 1, 2, states)
      const betas = new Array<Tensor>(time)
      let beta = last
      for (let t = time - 1; t >= 0; t--) {
        if (t < time - 1) {
          const after = padded(add(beta, select(emissions, 0, t + 1)), 0, 2)
          beta = apply(back, [...neighbours(after, [0, 1, 2]), leaving, last, lengths, operand(t + 1)], null)
        }
        betas[t] = beta
      }
      if (time === 0) return [filled(logProbs.sizes, logProbs.dtype, 0, logProbs.storage.device)]
      const losses = shaped(loss, 1, batch, 1)
      const weights = apply(weightOf, [alphas, stack(betas), losses], null)
      const none = filled(logProbs.sizes, logProbs.dtype, 0, logProbs.storage.device)
      const steps = toDType(shaped(counted(time, 'int32', logProbs.device), time, 1, 1), logProbs.dtype)
      const gradient = gradients[zeroInfinity ? 'zeroed' : 'kept']
      const weight = scatterAddAlongDim(none, 2, index, weights)
      const operands = [shaped(dy, 1, batch, 1), logProbs, weight, losses, shaped(lengths, 1, batch, 1), steps]
      return [apply(gradient, operands, null)]
    },
  },
}

// ---- arguments ----

type Lengths = Tensor | readonly number[]
const lengthsKind = { ...either(tensor, ints), expected: 'Tensor' }
const read = signature(
  'ctc_loss',
  required('logProbs', tensor),
  required('targets', tensor),
  required('inputLengths', lengthsKind),
  required('targetLengths', lengthsKind),
  optional('blank', int, 0),
  reductionParameter,
  optional('zeroInfinity', bool, false),
)
export interface CTCLossOptions {
  /** The class for no label. */
  readonly blank?: number
  readonly reduction?: Reduction
  /** Set infinite losses, of inputs that are too short for their targets, and their gradients to 0. */
  readonly zeroInfinity?: boolean
}
type CTCArguments = Arguments<[blank: number, reduction: Reduction, zeroInfinity: boolean], CTCLossOptions>

const checking = ' (while checking arguments for ctc_loss_cpu)'
const wrongInput = (length: number | null, size: number): Error =>
  new RuntimeError(
    length !== null && length < 0
      ? `Expected input_lengths to have value at least 0, but got value ${length}${checking}`
      : `Expected input_lengths to have value at most ${size - 1}, but got value ${length ?? 'more'}${checking}`,
  )
const wrongTarget = (length: number | null, size: number): Error =>
  new RuntimeError(
    length !== null && length < 0
      ? `Expected target_lengths to have value at least 0, but got value ${length}${checking}`
      : `Expected tensor to have size at least ${length ?? 'more'} at dimension 1, but got size ${size - 1} for argument #2 'targets'${checking}`,
  )
const wrongLabel = (label: number | null, size: number): Error =>
  new RuntimeError(`Expected targets to be from 0 to ${size - 1}, but got ${label ?? 'another label'}${checking}`)

/** Lengths as an int32 vector with one for each sequence of the batch. */
function vectorOf(name: string, given: Lengths, batch: number, like: Tensor): Tensor {
  const lengths = isTensor(given) ? given : fromArray(Int32Array.from(given), [given.length], { device: like.device })
  if (isFloat(lengths.dtype) || lengths.dtype === 'bool') {
    throw new RuntimeError(`${name} must be integral`, `It is ${lengths.dtype}: convert it by int().`)
  }
  if (lengths.elements !== batch)
    throw new RuntimeError(`${name} must be of size batch_size`, `There are ${batch} sequences.`)
  return shaped(toDType(lengths, 'int32'), batch)
}

/** Targets one after the other, as rows of the length of the longest; lengths in a tensor are read. */
function rowsOf(targets: Tensor, lengths: Lengths): Tensor {
  if (isTensor(lengths))
    effects.sink?.refuse(
      'F.ctcLoss() of targets one after the other, whose shape depends on a tensor of lengths,',
      'Give the lengths as an array, or the targets as rows of one length: [batch, length].',
    )
  const counts = isTensor(lengths) ? Array.from(lengths.toArray()) : lengths
  const total = counts.reduce((sum, n) => sum + n, 0)
  const wrong = counts.find((n) => n < 0)
  if (wrong !== undefined) throw wrongTarget(wrong, 0)
  if (total !== targets.elements) {
    throw new RuntimeError(
      `Expected tensor to have size ${total} at dimension 0, but got size ${targets.elements} for argument #2 'targets'${checking}`,
    )
  }
  const width = Math.max(0, ...counts)
  const places = new Int32Array(counts.length * width)
  let first = 0
  counts.forEach((n, row) => {
    for (let i = 0; i < n; i++) places[row * width + i] = first + i
    first += n
  })
  if (places.length === 0) return filled([counts.length, 0], 'int32', 0, targets.storage.device)
  const index = fromArray(places, [places.length], { device: targets.device })
  return shaped(gatherAlongDim(targets, 0, index), counts.length, width)
}

/**
 * The negative logarithm of the probability that a sequence of labels is what remains of the steps' classes when
 * repeated ones are merged and blanks left out. `logProbs` is [time, batch, classes], from logSoftmax, `targets`
 * [batch, length] or all labels one after the other, and the lengths say how much of each sequence counts; without a
 * batch, [time, classes] and [length]. The mean divides each loss by the number of its labels first.
 *
 * Throws a RuntimeError for lengths, labels and sizes that do not fit; its gradient has no gradient.
 *
 * @example
 * const logProbs = F.logSoftmax(zeros(4, 1, 3), 2)
 * F.ctcLoss(logProbs, tensor([[1, 2]], { dtype: 'int32' }), [4], [2]) // tensor(0.8432)
 */
export function ctcLoss(
  ...args: [
    logProbs: Tensor,
    ...Takes<
      [targets: Tensor, inputLengths: Lengths, targetLengths: Lengths],
      'targets inputLengths targetLengths',
      CTCArguments
    >,
  ]
): Tensor {
  const [given, targets, inputLengths, targetLengths, blank, reduction, zeroInfinity] = read(args)
  const logProbs = given.dim() === 3 ? given : unsqueeze(given, Math.min(given.dim(), 1))
  if (logProbs.dim() !== 3) {
    throw new RuntimeError(
      `Expected 3-dimensional tensor, but got ${logProbs.dim()}-dimensional tensor for argument #1 'log_probs'${checking}`,
      'Its sizes are [time, batch, classes], or [time, classes].',
    )
  }
  if (!isFloat(logProbs.dtype)) throw notImplemented('ctc_loss_cpu', logProbs.dtype)
  const [time, batch, classes] = logProbs.sizes
  const { dtype } = logProbs
  if (blank < 0 || blank >= classes) throw new RuntimeError('blank must be in label range')
  const steps = checkedIndices(vectorOf('input_lengths', inputLengths, batch, given), time + 1, wrongInput)
  const counts = vectorOf('target_lengths', targetLengths, batch, given)
  const single = given.dim() !== 3 && targets.dim() === 1
  if (targets.dim() !== 1 && targets.dim() !== 2) {
    throw new RuntimeError(
      `Expected 1 to 2 dimensions, but got ${targets.dim()}-dimensional tensor for argument #2 'targets'${checking}`,
    )
  }
  const labels = toDType(targets, 'int32')
  const rows = targets.dim() === 2 ? labels : single ? unsqueeze(labels, 0) : rowsOf(labels, targetLengths)
  if (rows.sizes[0] !== batch) {
    throw new RuntimeError(
      `Expected tensor to have size ${batch} at dimension 0, but got size ${rows.sizes[0]} for argument #2 'targets'${checking}`,
    )
  }
  const width = rows.sizes[1]
  const labelCounts = shaped(checkedIndices(counts, width + 1, wrongTarget), batch, 1)
  // Only labels that count must be in range; others are often -1.
  const counting = lt(shaped(counted(width, 'int32', given.device), 1, width), labelCounts)
  const known = checkedIndices(where(counting, rows, blank), classes, wrongLabel)
  const pairs = shaped(
    stack([filled([batch, width], 'int32', blank, given.storage.device), known], 2),
    batch,
    2 * width,
  )
  const states = padded(pairs, 0, 1, blank)
  const others = 2 * width - 1
  const jumps =
    width === 0
      ? filled([batch, 1], dtype, 0, given.storage.device)
      : cat(
          [
            filled([batch, 1], dtype, 0, given.storage.device),
            filled([batch, 1], dtype, 1, given.storage.device),
            toDType(ne(narrow(states, 1, 2, others), narrow(states, 1, 0, others)), dtype),
          ],
          1,
        )
  const lengths = toDType(shaped(steps, batch, 1), dtype)
  const [found] = applyAll(ctcOp, [logProbs, states, jumps, lengths, toDType(labelCounts, dtype)], { zeroInfinity })
  const losses = zeroInfinity ? where(ne(found, Number.POSITIVE_INFINITY), found, 0) : found
  if (reduction === 'mean') {
    return reduceBy(div(losses, maximum(toDType(shaped(labelCounts, batch), dtype), 1)), reduction)
  }
  return reduction === 'none' && given.dim() !== 3 ? select(losses, 0, 0) : reduceBy(losses, reduction)
}

const ofCTCLoss = constructing(
  'CTCLoss',
  optional('blank', int, 0),
  reductionParameter,
  optional('zeroInfinity', bool, false),
)
/** `F.ctcLoss` as a module. */
export class CTCLoss extends Loss {
  blank: number
  zeroInfinity: boolean

  constructor(...args: CTCArguments) {
    const [blank, reduction, zeroInfinity] = ofCTCLoss(args)
    super(reduction)
    this.blank = blank
    this.zeroInfinity = zeroInfinity
  }

  override forward(logProbs: Tensor, targets: Tensor, inputLengths: Lengths, targetLengths: Lengths): Tensor {
    const { blank, reduction, zeroInfinity } = this
    return ctcLoss(logProbs, targets, inputLengths, targetLengths, { blank, reduction, zeroInfinity })
  }
}
