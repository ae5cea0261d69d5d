// Writes by a function of JavaScript, element by element: apply_ and map_. They read the tensor, so that a compiled step
// refuses them.
import { dtypeName, newArray } from '../../base/dtype.ts'
import { checkCallable } from '../../base/callable.ts'
import { RuntimeError, TypeError } from '../../base/errors.ts'
import { typeName } from '../../base/python.ts'
import { effects } from '../../tensor/effects.ts'
import { checkWritable } from '../../tensor/in-place.ts'
import { noGrad } from '../../tensor/mode.ts'
import { type Takes, checkSelf, fn as fnKind, method, nothingMore, required, tensor } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { fromArray } from '../create/create.ts'
import { numberFor } from '../define/arguments.ts'
import { expand } from '../views/views.ts'
import { copy_ } from './write.ts'

/** Replaces every element by what a function makes of it, given its position in row-major order. */
function replaced(x: Tensor, name: string, of: (value: number, i: number) => unknown): Tensor {
  effects.sink?.refuse(`${name}()`, 'Use operations on whole tensors.')
  if (x.requiresGrad)
    throw new RuntimeError(
      `Can't call ${name}() on Variable that requires grad. Use var.detach().${name}() instead.`,
      'Operations on whole tensors have gradients; elementwise() makes one of an expression.',
    )
  checkWritable(x, [])
  const old = x.toArray()
  const values = newArray(x.dtype, old.length)
  for (let i = 0; i < old.length; i++) {
    const value = of(old[i], i)
    if (typeof value !== 'number' && typeof value !== 'boolean')
      throw new TypeError(`must be real number, not ${typeName(value)}`, `The function of ${name} returned it.`)
    values[i] = Number(numberFor(value, x.dtype))
  }
  return noGrad(() => copy_(x, fromArray(values, x.sizes, { device: x.device })))
}

/**
 * Replaces every element by `callable(element)`, in place. Slow: for what operations on whole tensors cannot say.
 *
 * Throws a RuntimeError for a tensor that requires a gradient, and a TypeError if the function gives no number; nothing
 * is changed then.
 *
 * @example
 * tensor([1, 2]).apply_((value) => 10 * value) // tensor([10., 20.])
 */
export function apply_(x: Tensor, callable: (value: number) => number | boolean, ...none: []): Tensor {
  checkSelf('apply_', x)
  checkCallable('apply_', callable, 'callable')
  nothingMore('apply_', none)
  return replaced(x, 'apply_', (value) => callable(value))
}

const mapArguments = method('map_', required('tensor', tensor), required('callable', fnKind))
/**
 * Replaces every element by `callable(element, other)`, with the elements of another tensor of the same dtype, which
 * is expanded to this one's shape.
 *
 * Throws as `apply_` does, and a TypeError for another dtype.
 *
 * @example
 * tensor([1, 2]).map_(tensor([3, 4]), (a, b) => a * b) // tensor([3., 8.])
 */
export function map_(
  x: Tensor,
  ...args: Takes<[tensor: Tensor, callable: (value: number, other: number) => number | boolean], 'tensor callable'>
): Tensor {
  const [other, callable] = mapArguments(x, args)
  if (other.dtype !== x.dtype) {
    const [own, given] = [x.dtype, other.dtype].map((dtype) => `torch.${dtypeName[dtype]}Tensor`)
    throw new TypeError(`map_: expected ${own} for 'other' (got ${given})`)
  }
  const others = noGrad(() => expand(other.detach(), x.sizes)).toArray()
  return replaced(x, 'map_', (value, i) => callable(value, others[i]))
}
