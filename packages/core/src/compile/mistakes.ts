// The errors of steps that use tensors in ways that a program cannot repeat.
import { RuntimeError } from '../base/errors.ts'

/** The error of a step that would change its own argument. */
export const writtenArgument = (path: string, where: string): RuntimeError =>
  new RuntimeError(
    `${path} is written in place inside a compiled step${where}`,
    'Clone it first, x.clone(), or let the step use the tensor from outside (captured) instead of passing it.',
  )

/** Throws the error of a tensor that has outlived its step. */
export const ended = (): never => {
  throw new RuntimeError(
    'a tensor that was made inside a compiled step is used after it: it was not returned, and its memory belongs to the step',
    'Return it from the step, or keep its elements in a tensor created outside: kept.copy_(x).',
  )
}
