// Checks of function arguments and switches, for files that cannot import tensor/signature.ts.
import { TypeError } from './errors.ts'
import { typeName } from './python.ts'

/** Throws for a value that cannot be called, and for arguments after it. */
export function checkCallable(name: string, fn: unknown, parameter = 'fn', more: readonly unknown[] = []): void {
  if (typeof fn !== 'function')
    throw new TypeError(`${name}(): argument '${parameter}' must be function, not ${typeName(fn)}`)
  if (more.some((x) => x !== undefined))
    throw new TypeError(`${name}() got an unexpected argument`, 'It takes nothing after the function.')
}

/** Throws for a value that is not a boolean. */
export function checkSwitch(name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be a bool (got ${typeName(value)})`)
}
