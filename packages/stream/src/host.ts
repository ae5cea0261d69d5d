// The host that runs words: an addon in Node, or a module of WebAssembly. This package only needs its names for memory
// and its programs. Memory of a host may move between runs, so addresses are asked for run by run.
import type { Backend, BoxMuller, CompositeKind, DType, HostMatrices, Slab, TypedArray } from '@flambeau/core/backend'

/** A checked program in the host. */
export interface Handle {
  readonly handle: unique symbol
}

/** An array that the host reads or writes in every run. The host may renew it whenever it allocates memory. */
export interface Shared<T> {
  readonly array: T
}

/** The memory in which a program has its intermediate values. */
export interface Arena {
  /** Its memory from a byte on, a multiple of 8, as elements of a dtype. */
  from(at: number, dtype: DType): Slab
  /** Returns the memory to the system until the next run. */
  rest(): void
}

export interface Host {
  /** The compositions that it has kernels for. */
  readonly fused: ReadonlySet<CompositeKind>
  /** Runs routines of linear algebra, those that it has, over as much as is worth a call. */
  readonly matrices?: HostMatrices
  /** What makes normal numbers in a tensor's memory; undefined if the host does not reach it. Absent if it has none. */
  normals?(memory: TypedArray): BoxMuller | undefined
  /** Counts the times that a slab which had an address moved. */
  readonly moves: number
  /** Begins a run: what `place` and `lend` return from now on holds until the run has ended. */
  gather(): void
  /** The address of a slab in this run. */
  place(slab: Slab): number
  /** The address of the elements of an array of JavaScript in this run. */
  lend(array: TypedArray): number
  words(length: number): Shared<Int32Array>
  numbers(length: number): Shared<Float64Array>
  /** `lasting` if its contents must outlast a run. */
  arena(bytes: number, lasting: boolean): Arena
  /**
   * Sets the arrays that batches go through; a row is an address and bytes. `status` tells how the last run ended: kind,
   * tag, value, completed runs.
   */
  open(
    words: Shared<Int32Array>,
    rows: Shared<Float64Array>,
    numbers: Shared<Float64Array>,
    status: Shared<Int32Array>,
  ): void
  /** Runs a batch of so many words over so many rows and numbers. Returns how it ended, as every run does. */
  submit(words: number, rows: number, numbers: number): number
  /** Makes the first `count` words the program that calls refer to as `at`. */
  define(at: number, words: Int32Array, count: number, rows: number, numbers: number): void
  /**
   * Does the same for a program that has computed so much that compiling it pays. Returns whether it has compiled anything;
   * if not, the program stays as it is. Absent if the host compiles nothing.
   */
  compile?(at: number, words: Int32Array, rows: number, numbers: number): boolean
  program(words: Int32Array, rows: number, numbers: number): Handle
  /**
   * Sets the arrays that runs read. `rows` has the address, the bytes and the step between runs of every row; `numbers`
   * has `stride` numbers per run.
   */
  bind(program: Handle, rows: Shared<Float64Array>, numbers: Shared<Float64Array>, stride: number): void
  /**
   * Says that the first factors of the contractions with these tags stay as they are from run to run, so that what is
   * made of them may be kept; `forget`, that they have changed since the last run. Absent if nothing is kept.
   */
  keep?(program: Handle, tags: Int32Array): void
  forget?(program: Handle): void
  run(program: Handle, times: number): number
  /**
   * Runs it on another thread; later work waits for it. Resolves to the status of the run. Absent if there is no other
   * thread.
   */
  runAsync?(program: Handle, times: number): Promise<Int32Array>
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
