// Early stopping: tells when a score has stopped getting better, and puts the best weights back.
import { deepCopy, signatures, Tensor, TypeError, ValueError } from '@flambeau/core'

const { constructing, either, finite, int, nullable, number, optional, required, signature, str } = signatures

/** What has a state to keep and to put back: a module, or an optimizer. */
export interface Stateful<S = unknown> {
  stateDict(): S
  loadStateDict(state: never): unknown
}

/** The options of `EarlyStopping`. */
export interface EarlyStoppingOptions {
  /** After how many scores in a row that are not better `step` says to stop; by default 3. */
  readonly patience?: number
  /** By how much a score has to be better to count; by default 0. */
  readonly minDelta?: number
  /** Whether lower scores are better, as losses are, which is the default, or higher ones. */
  readonly mode?: 'min' | 'max'
  /** The model whose state at the best score is kept, and put back when `step` says to stop. */
  readonly restoreBest?: Stateful | null
}

/** What `stateDict` returns: numbers, and the state that is kept. */
export interface EarlyStoppingState {
  readonly best: number | null
  readonly bestStep: number
  readonly steps: number
  readonly bestState: unknown
}

const stateful: signatures.Kind<Stateful> = {
  expected: 'torch.nn.Module',
  accepts: (x) => {
    const { stateDict, loadStateDict } = (x ?? {}) as Partial<Stateful>
    return typeof stateDict === 'function' && typeof loadStateDict === 'function'
  },
  hint: 'It is what has stateDict() and loadStateDict(state): { restoreBest: model }.',
}
const readStopping = constructing(
  'EarlyStopping',
  optional('patience', int, 3),
  optional('minDelta', finite, 0),
  optional('mode', str, 'min'),
  optional('restoreBest', nullable(stateful), null),
)
const readStep = signature('step', required('score', either(number, signatures.tensor)))
const readState = signature('load_state_dict', required('stateDict', signatures.anything))

/**
 * Tells when to stop: when a score, usually a loss on validation data, has not become better for `patience` steps. With
 * `restoreBest` it keeps a copy of the model's state at the best score, and puts it back when it says to stop. A score
 * that is NaN is not better.
 *
 * Throws a ValueError for a patience that is not positive, a negative `minDelta`, and another mode.
 *
 * @example
 * const stopping = new EarlyStopping({ patience: 2, restoreBest: model })
 * const losses = [0.5, 0.4, 0.41, 0.42, 0.3]
 * losses.findIndex((loss) => stopping.step(loss)) // 3
 * stopping.best // 0.4
 */
export class EarlyStopping {
  readonly patience: number
  readonly minDelta: number
  readonly mode: 'min' | 'max'
  readonly #model: Stateful | null
  #best: number | null = null
  #bestStep = -1
  #steps = 0
  #bestState: unknown = null

  constructor(patience?: number | EarlyStoppingOptions, options?: EarlyStoppingOptions)
  constructor(...args: readonly unknown[]) {
    const [patience, minDelta, mode, model] = readStopping(args)
    if (patience < 1) throw new ValueError(`patience should be positive, but got ${patience}`)
    if (minDelta < 0) throw new ValueError(`min_delta should not be negative, but got ${minDelta}`)
    if (mode !== 'min' && mode !== 'max') throw new ValueError(`mode ${mode} is unknown!`, "It is 'min' or 'max'.")
    this.patience = patience
    this.minDelta = minDelta
    this.mode = mode
    this.#model = model
  }

  /** The best score so far, null before the first. */
  get best(): number | null {
    return this.#best
  }

  /** The number of the step with the best score, counted from 0; -1 if there is none. */
  get bestStep(): number {
    return this.#bestStep
  }

  /** Whether the last steps were not better, as many as `patience` says. */
  get stopped(): boolean {
    return this.#steps - 1 - this.#bestStep >= this.patience
  }

  /**
   * Takes the score of a step, a number or a tensor that holds one, and returns whether to stop.
   *
   * Throws a RuntimeError for a tensor of several elements.
   */
  step(score: number | Tensor): boolean {
    const [read] = readStep([score])
    const value = read instanceof Tensor ? Number(read.detach().item()) : read
    const sign = this.mode === 'min' ? 1 : -1
    const isFirst = this.#best === null && !Number.isNaN(value)
    if (isFirst || sign * value < sign * (this.#best ?? Number.NaN) - this.minDelta) {
      this.#bestState = deepCopy(this.#model?.stateDict() ?? null)
      this.#best = value
      this.#bestStep = this.#steps
    }
    this.#steps++
    if (!this.stopped) return false
    this.restore()
    return true
  }

  /** Puts the best state back into the model of `restoreBest`; without one, or before the first step, nothing happens. */
  restore(): void {
    if (this.#model !== null && this.#bestState !== null) this.#model.loadStateDict(this.#bestState as never)
  }

  /** What a checkpoint needs to go on: the best score, its state, and the number of steps. */
  stateDict(): EarlyStoppingState {
    const bestState = this.#bestState
    return { best: this.#best, bestStep: this.#bestStep, steps: this.#steps, bestState }
  }

  /** Goes on from what `stateDict` returned. Throws a TypeError for anything else. */
  loadStateDict(stateDict: EarlyStoppingState): void {
    const { best, bestStep, steps, bestState } = readState([stateDict])[0] as Partial<EarlyStoppingState>
    const isState = (best === null || typeof best === 'number') && Number.isInteger(bestStep) && Number.isInteger(steps)
    if (!isState) throw new TypeError('load_state_dict(): the state is not one of EarlyStopping')
    this.#best = best
    this.#bestStep = bestStep as number
    this.#steps = steps as number
    this.#bestState = bestState ?? null
  }
}
