// What the C++ addon exports (native/src/addon.cc), and the memory that both sides see.
import type { Host } from '@flambeau/stream'
import type { Report } from './report.ts'

export interface Addon extends Omit<Host, 'numbers'> {
  readonly version: string
  readonly format: number
  /** Of a large buffer to which nothing was written yet: memory that is freed is kept from now on, pages are large if it fills one. */
  largeBuffer(buffer: ArrayBuffer): void
  /** The arrays, all shared, through which batches go; `status` tells how the last run ended: kind, tag, value, runs done. */
  open(words: Int32Array, rows: Float64Array, numbers: Float64Array, status: Int32Array): void
  /** Runs a batch of so many words over so many rows (address, bytes). Returns how it ended, as all that run do. */
  submit(words: number, rows: number): number
  /** 0 and '' leave what there is. */
  configure(threads: number, isa: string, blas: string): void
  report(): Report
}

/** Arrays whose elements C++ holds on to: of shared memory, which no transfer takes away. */
export const sharedWords = (length: number): Int32Array => new Int32Array(new SharedArrayBuffer(4 * length))
export const sharedNumbers = (length: number): Float64Array => new Float64Array(new SharedArrayBuffer(8 * length))
