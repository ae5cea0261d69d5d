// Reports to a recorder that a step depends on the properties of the modules that it calls, and refuses modules in
// #private fields, which nothing finds.
import { className } from '../base/class-name.ts'
import { RuntimeError } from '../base/errors.ts'
import { effects } from '../tensor/effects.ts'
import { mode } from '../tensor/mode.ts'
import type { Module } from './module.ts'
import { namedModules, ownParameters } from './members.ts'

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
    const hides = /#\w/.test(String((x as object).constructor))
    const value = function (this: object, ...args: unknown[]): unknown {
      if (effects.sink !== null) effects.sink.looks.notedAll(this)
      called?.add(this)
      return hides && !looked.has(this) ? looking(this, forward, args) : forward.apply(this, args)
    }
    Object.defineProperty(x, 'forward', { ...property, value })
  }
}

/** The modules that are called while the first call of one with #private fields runs. */
let called: Set<object> | null = null
const looked = new WeakSet<object>()

/** The first call of a module whose class has #private fields: the modules that it calls must be among its members. */
function looking(module: object, forward: (...args: unknown[]) => unknown, args: unknown[]): unknown {
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
  const known = new Set<object>(namedModules(module as Module, '').map(([, x]) => x))
  const isTrained = (x: object): boolean => ownParameters(x as Module).some(([, p]) => p.requiresGrad)
  const lost = mode.grad ? [...inside].find((x) => !known.has(x) && isTrained(x)) : undefined
  if (lost === undefined) return result
  const [name, owner] = [lost, module].map((x) => className(x.constructor))
  throw new RuntimeError(
    `${owner} calls a ${name} that is not one of its members, so its parameters would be neither trained nor saved`,
    'A #private field hides a module. Use a plain field; `private` of TypeScript is one.',
  )
}
