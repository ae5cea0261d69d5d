// Checks of function arguments and switches, for files that cannot import tensor/signature.ts.
import { TypeError } from './errors.ts'
import { typeName } from './python.ts'

/** Throws for a value that cannot be called. */
export function checkCallable(name: string, fn: unknown, parameter = 'fn'): void {
  if (typeof fn === 'function') return
  throw new TypeError(`${name}(): argument '${parameter}' must be function, not ${typeName(fn)}`)
}

/** Throws for a value that is not a boolean. */
export function checkSwitch(name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be a bool (got ${typeName(value)})`)
}
