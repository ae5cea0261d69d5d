// The mean absolute error.
import { isFloat } from '../base/dtype.ts'
import { s } from '../expr/expr.ts'
import { floatNeeded } from '../ops/reduce.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { broadcastPair } from './mse.ts'
import { pointwise } from './pointwise.ts'
import { Loss, type ReductionOption, reductionOf } from './reduction.ts'

const absoluteError = pointwise({
  name: { mean: 'mean', sum: 'sum', none: 'abs' },
  inputs: 2,
  loss: (x, y) => s.abs(s.sub(x, y)),
  gradients: [
    (dy, n, x, y) => s.mul(s.sign(s.sub(x, y)), s.div(dy, n)),
    (dy, n, x, y) => s.mul(s.sign(s.sub(y, x)), s.div(dy, n)),
  ],
})

/** The mean over all elements of `|input - target|`; its slope where they are equal is 0. */
export function l1Loss(input: Tensor, target: Tensor, options: ReductionOption = {}): Tensor {
  const reduction = reductionOf(options)
  const pair = broadcastPair(input, target)
  if (reduction === 'mean' && !isFloat(target.dtype)) floatNeeded(input, 'mean')
  return absoluteError(pair, { reduction })
}

/** `F.l1Loss` as a module. */
export class L1Loss extends Loss {
  override forward(input: Tensor, target: Tensor): Tensor {
    return l1Loss(input, target, this)
  }
}
