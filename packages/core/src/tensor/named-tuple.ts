// PyTorch's `torch.return_types.aminmax` and similar: the results of an op that has several, by name and by position.
import { inspect } from '../base/inspect.ts'
import { snakeCase } from '../base/python.ts'
import { formatReturnType, formatTuple } from './print.ts'
import type { Tensor } from './tensor.ts'

type Result = Tensor | readonly Tensor[]
const text = (x: Result): string => (Array.isArray(x) ? formatTuple(x.map(String)) : String(x))

class Fields implements Iterable<Result> {
  readonly #op: string
  readonly #fields: Readonly<Record<string, Result>>

  constructor(op: string, fields: Readonly<Record<string, Result>>) {
    this.#op = op
    this.#fields = fields
    Object.assign(this, fields, Object.values(fields))
    // Positions are not listed beside the names.
    for (const i of Object.values(fields).keys()) Object.defineProperty(this, i, { enumerable: false })
  }

  [Symbol.iterator](): Iterator<Result> {
    return Object.values(this.#fields)[Symbol.iterator]()
  }

  toString(): string {
    const texts = Object.entries(this.#fields).map(([name, x]) => [snakeCase(name), text(x)])
    return formatReturnType(this.#op, Object.fromEntries(texts))
  }

  [Symbol.for(inspect)](): string {
    return this.toString()
  }
}

/** Two results: `const { min, max } = aminmax(x)` or `const [min, max] = aminmax(x)`. */
export type NamedPair<A extends string, B extends string> = Iterable<Tensor> & {
  readonly [name in A | B | 0 | 1]: Tensor
}
/** The results of an op by PyTorch's names, in order. */
export const namedPair = <A extends string, B extends string>(
  op: string,
  fields: { readonly [name in A | B]: Result },
): NamedPair<A, B> => new Fields(op, fields) as Iterable<Tensor> as NamedPair<A, B>
