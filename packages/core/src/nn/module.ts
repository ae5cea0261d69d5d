// The base class of layers and models. Parameters, buffers and submodules are a module's own properties, found on
// demand: there is no registry to keep in sync, and a plain assignment suffices. What is found keeps its kind (held.ts).
import { inspect } from '../base/inspect.ts'
import { className } from '../base/class-name.ts'
import type { DTypeWord } from '../base/dtype.ts'
import { AttributeError, NotImplementedError, RuntimeError, TypeError } from '../base/errors.ts'
import { clearGradients } from '../autograd/collect.ts'
import type { RemovableHandle } from '../autograd/hooks.ts'
import { checkCallable } from '../base/callable.ts'
import { cpu, type CudaOption, cuda } from '../ops/create/convert.ts'
import { assign, effect, noted } from '../tensor/effects.ts'
import { type Arguments, isTensor, nothingMore } from '../tensor/signature.ts'
import { detached, kindOf, type Tensor } from '../tensor/tensor.ts'
import { copyInstance, copyOf, copyWith, type Memo } from './copy.ts'
import {
  addHook,
  type ForwardHook,
  type ForwardPreHook,
  type FullBackwardHook,
  type LoadHook,
  loadHooks,
} from './hooks.ts'
import { watchForward } from './forward.ts'
import { callForward } from './hidden.ts'
import { hold, holdMembers, isCalled, isSlot } from './held.ts'
import { type Move, movedBy, moverBy, moverTo, moving, type To, typed } from './move.ts'
import { Parameter } from './parameter.ts'
import {
  buffersOf,
  findMember,
  getProperty,
  isModule,
  membersOf,
  namedModules,
  namedMembers,
  ownBuffers,
  ownModules,
  ownParameters,
  ownSlots,
  ownState,
  setModule,
  setProperty,
} from './members.ts'
import * as takes from './module-arguments.ts'
import { isUninitialized } from './uninitialized.ts'
import { checkFree, checkName, checkString, noAttribute, ownerOf, wrongMember } from './module-arguments.ts'
import { asStateDict, extraState, type IncompatibleKeys, Loading, StateDict, type StateDictLike } from './state-dict.ts'

/** Where `training` is stored; the accessor reports reads to a recorder. */
const trainingOf: unique symbol = Symbol('training')

/** PyTorch's error of a class that has no extra state. */
const noExtraState = (verb: 'get' | 'set'): RuntimeError =>
  new RuntimeError(
    `Reached a code path in Module.${verb}_extra_state() that should never be called. Please file an issue at https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml to report this bug.`,
    `Define ${verb}ExtraState in the class.`,
  )

interface RecurseOption {
  readonly recurse?: boolean
}
interface NamesOptions extends RecurseOption {
  readonly prefix?: string
}
/**
 * The base class of layers and models.
 *
 * @example
 * class Model extends nn.Module {
 *   linear = new nn.Linear(30, 1)
 *   act = new nn.Sigmoid()
 *   forward(x: Tensor) {
 *     return this.act.forward(this.linear.forward(x))
 *   }
 * }
 */
export class Module {
  [trainingOf] = true;
  [buffersOf]: Map<string, boolean> | undefined = undefined;
  [isCalled] = false

  constructor() {
    // Not `new.target`, because terser may move this code into another function, where it differs.
    watchForward(Object.getPrototypeOf(this) as Module, Module.prototype, callForward)
  }

  /** Whether the module is in training mode, on which dropout and batch normalisation depend. */
  get training(): boolean {
    return noted(this, trainingOf)
  }

  set training(training: boolean) {
    if (typeof training !== 'boolean') throw takes.notBoolean()
    assign(this, trainingOf, training)
  }

  /** The computation, which every model defines. */
  // biome-ignore lint/suspicious/noExplicitAny: a module may take and return anything
  forward(..._args: any[]): any {
    throw new NotImplementedError(
      `Module [${className(this.constructor)}] is missing the required "forward" function`,
      'Define forward(x) { ... } in the class.',
    )
  }

  /**
   * The properties in which members are looked for; containers return their list instead. The key in state dicts is the
   * property in snake_case, unless another one is given. A null is a submodule that was taken away.
   */
  [membersOf](): Iterable<readonly [property: string, value: unknown, key?: string]> {
    holdMembers(this)
    return Object.entries(this).filter(([name, value]) => value !== null || isSlot(this, name))
  }

  // ---- members ----

  /** The parameters with their names, each once: a module's own, then those of its submodules. */
  namedParameters(
    ...args: Arguments<[prefix: string, recurse: boolean], NamesOptions>
  ): [name: string, parameter: Parameter][] {
    const [prefix, recurse] = takes.namedParameters(args)
    return namedMembers(this, prefix, recurse, ownParameters)
  }

  /** The parameters, for an optimizer. */
  parameters(...args: Arguments<[recurse: boolean], RecurseOption>): Parameter[] {
    const [recurse] = takes.parameters(args)
    return this.namedParameters('', recurse).map(([, parameter]) => parameter)
  }

  /** The declared buffers with their names, including those that are not saved. */
  namedBuffers(...args: Arguments<[prefix: string, recurse: boolean], NamesOptions>): [name: string, buffer: Tensor][] {
    const [prefix, recurse] = takes.namedBuffers(args)
    return namedMembers(this, prefix, recurse, (module) => ownBuffers(module).map(({ key, tensor }) => [key, tensor]))
  }

  /** The declared buffers of this module and, with `recurse`, of those below. */
  buffers(...args: Arguments<[recurse: boolean], RecurseOption>): Tensor[] {
    const [recurse] = takes.buffers(args)
    return this.namedBuffers('', recurse).map(([, buffer]) => buffer)
  }

  /** The direct submodules with their names, each once. */
  namedChildren(): [name: string, module: Module][] {
    const seen = new Set<Module>()
    return ownModules(this).filter(([, module]) => !seen.has(module) && seen.add(module))
  }

  /** The direct submodules, each once. */
  children(): Module[] {
    return this.namedChildren().map(([, module]) => module)
  }

  /** This module and all below it with their names, each once. */
  namedModules(...args: Arguments<[prefix: string], Pick<NamesOptions, 'prefix'>>): [name: string, module: Module][] {
    const [prefix] = takes.namedModules(args)
    return namedModules(this, prefix)
  }

  /** This module and all below it, each once. */
  modules(): Module[] {
    return this.namedModules().map(([, module]) => module)
  }

  /** The module at a path of names ('0.conv_first') or properties ('0.convFirst'); this module for ''. */
  getSubmodule(...args: [target: string]): Module {
    const [target] = takes.getSubmodule(args)
    let module: Module = this
    for (let rest = target; rest !== ''; ) {
      const found = findMember(module, rest)
      if (found === undefined) throw noAttribute(module, rest.split('.')[0])
      if (!isModule(found.member)) throw new AttributeError(`\`${found.name}\` is not an nn.Module`)
      module = found.member
      rest = rest.slice(found.name.length + 1)
    }
    return module
  }

  /** The parameter at a path such as '0.weight'. */
  getParameter(...args: [target: string]): Parameter {
    const [target] = takes.getParameter(args)
    const [module, name] = ownerOf(this, target)
    const found = findMember(module, name)
    if (found === undefined) throw noAttribute(module, name)
    if (!(found.member instanceof Parameter)) throw new AttributeError(`\`${name}\` is not an nn.Parameter`)
    return found.member
  }

  /** The buffer at a path such as '1.running_mean'. */
  getBuffer(...args: [target: string]): Tensor {
    const [target] = takes.getBuffer(args)
    const [module, name] = ownerOf(this, target)
    const found = ownBuffers(module).find(({ key, property }) => key === name || property === name)
    if (found !== undefined) return found.tensor
    throw findMember(module, name) === undefined
      ? noAttribute(module, name)
      : new AttributeError(`\`${name}\` is not a buffer`)
  }

  // ---- declaring members ----

  /**
   * Declares and sets a tensor property that is not a parameter but part of the module's state. `persistent: false`
   * leaves it out of state dicts.
   *
   * @example
   * this.registerBuffer('runningMean', zeros(3)) // saved as 'running_mean'
   */
  registerBuffer(
    ...args: [name: string, tensor: Tensor | null, persistent?: boolean | { readonly persistent?: boolean }]
  ): void {
    const [name, tensor, persistent] = takes.registerBuffer(args)
    checkName('buffer', name)
    if (this[buffersOf]?.has(name) !== true) checkFree(this, name, tensor)
    if (tensor !== null && !isTensor(tensor)) throw wrongMember(tensor, 'buffer', name, 'torch Tensor')
    this[buffersOf] ??= new Map()
    this[buffersOf].set(name, persistent)
    hold(this, name, 'buffer', tensor)
  }

  /** Sets a parameter by name: a checked assignment. */
  registerParameter(...args: [name: string, parameter: Parameter | null]): void {
    const [name, parameter] = takes.registerParameter(args)
    checkName('parameter', name)
    if (!(getProperty(this, name) instanceof Parameter)) checkFree(this, name, parameter)
    if (parameter !== null && !(parameter instanceof Parameter))
      throw wrongMember(parameter, 'parameter', name, 'torch.nn.Parameter')
    hold(this, name, 'parameter', parameter)
  }

  /** Sets a submodule by name: a checked assignment. */
  registerModule(...args: [name: string, module: Module | null]): void {
    const [name, module] = takes.registerModule(args)
    if (module !== null && !isModule(module)) throw new TypeError(`${kindOf(module)} is not a Module subclass`)
    checkString('module', name)
    if (!isModule(getProperty(this, name))) checkFree(this, name, module)
    checkName('module', name)
    this[setModule](name, module)
  }

  /** Sets a submodule as a property; containers keep it in their list, too. */
  [setModule](name: string, module: Module | null): void {
    hold(this, name, 'child module', module)
  }

  /** Alias of `registerModule`. */
  addModule(...args: [name: string, module: Module | null]): void {
    this.registerModule(...args)
  }

  // ---- changing all members ----

  /** Calls `fn` with every submodule and finally with this module, for example to initialise them. */
  apply(fn: (module: Module) => void, ...none: []): this {
    checkCallable('apply', fn)
    nothingMore('apply', none)
    for (const child of this.children()) child.apply(fn)
    fn(this)
    return this
  }

  /** Sets training mode for this module and all below it. */
  train(...args: [mode?: boolean | { readonly mode?: boolean }]): this {
    const [mode] = takes.train(args)
    const modules = this.modules()
    effect(() => {
      const before = modules.map((module) => module[trainingOf])
      for (const module of modules) module[trainingOf] = mode
      return () => modules.forEach((module, i) => void (module[trainingOf] = before[i]))
    })
    return this
  }

  /** Sets evaluation mode for this module and all below it. */
  eval(): this {
    return this.train(false)
  }

  /** Sets whether the parameters collect gradients; false freezes the module. */
  requiresGrad_(...args: [requiresGrad?: boolean | { readonly requiresGrad?: boolean }]): this {
    const [requiresGrad] = takes.requiresGrad(args)
    for (const parameter of this.parameters()) parameter.setRequiresGrad(requiresGrad)
    return this
  }

  /** Sets the parameters' gradients to null, or with `setToNone: false` to zeros. */
  zeroGrad(...args: [setToNone?: boolean | { setToNone?: boolean }]): void {
    const [setToNone] = takes.zeroGrad(args)
    clearGradients(this.parameters(), setToNone)
  }

  /**
   * Moves parameters and buffers to a device or (those of floating point) to a dtype. The parameters stay the same
   * objects, so an existing optimizer continues to use them.
   *
   * @example
   * model.to('float64')
   */
  to(target: DTypeWord | string | To, ...none: []): this {
    nothingMore('to', none)
    const change = this[movedBy](moverTo(target, 'nn.Module.to'))
    change()
    return this
  }

  [movedBy](move: Move): () => void {
    const changes = this.modules().flatMap((module) => [
      ...ownParameters(module).map(([, parameter]) => moving(parameter, move)),
      ...ownBuffers(module).map(({ tensor, property }) => {
        const moved = move(tensor)
        return () => setProperty(module, property, moved)
      }),
    ])
    return () => {
      for (const change of changes) change()
    }
  }

  /** Converts parameters and buffers of floating point to float32. */
  float(): this {
    return this.to('float32')
  }

  /** Converts parameters and buffers of floating point to float64. */
  double(): this {
    return this.to('float64')
  }

  /** Converts all parameters and buffers to a dtype, given by a word or by PyTorch's name of the type. */
  type(...args: [dstType: DTypeWord | `torch.${string}Tensor`]): this {
    const [dtype] = takes.type(args)
    this[movedBy](moverBy((x) => typed(x, dtype)))()
    return this
  }

  /** Moves parameters and buffers to a GPU, as `x.cuda()` does. */
  cuda(...args: Arguments<[device: number | string | null], CudaOption>): this {
    const [device] = takes.cuda(args)
    this[movedBy](moverBy((x) => cuda(x, device)))()
    return this
  }

  /** Moves parameters and buffers to a processor, as `x.cpu()` does. */
  cpu(...none: []): this {
    nothingMore('cpu', none)
    this[movedBy](moverBy((x) => cpu(x)))()
    return this
  }

  // ---- state ----

  /** The version of this class's state; raised when its keys change. */
  protected stateVersion(): number {
    return 1
  }

  /** Adapts a state of an older version before it is loaded. */
  protected upgradeState(_state: StateDict, _prefix: string, _version: number | undefined): void {}

  /**
   * What state dicts of this module contain beside tensors, under the key `_extra_state`: anything that JSON can hold. A
   * class that overrides it overrides `setExtraState` too.
   *
   * @example
   * class Counting extends nn.Module {
   *   steps = 0
   *   override getExtraState() {
   *     return { steps: this.steps }
   *   }
   *   override setExtraState(state: { steps: number }) {
   *     this.steps = state.steps
   *   }
   * }
   */
  getExtraState(...none: []): unknown {
    nothingMore('get_extra_state', none)
    throw noExtraState('get')
  }

  /** Takes what `getExtraState` gave; `loadStateDict` calls it when all tensors are loaded. */
  setExtraState(_state: unknown, ...none: []): void {
    nothingMore('set_extra_state', none)
    throw noExtraState('set')
  }

  /**
   * All parameters and saved buffers by name. They share the module's memory; use deepCopy for a snapshot.
   *
   * @example
   * const best = deepCopy(model.stateDict())
   */
  stateDict(...args: [options?: { readonly prefix?: string; readonly keepVars?: boolean }]): StateDict {
    const [prefix, keepVars] = takes.stateDict(args)
    const state = new StateDict()
    const versions = new Map<string, number>()
    const visit = (path: string, module: Module): void => {
      versions.set(path.slice(0, -1), module.stateVersion())
      for (const [key, tensor] of ownState(module))
        state.set(path + key, keepVars || isUninitialized(tensor) ? tensor : detached(tensor))
      if (module.getExtraState !== Module.prototype.getExtraState)
        state.set(path + extraState, module.getExtraState() as Tensor)
      for (const [key, child] of ownModules(module)) visit(`${path}${key}.`, child)
    }
    visit(prefix, this)
    state.versions = versions
    return state
  }

  /**
   * Copies a state into this module's parameters and buffers; with `strict: false`, ignores missing and unexpected
   * names.
   *
   * Throws a RuntimeError that lists missing and unexpected names and wrong sizes; nothing is changed then.
   */
  loadStateDict(
    ...args: [stateDict: StateDictLike, strict?: boolean | { readonly strict?: boolean }]
  ): IncompatibleKeys {
    const [stateDict, strict] = takes.loadStateDict(args)
    const state = asStateDict(stateDict)
    const loading = new Loading(state)
    const hooks: ((keys: IncompatibleKeys) => void)[] = []
    const visit = (path: string, module: Module): void => {
      module.upgradeState(state, path, state.versions?.get(path.slice(0, -1)))
      const children = ownModules(module)
      const takesExtra = module.setExtraState !== Module.prototype.setExtraState
      loading.compare(path, ownState(module), children, takesExtra ? (extra) => module.setExtraState(extra) : null)
      for (const [key, child] of children) visit(`${path}${key}.`, child)
      for (const hook of loadHooks(module)) hooks.push((keys) => hook(module, keys))
    }
    visit('', this)
    return loading.complete(strict, className(this.constructor), hooks)
  }

  // ---- hooks ----

  /** Calls a hook before every `forward` of this module; the handle removes it. */
  registerForwardPreHook(hook: ForwardPreHook<this>, ...none: []): RemovableHandle {
    return addHook(this, 'before', hook as ForwardPreHook, none)
  }

  /** Calls a hook after every `forward` of this module; the handle removes it. */
  registerForwardHook(hook: ForwardHook<this>, ...none: []): RemovableHandle {
    return addHook(this, 'after', hook as ForwardHook, none)
  }

  /** Calls a hook when the gradients of this module's inputs are known; the handle removes it. */
  registerFullBackwardHook(hook: FullBackwardHook, ...none: []): RemovableHandle {
    return addHook(this, 'backward', hook, none)
  }

  /**
   * Calls a hook after every `loadStateDict` that reaches this module, with the module and the keys that did not fit; it
   * may remove keys from them, so that they are no error. The handle removes it.
   */
  registerLoadStateDictPostHook(hook: LoadHook<this>, ...none: []): RemovableHandle {
    return addHook(this, 'loaded', hook as LoadHook, none)
  }

  // ---- copies and texts ----

  /** A copy with its own memory: PyTorch's `copy.deepcopy(module)`. */
  clone(): this {
    return copyOf(this, new Map())
  }

  [copyWith](memo: Memo): this {
    holdMembers(this)
    return copyInstance(this, memo)
  }

  /** The text between the parentheses of the printed module. */
  extraRepr(): string {
    return ''
  }

  /** The state dict in JSON, which `loadStateDict` takes, so that `JSON.stringify` loses no tensor. */
  toJSON(): Record<string, unknown> {
    return this.stateDict().toJSON()
  }

  /** The module as PyTorch prints it: the class, `extraRepr()`, the submodules. */
  toString(): string {
    const extra = this.extraRepr()
    const children = ownSlots(this).map(
      ([key, child]) => `(${key}): ${child === null ? 'None' : String(child).replaceAll('\n', '\n  ')}`,
    )
    const name = className(this.constructor)
    if (children.length === 0 && !extra.includes('\n')) return `${name}(${extra})`
    const lines = [...(extra === '' ? [] : extra.split('\n')), ...children]
    return `${name}(\n  ${lines.join('\n  ')}\n)`
  }

  [Symbol.for(inspect)](): string {
    return this.toString()
  }
}
