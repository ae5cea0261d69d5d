// Turns a loop that was found into a repetition: the first iteration becomes the body, values that the iterations read
// become operands and kept values, and values that are read after the loop become outputs.
import type { Spec } from '../../backend/backend.ts'
import { type Given, isReading, isUse, type ProgramInstr, type RepeatInstr, type Use } from '../../backend/program.ts'
import { highestOf, lowestOf } from '../../base/layout.ts'
import { numelOf } from '../../base/shape.ts'
import { copyOf, wholeUse } from './graph.ts'
import type { Line } from './line.ts'

/** An operand of an iteration: its instruction, counted within the iteration, and the index of the input. */
export interface Site {
  readonly instr: number
  readonly input: number
}

/**
 * For each operand, how far it moves between iterations; `made` if an instruction of this or the previous iteration
 * computes it, the same one in all iterations; `odd` otherwise.
 */
export type Codes = Float64Array
export const made = Number.POSITIVE_INFINITY
export const odd = Number.NEGATIVE_INFINITY

export interface Loop {
  /** The position of its first instruction, and the number of instructions in an iteration. */
  readonly start: number
  readonly period: number
  readonly times: number
  readonly sites: readonly Site[]
  readonly codes: Codes
}

/** A window of a value around the loop that contains everything that is read of it. */
interface Window {
  readonly value: number
  readonly spec: Spec
  readonly move: number
  low: number
  high: number
}

/** A value that iterations hand on: the output of the iteration that it is, and where the first iteration reads it. */
interface Handed {
  readonly maker: number
  readonly output: number
  readonly value: number
  readonly offset: number
}

/** The operands of a loop. Each has the key of the value that it reads; values of its own iteration have none. */
class Operands {
  readonly windows = new Map<string, Window>()
  readonly handed = new Map<string, Handed>()
  readonly keys: (string | undefined)[] = []
  /** How far the positions of readings move between iterations. */
  readings: number | undefined
  readonly #line: Line
  readonly #loop: Loop

  constructor(line: Line, loop: Loop) {
    this.#line = line
    this.#loop = loop
  }

  /** Adds an operand; false if a loop cannot have it. */
  add(x: number): boolean {
    const { start, period, sites, codes } = this.#loop
    const { instr, input } = sites[x]
    const at = start + instr
    if (isReading(this.#line.instrs[at].inputs[input])) return this.#addReading(codes[x])
    const use = this.#line.use(at, input)
    if (use === undefined) return true
    const inside = this.#line.distance(start, use.value) <= 0
    if (codes[x] !== made) return !inside && this.#addWindow(x, use, codes[x])
    const later = this.#line.use(at + period, input) as Use
    if (this.#line.distance(at, later.value) + period <= instr) return this.#line.distance(at, use.value) <= instr
    return !inside && this.#addHanded(x, use, later)
  }

  #addReading(step: number): boolean {
    this.readings ??= step
    return this.readings === step && step >= 0
  }

  /** Uses of one value that move alike are one operand. */
  #addWindow(x: number, { value, dtype, sizes, strides, offset }: Use, move: number): boolean {
    const none = numelOf(sizes) === 0
    const low = none ? offset : lowestOf(sizes, strides, offset)
    const high = none ? offset : highestOf(sizes, strides, offset) + 1
    const key = `window ${value} ${move}`
    this.keys[x] = key
    const known = this.windows.get(key)
    if (known === undefined) this.windows.set(key, { value, spec: { sizes: [], dtype }, move, low, high })
    else {
      known.low = Math.min(known.low, low)
      known.high = Math.max(known.high, high)
    }
    return true
  }

  /** A value handed on is read as a whole before the first iteration, wherever it is. */
  #addHanded(x: number, use: Use, later: Use): boolean {
    const { start, period } = this.#loop
    const { values } = this.#line
    const maker = period - this.#line.distance(start + period, later.value)
    const output = this.#line.output(later.value)
    const key = `handed ${maker} ${output}`
    this.keys[x] = key
    const offset = use.offset - later.offset
    const known = this.handed.get(key)
    this.handed.set(key, { maker, output, value: use.value, offset })
    const fits = offset >= 0 && offset + numelOf(values[later.value].sizes) <= numelOf(values[use.value].sizes)
    return fits && (known === undefined || (known.value === use.value && known.offset === offset))
  }
}

/**
 * The repetition of a loop, as a function that puts it into the line; undefined if its operands are not those of a
 * loop.
 */
export function repetition(line: Line, loop: Loop): (() => readonly ProgramInstr[]) | undefined {
  const operands = new Operands(line, loop)
  for (let x = 0; x < loop.sites.length; x++) if (!operands.add(x)) return undefined
  return () => new Body(line, loop, operands).instrs()
}

/** The body of a repetition while it is built. */
class Body {
  readonly #line: Line
  readonly #loop: Loop
  readonly #operands: Operands
  readonly #values: Spec[] = []
  readonly #given = new Map<number, Given>()
  readonly #inputs: Use[] = []
  readonly #moves: number[] = []
  /** The values of the body for its operands, by key, and where they begin in the values around it. */
  readonly #known = new Map<string, { readonly value: number; readonly offset: number }>()
  /** The instructions of the body. Their outputs are the values that the first iteration computes. */
  readonly #instrs: ProgramInstr[] = []
  readonly #copies: ProgramInstr[] = []
  readonly #kept: { readonly first: number; last: number }[] = []
  readonly #results: Use[] = []
  readonly #steps: number[] = []
  /** Outputs around the body: of kept values, by the value of the body that is kept, and of results. */
  readonly #lasts = new Map<number, { readonly kept: number; readonly value: number }>()
  readonly #outputs: number[] = []

  constructor(line: Line, loop: Loop, operands: Operands) {
    this.#line = line
    this.#loop = loop
    this.#operands = operands
  }

  instrs(): readonly ProgramInstr[] {
    const { start, period, times } = this.#loop
    for (const [key, window] of this.#operands.windows) this.#addWindow(key, window)
    for (const [key, handed] of this.#operands.handed) this.#addHanded(key, handed)
    this.#addInstrs()
    for (const [key, { maker, output }] of this.#operands.handed) this.#keep(key, this.#instrs[maker].outputs[output])
    const after: ProgramInstr[] = []
    for (let instr = 0; instr < period; instr++)
      this.#line.instrs[start + instr].outputs.forEach((_, k) => void after.push(...this.#addOutput(instr, k)))
    const repeat: RepeatInstr = {
      kind: 'repeat',
      attrs: {
        times,
        body: {
          values: this.#values,
          given: this.#given,
          host: [],
          instrs: [...this.#instrs, ...this.#copies],
          kept: this.#kept,
          results: this.#results,
        },
        moves: this.#moves,
        steps: this.#steps,
        readings: this.#operands.readings ?? 0,
      },
      inputs: this.#inputs,
      outputs: [...Array.from(this.#lasts.values(), ({ value }) => value), ...this.#outputs],
      origin: { name: [...new Set(this.#instrs.map(({ origin }) => origin.name))].join('+') },
    }
    return [repeat, ...after]
  }

  #addOperand(key: string, input: Use, spec: Spec, move: number, offset: number): void {
    const value = this.#values.push(spec) - 1
    this.#given.set(value, { from: 'operand', operand: this.#inputs.push(input) - 1 })
    this.#moves.push(move)
    this.#known.set(key, { value, offset })
  }

  #addWindow(key: string, { value, spec: { dtype }, move, low, high }: Window): void {
    const spec = { sizes: [high - low], dtype }
    this.#addOperand(key, { ...wholeUse(value, spec), offset: low }, spec, move, low)
  }

  #addHanded(key: string, { maker, output, value, offset }: Handed): void {
    const spec = this.#line.values[this.#line.instrs[this.#loop.start + maker].outputs[output]]
    this.#addOperand(key, { ...wholeUse(value, spec), offset }, spec, 0, 0)
  }

  /** Adds the instructions of the first iteration. They read values handed on as the second iteration does. */
  #addInstrs(): void {
    const { start, period } = this.#loop
    const inside = new Map<number, number>()
    let x = 0
    for (let at = start; at < start + period; at++) {
      const instr = this.#line.instrs[at]
      const inputs = instr.inputs.map((y, input) => {
        const key = this.#operands.keys[x++]
        if (!isUse(y)) return y
        if (key === undefined) return { ...y, value: inside.get(y.value) as number }
        const { value, offset } = this.#known.get(key) as { value: number; offset: number }
        const use = this.#line.use(this.#operands.handed.has(key) ? at + period : at, input) as Use
        return { ...use, value, offset: use.offset - offset }
      })
      const outputs = instr.outputs.map((value) => {
        const own = this.#values.push(this.#line.values[value]) - 1
        inside.set(value, own)
        return own
      })
      this.#instrs.push({ ...instr, inputs, outputs } as ProgramInstr)
    }
  }

  #keep(key: string, last: number): void {
    const { value: first } = this.#known.get(key) as { value: number }
    this.#lasts.set(last, { kept: this.#kept.push({ first, last }) - 1, value: this.#line.add(this.#values[last]) })
  }

  /**
   * Adds the part of an output that is read after the loop: the last iteration's, or those of all; returns the copies
   * out of it.
   */
  #addOutput(instr: number, k: number): ProgramInstr[] {
    const { start, period, times } = this.#loop
    const line = this.#line
    const end = start + times * period
    const outputs = Array.from({ length: times }, (_, turn) => line.instrs[start + turn * period + instr].outputs[k])
    const needed = outputs.map(
      (value) => line.leaving.has(value) || line.readers(value).some((at) => at < start || at >= end),
    )
    const first = needed.indexOf(true)
    if (first < 0) return []
    const value = this.#instrs[instr].outputs[k]
    const spec = this.#values[value]
    const lastOnly = first === times - 1
    const last = this.#lasts.get(value)
    if (lastOnly && last !== undefined) {
      line.moved.set(outputs[first], { value: last.value, offset: 0 })
      return []
    }
    if (last !== undefined) this.#keepCopy(value, last.kept)
    this.#results.push(wholeUse(value, spec))
    const size = lastOnly ? 0 : numelOf(spec.sizes)
    this.#steps.push(size)
    const made = line.add(lastOnly ? spec : { sizes: [times, ...spec.sizes], dtype: spec.dtype })
    this.#outputs.push(made)
    return outputs.flatMap((output, turn): ProgramInstr[] => {
      if (!needed[turn]) return []
      const offset = turn * size
      // A value that leaves the program has memory of its own.
      if (line.leaving.has(output) && !lastOnly) return [copyOf({ ...wholeUse(made, spec), offset }, output)]
      line.moved.set(output, { value: made, offset })
      return []
    })
  }

  /** A result has memory of its own, so a value that is also kept is copied. */
  #keepCopy(value: number, kept: number): void {
    const copy = this.#values.push(this.#values[value]) - 1
    this.#copies.push(copyOf(wholeUse(value, this.#values[value]), copy))
    this.#kept[kept].last = copy
  }
}
