// Reports to a recorder that a step depends on the properties of the modules that it calls, and refuses modules in
// #private fields, which nothing finds.
import { effects } from '../tensor/effects.ts'

interface Forwarding {
  forward(...args: never[]): unknown
}

/** A method `forward`, and, if it reports, the one that the class defines. */
export type Forward = ((...args: never[]) => unknown) & { own?: unknown }

const watched = new WeakSet<object>()
/**
 * From its first instance on, the `forward` of a class reports to a recorder that the step depends on the module's
 * properties. `base` is the prototype at which the classes of layers begin; `enter` gets the module before each call,
 * `check` what a module with #private fields has called.
 */
export function watchForward(
  prototype: Forwarding,
  base: Forwarding,
  enter: (module: never) => void,
  check: (module: object, called: ReadonlySet<object>) => void,
): void {
  for (let x = prototype; x !== base && !watched.has(x); x = Object.getPrototypeOf(x) as Forwarding) {
    watched.add(x)
    const property = Object.getOwnPropertyDescriptor(x, 'forward')
    if (typeof property?.value !== 'function' || property.configurable !== true) continue
    const forward = property.value as (...args: unknown[]) => unknown
    const hides = /#\w/.test(String((x as object).constructor))
    const value: Forward = function (this: object, ...args: unknown[]): unknown {
      enter(this as never)
      if (effects.sink !== null) effects.sink.looks.notedAll(this)
      called?.add(this)
      return hides && !looked.has(this) ? looking(this, forward, args, check) : forward.apply(this, args)
    }
    value.own = forward
    Object.defineProperty(x, 'forward', { ...property, value })
  }
}

/** The modules that are called while the first call of one with #private fields runs. */
let called: Set<object> | null = null
const looked = new WeakSet<object>()

/** The first call of a module whose class has #private fields: the modules that it calls must be among its members. */
function looking(
  module: object,
  forward: (...args: unknown[]) => unknown,
  args: unknown[],
  check: (module: object, called: ReadonlySet<object>) => void,
): unknown {
  looked.add(module)
  const before = called
  const inside = new Set<object>()
  called = inside
  let result: unknown
  try {
    result = forward.apply(module, args)
  } finally {
    called = before
    for (const x of inside) before?.add(x)
  }
  check(module, inside)
  return result
}
