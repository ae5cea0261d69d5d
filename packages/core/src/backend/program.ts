// A compiled step as data: core's passes rewrite it, and a backend may compile it as a whole. Memory has no names here:
// every instruction computes new, numbered values, and a plan says where each value is.
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

/** Elements of a value as an instruction reads them; the layout is over the row-major elements of the value. */
export interface Use extends Layout {
  readonly value: number
  readonly dtype: DType
}

/** A number that the host part of the program reads in every run, by its position among them. */
export interface Reading {
  readonly reading: number
  readonly dtype: DType
}

/** A scalar in a program is a constant; numbers that change are readings. */
export type ProgramOperand = Use | Reading | (Scalar & { readonly value: number })

interface KernelInstrOf<K extends Kind> {
  readonly kind: K
  readonly attrs: Attributes[K]
  readonly inputs: readonly ProgramOperand[]
  readonly outputs: readonly number[]
  readonly check?: Check
  readonly origin: Origin
}
/** An instruction over values that a kernel of the backend runs. */
export type KernelInstr<K extends Kind = Kind> = { [P in K]: KernelInstrOf<P> }[K]

/**
 * A loop: a program that runs several times in a row. In iteration `t` the body sees input `i`, moved by `t * moves[i]`
 * elements, as its operand `i`. An iteration hands the kept values of the body to the next one.
 */
export interface Repetition {
  readonly times: number
  readonly body: Program
  /** The elements that each input moves by between iterations; 0 if all iterations read the same. */
  readonly moves: readonly number[]
  /** The elements that each result of the body moves by in its output; 0 keeps only the last iteration's. */
  readonly steps: readonly number[]
  /** How far the position of every reading moves between iterations. */
  readonly readings: number
}

/**
 * A call of a program. Its inputs are windows of values. Its outputs are the kept values of the body after the last
 * iteration, each of which starts as the input that the body receives for it, then the results of the body.
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

/** A source of random numbers whose draws can be undone. */
export interface Stream {
  getState(): Uint8Array
  setState(state: Uint8Array): unknown
  /** Another one in the same state. */
  clone(): Stream
  /** Takes over the state of another one. */
  become(other: this): void
}

/** The work of the host in every run, in order and before the instructions. It never reads tensors. */
export type HostStep =
  /** A counter or a schedule. It returns a function that undoes it, if the instructions fail. */
  | { readonly kind: 'effect'; readonly fn: () => () => void }
  /** A pure read: a learning rate, a bias correction. */
  | { readonly kind: 'reading'; readonly reading: number; readonly fn: () => number }
  /** Data that is made again in every run, random draws, and the state of their source. */
  | { readonly kind: 'draw'; readonly draw: number; readonly produce: () => TypedArray; readonly stream: Stream }
  /** Instructions draw from the stream, after all draws of the host. */
  | { readonly kind: 'stream'; readonly stream: Stream }

/** Where a value comes from that no instruction computes. */
export type Given =
  /** Memory that existed before the step: parameters, data. */
  | { readonly from: 'buffer'; readonly buffer: DeviceBuffer }
  /** Memory that the caller passes: a tensor argument of the step. */
  | { readonly from: 'argument'; readonly argument: number }
  /** Data that the step wrote, the same in every run. */
  | { readonly from: 'constant'; readonly data: TypedArray }
  /** Data that the host part draws. */
  | { readonly from: 'draw'; readonly draw: number }
  /** In the body of a repetition: an input of the instruction that runs it. */
  | { readonly from: 'operand'; readonly operand: number }

export interface Program {
  /** The shape and dtype of each value, by its number. The numbers of removed values stay unused. */
  readonly values: readonly Spec[]
  readonly given: ReadonlyMap<number, Given>
  readonly host: readonly HostStep[]
  readonly instrs: readonly ProgramInstr[]
  /** Memory from before the step that has another value afterwards: value `last` replaces value `first`. */
  readonly kept: readonly { readonly first: number; readonly last: number }[]
  /** The values that leave the step: returned tensors and gradients. */
  readonly results: readonly Use[]
}

/** Where a value is while a program runs. */
export type Place =
  | { readonly in: 'buffer'; readonly buffer: DeviceBuffer }
  | { readonly in: 'argument'; readonly argument: number }
  /** The data of the `draw`-th draw of a run. */
  | { readonly in: 'draw'; readonly draw: number }
  /** Memory that core allocates for every run, because it leaves the step. */
  | { readonly in: 'result'; readonly result: number }
  /**
   * Memory of the program; `at` is in bytes, a multiple of 64. Values that are never alive at the same time share it.
   */
  | { readonly in: 'arena'; readonly at: number }
  /**
   * In the body of a repetition: the memory of an input of the instruction. The results of the body are in outputs of
   * the instruction.
   */
  | { readonly in: 'operand'; readonly operand: number }

/** Where the values of a repetition's body are; its arena begins in the program's at `at`. */
export interface BodyPlan {
  readonly plan: Plan
  readonly at: number
}

export interface Plan {
  /** By value number; undefined for values that nothing computes or reads. */
  readonly places: readonly (Place | undefined)[]
  /** The values placed in `result`, by their position. */
  readonly results: readonly number[]
  /** The size of the arena. */
  readonly bytes: number
  readonly bodies: ReadonlyMap<RepeatInstr, BodyPlan>
}

/** The parts that change between runs. */
export interface Bindings {
  readonly numbers: Float64Array
  readonly draws: readonly TypedArray[]
  readonly args: readonly DeviceBuffer[]
  readonly results: readonly DeviceBuffer[]
}

/** How several runs ended: all complete, or with an error after `runs` of them. */
export interface Ended {
  readonly runs: number
  readonly error?: unknown
}

/** A program prepared by a backend. It owns its arena. */
export interface Executable {
  /** Runs the instructions once. Throws the errors of checks as the backend's `run` does. */
  run(bindings: Bindings): void
  /**
   * Several runs in one call, if that is faster on the backend; if absent, core calls `run`. `numbers` and `draws`
   * contain those of all runs, one run after another, and so do `results` if `stacked`; otherwise every run writes the
   * same ones.
   */
  repeat?(bindings: Bindings, times: number, stacked: boolean): Ended
  /** `repeat` on another thread, if the backend has one. Later calls to the backend wait for it. */
  repeatAsync?(bindings: Bindings, times: number, stacked: boolean): Promise<Ended>
  /**
   * Says that something else will need memory before the next run: an executable may give back that of its arena, which
   * holds nothing between runs.
   */
  rest?(): void
  /** The compiled source, for people; absent if there is no text. */
  readonly source?: string
}

export const isUse = (x: ProgramOperand): x is Use => 'sizes' in x
export const isReading = (x: ProgramOperand): x is Reading => 'reading' in x

/** An instruction of a program over placeholders for its memory, which backends and checks can be asked about. */
export function standIn({ values }: Program, instr: KernelInstr, buffer: (value: number) => DeviceBuffer): Instr {
  const inputs = instr.inputs.map((x): Operand => {
    if (isReading(x)) return { value: () => Number.NaN, dtype: x.dtype }
    return isUse(x) ? { ...x, buffer: buffer(x.value) } : x
  })
  const outputs = instr.outputs.map((value) => ({ ...values[value], buffer: buffer(value) }))
  return withOperands(instr, inputs, outputs)
}
