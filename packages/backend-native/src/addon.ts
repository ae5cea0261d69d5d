// What the C++ addon exports (native/src/addon.cc), and the numbers that both sides agree on (native/src/STREAM.md,
// native/src/kernels.h).
import type { ReduceFn, Slab } from '@flambeau/core/backend'

/** A checked program that C++ holds. */
export interface Handle {
  readonly handle: unique symbol
}

/** `streamFormat` of native/src/stream.h. */
export const format = 4

export interface Addon {
  readonly version: string
  readonly format: number
  /** Where the elements of an array lie. */
  address(array: ArrayBufferView): number
  /** Of a large buffer to which nothing was written yet: memory that is freed is kept from now on, pages are large if it fills one. */
  largeBuffer(buffer: ArrayBuffer): void
  /** The arrays, all shared, through which batches go; `status` tells how the last run ended: kind, tag, value, runs done. */
  open(words: Int32Array, rows: Float64Array, numbers: Float64Array, status: Int32Array): void
  /** Runs a batch of so many words over so many rows (address, bytes). Returns how it ended, as all that run do. */
  submit(words: number, rows: number): number
  /** The first `count` words are the program `at` of calls, over so many rows and numbers. */
  define(at: number, words: Int32Array, count: number, rows: number, numbers: number): void
  program(words: Int32Array, rows: number, numbers: number): Handle
  /** The arrays, both shared, that runs read: address, bytes and step from run to run of every row; numbers, a run's `stride` after the last's. */
  bind(program: Handle, rows: Float64Array, numbers: Float64Array, stride: number): void
  run(program: Handle, times: number): number
  /** The same on another thread; work that comes meanwhile waits for it. Resolves to how it ended, as in `status`. */
  runAsync(program: Handle, times: number): Promise<Int32Array>
  /** 0 and '' leave what there is. */
  configure(threads: number, isa: string, blas: string): void
  report(): Report
}

/** What the addon found and chose. */
export interface Report {
  /** The kernels: v2, avx2, avx512 or neon. */
  readonly isa: string
  /** Of the processor. */
  readonly features: string
  /** The BLAS that products go to; '' is the addon's own. */
  readonly blas: string
  readonly threads: number
  /** That this process may use. */
  readonly cores: number
}

/** Arrays whose elements C++ holds on to: of shared memory, which no transfer takes away. */
export const sharedWords = (length: number): Int32Array => new Int32Array(new SharedArrayBuffer(4 * length))
export const sharedNumbers = (length: number): Float64Array => new Float64Array(new SharedArrayBuffer(8 * length))

/** How a run ends. */
export const ended = { done: 0, check: 2, index: 3, memory: 4 } as const

/** Looks up where a slab lies, once. */
export function addressOf(addon: Addon, slab: Slab): number {
  if (slab.address === 0) slab.address = addon.address(slab.data)
  return slab.address
}

export const opcodes = {
  map: 0,
  check: 1,
  matmul: 2,
  argReduce: 3,
  scan: 4,
  fold: 5,
  gather: 6,
  scatter: 7,
  sort: 8,
  iota: 9,
  composite: 10,
  call: 11,
  indices: 12,
} as const

/** The number of a reduction; -1 is none. */
export const reductions: Readonly<Record<ReduceFn, number>> = { sum: 0, prod: 1, max: 2, min: 3 }
