// A parameter is a leaf tensor that a module owns: modules find it among their properties, optimizers change it.
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
