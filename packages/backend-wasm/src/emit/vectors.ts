// Vectors in the function that is being written: what steps compute goes into its body, and their constants into locals
// that are set once, before the loops.
import * as w from './code.ts'
import type { Code } from './code.ts'
import { type Exact, exacts, type Maker } from './math.ts'
import { type Body, v128 } from './module.ts'

/** Whether code only reads a local, so that it may be repeated. */
const isLocal = (code: Code): boolean => typeof code !== 'number' && code[0] === 0x20

export class Vectors implements Maker {
  readonly #body: Body
  readonly #constants = new Map<string, Code>()
  readonly #first: Code[] = []

  constructor(body: Body) {
    this.#body = body
  }

  /** Sets the constants. */
  get first(): Code {
    return this.#first
  }

  keep(value: Code): Code {
    return isLocal(value) ? value : this.#body.keep(value)
  }

  /** A value that is the same everywhere, in a local that is set before the loops. */
  once(key: string, value: Code): Code {
    let known = this.#constants.get(key)
    if (known === undefined) {
      const local = this.#body.local(v128)
      this.#first.push(local.set(value))
      known = local.get
      this.#constants.set(key, known)
    }
    return known
  }

  float(value: number): Code {
    return this.once(`float ${Object.is(value, -0) ? '-0' : Math.fround(value)}`, w.floats(value))
  }
  int(value: number): Code {
    return this.once(`int ${value | 0}`, w.ints(value))
  }
  double(value: number): Code {
    return this.once(`double ${Object.is(value, -0) ? '-0' : value}`, w.doubles(value))
  }

  long(high: number, low: number): Code {
    return this.once(`long ${high} ${low}`, w.longs(high, low))
  }

  /** The module's first functions are those of C. */
  call(name: Exact, ...args: readonly Code[]): Code {
    return w.call(Object.keys(exacts).indexOf(name), ...args)
  }

  ifAny(mask: Code, then: () => void): void {
    const body = this.#body
    body.add(w.ifThen(w.anyTrue(mask), body.piece(then)))
  }

  variable(value: Code): { readonly get: Code; set(value: Code): void } {
    const local = this.#body.local(v128)
    this.#body.add(local.set(value))
    return { get: local.get, set: (next) => this.#body.add(local.set(next)) }
  }
}
