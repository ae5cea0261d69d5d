// Reads arguments that PyTorch takes in several forms: sizes as varargs or an array, a dimension by position or in the
// options.
import { type DType, dtypeName, isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { toFloat, toInt } from '../../base/remedies.ts'
import { checkSizes, type Shape } from '../../base/shape.ts'
import {
  type Arguments,
  bool,
  dims,
  dtype,
  ints,
  isOptions,
  keyword,
  nullable,
  optional,
  type Parameter,
  refused,
  required,
  signature,
} from '../../tensor/signature.ts'

export type Dims = number | readonly number[]
/** A dimension by PyTorch's name, or by NumPy's. */
export interface DimOption<D = number> {
  readonly dim?: D
  readonly axis?: D
}
export interface KeepdimOption {
  readonly keepdim?: boolean
  readonly keepdims?: boolean
}
export interface DimOptions extends DimOption<Dims | null>, KeepdimOption {}
/** Options of which one is the dimension. */
export type GivenDim<D = number> = { readonly dim: D } | { readonly axis: D }
/** Dimensions and `keepdim`, by position or in the options. */
export type DimArguments<O> = Arguments<[dim: Dims | null, keepdim: boolean], O>

export const dimParameter: Parameter<Dims | null> = optional('dim', nullable(dims), null)
export const keepdimParameter: Parameter<boolean> = optional('keepdim', bool, false)
export const dtypeParameter: Parameter<DType | undefined> = keyword('dtype', dtype, undefined)

/** Sizes one by one, as an array, or by name. */
export type Sizes<K extends string = 'size'> =
  | readonly [readonly number[] | { readonly [k in K]: readonly number[] }]
  | readonly number[]
/**
 * Sizes as varargs, as one array or by name, each an integer of at least `least`. Copies them, so that the caller's array
 * never becomes the shape of a tensor.
 */
export function sizesOf(name: string, parameter: string, given: readonly unknown[], least = 0): Shape {
  const [first] = given
  const one = given.length === 1 && typeof first === 'object' && first !== null
  if (one && isOptions(first)) return sizesOf(name, parameter, signature(name, required(parameter, ints))(given), least)
  const list = one && Array.isArray(first) ? (first as readonly unknown[]) : given
  for (let i = 0; i < list.length; i++) {
    if (Number.isSafeInteger(list[i])) continue
    const alone = list === given && given.length === 1
    throw refused(name, required(parameter, alone ? sizes : ints), 1, alone ? list[i] : list)
  }
  return checkSizes(Array.from(list as readonly number[]), least)
}
const sizes = { ...dims, hint: 'Pass sizes as (2, 3) or ([2, 3]).' }

/** Splits `(2, 3, { dtype })`, `([2, 3], { dtype })` and `({ size: [2, 3], dtype })` into the sizes and the options. */
export function sizesAndOptions(name: string, args: readonly unknown[]): { shape: Shape; options: readonly unknown[] } {
  let given = args.length
  while (given > 0 && args[given - 1] === undefined) given--
  const last = args[given - 1]
  const count = typeof last === 'object' && last !== null && isOptions(last) ? given - 1 : given
  if (count === 0 && given > 0) {
    const { size, ...options } = last as Record<string, unknown>
    if (size !== undefined) return { shape: sizesOf(name, 'size', [{ size }]), options: [options] }
  }
  return { shape: sizesOf(name, 'size', args.slice(0, count)), options: args.slice(count, given) }
}

/**
 * A number as an element of a dtype: truncated for integers, a boolean for bool. Numbers out of range are refused, with
 * C's type names unless `types` has others.
 */
export function numberFor(value: number | boolean, dtype: DType, types = cTypes): number | boolean {
  if (dtype === 'bool') return value !== 0 && value !== false
  const number = Number(value)
  if (isFloat(dtype)) return number
  const whole = Math.trunc(number)
  const [low, high] = dtype === 'uint8' ? [-255, 255] : [-(2 ** 31), 2 ** 31 - 1]
  if (whole >= low && whole <= high) return whole
  throw new RuntimeError(
    `value cannot be converted to type ${types[dtype as 'uint8' | 'int32']} without overflow`,
    `The value is ${value}, the dtype is ${dtype}.`,
  )
}

const cTypes = { uint8: 'uint8_t', int32: 'int64_t' }
/** The names that PyTorch uses for the elements of lists. */
export const dtypeNames: typeof cTypes = { uint8: 'uint8', int32: 'int32' }

/** PyTorch's error for a dtype that one of its kernels does not take. */
export const notImplemented = (kernel: string, dtype: DType, hint = toFloat): RuntimeError =>
  new RuntimeError(`"${kernel}" not implemented for '${dtypeName[dtype]}'`, hint)

/** An op's `accepts` that refuses bool. */
export const refuseBool =
  (sentence: string) =>
  (dtype: DType): void => {
    if (dtype === 'bool') throw new RuntimeError(sentence, toInt)
  }

/** How an op refuses bool for which PyTorch's kernel of this name is not written. */
export const noBool = (kernel: string) => ({ accepts: refuseBool(`"${kernel}" not implemented for 'Bool'`) })
