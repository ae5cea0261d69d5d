// Checks of an optimizer's options: known names, values of the defaults' kinds, and in range. They run where options
// come in (the constructor, a group, a loaded state) and before every step, because a group is an object that anyone
// may write to.
import { RuntimeError, TypeError, ValueError } from '../base/errors.ts'
import { camelCase, pythonRepr, snakeCase } from '../nn/names.ts'
import { bool, isOptions, type Kind, list, nullable, number, refused, unexpected } from '../tensor/signature.ts'
import { missing } from './saved.ts'

type Options = Readonly<Record<string, unknown>>

/** A plain object. */
export const dict: Kind<object> = {
  expected: 'dict',
  accepts: (x) => typeof x === 'object' && x !== null && isOptions(x),
}

const numbers = list(number)
const switchOrNull = nullable(bool)

/** The kind of an option, from its default; undefined if any value is allowed. */
function kindOf(name: string, otherwise: unknown): Kind<unknown> | undefined {
  if (typeof otherwise === 'number') return number
  if (typeof otherwise === 'boolean') return bool
  if (name === 'foreach') return switchOrNull
  return Array.isArray(otherwise) ? numbers : undefined
}

const asParameter = (name: string, kind: Kind<unknown>) =>
  ({ name, kind, required: false, keyword: true, otherwise: undefined }) as const

/** The kinds of an optimizer's options, taken from its defaults. `owner` is the optimizer's name. */
export class OptionKinds {
  readonly #owner: string
  readonly #names: readonly string[]
  readonly #defaults: readonly unknown[]

  constructor(owner: string, defaults: Options) {
    this.#owner = owner
    this.#names = Object.keys(defaults)
    this.#defaults = Object.values(defaults)
  }

  /**
   * Throws if an option is missing or of another kind than its default. Options mostly have the order of the defaults,
   * and V8 reads properties in their own order many times faster than by names from a list.
   */
  check(options: Options): void {
    const names = this.#names
    let i = 0
    for (const name in options) {
      if (i === names.length) return
      if (name !== names[i]) break
      this.#look(i++, options[name])
    }
    for (; i < names.length; i++) this.#look(i, options[names[i]])
  }

  #look(i: number, value: unknown): void {
    const otherwise = this.#defaults[i]
    // Skip the check of an unchanged value, and of a number in place of a number.
    if (typeof value === 'number' ? typeof otherwise === 'number' : value === otherwise && !Array.isArray(value)) return
    const name = this.#names[i]
    const kind = kindOf(name, otherwise)
    if (kind === undefined) return
    if (!kind.accepts(value)) throw refused(this.#owner, asParameter(name, kind), 0, value)
    if (Array.isArray(otherwise) && (value as readonly unknown[]).length !== otherwise.length) {
      throw new ValueError(
        `${this.#owner}(): argument '${name}' must have ${otherwise.length} elements, not ${(value as readonly unknown[]).length}`,
      )
    }
  }
}

/** Throws PyTorch's error for an option that is out of range. */
export function checkOption(fits: boolean, what: string, value: unknown): void {
  if (!fits) throw new ValueError(`Invalid ${what}: ${pythonRepr(value)}`)
}

/**
 * Options that PyTorch prints and that have a single value here. `foreach` changes nothing, because a step is one
 * kernel per parameter.
 */
const fixed = new Set(['differentiable', 'capturable', 'fused'])

/** Copies options that are lists (betas), so that writing into one does not change the others. */
export const ownLists = <O extends object>(options: O): O =>
  Object.fromEntries(Object.entries(options).map(([key, x]) => [key, Array.isArray(x) ? [...x] : x])) as O

/** Two numbers: decay rates, factors, bounds. */
export type Pair = readonly [number, number]
export interface Switches {
  /** PyTorch's choice of an implementation, which changes nothing here. */
  readonly foreach?: boolean | null
}
export interface Maximize {
  /** Maximize instead of minimizing. */
  readonly maximize?: boolean
}
export interface Maximizing extends Switches, Maximize {}

/**
 * The given arguments over the defaults: by position, in PyTorch's `order`, or by name in options that end them. An
 * unknown name, or a value of another kind, throws. `owner` is the optimizer's name.
 */
export function merged<O extends object>(owner: string, args: readonly unknown[], order: string, defaults: O): O {
  const places = order.split(' ')
  let count = args.length
  while (count > 0 && args[count - 1] === undefined) count--
  const byName = count > 0 && dict.accepts(args[count - 1]) ? (args[--count] as Options) : {}
  if (count > places.length) {
    throw new TypeError(
      `${owner}.__init__() takes from 2 to ${places.length + 2} positional arguments but ${count + 2} were given`,
      `It takes params, ${Object.keys(defaults).join(', ')}; those after ${places[places.length - 1]} by name.`,
    )
  }
  const options = ownLists(defaults) as Record<string, unknown>
  const set = (name: string, value: unknown): void => {
    if (value === true && fixed.has(name))
      throw new RuntimeError(`the option ${name} is not supported`, 'Leave it out.')
    options[name] = value
  }
  for (let i = 0; i < count; i++) {
    if (args[i] === undefined) continue
    const kind = kindOf(places[i], options[places[i]]) as Kind<unknown>
    if (!kind.accepts(args[i])) throw refused(owner, asParameter(places[i], kind), i + 2, args[i])
    set(places[i], args[i])
  }
  for (const [name, value] of Object.entries(byName)) {
    if (!Object.hasOwn(defaults, name)) throw unexpected('__init__', name, Object.keys(defaults))
    if (value === undefined) continue
    const place = places.indexOf(name)
    if (place >= 0 && place < count && args[place] !== undefined)
      throw new TypeError(`__init__() got multiple values for argument '${snakeCase(name)}'`)
    set(name, value)
  }
  new OptionKinds(owner, defaults as Options).check(options)
  return ownLists(options) as unknown as O
}

/** Throws for a misspelt option of a group, such as `weight_decay`. Other names are the user's own. */
export function checkGroupNames(group: Options, defaults: Options): void {
  for (const name of Object.keys(group)) {
    if (!Object.hasOwn(defaults, name) && Object.hasOwn(defaults, camelCase(name)))
      throw unexpected('add_param_group', name, Object.keys(defaults))
  }
}

/**
 * The options of a saved group. Missing switches are off, because older versions of PyTorch lack them; a missing number
 * throws.
 */
export function savedOptions(owner: string, saved: Options, defaults: Options): Options {
  const options: Record<string, unknown> = { ...saved }
  for (const [name, otherwise] of Object.entries(defaults)) {
    if (options[name] !== undefined) continue
    if (typeof otherwise === 'boolean' || otherwise === null) options[name] = otherwise === null ? null : false
    else throw missing(name)
  }
  new OptionKinds(owner, defaults).check(options)
  return options
}
