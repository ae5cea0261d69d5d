// The last pass: what outlives the step gets memory of its own. A parameter's new value is computed where the old one
// lies, as late as the old one's readers ask; where they read the new one too, it is computed elsewhere and copied.
import type { Spec } from '../../backend/backend.ts'
import type { Program, ProgramInstr, Use } from '../../backend/program.ts'
import { contiguousLayout } from '../../base/layout.ts'
import { copies } from '../../tensor/dispatch.ts'
import { mayOverwrite, usesOf } from '../alias.ts'

const wholeUse = (value: number, { shape, dtype }: Spec): Use => ({ value, dtype, ...contiguousLayout(shape) })

/** Instructions with what has to come before what: readers after makers, and what `replaces` adds. */
class Order {
  readonly instrs: ProgramInstr[] = []
  readonly #values: Spec[]
  readonly #maker = new Map<number, number>()
  readonly #readers = new Map<number, number[]>()
  readonly #after: number[][] = []

  constructor(values: Spec[]) {
    this.#values = values
  }

  add(instr: ProgramInstr): void {
    const at = this.instrs.push(instr) - 1
    this.#after.push([])
    for (const value of instr.outputs) this.#maker.set(value, at)
    for (const value of new Set(usesOf(instr).map((use) => use.value))) {
      const readers = this.#readers.get(value)
      if (readers === undefined) this.#readers.set(value, [at])
      else readers.push(at)
    }
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
    return [...this.instrs[at].outputs.flatMap((value) => this.#readers.get(value) ?? []), ...this.#after[at]]
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

  /** Lets `last` be made when all has read `first`, in its memory; false, and nothing changes, where that cannot be. */
  replaces(first: number, last: number): boolean {
    const at = this.#maker.get(last) as number
    const readers = new Set(this.#readers.get(first))
    const instr = this.instrs[at]
    if (readers.delete(at) && !mayOverwrite({ values: this.#values }, instr, instr.outputs.indexOf(last), first))
      return false
    if (readers.size > 0 && this.#reaches(at, readers)) return false
    for (const reader of readers) this.#after[reader].push(at)
    return true
  }

  /** In an order that all agree with; what has to wait comes right after what it waits for. */
  sorted(): ProgramInstr[] {
    const seen = new Set<number>()
    const backwards: ProgramInstr[] = []
    for (let start = this.instrs.length - 1; start >= 0; start--) {
      const path = [{ at: -1, following: [start] as readonly number[], next: 0 }]
      while (path.length > 0) {
        const last = path[path.length - 1]
        const { at, following } = last
        if (last.next === following.length) {
          path.pop()
          if (at >= 0) backwards.push(this.instrs[at])
          continue
        }
        const value = following[last.next++]
        if (seen.has(value)) continue
        seen.add(value)
        path.push({ at: value, following: this.#following(value), next: 0 })
      }
    }
    return backwards.reverse()
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
  return { ...program, values, instrs: order.sorted(), kept, results }
}
