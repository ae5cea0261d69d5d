// Plans: how an instruction becomes calls of gpu.js kernels, as data that is made once for each kind, shape and layout
// and cached. Planners (plans/) don't use gpu.js or textures; the backend compiles the kernels and calls them in order.
import type { DeviceBuffer, Instr, Kind, View } from '@flambeau/core/backend'

/** A buffer as planners see it. */
export interface PlannedBuffer extends DeviceBuffer {
  /** The number of elements of its texture. */
  readonly length: number
}

export const lengthOf = ({ buffer }: Pick<View, 'buffer'>): number => (buffer as PlannedBuffer).length

/** A function that kernels call, as text. Its parameters and its result are numbers. */
export interface KernelFunction {
  readonly name: string
  readonly parameters: number
  readonly source: string
}

/**
 * A kernel: each thread computes one element, or four, of a flat float32 output. `source` is the text of a function
 * whose parameters are `t0, t1, ...`, textures that are read flat (`t0[i]`), and then `n0, n1, ...`, numbers; the
 * thread is `this.thread.x`. Sizes and strides are part of the text, numbers that may change never are.
 */
export interface Kernel {
  readonly source: string
  /** The number of elements of the output, at least 1. */
  readonly length: number
  /** 4 if a thread computes four consecutive elements of the output and its text returns `[a, b, c, d]`. */
  readonly perThread?: 4
  /** The number of elements of each texture: gpu.js writes their sizes into the kernel. */
  readonly textures: readonly number[]
  /** The number of numeric parameters. */
  readonly numbers: number
  /** All functions that its text calls, directly or indirectly. */
  readonly functions: readonly KernelFunction[]
}

/** The source of a texture: the buffer of an input of the instruction, or the result of an earlier step. */
export type Source = { readonly input: number } | { readonly step: number }

/** A call of a kernel. */
export interface Step {
  readonly kernel: Kernel
  readonly textures: readonly Source[]
  /** Evaluated at every call: the value of a scalar operand, the offset of a view. */
  readonly numbers: readonly ((instr: Instr) => number)[]
}

/** A check that is part of a plan: a step with one element, which is not 0 if the instruction is in error. */
export interface Flag {
  readonly step: number
  /**
   * `value` is the element: the part of the message that depends on the operand, which may be gone when the flag is
   * read.
   */
  readonly error: (instr: Instr, value: number) => Error
}

/** The steps, outputs and checks of instructions of one kind, shape and layout. */
export interface Plan {
  readonly steps: readonly Step[]
  /** For each output of the instruction the step that makes it; undefined for an output without elements. */
  readonly outputs: readonly (number | undefined)[]
  readonly flags: readonly Flag[]
}

/** The planner of a kind of instruction. */
export interface Planner<K extends Kind = Kind> {
  /** Throws nothing: the backend reports what it cannot plan as unsupported. */
  plan(instr: Instr<K>): Plan
  /** Whether it can plan the instruction; by default always. */
  supports?(instr: Instr<K>): boolean
  /**
   * The largest absolute value of an integer result, and of every number on the way to it, if the inputs' elements are
   * no larger than `bounds`; Infinity if unknown.
   */
  bound(instr: Instr<K>, bounds: readonly number[]): number
}
