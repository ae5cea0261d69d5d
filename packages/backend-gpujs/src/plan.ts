// How an instruction becomes calls of gpu.js kernels: data, made once for each kind, shape and layout, and kept. Planners
// (plans/) know nothing of gpu.js or of textures; the backend compiles the kernels and calls them in order.
import type { Attributes, DeviceBuffer, Instr, Kind, View } from '@flambeau/core/backend'

/** What planners know of a buffer. */
export interface PlannedBuffer extends DeviceBuffer {
  /** Elements of its texture. */
  readonly length: number
}

export const lengthOf = ({ buffer }: Pick<View, 'buffer'>): number => (buffer as PlannedBuffer).length

/** A function that kernels call: its text. What it takes and gives are numbers. */
export interface KernelFunction {
  readonly name: string
  readonly parameters: number
  readonly source: string
}

/**
 * A kernel: one thread computes one element, or four, of a flat float32 output. `source` is the text of a function whose parameters
 * are `t0, t1, ...`, textures that are read flat (`t0[i]`), and then `n0, n1, ...`, numbers; the thread is
 * `this.thread.x`. Sizes and strides are written into the text, numbers that may change never are.
 */
export interface Kernel {
  readonly source: string
  /** Elements of the output, from 1. */
  readonly length: number
  /** 4 where a thread computes four elements of the output, one after the other, and its text returns `[a, b, c, d]`. */
  readonly perThread?: 4
  /** Elements of each texture that is read: gpu.js writes their sizes into the kernel. */
  readonly textures: readonly number[]
  /** How many numbers it takes. */
  readonly numbers: number
  /** All functions that its text calls, and that these call. */
  readonly functions: readonly KernelFunction[]
}

/** Where a texture comes from: the buffer of an input of the instruction, or the result of an earlier step. */
export type Source = { readonly input: number } | { readonly step: number }

/** A call of a kernel. */
export interface Step {
  readonly kernel: Kernel
  readonly textures: readonly Source[]
  /** Read anew at every call: the value of a scalar operand, the offset of a view. */
  readonly numbers: readonly ((instr: Instr) => number)[]
}

/** A check that is part of a plan: a step whose result is one element, not 0 where the instruction is in error. */
export interface Flag {
  readonly step: number
  /** `value` is the element: what a message tells of the operand, which may be gone when the flag is read. */
  readonly error: (instr: Instr, value: number) => Error
}

/** What an instruction of one kind, shape and layout does. */
export interface Plan {
  readonly steps: readonly Step[]
  /** For each output of the instruction the step that makes it; undefined for an output without elements. */
  readonly outputs: readonly (number | undefined)[]
  readonly flags: readonly Flag[]
}

/** What is known of a kind of instruction. */
export interface Planner<K extends Kind = Kind> {
  /** Throws nothing: what it cannot plan, the backend has said it does not support. */
  plan(instr: Instr<K>): Plan
  /** Whether it can be planned; absent: always. */
  supports?(instr: Instr<K>): boolean
  /**
   * The largest absolute value that an integer result may have, and every number on the way to it, where the inputs'
   * elements are no larger than `bounds`; Infinity where it cannot be told.
   */
  bound(instr: Instr<K>, bounds: readonly number[]): number
  /** What a plan depends on in the attributes, where that is not all that is in them. */
  key?(attrs: Attributes[K]): string
}
