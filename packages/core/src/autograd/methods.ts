// The methods of Tensor that belong to autograd: `loss.backward()` and hooks.
import type { GradHook } from '../tensor/node.ts'
import { Tensor } from '../tensor/tensor.ts'
import { type BackwardOptions, backward } from './grad.ts'
import { type RemovableHandle, registerHook, retainGrad } from './hooks.ts'

declare module '../tensor/tensor.ts' {
  interface Tensor {
    /**
     * Fills `.grad` of the leaves that this tensor was computed from, adding to what is there. One of several elements
     * needs a gradient of its shape to start from.
     *
     * @example
     * const x = tensor(3, { requiresGrad: true })
     * x.mul(x).backward()
     * x.grad // tensor(6.)
     */
    backward(gradient?: Tensor | null | BackwardOptions, options?: BackwardOptions): void
    /**
     * Calls `fn` with the gradient of this tensor in every backward that reaches it; a tensor that it returns takes the
     * gradient's place.
     *
     * @example
     * const x = tensor(3, { requiresGrad: true })
     * const handle = x.registerHook((grad) => grad.mul(2))
     * x.square().backward()
     * x.grad // tensor(12.)
     * handle.remove()
     */
    registerHook(fn: GradHook): RemovableHandle
    /** Makes backward collect the gradient of this tensor in `.grad` though it is not a leaf. */
    retainGrad(): void
  }
}

const isOptions = (x: unknown): x is BackwardOptions =>
  typeof x === 'object' && x !== null && !(x instanceof Tensor) && !Array.isArray(x)

const methods = {
  backward(this: Tensor, gradient?: Tensor | null | BackwardOptions, options?: BackwardOptions) {
    if (isOptions(gradient)) backward(this, null, gradient)
    else backward(this, gradient, options)
  },
  registerHook(this: Tensor, fn: GradHook) {
    return registerHook(this, fn)
  },
  retainGrad(this: Tensor) {
    retainGrad(this)
  },
}
for (const [name, value] of Object.entries(methods)) {
  Object.defineProperty(Tensor.prototype, name, { value, configurable: true, writable: true })
}
