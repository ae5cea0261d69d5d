// Stores gradients in the `.grad` of leaves and of tensors that retain theirs. A gradient that
// arrives there is taken over without a copy if nothing else can hold its memory, so no two tensors ever share one.
import { isContiguous } from '../base/layout.ts'
import { cloneOp } from '../ops/define/elementwise.ts'
import { add } from '../ops/pointwise/arithmetic.ts'
import { inPlace } from '../ops/methods.ts'
import { zero_ } from '../ops/write/write.ts'
import { apply } from '../tensor/apply.ts'
import { storagesMade } from '../tensor/device.ts'
import { checkWritable } from '../tensor/in-place.ts'
import { mode, noGrad } from '../tensor/mode.ts'
import { detached, type Tensor } from '../tensor/tensor.ts'
import { atomically } from '../tensor/undo.ts'
import { used, waiting } from './incoming.ts'

/** A copy that prints like PyTorch's copy of a gradient. */
const copyOp = { ...cloneOp, name: 'CopyBackwards' }

/** Marks a gradient that code outside the backward pass may hold, so that nothing takes over its memory. */
export function keep(dy: Tensor): Tensor {
  dy.storage.owned = true
  return dy
}

/** The gradient itself if its memory has at least this serial number and nothing else holds it, otherwise a copy. */
function owned(dy: Tensor, born: number): Tensor {
  const { storage } = dy
  const mine = storage.serial >= born && !storage.owned && storage.size === dy.elements && isContiguous(dy)
  const result = mine ? (dy.viewOf === null ? dy : detached(dy)) : apply(cloneOp, [dy], null)
  result.storage.owned = true
  return result
}

/** A gradient for a tensor. */
interface Arrival {
  readonly x: Tensor
  readonly dy: Tensor
  /** The replacement for the existing gradient; null if that is updated in its own memory. */
  taken: Tensor | null
}

/**
 * Gradients for `.grad`, where they are added to existing ones. All are stored at the end of the backward pass, so that
 * a pass that fails has changed none. While gradients are recorded, sums get a graph.
 */
export class Arrivals {
  /** The arrivals of the running backward pass. */
  static current: Arrivals | null = null
  readonly #arrivals: Arrival[] = []
  /** Younger memory belongs to the pass. */
  readonly #born = storagesMade()

  add(x: Tensor, dy: Tensor): void {
    this.#arrivals.push({ x, dy: waiting(dy), taken: null })
  }

  land(): void {
    const arrivals = this.#arrivals
    let sums: Tensor[] | null = null
    for (let i = 0; i < arrivals.length; i++) {
      const arrival = arrivals[i]
      const { x, dy } = arrival
      const { grad } = x
      if (grad === null) arrival.taken = mode.grad ? apply(copyOp, [dy], null) : owned(dy, this.#born)
      else if (mode.grad) arrival.taken = add(grad, dy)
      else {
        // Reading the buffer of a freed storage throws.
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
      const { x, dy, taken } = arrivals[i]
      if (taken !== null) x.collect(taken)
      used([dy])
    }
  }
}

/** Sets gradients to null, or to zeros. */
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
