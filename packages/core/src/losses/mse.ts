// The mean squared error.
import { isFloat } from '../base/dtype.ts'
import { broadcastShapes, sameShape } from '../base/shape.ts'
import { warn } from '../base/warn.ts'
import { type Expr, s } from '../expr/expr.ts'
import { notImplemented } from '../ops/define/arguments.ts'
import { expandTo } from '../ops/define/elementwise.ts'
import { formatSize } from '../tensor/print.ts'
import { type Takes, type Arguments, constructing, method, required, tensor } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { pointwise } from './pointwise.ts'
import { Loss, type ReductionArguments, type ReductionOption, reductionParameters } from './reduction.ts'

const twoOver = (n: Expr): Expr => s.div(s.constant(2, n.dtype), n)
const squaredError = pointwise({
  name: 'mseLoss',
  inputs: 2,
  loss: (x, y) => s.mul(s.sub(x, y), s.sub(x, y)),
  gradients: [
    (dy, n, x, y) => s.mul(s.mul(twoOver(n), s.sub(x, y)), dy),
    (dy, n, x, y) => s.mul(s.mul(twoOver(n), s.sub(y, x)), dy),
  ],
})

/** Broadcasts both to one shape, with PyTorch's warning if the sizes differ. */
export function broadcastTensors(input: Tensor, target: Tensor): [Tensor, Tensor] {
  if (sameShape(input.sizes, target.sizes)) return [input, target]
  warn(
    `Using a target size (${formatSize(target.sizes)}) that is different to the input size (${formatSize(input.sizes)}). This will likely lead to incorrect results due to broadcasting. Please ensure they have the same size.`,
  )
  const shape = broadcastShapes(input.sizes, target.sizes)
  return [expandTo(input, shape), expandTo(target, shape)]
}

type LossArguments = Arguments<ReductionArguments, ReductionOption>
const mseLossArguments = method('mse_loss', required('target', tensor), ...reductionParameters)

/**
 * The mean over all elements of `(input - target) ** 2`; warns if the sizes differ and broadcast.
 *
 * @example
 * F.mseLoss(model.forward(x), y)
 */
export function mseLoss(input: Tensor, ...args: Takes<[target: Tensor], 'target', LossArguments>): Tensor {
  const [target, , , reduction] = mseLossArguments(input, args)
  const operands = broadcastTensors(input, target)
  if (!isFloat(input.dtype) && !isFloat(target.dtype)) throw notImplemented('mse_cpu', input.dtype)
  return squaredError(operands, { reduction })
}

/** `F.mseLoss` as a module. */
export class MSELoss extends Loss {
  constructor(...args: LossArguments) {
    const [, , reduction] = constructorArguments(args)
    super(reduction)
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return mseLoss(input, target, { reduction: this.reduction })
  }
}
const constructorArguments = constructing('MSELoss', ...reductionParameters)
