// The common part of optimizers: parameter groups with options, a state for each parameter, saving and loading. The
// arithmetic of a step is one kernel per parameter, in the optimizers' own files.
import { inspect } from '../base/inspect.ts'
import { checkCallable } from '../base/callable.ts'
import { className } from '../base/class-name.ts'
import type { DTypeWord } from '../base/dtype.ts'
import { AssertionError, KeyError, NotImplementedError, TypeError, ValueError } from '../base/errors.ts'
import { warn } from '../base/warn.ts'
import { deepCopy } from '../nn/copy.ts'
import { clearGradients } from '../autograd/collect.ts'
import { type Move, movedBy, moverTo, moving, type To } from '../nn/move.ts'
import { pythonRepr, snakeCase } from '../nn/names.ts'
import { revived } from '../ops/create/json.ts'
import { effect, effects, type Looks } from '../tensor/effects.ts'
import { enableGrad } from '../tensor/mode.ts'
import { bool, isTensor, optional, refused, required, signature, nothingMore } from '../tensor/signature.ts'
import { kindOf, Tensor } from '../tensor/tensor.ts'
import { atomically } from '../tensor/undo.ts'
import { checkGroupNames, dict, OptionKinds, ownLists, savedOptions } from './options.ts'
import { checkParameter, type StateEntry, fittedState, missing, notSubscriptable, withCamelKeys } from './saved.ts'

/** Parameters with their own options; others are the optimizer's defaults. */
export type ParamGroup<O extends object> = O & { params: Tensor[] }
/** The parameters of an optimizer: tensors, or groups of them. */
export type Params<O extends object> =
  | Iterable<Tensor>
  | Iterable<Partial<O> & { readonly params: Tensor | Iterable<Tensor> }>

/** A saved optimizer: the state of each parameter by its number, and the groups with numbers for parameters. */
export interface OptimizerState {
  readonly state: Readonly<Record<number, Readonly<Record<string, unknown>>>>
  readonly paramGroups: readonly (Readonly<Record<string, unknown>> & { readonly params: readonly number[] })[]
}

const isIterable = (x: unknown): x is Iterable<unknown> =>
  typeof x === 'object' && x !== null && typeof (x as Partial<Iterable<unknown>>)[Symbol.iterator] === 'function'
const zeroGradArguments = signature('zero_grad', optional('setToNone', bool, true))

/**
 * The base class of optimizers. A subclass overrides `updateParameter`, or the whole `step`.
 *
 * Throws a ValueError without parameters, for a tensor that is not a leaf, and for a parameter in two groups.
 */
export class Optimizer<O extends object = { lr: number }, S extends object = object> {
  readonly #name = className(this.constructor)
  readonly #kinds: OptionKinds
  readonly defaults: O
  paramGroups: ParamGroup<O>[] = []
  /** The state of each parameter between steps. */
  readonly state: Map<Tensor, S> = new Map()
  /** The number of steps since a scheduler was created for this optimizer. */
  stepCount = 0

  constructor(params: Params<O>, defaults: O) {
    if (!dict.accepts(defaults)) throw refused('Optimizer.__init__', required('defaults', dict), 2, defaults)
    this.checkOptions(defaults)
    this.defaults = defaults
    this.#kinds = new OptionKinds(this.#name, defaults as Options)
    if (params instanceof Tensor || !isIterable(params)) {
      throw new TypeError(
        `params argument given to the optimizer should be an iterable of Tensors or dicts, but got ${kindOf(params)}`,
        'Pass model.parameters(), or an array: [x].',
      )
    }
    const list: readonly unknown[] = [...params]
    if (list.length === 0) throw new ValueError('optimizer got an empty parameter list')
    const [first] = list
    const grouped = typeof first === 'object' && first !== null && !(first instanceof Tensor) && !Array.isArray(first)
    for (const group of grouped ? list : [{ params: list }]) {
      this.addParamGroup(group as Partial<O> & { params: Tensor[] })
    }
  }

  /** Adds parameters with their own options. */
  addParamGroup(group: Partial<O> & { readonly params: Tensor | Iterable<Tensor> }, ...none: []): void {
    nothingMore('add_param_group', none)
    const hint = 'A group must be an object of options with params: { params: layer.parameters(), lr: 0.1 }.'
    if (!dict.accepts(group)) throw new AssertionError('param group must be a dict', hint)
    if (group.params === undefined) throw new KeyError("'params'", hint)
    const list: unknown = group.params instanceof Tensor ? [group.params] : group.params
    if (!isIterable(list)) throw new TypeError(`'${kindOf(list)}' object is not iterable`, hint)
    const params = [...list]
    for (const p of params) {
      if (!isTensor(p)) {
        throw new TypeError(`optimizer can only optimize Tensors, but one of the params is ${kindOf(p)}`)
      }
      if (!p.isLeaf && p.retained === null) {
        throw new ValueError("can't optimize a non-leaf Tensor", 'Optimize the tensors it was computed from.')
      }
    }
    if (new Set(params).size !== params.length) {
      warn(
        'optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; see github.com/pytorch/pytorch/issues/40967 for more information',
      )
    }
    const known = new Set<unknown>(this.paramGroups.flatMap((other) => other.params))
    if (params.some((p) => known.has(p))) {
      throw new ValueError('some parameters appear in more than one parameter group')
    }
    checkGroupNames(group as Options, this.defaults as Options)
    const given = Object.entries(group).filter(([, value]) => value !== undefined)
    const options = { ...this.defaults, ...(Object.fromEntries(given) as Partial<O>) }
    this.#kinds.check(options as Options)
    this.checkOptions(options)
    this.paramGroups.push({ ...ownLists(options), params: params as Tensor[] })
  }

  /** Throws for an option out of range, in the defaults, in a group, or in a saved group. */
  protected checkOptions(_options: O): void {}

  /** Sets the parameters' gradients to null, or with `setToNone: false` to zeros. */
  zeroGrad(...args: [setToNone?: boolean | { setToNone?: boolean }]): void {
    const [setToNone] = zeroGradArguments(args)
    if (effects.sink !== null) this.#noted(effects.sink.looks)
    for (const { params } of this.paramGroups) clearGradients(params, setToNone)
  }

  /**
   * Updates the parameters by their gradients. A `closure` computes the loss and the gradients first; its result is
   * returned.
   *
   * Throws, before anything is changed, for an invalid option, parameter, gradient or state: freed, of another shape or
   * dtype, or on another device.
   */
  step(): void
  step<L>(closure: () => L): L
  step<L>(closure?: () => L, ...none: []): L | undefined {
    nothingMore('step', none)
    if (closure !== undefined) checkCallable('step', closure, 'closure')
    const loss = closure === undefined ? undefined : enableGrad(closure)
    if (effects.sink !== null) this.#noted(effects.sink.looks)
    const certain = this.#check()
    const known = this.state.size
    if (effects.sink !== null) effects.sink.restoring(this.#restorer())
    if (certain || effects.sink !== null) this.#update()
    else this.#updateOrNot()
    const { sink, scope } = effects
    if (sink !== null || scope !== null) {
      for (const x of [...this.state.values()].flatMap(Object.values)) {
        if (!(x instanceof Tensor)) continue
        sink?.holds(x)
        scope?.holds(x)
      }
    }
    if (sink !== null) {
      if (this.state.size > known) sink.creates()
      for (const { params } of this.paramGroups) for (const p of params) sink.looks.notedEntry(this.state, p)
    }
    return loss
  }

  /** Reports to a recorder that the step depends on the groups, their options and their parameters. */
  #noted(looks: Looks): void {
    const groups = this.paramGroups
    looks.noted(this, 'paramGroups')
    looks.noted(this, 'state')
    looks.noted(this, 'defaults')
    looks.notedOptions(this.defaults)
    looks.noted(groups, 'length')
    groups.forEach((group, i) => {
      looks.noted(groups, i)
      looks.notedOptions(group)
    })
  }

  /** Checks everything that a step needs; returns whether the parameters' devices are then certain to finish it. */
  #check(): boolean {
    let certain = true
    const owner = this.#name
    for (const group of this.paramGroups) {
      this.#kinds.check(group as Options)
      const entries = this.stateEntries(group)
      const { params } = group
      for (let i = 0; i < params.length; i++) {
        const p = params[i]
        const { grad } = p
        if (grad === null) continue
        const state = this.state.get(p) as Options | undefined
        if (!checkParameter(owner, p, grad, state, entries)) certain = false
      }
    }
    return certain
  }

  /** Creates all states before the first parameter changes. */
  #update(): void {
    for (const group of this.paramGroups) {
      for (const p of group.params) if (p.grad !== null) this.prepareParameter(p, group)
    }
    const uncount = (): void => void this.stepCount--
    effect(() => {
      this.stepCount++
      return uncount
    })
    for (const group of this.paramGroups) {
      const { params } = group
      for (let i = 0; i < params.length; i++) {
        const { grad } = params[i]
        if (grad !== null) this.updateParameter(params[i], grad, group)
      }
    }
  }

  /** Updates all parameters, or none if one update fails. */
  #updateOrNot(): void {
    const states = [...this.state.values()].flatMap((own) => Object.values(own).filter((x) => x instanceof Tensor))
    const params = this.paramGroups.flatMap((group) => group.params.filter(({ grad }) => grad !== null))
    const restore = this.#restorer()
    try {
      atomically([...params, ...states], () => this.#update())
    } catch (error) {
      restore()
      throw error
    }
  }

  /**
   * Returns a function that restores counters and states to their current values, except for the elements of tensors.
   */
  #restorer(): () => void {
    const { stepCount } = this
    const states = Array.from(this.state, ([p, own]) => [p, own, { ...own }] as const)
    return () => {
      this.stepCount = stepCount
      this.state.clear()
      for (const [p, own, before] of states) {
        for (const key of Object.keys(own)) delete (own as Record<string, unknown>)[key]
        this.state.set(p, Object.assign(own, before))
      }
    }
  }

  /** The entries of a parameter's state in this group, which are checked before steps and when a state is loaded. */
  protected stateEntries(_group: O): readonly StateEntry[] {
    return []
  }

  /** Creates the state of a parameter, before the first parameter changes. */
  protected prepareParameter(_parameter: Tensor, _group: ParamGroup<O>): void {}

  /** Updates one parameter that has a gradient. */
  protected updateParameter(_parameter: Tensor, _grad: Tensor, _group: ParamGroup<O>): void {
    throw new NotImplementedError(`${className(this.constructor)} overrides neither updateParameter nor step`)
  }

  /** The state in its saved form. */
  protected packState(state: S): Record<string, unknown> {
    return { ...(state as Record<string, unknown>) }
  }

  /** A saved state, checked and converted for its parameter. */
  protected fitState(saved: unknown, p: Tensor, options: O): S {
    return fittedState(saved, p, this.stateEntries(options)) as S
  }

  /** Options and states, with parameters by number. It shares the memory of the states; use deepCopy for a snapshot. */
  stateDict(): OptimizerState {
    const numbers = new Map<Tensor, number>()
    const paramGroups = this.paramGroups.map(({ params, ...options }) => {
      for (const p of params) if (!numbers.has(p)) numbers.set(p, numbers.size)
      return { ...ownLists(options), params: params.map((p) => numbers.get(p) as number) }
    })
    const state: Record<number, Record<string, unknown>> = {}
    for (const [p, own] of this.state) {
      const number = numbers.get(p)
      if (number !== undefined) state[number] = this.packState(own)
    }
    return { state, paramGroups }
  }

  /**
   * Restores the result of `stateDict`, from an optimizer with groups of the same sizes. Names may also be PyTorch's
   * (`param_groups`, `exp_avg`), and the state may come from JSON.
   *
   * Throws, with nothing changed, if groups, options or states do not fit: a ValueError for groups of other sizes, a
   * KeyError for a missing entry, and a RuntimeError for a state that does not have its parameter's shape.
   */
  loadStateDict(stateDict: OptimizerState | Readonly<Record<string, unknown>>, ...none: []): void {
    nothingMore('load_state_dict', none)
    const { state, paramGroups } = withCamelKeys(deepCopy(revived(stateDict)))
    if (paramGroups === undefined) throw missing('paramGroups')
    if (state === undefined) throw missing('state')
    if (!Array.isArray(paramGroups)) throw notSubscriptable(paramGroups)
    const groups = this.paramGroups
    if (groups.length !== paramGroups.length) {
      throw new ValueError('loaded state dict has a different number of parameter groups')
    }
    const saved = paramGroups.map((group, i) => this.#savedGroup(withCamelKeys(group), groups[i]))
    const states = this.#savedStates(withEntries(state), saved)
    effects.sink?.restoring(this.#restorer())
    this.state.clear()
    for (const [p, own] of states) this.state.set(p, own)
    // The group stays the same object, so that its holders, a recorded step among them, see its options change.
    groups.forEach((group, i) => {
      const { options } = saved[i]
      for (const key of Object.keys(group))
        if (key !== 'params' && !Object.hasOwn(options, key)) delete (group as Record<string, unknown>)[key]
      Object.assign(group, options)
    })
  }

  /** A saved group: numbers for the parameters of the corresponding group, and options. */
  #savedGroup({ params, ...options }: Record<string, unknown>, group: ParamGroup<O>): SavedGroup<O> {
    if (params === undefined) throw missing('params')
    if (!Array.isArray(params)) throw notSubscriptable(params)
    if (params.length !== group.params.length) {
      throw new ValueError(
        "loaded state dict contains a parameter group that doesn't match the size of optimizer's group",
      )
    }
    const own = savedOptions(className(this.constructor), options, this.defaults as Options) as O
    this.checkOptions(own)
    return { group, params, options: own }
  }

  #savedStates(entries: Iterable<readonly [unknown, unknown]>, saved: readonly SavedGroup<O>[]): Map<Tensor, S> {
    const numbered = new Map<string, readonly [Tensor, O]>()
    for (const { group, params, options } of saved) {
      for (const [k, p] of group.params.entries()) numbered.set(String(params[k]), [p, options])
    }
    const states = new Map<Tensor, S>()
    for (const [number, own] of entries) {
      const known = numbered.get(String(number))
      if (known === undefined) continue
      const [p, options] = known
      states.set(p, this.fitState(own, p, options))
    }
    return states
  }

  /**
   * Moves the parameters with their gradients and states to a device, or (those of floating point) to a dtype. The
   * parameters stay the same objects; states follow a model that has already moved.
   *
   * Throws, with nothing moved, for a freed tensor, and for a device that is not loaded.
   *
   * @example
   * optimizer.to('float64')
   */
  to(target: DTypeWord | string | To, ...none: []): this {
    nothingMore('to', none)
    const change = this[movedBy](moverTo(target, 'Optimizer.to'))
    change()
    return this
  }

  [movedBy](move: Move): () => void {
    const params = new Set([...this.paramGroups.flatMap((group) => group.params), ...this.state.keys()])
    const changes = [...params].map((p) => moving(p, move))
    for (const own of this.state.values()) {
      const moved = (x: unknown): unknown =>
        x instanceof Tensor ? move(x) : Array.isArray(x) ? x.map((item) => moved(item)) : x
      const entries = Object.entries(own).map(([name, x]) => [name, moved(x)] as const)
      changes.push(() => void Object.assign(own, Object.fromEntries(entries)))
    }
    return () => {
      for (const change of changes) change()
    }
  }

  /** An option as PyTorch prints it. */
  protected reprOf(_name: string, value: unknown): string {
    return pythonRepr(value)
  }

  /** The state dict, which `JSON.stringify` writes in full. */
  toJSON(): OptimizerState {
    return this.stateDict()
  }

  /** The optimizer as PyTorch prints it: each group with its options in alphabetical order. */
  toString(): string {
    const groups = this.paramGroups.map(({ params: _, ...options }, i) => {
      const lines = Object.entries(options).map(([key, value]) => [snakeCase(key), this.reprOf(key, value)] as const)
      const sorted = lines.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `    ${key}: ${value}\n`)
      return `\nParameter Group ${i}\n${sorted.join('')}`
    })
    return `${className(this.constructor)} (${groups.join('')})`
  }

  [Symbol.for(inspect)](): string {
    return this.toString()
  }
}

/** Counts a step in a parameter's state, in every replay of a compiled step too. */
export function countStep(state: { step: number }): void {
  const uncount = (): void => void state.step--
  effect(() => {
    state.step++
    return uncount
  })
}

type Options = Readonly<Record<string, unknown>>

interface SavedGroup<O extends object> {
  readonly group: ParamGroup<O>
  /** The numbers of the parameters in the saved state. */
  readonly params: readonly unknown[]
  readonly options: O
}

function withEntries(state: unknown): Iterable<readonly [unknown, unknown]> {
  if (state instanceof Map) return state
  if (!dict.accepts(state)) throw notSubscriptable(state)
  return Object.entries(state as object)
}
