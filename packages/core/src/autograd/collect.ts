// Where gradients meet and where they end: in the `.grad` of leaves and of tensors that retain theirs. A gradient that
// arrives there is taken over without a copy when nobody else can hold its memory, so no two tensors ever share one.
import { isContiguous } from '../base/layout.ts'
import { sameShape } from '../base/shape.ts'
import { s } from '../expr/expr.ts'
import { cloneOp, type Elementwise, elementwise } from '../ops/define/define.ts'
import { add } from '../ops/pointwise/elementwise.ts'
import { inPlace } from '../ops/methods.ts'
import { zero_ } from '../ops/write/write.ts'
import { apply } from '../tensor/apply.ts'
import { effects } from '../tensor/effects.ts'
import { checkWritable } from '../tensor/in-place.ts'
import { mode, noGrad } from '../tensor/mode.ts'
import { detached, type Tensor } from '../tensor/tensor.ts'
import { atomically } from '../tensor/undo.ts'

/** The most gradients that wait for each other, and the most elements of one that waits: memory is held meanwhile. */
const mostWaiting = 16
const mostElements = 1024

const waits = (dy: Tensor): boolean => dy.elements <= mostElements && isContiguous(dy)

/**
 * The gradients of an output after another one has arrived. Small ones wait, and one kernel adds them up when all are
 * there: in the order in which they came, rounding every sum, so that its bits are those of additions one by one. What
 * is recorded is added one by one.
 */
export function joined(dys: Tensor[], dy: Tensor): Tensor[] {
  const [first] = dys
  const alike = first.dtype === dy.dtype && sameShape(first.sizes, dy.sizes)
  if (mode.grad || effects.sink !== null || !alike || !waits(first) || !waits(dy)) return [add(total(dys), dy)]
  const { maxArgs } = dy.storage.device.backend.caps
  return dys.push(dy) < Math.min(mostWaiting, maxArgs) ? dys : [total(dys)]
}

const sums: Elementwise[] = []

/** The sum of the gradients that have arrived. */
export function total(dys: readonly Tensor[]): Tensor {
  const arity = dys.length
  if (arity === 1) return dys[0]
  sums[arity] ??= elementwise('add', (...x) => x.reduce((sum, y) => s.rounded(s.add(sum, y))), { arity })
  return apply(sums[arity], dys, null)
}

/** A copy that is printed as the copy of a gradient is in PyTorch. */
const copyOp = { ...cloneOp, name: 'CopyBackwards' }

/** Marks a gradient that somebody outside the walk may hold: nobody may take its memory over. */
export function keep(dy: Tensor): Tensor {
  dy.storage.owned = true
  return dy
}

/** The gradient itself when its memory is younger than `born` and nobody else has it, else a copy. */
function owned(dy: Tensor, born: number): Tensor {
  const { storage } = dy
  const mine = storage.serial >= born && !storage.owned && storage.size === dy.elements && isContiguous(dy)
  const result = mine ? (dy.viewOf === null ? dy : detached(dy)) : apply(cloneOp, [dy], null)
  result.storage.owned = true
  return result
}

/** A gradient on its way to a tensor; memory younger than `born` is the walk's own. */
interface Arrival {
  readonly x: Tensor
  readonly dy: Tensor
  readonly born: number
  /** What takes the place of the gradient that is there; null where that is added to in its memory. */
  taken: Tensor | null
}

/**
 * Gradients on their way to `.grad`, where they are added to what is there: all of them when the walk has come to its
 * end, so that one that fails has changed none. While gradients are recorded, sums have a graph of their own.
 */
export class Arrivals {
  /** Those of the walk that is at work. */
  static current: Arrivals | null = null
  readonly #arrivals: Arrival[] = []

  add(x: Tensor, dy: Tensor, born: number): void {
    this.#arrivals.push({ x, dy, born, taken: null })
  }

  land(): void {
    const arrivals = this.#arrivals
    let sums: Tensor[] | null = null
    for (let i = 0; i < arrivals.length; i++) {
      const arrival = arrivals[i]
      const { x, dy, born } = arrival
      const { grad } = x
      if (grad === null) arrival.taken = mode.grad ? apply(copyOp, [dy], null) : owned(dy, born)
      else if (mode.grad) arrival.taken = add(grad, dy)
      else {
        // Its getter throws.
        if (grad.storage.freed) void grad.buffer
        checkWritable(grad, [dy])
        sums ??= []
        sums.push(grad)
      }
    }
    if (sums !== null) {
      atomically(sums, () => {
        for (let i = 0; i < arrivals.length; i++) {
          const { x, dy, taken } = arrivals[i]
          if (taken === null) inPlace(add, x.grad as Tensor, dy)
        }
      })
    }
    for (let i = 0; i < arrivals.length; i++) {
      const { x, taken } = arrivals[i]
      if (taken !== null) x.collect(taken)
    }
  }
}

/** Forgets gradients, or writes zeros into them. */
export function clearGradients(tensors: Iterable<Tensor>, setToNone: boolean): void {
  for (const x of tensors) {
    if (setToNone) {
      x.collect(null)
      continue
    }
    const { grad } = x
    if (grad === null) continue
    if (grad.requiresGrad) x.collect(detached(grad))
    noGrad(() => zero_(x.grad as Tensor))
  }
}
