// Python's names for JavaScript values, which PyTorch's messages use.
import { className } from './class-name.ts'

/** The name of a value's type in Python, for messages. */
export function typeName(x: unknown): string {
  if (x === null || x === undefined) return 'NoneType'
  if (typeof x === 'number') return Number.isInteger(x) ? 'int' : 'float'
  if (Array.isArray(x)) return 'list'
  if (typeof x === 'object') {
    const type: unknown = x.constructor
    return typeof type === 'function' && type !== Object ? className(type) : 'dict'
  }
  return { string: 'str', boolean: 'bool' }[typeof x as string] ?? typeof x
}

/** Converts `numBatchesTracked` to 'num_batches_tracked', `TMax` to 'T_max'; a name that begins with another capital keeps it. */
export const snakeCase = (name: string): string =>
  name.replace(
    /([a-z0-9]|^T)([A-Z]+|(?<=^T)\d)/g,
    (_, before: string, capitals: string) => `${before}_${capitals.toLowerCase()}`,
  )

/** Converts 'num_batches_tracked' to `numBatchesTracked`. */
export const camelCase = (name: string): string =>
  name.replace(/(?<=.)_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
