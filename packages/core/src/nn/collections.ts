// Members by name or by number, for a module that decides itself how to use them: ModuleDict, ParameterDict and
// ParameterList. Each member is a property of the collection, too: `layers.first`, `weights[0]`.
import { named } from '../base/class-name.ts'
import { IndexError, KeyError, RuntimeError, TypeError } from '../base/errors.ts'
import { dtypeName } from '../base/dtype.ts'
import { typeName } from '../base/python.ts'
import { noted } from '../tensor/effects.ts'
import {
  anything,
  constructing,
  int,
  isTensor,
  list,
  nothingMore,
  notOptions,
  optional,
  required,
  signature,
  str,
} from '../tensor/signature.ts'
import { kindOf, Tensor } from '../tensor/tensor.ts'
import { Module } from './module.ts'
import { checkFree, checkName } from './module-arguments.ts'
import { isModule, membersOf, setModule } from './members.ts'
import { Parameter } from './parameter.ts'

/** Where a collection has its members. */
export const itemsOf: unique symbol = Symbol('items')
type Items<T> = Readonly<Record<string, T>>
/** Members with names: a plain object, a map, or pairs. */
export type NamedItems<T> = Items<T> | Iterable<readonly [name: string, item: T]>

const key = required('key', str)
const getArguments = signature('get', key)
const hasArguments = signature('has', key)
const popArguments = signature('pop', key)
const setArguments = signature('set', required('key', anything), required('value', anything))
const updateArguments = signature('update', required('items', anything))

/** A collection of members, which it checks when they come in. */
abstract class Collection<T> extends Module {
  [itemsOf]: Items<T> = {}

  /** The member as it is kept, or an error. */
  protected abstract accepted(name: unknown, value: unknown): T

  /** Names are data: the key of a member in a state dict is its name, unchanged. */
  override [membersOf](): Iterable<readonly [property: string, value: unknown, key: string]> {
    return Object.entries(this).flatMap(([name, value]) =>
      value !== null || Object.hasOwn(this[itemsOf], name) ? [[name, value, name] as const] : [],
    )
  }

  override [setModule](name: string, module: Module | null): void {
    put(this, name, this.accepted(name, module))
  }

  /** The number of members. */
  get length(): number {
    return Object.keys(noted(this, itemsOf)).length
  }
}

/** Adds or replaces a member. A new object for each change, so that a recorded step notices it. */
function put<T>(collection: Collection<T>, name: string, item: T): void {
  if (!Object.hasOwn(collection[itemsOf], name)) {
    checkFree(collection, name, item)
    Object.defineProperty(collection, name, {
      get(this: Collection<T>) {
        return noted(this, itemsOf)[name]
      },
      set(this: Collection<T>, value: unknown) {
        put(this, name, (this as unknown as { accepted(n: string, x: unknown): T }).accepted(name, value))
      },
      enumerable: true,
      configurable: true,
    })
  }
  collection[itemsOf] = { ...collection[itemsOf], [name]: item }
}

function remove<T>(collection: Collection<T>, name: string): T {
  const { [name]: item, ...rest } = collection[itemsOf]
  if (!Object.hasOwn(collection[itemsOf], name)) throw new KeyError(`'${name}'`)
  Reflect.deleteProperty(collection, name)
  collection[itemsOf] = rest as Items<T>
  return item
}

/** Pairs of names and members of what `update` and constructors take. */
function pairsOf(who: string, given: unknown): readonly (readonly [unknown, unknown])[] {
  if (given instanceof Dictionary) return given.items()
  if (typeof given !== 'object' || given === null || given instanceof Tensor || isModule(given)) {
    throw new TypeError(
      `${who}.update should be called with an iterable of key/value pairs, but got ${kindOf(given)}`,
      'Pass an object, a Map, or pairs: { first: layer }.',
    )
  }
  if (!(Symbol.iterator in given)) return Object.entries(given)
  return Array.from(given as Iterable<unknown>, (pair, i) => {
    if (!Array.isArray(pair)) {
      throw new TypeError(`${who} update sequence element #${i} should be Iterable; is${typeName(pair)}`)
    }
    if (pair.length === 2) return pair as [unknown, unknown]
    throw new TypeError(`${who} update sequence element #${i} has length ${pair.length}; 2 is required`)
  })
}

/** Members by name, in the order in which they came; whole numbers as names come first. */
abstract class Dictionary<T> extends Collection<T> {
  /** The names. */
  keys(...none: []): string[] {
    nothingMore('keys', none)
    return Object.keys(noted(this, itemsOf))
  }

  /** The members. */
  values(...none: []): T[] {
    nothingMore('values', none)
    return Object.values(noted(this, itemsOf))
  }

  /** Names with members. */
  items(...none: []): [name: string, item: T][] {
    nothingMore('items', none)
    return Object.entries(noted(this, itemsOf))
  }

  /** The names. */
  [Symbol.iterator](): IterableIterator<string> {
    return this.keys()[Symbol.iterator]()
  }

  /** The member with a name, or null. */
  get(...args: [key: string]): T | null {
    const [key] = getArguments(args)
    return this.has(key) ? noted(this, itemsOf)[key] : null
  }

  /** Whether there is a member with a name. */
  has(...args: [key: string]): boolean {
    const [key] = hasArguments(args)
    return Object.hasOwn(noted(this, itemsOf), key)
  }

  /** Adds a member, or replaces the one with this name. */
  set(...args: [key: string, value: T]): this {
    const [key, value] = setArguments(args)
    put(this, key as string, this.accepted(key, value))
    return this
  }

  /** Adds members, or replaces those with their names; all of them, or none if one is refused. */
  update(...args: [items: NamedItems<T>]): this {
    const [items] = updateArguments(args)
    const pairs = pairsOf(this.kind, items).map(([key, value]) => {
      const item = this.accepted(key, value)
      if (!this.has(key as string)) checkFree(this, key as string, item)
      return [key as string, item] as const
    })
    for (const [key, item] of pairs) put(this, key, item)
    return this
  }

  /** Removes a member and returns it; a KeyError if there is none with this name. */
  pop(...args: [key: string]): T {
    const [key] = popArguments(args)
    return remove(this, key)
  }

  /** Removes all members. */
  clear(...none: []): void {
    nothingMore('clear', none)
    for (const key of this.keys()) remove(this, key)
  }

  /** PyTorch's name of the class in errors. */
  protected abstract readonly kind: string
}

const ofModuleDict = constructing('ModuleDict', optional('modules', anything, undefined))

class Modules<T extends Module = Module> extends Dictionary<T> {
  constructor(...args: [modules?: NamedItems<T>]) {
    const [modules] = ofModuleDict(args)
    super()
    if (modules !== undefined && modules !== null) this.update(modules as NamedItems<T>)
  }

  protected get kind(): string {
    return 'ModuleDict'
  }

  protected accepted(name: unknown, value: unknown): T {
    if (value !== null && !isModule(value)) throw new TypeError(`${kindOf(value)} is not a Module subclass`)
    checkName('module', name)
    return value as T
  }
}

/** Modules by names that are known, each with its own type. */
type Named<M> = M & {
  get<K extends keyof M & string>(key: K): M[K]
  values(): Extract<M[keyof M], Module>[]
  items(): [name: string, item: Extract<M[keyof M], Module>][]
}
/** Modules by name, which are properties as well: from the types by name, or from the class of all of them. */
export type ModuleDict<M = object> = M extends Module
  ? Items<M> & Modules<M>
  : (keyof M extends never ? unknown : Named<M>) & Modules
interface ModuleDictClass {
  new <M extends Items<Module>>(modules: M): ModuleDict<M>
  new <T extends Module>(modules?: NamedItems<T>): ModuleDict<T>
  /** For classes that extend it: their own members need not be modules. */
  new (modules?: NamedItems<Module>): Modules
  readonly prototype: ModuleDict
}
/**
 * Holds modules by name, so that their parameters are found; the owner decides how to call them. A property of a class that
 * holds blocks has the type `nn.ModuleDict<Block>`, or `nn.ModuleDict<{ first: Block; act: nn.ReLU }>` if names are known.
 *
 * @example
 * const layers = new nn.ModuleDict({ first: new nn.Linear(3, 4), act: new nn.ReLU() })
 * layers.first // Linear(in_features=3, out_features=4, bias=True)
 * layers.keys() // ['first', 'act']
 */
export const ModuleDict: ModuleDictClass = /* @__PURE__ */ named('ModuleDict', Modules) as unknown as ModuleDictClass

// ---- parameters ----

/** A parameter as it is; a tensor as a new one. */
function parameterOf(value: unknown, name: string, kind: string): Parameter {
  if (value instanceof Parameter) return value
  if (isTensor(value)) return new Parameter(value)
  throw new TypeError(
    `cannot assign '${kindOf(value)}' object to parameter '${name}' of ${kind} (torch Tensor required)`,
  )
}

const describe = (type: string, { sizes }: Tensor): string =>
  `Parameter containing: [${type} of size ${sizes.join('x')}]`

const ofParameterDict = constructing('ParameterDict', optional('parameters', anything, undefined))
const fallback = required('default', anything)
const setdefaultArguments = signature('setdefault', key, fallback)
const fromkeysArguments = signature('fromkeys', required('keys', list(str)), fallback)
class Parameters extends Dictionary<Parameter> {
  constructor(...args: [parameters?: NamedItems<Tensor>]) {
    const [parameters] = ofParameterDict(args)
    super()
    if (parameters !== undefined && parameters !== null) this.update(parameters as NamedItems<Parameter>)
  }

  protected get kind(): string {
    return 'ParametersDict'
  }

  protected accepted(name: unknown, value: unknown): Parameter {
    if (typeof name !== 'string') {
      throw new TypeError(
        `Index given to ParameterDict cannot be used as a key as it is not a string (type is '${typeName(name)}'). Open an issue on github if you need non-string keys.`,
      )
    }
    checkName('parameter', name)
    return parameterOf(value, name, 'ParameterDict')
  }

  /** The parameter with a name, which is `value` if there was none. */
  setdefault(...args: [key: string, value: Tensor]): Parameter {
    const [key, value] = setdefaultArguments(args)
    return (this.has(key) ? this : this.set(key, value as Parameter)).get(key) as Parameter
  }

  /** Removes the last parameter and returns its name and itself. */
  popitem(...none: []): [name: string, item: Parameter] {
    nothingMore('popitem', none)
    const last = this.items().pop()
    if (last === undefined) throw new KeyError("'popitem(): dictionary is empty'")
    remove(this, last[0])
    return last
  }

  /** A dictionary of the same parameters. */
  copy(...none: []): ParameterDict {
    nothingMore('copy', none)
    return new ParameterDict(this.items())
  }

  /** A dictionary of these names, each with a parameter of the same elements. */
  fromkeys(...args: [keys: readonly string[], value: Tensor]): ParameterDict {
    const [keys, value] = fromkeysArguments(args)
    return new ParameterDict(keys.map((name) => [name, value as Tensor] as const))
  }

  override forward(): never {
    throw new RuntimeError('ParameterDict should not be called.')
  }

  override extraRepr(): string {
    return this.items()
      .map(([name, p]) => `  (${name}): ${describe(`torch.${dtypeName[p.dtype]}Tensor`, p)}`)
      .join('\n')
  }
}

/** Parameters by name, which are properties as well. */
export type ParameterDict<P = object> = Parameters & { readonly [K in keyof P]: Parameter }
interface ParameterDictClass {
  new <P extends Items<Tensor>>(parameters: P): ParameterDict<P>
  new (parameters?: Iterable<readonly [name: string, parameter: Tensor]>): ParameterDict
  readonly prototype: ParameterDict
}
/**
 * Holds parameters by name; other tensors become parameters.
 *
 * @example
 * const weights = new nn.ParameterDict({ left: ones(2), right: zeros(3) })
 * weights.left.shape // [2]
 */
export const ParameterDict: ParameterDictClass = /* @__PURE__ */ named(
  'ParameterDict',
  Parameters,
) as unknown as ParameterDictClass

const ofParameterList = constructing('ParameterList', optional('values', notOptions, undefined))
const atArguments = signature('at', required('index', int))
const extendArguments = signature('extend', required('values', anything))
const appendArguments = signature('append', required('value', anything))

/**
 * Holds parameters by number, so that an optimizer finds them; other tensors become parameters.
 *
 * @example
 * const weights = new nn.ParameterList([ones(2), zeros(3)])
 * weights[1].shape // [3]
 */
export class ParameterList extends Collection<Parameter> {
  [index: number]: Parameter

  constructor(...args: [values?: Iterable<Tensor> | { readonly values: Iterable<Tensor> }]) {
    const [values] = ofParameterList(args)
    super()
    if (values !== undefined && values !== null) this.extend(values as Iterable<Tensor>)
  }

  protected accepted(name: string, value: unknown): Parameter {
    return parameterOf(value, name, 'ParameterList')
  }

  *[Symbol.iterator](): IterableIterator<Parameter> {
    yield* Object.values(noted(this, itemsOf))
  }

  /** The parameter at an index; a negative index counts from the end. */
  at(...args: [index: number]): Parameter {
    const [index] = atArguments(args)
    const { length } = this
    if (index < -length || index >= length) throw new IndexError(`index ${index} is out of range`)
    return noted(this, itemsOf)[index < 0 ? index + length : index]
  }

  /** Adds a parameter at the end. */
  append(...args: [value: Tensor]): this {
    const [value] = appendArguments(args)
    const name = String(this.length)
    put(this, name, this.accepted(name, value))
    return this
  }

  /** Adds parameters at the end; all of them, or none if one is refused. */
  extend(...args: [values: Iterable<Tensor>]): this {
    const [values] = extendArguments(args)
    if (typeof values !== 'object' || values === null || values instanceof Tensor || !(Symbol.iterator in values)) {
      throw new TypeError(
        `ParameterList.extend should be called with an iterable, but got ${kindOf(values)}`,
        'Pass an array of tensors.',
      )
    }
    const more = Array.from(values as Iterable<unknown>, (value, i) => this.accepted(String(this.length + i), value))
    for (const parameter of more) put(this, String(this.length), parameter)
    return this
  }

  override forward(): never {
    throw new RuntimeError('ParameterList should not be called.')
  }

  override extraRepr(): string {
    return Array.from(this, (p, i) => `  (${i}): ${describe(`torch.${p.dtype}`, p)}`).join('\n')
  }
}
