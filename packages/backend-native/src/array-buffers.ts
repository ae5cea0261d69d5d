// Array buffers: how many of their bytes are alive in this thread, when V8 looks for unreachable ones, and how to make
// new ones that are not filled with zeros first, which would take as long as many kernels take to fill them.
import { type DType, newArray, type TypedArray } from '@flambeau/core/backend'
import type { Addon } from './addon.ts'
import { node } from './node.ts'

export const bytesAlive = (): number => process.memoryUsage().arrayBuffers

type Collect = (options?: { readonly type: 'minor' }) => void
let collect: Collect | null = null

/** V8's function that collects garbage, by the only way there is. */
function collector(): Collect {
  if (collect !== null) return collect
  const { setFlagsFromString } = node('node:v8')
  const { runInNewContext } = node('node:vm')
  setFlagsFromString('--expose-gc')
  collect = runInNewContext('gc') as Collect
  setFlagsFromString('--no-expose-gc')
  return collect
}

/** Collects all garbage, because a limit that garbage alone exceeds must not be an error. */
function collectAll(): void {
  // The first collection finds array buffers dead, the next one frees them.
  collector()()
  collector()()
}

/** The bytes of new array buffers after which V8 looks for dead young ones. */
const pace = 2 ** 23
/** How many bytes more than there were may be alive before it looks among all. */
const growth = 2 ** 25

/**
 * Decides when V8 collects garbage. By itself it waits for 32 MB of new buffers, and 64 MB of older ones, because
 * garbage costs it nothing. A tensor does better in memory that was used a moment ago and is still in a cache.
 */
export class Garbage {
  #fresh = 0
  #untidy = 0
  /** The least bytes alive since the last collection of all garbage. */
  #least = 0
  /** When the next collections may begin: young ones take half of the time at most, others a fifth. */
  #next = 0
  #nextAll = 0

  /** Takes note of a new array buffer, before it is allocated. */
  opens(bytes: number): void {
    this.#fresh += bytes
    this.#untidy += bytes
    if (this.#fresh >= pace) this.#young()
  }

  #young(): void {
    const began = performance.now()
    if (began < this.#next) return
    this.#fresh = 0
    collector()({ type: 'minor' })
    const ended = performance.now()
    this.#next = ended + (ended - began)
    const alive = bytesAlive()
    this.#least = Math.min(this.#least, alive)
    if (alive < this.#least + Math.max(growth, this.#least / 2) || ended < this.#nextAll) return
    collector()()
    this.#nextAll = performance.now() + 4 * (performance.now() - ended)
    this.#least = bytesAlive()
  }

  /** Collects all garbage, unless there can only be little. */
  tidy(): boolean {
    if (this.#untidy < pace / 2) return false
    this.all()
    return true
  }

  all(): void {
    this.#fresh = this.#untidy = 0
    collectAll()
    this.#least = bytesAlive()
  }
}

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array }
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
