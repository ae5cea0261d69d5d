// Reading of arguments that PyTorch takes in several forms: sizes as varargs or an array, a dimension by position or
// in the options.
import { type DType, dtypeName, isFloat } from '../base/dtype.ts'
import { RuntimeError, TypeError } from '../base/errors.ts'
import { checkSizes, type Shape } from '../base/shape.ts'
import { type Arguments, bool, dims, dtype, keyword, nullable, optional, type Parameter } from '../tensor/signature.ts'

export type Dims = number | readonly number[]
export interface DimOptions {
  readonly dim?: Dims | null
  readonly keepdim?: boolean
}
/** Dimensions and whether they stay, by position or in the options. */
export type DimArguments<O> = Arguments<[dim: Dims | null, keepdim: boolean], O>

export const dimParameter: Parameter<Dims | null> = optional('dim', nullable(dims), null)
export const keepdimParameter: Parameter<boolean> = optional('keepdim', bool, false)
export const dtypeParameter: Parameter<DType | undefined> = keyword('dtype', dtype, undefined)

/** `f(x, dim, { keepdim })` and `f(x, { dim, keepdim })` are the same call. */
export function dimOptions<O extends DimOptions>(dim: Dims | null | O | undefined, options: O | undefined): O {
  if (dim !== null && typeof dim === 'object' && !Array.isArray(dim)) return dim as O
  if (dim === undefined || dim === null) return options ?? ({} as O)
  return { ...options, dim } as O
}

/** One dimension by position or in the options. */
export function oneDim(dim: number | { readonly dim?: number } | undefined, otherwise: number): number {
  const value = typeof dim === 'object' ? dim.dim : dim
  if (value !== undefined && typeof value !== 'number')
    throw new TypeError(`dim must be an integer, not ${typeof value}`)
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

/** A number as an element of a dtype: cut to a whole one for integers, a boolean for bool; too large ones are refused. */
export function numberFor(value: number | boolean, dtype: DType): number | boolean {
  if (dtype === 'bool') return value !== 0 && value !== false
  const number = Number(value)
  if (isFloat(dtype)) return number
  const whole = Math.trunc(number)
  const [type, low, high] = dtype === 'uint8' ? ['uint8_t', -255, 255] : ['int64_t', -(2 ** 31), 2 ** 31 - 1]
  if (whole >= low && whole <= high) return whole
  throw new RuntimeError(
    `value cannot be converted to type ${type} without overflow`,
    `The value is ${value}, the dtype ${dtype}.`,
  )
}

/** PyTorch's error for a dtype that a kernel of its does not take. */
export const notImplemented = (kernel: string, dtype: DType, hint = 'Convert it first: x.float().'): RuntimeError =>
  new RuntimeError(`"${kernel}" not implemented for '${dtypeName[dtype]}'`, hint)
