// A parameter is a leaf tensor that a module owns: modules find it among their properties, optimizers update it.
import { asLeaf } from '../ops/create/create.ts'
import { formatParameter } from '../tensor/print.ts'
import { type Takes, bool, constructing, optional, required, tensor } from '../tensor/signature.ts'
import { Tensor } from '../tensor/tensor.ts'

const ofParameter = constructing('Parameter', required('data', tensor), optional('requiresGrad', bool, true))

/**
 * A tensor that is a parameter of the module that has it as a property; it shares the memory of `data`.
 *
 * Throws a RuntimeError for a gradient of integers.
 *
 * @example
 * this.scale = new nn.Parameter(ones(3))
 */
export class Parameter extends Tensor {
  constructor(...args: Takes<[data: Tensor], 'data', [requiresGrad?: boolean | { requiresGrad?: boolean }]>) {
    const [data, requiresGrad] = ofParameter(args)
    const { storage, sizes, strides, offset, dtype } = data
    super(storage, sizes, strides, offset, dtype)
    asLeaf(this, { requiresGrad })
  }

  override toString(): string {
    return formatParameter(super.toString())
  }
}
