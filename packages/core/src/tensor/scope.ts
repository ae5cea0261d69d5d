// Scopes free memory early. They are optional, because memory that no tensor holds is reclaimed eventually. At its end
// a scope frees what was created in it and is no longer reachable from what outlives it: the result, tensors from
// outside that got a gradient, another graph or other memory, and optimizers' state.
import { checkCallable } from '../base/callable.ts'
import { RuntimeError } from '../base/errors.ts'
import { Device, Storage, storagesMade } from './device.ts'
import { effects, nodesMade, type ScopeSink } from './effects.ts'
import { Node } from './node.ts'
import { Tensor } from './tensor.ts'

const ended = (): never => {
  throw new RuntimeError(
    'a tensor is used after the scope that created it: it was not returned, and its memory was freed',
    'Return it from the scope, alone or in arrays and objects, or keep its elements in a tensor created outside: kept.copy_(x).',
  )
}

class Scope implements ScopeSink {
  readonly users = this
  readonly #outer = effects.scope as Scope | null
  readonly #firstStorage = storagesMade()
  readonly #firstNode = nodesMade()
  readonly #made: Storage[] = []
  readonly #changed = new Set<Tensor>()
  readonly #lasting = new Set<Tensor>()

  made(storage: Storage): void {
    this.#made.push(storage)
  }

  changed(x: Tensor): void {
    this.#changed.add(x)
  }

  holds(x: Tensor): void {
    this.#lasting.add(x)
  }

  /** Frees what was created and cannot be reached from `result` or from outside; the rest passes to the outer scope. */
  end(result: unknown): void {
    const outside = [...this.#changed].filter(({ storage }) => storage.serial < this.#firstStorage)
    const kept = this.#reachable([result, ...outside, ...this.#lasting])
    for (const storage of this.#made) {
      if (!kept.has(storage)) storage.free(ended)
      else this.#outer?.made(storage)
    }
    for (const x of this.#changed) this.#outer?.changed(x)
    for (const x of this.#lasting) this.#outer?.holds(x)
  }

  /** The memory of all tensors in values, of their gradients, and of the values saved in their graphs. */
  #reachable(values: readonly unknown[]): Set<Storage> {
    const storages = new Set<Storage>()
    const seen = new Set<object>()
    const open: unknown[] = [values]
    while (open.length > 0) {
      const x = open.pop()
      if (typeof x !== 'object' || x === null || seen.has(x)) continue
      seen.add(x)
      if (x instanceof Tensor) {
        storages.add(x.storage.root)
        open.push(x.collected, x.node, x.viewOf?.base, x.viewOf?.parent)
      } else if (x instanceof Node) {
        // A node from before the scope saved nothing that was created in it.
        if (x.order >= this.#firstNode) open.push(x.leaf, x.attrs, x.edges, x.saved)
      } else if (x instanceof Map) open.push([...x.keys()], [...x.values()])
      else if (x instanceof Set) open.push([...x])
      else if (!(x instanceof Storage || x instanceof Device || ArrayBuffer.isView(x)))
        for (const part of Object.values(x)) if (typeof part === 'object') open.push(part)
    }
    return storages
  }
}

/**
 * Runs `fn`, then frees the memory of the tensors created in it, except those that it returns (also in arrays, objects
 * and modules), gradients of tensors from outside, optimizers' state, and values that a later backward pass of these
 * needs. A tensor kept anywhere else throws when it is used.
 *
 * Throws a RuntimeError if `fn` is async. If `fn` throws, the tensors that it created are freed, too.
 *
 * @example
 * scope(() => ones(1000, 1000).mul(2).sum()) // tensor(2000000.)
 */
export function scope<R>(fn: () => R, ...none: []): R {
  checkCallable('scope', fn, 'fn', none)
  const outer = effects.scope
  const own = new Scope()
  effects.scope = own
  let result: R | undefined
  try {
    result = fn()
    if (!(result instanceof Promise)) return result
    throw new RuntimeError(
      'scope cannot run an async function',
      'The scope would end at the first await. Make the function synchronous and await outside.',
    )
  } finally {
    effects.scope = outer
    own.end(result)
  }
}
