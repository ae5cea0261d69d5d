// Reports to a recorder that a step depends on the properties of the modules that it calls.
import { effects } from '../tensor/effects.ts'

interface Forwarding {
  forward(...args: never[]): unknown
}

const watched = new WeakSet<object>()
/**
 * From its first instance on, the `forward` of a class reports to a recorder that the step depends on the module's
 * properties. `base` is the prototype at which the classes of layers begin.
 */
export function watchForward(prototype: Forwarding, base: Forwarding): void {
  for (let x = prototype; x !== base && !watched.has(x); x = Object.getPrototypeOf(x) as Forwarding) {
    watched.add(x)
    const property = Object.getOwnPropertyDescriptor(x, 'forward')
    if (typeof property?.value !== 'function' || property.configurable !== true) continue
    const forward = property.value as (...args: unknown[]) => unknown
    const value = function (this: object, ...args: unknown[]): unknown {
      if (effects.sink !== null) effects.sink.looks.notedAll(this)
      return forward.apply(this, args)
    }
    Object.defineProperty(x, 'forward', { ...property, value })
  }
}
