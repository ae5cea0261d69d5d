// Who runs the words: an addon of Node, a module of WebAssembly. This package writes them and knows of a host only how it
// names memory, what it keeps of programs, and how it runs one.
import type { Backend, Slab } from '@flambeau/core/backend'

/** A checked program that the host keeps. */
export interface Handle {
  readonly handle: unique symbol
}

export interface Host {
  /** Where the elements of an array lie, in bytes. */
  address(array: ArrayBufferView): number
  /** An array that the host reads at every run, for rows and numbers. */
  numbers(length: number): Float64Array
  /** The first `count` words are the program `at` of calls, over so many rows and numbers. */
  define(at: number, words: Int32Array, count: number, rows: number, numbers: number): void
  program(words: Int32Array, rows: number, numbers: number): Handle
  /** The arrays that runs read: address, bytes and step from run to run of every row; numbers, a run's `stride` after the last's. */
  bind(program: Handle, rows: Float64Array, numbers: Float64Array, stride: number): void
  run(program: Handle, times: number): number
  /** The same beside the program that asks; work that comes meanwhile waits for it. Resolves to how it ended, as in `status`. */
  runAsync(program: Handle, times: number): Promise<Int32Array>
}

/** The backend, as its programs see it. */
export interface Runner extends Backend {
  readonly host: Host
  /** How the last run ended: kind, tag, value, runs that came to their end. */
  readonly status: Int32Array
  /** Runs what waits. */
  submit(): void
  /** What runs beside the program. */
  inFlight: Promise<unknown> | null
}

/** Looks up where a slab lies, once. */
export function addressOf(host: Host, slab: Slab): number {
  if (slab.address === 0) slab.address = host.address(slab.data)
  return slab.address
}
