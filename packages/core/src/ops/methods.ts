// Methods of Tensor, derived from the op table: `x.exp()` is `exp(x)`, and every elementwise op has its in-place form
// `x.exp_()`. A mapped type gives their types and hover texts, so nothing is listed twice.
import { applyInPlace } from '../tensor/in-place.ts'
import type { Input } from '../tensor/op.ts'
import { Tensor } from '../tensor/tensor.ts'
import * as renamed from './aliases/elementwise.ts'
import * as renamedMethods from './aliases/methods.ts'
import type * as anew from './create/anew.ts'
import type * as facts from './facts.ts'
import type * as viewsInPlace from './views/in-place.ts'
import type * as byOther from './views/by-other.ts'
import type * as along from './indexing/along.ts'
import type * as arrange from './views/arrange.ts'
import type * as bernoulli from './random/bernoulli.ts'
import type * as counting from './order/counting.ts'
import type * as histogram from './order/histogram.ts'
import type * as convert from './create/convert.ts'
import type { Elementwise } from './define/elementwise.ts'
import type * as activation from './pointwise/activation.ts'
import type * as added from './product/added.ts'
import type * as arithmetic from './pointwise/arithmetic.ts'
import type * as choice from './pointwise/choice.ts'
import type * as combined from './pointwise/combined.ts'
import type * as comparison from './pointwise/comparison.ts'
import type * as differences from './reduce/differences.ts'
import type * as elementary from './pointwise/elementary.ts'
import type * as embed from './views/embed.ts'
import type * as extremes from './order/extremes.ts'
import type * as families from './random/families.ts'
import type * as functions from './pointwise/functions.ts'
import type * as gather from './indexing/gather.ts'
import type * as indexing from './indexing/indexing.ts'
import type * as join from './views/join.ts'
import type * as linear from './linalg/older.ts'
import type * as matmul from './product/matmul.ts'
import * as members from './members.ts'
import type * as moments from './reduce/moments.ts'
import type * as nan from './reduce/nan.ts'
import type * as nonlinear from './pointwise/nonlinear.ts'
import type * as norms from './reduce/norm.ts'
import type * as parts from './pointwise/parts.ts'
import type * as plain from './pointwise/plain.ts'
import type * as positions from './indexing/positions.ts'
import type * as select from './indexing/select.ts'
import './properties.ts'
import type * as products from './product/products.ts'
import type * as quantiles from './order/quantiles.ts'
import type * as random from './random/random.ts'
import type * as reduce from './reduce/reduce.ts'
import type * as scans from './reduce/scans.ts'
import type * as scatterReduce from './indexing/scatter-reduce.ts'
import type * as softmax from './reduce/softmax.ts'
import type * as special from './pointwise/special.ts'
import type * as sort from './order/sort.ts'
import type * as stacks from './views/stacks.ts'
import type * as incomplete from './special/incomplete.ts'
import type * as strided from './views/strided.ts'
import * as table from './table.ts'
import type * as triangles from './views/triangles.ts'
import type * as unique from './order/unique.ts'
import type * as views from './views/views.ts'
import type * as each from './write/each.ts'
import type * as write from './write/write.ts'

type Pointwise = typeof activation &
  typeof arithmetic &
  typeof choice &
  typeof combined &
  typeof comparison &
  typeof elementary &
  typeof functions &
  typeof parts
/**
 * Where the functions of the table and the members are declared, because an editor shows the comment of a declaration.
 */
type Declared = typeof added &
  typeof along &
  typeof anew &
  typeof byOther &
  typeof viewsInPlace &
  typeof facts &
  typeof arrange &
  typeof bernoulli &
  typeof convert &
  typeof counting &
  typeof histogram &
  typeof differences &
  typeof each &
  typeof embed &
  typeof extremes &
  typeof families &
  Pointwise &
  typeof gather &
  typeof indexing &
  typeof join &
  typeof linear &
  typeof matmul &
  typeof moments &
  typeof nan &
  typeof nonlinear &
  typeof norms &
  typeof plain &
  typeof products &
  typeof quantiles &
  Omit<typeof positions, 'where'> &
  typeof select &
  typeof random &
  typeof reduce &
  typeof scans &
  typeof scatterReduce &
  typeof softmax &
  Listed<typeof special> &
  Listed<typeof incomplete> &
  typeof sort &
  typeof stacks &
  typeof strided &
  typeof triangles &
  typeof unique &
  typeof views &
  typeof write
type Table = typeof table & typeof members & typeof renamed & typeof renamedMethods
/** The functions of the table, each by its declaration if there is one. */
type Functions = Pick<Declared, keyof Table & keyof Declared> & Omit<Table, keyof Declared>
type Resolve = (...args: never[]) => readonly [Elementwise, readonly Input[]]
/** `f(x, ...rest)` as a method. */
type Method<F> = F extends (...args: infer A) => infer Y ? (...rest: Rest<A>) => Y : never
type Rest<A> = A extends readonly [unknown, ...infer R] ? R : never
type Methods = { readonly [K in keyof Functions]: Method<Functions[K]> }
type Listed<M> = Pick<M, keyof typeof table & keyof M>
type Writable = Pointwise &
  typeof renamed &
  Listed<typeof added> &
  Listed<typeof special> &
  Listed<typeof incomplete> &
  Pick<typeof matmul, 'addmm'> &
  Pick<typeof norms, 'renorm'> &
  Pick<typeof members, 'polygamma'> &
  Pick<typeof select, 'maskedFill'> &
  Pick<typeof triangles, 'tril' | 'triu'>
type Write<F> = F extends (...args: infer A) => unknown
  ? {
      /** In place: writes the result of the method without `_` into this tensor and returns it. */
      // biome-ignore lint/style/useShorthandFunctionType: an editor shows the comment of a signature, not of a type
      (...rest: Rest<A>): Tensor
    }
  : never
type InPlace = { readonly [K in keyof Writable as `${K}_`]: Write<Writable[K]> }

declare module '../tensor/tensor.ts' {
  interface Tensor extends Methods, InPlace {}
}

/** The in-place form of an elementwise function: writes its result into the first argument. */
export function inPlace(fn: { readonly resolve: Resolve }, self: Tensor, ...rest: unknown[]): Tensor {
  const [op, inputs] = (fn.resolve as (...args: unknown[]) => ReturnType<Resolve>)(self, ...rest)
  return applyInPlace(op, self, inputs, null)
}

const define = (name: string, value: unknown): void =>
  void Object.defineProperty(Tensor.prototype, name, { value, configurable: true, writable: true })

type AnyFunction = (x: Tensor, ...rest: unknown[]) => unknown
const prototype = Tensor.prototype as unknown as Record<string, unknown>
// V8 copies an object's list of properties for each one added, unless one was deleted: then it keeps a table, until the
// first use. For hundreds of methods this is the difference between 7 ms and 0.4.
for (const name of ['first', 'second']) define(name, undefined)
for (const name of ['first', 'second']) delete prototype[name]
/** The name under which a function got its methods, which its aliases share. */
const names = new Map<AnyFunction, string>()
// Without entries and spreads, because garbage that is made during startup triggers the first collections.
for (const functions of [table, members, renamed, renamedMethods] as unknown as Record<string, AnyFunction>[]) {
  for (const name in functions) {
    const fn = functions[name]
    const own = names.get(fn)
    const writes = 'resolve' in fn
    if (own !== undefined) {
      define(name, prototype[own])
      if (writes) define(`${name}_`, prototype[`${own}_`])
      continue
    }
    names.set(fn, name)
    define(name, function (this: Tensor, ...rest: unknown[]) {
      return fn(this, ...rest)
    })
    if (writes) {
      define(`${name}_`, function (this: Tensor, ...rest: unknown[]) {
        return inPlace(fn as unknown as { resolve: Resolve }, this, ...rest)
      })
    }
  }
}
