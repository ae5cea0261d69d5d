// The last pass: what outlives the step gets memory of its own. A parameter's new value is computed where the old one
// lies, as late as the old one's readers ask, and when nothing can end the run any more: a run that fails has changed
// nothing. Where the new value is needed before, it is computed elsewhere and copied.
import type { Spec } from '../../backend/backend.ts'
import type { Program, ProgramInstr, Use } from '../../backend/program.ts'
import { contiguousLayout } from '../../base/layout.ts'
import { copies } from '../../tensor/dispatch.ts'
import { mayFail, mayOverwrite, usesOf } from '../alias.ts'

const wholeUse = (value: number, { sizes, dtype }: Spec): Use => ({ value, dtype, ...contiguousLayout(sizes) })

/** Where nothing can end the run any more: a place among instructions, not one of them. */
const commit = null

/** Instructions with what has to come before what: readers after makers, and what `replaces` and `last` add. */
class Order {
  readonly instrs: (ProgramInstr | typeof commit)[] = []
  readonly #values: Spec[]
  readonly #maker = new Map<number, number>()
  readonly #readers = new Map<number, number[]>()
  readonly #after: number[][] = []
  readonly #failing = new Set<number>()
  /** The place of `commit`, once there is one. */
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

  /** All instructions that may fail are there: what they must come before can be said. */
  complete(): void {
    if (this.#failing.size === 0) return
    this.#commit = this.#push(commit)
    for (const at of this.#failing) this.#after[at].push(this.#commit)
  }

  /** Adds an instruction that copies a value; the new value. */
  copy(value: number): number {
    const spec = this.#values[value]
    const made = this.#values.push(spec) - 1
    const inputs = [wholeUse(value, spec)]
    this.add({ kind: 'map', attrs: copies[spec.dtype], inputs, outputs: [made], origin: { name: 'copy' } })
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
   * Lets `last` be made when all has read `first` and nothing else can fail, in its memory; false, and nothing changes,
   * where that cannot be.
   */
  replaces(first: number, last: number): boolean {
    const at = this.#maker.get(last) as number
    const before = new Set(this.#readers.get(first))
    const instr = this.instrs[at] as ProgramInstr
    if (before.delete(at) && !mayOverwrite({ values: this.#values }, instr, instr.outputs.indexOf(last), first))
      return false
    for (const x of this.#uncertain(at)) before.add(x)
    if (!this.#wait(at, before)) return false
    if (instr.kind !== 'map') this.#waitBefore(first, instr)
    return true
  }

  /** Lets a value be made when nothing can fail any more, if that is possible. */
  last(value: number): void {
    const at = this.#maker.get(value)
    if (at !== undefined) this.#wait(at, this.#uncertain(at))
  }

  /** What an instruction has to wait for until nothing else can fail; one that may fail itself looks before it writes. */
  #uncertain(at: number): ReadonlySet<number> {
    if (this.#failing.has(at)) return new Set([...this.#failing].filter((x) => x !== at))
    return new Set(this.#commit < 0 ? [] : [this.#commit])
  }

  /** Puts an instruction after others; false, and nothing changes, where one of them has to come after it. */
  #wait(at: number, before: ReadonlySet<number>): boolean {
    if (before.size > 0 && this.#reaches(at, before)) return false
    for (const x of before) this.#after[x].push(at)
    return true
  }

  /** Rows that are written one after the other lie in one memory: the ones before the last wait as it does. */
  #waitBefore(first: number, instr: ProgramInstr): void {
    const [base] = usesOf(instr)
    const at = base === undefined || base.value === first ? undefined : this.#maker.get(base.value)
    const before = at === undefined ? commit : this.instrs[at]
    if (at === undefined || before === commit || before.kind === 'map') return
    this.#wait(at, this.#uncertain(at))
    this.#waitBefore(first, before)
  }

  /** In the order in which they came, but for what has to wait: that comes right after what it waits for. */
  sorted(): ProgramInstr[] {
    const open = new Int32Array(this.instrs.length)
    const following = this.instrs.map((_, at) => this.#following(at))
    for (const next of following) for (const at of next) open[at]++
    const sorted: ProgramInstr[] = []
    for (let turn = 0; turn < this.instrs.length; turn++) {
      // Those whose turn has passed, and what else nothing but they kept waiting.
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
 * In the memory of a kept pair lie two values, `first` and `last`, and what is needed is that `last` is made when
 * nothing reads `first` any more: an order of instructions. A pair is given its order if no circle comes of it. Else a
 * copy of `last` takes its place: no instruction reads that copy, so that it can come after any reader of `first`; all
 * that copies read is then made by instructions, never the `first` of another pair, so that copies do not wait for
 * each other. Hence two parameters that exchange their values cost one value elsewhere, and one copy.
 */
export function settle(program: Program): Program {
  const values = [...program.values]
  const order = new Order(values)

  // What was overwritten, and data that is the same or not there at the next run, leaves the step as a copy.
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
