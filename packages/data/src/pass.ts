// Where a pass over a loader is, and the way there again: the states of the generators when it began, from which its
// sampler draws the same indices once more, and a digest of those that it drew, which tells whether it did.
import { Generator, signatures, TypeError, ValueError } from '@flambeau/core'

/** The place of a loader, between two batches or two passes, as plain JSON. */
export interface LoaderState {
  /** The pass that is under way; null between two passes. */
  readonly pass: PassState | null
  /** The states of the generators that the loader and its samplers have of their own. */
  readonly generators: readonly (readonly number[])[]
}

/** A pass that is under way. */
export interface PassState {
  /** How many batches the loop has had. */
  readonly batches: number
  /** How many lists of indices the sampler has drawn for them, and for batches that are read ahead. */
  readonly drawn: number
  /** The digest of these indices. */
  readonly order: number
  /** The states of the generators when the pass began, the default one first. */
  readonly generators: readonly (readonly number[])[]
}

type Indices = readonly number[]

export class Pass {
  batches = 0
  drawn = 0
  order = 0
  /** What the loader drew for its workers. */
  seed = 0
  /** The lists of indices that are left, once the sampler has been asked. */
  lists: globalThis.Generator<Indices, void, undefined> | undefined
  readonly #generators: readonly Generator[]
  /** The states of the generators when the pass began. */
  readonly #began: readonly Uint8Array[]
  /** Whether an iterable dataset is to be read again, up to where the loop was. */
  isResumed = false
  /** How many batches are then to be left out. */
  #skip = 0
  #back: (() => void) | undefined

  constructor(generators: readonly Generator[], from?: PassState, states?: readonly Uint8Array[]) {
    this.#generators = generators
    this.#began = states ?? generators.map((generator) => generator.getState())
    if (from === undefined) return
    this.isResumed = true
    this.batches = this.#skip = from.batches
  }

  /** Takes lists of indices, counting them as they are drawn. */
  *counted(lists: Iterable<Indices>): globalThis.Generator<Indices, void, undefined> {
    for (const indices of lists) {
      this.drawn++
      for (const i of [...indices, -1]) this.order = Math.imul(this.order ^ i, 0x01000193)
      yield indices
    }
  }

  /** Sets the generators to their states when the pass began; `leave` sets them to what they were before that. */
  rewind(): void {
    const now = this.#generators.map((generator) => generator.getState())
    const set = (states: readonly Uint8Array[]): void =>
      this.#generators.forEach((generator, i) => void generator.setState(states[i]))
    set(this.#began)
    this.#back = () => set(now)
  }

  leave(): void {
    this.#back?.()
    this.#back = undefined
  }

  /** Leaves if the next batch is one for the loop. */
  arrive(): void {
    if (this.#skip === 0) this.leave()
  }

  /** Whether the loop has had the next batch before it was interrupted; counts it otherwise. */
  skips(): boolean {
    if (this.#skip === 0) {
      this.batches++
      return false
    }
    this.#skip--
    this.arrive()
    return true
  }

  /**
   * Draws the lists of indices once more that a saved pass had drawn. Throws a ValueError if they are others.
   */
  redraw(from: PassState, sampler: Iterable<Indices>): void {
    const lists = this.counted(sampler)
    const ahead: Indices[] = []
    while (this.drawn < from.drawn) {
      const { done, value } = lists.next()
      if (done === true) break
      if (this.drawn > from.batches) ahead.push(value)
    }
    if (this.drawn !== from.drawn || this.order !== from.order) {
      throw new ValueError(
        'load_state_dict(): the sampler draws other indices than before the state was saved',
        'The dataset, the sampler and the batch size must be those of the saved loader, and the sampler must draw its random numbers from generators of flambeau.',
      )
    }
    this.lists = (function* () {
      yield* ahead
      yield* lists
    })()
  }

  state(): PassState {
    const { batches, drawn, order } = this
    return { batches, drawn, order, generators: this.#began.map((state) => Array.from(state)) }
  }
}

const { int, list, required, signature } = signatures
const record: signatures.Kind<object> = {
  expected: 'dict',
  accepts: (x) => typeof x === 'object' && x !== null && signatures.isOptions(x),
}
const readState = signature('load_state_dict', required('stateDict', record))
const readPlace = signature(
  'load_state_dict',
  required('pass', signatures.nullable(record)),
  required('generators', list(list(int))),
)
const count: signatures.Kind<number> = {
  expected: 'non-negative int',
  accepts: (x) => Number.isSafeInteger(x) && (x as number) >= 0,
}
const readPass = signature(
  'load_state_dict',
  required('batches', count),
  required('drawn', count),
  required('order', int),
  required('generators', list(list(int))),
)

/** A state of `stateDict()`, checked, for a loader with these generators of its own. */
export const parsed = (
  given: readonly unknown[],
  own: number,
): { pass: PassState | null; began: Uint8Array[]; now: Uint8Array[] } => {
  const state = readState(given)[0] as Partial<LoaderState>
  const [pass, generators] = readPlace([state.pass, state.generators])
  const now = bytesOf(generators, own)
  if (pass === null) return { pass, began: [], now }
  const { batches, drawn, order, generators: began } = pass as PassState
  readPass([batches, drawn, order, began])
  return { pass: pass as PassState, began: bytesOf(began, own + 1), now }
}

/** States of generators, checked. */
const bytesOf = (states: readonly (readonly number[])[], count: number): Uint8Array[] => {
  if (states.length !== count) {
    throw new ValueError(
      `load_state_dict(): the state has ${states.length} generators, and the loader has ${count}`,
      'Give the loader and its samplers generators of their own where those of the saved one had some.',
    )
  }
  return states.map((state) => {
    if (state.some((byte) => byte < 0 || byte > 255)) throw new TypeError('RNG state must be a torch.ByteTensor')
    const bytes = Uint8Array.from(state)
    new Generator().setState(bytes)
    return bytes
  })
}
