// Reports to a recorder that a step depends on the properties of the modules that it calls, refuses arguments that a layer
// does not take, and modules in #private fields, which nothing finds.
import { className } from '../base/class-name.ts'
import { TypeError } from '../base/errors.ts'
import { effects } from '../tensor/effects.ts'

interface Forwarding {
  forward(...args: never[]): unknown
}

/** A method `forward`, and, if it reports, the one that the class defines. */
export type Forward = ((...args: never[]) => unknown) & { own?: unknown }

type Counts = readonly [least: number, most: number]
const anyCount: Counts = [0, Infinity]
/** How many arguments methods of layers take. */
const counts = new Map<unknown, Counts>()
/** Says how many arguments the `forward` of these classes takes; as many as it names unless told otherwise. */
export function takeNoMore(classes: readonly { readonly prototype: Forwarding }[], count?: Counts): void {
  for (const { forward } of classes.map(({ prototype }) => prototype))
    counts.set(forward, count ?? [forward.length, forward.length])
}

/** Throws if more arguments than that are given; Python counts `self`. */
function checkCount(module: object, [least, most]: Counts, args: readonly unknown[]): void {
  let given = args.length
  while (given > most && args[given - 1] === undefined) given--
  if (given <= most) return
  const range = least === most ? most + 1 : `from ${least + 1} to ${most + 1}`
  throw new TypeError(
    `${className(module.constructor)}.forward() takes ${range} positional arguments but ${given + 1} were given`,
    'What else a layer takes, its constructor takes.',
  )
}

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
    const count = counts.get(forward) ?? anyCount
    const hides = /#\w/.test(String((x as object).constructor))
    const value: Forward = function (this: object, ...args: unknown[]): unknown {
      if (args.length > count[1]) checkCount(this, count, args)
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
