// What optimizers share: parameter groups with their options, a state for each parameter, saving and loading both. The
// arithmetic of a step is one kernel for each parameter and is in the optimizers' own files.
import { className } from '../base/class-name.ts'
import { KeyError, NotImplementedError, RuntimeError, TypeError, ValueError } from '../base/errors.ts'
import { warn } from '../base/warn.ts'
import { deepCopy } from '../nn/copy.ts'
import { clearGradients } from '../nn/module.ts'
import { camelCase, pythonRepr, snakeCase } from '../nn/names.ts'
import { to } from '../ops/convert.ts'
import { effect, effects, structureChanged } from '../tensor/effects.ts'
import { enableGrad, noGrad } from '../tensor/mode.ts'
import { unexpected } from '../tensor/signature.ts'
import { kindOf, Tensor } from '../tensor/tensor.ts'

/** Parameters with options of their own; the rest is the optimizer's defaults. */
export type ParamGroup<O extends object> = O & { params: Tensor[] }
/** What optimizers are made for: tensors, or groups of them. */
export type Params<O extends object> =
  | Iterable<Tensor>
  | Iterable<Partial<O> & { readonly params: Tensor | Iterable<Tensor> }>

/** What an optimizer saves: the state of each parameter by its number, the groups with numbers for parameters. */
export interface OptimizerState {
  readonly state: Readonly<Record<number, Readonly<Record<string, unknown>>>>
  readonly paramGroups: readonly (Readonly<Record<string, unknown>> & { readonly params: readonly number[] })[]
}

/**
 * The base class of optimizers. A subclass overrides `updateParameter`, or the whole `step`.
 *
 * Throws a ValueError without parameters, for results of operations, and for a parameter in two groups.
 */
export class Optimizer<O extends object = { lr: number }, S extends object = object> {
  readonly defaults: O
  readonly paramGroups: ParamGroup<O>[] = []
  /** What is kept for each parameter between steps. */
  readonly state: Map<Tensor, S> = new Map()
  /** Steps since a scheduler was made for this optimizer. */
  stepCount = 0

  constructor(params: Params<O>, defaults: O) {
    this.defaults = defaults
    if (
      params instanceof Tensor ||
      typeof (params as { [Symbol.iterator]?: unknown })?.[Symbol.iterator] !== 'function'
    ) {
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

  /** Adds parameters with options of their own. */
  addParamGroup(group: Partial<O> & { readonly params: Tensor | Iterable<Tensor> }): void {
    if (group?.params === undefined || group.params === null) {
      throw new KeyError(
        "'params'",
        'A group is an object of options with params: { params: layer.parameters(), lr: 0.1 }.',
      )
    }
    const params: unknown[] = group.params instanceof Tensor ? [group.params] : [...group.params]
    for (const p of params) {
      if (!(p instanceof Tensor)) {
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
    this.paramGroups.push({ ...this.defaults, ...group, params: params as Tensor[] })
    structureChanged()
  }

  /** Forgets the parameters' gradients, or with `setToNone: false` writes zeros. */
  zeroGrad({ setToNone = true }: { setToNone?: boolean } = {}): void {
    for (const { params } of this.paramGroups) clearGradients(params, setToNone)
  }

  /** Changes the parameters by their gradients. A `closure` computes the loss and the gradients first; it is returned. */
  step(): void
  step<L>(closure: () => L): L
  step<L>(closure?: () => L): L | undefined {
    const loss = closure === undefined ? undefined : enableGrad(closure)
    if (effects.sink !== null) effects.sink.restoring(this.#restorer())
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
    const { sink, scope } = effects
    if (sink !== null || scope !== null) {
      for (const x of [...this.state.values()].flatMap(Object.values)) {
        if (!(x instanceof Tensor)) continue
        sink?.holds(x)
        scope?.holds(x)
      }
    }
    return loss
  }

  /** Puts the states of the parameters back as they are now, but for the elements of tensors. */
  #restorer(): () => void {
    const states = Array.from(this.state, ([p, own]) => [p, own, { ...own }] as const)
    return () => {
      this.state.clear()
      for (const [p, own, before] of states) {
        for (const key of Object.keys(own)) delete (own as Record<string, unknown>)[key]
        this.state.set(p, Object.assign(own, before))
      }
    }
  }

  /** Changes one parameter that has a gradient. */
  protected updateParameter(_parameter: Tensor, _grad: Tensor, _group: ParamGroup<O>): void {
    throw new NotImplementedError(`${className(this.constructor)} overrides neither updateParameter nor step`)
  }

  /** The state as it is saved. */
  protected packState(state: S): Record<string, unknown> {
    return { ...(state as Record<string, unknown>) }
  }

  /** The state that was saved; tensors have the parameter's dtype and device already. */
  protected unpackState(saved: Record<string, unknown>): S {
    return saved as S
  }

  /**
   * Options and states, parameters by number. It shares the memory of the states: to keep them as they are now, deepCopy
   * it.
   */
  stateDict(): OptimizerState {
    const numbers = new Map<Tensor, number>()
    const paramGroups = this.paramGroups.map(({ params, ...options }) => {
      for (const p of params) if (!numbers.has(p)) numbers.set(p, numbers.size)
      return { ...options, params: params.map((p) => numbers.get(p) as number) }
    })
    const state: Record<number, Record<string, unknown>> = {}
    for (const [p, own] of this.state) {
      const number = numbers.get(p)
      if (number !== undefined) state[number] = this.packState(own)
    }
    return { state, paramGroups }
  }

  /**
   * Takes over what `stateDict` returned, from an optimizer with groups of the same sizes; names may be PyTorch's too
   * (`param_groups`, `exp_avg`).
   *
   * Throws a ValueError where the groups do not fit; nothing is changed then.
   */
  loadStateDict(stateDict: OptimizerState | Readonly<Record<string, unknown>>): void {
    const { state, paramGroups } = withCamelKeys(deepCopy(stateDict) as Readonly<Record<string, unknown>>)
    const groups = this.paramGroups
    if (!Array.isArray(paramGroups) || typeof state !== 'object' || state === null) {
      throw new ValueError('a state dict of an optimizer has the entries state and paramGroups')
    }
    const saved = paramGroups.map((group) => withCamelKeys(group)) as { params: readonly number[] }[]
    if (groups.length !== saved.length) {
      throw new ValueError('loaded state dict has a different number of parameter groups')
    }
    if (groups.some((group, i) => group.params.length !== saved[i].params.length)) {
      throw new ValueError(
        "loaded state dict contains a parameter group that doesn't match the size of optimizer's group",
      )
    }
    const numbered = new Map<string, Tensor>()
    groups.forEach((group, i) => {
      for (const [k, p] of group.params.entries()) numbered.set(String(saved[i].params[k]), p)
    })
    const states = new Map<Tensor, S>()
    for (const [number, own] of state instanceof Map ? state : Object.entries(state)) {
      const p = numbered.get(String(number))
      if (p !== undefined) states.set(p, this.unpackState(fitted(withCamelKeys(own), p)))
    }
    this.state.clear()
    for (const [p, own] of states) this.state.set(p, own)
    groups.forEach((group, i) => {
      // The group stays the same object: whoever holds it, a recorded step too, sees its options change.
      for (const key of Object.keys(group))
        if (key !== 'params' && !(key in saved[i])) delete (group as Record<string, unknown>)[key]
      Object.assign(group, saved[i], { params: group.params })
    })
    structureChanged()
  }

  /** As PyTorch prints it: each group with its options in alphabetical order. */
  toString(): string {
    const groups = this.paramGroups.map(({ params: _, ...options }, i) => {
      const lines = Object.entries(options).map(([key, value]) => [snakeCase(key), pythonRepr(value)] as const)
      const sorted = lines.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `    ${key}: ${value}\n`)
      return `\nParameter Group ${i}\n${sorted.join('')}`
    })
    return `${className(this.constructor)} (${groups.join('')})`
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}

const withCamelKeys = (entries: unknown): Record<string, unknown> => {
  const list: [string, unknown][] = entries instanceof Map ? [...entries] : Object.entries(entries as object)
  return Object.fromEntries(list.map(([key, value]) => [camelCase(key), value]))
}

/** Tensors of a state in the dtype and on the device of their parameter; the step counter is no matter of either. */
function fitted(state: Record<string, unknown>, { dtype, device }: Tensor): Record<string, unknown> {
  const fit = ([key, value]: [string, unknown]): [string, unknown] =>
    value instanceof Tensor && key !== 'step' ? [key, noGrad(() => to(value, { dtype, device }))] : [key, value]
  return Object.fromEntries(Object.entries(state).map(fit))
}

/** Throws PyTorch's error for an option that is out of range. */
export function checkOption(fits: boolean, what: string, value: unknown): void {
  if (!fits) throw new ValueError(`Invalid ${what}: ${pythonRepr(value)}`)
}

/** The options given, over the defaults; a name that is none of them is PyTorch's error. */
export function merged<O extends object>(given: object, defaults: O): O {
  const options = { ...defaults }
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaults, name)) throw unexpected('__init__', name, Object.keys(defaults))
    if (value === undefined) continue
    if (value === true && fixed.has(name)) {
      throw new RuntimeError(`the option ${name} is not supported`, 'Leave it out.')
    }
    ;(options as Record<string, unknown>)[name] = value
  }
  return options
}
/** What PyTorch prints, but has no other value here. `foreach` changes nothing: a step is one kernel for each parameter. */
const fixed = new Set(['differentiable', 'capturable', 'fused'])
