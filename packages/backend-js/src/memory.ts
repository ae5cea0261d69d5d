// Memory of the host backends: V8's own. A buffer is a range of a typed array, the slab; small buffers are cut from a
// shared slab of 64 KiB, large ones have a slab of their own. Nobody frees: V8 does, when no tensor holds a slab.
import { type Backend, type DeviceBuffer, type DType, newArray, numelOf, type Spec, type TypedArray } from '@flambeau/core/backend'

/** A range of a slab, from `start`; slabs are typed arrays of the dtype. */
export class HostBuffer implements DeviceBuffer {
  readonly backend: Backend
  readonly data: TypedArray
  readonly start: number

  constructor(backend: Backend, data: TypedArray, start: number) {
    this.backend = backend
    this.data = data
    this.start = start
  }
}

const slabBytes = 65536
/** Buffers start at multiples of 64 bytes, so that vector units of a native backend may read whole lines. */
const align = 64

/** A slab that is being cut up: the next buffer starts at `at`. */
interface Cursor {
  data: TypedArray
  at: number
}

export class HostMemory {
  readonly #backend: Backend
  readonly #cursors = new Map<DType, Cursor>()
  #given = 0

  constructor(backend: Backend) {
    this.#backend = backend
  }

  /** Memory for the elements; fresh slabs are zero, reused parts of one are too, because nothing is reused. */
  alloc(spec: Spec): HostBuffer {
    const length = numelOf(spec.shape)
    let cursor = this.#cursors.get(spec.dtype)
    if (cursor === undefined) {
      cursor = { data: newArray(spec.dtype, 0), at: 0 }
      this.#cursors.set(spec.dtype, cursor)
    }
    const { data, at } = cursor
    this.#given += length * data.BYTES_PER_ELEMENT
    const room = data.length - at
    if (length <= room) {
      const step = align / data.BYTES_PER_ELEMENT
      cursor.at = at + Math.max(Math.ceil(length / step), 1) * step
      return new HostBuffer(this.#backend, data, at)
    }
    const slab = slabBytes / data.BYTES_PER_ELEMENT
    if (length > slab / 4) return new HostBuffer(this.#backend, newArray(spec.dtype, length), 0)
    cursor.data = newArray(spec.dtype, slab)
    cursor.at = 0
    return this.alloc(spec)
  }

  /** Bytes given out so far and bytes of open slabs not given out yet; what V8 freed since is not known here. */
  report(): { bytes: number; pooled: number } {
    let pooled = 0
    for (const { data, at } of this.#cursors.values()) pooled += (data.length - at) * data.BYTES_PER_ELEMENT
    return { bytes: this.#given, pooled }
  }
}
