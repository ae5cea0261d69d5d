// Reading of arguments that PyTorch takes in several forms: sizes as varargs or an array, a dimension by position or
// in the options.
import { TypeError } from '../base/errors.ts'
import { checkSizes, type Shape } from '../base/shape.ts'

export type Dims = number | readonly number[]
export interface DimOptions {
  readonly dim?: Dims | null
  readonly keepdim?: boolean
}

/** `f(x, dim, { keepdim })` and `f(x, { dim, keepdim })` are the same call. */
export function dimOptions<O extends DimOptions>(dim: Dims | null | O | undefined, options: O | undefined): O {
  if (dim !== null && typeof dim === 'object' && !Array.isArray(dim)) return dim as O
  if (dim === undefined || dim === null) return options ?? ({} as O)
  return { ...options, dim } as O
}

/** One dimension by position or in the options. */
export function oneDim(dim: number | { readonly dim?: number } | undefined, otherwise: number): number {
  const value = typeof dim === 'object' ? dim.dim : dim
  if (value !== undefined && typeof value !== 'number') throw new TypeError(`dim must be an integer, not ${typeof value}`)
  return value ?? otherwise
}

export type Sizes = readonly [readonly number[]] | readonly number[]
/** Sizes as varargs or as one array; -1 is let through where `least` is -1. */
export function sizesOf(sizes: Sizes, least = 0): Shape {
  const list = Array.isArray(sizes[0]) ? (sizes[0] as readonly number[]) : (sizes as readonly number[])
  return checkSizes(list, least)
}

/** Splits `(2, 3, { dtype })` and `([2, 3], { dtype })` into sizes and options. */
export function sizesAndOptions<O extends object>(args: readonly unknown[]): { shape: Shape; options: O } {
  const last = args[args.length - 1]
  const hasOptions = typeof last === 'object' && last !== null && !Array.isArray(last)
  const sizes = hasOptions ? args.slice(0, -1) : args
  return { shape: sizesOf(sizes as Sizes), options: (hasOptions ? last : {}) as O }
}
