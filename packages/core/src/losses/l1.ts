// The mean absolute error.
import { isFloat } from '../base/dtype.ts'
import { s } from '../expr/expr.ts'
import { floatNeeded } from '../ops/reduce/reduce.ts'
import { type Takes, type Arguments, constructing, method, required, tensor } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { broadcastTensors } from './mse.ts'
import { pointwise } from './pointwise.ts'
import { Loss, type ReductionArguments, type ReductionOption, reductionParameters } from './reduction.ts'

const absoluteError = pointwise({
  name: { mean: 'mean', sum: 'sum', none: 'abs' },
  inputs: 2,
  loss: (x, y) => s.abs(s.sub(x, y)),
  gradients: [
    (dy, n, x, y) => s.mul(s.sign(s.sub(x, y)), s.div(dy, n)),
    (dy, n, x, y) => s.mul(s.sign(s.sub(y, x)), s.div(dy, n)),
  ],
})

type LossArguments = Arguments<ReductionArguments, ReductionOption>
const l1LossArguments = method('l1_loss', required('target', tensor), ...reductionParameters)

/** The mean over all elements of `|input - target|`; the slope is 0 where they are equal. */
export function l1Loss(input: Tensor, ...args: Takes<[target: Tensor], 'target', LossArguments>): Tensor {
  const [target, , , reduction] = l1LossArguments(input, args)
  const operands = broadcastTensors(input, target)
  if (reduction === 'mean' && !isFloat(target.dtype)) floatNeeded(input, 'mean')
  return absoluteError(operands, { reduction })
}

/** `F.l1Loss` as a module. */
export class L1Loss extends Loss {
  constructor(...args: LossArguments) {
    const [, , reduction] = constructorArguments(args)
    super(reduction)
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return l1Loss(input, target, { reduction: this.reduction })
  }
}
const constructorArguments = constructing('L1Loss', ...reductionParameters)
