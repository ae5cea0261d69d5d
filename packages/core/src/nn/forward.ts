// Reports to a recorder that a step depends on the properties of the modules that it calls, and refuses arguments that a
// layer does not take.
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
/** Says how many arguments the `forward` of a class takes: as many as it names, unless this was said before. */
export function takeNoMore({ prototype: { forward } }: { readonly prototype: Forwarding }, count?: Counts): void {
  if (!counts.has(forward)) counts.set(forward, count ?? [forward.length, forward.length])
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
 * properties. `base` is the prototype at which the classes of layers begin; `call` calls the method.
 */
export function watchForward(
  prototype: Forwarding,
  base: Forwarding,
  call: (module: never, forward: (...args: unknown[]) => unknown, args: unknown[], base: object) => unknown,
): void {
  for (let x = prototype; x !== base && !watched.has(x); x = Object.getPrototypeOf(x) as Forwarding) {
    watched.add(x)
    const property = Object.getOwnPropertyDescriptor(x, 'forward')
    if (typeof property?.value !== 'function' || property.configurable !== true) continue
    const forward = property.value as (...args: unknown[]) => unknown
    const count = counts.get(forward) ?? anyCount
    const value: Forward = function (this: object, ...args: unknown[]): unknown {
      if (args.length > count[1]) checkCount(this, count, args)
      if (effects.sink !== null) effects.sink.looks.notedAll(this)
      return call(this as never, forward, args, base)
    }
    value.own = forward
    Object.defineProperty(x, 'forward', { ...property, value })
  }
}
