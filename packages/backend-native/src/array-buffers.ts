// Array buffers: how many bytes of them are alive in this thread, a way to have V8 free what nobody holds, and new ones
// that are not filled with zeros first, which would take as long as many a kernel takes to fill them.
import { type DType, newArray, type TypedArray } from '@flambeau/core/backend'
import type { Addon } from './addon.ts'
import { node } from './node.ts'

export const bytesAlive = (): number => process.memoryUsage().arrayBuffers

/** V8 has no other function for it; a limit that garbage alone exceeds must not be an error. */
export function collectGarbage(): void {
  const { setFlagsFromString } = node('node:v8')
  const { runInNewContext } = node('node:vm')
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // Array buffers are freed by the collection after the one that found them dead.
  collect()
  collect()
}

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array }
/** From here on the C library has the system make memory for a buffer alone, unless it is told to keep what is freed. */
const large = 2 ** 17

/** An array of whatever the memory holds; of bools, which are nothing but 0 and 1, zeros. */
export function uninitialized(addon: Addon, dtype: DType, length: number): TypedArray {
  if (dtype === 'bool') return newArray(dtype, length)
  const array = arrays[dtype]
  const { buffer } = Buffer.allocUnsafeSlow(length * array.BYTES_PER_ELEMENT)
  if (buffer.byteLength >= large) addon.largeBuffer(buffer)
  return new array(buffer, 0, length)
}
