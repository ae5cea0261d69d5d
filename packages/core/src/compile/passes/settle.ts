// The last pass: gives memory to values that outlive the step. A parameter's new value is computed in the memory of the
// old one, after all readers of the old one and when no instruction can fail any more, so that a run that fails has
// changed nothing. If the new value is needed earlier, it is computed elsewhere and copied.
import type { Spec } from '../../backend/backend.ts'
import type { Program, ProgramInstr } from '../../backend/program.ts'
import { copyOf, wholeUse } from './graph.ts'
import { failsLate, mayFail, mayOverwrite, usesOf } from '../alias.ts'

/** A marker among the instructions: behind it none can fail. */
const commit = null

/** Instructions with their ordering constraints: readers after makers, and those that `replaces` and `last` add. */
class Order {
  readonly instrs: (ProgramInstr | typeof commit)[] = []
  readonly #values: Spec[]
  readonly #maker = new Map<number, number>()
  readonly #readers = new Map<number, number[]>()
  readonly #after: number[][] = []
  readonly #failing = new Set<number>()
  /** The position of `commit`, once it exists. */
  #commit = -1

  constructor(values: Spec[]) {
    this.#values = values
  }

  add(instr: ProgramInstr): void {
    const at = this.#push(instr)
    if (mayFail(instr)) this.#failing.add(at)
    for (const value of instr.outputs) this.#maker.set(value, at)
    for (const value of new Set(usesOf(instr).map((use) => use.value))) {
      const readers = this.#readers.get(value)
      if (readers === undefined) this.#readers.set(value, [at])
      else readers.push(at)
    }
  }

  #push(instr: ProgramInstr | typeof commit): number {
    this.#after.push([])
    return this.instrs.push(instr) - 1
  }

  /** Called when all instructions that may fail are known, to add their constraints. */
  complete(): void {
    if (this.#failing.size === 0) return
    this.#commit = this.#push(commit)
    for (const at of this.#failing) this.#after[at].push(this.#commit)
  }

  /** Adds an instruction that copies a value; returns the new value. */
  copy(value: number): number {
    const spec = this.#values[value]
    const made = this.#values.push(spec) - 1
    this.add(copyOf(wholeUse(value, spec), made))
    return made
  }

  isMade(value: number): boolean {
    return this.#maker.has(value)
  }

  #following(at: number): readonly number[] {
    const outputs = this.instrs[at]?.outputs ?? []
    return [...outputs.flatMap((value) => this.#readers.get(value) ?? []), ...this.#after[at]]
  }

  #reaches(from: number, targets: ReadonlySet<number>): boolean {
    const seen = new Set([from])
    for (const at of seen) {
      for (const next of this.#following(at)) {
        if (targets.has(next)) return true
        seen.add(next)
      }
    }
    return false
  }

  /**
   * Lets `last` be made in the memory of `first`, after all readers of `first` and all instructions that can fail.
   * Returns false, and changes nothing, if that is impossible.
   */
  replaces(first: number, last: number): boolean {
    const at = this.#maker.get(last) as number
    const before = new Set(this.#readers.get(first))
    const instr = this.instrs[at] as ProgramInstr
    if (failsLate(instr)) return false
    if (before.delete(at) && !mayOverwrite({ values: this.#values }, instr, instr.outputs.indexOf(last), first))
      return false
    for (const x of this.#uncertain(at)) before.add(x)
    if (!this.#wait(at, before)) return false
    if (instr.kind !== 'map' && instr.kind !== 'repeat') this.#waitBefore(first, instr)
    return true
  }

  /** Lets a value be made when nothing can fail any more, if that is possible. */
  last(value: number): void {
    const at = this.#maker.get(value)
    if (at !== undefined) this.#wait(at, this.#uncertain(at))
  }

  /** The instructions to wait for until nothing else can fail; one that may fail itself checks before it writes. */
  #uncertain(at: number): ReadonlySet<number> {
    if (this.#failing.has(at)) return new Set([...this.#failing].filter((x) => x !== at))
    return new Set(this.#commit < 0 ? [] : [this.#commit])
  }

  /** Orders an instruction after others; returns false, and changes nothing, if one of them must come after it. */
  #wait(at: number, before: ReadonlySet<number>): boolean {
    if (before.size > 0 && this.#reaches(at, before)) return false
    for (const x of before) this.#after[x].push(at)
    return true
  }

  /** Consecutive writes of rows go into one memory, so the earlier ones wait like the last. */
  #waitBefore(first: number, instr: ProgramInstr): void {
    const [base] = usesOf(instr)
    const at = base === undefined || base.value === first ? undefined : this.#maker.get(base.value)
    const before = at === undefined ? commit : this.instrs[at]
    if (at === undefined || before === commit || before.kind === 'map') return
    this.#wait(at, this.#uncertain(at))
    this.#waitBefore(first, before)
  }

  /** The original order, except that an instruction that must wait comes right after those it waits for. */
  sorted(): ProgramInstr[] {
    const open = new Int32Array(this.instrs.length)
    const following = this.instrs.map((_, at) => this.#following(at))
    for (const next of following) for (const at of next) open[at]++
    const sorted: ProgramInstr[] = []
    for (let turn = 0; turn < this.instrs.length; turn++) {
      // Instructions whose turn has passed, and those that only waited for them.
      const ready = open[turn] === 0 ? [turn] : []
      for (let at = ready.pop(); at !== undefined; at = ready.pop()) {
        const instr = this.instrs[at]
        if (instr !== commit) sorted.push(instr)
        open[at] = -1
        const after = following[at]
        for (let i = after.length - 1; i >= 0; i--) {
          const next = after[i]
          if (--open[next] === 0 && (next < turn || next === this.#commit)) ready.push(next)
        }
      }
    }
    return sorted
  }
}

/**
 * The two values of a kept pair, `first` and `last`, share memory, so `last` must be made after all reads of `first`. A
 * pair gets this order if it creates no cycle. Otherwise a copy of `last` replaces it: no instruction reads that copy,
 * so it can come after any reader of `first`. All operands of copies are made by instructions, never the `first` of
 * another pair, so copies do not wait for each other. Therefore exchanging two parameters takes one extra value and one
 * copy.
 */
export function settle(program: Program): Program {
  const values = [...program.values]
  const order = new Order(values)

  // Overwritten values, and data that is the same or gone at the next run, leave the step as copies.
  const overwritten = new Set(program.kept.map(({ first }) => first))
  const lasts = new Set(program.kept.map(({ last }) => last))
  const leaving = new Map<number, number>()
  for (const { value } of program.results) {
    const from = program.given.get(value)?.from
    const lasting = from !== 'constant' && from !== 'draw' && !overwritten.has(value)
    if (!lasting && !lasts.has(value) && !leaving.has(value)) leaving.set(value, order.copy(value))
  }
  for (const instr of program.instrs) order.add(instr)
  order.complete()

  const taken = new Set<number>()
  const made = program.kept.map(({ first, last }) => {
    const own = order.isMade(last) && !taken.has(last) ? last : order.copy(last)
    taken.add(own)
    return { first, last: own }
  })
  const kept = made.map(({ first, last }) => {
    if (order.replaces(first, last)) return { first, last }
    const copy = order.copy(last)
    order.replaces(first, copy)
    return { first, last: copy }
  })
  // A result that is such a value is a view of that memory.
  program.kept.forEach(({ last }, i) => {
    if (!leaving.has(last)) leaving.set(last, kept[i].last)
  })
  const results = program.results.map((use) => ({ ...use, value: leaving.get(use.value) ?? use.value }))
  for (const { value } of results) order.last(value)
  return { ...program, values, instrs: order.sorted(), kept, results }
}
