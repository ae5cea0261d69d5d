// Source of the loops of a map. One emitter serves the kernels of eager operations, whose sizes are read at run time,
// and compiled programs, whose sizes are literals; the two open their operands differently. Each element of a reduced
// output is one chain from the identity over the reduced indices in row-major order, whatever the loops look like.
import { emitJs, identityOf, inputsOf, type MapOut, type ReduceFn, s, topological } from '@flambeau/core/backend'
import { isCall } from './blocks.ts'
import { type Count, isNumber, sum, times } from './indices.ts'
import { combineSource, finishSource, unrolled } from './reduction.ts'

/** An operand in memory: the element at `start` plus index times step of every loop. */
export interface Strided {
  /** Undefined for an operand whose elements are their own positions. */
  readonly array?: string
  readonly start: string
  readonly steps: readonly Count[]
}

/** Loops, outermost first, and the operands they run over. */
export interface Nest {
  readonly sizes: readonly Count[]
  /** By position: elements, or the source of a number. */
  readonly inputs: readonly (Strided | string)[]
  /** The steps of a reduced output are 0 in the loops it is reduced over. */
  readonly outs: readonly Strided[]
  readonly memory: NestMemory
  /**
   * The name of the memory of an operand as int32, of inputs first, then of outputs; of the bits of a number. Undefined if
   * there is none.
   */
  readonly words?: (operand: number) => string | undefined
  /** Whether the innermost loop has at least `manyTurns` turns, if its size is not known. */
  readonly isLong?: boolean
  /** Whether all operands have one index, so that the registers are enough for more elements in a turn. */
  readonly isShared?: boolean
  /** Statements at the head of the outermost loop’s body, given its index. */
  readonly before?: (index: string) => readonly string[]
}

/** Scratch memory of the loops. */
export interface NestMemory {
  /** The name of an array of at least that many doubles. */
  scratch(length: Count): string
}

/** The most and the fewest rows that are added to sums in memory at once. */
const mostRows = 16
const fewestRows = 4
/** The elements in a turn of a loop with one index. */
const mostInTurn = 8
/** Text is repeated while it has at most this many expression steps. */
const mostSteps = 160
/** A long innermost loop takes several elements in a turn if its expressions have at most this many steps. */
const lightest = 8
/** A loop of at least this many turns is long. */
export const manyTurns = 256

/** How an output is reduced. */
interface Reduction {
  readonly fn: ReduceFn
  /** The outermost loop it is reduced over; the depth if there is none. */
  readonly outermost: number
  /** The loop at which its registers are declared. */
  readonly opens: number
  /** The accumulators, if there are more than registers can hold. */
  readonly memory?: Strided
  /** Whether the extreme of the innermost loop's elements is found without branches. */
  readonly few: boolean
}

/** One of the copies of the innermost statements. */
interface Lane {
  /** Tells the names of the copies apart. */
  readonly id: string
  /** The index in the unrolled loop. */
  readonly index: number
  /** The index of each operand, without its constant part, which is in `known`. */
  readonly at: readonly string[]
  readonly known: readonly number[]
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
  /** Inputs, outputs and accumulators: the operands that move in the loops. */
  readonly #operands: readonly (Strided | undefined)[]
  /** Whether the innermost loop is unrolled. */
  readonly #unrolls: boolean
  /** The loop that takes several rows or elements at once, or -1, and how many. */
  readonly #jammed: number
  /**
   * Whether that is the innermost loop. All elements of a turn are loaded before the first is used, so that each has a
   * register of its own: a conversion to double waits for the last use of its register.
   */
  readonly #inTurn: boolean
  /** Whether elements are stored one by one, because there are too many of them to be all in registers. */
  readonly #storesAtOnce: boolean
  readonly #rows: number

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
    const isLong = typeof last === 'number' ? last >= manyTurns : last !== undefined && nest.isLong === true
    this.#inTurn = isLong && weight <= lightest && !topological(exprs).some(isCall) && this.#fitsRegisters()
    this.#storesAtOnce = nest.isShared === true && outs.every(({ reduce }) => reduce === undefined)
    const jammed = this.#inTurn ? depth - 1 : this.#rowLoop()
    const n = nest.sizes[jammed]
    let rows = this.#inTurn ? (nest.isShared ? mostInTurn : fewestRows) : mostRows
    while (rows * weight * (this.#unrolls ? (last as number) : 1) > mostSteps) rows /= 2
    this.#jammed = rows < fewestRows ? -1 : jammed
    this.#rows = typeof n === 'number' ? Math.min(n, rows) : rows
  }

  #reduction(k: number): Reduction | undefined {
    const fn = this.#outs[k].reduce?.fn
    if (fn === undefined) return undefined
    const { steps } = this.#nest.outs[k]
    const depth = this.#depth
    const first = steps.indexOf(0)
    const outermost = first < 0 ? depth : first
    const inside = steps.map((step, l) => (l > outermost ? step : 0))
    const few =
      this.#unrolls &&
      steps[depth - 1] === 0 &&
      this.#outs[k].expr.dtype === 'float32' &&
      (fn === 'max' || fn === 'min')
    if (inside.every((step, l) => step === 0 || (this.#unrolls && l === depth - 1)))
      return { fn, outermost, opens: outermost, few }
    let opens = depth
    while (steps[opens - 1] === 0) opens--
    return {
      fn,
      outermost,
      opens,
      memory: { array: this.#nest.memory.scratch(this.#span(inside)), start: '0', steps: inside },
      few,
    }
  }

  /** The number of elements from the first to the last that the steps reach. */
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

  /** Whether no reduced element changes in memory in the innermost loop. */
  #fitsRegisters(): boolean {
    const last = this.#depth - 1
    return this.#reductions.every((x, k) => {
      if (x === undefined) return true
      return x.memory === undefined && this.#nest.outs[k].steps[last] === 0
    })
  }

  /** The single loop that all reduced outputs are reduced over, if their sums are in memory. */
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
    const at = this.#operands.map((x) => x?.start ?? '')
    return this.#level(0, [{ id: '', index: 0, at, known: at.map(() => 0) }])
  }

  // ---- lanes ----

  #element(lane: Lane, row: number, array = this.#operands[row]?.array): string {
    const at = sum(lane.at[row], String(lane.known[row]))
    return array === undefined ? at : `${array}[${at}]`
  }

  /** The bits of an input's element, or of a number. */
  #bitsOf(lane: Lane, i: number): string | undefined {
    const words = this.#nest.words?.(i)
    if (words === undefined || typeof this.#nest.inputs[i] === 'string') return words
    return this.#element(lane, this.#used.indexOf(i), words)
  }

  #outAt(lane: Lane, k: number, inBits = false): string {
    const words = inBits ? this.#nest.words?.(this.#nest.inputs.length + k) : undefined
    return this.#element(lane, this.#views.length + k, words)
  }

  #memoryAt(lane: Lane, k: number): string {
    return this.#element(lane, this.#views.length + this.#outs.length + k)
  }

  /** Where the operands of a lane are at an index of loop l. */
  #moved(lane: Lane, l: number, index: string): Pick<Lane, 'at' | 'known'> {
    const moves = this.#operands.map((x) => (x === undefined ? '0' : times(index, x.steps[l])))
    return {
      at: lane.at.map((at, row) => (isNumber(moves[row]) ? at : sum(at, moves[row]))),
      known: lane.known.map((known, row) => (isNumber(moves[row]) ? known + Number(moves[row]) : known)),
    }
  }

  /** One lane per index of the unrolled loop. */
  #spread(lanes: readonly Lane[]): Lane[] {
    const l = this.#depth - 1
    const n = this.#nest.sizes[l] as number
    return lanes.flatMap((lane) =>
      Array.from({ length: n }, (_, j) => ({ id: lane.id, index: j, ...this.#moved(lane, l, String(j)) })),
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
    const isShared = this.#jammed < 0 || l < this.#jammed || (l === this.#depth - 1 && !this.#inTurn)
    const id = isShared ? '' : lane.id
    return `x${this.#used[row]}${id}`
  }

  /** Loads of the inputs that do not change in the loops from l on. */
  #loads(l: number, lane: Lane, read?: ReadonlySet<number>): string[] {
    return this.#views.flatMap((_, row) =>
      this.#lastMove(row) === l - 1 && read?.has(row) !== false
        ? [`const ${this.#inputName(row, lane)} = ${this.#element(lane, row)}`]
        : [],
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
        for (const [name, lane] of this.#registers(k, lanes, l)) {
          const { lines: last, result } = finishSource(this.#outs[k], name)
          lines.push(
            ...(x.memory === undefined
              ? [...last, `${this.#outAt(lane, k)} = ${result}`]
              : [`${this.#memoryAt(lane, k)} = ${name}`]),
          )
        }
      }
      if (x.memory !== undefined && x.outermost === l) lines.push(...this.#rounded(k, x.memory, lanes[0]))
      return lines
    })
  }

  /** Copies the accumulators to the output, rounded. */
  #rounded(k: number, memory: Strided, lane: Lane): string[] {
    let to = lane.at[this.#views.length + k]
    let from = memory.start
    const loops: string[] = []
    memory.steps.forEach((step, l) => {
      if (step === 0) return
      loops.push(`for (let j${l} = 0; j${l} < ${this.#nest.sizes[l]}; j${l}++) {`)
      to = sum(to, times(`j${l}`, step))
      from = sum(from, times(`j${l}`, step))
    })
    const { lines, result } = finishSource(this.#outs[k], 'done')
    return [
      ...loops,
      `const done = ${memory.array}[${from}]`,
      ...lines,
      `${this.#nest.outs[k].array}[${to}] = ${result}`,
      ...loops.map(() => '}'),
    ]
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
    if (l !== this.#jammed) return this.#loop(l, lanes, `for (let ${i} = 0; ${i} < ${n}; ${i}++)`, 1)
    const rows = this.#rows
    const end = typeof n === 'number' ? n - rows : `${n} - ${rows}`
    if (this.#inTurn) {
      // The rest comes first: V8 has seen nothing behind a loop that it optimises while the loop runs.
      const rest = typeof n === 'number' ? n % rows : `${n} % ${rows}`
      return [
        '{',
        `let ${i} = 0`,
        ...(rest === 0 ? [] : this.#loop(l, lanes, `for (; ${i} < ${rest}; ${i}++)`, 1)),
        ...this.#loop(l, lanes, `for (; ${i} < ${n}; ${i} += ${rows})`, rows),
        '}',
      ]
    }
    return [
      `let ${i} = 0`,
      ...this.#loop(l, lanes, `for (; ${i} <= ${end}; ${i} += ${rows})`, rows),
      ...(typeof n === 'number' && n % rows === 0 ? [] : this.#loop(l, lanes, `for (; ${i} < ${n}; ${i}++)`, 1)),
    ]
  }

  /** One loop. Its body has a lane per row. */
  #loop(l: number, lanes: readonly Lane[], head: string, rows: number): string[] {
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
    const moved = (lane: Lane, index: string): Lane => {
      const { at, known } = this.#moved(lane, l, index)
      return { ...lane, at: at.map(named), known }
    }
    const inside = lanes.flatMap((lane) => {
      const first = moved(lane, `i${l}`)
      if (rows === 1) return [first]
      return Array.from({ length: rows }, (_, u) => ({ ...moved(first, String(u)), id: `_${u}` }))
    })
    const before = l === 0 ? (this.#nest.before?.('i0') ?? []) : []
    return [`${head} {`, ...before, ...positions, ...this.#level(l + 1, inside), '}']
  }

  #innermost(lanes: readonly Lane[]): string[] {
    const exprs = this.#outs.map((out) => out.expr)
    const blocks = lanes.map((lane) => {
      const read = new Set<number>()
      const { lines, results, inBits } = emitJs(
        exprs,
        (i) => {
          const x = this.#nest.inputs[i]
          if (typeof x === 'string') return x
          const row = this.#used.indexOf(i)
          read.add(row)
          return this.#inputName(row, lane)
        },
        `t${this.#inTurn ? lane.id : ''}`,
        {
          input: (i) => this.#bitsOf(lane, i),
          takes: (k) => this.#reductions[k] === undefined && this.#nest.words !== undefined,
        },
      )
      const ends = this.#outs.map((_, k) => {
        const x = this.#reductions[k]
        if (x === undefined) return `${this.#outAt(lane, k, inBits[k])} = ${results[k]}`
        if (x.few) return `e${k}_${lane.index} = ${results[k]}`
        return this.#combined(k, lane, results[k])
      })
      return { lines: [...this.#loads(this.#depth, lane, read), ...lines], ends }
    })
    if (this.#inTurn && !this.#storesAtOnce)
      return [...blocks.flatMap(({ lines }) => lines), ...blocks.flatMap(({ ends }) => ends)]
    if (this.#inTurn) return blocks.flatMap(({ lines, ends }) => [...lines, ...ends])
    if (blocks.length === 1) return [...blocks[0].lines, ...blocks[0].ends]
    const few = this.#reductions.flatMap((x, k) => (x?.few ? [k] : []))
    return [
      ...few.map((k) => `let ${lanes.map(({ index }) => `e${k}_${index}`).join(', ')}`),
      ...blocks.flatMap(({ lines, ends }) => ['{', ...lines, ...ends, '}']),
      ...few.flatMap((k) => this.#extreme(k, lanes)),
    ]
  }

  #combined(k: number, lane: Lane, value: string): string {
    const { fn } = this.#reductions[k] as Reduction
    const name = this.#register(k, lane)
    return `${name} = ${combineSource(fn, this.#outs[k].expr, name, value)}`
  }

  /** Adds the extreme of a few elements to the register. */
  #extreme(k: number, lanes: readonly Lane[]): string[] {
    const { fn, outermost } = this.#reductions[k] as Reduction
    const chain = lanes.map((_, j) => s.input(j, 'float32')).reduce((a, b) => s[fn as 'max' | 'min'](a, b))
    const { lines, results } = emitJs([chain], (j) => `e${k}_${lanes[j].index}`, `e${k}t`)
    const joined =
      outermost === this.#depth - 1
        ? `${this.#register(k, lanes[0])} = ${results[0]}`
        : this.#combined(k, lanes[0], results[0])
    return ['{', ...lines, joined, '}']
  }
}

/** Lines of source, indented by the depth of their braces. */
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
