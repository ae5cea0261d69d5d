// `autograd.graph`: hooks for the tensors that the graph saves for its gradients. A pair of hooks packs each of them in
// the forward pass, and unpacks it when the backward pass needs it, so that they can wait elsewhere or be computed again.
import { checkCallable } from '../base/callable.ts'
import { RuntimeError, TypeError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { to } from '../ops/create/convert.ts'
import { mode, type Packed, withMode } from '../tensor/mode.ts'
import { isTensor, required, signature, str } from '../tensor/signature.ts'
import { asUser } from '../tensor/temporaries.ts'
import { detached, edgeOf, type Tensor } from '../tensor/tensor.ts'

/** A tensor that a node saves, as a pair of hooks keeps it. */
class Saved<P> implements Packed {
  readonly wrapped = 'packed'
  /** Visible to a scope, which looks for memory in use. */
  readonly packed: P
  readonly #unpack: (packed: P) => Tensor
  readonly #node: Tensor['node']
  readonly #outIndex: number
  #value: Tensor | null = null

  constructor(x: Tensor, pack: (x: Tensor) => P, unpack: (packed: P) => Tensor) {
    const { version } = x
    this.packed = withMode('pack', { grad: false }, () => pack(x))
    if (x.version !== version) {
      throw new RuntimeError(
        'A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook can not be modified by in-place operations as this can lead to unexpected side-effects. Please open an issue if you need to perform in-place operations on the input to a pack hook.',
        'Write to a copy: x.clone().mul_(2).',
      )
    }
    this.#unpack = unpack
    this.#node = edgeOf(x)
    this.#outIndex = x.outIndex
  }

  unpacked(): Tensor {
    if (this.#value !== null) return this.#value
    const given: unknown = asUser(() => this.#unpack.call(undefined, this.packed))
    if (!isTensor(given)) {
      throw new TypeError(
        `Output of saved tensor unpack_hook expected to be a Tensor but got result of type ${typeName(given)}`,
      )
    }
    // The gradient of a gradient flows to where it would without the hooks.
    const x = detached(given)
    x.node = this.#node
    x.outIndex = this.#outIndex
    this.#value = x
    return x
  }

  forget(): void {
    this.#value = null
  }
}

/**
 * Runs `fn`; every tensor that its graph saves for gradients goes through `pack`, and the backward pass gets what
 * `unpack` makes of the result. Of nested pairs the innermost applies.
 *
 * Throws a RuntimeError if `pack` writes to its tensor, and a TypeError in the backward pass if `unpack` does not return
 * a tensor.
 *
 * @example
 * const x = tensor([1, 2], { requiresGrad: true })
 * const y = autograd.graph.savedTensorsHooks((saved) => saved.toArray(), tensor, () => x.square().sum())
 * y.backward()
 * x.grad // tensor([2., 4.])
 */
export function savedTensorsHooks<P, R>(pack: (x: Tensor) => P, unpack: (packed: P) => Tensor, fn: () => R): R {
  checkCallable('saved_tensors_hooks', pack, 'pack_hook')
  checkCallable('saved_tensors_hooks', unpack, 'unpack_hook')
  if (disabled !== null) throw new RuntimeError(disabled)
  const outer = mode.pack
  mode.pack = (x) => new Saved(x as Tensor, pack, unpack)
  try {
    return withMode('savedTensorsHooks', {}, fn)
  } finally {
    mode.pack = outer
  }
}

/**
 * Runs `fn`; the tensors that its graph saves for gradients wait in the memory of device 'js', and move back to their
 * device when the backward pass needs them.
 *
 * @example
 * const x = tensor([1, 2], { requiresGrad: true })
 * autograd.graph.saveOnCpu(() => x.square().sum()).backward()
 * x.grad // tensor([2., 4.])
 */
export const saveOnCpu = <R>(fn: () => R): R =>
  savedTensorsHooks(
    (x) => ({ device: x.device, x: to(x, 'js', { copy: true }) }),
    ({ device, x }) => to(x, device),
    fn,
  )

/** The message with which pairs of hooks are refused now, or null. */
let disabled: string | null = null
/**
 * Runs `fn`, in which pairs of hooks for saved tensors throw a RuntimeError with the given message.
 *
 * Throws it at once within such a pair.
 *
 * @example
 * autograd.graph.disableSavedTensorsHooks('not here', () => x.square())
 */
export function disableSavedTensorsHooks<R>(errorMessage: string, fn: () => R): R {
  disableArguments([errorMessage])
  checkCallable('disable_saved_tensors_hooks', fn)
  if (mode.pack !== null) throw new RuntimeError(errorMessage)
  const outer = disabled
  disabled = errorMessage
  try {
    return withMode('disableSavedTensorsHooks', {}, fn)
  } finally {
    disabled = outer
  }
}
const disableArguments = signature('disable_saved_tensors_hooks', required('errorMessage', str))
