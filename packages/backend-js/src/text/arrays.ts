// Source text of functions that read and write arrays in tight loops, written for how V8 compiles it. A typed array
// that is a `const` of the enclosing function becomes its address in machine code if the function aliases it at its
// head, outside all loops. Arrays of one length that are read at one index share a bounds check, and need none if that
// length is the loop's bound. So neighbouring elements are read at one index, from subarrays that begin at different
// elements.
import type { DType } from '@flambeau/core/backend'
import { isNumber, sum } from './indices.ts'

/** A typed array by the name of its variable, and the start of something in it. */
export interface ArraySource {
  readonly array: string
  /** A number, or source of one. */
  readonly start: string
  readonly dtype: DType
  /** The array is a `const` of the function that will hold the declarations. */
  readonly constant: boolean
}

/** The positions from, from + step, … before to. */
export interface Range {
  readonly from: number
  readonly to: number
  readonly step: number
}

export const lastOf = ({ from, to, step }: Range): number => from + (Math.ceil((to - from) / step) - 1) * step

/** Runs `body` for every position of a range; a range of one needs no loop. */
export function loop(name: string, { from, to, step }: Range, body: (at: string) => readonly string[]): string[] {
  if (from + step >= to) return [...body(String(from))]
  return [`for (let ${name} = ${from}; ${name} < ${to}; ${name} += ${step}) {`, ...body(name), '}']
}

/** A function while its text is written. */
export class FunctionText {
  readonly #aliases = new Map<string, string>()

  /** The name, in this function, of a constant of the enclosing one. */
  readonly alias = (array: string): string => {
    const alias = `${array}_`
    this.#aliases.set(array, alias)
    return alias
  }

  lines(name: string, parameters: readonly string[], body: readonly string[]): string[] {
    const aliases = [...this.#aliases].map(([array, alias]) => `const ${alias} = ${array}`)
    return [`function ${name}(${parameters.join(', ')}) {`, ...aliases, ...body, '}']
  }
}

/** How to read the elements of an array. */
export interface Cells {
  /** Terms that are added to every index. */
  readonly origin: readonly string[]
  /** The element `offset` after an index that is less than `length`. An index that is a number needs no subarray. */
  at(fn: FunctionText, index: string, offset: number, length: number): string
}

const arrays: Readonly<Record<DType, { readonly type: string; readonly bytes: number }>> = {
  float32: { type: 'Float32Array', bytes: 4 },
  float64: { type: 'Float64Array', bytes: 8 },
  int32: { type: 'Int32Array', bytes: 4 },
  uint8: { type: 'Uint8Array', bytes: 1 },
  bool: { type: 'Uint8Array', bytes: 1 },
}

/**
 * A constant array whose start is a number, read through subarrays that `constant` declares. An index may exceed its
 * `length` by up to `span`.
 */
export function subarrays(
  { array, start, dtype }: ArraySource,
  origin: readonly string[],
  span: number,
  constant: (prefix: string, value: string) => string,
): Cells {
  const { type, bytes } = arrays[dtype]
  const known = new Map<string, string>()
  return {
    origin,
    at: (fn, index, offset, length) => {
      if (isNumber(index)) return `${fn.alias(array)}[${Number(start) + Number(index) + offset}]`
      const from = `${array}.buffer, ${array}.byteOffset + ${(Number(start) + offset) * bytes}`
      const value = `new ${type}(${from}, ${length + span})`
      const view = known.get(value) ?? constant('w', value)
      known.set(value, view)
      return `${fn.alias(view)}[${index}]`
    },
  }
}

/** An array that is a variable of the function. */
export const moving = (array: string, origin: readonly string[]): Cells => ({
  origin,
  at: (_, index, offset) => `${array}[${sum(index, String(offset))}]`,
})
