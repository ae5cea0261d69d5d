// Finds the loops that a step unrolled: consecutive iterations of equal instructions, each of which reads results of
// the previous one, values that all of them read, or the next elements of one value. Each loop becomes one repetition
// with an iteration as its body, so the passes, the plan and the backend handle the iteration once.
import { isReading, isUse, type Program, type ProgramInstr } from '../../backend/program.ts'
import { isMap, isReducing } from './graph.ts'
import { Line } from './line.ts'
import { type Stretch, stretches } from './periods.ts'
import { numberKey } from './rewrite.ts'
import { type Codes, type Loop, made, odd, repetition, type Site } from './rolled.ts'

/** Loops of fewer iterations, or of fewer instructions in total, stay unrolled. */
const fewestTurns = 4
const fewestInstrs = 48

/**
 * Iterations that consist only of elementwise maps are combined until a body has about this many instructions: unrolled
 * they fuse into one kernel, and so do those of a body.
 */
const mapsTogether = 64

/**
 * A number for each instruction; equal for instructions that differ only in the values they read and the positions in
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
    // What JavaScript computes runs between calls of a backend, not inside of one that runs a whole loop.
    let key = `${kind} ${idOf(kind === 'host' ? {} : attrs)}`
    // An error function of its own may mention the tensors of its iteration.
    if (check !== undefined) key += ` ${idOf(check.expr)} ${idOf(check.error)}`
    for (const x of inputs) {
      if (isUse(x)) key += `|${x.dtype} ${x.sizes} ${x.strides}`
      else key += isReading(x) ? `|reading ${x.dtype}` : `|${numberKey(x.value)} ${x.dtype}`
    }
    for (const value of outputs) key += `;${values[value].dtype} ${values[value].sizes}`
    return idOf(key)
  })
}

const savedBy = ({ from, to, period }: Stretch): number => to - from - period

const same = (a: Codes, b: Codes): boolean => a.every((x, i) => x === b[i])

class Finder {
  readonly #line: Line
  readonly out: ProgramInstr[] = []

  constructor(line: Line) {
    this.#line = line
  }

  /** Writes a part of the program; the stretch that saves most instructions comes first. */
  visit(from: number, to: number, found: readonly Stretch[]): void {
    let best: Stretch | undefined
    const within: Stretch[] = []
    for (const stretch of found) {
      const period = this.#period(stretch)
      const cut = { from: Math.max(from, stretch.from), to: Math.min(to, stretch.to), period }
      if (cut.to - cut.from < Math.max(fewestTurns * period, fewestInstrs)) continue
      within.push(stretch)
      if (best === undefined || savedBy(cut) > savedBy(best)) best = cut
    }
    if (best === undefined) {
      for (let at = from; at < to; at++) this.out.push(this.#line.instr(at))
      return
    }
    const { from: start, to: end, period } = best
    this.visit(from, start, within)
    const rest = within.filter((x) => this.#period(x) !== period || x.from > start || x.to < end)
    const done = this.#loops(best, rest)
    this.visit(done, to, rest)
  }

  /** The number of instructions in an iteration; several periods of elementwise maps are one iteration. */
  #period({ from, period }: Stretch): number {
    for (let at = from; at < from + period; at++) {
      const instr = this.#line.instrs[at]
      if (!isMap(instr) || isReducing(instr) || instr.check !== undefined) return period
    }
    return period * Math.ceil(mapsTogether / period)
  }

  /** Writes the loops of a stretch and the instructions between them; returns where the last loop ends. */
  #loops({ from, to, period }: Stretch, rest: readonly Stretch[]): number {
    const turns = Math.floor((to - from) / period)
    const sites = this.#sites(from, period)
    const codesOf = (turn: number): Codes => this.#codes(from + turn * period, period, sites)
    let done = from
    let codes: Codes | undefined
    for (let turn = 1; turn < turns; ) {
      const before = codes
      codes = codesOf(turn)
      let end = turn + 1
      if (!codes.includes(odd)) while (end < turns && same(codes, codesOf(end))) end++
      // The very first iteration may get the values handed on from elsewhere.
      const extended = before !== undefined && this.#precedes(before, codes, from + turn * period, sites)
      const first = extended ? turn - 2 : turn - 1
      for (const begin of [first, first + 1]) {
        const start = from + begin * period
        if (start < done || end - begin < fewestTurns) continue
        const loop: Loop = { start, period, times: end - begin, sites, codes }
        const instrs = repetition(this.#line, loop)
        if (instrs === undefined) continue
        this.visit(done, start, rest)
        this.out.push(...instrs())
        done = from + end * period
        break
      }
      turn = end
    }
    return done
  }

  /** All operands of an iteration. */
  #sites(from: number, period: number): Site[] {
    const sites: Site[] = []
    for (let instr = 0; instr < period; instr++)
      this.#line.instrs[from + instr].inputs.forEach((_, input) => void sites.push({ instr, input }))
    return sites
  }

  /** How each operand of the iteration at `start` relates to that of the previous iteration. */
  #codes(start: number, period: number, sites: readonly Site[]): Codes {
    const line = this.#line
    return Float64Array.from(sites, ({ instr, input }) => {
      const at = start + instr
      const [now, then] = [line.instrs[at].inputs[input], line.instrs[at - period].inputs[input]]
      if (isReading(now) && isReading(then)) return now.reading - then.reading
      const [a, b] = [line.use(at - period, input), line.use(at, input)]
      if (a === undefined || b === undefined) return 0
      if (a.value === b.value) return b.offset - a.offset
      const distance = line.distance(at, b.value)
      const alike = distance === line.distance(at - period, a.value) && a.offset === b.offset
      return alike && distance <= instr + period && line.output(a.value) === line.output(b.value) ? made : odd
    })
  }

  /**
   * Whether the previous iteration can begin a loop that continues at `start`: they differ only in the values handed
   * on.
   */
  #precedes(before: Codes, codes: Codes, start: number, sites: readonly Site[]): boolean {
    const handed = ({ instr, input }: Site): boolean => {
      const use = this.#line.use(start + instr, input)
      return use !== undefined && this.#line.distance(start + instr, use.value) > instr
    }
    return codes.every((code, x) => code === before[x] || (code === made && handed(sites[x])))
  }
}

/** Replaces unrolled loops by repetitions. */
export function repeats(program: Program): Program {
  const found = stretches(tokensOf(program), fewestTurns)
  if (found.length === 0) return program
  const line = new Line(program)
  const finder = new Finder(line)
  finder.visit(0, program.instrs.length, found)
  const named = (value: number): number => line.moved.get(value)?.value ?? value
  return {
    ...program,
    values: line.values,
    instrs: finder.out,
    kept: program.kept.map(({ first, last }) => ({ first, last: named(last) })),
    results: program.results.map((use) => ({ ...use, value: named(use.value) })),
  }
}
