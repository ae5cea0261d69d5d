// Memory of the host backends: V8's own. A buffer is a range of a typed array, the slab. Small buffers share slabs of
// 64 KiB, numbers slabs of 8 KiB, and a large buffer has a slab of its own. V8 frees a slab when no tensor refers to it.
// The slab of a large buffer that a program frees itself waits for the next one of its dtype and size.
import { type DType, dtypes, newArray, rankOf, type TypedArray } from '../base/dtype.ts'
import { RuntimeError } from '../base/errors.ts'
import { contiguousStrides, isContiguous } from '../base/layout.ts'
import { floats, withRoom } from '../base/room.ts'
import { numelOf } from '../base/shape.ts'
import {
  type Backend,
  type DeviceBuffer,
  type Instr,
  isScalar,
  type Operand,
  type Output,
  type Spec,
  type View,
} from './backend.ts'
import type { HostMatrices } from './host-instruction.ts'
import { checkClaims, checkView, checkWhole } from './claims.ts'
import { garbage, type Spare } from './garbage.ts'
import { forEachRow } from './loops.ts'

/** A typed array that buffers are ranges of. */
export class Slab implements Spare {
  readonly data: TypedArray
  /** The bytes of all elements, and those of one. */
  readonly bytes: number
  readonly unit: number
  /** Notes of a backend outside of JavaScript: the address of the elements, and the row of the slab in a batch. */
  address = 0
  batch = 0
  row = 0
  /** The dtype and size of its only buffer, negative once that was freed; 0 if there may be several. */
  kind = 0
  /** Whether it was freed before, and need not hold zeros. */
  used = false
  next?: Spare
  /** The same memory. */
  words?: Int32Array

  constructor(data: TypedArray) {
    this.data = data
    this.bytes = data.byteLength
    this.unit = data.BYTES_PER_ELEMENT
  }
}

/**
 * A range of a slab: the `length` elements from `start` on that a kernel may touch. Slabs are typed arrays of the
 * dtype.
 */
export class HostBuffer implements DeviceBuffer {
  readonly backend: Backend
  readonly data: TypedArray
  readonly start: number
  readonly length: number
  readonly slab: Slab
  writes = 0

  constructor(
    backend: Backend,
    data: TypedArray,
    start: number,
    length: number = data.length - start,
    slab: Slab = new Slab(data),
  ) {
    this.backend = backend
    this.data = data
    this.start = start
    this.length = length
    this.slab = slab
  }
}

/** An operand that is not a number. */
export const isView = (x: Operand): x is View => !isScalar(x)

/** The memory of an operand, and the position of its first element in it. */
export const hostOf = (x: { readonly buffer: DeviceBuffer }): HostBuffer => x.buffer as HostBuffer
export const startOf = (x: View): number => hostOf(x).start + x.offset

const slabBytes = 65536
/**
 * Programs keep numbers: a list of losses must not keep the large slabs of their steps alive. And a slab must fill up
 * quickly, before V8 considers it old and collects it rarely.
 */
const tinySlabBytes = 8192
/** Buffers start at multiples of 64 bytes, so that the vector units of a native backend may read whole cache lines. */
const cacheLine = 64
/** Buffers up to this size are in slabs for numbers. */
const tinyBytes = 64
/** A buffer of so many bytes has a slab of its own: it can be freed by itself. */
const largeBytes = slabBytes / 4

/** The slab of a dtype that is being divided, and the start of the next buffer. */
interface Cursor {
  readonly dtype: DType
  readonly bytes: number
  /** Elements in a slab. */
  readonly slab: number
  /** Elements between possible starts, minus one. */
  readonly mask: number
  open: Slab
  at: number
}

/** The first alloc opens a slab: a cursor begins at the end of a slab that does not exist. */
const cursorsOf = (slabBytes: number, align: number): readonly Cursor[] =>
  dtypes.map((dtype) => {
    const data = newArray(dtype, 0)
    const bytes = data.BYTES_PER_ELEMENT
    const slab = slabBytes / bytes
    return { dtype, bytes, slab, mask: Math.max(align / bytes, 1) - 1, open: new Slab(data), at: slab }
  })

const lessMemory = 'Take smaller batches, or free tensors before: scope() and dispose() do at once.'

/** PyTorch's error for memory that is not there. */
export const noMemory = (bytes: number): RuntimeError =>
  new RuntimeError(
    `DefaultCPUAllocator: can't allocate memory: you tried to allocate ${bytes} bytes. Error code 12 (Cannot allocate memory)`,
    lessMemory,
  )

/** The error of work that found no memory for what it needs besides its results. */
export const lackingMemory = (work: string): RuntimeError =>
  new RuntimeError(`${work} needs more memory than is available`, lessMemory)

/** Allocates buffers. Memory that is not V8's own overrides how slabs are opened and what buffers are. */
export class HostMemory {
  protected readonly backend: Backend
  readonly #tiny: readonly Cursor[]
  readonly #small: readonly Cursor[]
  readonly #admit: ((bytes: number) => boolean) | undefined
  readonly #make: typeof newArray
  #given = 0

  /**
   * `admit` is asked before a slab is opened; `make` creates the array of a large buffer, of zeros by default. Buffers start
   * at multiples of `align` bytes, numbers and other tiny ones at multiples of `tinyAlign`, powers of two.
   */
  constructor(
    backend: Backend,
    admit?: (bytes: number) => boolean,
    make: typeof newArray = newArray,
    align: number = cacheLine,
    tinyAlign: number = align,
  ) {
    this.backend = backend
    this.#tiny = cursorsOf(tinySlabBytes, tinyAlign)
    this.#small = cursorsOf(slabBytes, align)
    this.#admit = admit
    this.#make = make
  }

  /** Memory for the elements of a spec, uninitialized. No part of a slab is used twice, unless all of it was freed. */
  alloc(spec: Spec): HostBuffer {
    const length = numelOf(spec.sizes)
    const rank = rankOf(spec.dtype)
    const bytes = length * this.#tiny[rank].bytes
    this.#given += bytes
    if (bytes >= largeBytes) {
      return this.buffer(this.open(spec.dtype, length, bytes, this.#make), 0, length)
    }
    const cursor = bytes <= tinyBytes ? this.#tiny[rank] : this.#small[rank]
    const size = length === 0 ? cursor.mask + 1 : (length + cursor.mask) & ~cursor.mask
    if (cursor.at + size > cursor.slab) {
      cursor.open = this.open(spec.dtype, cursor.slab, cursor.slab * cursor.bytes)
      cursor.at = 0
    }
    const start = cursor.at
    cursor.at = start + size
    return this.buffer(cursor.open, start, length)
  }

  protected buffer(slab: Slab, start: number, length: number): HostBuffer {
    return new HostBuffer(this.backend, slab.data, start, length, slab)
  }

  /** A new slab, for several buffers if `make` is not given; throws a RuntimeError if there is no memory. */
  protected open(dtype: DType, length: number, bytes: number, make?: typeof newArray): Slab {
    const kind = make === undefined ? 0 : bytes * dtypes.length + rankOf(dtype)
    const spare = garbage.take(kind)
    if (spare !== undefined) return spare as Slab
    garbage.opens(bytes)
    if (this.#admit === undefined || this.#admit(bytes)) {
      try {
        const slab = new Slab((make ?? newArray)(dtype, length))
        slab.kind = kind
        return slab
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
      }
    }
    throw noMemory(bytes)
  }

  /** The bytes allocated so far, and the unallocated bytes of open slabs. It does not know what V8 has freed. */
  report(): { bytes: number; pooled: number } {
    let pooled = 0
    for (const { bytes, at, slab } of [...this.#tiny, ...this.#small]) pooled += (slab - at) * bytes
    return { bytes: this.#given, pooled }
  }
}

/** Copies a view to `to`, at `start` with the given strides. */
export function copyView(x: View, to: TypedArray, start: number, strides: readonly number[]): void {
  const { data } = hostOf(x)
  forEachRow(x.sizes, [x.strides, strides], [startOf(x), start], (at, n, [from, step]) => {
    let p = at[0]
    let q = at[1]
    if (from === 1 && step === 1 && n > 64) to.set(data.subarray(p, p + n), q)
    else for (let i = 0; i < n; i++, p += from, q += step) to[q] = data[p]
  })
}

/** Writes all elements of an output, as a host does if there is one. */
export function writeHost(out: Output, data: TypedArray, host?: HostMatrices): void {
  checkWhole(out, data.length, 'the output of a write')
  const { data: to, start } = hostOf(out)
  if (host?.set) host.set(to, data, start)
  else to.set(data, start)
}

/** Lets a function write all elements of an output into its memory. */
export function fillHost(out: Output, elements: (memory: TypedArray) => void): void {
  const n = numelOf(out.sizes)
  checkWhole(out, n, 'the output of a write')
  const { data, start } = hostOf(out)
  elements(data.subarray(start, start + n))
}

/** Runs an instruction that only JavaScript computes: all of it, before anything is written. */
export function runOnHost(instr: Instr<'host'>, host?: HostMatrices): void {
  checkClaims(instr)
  const { attrs, inputs, outputs } = instr
  withRoom(() => {
    const data = inputs.map((x) => readView(x, attrs.wide ? 'float64' : x.dtype))
    const results = attrs.compute(data, inputs, outputs, host?.run)
    for (const [k, out] of outputs.entries()) writeHost(out, results[k], host)
  }, host?.room)
}

/** The elements in row-major order, as a new array, or with `inPlace` where they are if that is their order. */
export function readView(x: View, dtype: DType = x.dtype, inPlace = false): TypedArray {
  checkView(x, 'the view of a read')
  const n = numelOf(x.sizes)
  const { data } = hostOf(x)
  const start = startOf(x)
  const whole = (inPlace || n > 1) && isContiguous(x) ? data.subarray(start, start + n) : null
  if (inPlace && whole !== null) return whole
  const out = dtype === 'float64' ? floats(n) : newArray(dtype, n)
  if (n === 1) out[0] = data[start]
  else if (whole !== null) out.set(whole)
  else copyView(x, out, 0, contiguousStrides(x.sizes))
  return out
}
