// The exports of the C++ addon (native/src/addon.cc). Arrays that it keeps are of shared memory.
import type { Handle } from '@flambeau/stream'
import type { Report } from './report.ts'

export interface Addon {
  readonly version: string
  readonly format: number
  /** The address of the elements of an array, in bytes. */
  address(array: ArrayBufferView): number
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
  define(at: number, words: Int32Array, count: number, rows: number, numbers: number): void
  program(words: Int32Array, rows: number, numbers: number): Handle
  bind(program: Handle, rows: Float64Array, numbers: Float64Array, stride: number): void
  keep(program: Handle, tags: Int32Array): void
  forget(program: Handle): void
  run(program: Handle, times: number): number
  runAsync(program: Handle, times: number): Promise<Int32Array>
  /**
   * Runs a routine of linear algebra (matrices.h) over so many matrices, of which each of so many arrays has equal parts; then
   * come the arrays, then sizes. Returns whether there was memory for it.
   */
  matrices(routine: number, count: number, arrays: number, ...rest: (Float64Array | number)[]): boolean
  /** Rounds the elements of an array, and writes them into another from one of its elements on. */
  narrow(from: Float64Array, to: Float32Array, at: number): void
  /** Overwrites whole sixteens of random words with normal numbers times `std`. */
  normals(words: Float32Array, std: number): void
  /** 0 and '' change nothing. */
  configure(threads: number, isa: string, blas: string): void
  report(): Report
}
