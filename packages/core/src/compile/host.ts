// The host part of a program, which runs before the instructions: counters, schedules, numbers and random draws, and
// where their results are stored. It can run ahead for several runs, unless instructions draw too, and can be undone.
import type { HostStep, Program, Stream } from '../backend/program.ts'
import type { TypedArray } from '../base/dtype.ts'
import { TypeError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'

/** A host step with fields for every kind, so that the loop over them sees one object shape. */
interface Flat {
  readonly kind: HostStep['kind']
  readonly fn: () => unknown
  readonly at: number
}

const flat = (step: Exclude<HostStep, { kind: 'stream' }>): Flat => {
  if (step.kind === 'effect') return { kind: step.kind, fn: step.fn, at: 0 }
  if (step.kind === 'reading') return { kind: step.kind, fn: step.fn, at: step.reading }
  return { kind: step.kind, fn: step.produce, at: step.draw }
}

/** The inputs of several consecutive runs, and the error that stopped the host from preparing more. */
export interface Ahead {
  readonly runs: number
  readonly numbers: Float64Array
  readonly draws: readonly TypedArray[]
  readonly error?: unknown
  /** Sets the host to its state after the given number of runs. */
  rewind(complete: number): void
}

export class Host {
  readonly numbers: Float64Array
  readonly draws: TypedArray[]
  /** Whether instructions draw too, so that a run has to end before the host begins the next one. */
  readonly drawsLate: boolean
  readonly #steps: readonly Flat[]
  readonly #streams: readonly Stream[]
  /** The streams at the beginning of the last `run` or `ahead`. */
  readonly #before: readonly Stream[]
  /** Functions that undo the effects of the runs since then, in order. */
  readonly #undos: (() => void)[] = []

  constructor({ host }: Program) {
    const steps = host.flatMap((step) => (step.kind === 'stream' ? [] : [flat(step)]))
    const after = (kind: HostStep['kind']): number =>
      steps.reduce((most, step) => (step.kind === kind ? Math.max(most, step.at + 1) : most), 0)
    this.#steps = steps
    this.drawsLate = steps.length < host.length
    this.#streams = [...new Set(host.flatMap((step) => ('stream' in step ? [step.stream] : [])))]
    this.#before = this.#streams.map((stream) => stream.clone())
    this.numbers = new Float64Array(after('reading'))
    this.draws = new Array<TypedArray>(after('draw'))
  }

  run(): void {
    this.#begin()
    this.#once()
  }

  #begin(): void {
    this.#undos.length = 0
    for (let i = 0; i < this.#streams.length; i++) this.#before[i].become(this.#streams[i])
  }

  #once(): void {
    const steps = this.#steps
    const undos = this.#undos
    try {
      for (let i = 0; i < steps.length; i++) {
        const { kind, fn, at } = steps[i]
        const made = fn()
        if (kind === 'reading') this.numbers[at] = typeof made === 'number' ? made : refuse(made)
        else if (kind === 'draw') this.draws[at] = made as TypedArray
        else undos.push(made as () => void)
      }
    } catch (error) {
      this.undo()
      throw error
    }
  }

  /** Undoes everything since the last `run` or `ahead` began, because instructions failed. */
  undo(): void {
    for (let i = this.#undos.length - 1; i >= 0; i--) this.#undos[i]()
    this.#undos.length = 0
    for (let i = 0; i < this.#streams.length; i++) this.#streams[i].become(this.#before[i])
  }

  /** Does the host part of several runs at once. */
  ahead(times: number): Ahead {
    const { numbers: row, draws: drawn } = this
    const numbers = new Float64Array(row.length * times)
    let draws: TypedArray[] = []
    this.#begin()
    let runs = 0
    // Host steps depend only on the current state, so rewinding undoes everything and repeats the runs that count.
    const rewind = (complete: number): void => {
      this.undo()
      for (let i = 0; i < complete; i++) this.#once()
    }
    try {
      for (; runs < times; runs++) {
        this.#once()
        numbers.set(row, runs * row.length)
        if (runs === 0) draws = drawn.map((x) => new (x.constructor as new (n: number) => TypedArray)(x.length * times))
        for (let i = 0; i < drawn.length; i++) draws[i].set(drawn[i], runs * drawn[i].length)
      }
    } catch (error) {
      rewind(runs)
      return { runs, numbers, draws, error, rewind }
    }
    return { runs, numbers, draws, rewind }
  }
}

/** Throws for the result of a user's function that is not a number. */
function refuse(made: unknown): never {
  throw new TypeError(`a number read anew at every step must be float, not ${typeName(made)}`)
}
