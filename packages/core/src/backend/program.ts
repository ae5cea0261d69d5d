// A compiled step as data: what core's passes rewrite and what a backend may compile whole. Memory has no names here:
// every instruction makes new values, numbered, and a plan says where each value lies.
import type { DType, TypedArray } from '../base/dtype.ts'
import type { Layout } from '../base/layout.ts'
import {
  type Attributes,
  type Check,
  type DeviceBuffer,
  type Instr,
  type Kind,
  type Operand,
  type Origin,
  type Scalar,
  type Spec,
  withOperands,
} from './backend.ts'

/** Elements of a value, as an instruction reads them; the layout is over the value's row-major elements. */
export interface Use extends Layout {
  readonly value: number
  readonly dtype: DType
}

/** A number that the host part of the program reads at every run, by its position among those. */
export interface Reading {
  readonly reading: number
  readonly dtype: DType
}

/** A scalar in a program is a constant: numbers that change are readings. */
export type ProgramOperand = Use | Reading | (Scalar & { readonly value: number })

interface KernelInstrOf<K extends Kind> {
  readonly kind: K
  readonly attrs: Attributes[K]
  readonly inputs: readonly ProgramOperand[]
  readonly outputs: readonly number[]
  readonly check?: Check
  readonly origin: Origin
}
/** An instruction over values that one of a backend's kernels runs. */
export type KernelInstr<K extends Kind = Kind> = { [P in K]: KernelInstrOf<P> }[K]

/**
 * A program that runs several times in a row, a loop. Turn `t` sees input `i` moved by `t * moves[i]` elements, as the
 * value that the body is given as operand `i`. What the body keeps is what a turn hands to the next.
 */
export interface Repetition {
  readonly times: number
  readonly body: Program
  /** Elements that each input moves by from turn to turn; 0: all turns read the same. */
  readonly moves: readonly number[]
  /** Elements that each result of the body moves by in its output; 0: the last turn's is left. */
  readonly steps: readonly number[]
  /** By how much the position of every reading grows from turn to turn. */
  readonly readings: number
}

/**
 * A call of a program. Its inputs are windows of values; its outputs are what the body's kept values are after the last
 * turn, each of which begins as the input that the body is given for it, then the body's results.
 */
export interface RepeatInstr {
  readonly kind: 'repeat'
  readonly attrs: Repetition
  readonly inputs: readonly Use[]
  readonly outputs: readonly number[]
  readonly check?: undefined
  readonly origin: Origin
}

interface ProgramInstrs extends Pick<{ [K in Kind]: KernelInstrOf<K> }, Kind> {
  repeat: RepeatInstr
}
/** An instruction over values. Each output is a new value whose spec is in `Program.values`. */
export type ProgramInstr<K extends keyof ProgramInstrs = keyof ProgramInstrs> = ProgramInstrs[K]

/** Where random numbers come from, as far as a draw can be taken back. */
export interface Stream {
  getState(): Uint8Array
  setState(state: Uint8Array): unknown
  /** Another one in the same state. */
  clone(): Stream
  /** Goes on from where another one is. */
  become(other: this): void
}

/** What the host does at every run, in order and before the instructions; it never reads tensors. */
export type HostStep =
  /** A counter, a schedule; what it returns takes that run of it back, when the instructions end in an error. */
  | { readonly kind: 'effect'; readonly fn: () => () => void }
  /** A pure read: a learning rate, a bias correction. */
  | { readonly kind: 'reading'; readonly reading: number; readonly fn: () => number }
  /** Data made anew, random draws, and the state of what they are drawn from. */
  | { readonly kind: 'draw'; readonly draw: number; readonly produce: () => TypedArray; readonly stream: Stream }

/** Where a value comes from that no instruction makes. */
export type Given =
  /** Memory that was there before the step: parameters, data. */
  | { readonly from: 'buffer'; readonly buffer: DeviceBuffer }
  /** Memory that the caller passes: a tensor argument of the step. */
  | { readonly from: 'argument'; readonly argument: number }
  /** Data that the step wrote, the same at every run. */
  | { readonly from: 'constant'; readonly data: TypedArray }
  /** Data that the host part draws. */
  | { readonly from: 'draw'; readonly draw: number }
  /** In the body of a repetition: an input of the instruction that runs it. */
  | { readonly from: 'operand'; readonly operand: number }

export interface Program {
  /** Shape and dtype of each value, by its number; numbers that passes removed stay unused. */
  readonly values: readonly Spec[]
  readonly given: ReadonlyMap<number, Given>
  readonly host: readonly HostStep[]
  readonly instrs: readonly ProgramInstr[]
  /** Memory that was there before and holds another value afterwards: value `first` is replaced by value `last`. */
  readonly kept: readonly { readonly first: number; readonly last: number }[]
  /** What leaves the step: returned tensors and gradients. */
  readonly results: readonly Use[]
}

/** Where a value lies while a program runs. */
export type Place =
  | { readonly in: 'buffer'; readonly buffer: DeviceBuffer }
  | { readonly in: 'argument'; readonly argument: number }
  /** What the `draw`-th draw of a run made. */
  | { readonly in: 'draw'; readonly draw: number }
  /** Memory that core allocates anew for every run, because it leaves the step. */
  | { readonly in: 'result'; readonly result: number }
  /** Memory that belongs to the program; `at` in bytes, a multiple of 64. Values whose lives do not overlap share it. */
  | { readonly in: 'arena'; readonly at: number }
  /** In the body of a repetition, whose results lie in outputs of the instruction: where one of its inputs lies. */
  | { readonly in: 'operand'; readonly operand: number }

/** Where the values of a repetition's body lie; its arena begins in the program's at `at`. */
export interface BodyPlan {
  readonly plan: Plan
  readonly at: number
}

export interface Plan {
  /** By value number; undefined for values that nothing makes or reads. */
  readonly places: readonly (Place | undefined)[]
  /** Values placed in `result`, by their position. */
  readonly results: readonly number[]
  /** Size of the arena. */
  readonly bytes: number
  readonly bodies: ReadonlyMap<RepeatInstr, BodyPlan>
}

/** What changes from run to run. */
export interface Bindings {
  readonly numbers: Float64Array
  readonly draws: readonly TypedArray[]
  readonly args: readonly DeviceBuffer[]
  readonly results: readonly DeviceBuffer[]
}

/** How several runs ended: all of them complete, or after so many an error. */
export interface Ended {
  readonly runs: number
  readonly error?: unknown
}

/** A program made ready by a backend; it holds its arena. */
export interface Executable {
  /** Runs the instructions once. Errors of checks are thrown as `run` of the backend throws them. */
  run(bindings: Bindings): void
  /**
   * Several runs in one call, where a backend gains by it; absent: core calls `run`. `numbers` and `draws` hold those of
   * all runs, one run after the other, and so do `results` when they are `stacked`; else every run writes the same.
   */
  repeat?(bindings: Bindings, times: number, stacked: boolean): Ended
  /** `repeat` on another thread, where a backend has one; what the backend is told meanwhile waits for it. */
  repeatAsync?(bindings: Bindings, times: number, stacked: boolean): Promise<Ended>
  /** What it was compiled to, for a person who asks; absent where there is no text. */
  readonly source?: string
}

export const isUse = (x: ProgramOperand): x is Use => 'sizes' in x
export const isReading = (x: ProgramOperand): x is Reading => 'reading' in x

/** An instruction of a program over memory that stands for its values: what a backend and checks can be asked about. */
export function standIn({ values }: Program, instr: KernelInstr, buffer: (value: number) => DeviceBuffer): Instr {
  const inputs = instr.inputs.map((x): Operand => {
    if (isReading(x)) return { value: () => Number.NaN, dtype: x.dtype }
    return isUse(x) ? { ...x, buffer: buffer(x.value) } : x
  })
  const outputs = instr.outputs.map((value) => ({ ...values[value], buffer: buffer(value) }))
  return withOperands(instr, inputs, outputs)
}
