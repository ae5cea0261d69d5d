// What can be saved: tensors and JSON values in arrays, objects and maps. `prepared` makes that of what a program has,
// modules and optimizers among it, and names the path of whatever cannot be saved.
import type { TypedArray } from '../base/dtype.ts'
import { TypeError, ValueError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { StateDict } from '../nn/state-dict.ts'
import { isUninitialized } from '../nn/uninitialized.ts'
import { isTensor } from '../tensor/signature.ts'
import { checkAlive, type Tensor } from '../tensor/tensor.ts'

/** What formats write: nothing else is in it, and nothing contains itself. */
export type Saved =
  | Tensor
  | TypedArray
  | string
  | number
  | boolean
  | null
  | readonly Saved[]
  | ReadonlyMap<string | number, Saved>
  | { readonly [key: string]: Saved }

/** Deeper trees are refused, so that readers and writers may call themselves. */
export const mostLevels = 100

/** The arrays that are saved as they are. */
export const isArray = (x: unknown): x is TypedArray =>
  x instanceof Uint8Array || x instanceof Float32Array || x instanceof Float64Array || x instanceof Int32Array

/** Sets an own property, whatever its name: `__proto__` is a name like any other. */
export const setOwn = (object: object, key: string, value: unknown): void =>
  void Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })

const step = (path: string, key: string): string =>
  /^[A-Za-z_$][\w$]*$/.test(key) ? (path === '' ? key : `${path}.${key}`) : `${path}[${JSON.stringify(key)}]`

const refuse = (path: string, what: string, hint: string): TypeError =>
  new TypeError(`save(): ${path === '' ? 'the object' : path} ${what}`, hint)

const kinds = 'Tensors, numbers, strings, booleans and null can be saved, in arrays, objects and maps.'

/**
 * What a program wants to save, as what formats write: objects with `stateDict()` or `getState()` are replaced by what
 * that returns. Throws a TypeError that names the path of what cannot be saved, and a ValueError for what contains
 * itself.
 */
export function prepared(value: unknown, path = '', above: readonly unknown[] = []): Saved {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return value
  if (typeof value === 'bigint') throw refuse(path, 'is a bigint', 'Save it as text: String(x).')
  if (typeof value !== 'object') {
    const a = typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`
    throw refuse(path, `is ${a}, which cannot be saved`, kinds)
  }
  if (isTensor(value)) {
    if (isUninitialized(value))
      throw refuse(path, 'has no elements yet: its layer is lazy', 'Call forward once before you save the model.')
    checkAlive(value)
    return value
  }
  if (isArray(value)) return value
  if (above.includes(value)) throw new ValueError(`save(): ${path} contains itself`, 'A file has no place for a cycle.')
  if (above.length === mostLevels)
    throw new ValueError(`save(): ${path.slice(0, 60)}... is more than ${mostLevels} levels deep`)
  const within = [...above, value]
  if (Array.isArray(value)) return Array.from(value, (item, i) => prepared(item, `${path}[${i}]`, within))
  if (value instanceof Map) {
    const entries = Array.from(value, ([key, item]): [string | number, Saved] => {
      if (typeof key !== 'string' && typeof key !== 'number')
        throw refuse(path, `has a key that is a ${typeName(key)}`, 'Keys of a map must be strings or numbers.')
      return [key, prepared(item, step(path, String(key)), within)]
    })
    if (!(value instanceof StateDict)) return new Map(entries)
    const dict = new StateDict(entries as [string, Tensor][])
    dict.versions = value.versions
    return dict as ReadonlyMap<string, Saved>
  }
  for (const method of ['stateDict', 'getState']) {
    const state = (value as Readonly<Record<string, unknown>>)[method]
    if (typeof state === 'function') return prepared(state.call(value), path, within)
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
    throw refuse(path, `is a ${typeName(value)}, which has no stateDict()`, kinds)
  const object: { [key: string]: Saved } = {}
  // A property that is undefined is as good as absent, as in JSON.
  for (const [key, item] of Object.entries(value))
    if (item !== undefined) setOwn(object, key, prepared(item, step(path, key), within))
  return object
}

/** Whether a saved value is an object with names, neither an array nor a map nor a tensor. */
export const isRecord = (x: Saved): x is { readonly [key: string]: Saved } =>
  typeof x === 'object' && x !== null && !isTensor(x) && !isArray(x) && !Array.isArray(x) && !(x instanceof Map)
