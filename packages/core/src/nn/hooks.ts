// Hooks of modules. Users call `module.forward(x)`, so a module with hooks gets an own `forward` that calls them around
// its class's method; a module without hooks pays nothing.
import { keep } from '../autograd/collect.ts'
import { checkReplaced, type RemovableHandle } from '../autograd/hooks.ts'
import { checkCallable } from '../base/callable.ts'
import { AssertionError, RuntimeError, TypeError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { applyAll } from '../tensor/apply.ts'
import type { Input, OpDef } from '../tensor/op.ts'
import { isTensor, nothingMore } from '../tensor/signature.ts'
import { asUser } from '../tensor/temporaries.ts'
import { detached, Tensor } from '../tensor/tensor.ts'
import type { Module } from './module.ts'
import type { IncompatibleKeys } from './state-dict.ts'

type Gradients = readonly (Tensor | null)[]

/** Called before `forward` with its arguments; a returned value replaces them. */
export type ForwardPreHook<M extends Module = Module> = (module: M, args: Parameters<M['forward']>) => unknown
/** Called after `forward`; a returned value replaces the output. */
export type ForwardHook<M extends Module = Module> = (
  module: M,
  args: Parameters<M['forward']>,
  output: ReturnType<M['forward']>,
) => unknown
/**
 * Called when the gradients of a module's inputs are known, with them and those of its outputs; a returned value
 * replaces the gradients of the inputs. Missing gradients are null.
 */
export type FullBackwardHook = (
  module: Module,
  gradInput: Gradients,
  gradOutput: Gradients,
) => Tensor | Gradients | undefined | void

/** Called after the state of a module was loaded, with the keys that did not fit, which it may change. */
export type LoadHook<M extends Module = Module> = (module: M, incompatibleKeys: IncompatibleKeys) => void

export interface Hooks {
  readonly before: readonly ForwardPreHook[]
  readonly after: readonly ForwardHook[]
  readonly backward: readonly FullBackwardHook[]
  readonly loaded: readonly LoadHook[]
  /** The module's own `forward`, if it had one before the hooks. */
  readonly own: ((...args: unknown[]) => unknown) | null
}

export const hooksOf: unique symbol = Symbol('hooks')
type Hooked = Module & { [hooksOf]?: Hooks; forward: (...args: unknown[]) => unknown }
type Kind = 'before' | 'after' | 'backward' | 'loaded'
/** PyTorch's names of the methods that add hooks. */
const registering: Readonly<Record<Kind, string>> = {
  before: 'register_forward_pre_hook',
  after: 'register_forward_hook',
  backward: 'register_full_backward_hook',
  loaded: 'register_load_state_dict_post_hook',
}

/** Adds a hook; the handle removes it. */
export function addHook<K extends Kind>(
  module: Module,
  kind: K,
  hook: Hooks[K][number],
  none: readonly unknown[],
): RemovableHandle {
  checkCallable(registering[kind], hook, 'hook')
  nothingMore(registering[kind], none)
  const hooked = module as Hooked
  const hooks = hooked[hooksOf] ?? install(hooked)
  // A wrapper, so that registering one function twice makes two hooks.
  const entry = ((...args: never[]) => (hook as (...args: never[]) => unknown)(...args)) as Hooks[K][number]
  // A new object for each list of hooks, so that a recorded step notices the change.
  hooked[hooksOf] = { ...hooks, [kind]: [...hooks[kind], entry] }
  return {
    remove() {
      const before = hooked[hooksOf]
      if (before === undefined) return
      const now = { ...before, [kind]: (before[kind] as readonly unknown[]).filter((other) => other !== entry) }
      if (now.before.length + now.after.length + now.backward.length + now.loaded.length > 0) hooked[hooksOf] = now
      else uninstall(hooked, now)
    },
  }
}

/** What is to be called when the state of a module was loaded. */
export const loadHooks = (module: Module): readonly LoadHook[] =>
  ((module as Hooked)[hooksOf]?.loaded ?? []).map((hook) => (of, keys) => {
    const returned: unknown = hook(of, keys)
    if (returned === undefined || returned === null) return
    throw new AssertionError(
      'Hooks registered with ``register_load_state_dict_post_hook`` are notexpected to return new values, if incompatible_keys need to be modified,it should be done inplace.',
    )
  })

function install(module: Hooked): Hooks {
  const own = Object.hasOwn(module, 'forward') ? module.forward : null
  Object.defineProperty(module, 'forward', { value: forwardWithHooks, configurable: true, writable: true })
  return { before: [], after: [], backward: [], loaded: [], own }
}

function uninstall(module: Hooked, { own }: Hooks): void {
  delete module[hooksOf]
  if (own === null) Reflect.deleteProperty(module, 'forward')
  else Object.defineProperty(module, 'forward', { value: own, configurable: true, writable: true, enumerable: true })
}

function forwardWithHooks(this: Hooked, ...args: unknown[]): unknown {
  const { before, after, backward, own } = this[hooksOf] as Hooks
  let given = args
  for (const hook of before) {
    const replaced = hook(this, given)
    if (replaced !== undefined && replaced !== null) given = Array.isArray(replaced) ? replaced : [replaced]
  }
  const watch = backward.length === 0 ? null : new BackwardWatch(this, backward)
  if (watch !== null) given = [...watch.enter(given)]
  const forward = own ?? (Object.getPrototypeOf(this) as Hooked).forward
  let output = forward.apply(this, given)
  for (const hook of after) {
    const replaced = hook(this, given, output)
    if (replaced !== undefined && replaced !== null) output = replaced
  }
  return watch === null ? output : watch.leave(output)
}

/** Passes tensors through and sees their gradients in the backward pass. */
const passOp: OpDef<(gradients: Gradients) => Gradients> = {
  name: 'BackwardHookFunctionBackward',
  infer: (inputs) => inputs.map(({ sizes, dtype }) => ({ sizes, dtype })),
  // A hook may keep a gradient, so nothing takes over its memory.
  vjp: ({ attrs, dys }) => asUser(() => attrs(dys.map((dy) => dy && keep(dy)))),
  to: { kind: 'compose', compose: (inputs) => inputs.map((x) => detached(x as Tensor)) },
}

/**
 * One forward pass of a module with backward hooks: collects all gradients of the outputs before those of the inputs.
 */
class BackwardWatch {
  readonly #module: Module
  readonly #hooks: readonly FullBackwardHook[]
  #arguments = 0
  #watchesInputs = false
  #gradOutput: Gradients = []

  constructor(module: Module, hooks: readonly FullBackwardHook[]) {
    this.#module = module
    this.#hooks = hooks
  }

  enter(args: readonly unknown[]): readonly unknown[] {
    this.#arguments = args.length
    this.#watchesInputs = args.some(isWatched)
    return watched(args, (gradients) => this.#call(gradients))
  }

  leave(output: unknown): unknown {
    const seen = (gradients: Gradients): Gradients => {
      this.#gradOutput = gradients
      if (!this.#watchesInputs) this.#call(new Array(this.#arguments).fill(null))
      return gradients
    }
    return Array.isArray(output) ? watched(output, seen) : watched([output], seen)[0]
  }

  #call(found: Gradients): Gradients {
    let gradInput = found
    for (const hook of this.#hooks) {
      const replaced: unknown = hook(this.#module, gradInput, this.#gradOutput)
      if (replaced !== undefined && replaced !== null) gradInput = replacing(hook, found, replaced)
    }
    return gradInput
  }
}

/** The gradients that a hook returned: one for each input, of its shape and dtype. */
function replacing(hook: FullBackwardHook, found: Gradients, returned: unknown): Gradients {
  const list: unknown = isTensor(returned) ? [returned] : returned
  if (!Array.isArray(list)) {
    throw new TypeError(
      `object of type '${typeName(list)}' has no len()`,
      'A backward hook must return the gradients of the inputs: a tensor, an array of them, or nothing.',
    )
  }
  if (list.length !== found.length) {
    throw new RuntimeError(
      `Backward hook returned an invalid number of grad_input, got ${list.length}, but expected ${found.length}`,
    )
  }
  return Array.from(list, (dx: unknown, i): Tensor | null => {
    const dy = found[i]
    if (dx === undefined || dx === null || dy === null) return null
    checkReplaced(hook, dy, dx)
    return dx
  })
}

const isWatched = (x: unknown): x is Tensor => x instanceof Tensor && x.requiresGrad

/** Passes values whose gradients `seen` gets and may replace, all at once; null for values without one. */
function watched(values: readonly unknown[], seen: (gradients: Gradients) => Gradients): readonly unknown[] {
  const positions = values.flatMap((x, i) => (isWatched(x) ? [i] : []))
  if (positions.length === 0) return values
  const passed = applyAll(
    passOp,
    positions.map((i) => values[i] as Input),
    (gradients) => {
      const all: (Tensor | null)[] = new Array(values.length).fill(null)
      positions.forEach((position, i) => void (all[position] = gradients[i]))
      const replaced = seen(all)
      return positions.map((position) => replaced[position] ?? null)
    },
  )
  return values.map((x, i) => (positions.includes(i) ? passed[positions.indexOf(i)] : x))
}
