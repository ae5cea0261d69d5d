// Functions for elementwise ops. `resolve` gives the op and inputs that a call stands for, and so each function also
// has an in-place form (`x.exp_()`, methods.ts).
import { type DType, isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { type Expr, s } from '../../expr/expr.ts'
import { apply, operand } from '../../tensor/apply.ts'
import type { Input } from '../../tensor/op.ts'
import { isTensor, type Kind, refused, required, tensor, tooMany } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import type { Elementwise } from './elementwise.ts'

/**
 * An operand. A function is a floating-point number that is read again whenever the op runs, in a compiled step too.
 */
export type TensorLike = Tensor | number | boolean | (() => number)
type Call = readonly [op: Elementwise, inputs: readonly Input[]]
/** An elementwise function; `resolve` says which op its arguments call in the in-place form (`x.exp_()`). */
export interface Overloaded<A extends unknown[]> {
  (...args: A): Tensor
  readonly resolve: (...args: A) => Call
}

const isOperand = (x: unknown): x is TensorLike =>
  typeof x === 'object' ? isTensor(x) : typeof x === 'number' || typeof x === 'boolean' || typeof x === 'function'
/** A tensor, a number, or a function that returns one. */
export const operandKind: Kind<TensorLike> = { expected: 'Tensor', accepts: isOperand }

/** Both operands of a function; anything else is PyTorch's error. Positions are those of the method. */
export function operands(name: string, x: TensorLike, y: TensorLike, second = 'other'): readonly [Input, Input] {
  const a = isTensor(x) ? x : isOperand(x) ? operand(x) : null
  if (a === null) throw refused(name, required('input', tensor), 1, x)
  const b = isTensor(y) ? y : isOperand(y) ? operand(y) : null
  if (b === null) throw refused(name, required(second, operandKind), 1, y)
  return [a, b]
}

/** A function whose arguments determine the op it calls, and the op of the in-place form if that differs. */
export function overloaded<A extends unknown[]>(
  resolve: (...args: A) => Call,
  inPlace: (...args: A) => Call = resolve,
): Overloaded<A> {
  const call = (...args: A): Tensor => {
    const [op, inputs] = resolve(...args)
    return apply(op, inputs, null)
  }
  return Object.assign(call, { resolve: inPlace })
}

/** Throws for anything but a tensor, and for further arguments, except those that `Array.prototype.map` adds. */
export function checkAlone(name: string, x: Tensor, first: unknown, second: unknown): void {
  if (!isTensor(x)) throw refused(name, required('input', tensor), 1, x)
  if (first !== undefined && !(typeof first === 'number' && Array.isArray(second))) throw tooMany(name, first)
}

/** A function of one tensor. `name` is PyTorch's, if the op has another. */
export function unary(op: Elementwise, name = op.name): Overloaded<[x: Tensor]> {
  const resolve = (x: Tensor, first?: unknown, second?: unknown): Call => {
    checkAlone(name, x, first, second)
    return [op, [x]]
  }
  const call = (x: Tensor, first?: unknown, second?: unknown): Tensor => {
    checkAlone(name, x, first, second)
    return apply(op, [x], null)
  }
  return Object.assign(call, { resolve }) as Overloaded<[x: Tensor]>
}

/** A function of two tensors or numbers. */
export function binary(op: Elementwise, name = op.name): Overloaded<[x: TensorLike, y: TensorLike]> {
  const inputsOf = (x: TensorLike, y: TensorLike, more: unknown): readonly [Input, Input] => {
    if (more !== undefined) throw tooMany(name, more)
    return operands(name, x, y)
  }
  const resolve = (x: TensorLike, y: TensorLike, more?: unknown): Call => [op, inputsOf(x, y, more)]
  const call = (x: TensorLike, y: TensorLike, more?: unknown): Tensor => apply(op, inputsOf(x, y, more), null)
  return Object.assign(call, { resolve }) as Overloaded<[x: TensorLike, y: TensorLike]>
}

/** The same op under another name, because PyTorch names the nodes of some functions by their arguments. */
export const named = (name: string, op: Elementwise): Elementwise => ({ ...op, name })

/** For integers, a divisor of 0 makes the call an error. */
export const divisorCheck = ([, b]: readonly Expr[], dtype: DType) =>
  isFloat(dtype)
    ? undefined
    : { expr: s.eq(b, 0), error: () => new RuntimeError('ZeroDivisionError', 'The divisor contains a 0.') }
