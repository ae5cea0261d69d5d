// Functions over elementwise records. Each also says, by `resolve`, which record its arguments call with which inputs, and
// so has an in-place form (`x.exp_()`, methods.ts).
import { apply, operand } from '../tensor/apply.ts'
import type { Input } from '../tensor/op.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Elementwise } from './define.ts'

/** An operand. A function is a floating-point number that is read anew whenever the op runs, in a compiled step too. */
export type TensorLike = Tensor | number | boolean | (() => number)
type Call = readonly [record: Elementwise, inputs: readonly Input[]]
/** An elementwise function; `resolve` says which record its arguments call, for the in-place form (`x.exp_()`). */
export interface Recorded<A extends unknown[]> {
  (...args: A): Tensor
  readonly resolve: (...args: A) => Call
}

/** A function whose arguments say which record they call. */
export function recorded<A extends unknown[]>(resolve: (...args: A) => Call): Recorded<A> {
  const call = (...args: A): Tensor => {
    const [record, inputs] = resolve(...args)
    return apply(record, inputs, null)
  }
  return Object.assign(call, { resolve })
}

/** A function of one tensor. */
export const unary = (record: Elementwise): Recorded<[x: Tensor]> =>
  Object.assign((x: Tensor) => apply(record, [x], null), { resolve: (x: Tensor): Call => [record, [x]] })

/** A function of two tensors or numbers. */
export const binary = (record: Elementwise): Recorded<[x: TensorLike, y: TensorLike]> =>
  Object.assign((x: TensorLike, y: TensorLike) => apply(record, [operand(x), operand(y)], null), {
    resolve: (x: TensorLike, y: TensorLike): Call => [record, [operand(x), operand(y)]],
  })
