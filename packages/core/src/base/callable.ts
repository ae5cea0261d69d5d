// Functions that are given to functions, and the switches beside them, in files below the door (tensor/signature.ts).
import { TypeError } from './errors.ts'
import { typeName } from './python.ts'

/** Throws for what cannot be called. */
export function checkCallable(name: string, fn: unknown, parameter = 'fn'): void {
  if (typeof fn === 'function') return
  throw new TypeError(`${name}(): argument '${parameter}' must be function, not ${typeName(fn)}`)
}

/** Throws for what is neither true nor false. */
export function checkSwitch(name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be a bool (got ${typeName(value)})`)
}
