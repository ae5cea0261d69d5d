// A program as a line of instructions while its loops are replaced: which instruction computes each value and which
// ones read it, by position, and which values have become parts of others.
import type { Spec } from '../../backend/backend.ts'
import { isUse, type Program, type ProgramInstr, type Use } from '../../backend/program.ts'
import { leavingValues } from './graph.ts'

/** Elements of a value from `offset` on. */
interface Part {
  readonly value: number
  readonly offset: number
}

export class Line {
  readonly instrs: readonly ProgramInstr[]
  /** Specs by value; those of new values are appended. */
  readonly values: Spec[]
  /** Values that have become parts of others. */
  readonly moved = new Map<number, Part>()
  /** Values that leave the program. */
  readonly leaving: ReadonlySet<number>
  /** By value: the position of the instruction that computes it (-1 if none), and which of its outputs it is. */
  readonly #maker: Int32Array
  readonly #output: Int32Array
  readonly #readers: (number[] | undefined)[]

  constructor(program: Program) {
    const { length } = program.values
    this.instrs = program.instrs
    this.values = [...program.values]
    this.leaving = leavingValues(program)
    this.#maker = new Int32Array(length).fill(-1)
    this.#output = new Int32Array(length)
    this.#readers = new Array(length)
    this.instrs.forEach(({ inputs, outputs }, at) => {
      for (const x of inputs) if (isUse(x)) (this.#readers[x.value] ??= []).push(at)
      outputs.forEach((value, k) => {
        this.#maker[value] = at
        this.#output[value] = k
      })
    })
  }

  /** A new value. */
  add(spec: Spec): number {
    return this.values.push(spec) - 1
  }

  readers(value: number): readonly number[] {
    return this.#readers[value] ?? []
  }

  /** Which output of its instruction a value is. */
  output(value: number): number {
    return this.#output[value]
  }

  /**
   * The number of instructions between the one that computes a value and a position; infinite if no instruction of the
   * line computes it.
   */
  distance(at: number, value: number): number {
    const maker = value < this.#maker.length ? this.#maker[value] : -1
    return maker < 0 ? Number.POSITIVE_INFINITY : at - maker
  }

  /** The use of an operand, in terms of the value that it has become part of; undefined for a number. */
  use(at: number, input: number): Use | undefined {
    const x = this.instrs[at].inputs[input]
    return isUse(x) ? this.#resolved(x) : undefined
  }

  #resolved(use: Use): Use {
    const part = this.moved.get(use.value)
    return part === undefined ? use : { ...use, value: part.value, offset: use.offset + part.offset }
  }

  /** The instruction, reading the values that its operands have become parts of. */
  instr(at: number): ProgramInstr {
    const instr = this.instrs[at]
    if (!instr.inputs.some((x) => isUse(x) && this.moved.has(x.value))) return instr
    return { ...instr, inputs: instr.inputs.map((x) => (isUse(x) ? this.#resolved(x) : x)) } as ProgramInstr
  }
}
