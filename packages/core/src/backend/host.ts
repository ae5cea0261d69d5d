// Memory of the host backends: V8's own. A buffer is a range of a typed array, the slab; small buffers are cut from a
// shared slab of 64 KiB, numbers from one of 8 KiB, large ones have a slab of their own. Nobody frees: V8 does, when no
// tensor holds a slab.
import { type DType, dtypes, newArray, rankOf, type TypedArray } from '../base/dtype.ts'
import { numelOf } from '../base/shape.ts'
import { type Backend, type DeviceBuffer, isScalar, type Operand, type Spec, type View } from './backend.ts'

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

/** An operand that is no number. */
export const isView = (x: Operand): x is View => !isScalar(x)

/** The memory of an operand, and where its first element is in it. */
export const hostOf = (x: { readonly buffer: DeviceBuffer }): HostBuffer => x.buffer as HostBuffer
export const startOf = (x: View): number => hostOf(x).start + x.offset

const slabBytes = 65536
/**
 * Numbers are what programs keep: a list of losses must not hold the slabs that everything else of its steps was cut
 * from. And a slab has to be used up soon, before V8 takes it for old and collects it seldom.
 */
const tinySlabBytes = 8192
/** Buffers start at multiples of 64 bytes, so that vector units of a native backend may read whole lines. */
const align = 64
/** A buffer larger than this has a slab of its own. */
const largeBytes = slabBytes / 4

/** The slab of a dtype that is being cut up, and where the next buffer starts. */
interface Cursor {
  readonly dtype: DType
  readonly bytes: number
  /** Elements in a slab. */
  readonly slab: number
  /** Elements between possible starts, less one. */
  readonly mask: number
  data: TypedArray
  at: number
}

/** The first alloc opens a slab: a cursor begins at the end of one that is not there. */
const cursorsOf = (slabBytes: number): readonly Cursor[] =>
  dtypes.map((dtype) => {
    const data = newArray(dtype, 0)
    const bytes = data.BYTES_PER_ELEMENT
    const slab = slabBytes / bytes
    return { dtype, bytes, slab, mask: align / bytes - 1, data, at: slab }
  })

export class HostMemory {
  readonly #backend: Backend
  readonly #tiny = cursorsOf(tinySlabBytes)
  readonly #small = cursorsOf(slabBytes)
  #given = 0

  constructor(backend: Backend) {
    this.#backend = backend
  }

  /** Memory for the elements of a spec. It is zero: fresh slabs are, and no part of one is given out twice. */
  alloc(spec: Spec): HostBuffer {
    const length = numelOf(spec.shape)
    const rank = rankOf(spec.dtype)
    const bytes = length * this.#tiny[rank].bytes
    this.#given += bytes
    if (bytes > largeBytes) return new HostBuffer(this.#backend, newArray(spec.dtype, length), 0)
    const cursor = bytes <= align ? this.#tiny[rank] : this.#small[rank]
    const size = length === 0 ? cursor.mask + 1 : (length + cursor.mask) & ~cursor.mask
    if (cursor.at + size > cursor.slab) {
      cursor.data = newArray(spec.dtype, cursor.slab)
      cursor.at = 0
    }
    const start = cursor.at
    cursor.at = start + size
    return new HostBuffer(this.#backend, cursor.data, start)
  }

  /** Bytes given out so far and bytes of open slabs not given out yet; what V8 freed since is not known here. */
  report(): { bytes: number; pooled: number } {
    let pooled = 0
    for (const { bytes, at, slab } of [...this.#tiny, ...this.#small]) pooled += (slab - at) * bytes
    return { bytes: this.#given, pooled }
  }
}
