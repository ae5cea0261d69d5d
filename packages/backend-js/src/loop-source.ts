// Source of the loops of a map. One emitter serves the kernels of eager operations, whose sizes are read at run time, and
// compiled programs, whose sizes are literals; they differ in how operands are opened. A reduced output is one chain from
// the identity, over its reduced indices in row-major order, whatever the loops look like.
import { emitJs, inputsOf, type MapOut, type ReduceFn, topological } from '@flambeau/core/backend'
import { type Count, sum, times } from './index-source.ts'
import { combineSource, identityOf } from './reduction.ts'

/** An operand in memory: the element at `start` plus index times step of every loop. */
export interface Strided {
  readonly array: string
  readonly start: string
  readonly steps: readonly Count[]
}

/** Loops, outermost first, and what they run over. */
export interface Nest {
  readonly sizes: readonly Count[]
  /** By position: elements, or the source of a number. */
  readonly inputs: readonly (Strided | string)[]
  /** The steps of a reduced output are 0 in the loops that it is reduced over. */
  readonly outs: readonly Strided[]
  /** The name of an array of at least that many doubles. */
  scratch(length: Count): string
}

/** An innermost loop up to this size is written out. */
export const unrolled = 16
/** Rows that are added at once to sums in memory. */
const jam = 4
/** Text is repeated as long as it has at most this many steps of expressions. */
const mostSteps = 160

/** How an output is reduced. */
interface Reduction {
  readonly fn: ReduceFn
  /** The outermost loop that is reduced; the depth when there is none. */
  readonly outermost: number
  /** Where its registers begin to live. */
  readonly opens: number
  /** The accumulators, when they are more than registers. */
  readonly memory?: Strided
}

/** One of the copies of the innermost statements. */
interface Lane {
  /** Tells names apart. */
  readonly id: string
  /** The index in the loop that is written out. */
  readonly index: number
  /** Where each operand is. */
  readonly at: readonly string[]
}

/** The statements that compute the outputs of a map. */
export const emitNest = (outs: readonly MapOut[], nest: Nest): string[] => new NestSource(outs, nest).lines()

class NestSource {
  readonly #outs: readonly MapOut[]
  readonly #nest: Nest
  readonly #depth: number
  /** The positions of the inputs that are in memory. */
  readonly #used: readonly number[]
  readonly #views: readonly Strided[]
  readonly #reductions: readonly (Reduction | undefined)[]
  /** Inputs, outputs, accumulators: what moves in the loops. */
  readonly #operands: readonly (Strided | undefined)[]
  /** The innermost loop is written out. */
  readonly #unrolls: boolean
  /** The loop that takes several rows at once; -1: none. */
  readonly #jammed: number

  constructor(outs: readonly MapOut[], nest: Nest) {
    this.#outs = outs
    this.#nest = nest
    const depth = nest.sizes.length
    this.#depth = depth
    const exprs = outs.map((out) => out.expr)
    const weight = topological(exprs).length
    const last = nest.sizes[depth - 1]
    this.#unrolls = typeof last === 'number' && last <= unrolled && last * weight <= mostSteps
    this.#used = inputsOf(exprs).filter((i) => typeof nest.inputs[i] !== 'string')
    this.#views = this.#used.map((i) => nest.inputs[i] as Strided)
    this.#reductions = outs.map((_, k) => this.#reduction(k))
    this.#operands = [...this.#views, ...nest.outs, ...this.#reductions.map((x) => x?.memory)]
    this.#jammed = weight * jam <= mostSteps ? this.#rowLoop() : -1
  }

  #reduction(k: number): Reduction | undefined {
    const fn = this.#outs[k].reduce?.fn
    if (fn === undefined) return undefined
    const { steps } = this.#nest.outs[k]
    const depth = this.#depth
    const first = steps.indexOf(0)
    const outermost = first < 0 ? depth : first
    const inside = steps.map((step, l) => (l > outermost ? step : 0))
    if (inside.every((step, l) => step === 0 || (this.#unrolls && l === depth - 1)))
      return { fn, outermost, opens: outermost }
    let opens = depth
    while (steps[opens - 1] === 0) opens--
    return {
      fn,
      outermost,
      opens,
      memory: { array: this.#nest.scratch(this.#span(inside)), start: '0', steps: inside },
    }
  }

  /** Elements from the first to the last that steps reach. */
  #span(steps: readonly Count[]): Count {
    const { sizes } = this.#nest
    const reach = steps.flatMap((step, l) => (step === 0 ? [] : [`(${sizes[l]} - 1) * ${step}`]))
    const known = steps.every((step, l) => step === 0 || (typeof step === 'number' && typeof sizes[l] === 'number'))
    if (!known) return [1, ...reach].join(' + ')
    return steps.reduce<number>(
      (sum, step, l) => sum + (step === 0 ? 0 : ((sizes[l] as number) - 1) * (step as number)),
      1,
    )
  }

  /** The one loop that all reduced outputs are reduced over, when their sums are in memory. */
  #rowLoop(): number {
    const reduced = this.#reductions.filter((x) => x !== undefined)
    const [first] = reduced
    if (first === undefined) return -1
    const alike = this.#reductions.every(
      (x, k) =>
        x === undefined ||
        (x.memory !== undefined &&
          x.outermost === first.outermost &&
          this.#nest.outs[k].steps.lastIndexOf(0) === first.outermost),
    )
    return alike ? first.outermost : -1
  }

  lines(): string[] {
    return this.#level(0, [{ id: '', index: 0, at: this.#operands.map((x) => x?.start ?? '') }])
  }

  // ---- lanes ----

  #outAt(lane: Lane, k: number): string {
    return `${this.#nest.outs[k].array}[${lane.at[this.#views.length + k]}]`
  }

  #memoryAt(lane: Lane, k: number): string {
    const { memory } = this.#reductions[k] as Reduction
    return `${memory?.array}[${lane.at[this.#views.length + this.#outs.length + k]}]`
  }

  /** Where the operands of a lane are at an index of loop l. */
  #moved(lane: Lane, l: number, index: string): string[] {
    return this.#operands.map((x, row) => (x === undefined ? '' : sum(lane.at[row], times(index, x.steps[l]))))
  }

  /** A lane for every index of the loop that is written out. */
  #spread(lanes: readonly Lane[]): Lane[] {
    const l = this.#depth - 1
    const n = this.#nest.sizes[l] as number
    return lanes.flatMap((lane) =>
      Array.from({ length: n }, (_, j) => ({ id: lane.id, index: j, at: this.#moved(lane, l, String(j)) })),
    )
  }

  // ---- inputs ----

  /** The innermost loop in which an input moves. */
  #lastMove(row: number): number {
    const { steps } = this.#views[row]
    let l = steps.length - 1
    while (l >= 0 && steps[l] === 0) l--
    return l
  }

  #inputName(row: number, lane: Lane): string {
    const l = this.#lastMove(row)
    const id = l < this.#depth - 1 && this.#jammed >= 0 && l >= this.#jammed ? lane.id : ''
    return `x${this.#used[row]}${id}`
  }

  /** Loads of the inputs that stay as they are in the loops from l on. */
  #loads(l: number, lane: Lane): string[] {
    return this.#views.flatMap(({ array }, row) =>
      this.#lastMove(row) === l - 1 ? [`const ${this.#inputName(row, lane)} = ${array}[${lane.at[row]}]`] : [],
    )
  }

  // ---- reductions ----

  #register(k: number, lane: Lane): string {
    const moves = this.#unrolls && this.#nest.outs[k].steps[this.#depth - 1] !== 0
    return moves ? `r${k}_${lane.index}` : `r${k}`
  }

  /** The registers of an output, each with a lane that uses it. */
  #registers(k: number, lanes: readonly Lane[], l: number): Map<string, Lane> {
    const all = this.#unrolls && l < this.#depth ? this.#spread(lanes) : lanes
    return new Map(all.map((lane) => [this.#register(k, lane), lane]))
  }

  #begin(l: number, lanes: readonly Lane[]): string[] {
    return this.#reductions.flatMap((x, k) => {
      if (x === undefined) return []
      const { fn, outermost, opens, memory } = x
      const identity = identityOf(fn, this.#outs[k].expr.dtype)
      const lines: string[] = []
      if (memory !== undefined && outermost === l)
        lines.push(`${memory.array}.fill(${identity}, 0, ${this.#span(memory.steps)})`)
      if (opens !== l) return lines
      for (const [name, lane] of this.#registers(k, lanes, l))
        lines.push(`let ${name} = ${memory === undefined ? identity : this.#memoryAt(lane, k)}`)
      return lines
    })
  }

  #end(l: number, lanes: readonly Lane[]): string[] {
    return this.#reductions.flatMap((x, k) => {
      if (x === undefined) return []
      const lines: string[] = []
      if (x.opens === l) {
        for (const [name, lane] of this.#registers(k, lanes, l))
          lines.push(`${x.memory === undefined ? this.#outAt(lane, k) : this.#memoryAt(lane, k)} = ${name}`)
      }
      if (x.memory !== undefined && x.outermost === l) lines.push(this.#rounded(k, x.memory, lanes[0]))
      return lines
    })
  }

  /** From the accumulators to the output. */
  #rounded(k: number, memory: Strided, lane: Lane): string {
    let to = lane.at[this.#views.length + k]
    let from = memory.start
    let loops = ''
    memory.steps.forEach((step, l) => {
      if (step === 0) return
      loops += `for (let j${l} = 0; j${l} < ${this.#nest.sizes[l]}; j${l}++) `
      to = sum(to, times(`j${l}`, step))
      from = sum(from, times(`j${l}`, step))
    })
    return `${loops}${this.#nest.outs[k].array}[${to}] = ${memory.array}[${from}]`
  }

  // ---- loops ----

  #level(l: number, lanes: readonly Lane[]): string[] {
    const loads = l === this.#depth ? [] : lanes.flatMap((lane) => this.#loads(l, lane))
    const body = l === this.#depth ? this.#innermost(lanes) : this.#loops(l, lanes)
    return [...loads, ...this.#begin(l, lanes), ...body, ...this.#end(l, lanes)]
  }

  #loops(l: number, lanes: readonly Lane[]): string[] {
    const n = this.#nest.sizes[l]
    const i = `i${l}`
    if (this.#unrolls && l === this.#depth - 1) return this.#level(l + 1, this.#spread(lanes))
    if (l !== this.#jammed) return this.#loop(l, lanes, `for (let ${i} = 0; ${i} < ${n}; ${i}++)`, [i])
    const rows = Array.from({ length: jam }, (_, u) => (u === 0 ? i : `(${i} + ${u})`))
    const end = typeof n === 'number' ? n - jam : `${n} - ${jam}`
    return [
      `let ${i} = 0`,
      ...this.#loop(l, lanes, `for (; ${i} <= ${end}; ${i} += ${jam})`, rows),
      ...(typeof n === 'number' && n % jam === 0 ? [] : this.#loop(l, lanes, `for (; ${i} < ${n}; ${i}++)`, [i])),
    ]
  }

  /** One loop; its body has a lane for each of `indices`. */
  #loop(l: number, lanes: readonly Lane[], head: string, indices: readonly string[]): string[] {
    const names = new Map<string, string>()
    const positions: string[] = []
    const named = (code: string): string => {
      if (l === this.#depth - 1 || !code.includes(' ')) return code
      let name = names.get(code)
      if (name === undefined) {
        name = `p${l}_${names.size}`
        names.set(code, name)
        positions.push(`const ${name} = ${code}`)
      }
      return name
    }
    const inside = lanes.flatMap((lane) =>
      indices.map((index, u) => ({
        id: indices.length === 1 ? lane.id : `_${u}`,
        index: lane.index,
        at: this.#moved(lane, l, index).map(named),
      })),
    )
    return [`${head} {`, ...positions, ...this.#level(l + 1, inside), '}']
  }

  #innermost(lanes: readonly Lane[]): string[] {
    const exprs = this.#outs.map((out) => out.expr)
    const blocks = lanes.map((lane) => {
      const { lines, results } = emitJs(exprs, (i) => {
        const x = this.#nest.inputs[i]
        return typeof x === 'string' ? x : this.#inputName(this.#used.indexOf(i), lane)
      })
      const ends = this.#outs.map(({ expr }, k) => {
        const x = this.#reductions[k]
        const name = this.#register(k, lane)
        return x === undefined
          ? `${this.#outAt(lane, k)} = ${results[k]}`
          : `${name} = ${combineSource(x.fn, expr, name, results[k])}`
      })
      return [...this.#loads(this.#depth, lane), ...lines, ...ends]
    })
    return blocks.length === 1 ? blocks[0] : blocks.flatMap((lines) => ['{', ...lines, '}'])
  }
}

/** Lines of source with the depth of their braces as indentation. */
export function indented(lines: readonly string[]): string {
  let depth = 0
  return lines
    .map((line) => {
      if (line.startsWith('}')) depth--
      const text = '  '.repeat(depth) + line
      if (line.endsWith('{')) depth++
      return text
    })
    .join('\n')
}
