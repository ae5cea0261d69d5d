// relu and leakyRelu of torch.nn.functional: those of torch with `inplace`, which the layers also have.
import { inPlace } from '../ops/methods.ts'
import { leakyRelu as leakyReluOf, relu as reluOf } from '../ops/pointwise/activation.ts'
import { type Arguments, bool, method, number, optional } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'

export interface InplaceOption {
  /** Overwrite the input. */
  readonly inplace?: boolean
}

const inplace = optional('inplace', bool, false)
const readRelu = method('relu', inplace)
const readLeakyRelu = method('leaky_relu', optional('negativeSlope', number, 0.01), inplace)

/**
 * `max(x, 0)`. The gradient at 0 is 0. `inplace` overwrites `x`, which must not be a leaf that requires a gradient then.
 *
 * @example
 * F.relu(tensor([-2, 3])) // tensor([0., 3.])
 */
export function relu(x: Tensor, ...args: Arguments<[inplace: boolean], InplaceOption>): Tensor {
  const [overwrites] = readRelu(x, args)
  return overwrites ? inPlace(reluOf, x) : reluOf(x)
}

/**
 * `x` where it is positive, `negativeSlope * x` elsewhere (0.01 unless given). `inplace` overwrites `x`, which must not be
 * a leaf that requires a gradient then.
 *
 * @example
 * F.leakyRelu(tensor([-2, 3]), 0.5) // tensor([-1.,  3.])
 */
export function leakyRelu(
  x: Tensor,
  ...args: Arguments<[negativeSlope: number, inplace: boolean], InplaceOption & { readonly negativeSlope?: number }>
): Tensor {
  const [slope, overwrites] = readLeakyRelu(x, args)
  return overwrites ? inPlace(leakyReluOf, x, slope) : leakyReluOf(x, slope)
}
