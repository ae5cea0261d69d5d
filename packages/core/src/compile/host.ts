// The host part of a program: what it does before the instructions of a run, counters, schedules, numbers read anew and
// random draws, and where it leaves what it made.
import type { HostStep, Program } from '../backend/program.ts'
import type { TypedArray } from '../base/dtype.ts'

/** A host step with fields of its own for every kind, so that the loop over them sees one kind of object. */
interface Flat {
  readonly kind: HostStep['kind']
  readonly fn: () => unknown
  readonly at: number
  readonly undo: (() => void) | undefined
}

const flat = (step: HostStep): Flat => {
  if (step.kind === 'effect') return { kind: step.kind, fn: step.fn, at: 0, undo: step.undo }
  if (step.kind === 'reading') return { kind: step.kind, fn: step.fn, at: step.reading, undo: undefined }
  return { kind: step.kind, fn: step.produce, at: step.draw, undo: undefined }
}

export class Host {
  readonly numbers: Float64Array
  readonly draws: TypedArray[]
  readonly #steps: readonly Flat[]

  constructor({ host }: Program) {
    const after = (kind: HostStep['kind']): number =>
      host.reduce((most, step) => (step.kind === kind ? Math.max(most, flat(step).at + 1) : most), 0)
    this.#steps = host.map(flat)
    this.numbers = new Float64Array(after('reading'))
    this.draws = new Array<TypedArray>(after('draw'))
  }

  run(): void {
    const steps = this.#steps
    let i = 0
    try {
      for (; i < steps.length; i++) {
        const { kind, fn, at } = steps[i]
        const made = fn()
        if (kind === 'reading') this.numbers[at] = made as number
        else if (kind === 'draw') this.draws[at] = made as TypedArray
      }
    } catch (error) {
      this.undo(i)
      throw error
    }
  }

  /** Takes back the effects of the first steps, of all when an instruction failed; what was drawn stays drawn, as in eager. */
  undo(done = this.#steps.length): void {
    for (let i = done - 1; i >= 0; i--) this.#steps[i].undo?.()
  }
}
