// The mean absolute error.
import { dtypeName, isFloat } from '../base/dtype.ts'
import { RuntimeError } from '../base/errors.ts'
import { s } from '../expr/expr.ts'
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
  if (reduction === 'mean' && !isFloat(input.dtype) && !isFloat(target.dtype)) {
    throw new RuntimeError(
      `mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: ${dtypeName[input.dtype]}`,
      'Convert it first: x.float().',
    )
  }
  return absoluteError(pair, { reduction })
}

/** `F.l1Loss` as a module. */
export class L1Loss extends Loss {
  override forward(input: Tensor, target: Tensor): Tensor {
    return l1Loss(input, target, this)
  }
}
