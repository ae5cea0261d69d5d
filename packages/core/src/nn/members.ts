// Finds a module's members: parameters, submodules, and arrays, maps and plain objects of them are own properties,
// buffers are its declared tensors. Names are in snake_case; the members of an array add an index to its name, those of
// a map or an object their key, unchanged.
import { isOptions } from '../tensor/signature.ts'
import { Tensor } from '../tensor/tensor.ts'
import type { Module } from './module.ts'
import { snakeCase } from './names.ts'
import { Parameter } from './parameter.ts'

/** Returns the properties in which members are looked for, in order; every module has this method. */
export const membersOf: unique symbol = Symbol('members')
/** Sets a submodule by name; every module has this method. */
export const setModule: unique symbol = Symbol('setModule')
/** The declared buffers: whether each property is saved. */
export const buffersOf: unique symbol = Symbol('buffers')

type Named<T> = [name: string, member: T]

/** Whether a value is a module, of this copy of the package or of another. */
export const isModule = (x: unknown): x is Module => typeof x === 'object' && x !== null && membersOf in x

interface Entry {
  readonly key: string
  readonly property: string
  readonly member: unknown
}

/** What an array, a map or a plain object holds, by its keys; null for another value. */
export function contents(member: unknown): Iterable<readonly [key: unknown, item: unknown]> | null {
  if (typeof member !== 'object' || member === null) return null
  if (Array.isArray(member) || member instanceof Map || member instanceof Set) return member.entries()
  return isOptions(member) ? Object.entries(member) : null
}

/** A value, or the elements of a collection of values, with keys. A collection that contains itself is opened once. */
function* opened(key: string, property: string, member: unknown, within: readonly unknown[] = []): Iterable<Entry> {
  const items = contents(member)
  if (items === null && (member !== null || within.length === 0)) yield { key, property, member }
  if (items === null || within.includes(member)) return
  let i = 0
  for (const [name, item] of items) {
    const own = typeof name === 'object' ? i : String(name)
    yield* opened(`${key}.${own}`, `${property}.${own}`, item, [...within, member])
    i++
  }
}

function* entriesOf(module: Module): Iterable<Entry> {
  for (const [property, value, key] of module[membersOf]()) yield* opened(key ?? snakeCase(property), property, value)
}

/** A module's own parameters with their keys. */
export function ownParameters(module: Module): Named<Parameter>[] {
  const found: Named<Parameter>[] = []
  for (const { key, member } of entriesOf(module)) if (member instanceof Parameter) found.push([key, member])
  return found
}

/** A module's own submodules with their keys. */
export const ownModules = (module: Module): Named<Module>[] =>
  ownSlots(module).filter((slot): slot is Named<Module> => slot[1] !== null)

/** The same, and null for those that were taken away: PyTorch keeps their names. */
export function ownSlots(module: Module): Named<Module | null>[] {
  const found: Named<Module | null>[] = []
  for (const { key, member } of entriesOf(module)) if (member === null || isModule(member)) found.push([key, member])
  return found
}

export interface Buffer {
  readonly key: string
  readonly property: string
  readonly tensor: Tensor
  readonly saved: boolean
}

/** A module's declared buffers that are set. */
export function ownBuffers(module: Module): Buffer[] {
  const found: Buffer[] = []
  for (const [property, saved] of module[buffersOf] ?? []) {
    const tensor = getProperty(module, property)
    if (tensor instanceof Tensor) found.push({ key: snakeCase(property), property, tensor, saved })
  }
  return found
}

/** The module's own part of a state dict. */
export const ownState = (module: Module): Named<Tensor>[] => [
  ...ownParameters(module),
  ...ownBuffers(module).flatMap(({ key, tensor, saved }) => (saved ? [[key, tensor] as Named<Tensor>] : [])),
]

export const getProperty = (module: Module, property: string): unknown =>
  (module as unknown as Record<string, unknown>)[property]
export const setProperty = (module: Module, property: string, value: unknown): void =>
  void ((module as unknown as Record<string, unknown>)[property] = value)

const joined = (prefix: string, key: string): string => (prefix === '' ? key : `${prefix}.${key}`)

/** The module and all below it with their names, each once. */
export function namedModules(root: Module, prefix: string): Named<Module>[] {
  const found: Named<Module>[] = []
  const seen = new Set<Module>()
  const visit = (name: string, module: Module): void => {
    if (seen.has(module)) return
    seen.add(module)
    found.push([name, module])
    for (const [key, child] of ownModules(module)) visit(joined(name, key), child)
  }
  visit(prefix, root)
  return found
}

/** The members that `own` finds in the module, or in the module and all below it, with names, each once. */
export function namedMembers<T extends object>(
  root: Module,
  prefix: string,
  recurse: boolean,
  own: (module: Module) => readonly Named<T>[],
): Named<T>[] {
  const found: Named<T>[] = []
  const seen = new Set<T>()
  for (const [name, module] of recurse ? namedModules(root, prefix) : [[prefix, root] as Named<Module>]) {
    for (const [key, member] of own(module)) {
      if (seen.has(member)) continue
      seen.add(member)
      found.push([joined(name, key), member])
    }
  }
  return found
}

/** The member whose key or property begins the path, with that name. */
export function findMember(
  module: Module,
  path: string,
): { readonly name: string; readonly member: unknown } | undefined {
  for (const { key, property, member } of entriesOf(module)) {
    if (member === undefined) continue
    for (const name of [key, property]) if (path === name || path.startsWith(`${name}.`)) return { name, member }
  }
  return undefined
}
