// Methods of Tensor, derived from the op table: `x.exp()` is `exp(x)`, and every elementwise op has its in-place form
// `x.exp_()`. Types and hover texts follow by a mapped type; nothing is listed twice.
import { applyInPlace } from '../tensor/in-place.ts'
import type { Input } from '../tensor/op.ts'
import { Tensor } from '../tensor/tensor.ts'
import type { Elementwise } from './define.ts'
import type * as elementwise from './elementwise.ts'
import * as members from './members.ts'
import type { maskedFill } from './picks.ts'
import './properties.ts'
import * as table from './table.ts'

type Table = typeof table & typeof members
type Resolve = (...args: never[]) => readonly [Elementwise, readonly Input[]]
type OneForm<F> = F extends (x: never, ...rest: infer R extends readonly unknown[]) => infer Y
  ? (...rest: R) => Y
  : never
/** `f(x, ...rest)` as a method; a function may have two forms. */
type Method<F> = F extends {
  (x: never, ...first: infer A extends readonly unknown[]): infer X
  (x: never, ...second: infer B extends readonly unknown[]): infer Y
}
  ? unknown extends X
    ? OneForm<F>
    : { (...first: A): X; (...second: B): Y }
  : OneForm<F>
type Methods = { readonly [K in keyof Table]: Method<Table[K]> }
type Writable = typeof elementwise & { maskedFill: typeof maskedFill }
type InPlace = { readonly [K in keyof Writable as `${K}_`]: Method<Writable[K]> }

declare module '../tensor/tensor.ts' {
  interface Tensor extends Methods, InPlace {}
}

/** The in-place form of an elementwise function: its result is written into the first argument. */
export function inPlace(fn: { readonly resolve: Resolve }, self: Tensor, ...rest: unknown[]): Tensor {
  const [record, inputs] = (fn.resolve as (...args: unknown[]) => ReturnType<Resolve>)(self, ...rest)
  return applyInPlace(record, self, inputs, null)
}

const define = (name: string, value: unknown): void =>
  void Object.defineProperty(Tensor.prototype, name, { value, configurable: true, writable: true })

// Without entries and spreads: what is made and thrown away while a program starts brings its first collections on.
for (const functions of [table, members] as unknown as Record<string, (x: Tensor, ...rest: unknown[]) => unknown>[]) {
  for (const name in functions) {
    const fn = functions[name]
    define(name, function (this: Tensor, ...rest: unknown[]) {
      return fn(this, ...rest)
    })
    if ('resolve' in fn) {
      define(`${name}_`, function (this: Tensor, ...rest: unknown[]) {
        return inPlace(fn as unknown as { resolve: Resolve }, this, ...rest)
      })
    }
  }
}
