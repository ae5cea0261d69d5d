// The five element types, their JavaScript arrays and PyTorch's names for them. int32 takes the place of PyTorch's
// int64 everywhere, so messages call it Long; bool is stored as bytes 0 and 1.
import { RuntimeError } from './errors.ts'

export type DType = 'float32' | 'float64' | 'int32' | 'uint8' | 'bool'
/** PyTorch's other words for them; int32 is what takes int64's place. */
const words = { float: 'float32', double: 'float64', int: 'int32', long: 'int32', int64: 'int32' } as const
/** A dtype by any of its words. */
export type DTypeWord = DType | keyof typeof words
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array

/** In promotion order: the wider of two types is the one with the larger rank. */
export const dtypes: readonly DType[] = ['bool', 'uint8', 'int32', 'float32', 'float64']

export const dtypeRank: Readonly<Record<DType, number>> = { bool: 0, uint8: 1, int32: 2, float32: 3, float64: 4 }
/** `dtypeRank[dtype]` on hot paths: comparing names is faster than V8's look-up of one in five. */
export const rankOf = (dtype: DType): number =>
  dtype === 'float32' ? 3 : dtype === 'float64' ? 4 : dtype === 'int32' ? 2 : dtype === 'bool' ? 0 : 1

/** `dtypeCategory[dtype]` on hot paths. */
export const categoryOf = (dtype: DType): number =>
  dtype === 'float32' || dtype === 'float64' ? 2 : dtype === 'bool' ? 0 : 1
/** bool 0, integer 1, float 2: the category that decides promotion between tensors, 0-d tensors and numbers. */
export const dtypeCategory: Readonly<Record<DType, 0 | 1 | 2>> = { bool: 0, uint8: 1, int32: 1, float32: 2, float64: 2 }

/** The names of dtypes in PyTorch's messages. */
export const dtypeName: Readonly<Record<DType, string>> = {
  bool: 'Bool',
  uint8: 'Byte',
  int32: 'Long',
  float32: 'Float',
  float64: 'Double',
}

const arrays = {
  bool: Uint8Array,
  uint8: Uint8Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
} as const

/** The type of C++ that messages of PyTorch name; int32 takes the place of its int64. */
export const cName: Readonly<Record<DType, string>> = {
  float32: 'float',
  float64: 'double',
  int32: 'long int',
  uint8: 'unsigned char',
  bool: 'bool',
}

/** Bytes per element. */
export const dtypeSize: Readonly<Record<DType, number>> = { bool: 1, uint8: 1, int32: 4, float32: 4, float64: 8 }

/** Whether elements are floating point, and so may have gradients. */
export const isFloat = (dtype: DType): boolean => dtypeRank[dtype] >= 3
/** Whether a value is the name of one of the five dtypes. */
export const isDType = (name: unknown): name is DType => typeof name === 'string' && Object.hasOwn(dtypeRank, name)

/** Whether a value is a word for one of the five dtypes. */
export const isDTypeWord = (word: unknown): word is DTypeWord =>
  isDType(word) || (typeof word === 'string' && Object.hasOwn(words, word))

/** Rounds a number to a dtype: integers truncate and wrap, bool is 0 or 1. */
export function roundTo(x: number, dtype: DType): number {
  if (dtype === 'float32') return Math.fround(x)
  if (dtype === 'float64') return x
  if (dtype === 'int32') return x | 0
  return dtype === 'uint8' ? x & 255 : x === 0 ? 0 : 1
}

/** An array of zeros for elements of a dtype; throws PyTorch's error if memory cannot hold it. */
export function newArray(dtype: DType, length: number): TypedArray {
  try {
    return new arrays[dtype](length)
  } catch {
    throw new RuntimeError(
      `DefaultCPUAllocator: can't allocate memory: you tried to allocate ${length * dtypeSize[dtype]} bytes.`,
      'Use smaller sizes.',
    )
  }
}

/** The dtype of a typed array's elements; throws for other arrays, with the conversion to use. */
export function dtypeOfArray(array: ArrayBufferView): DType {
  if (array instanceof Float32Array) return 'float32'
  if (array instanceof Float64Array) return 'float64'
  if (array instanceof Int32Array) return 'int32'
  if (array instanceof Uint8Array || array instanceof Uint8ClampedArray) return 'uint8'
  throw new RuntimeError(
    `can't convert ${array.constructor.name} to a tensor`,
    'Supported arrays are Float32Array, Float64Array, Int32Array, Uint8Array and Uint8ClampedArray; use e.g. Float32Array.from(array).',
  )
}

const small = 'small integers are not supported; use int32'
const half = 'half precision is not supported; use float32'
const complex = 'complex numbers are not supported; keep the real and the imaginary part in two tensors'
const refused: Record<string, string> = {
  int16: small,
  short: small,
  int8: `${small}, or uint8`,
  float16: half,
  half,
  bfloat16: half,
  complex64: complex,
  complex128: complex,
}

/** The dtype of a word; throws for a word that names none of the five, with the dtype to use instead. */
export function checkDType(name: unknown): DType {
  if (isDType(name)) return name
  if (isDTypeWord(name)) return words[name as keyof typeof words]
  throw new RuntimeError(
    `dtype ${String(name)} is not supported`,
    refused[String(name)] ?? `Supported dtypes are ${dtypes.join(', ')}.`,
  )
}
