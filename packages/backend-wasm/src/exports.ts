// What the compiled module exports (native/src/wasm). Pointers are byte offsets in its memory.
import type { Global, Memory, Table } from './webassembly.ts'

/** Words of a program, which refer to functions by their positions among these indices of the table. */
export type ProgramText = [
  words: number,
  wordCount: number,
  rows: number,
  numbers: number,
  functions: number,
  functionCount: number,
]

export interface Exports {
  readonly memory: Memory
  /** The stack pointer of C++, which a caller resets after an exception has passed through it. */
  readonly __stack_pointer: Global
  /** The functions that C++ calls by their index. */
  readonly __indirect_function_table: Table
  _initialize(): void
  /** The format of the stream that it reads. */
  format(): number
  /** Returns memory for so many bytes, at a multiple of 64; 0 if there is none. */
  allocate(bytes: number): number
  release(at: number): void
  /**
   * Runs a batch over rows (address, bytes). Returns how it ended, and writes it to `status`: kind, tag, value,
   * completed runs.
   */
  submit(
    words: number,
    wordCount: number,
    rows: number,
    rowCount: number,
    numbers: number,
    numberCount: number,
    status: number,
  ): number
  /** Makes the words the program that calls refer to as `at`. Returns 0, or another number if they are invalid. */
  define(at: number, ...text: ProgramText): number
  /** The same for a program that `run` runs. Returns its handle; 0 if the words are invalid. */
  program(...text: ProgramText): number
  drop(handle: number): void
  /** Runs a program over rows (address, bytes, step between runs), with `stride` numbers for each run. */
  run(handle: number, rows: number, numbers: number, stride: number, times: number, status: number): number
  keep(handle: number, tags: number, count: number): void
  forget(handle: number): void
  /** Runs a routine of linear algebra, whose number, sizes and arrays lie at the address (matrices.ts). Returns 1, or 0. */
  matrices(call: number): number
  /** Rounds so many numbers of float64 to float32. */
  narrow(from: number, count: number, to: number): void
  /** Overwrites whole sixteens of random words with normal numbers times `std`. */
  normals(words: number, count: number, std: number): void
  /** What emitted functions call where their own do not suffice. */
  sin(x: number): number
  cos(x: number): number
  tan(x: number): number
  atan2(y: number, x: number): number
  /** The sentence about the last invalid words, ended by a zero. */
  message(): number
}
