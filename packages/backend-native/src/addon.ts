// The exports of the C++ addon (native/src/addon.cc), and the memory that both sides see.
import type { Host } from '@flambeau/stream'
import type { Report } from './report.ts'

export interface Addon extends Omit<Host, 'numbers'> {
  readonly version: string
  readonly format: number
  /**
   * Takes a large buffer that nothing was written to yet. From then on freed memory is kept; a buffer that fills a
   * large page gets large pages.
   */
  largeBuffer(buffer: ArrayBuffer): void
  /** Returns the memory of the elements to the system; they are lost. */
  discard(array: Float64Array): void
  /** Returns the memory that V8 has freed to the system. */
  trim(): void
  /**
   * Sets the arrays, all shared, that batches go through. `status` tells how the last run ended: kind, tag, value,
   * completed runs.
   */
  open(words: Int32Array, rows: Float64Array, numbers: Float64Array, status: Int32Array): void
  /** Runs a batch of this many words over this many rows (address, bytes). Returns how it ended, as every run does. */
  submit(words: number, rows: number): number
  /** 0 and '' change nothing. */
  configure(threads: number, isa: string, blas: string): void
  report(): Report
}

/** Arrays of shared memory, which no transfer can take away: C++ keeps pointers to their elements. */
export const sharedWords = (length: number): Int32Array => new Int32Array(new SharedArrayBuffer(4 * length))
export const sharedNumbers = (length: number): Float64Array => new Float64Array(new SharedArrayBuffer(8 * length))
