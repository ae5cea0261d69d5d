// Array buffers: how many of their bytes are alive in this thread, and how to make new ones that are not filled with
// zeros first, which would take as long as many kernels take to fill them.
import { type DType, newArray, type TypedArray } from '@flambeau/core/backend'
import type { Addon } from './addon.ts'

export const bytesAlive = (): number => process.memoryUsage().arrayBuffers

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array }

/** The elements of memory from a byte on, to its end. */
export function elementsFrom({ buffer, byteLength }: Float64Array, at: number, dtype: DType): TypedArray {
  const array = arrays[dtype === 'bool' ? 'uint8' : dtype]
  return new array(buffer as ArrayBuffer, at, Math.floor((byteLength - at) / array.BYTES_PER_ELEMENT))
}
/**
 * The C library gets a buffer of at least this size from the system by itself, unless it is told to keep freed memory.
 */
const large = 2 ** 17

/** An array with whatever its memory contains. Bools must be 0 or 1, so theirs is zeros. */
export function uninitialized(addon: Addon, dtype: DType, length: number): TypedArray {
  if (dtype === 'bool') return newArray(dtype, length)
  const array = arrays[dtype]
  const { buffer } = Buffer.allocUnsafeSlow(length * array.BYTES_PER_ELEMENT)
  if (buffer.byteLength >= large) addon.largeBuffer(buffer)
  return new array(buffer, 0, length)
}
