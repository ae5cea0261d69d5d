// The host part of a program: what it does before the instructions of a run, counters, schedules, numbers read anew and
// random draws, and where it leaves what it made. It can be done for several runs ahead, and taken back.
import type { HostStep, Program, Stream } from '../backend/program.ts'
import type { TypedArray } from '../base/dtype.ts'

/** A host step with fields of its own for every kind, so that the loop over them sees one kind of object. */
interface Flat {
  readonly kind: HostStep['kind']
  readonly fn: () => unknown
  readonly at: number
}

const flat = (step: HostStep): Flat => {
  if (step.kind === 'effect') return { kind: step.kind, fn: step.fn, at: 0 }
  if (step.kind === 'reading') return { kind: step.kind, fn: step.fn, at: step.reading }
  return { kind: step.kind, fn: step.produce, at: step.draw }
}

/** What the instructions of some runs in a row are given, and the error that kept the host from preparing more. */
export interface Ahead {
  readonly runs: number
  readonly numbers: Float64Array
  readonly draws: readonly TypedArray[]
  readonly error?: unknown
  /** Leaves the host as it is after so many complete runs and one that failed. */
  rewind(complete: number): void
}

export class Host {
  readonly numbers: Float64Array
  readonly draws: TypedArray[]
  readonly #steps: readonly Flat[]
  readonly #streams: readonly Stream[]
  /** What takes back the effects of the runs since the last `run` or `ahead` began, in their order. */
  readonly #undos: (() => void)[] = []

  constructor({ host }: Program) {
    const after = (kind: HostStep['kind']): number =>
      host.reduce((most, step) => (step.kind === kind ? Math.max(most, flat(step).at + 1) : most), 0)
    this.#steps = host.map(flat)
    this.#streams = [...new Set(host.flatMap((step) => (step.kind === 'draw' ? [step.stream] : [])))]
    this.numbers = new Float64Array(after('reading'))
    this.draws = new Array<TypedArray>(after('draw'))
  }

  run(): void {
    this.#undos.length = 0
    this.#once()
  }

  #once(): void {
    const steps = this.#steps
    const undos = this.#undos
    const before = undos.length
    try {
      for (let i = 0; i < steps.length; i++) {
        const { kind, fn, at } = steps[i]
        const made = fn()
        if (kind === 'reading') this.numbers[at] = made as number
        else if (kind === 'draw') this.draws[at] = made as TypedArray
        else undos.push(made as () => void)
      }
    } catch (error) {
      this.#undo(before)
      throw error
    }
  }

  /** Takes back the effects of the last run, whose instructions failed; what was drawn stays drawn, as in eager. */
  undo(): void {
    this.#undo(0)
  }

  #undo(from: number): void {
    for (let i = this.#undos.length - 1; i >= from; i--) this.#undos[i]()
    this.#undos.length = from
  }

  /** Does the host part of so many runs at once. */
  ahead(times: number): Ahead {
    const { numbers: row, draws: drawn } = this
    const states = this.#streams.map((stream) => stream.getState())
    const numbers = new Float64Array(row.length * times)
    let draws: TypedArray[] = []
    this.#undos.length = 0
    let runs = 0
    let failed: { error?: unknown } = {}
    try {
      for (; runs < times; runs++) {
        this.#once()
        numbers.set(row, runs * row.length)
        if (runs === 0) draws = drawn.map((x) => new (x.constructor as new (n: number) => TypedArray)(x.length * times))
        for (let i = 0; i < drawn.length; i++) draws[i].set(drawn[i], runs * drawn[i].length)
      }
    } catch (error) {
      failed = { error }
    }
    // Steps of the host are functions of what they find, so all is taken back and those runs that count are done again.
    const rewind = (complete: number): void => {
      this.undo()
      this.#streams.forEach((stream, i) => void stream.setState(states[i]))
      for (let i = 0; i < complete; i++) this.#once()
      this.run()
      this.undo()
    }
    return { runs, numbers, draws, ...failed, rewind }
  }
}
