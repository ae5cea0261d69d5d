// Keeps a module's members what they are: a property with a parameter, a submodule or a declared buffer takes only another
// one or null, as in PyTorch, because a plain tensor in a parameter's place would no longer be trained. JavaScript tells
// nobody of a new property, so such properties become accessors when a layer has its parameters, when they are registered,
// before the first `forward`, and whenever members are looked for or copied.
import { TypeError } from '../base/errors.ts'
import { isTensor } from '../tensor/signature.ts'
import { kindOf } from '../tensor/tensor.ts'
import { buffersOf, isModule } from './members.ts'
import type { Module } from './module.ts'
import { snakeCase } from './names.ts'
import { Parameter } from './parameter.ts'

type Kind = 'parameter' | 'child module' | 'buffer'
const isParameter = (x: unknown): boolean => x instanceof Parameter
const kinds: Record<Kind, readonly [accepts: (x: unknown) => boolean, wanted: string]> = {
  parameter: [isParameter, 'nn.Parameter'],
  'child module': [isModule, 'nn.Module'],
  buffer: [isTensor, 'Tensor'],
}

/** Throws PyTorch's error for a value that cannot take the place of a member; null can. */
export function checkMember(kind: Kind, name: string, value: unknown): void {
  const [accepts, wanted] = kinds[kind]
  if (value === null || value === undefined || accepts(value)) return
  throw new TypeError(
    `cannot assign '${kindOf(value)}' as ${kind} '${snakeCase(name)}' (torch.${wanted} or None expected)`,
    kind === 'parameter' && isTensor(value)
      ? 'Replace the parameter, new nn.Parameter(x), or write its elements: noGrad(() => parameter.copy_(x)).'
      : undefined,
  )
}

type Holder = Module & Record<PropertyKey, unknown>
interface Held {
  readonly kind: Kind
  /** The key of the value. */
  readonly place: symbol
  readonly accessor: PropertyDescriptor
}
const known = new Map<string, Held>()
const byGetter = new WeakMap<object, Held>()

/** The accessor of a property; all modules share it, so that V8 can put it into their code. */
function heldAs(kind: Kind, property: string): Held {
  const key = `${kind} ${property}`
  const before = known.get(key)
  if (before !== undefined) return before
  const place = Symbol.for(`flambeau ${property}`)
  const accessor = {
    get(this: Holder): unknown {
      return this[place]
    },
    set(this: Holder, value: unknown): void {
      if (isParameter(value)) hold(this, property, 'parameter', value)
      else if (isModule(value) && kind !== 'parameter') hold(this, property, 'child module', value)
      else {
        checkMember(kind, property, value)
        this[place] = value
      }
    },
    enumerable: true,
    configurable: true,
  }
  const held = { kind, place, accessor }
  byGetter.set(accessor.get, held)
  known.set(key, held)
  return held
}

/** Sets a member and keeps its kind. */
export function hold(module: Module, property: string, kind: Kind, value: unknown): void {
  const { place, accessor } = heldAs(kind, property)
  if (kind !== 'buffer') module[buffersOf]?.delete(property)
  Object.defineProperty(module, place, { value, writable: true, configurable: true })
  Object.defineProperty(module, property, accessor)
}

const heldBy = (module: object, property: string): Held | undefined =>
  byGetter.get(Object.getOwnPropertyDescriptor(module, property)?.get ?? kinds)

/** Where the value of an own property is. */
export const keyOf = (module: object, property: string): PropertyKey => heldBy(module, property)?.place ?? property

/** Whether a property is for a submodule, which may be null. */
export const isSlot = (module: object, property: string): boolean => heldBy(module, property)?.kind === 'child module'

/** Deletes a member. */
export function release(module: Module, property: string): void {
  Reflect.deleteProperty(module, keyOf(module, property))
  Reflect.deleteProperty(module, property)
  module[buffersOf]?.delete(property)
}

/** Whether the members of a module were looked for when it was first called. */
export const isCalled: unique symbol = Symbol('called')
/** Returns whether this is the first call of a module. */
export function enter(module: Module): boolean {
  if (module[isCalled]) return false
  holdMembers(module)
  return (module[isCalled] = true)
}

/** Keeps the kinds of the parameters and submodules that are properties of a module, and of parameters that it may have. */
export function holdMembers(module: Module, ...parameters: readonly string[]): void {
  if (!Object.isExtensible(module)) return
  for (const property of Object.keys(module)) {
    const { value } = Object.getOwnPropertyDescriptor(module, property) as PropertyDescriptor
    if (isParameter(value) || parameters.includes(property)) hold(module, property, 'parameter', value)
    else if (isModule(value)) hold(module, property, 'child module', value)
  }
}
