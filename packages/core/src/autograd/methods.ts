// Tensor's autograd methods: `loss.backward()` and hooks.
import type { GradHook } from '../tensor/node.ts'
import { type Arguments, bool, method, nullable, optional } from '../tensor/signature.ts'
import { Tensor } from '../tensor/tensor.ts'
import { type BackwardOptions, oneOrMore, seed, walkBack } from './grad.ts'
import { type RemovableHandle, registerHook, retainGrad } from './hooks.ts'

declare module '../tensor/tensor.ts' {
  interface Tensor {
    /**
     * Adds gradients to `.grad` of the leaves that this tensor was computed from. A tensor of several elements needs a
     * starting gradient of its shape.
     *
     * @example
     * const x = tensor(3, { requiresGrad: true })
     * x.mul(x).backward()
     * x.grad // tensor(6.)
     */
    backward(
      ...args: Arguments<
        [gradient: Tensor | null, retainGraph: boolean | null, createGraph: boolean],
        BackwardOptions & { readonly gradient?: Tensor | null }
      >
    ): void
    /**
     * Calls `fn` with the gradient of this tensor in every backward pass that reaches it; a tensor that it returns
     * replaces the gradient.
     *
     * @example
     * const x = tensor(3, { requiresGrad: true })
     * const handle = x.registerHook((grad) => grad.mul(2))
     * x.square().backward()
     * x.grad // tensor(12.)
     * handle.remove()
     */
    registerHook(fn: GradHook): RemovableHandle
    /** Makes backward store the gradient of this tensor in `.grad` even if it is not a leaf. */
    retainGrad(): void
  }
}

const backwardArguments = method(
  'backward',
  optional('gradient', seed, null),
  optional('retainGraph', nullable(bool), null),
  optional('createGraph', bool, false),
  optional('inputs', nullable(oneOrMore), null),
)

const retainGradArguments = method('retain_grad')

const methods = {
  backward(this: Tensor, ...args: readonly unknown[]) {
    const [gradient, retain, createGraph, inputs] = backwardArguments(this, args)
    walkBack(this, gradient, retain, createGraph, inputs)
  },
  registerHook(this: Tensor, fn: GradHook) {
    return registerHook(this, fn)
  },
  retainGrad(this: Tensor, ...none: []) {
    retainGradArguments(this, none)
    retainGrad(this)
  },
}
for (const [name, value] of Object.entries(methods)) {
  Object.defineProperty(Tensor.prototype, name, { value, configurable: true, writable: true })
}
