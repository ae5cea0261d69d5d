// Finds the loops that a step was written with. Consecutive turns of equal instructions become one repetition with the
// turn as its body, if each turn reads results of the previous one, the same values as all turns, or the next elements
// of one value. Everything later (passes, the plan, the backend's compilation) handles the turn only once.
import { isReading, isUse, type Program, type ProgramInstr, type RepeatInstr, type Use } from '../../backend/program.ts'
import type { Spec } from '../../backend/backend.ts'
import { contiguousLayout, highestOf, lowestOf } from '../../base/layout.ts'
import { numelOf } from '../../base/shape.ts'
import { copies } from '../../tensor/dispatch.ts'
import { isMap, isReducing } from './graph.ts'
import { type Stretch, stretches } from './periods.ts'
import { numberKey } from './rewrite.ts'

/** Fewer turns, or fewer instructions in total, are not worth a loop. */
const fewestTurns = 4
const fewestInstrs = 48

/**
 * Turns that consist only of elementwise maps are combined until a body has about this many instructions: without a
 * loop they would be one kernel, and so they are still few.
 */
const mapsTogether = 64

/**
 * Instructions as numbers; they are equal if the instructions differ only in the values they read and the positions in
 * them.
 */
function tokensOf({ instrs, values }: Program): Int32Array {
  const ids = new Map<unknown, number>()
  const idOf = (x: unknown): number => {
    let id = ids.get(x)
    if (id === undefined) {
      id = ids.size
      ids.set(x, id)
    }
    return id
  }
  return Int32Array.from(instrs, ({ kind, attrs, check, inputs, outputs }) => {
    let key = `${kind} ${idOf(attrs)}`
    // An error function of its own may mention the tensors of its turn.
    if (check !== undefined) key += ` ${idOf(check.expr)} ${idOf(check.error)}`
    for (const x of inputs) {
      if (isUse(x)) key += `|${x.dtype} ${x.sizes} ${x.strides}`
      else key += isReading(x) ? `|reading ${x.dtype}` : `|${numberKey(x.value)} ${x.dtype}`
    }
    for (const value of outputs) key += `;${values[value].dtype} ${values[value].sizes}`
    return idOf(key)
  })
}

const whole = (value: number, { sizes, dtype }: Spec): Use => ({ value, dtype, ...contiguousLayout(sizes) })

const copyOf = (x: Use, output: number): ProgramInstr => ({
  kind: 'map',
  attrs: copies[x.dtype],
  inputs: [x],
  outputs: [output],
  origin: { name: 'copy' },
})

/** How an operand of a turn relates to that of the previous turn. */
const made = Number.POSITIVE_INFINITY
const odd = Number.NEGATIVE_INFINITY

/** Where an operand is read within a turn. */
interface Site {
  readonly instr: number
  readonly input: number
}

class Finder {
  readonly #program: Program
  readonly #instrs: readonly ProgramInstr[]
  readonly #values: Spec[]
  /**
   * By value: the instruction that computes it (-1 if none), which of its outputs it is, and the last instruction that
   * reads it.
   */
  readonly #maker: Int32Array
  readonly #output: Int32Array
  readonly #readers: (number[] | undefined)[]
  /** Values that have become parts of others. */
  readonly #moved = new Map<number, { readonly value: number; readonly offset: number }>()
  readonly #out: ProgramInstr[] = []
  /** Values that leave the program. */
  readonly #leaving: ReadonlySet<number>

  constructor(program: Program) {
    this.#program = program
    this.#instrs = program.instrs
    this.#values = [...program.values]
    this.#maker = new Int32Array(program.values.length).fill(-1)
    this.#output = new Int32Array(program.values.length)
    this.#readers = new Array(program.values.length)
    this.#instrs.forEach(({ inputs, outputs }, at) => {
      for (const x of inputs) if (isUse(x)) (this.#readers[x.value] ??= []).push(at)
      outputs.forEach((value, k) => {
        this.#maker[value] = at
        this.#output[value] = k
      })
    })
    this.#leaving = new Set([...program.kept.map(({ last }) => last), ...program.results.map(({ value }) => value)])
  }

  run(): Program {
    const found = stretches(tokensOf(this.#program), fewestTurns)
    if (found.length === 0) return this.#program
    this.#visit(0, this.#instrs.length, found)
    const named = (value: number): number => this.#moved.get(value)?.value ?? value
    const { kept, results } = this.#program
    return {
      ...this.#program,
      values: this.#values,
      instrs: this.#out,
      kept: kept.map(({ first, last }) => ({ first, last: named(last) })),
      results: results.map((use) => ({ ...use, value: named(use.value) })),
    }
  }

  /** Visits the instructions of a part of the program, beginning with the stretch that saves most. */
  #visit(from: number, to: number, found: readonly Stretch[]): void {
    let best: Stretch | undefined
    const within: Stretch[] = []
    for (const stretch of found) {
      const cut = {
        from: Math.max(from, stretch.from),
        to: Math.min(to, stretch.to),
        period: this.#period(stretch),
      }
      if (cut.to - cut.from < Math.max(fewestTurns * cut.period, fewestInstrs)) continue
      within.push(stretch)
      if (best === undefined || gain(cut) > gain(best)) best = cut
    }
    if (best === undefined) {
      for (let at = from; at < to; at++) this.#out.push(this.#line(this.#instrs[at]))
      return
    }
    const { from: start, to: end } = best
    this.#visit(from, start, within)
    const rest = within.filter((x) => this.#period(x) !== best.period || x.from > start || x.to < end)
    const done = this.#loops(best, (a, b) => this.#visit(a, b, rest))
    this.#visit(done, to, rest)
  }

  /** The number of instructions in a turn; several periods of maps that could be one kernel are combined. */
  #period({ from, period }: Stretch): number {
    for (let at = from; at < from + period; at++) {
      const instr = this.#instrs[at]
      if (!isMap(instr) || isReducing(instr) || instr.check !== undefined) return period
    }
    return period * Math.ceil(mapsTogether / period)
  }

  #line(instr: ProgramInstr): ProgramInstr {
    if (!instr.inputs.some((x) => isUse(x) && this.#moved.has(x.value))) return instr
    return { ...instr, inputs: instr.inputs.map((x) => (isUse(x) ? this.#resolved(x) : x)) } as ProgramInstr
  }

  #resolved(use: Use): Use {
    const moved = this.#moved.get(use.value)
    return moved === undefined ? use : { ...use, value: moved.value, offset: use.offset + moved.offset }
  }

  /**
   * Finds the loops in a stretch, and calls `line` for the instructions between them; returns the end of the part that
   * it visited.
   */
  #loops({ from, to, period }: Stretch, line: (from: number, to: number) => void): number {
    const turns = Math.floor((to - from) / period)
    const sites = this.#sites(from, period)
    let done = from
    let codes: Float64Array | undefined
    let before: Float64Array | undefined
    for (let turn = 1; turn < turns; ) {
      before = codes
      codes = this.#codes(from + turn * period, period, sites)
      let end = turn + 1
      while (end < turns && !codes.includes(odd)) {
        if (!same(codes, this.#codes(from + end * period, period, sites))) break
        end++
      }
      if (end - turn + 1 >= fewestTurns) {
        let first = turn - 1
        // In the very first turn, the values handed on come from elsewhere.
        if (before !== undefined && this.#begins(before, codes, from + turn * period, sites)) first--
        for (const begin of [first, first + 1]) {
          const start = from + begin * period
          if (start < done || end - begin < fewestTurns) continue
          const loop = this.#loop(start, period, end - begin, codes, sites)
          if (loop === undefined) continue
          line(done, start)
          this.#out.push(...loop())
          done = from + end * period
          break
        }
      }
      turn = end
    }
    return done
  }

  /** All operands of a turn. */
  #sites(from: number, period: number): Site[] {
    const sites: Site[] = []
    for (let i = 0; i < period; i++)
      this.#instrs[from + i].inputs.forEach((_, input) => void sites.push({ instr: i, input }))
    return sites
  }

  #use(at: number, input: number): Use | undefined {
    const x = this.#instrs[at].inputs[input]
    return isUse(x) ? this.#resolved(x) : undefined
  }

  /** How far before an instruction a value is computed; infinity if by no instruction, or by a loop. */
  #distance(at: number, value: number): number {
    const maker = value < this.#maker.length ? this.#maker[value] : -1
    return maker < 0 ? Number.POSITIVE_INFINITY : at - maker
  }

  /**
   * For each operand of a turn, how far it moved since the previous turn; `made` if instructions of this turn or the
   * previous one computed it at the same position; `odd` otherwise.
   */
  #codes(start: number, period: number, sites: readonly Site[]): Float64Array {
    return Float64Array.from(sites, ({ instr, input }) => {
      const at = start + instr
      const [now, then] = [this.#instrs[at].inputs[input], this.#instrs[at - period].inputs[input]]
      if (isReading(now) && isReading(then)) return now.reading - then.reading
      const [a, b] = [this.#use(at - period, input), this.#use(at, input)]
      if (a === undefined || b === undefined) return 0
      if (a.value === b.value) return b.offset - a.offset
      const distance = this.#distance(at, b.value)
      const alike = distance === this.#distance(at - period, a.value) && a.offset === b.offset
      return alike && distance <= instr + period && this.#output[a.value] === this.#output[b.value] ? made : odd
    })
  }

  #isCarried(at: number, { instr, input }: Site): boolean {
    const use = this.#use(at, input) as Use
    return this.#distance(at, use.value) > instr
  }

  /**
   * Whether the previous turn can be the first of a loop: the second turn, at `start`, differs only in the values
   * handed on.
   */
  #begins(before: Float64Array, codes: Float64Array, start: number, sites: readonly Site[]): boolean {
    return codes.every(
      (code, x) => code === before[x] || (code === made && this.#isCarried(start + sites[x].instr, sites[x])),
    )
  }

  /** The repetition of turns from `start` on, as a function that makes it; undefined if there is none. */
  #loop(
    start: number,
    period: number,
    times: number,
    codes: Float64Array,
    sites: readonly Site[],
  ): (() => ProgramInstr[]) | undefined {
    const end = start + times * period
    let readings: number | undefined
    /** Values around the loop; those of one value that move alike are one operand. */
    const windows = new Map<string, { use: Use; move: number; low: number; high: number }>()
    /**
     * The values that turns hand on, by the instruction and the output that compute them: what they are before the
     * first turn.
     */
    const carried = new Map<string, { maker: number; output: number; value: number; offset: number }>()
    const keys: (string | undefined)[] = []
    for (const [x, site] of sites.entries()) {
      const at = start + site.instr
      const operand = this.#instrs[at].inputs[site.input]
      const code = codes[x]
      if (isReading(operand)) {
        if (readings !== undefined && readings !== code) return undefined
        readings = code
      }
      const use = this.#use(at, site.input)
      if (use === undefined) continue
      if (code !== made) {
        if (this.#distance(start, use.value) <= 0) return undefined
        const { sizes, strides, offset } = use
        const none = numelOf(sizes) === 0
        const low = none ? offset : lowestOf(sizes, strides, offset)
        const high = none ? offset : highestOf(sizes, strides, offset) + 1
        keys[x] = `window ${use.value} ${code}`
        const window = windows.get(keys[x])
        if (window === undefined) windows.set(keys[x], { use, move: code, low, high })
        else {
          window.low = Math.min(window.low, low)
          window.high = Math.max(window.high, high)
        }
        continue
      }
      const later = this.#use(at + period, site.input) as Use
      if (!this.#isCarried(at + period, site)) {
        if (this.#distance(at, use.value) > site.instr) return undefined
        continue
      }
      const [maker, output] = [this.#maker[later.value] - start, this.#output[later.value]]
      keys[x] = `made ${maker} ${output}`
      const first = { maker, output, value: use.value, offset: use.offset - later.offset }
      const { sizes } = this.#values[later.value]
      const known = carried.get(keys[x])
      if (known !== undefined && (known.value !== first.value || known.offset !== first.offset)) return undefined
      if (first.offset < 0 || first.offset + numelOf(sizes) > numelOf(this.#values[first.value].sizes)) return undefined
      if (this.#distance(start, use.value) <= 0) return undefined
      carried.set(keys[x], first)
    }
    return () => this.#repetition(start, period, end, windows, carried, keys, readings ?? 0)
  }

  #repetition(
    start: number,
    period: number,
    end: number,
    windows: ReadonlyMap<string, { use: Use; move: number; low: number; high: number }>,
    carried: ReadonlyMap<string, { maker: number; output: number; value: number; offset: number }>,
    keys: readonly (string | undefined)[],
    readings: number,
  ): ProgramInstr[] {
    const times = (end - start) / period
    const values: Spec[] = []
    const given = new Map<number, { from: 'operand'; operand: number }>()
    const inputs: Use[] = []
    const moves: number[] = []
    /** Operands of the body by key, and where they begin in the values around it. */
    const operands = new Map<string, { readonly value: number; readonly offset: number }>()
    const operand = (key: string, spec: Spec, input: Use, move: number, offset: number): void => {
      const value = values.push(spec) - 1
      given.set(value, { from: 'operand', operand: inputs.push(input) - 1 })
      moves.push(move)
      operands.set(key, { value, offset })
    }
    for (const [key, { use, move, low, high }] of windows) {
      const { dtype, value } = use
      const sizes = [high - low]
      operand(key, { sizes, dtype }, { value, dtype, sizes, strides: [1], offset: low }, move, low)
    }
    for (const [key, { maker, output, value, offset }] of carried) {
      const spec = this.#values[this.#instrs[start + maker].outputs[output]]
      operand(key, spec, { ...whole(value, spec), offset }, 0, 0)
    }
    /** By the value that the first turn computes. */
    const inside = new Map<number, number>()
    const instrs: ProgramInstr[] = []
    let x = 0
    for (let i = 0; i < period; i++) {
      const instr = this.#instrs[start + i]
      const read = instr.inputs.map((y, input) => {
        const key = keys[x++]
        if (!isUse(y)) return y
        if (key === undefined) return { ...y, value: inside.get(y.value) as number }
        const { value, offset } = operands.get(key) as { value: number; offset: number }
        // As the later turns read it, because the first may find it elsewhere.
        const use = carried.has(key)
          ? (this.#use(start + period + i, input) as Use)
          : (this.#use(start + i, input) as Use)
        return { ...use, value, offset: use.offset - offset }
      })
      const outputs = instr.outputs.map((value) => {
        inside.set(value, values.push(this.#values[value]) - 1)
        return inside.get(value) as number
      })
      instrs.push({ ...instr, inputs: read, outputs } as ProgramInstr)
    }
    return this.#around(start, period, end, {
      values,
      given,
      instrs,
      inputs,
      moves,
      operands,
      carried,
      readings,
      times,
    })
  }

  /**
   * Turns values that are read after the loop into its outputs: values handed on, and results of the last turn or of
   * all turns.
   */
  #around(
    start: number,
    period: number,
    end: number,
    body: {
      values: Spec[]
      given: Program['given']
      instrs: ProgramInstr[]
      inputs: Use[]
      moves: number[]
      operands: ReadonlyMap<string, { readonly value: number }>
      carried: ReadonlyMap<string, { maker: number; output: number }>
      readings: number
      times: number
    },
  ): ProgramInstr[] {
    const { values, given, instrs, inputs, moves, operands, carried, readings, times } = body
    const kept: { first: number; last: number }[] = []
    const handed = new Map<number, number>()
    const outputs: number[] = []
    const results: Use[] = []
    const steps: number[] = []
    const copied: ProgramInstr[] = []
    const added: ProgramInstr[] = []
    const stacks: number[] = []
    const name = (spec: Spec): number => this.#values.push(spec) - 1
    const keep = (key: string, last: number): void => {
      kept.push({ first: (operands.get(key) as { value: number }).value, last })
    }
    for (const [key, { maker, output }] of carried) {
      const value = instrs[maker].outputs[output]
      handed.set(value, outputs.push(name(values[value])) - 1)
      keep(key, value)
    }
    for (let i = 0; i < period; i++) {
      this.#instrs[start + i].outputs.forEach((_, k) => {
        const needed: number[] = []
        for (let turn = 0; turn < times; turn++) {
          const value = this.#instrs[start + turn * period + i].outputs[k]
          const read = (this.#readers[value] ?? []).some((at) => at < start || at >= end)
          if (read || this.#leaving.has(value)) needed.push(turn)
        }
        if (needed.length === 0) return
        const value = instrs[i].outputs[k]
        const spec = values[value]
        const lastOnly = needed.length === 1 && needed[0] === times - 1
        const known = handed.get(value)
        const last = this.#instrs[end - period + i].outputs[k]
        if (lastOnly && known !== undefined) {
          this.#moved.set(last, { value: outputs[known], offset: 0 })
          return
        }
        if (known !== undefined) {
          const copy = values.push(spec) - 1
          added.push(copyOf(whole(value, spec), copy))
          kept[known] = { ...kept[known], last: copy }
        }
        const size = numelOf(spec.sizes)
        const made = name(lastOnly ? spec : { sizes: [times, ...spec.sizes], dtype: spec.dtype })
        results.push(whole(value, spec))
        steps.push(lastOnly ? 0 : size)
        stacks.push(made)
        for (const turn of needed) {
          const value = this.#instrs[start + turn * period + i].outputs[k]
          const offset = lastOnly ? 0 : turn * size
          // A value that leaves the program has memory of its own.
          if (this.#leaving.has(value) && !lastOnly) {
            copied.push(copyOf({ ...whole(made, spec), offset }, value))
          } else this.#moved.set(value, { value: made, offset })
        }
      })
    }
    const repeat: RepeatInstr = {
      kind: 'repeat',
      attrs: {
        times,
        body: { values, given, host: [], instrs: [...instrs, ...added], kept, results },
        moves,
        steps,
        readings,
      },
      inputs,
      outputs: [...outputs, ...stacks],
      origin: { name: [...new Set(instrs.map(({ origin }) => origin.name))].join('+') },
    }
    return [repeat, ...copied]
  }
}

const gain = ({ from, to, period }: Stretch): number => to - from - period

const same = (a: Float64Array, b: Float64Array): boolean => a.every((x, i) => x === b[i])

/** Turns loops that the step wrote out into repetitions. */
export const repeats = (program: Program): Program => new Finder(program).run()
