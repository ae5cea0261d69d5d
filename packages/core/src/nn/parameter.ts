// A parameter is a leaf tensor that a module owns: modules find it among their properties, optimizers change it.
import { effects } from '../tensor/effects.ts'
import { formatParameter } from '../tensor/print.ts'
import { checkTensor, Tensor } from '../tensor/tensor.ts'

/**
 * A tensor that is a parameter of the module it is a property of; it shares the memory of `data`.
 *
 * Throws a RuntimeError for a gradient of whole numbers.
 *
 * @example
 * this.scale = new nn.Parameter(ones(3))
 */
export class Parameter extends Tensor {
  constructor(data: Tensor, requiresGrad = true) {
    const { storage, shape, strides, offset, dtype } = checkTensor(data, 'the data of a parameter')
    super(storage, shape, strides, offset, dtype)
    this.setRequiresGrad(requiresGrad)
  }

  override toString(): string {
    return formatParameter(super.toString())
  }
}

/**
 * Gives a tensor the memory of another of the same shape, as PyTorch's `p.data = other`: who holds the tensor, an
 * optimizer above all, goes on holding it.
 */
export function rebind(x: Tensor, to: Tensor): void {
  if (x === to) return
  const { storage, strides, offset, dtype } = to
  effects.scope?.changed(x)
  // The fields are read-only to everybody else: a tensor never changes its memory behind autograd's back.
  Object.assign(x, { storage, strides, offset, dtype, accumulator: null, viewOf: null })
}

/** Moves a parameter and its gradient, and gives what makes them its own: what fails has changed nothing. */
export function moving(x: Tensor, move: (x: Tensor) => Tensor): () => void {
  const { grad } = x
  const moved = move(x)
  const movedGrad = grad === null ? null : move(grad)
  return () => {
    rebind(x, moved)
    if (movedGrad !== grad) x.collect(movedGrad)
  }
}
