// Activations: sigmoid, relu and leaky relu, with gradients computed from the result if that is what is saved.
import { isFloat } from '../../base/dtype.ts'
import { s } from '../../expr/expr.ts'
import { operand } from '../../tensor/apply.ts'
import { method, number, optional } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { notImplemented, refuseBool } from '../define/arguments.ts'
import { type Elementwise, elementwise, type ElementwiseOptions } from '../define/elementwise.ts'
import { named, overloaded, unary } from '../define/overloads.ts'

/** `1 / (1 + exp(-x))`. */
export const sigmoid = unary(
  elementwise('sigmoid', (x) => s.div(1, s.add(1, s.exp(s.neg(x)))), {
    out: 'float',
    gradName: 'sigmoidBackward',
    grad: ({ dy, y }) => [s.mul(dy, s.mul(s.sub(1, y), y))],
  }),
)
/** `max(x, 0)`. The gradient at 0 is 0. */
export const relu = unary(
  elementwise('relu', (x) => s.max(x, 0), {
    gradName: 'thresholdBackward',
    grad: ({ dy, y }) => [s.select(s.le(y, 0), 0, dy)],
    accepts: refuseBool('Boolean inputs not supported for relu'),
  }),
)
const defineLeakyRelu = (grad?: ElementwiseOptions['grad']): Elementwise =>
  elementwise('leakyRelu', (x, slope) => s.select(s.gt(x, 0), x, s.mul(x, slope)), {
    gradName: 'leakyReluBackward',
    grad,
    accepts: (_, [x]) => {
      if (!isFloat(x.dtype)) throw notImplemented('leaky_relu_cpu', x.dtype)
    },
  })
const fallingOp = defineLeakyRelu()
/**
 * For slopes that keep the sign: the result is positive where the input is, so in place the overwritten input need not
 * be kept.
 */
const risingOp = defineLeakyRelu(({ dy, x: [x, slope], y }) => [
  s.select(s.gt(y, 0), dy, s.mul(dy, slope)),
  s.select(s.gt(y, 0), 0, s.mul(dy, x)),
])
/**
 * Saves the input, as PyTorch does, and also the result: a compiled step that reads the result instead need not store
 * the input.
 */
const leakyOp: Elementwise = {
  ...risingOp,
  spare: true,
  saves: () => ({ inputs: [0, 1], outputs: [0] }),
  vjp: (ctx) => (ctx.keeps(0) ? risingOp : fallingOp).vjp?.(ctx) ?? [],
}
/** The node that PyTorch names differently in place. */
const inPlaceOf = (op: Elementwise): Elementwise => named('LeakyReluBackward1', op)
const leakyReluArguments = method('leaky_relu', optional('negativeSlope', number, 0.01))
const leakyReluBy =
  (rising: Elementwise, falling: Elementwise) =>
  (x: Tensor, ...args: [negativeSlope?: number | { negativeSlope?: number }]) => {
    const [slope] = leakyReluArguments(x, args)
    return [slope >= 0 ? rising : falling, [x, operand(slope)]] as const
  }
/** `x` where it is positive, `negativeSlope * x` elsewhere (0.01 unless given). */
export const leakyRelu = overloaded(
  leakyReluBy(leakyOp, fallingOp),
  leakyReluBy(inPlaceOf(risingOp), inPlaceOf(fallingOp)),
)
