// Where gradients end: in the `.grad` of leaves and of tensors that retain theirs. A gradient that arrives is taken over
// without a copy when nobody else can hold its memory, so no two tensors ever share one.
import { isContiguous } from '../base/layout.ts'
import { cloneOp } from '../ops/define.ts'
import { add } from '../ops/elementwise.ts'
import { inPlace } from '../ops/methods.ts'
import { apply } from '../tensor/apply.ts'
import { effects } from '../tensor/effects.ts'
import { mode } from '../tensor/mode.ts'
import { detached, type Tensor } from '../tensor/tensor.ts'

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

/** Adds a gradient to what `x.grad` has; the sum has a graph of its own while gradients are recorded. */
export function accumulate(x: Tensor, dy: Tensor, born: number): void {
  effects.sink?.gradient(x, false)
  const before = x.grad
  if (before === null) x.grad = mode.grad ? apply(copyOp, [dy], null) : owned(dy, born)
  else if (mode.grad) x.grad = add(before, dy)
  else inPlace(add, before, dy)
}
