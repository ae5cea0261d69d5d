// Hooks: functions that see, and may replace, the gradient of a tensor in the backward pass. Retaining the gradient of
// a non-leaf tensor is a hook too, so it sees the results of earlier hooks.
import { dtypeName } from '../base/dtype.ts'
import { checkCallable } from '../base/callable.ts'
import { RuntimeError, TypeError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { sameShape } from '../base/shape.ts'
import { accumulator, type GradHook, type Hook, type Node } from '../tensor/node.ts'
import { isTensor } from '../tensor/signature.ts'
import { asUser } from '../tensor/temporaries.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Arrivals, keep } from './collect.ts'
import { used, waiting } from './incoming.ts'

/** The handle of a registered hook: `remove()` removes it. */
export interface RemovableHandle {
  remove(): void
}

/**
 * Calls `fn` with the gradient of `x` in every backward pass that reaches it; a tensor that it returns replaces the
 * gradient.
 *
 * @example
 * const x = tensor(3, { requiresGrad: true })
 * const handle = x.registerHook((grad) => grad.mul(2))
 * handle.remove()
 */
export function registerHook(x: Tensor, fn: GradHook): RemovableHandle {
  checkCallable('register_hook', fn)
  if (!x.requiresGrad) throw new RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
  const node = x.gradFn ?? accumulator(x)
  const hook: Hook = { index: x.outIndex, fn }
  node.addHook(hook)
  return {
    remove() {
      node.removeHook(hook)
    },
  }
}

/** Makes backward store the gradient of a tensor that is not a leaf in its `.grad`, too. */
export function retainGrad(x: Tensor): Tensor {
  if (!x.requiresGrad) throw new RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
  const node = x.gradFn
  if (node !== null && x.retained === null) {
    x.retained = { index: x.outIndex, fn: (dy) => Arrivals.current?.add(x, dy) }
    node.addHook(x.retained)
  }
  return x
}

/** Calls a node's hooks with the gradients that have arrived; returned tensors replace them. */
export function runHooks(node: Node): void {
  const { dys } = node
  for (const { index, fn } of node.hooks ?? []) {
    const dy = dys[index]
    if (dy === null) continue
    const replaced = asUser(() => fn(keep(dy)))
    if (replaced === undefined || replaced === null) continue
    checkReplaced(fn, dy, replaced)
    used([dy])
    dys[index] = waiting(keep(replaced))
  }
}

/** Throws PyTorch's error for a hook's return value that cannot replace a gradient. */
export function checkReplaced(
  { name }: { readonly name: string },
  dy: Tensor,
  replaced: unknown,
): asserts replaced is Tensor {
  if (!isTensor(replaced)) {
    throw new TypeError(
      `expected Variable, but hook returned '${typeName(replaced)}'`,
      'A hook must return a tensor, or nothing to keep the gradient.',
    )
  }
  const changed = `hook '${name || '<lambda>'}' has changed the`
  if (replaced.dtype !== dy.dtype) {
    const [was, got] = [dy, replaced].map(({ dtype }) => `torch.${dtypeName[dtype]}Tensor`)
    throw new RuntimeError(`${changed} type of value (was ${was} got ${got})`)
  }
  if (!sameShape(replaced.sizes, dy.sizes)) throw new RuntimeError(`${changed} size of value`)
}
