// The text of a compiled program while it is written: the functions of its instructions, and what they refer to.
import {
  type DType,
  numberSource,
  type Program,
  type ProgramOperand,
  type RepeatInstr,
  type Repetition,
  roundSource,
  type Use,
} from '@flambeau/core/backend'
import { isReading } from '@flambeau/core/backend'
import { type Count, sum, times } from '../text/indices.ts'
import type { NestMemory, Strided } from '../text/loops.ts'
import type { Opened, ProgramMemory } from './memory.ts'

/**
 * What a step has in common with the others that share its function (`key`), and what is its own, in the order of the
 * shared parameters.
 */
export interface Outline {
  readonly key: string
  /** One value per memory that is a parameter. */
  readonly values: readonly number[]
  /**
   * The parameter that each value is in. Several values may be in one: a result that is overwritten has a value per
   * write.
   */
  readonly places: ReadonlyMap<number, number>
  readonly readings: readonly number[]
}

/**
 * A function of the text. Its parameters are the memory and the numbers that change between runs. If several steps
 * share it, all its memory is parameters, and the names are those of the first of them.
 */
export class FunctionSource implements NestMemory {
  readonly lines: string[] = []
  readonly #memory: ProgramMemory
  readonly #outline: Outline | undefined
  /** By name: the argument that a step passes. */
  readonly #parameters = new Map<string, (outline: Outline) => string>()

  /** The source of how far readings have moved in an iteration. */
  readonly #moving: string

  constructor(memory: ProgramMemory, moving: string, outline?: Outline) {
    this.#memory = memory
    this.#moving = moving
    this.#outline = outline
  }

  open(value: number): Opened {
    const opened = this.#memory.open(value)
    const { array, start, constant } = opened
    if (constant && this.#outline === undefined) return opened
    const at = this.#outline?.places.get(value) as number
    this.#parameters.set(array, ({ values }) => this.#memory.open(values[at]).array)
    if (start !== '0') this.#parameters.set(start, ({ values }) => this.#memory.open(values[at]).start)
    return { ...opened, constant: false }
  }

  /** Elements with the given steps, from the first element of a use on. */
  strided({ value, offset }: Pick<Use, 'value' | 'offset'>, steps: readonly number[]): Strided {
    const { array, start } = this.open(value)
    return { array, start: sum(start, String(offset)), steps }
  }

  /**
   * A number in the dtype that an expression gives its input. A changing number is read from the numbers of the run.
   */
  number(x: Exclude<ProgramOperand, Use>, dtype: DType): string {
    if (!isReading(x)) return constantSource(x.value, dtype)
    this.#parameters.set('numbers', () => 'numbers')
    if (this.#moving !== '0') this.#parameters.set(this.#moving, () => this.#moving)
    const name = `n${x.reading}${dtype}`
    const line = `const ${name} = ${roundSource[dtype](`numbers[${this.#reading(x.reading)}]`)}`
    if (!this.lines.includes(line)) this.lines.push(line)
    return name
  }

  #reading(reading: number): Count {
    const at = this.#outline?.readings.indexOf(reading) ?? 0
    if (this.#outline === undefined) return sum(String(reading), this.#moving)
    this.#parameters.set(`reading${reading}`, ({ readings }) => sum(String(readings[at]), this.#moving))
    return `reading${reading}`
  }

  scratch(length: Count, dtype: 'float32' | 'float64' = 'float64'): string {
    return this.#memory.scratch(Number(length), dtype)
  }

  get parameters(): string {
    return [...this.#parameters.keys()].join(', ')
  }

  /** The arguments that a step passes to this function. */
  arguments(outline: Outline): string {
    return Array.from(this.#parameters.values(), (argument) => argument(outline)).join(', ')
  }
}

const rounds: Readonly<Record<DType, (x: number) => number>> = {
  float64: (x) => x,
  float32: Math.fround,
  int32: (x) => x | 0,
  uint8: (x) => x & 255,
  bool: (x) => x,
}
/** A number in a dtype, as source. */
export const constantSource = (value: number, dtype: DType): string => numberSource(rounds[dtype](value))

/** Shared by the text of a program and of the bodies of its repetitions. */
class Functions {
  readonly lines: string[] = []
  /** The errors of checks, thrown as `errors[k]()`. */
  readonly errors: ((x: number) => Error)[] = []
  names = 0
}

export class ProgramSource {
  readonly memory: ProgramMemory
  readonly program: Program
  readonly calls: string[] = []
  readonly #functions: Functions
  /** Functions that several steps share, by the key of their outline. */
  readonly #shared = new Map<string, { readonly name: string; readonly fn: FunctionSource }>()
  /** How far readings move in an iteration of a body; 0 outside of bodies. */
  readonly moving: string

  constructor(program: Program, memory: ProgramMemory, functions = new Functions(), moving = '0') {
    this.program = program
    this.memory = memory
    this.#functions = functions
    this.moving = moving
  }

  /** The source of the body of a repetition, which has its own memory and calls. */
  body(program: Program, instr: RepeatInstr): ProgramSource {
    const memory = this.memory.body(program, instr, this.fresh('r'))
    const moving = instr.attrs.readings === 0 ? '0' : `${memory.turn}Readings`
    return new ProgramSource(program, memory, this.#functions, moving)
  }

  /** A loop of iterations around the calls of a body; `opening` are the first lines of an iteration. */
  loop(
    { memory, calls, moving }: ProgramSource,
    { times: turns, readings }: Repetition,
    opening: readonly string[],
  ): void {
    const { turn } = memory
    this.calls.push(
      `for (let ${turn} = 0; ${turn} < ${turns}; ${turn}++) {`,
      ...(moving === '0' ? [] : [`const ${moving} = ${times(turn, readings)}`]),
      ...opening,
      ...calls,
      '}',
    )
  }

  get errors(): readonly ((x: number) => Error)[] {
    return this.#functions.errors
  }

  /** A name that nothing else has. */
  fresh(prefix: string): string {
    return `${prefix}${this.#functions.names++}`
  }

  /** A statement that throws an error if a condition is true; `argument` is the source of the error's argument. */
  raise(condition: string, error: (x: number) => Error, argument = ''): string {
    return `if (${condition}) throw errors[${this.#functions.errors.push(error) - 1}](${argument})`
  }

  /** Declares constants and functions that steps refer to. */
  declare(lines: readonly string[]): void {
    this.#functions.lines.push(...lines)
  }

  /** Declares a function that every run calls; `write` gives its statements. Steps whose outlines have one key share it. */
  step(comment: string, write: (fn: FunctionSource) => readonly string[], outline?: Outline): void {
    let step = outline && this.#shared.get(outline.key)
    if (step === undefined) {
      const fn = new FunctionSource(this.memory, this.moving, outline)
      const body = write(fn)
      if (body.length === 0) return
      step = { name: this.fresh('step'), fn }
      this.declare([`// ${comment}`, `const ${step.name} = (${fn.parameters}) => {`, ...fn.lines, ...body, '}'])
      if (outline !== undefined) this.#shared.set(outline.key, step)
    }
    const { name, fn } = step
    this.calls.push(`${name}(${outline === undefined ? fn.parameters : fn.arguments(outline)})`)
  }

  /** The lines of the whole text; `opening` are the first lines of a run. */
  lines(opening: readonly string[]): string[] {
    return [
      ...this.memory.constants.declarations,
      ...this.#functions.lines,
      'return ({ numbers, draws, args, results }) => {',
      ...opening,
      ...this.calls,
      '}',
    ]
  }
}
