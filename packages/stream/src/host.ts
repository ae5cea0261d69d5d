// The host that runs words: an addon in Node, or a module of WebAssembly. This package only needs its names for memory
// and its programs.
import type { Backend, Slab } from '@flambeau/core/backend'

/** A checked program in the host. */
export interface Handle {
  readonly handle: unique symbol
}

export interface Host {
  /** The address of the elements of an array, in bytes. */
  address(array: ArrayBufferView): number
  /** Returns the memory of an array's elements to the system; they are lost. Absent if it cannot. */
  discard?(array: Float64Array): void
  /** Makes an array for rows or numbers, which the host reads in every run. */
  numbers(length: number): Float64Array
  /** Makes the first `count` words the program that calls refer to as `at`. */
  define(at: number, words: Int32Array, count: number, rows: number, numbers: number): void
  program(words: Int32Array, rows: number, numbers: number): Handle
  /**
   * Sets the arrays that runs read. `rows` has the address, the bytes and the step between runs of every row; `numbers`
   * has `stride` numbers per run.
   */
  bind(program: Handle, rows: Float64Array, numbers: Float64Array, stride: number): void
  /**
   * Says that the first factors of the contractions with these tags stay as they are from run to run, so that what is
   * made of them may be kept; `forget`, that they have changed since the last run. Absent if nothing is kept.
   */
  keep?(program: Handle, tags: Int32Array): void
  forget?(program: Handle): void
  run(program: Handle, times: number): number
  /** Runs it on another thread; later work waits for it. Resolves to the status of the run. */
  runAsync(program: Handle, times: number): Promise<Int32Array>
}

/** A backend with a host. */
export interface Runner extends Backend {
  readonly host: Host
  /** The status of the last run: how it ended, tag, value, completed runs. */
  readonly status: Int32Array
  /** Runs the waiting instructions. */
  submit(): void
  /** The run on another thread. */
  inFlight: Promise<unknown> | null
}

/** The address of a slab, which is looked up once. */
export function addressOf(host: Host, slab: Slab): number {
  if (slab.address === 0) slab.address = host.address(slab.data)
  return slab.address
}
