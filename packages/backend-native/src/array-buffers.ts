// Array buffers: how many of their bytes are alive in this thread, and how to make new ones that are not filled with
// zeros first, which would take as long as many kernels take to fill them.
import { type DType, newArray, type TypedArray } from '@flambeau/core/backend'
import type { Addon } from './addon.ts'

export const bytesAlive = (): number => process.memoryUsage().arrayBuffers

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array }

/** The elements of memory from a byte on, to its end. */
export function elementsFrom({ buffer, byteOffset, byteLength }: Float64Array, at: number, dtype: DType): TypedArray {
  const array = arrays[dtype === 'bool' ? 'uint8' : dtype]
  return new array(buffer as ArrayBuffer, byteOffset + at, Math.floor((byteLength - at) / array.BYTES_PER_ELEMENT))
}
/**
 * The C library gets a buffer of at least this size from the system by itself, unless it is told to keep freed memory.
 */
const large = 2 ** 17

/**
 * Where memory begins for C++: no vector of a processor then lies in two cache lines, which takes up to a third of a
 * kernel's time. The C library knows no such places.
 */
const cacheLine = 64
/** A buffer with room for so many bytes after the first place, and that place. */
function aligned(addon: Addon, bytes: number, make: (bytes: number) => ArrayBuffer): [buffer: ArrayBuffer, at: number] {
  const buffer = make(bytes + cacheLine)
  return [buffer, -addon.address(new Uint8Array(buffer)) & (cacheLine - 1)]
}

/** An array with whatever its memory contains. Bools must be 0 or 1, so theirs is zeros. */
export function uninitialized(addon: Addon, dtype: DType, length: number): TypedArray {
  if (dtype === 'bool') return newArray(dtype, length)
  const array = arrays[dtype]
  const [buffer, at] = aligned(addon, length * array.BYTES_PER_ELEMENT, (bytes) => Buffer.allocUnsafeSlow(bytes).buffer)
  if (buffer.byteLength >= large) addon.largeBuffer(buffer)
  return new array(buffer, at, length)
}

/** So many bytes of zeros, as doubles. */
export function alignedZeros(addon: Addon, bytes: number): Float64Array {
  const length = Math.ceil(bytes / 8)
  const [buffer, at] = aligned(addon, 8 * length, (all) => new ArrayBuffer(all))
  return new Float64Array(buffer, at, length)
}
