// The incomplete gamma functions as ops, and Hurwitz's zeta function. They run in JavaScript (host.ts); their gradients
// for the second argument are written in ops, and PyTorch has none for the first.
import { isFloat } from '../../base/dtype.ts'
import { NotImplementedError } from '../../base/errors.ts'
import { s } from '../../expr/expr.ts'
import { apply } from '../../tensor/apply.ts'
import type { Gradients, Input, OpDef, Vjp } from '../../tensor/op.ts'
import { type Takes, method, required, tensor } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { notImplemented } from '../define/arguments.ts'
import { commonType } from '../define/common.ts'
import { elementwise, sumTo } from '../define/elementwise.ts'
import { toDType } from '../define/fill.ts'
import { binary, type Overloaded, overloaded, type TensorLike } from '../define/overloads.ts'
import { hurwitzZeta, lowerGamma, upperGamma } from './gamma.ts'
import { hostFunction } from './host.ts'

/** The gradient of the second argument; that of the first is PyTorch's error. */
const ofSecond =
  (what: string, slope: (ctx: Vjp<null>) => Tensor) =>
  (ctx: Vjp<null>): Gradients => {
    if (ctx.needs(0)) throw new NotImplementedError(`the derivative for '${what}' is not implemented.`)
    const { sizes, dtype } = ctx.inputSpec(1)
    return [null, toDType(sumTo(slope(ctx), sizes), dtype)]
  }
const both = { saves: () => ({ inputs: [0, 1] }) }

const slopeOf = (sign: 1 | -1) =>
  elementwise('mul', (dy, a, x) =>
    s.mul(s.mul(dy, sign), s.exp(s.sub(s.sub(s.mul(s.sub(a, 1), s.log(x)), x), s.lgamma(a)))),
  )
type IncompleteArguments = [input: Tensor, ...Takes<[other: Tensor], 'other'>]
function incomplete(
  name: 'igamma' | 'igammac',
  of: (a: number, x: number) => number,
  sign: 1 | -1,
): Overloaded<IncompleteArguments> {
  const slope = slopeOf(sign)
  const op = hostFunction(name, name, of, {
    ...both,
    accepts: (inputs: readonly Input[]) => {
      const dtype = commonType(inputs)
      if (!isFloat(dtype)) throw notImplemented(`${name}_cpu`, dtype)
    },
    vjp: ofSecond(`${name}: input`, (ctx) => apply(slope, [ctx.dy, ctx.operand(0), ctx.operand(1)], null)),
  })
  const read = method(name, required('other', tensor))
  return overloaded((...[x, ...args]: IncompleteArguments) => [op, [x, ...read(x, args)]])
}
/**
 * The regularized lower incomplete gamma function P(input, other), which rises from 0 to 1. Floats only; differentiable
 * in `other`.
 *
 * @example
 * igamma(tensor([1, 2]), tensor([1, 2])) // tensor([0.6321, 0.5940])
 */
export const igamma: Overloaded<IncompleteArguments> = incomplete('igamma', lowerGamma, 1)
/**
 * The regularized upper incomplete gamma function Q(input, other) = 1 - P, with all digits also where it is small.
 *
 * @example
 * igammac(tensor([1, 2]), tensor([1, 20])) // tensor([3.6788e-01, 4.3284e-08])
 */
export const igammac: Overloaded<IncompleteArguments> = incomplete('igammac', upperGamma, -1)

const zetaOp: OpDef<null> = hostFunction('SpecialZetaBackward0', 'special_zeta', hurwitzZeta, {
  ...both,
  vjp: ofSecond('zeta', (ctx) => {
    const x = ctx.operand(0)
    return apply(zetaSlope, [ctx.dy, x, apply(zetaOp, [apply(oneMore, [x], null), ctx.operand(1)], null)], null)
  }),
}) as OpDef<null>
const oneMore = elementwise('add', (x) => s.add(x, 1))
const zetaSlope = elementwise('mul', (dy, x, y) => s.neg(s.mul(dy, s.mul(x, y))))
/**
 * Hurwitz's zeta function, the sum of (q + k) ** -x over k from 0 on; Riemann's for a q of 1. Infinite for an x of 1,
 * NaN below. Differentiable in q.
 *
 * @example
 * special.zeta(tensor([2, 4]), 1) // tensor([1.6449, 1.0823])
 */
export const zeta: Overloaded<[x: TensorLike, q: TensorLike]> = binary(zetaOp as never, 'special_zeta')
