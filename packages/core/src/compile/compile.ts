// compile(step) returns a function that behaves like the step. Its first call runs the step, the next ones record it,
// and once two recordings in a row agree, the recording is replayed, separately for every signature of arguments.
import type { View } from '../backend/backend.ts'
import { garbage } from '../backend/garbage.ts'
import { checkCallable } from '../base/callable.ts'
import { RuntimeError, ValueError } from '../base/errors.ts'
import { warn } from '../base/warn.ts'
import { effects } from '../tensor/effects.ts'
import { mode } from '../tensor/mode.ts'
import { bool, type Kind, keyword, required, signature } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { difference } from './difference.ts'
import { explain, graph } from './explain.ts'
import { slotDifference } from './nested.ts'
import type { Prepared } from './prepare.ts'
import { aboutOlder, firstChanged, type Guard, guardOf, type Note, noteText, reliedOn } from './notes.ts'
import { pathsOf, type Recorded, type Recording, record } from './record.ts'
import { writtenArgument } from './mistakes.ts'
import { type Repeating, repeated, repeatedAsync, Runner } from './runner.ts'
import { hasSignature, type Signature, signatureOf } from './signature.ts'
import { rowOf, stacked } from './stack.ts'

/** The results of a compiled step: tensors, nothing, or arrays and plain objects of these. */
export type Results = Tensor | null | undefined | readonly Results[] | { readonly [key: string]: Results }

export interface RepeatOptions<A extends readonly unknown[]> {
  /** Return the results of all steps, stacked along a new first dimension, instead of the last one's. */
  readonly stack?: boolean
  /** The arguments of every step. */
  readonly args?: A
}

/** A compiled step, called like the step itself. */
export interface CompiledStep<A extends readonly unknown[], R> {
  (...args: A): R
  /**
   * Runs `n` steps in one call and returns the last result, or with `stack` all results along a new first dimension.
   *
   * Throws a ValueError if `n` is not a whole number from 1.
   *
   * @example
   * const w = tensor(1)
   * const step = compile(() => noGrad(() => w.mul_(2)).clone())
   * step.repeat(3) // tensor(8.)
   * step.repeat(2, { stack: true }) // tensor([16., 32.])
   */
  repeat(n: number, options?: RepeatOptions<A>): R
  /**
   * Like `repeat`, but on another thread if the device can, so that the event loop keeps running. Until it is done, the
   * step cannot be called, and you should not touch what it reads and writes; other work of the device waits.
   *
   * @example
   * const w = tensor(1)
   * const step = compile(() => noGrad(() => w.mul_(2)).clone())
   * await step.repeatAsync(3) // tensor(8.)
   */
  repeatAsync(n: number, options?: RepeatOptions<A>): Promise<R>
  /**
   * The program of the last call as readable text: the recording, and the changes of each pass.
   *
   * Throws a RuntimeError before two recordings have agreed.
   */
  explain(): string
  /** The program of the last call as a Mermaid flowchart. */
  graph(): string
}

/** How many recordings may disagree with the one before. */
const patience = 5
/** The first call at which a replayed step is recorded again, to find branches; then at twice that call, and so on. */
const firstCheck = 8
/** How many signatures and host states a step keeps. */
const capacity = 8

/** A recording with its calls, for one signature and one state of the host. */
interface Entry {
  readonly signature: Signature
  /** The notes of the last recording. */
  notes: readonly Note[]
  /** The check for a replay, once two recordings agree. */
  guard: Guard | null
  calls: number
  check: number
  disagreements: number
  last: Recording | null
  /** Of the last recording, or of one that it agrees with. */
  runner: Runner | null
}

/** The number of repetitions. */
const times: Kind<number> = {
  expected: 'int',
  accepts: (n) => Number.isSafeInteger(n) && (n as number) > 0,
  refuse: (n, argument) =>
    typeof n === 'number'
      ? new ValueError(
          `a step must be repeated a whole number of times, at least 1, not ${n}`,
          `It is the ${argument}.`,
        )
      : undefined,
}
const repeatArguments = signature(
  'repeat',
  required('n', times),
  keyword('stack', bool, false),
  keyword('args', { expected: 'list', accepts: Array.isArray } as Kind<readonly unknown[]>, []),
)

class Session {
  readonly #step: (...args: readonly unknown[]) => unknown
  /** The most recently used last. */
  #entries: Entry[] = []
  #current: Entry | null = null
  /** The tensor arguments of the current call. */
  readonly #tensors: Tensor[] = []
  #warned = false
  /** The notes of the last recording. */
  #known: readonly Note[] = []
  /** Whether it is being repeated on another thread. */
  #busy = false

  constructor(step: (...args: readonly unknown[]) => unknown) {
    this.#step = step
  }

  call(args: readonly unknown[]): unknown {
    this.#free()
    return this.#call(args)
  }

  #free(): void {
    if (this.#busy) throw new RuntimeError('the step is being repeated', 'Await the promise of repeatAsync first.')
  }

  #call(args: readonly unknown[]): unknown {
    // Inside another recording, the step is part of that; anomaly mode reads elements.
    if (effects.sink !== null || mode.anomaly) return this.#step(...args)
    const entry = this.#entryOf(args)
    // Most of what a recording and its compilation make is dead at their end.
    if (!this.#replays(entry)) return garbage.holding(() => this.#record(entry))
    const value = (entry.runner as Runner).run(this.#tensors)
    entry.calls++
    return value
  }

  repeat(given: readonly unknown[]): unknown {
    this.#free()
    return repeated(this.#repeating(...repeatArguments(given)))
  }

  async repeatAsync(given: readonly unknown[]): Promise<unknown> {
    this.#free()
    this.#busy = true
    try {
      return await repeatedAsync(this.#repeating(...repeatArguments(given)))
    } finally {
      this.#busy = false
    }
  }

  *#repeating(n: number, stack: boolean, args: readonly unknown[]): Repeating {
    const rows: (readonly View[])[] = []
    const seen = stack ? (row: readonly View[]): void => void rows.push(row) : null
    let value: unknown
    for (let left = n; left > 0; ) {
      const inlined = effects.sink !== null || mode.anomaly
      const entry = inlined ? null : this.#entryOf(args)
      if (entry !== null && this.#replays(entry)) {
        const runner = entry.runner as Runner
        // If the step creates a gradient that it also reads, the next step finds a different one.
        const times = runner.recording.steady ? Math.min(left, entry.check - entry.calls - 1) : 1
        value = yield* runner.repeat(this.#tensors, times, seen)
        entry.calls += times
        left -= times
      } else {
        value = this.#call(args)
        seen?.(rowOf(value))
        left--
      }
    }
    return stack ? stacked(value, rows) : value
  }

  /** The program of the last call. */
  get prepared(): Prepared {
    const { runner = null, guard = null } = this.#current ?? {}
    if (runner !== null && guard !== null) return runner.prepared
    throw new RuntimeError(
      'the step is not compiled yet',
      'Call it first: two recordings must agree, which takes three calls for most steps.',
    )
  }

  /** Whether the next call replays; drops a recording that no longer applies. */
  #replays(entry: Entry): boolean {
    const { runner, guard } = entry
    if (runner === null || guard === null || entry.calls + 1 >= entry.check) return false
    const written = runner.writes(this.#tensors)
    if (written >= 0)
      throw writtenArgument(pathsOf(entry.signature.slot)[written], ': it is a tensor that the step changes')
    if (runner.holds(this.#tensors)) return true
    entry.runner = entry.guard = null
    return false
  }

  #entryOf(args: readonly unknown[]): Entry {
    const current = this.#current
    if (current !== null && this.#fits(current, args)) return current
    const i = this.#entries.findIndex((entry) => this.#fits(entry, args))
    const entry = i < 0 ? this.#newEntry(args) : this.#entries.splice(i, 1)[0]
    this.#entries.push(entry)
    this.#current = entry
    return entry
  }

  #fits({ signature, notes, guard }: Entry, args: readonly unknown[]): boolean {
    if (!hasSignature(signature, args, this.#tensors)) return false
    return guard === null ? firstChanged(notes, this.#tensors) === null : guard(this.#tensors)
  }

  #newEntry(args: readonly unknown[]): Entry {
    this.#tensors.length = 0
    const signature = signatureOf(args, this.#tensors)
    if (this.#entries.length === capacity) {
      this.#warn(this.#entries[capacity - 1], signature)
      this.#entries.shift()
    }
    const nothing = { notes: [], guard: null, last: null, runner: null }
    return { signature, ...nothing, calls: 0, check: firstCheck, disagreements: 0 }
  }

  #warn({ signature, notes }: Entry, now: Signature): void {
    if (this.#warned) return
    const argument = slotDifference(signature.slot, now.slot)
    const note = argument === null ? firstChanged(notes, this.#tensors) : null
    if (argument === null && note === null) return
    this.#warned = true
    warn(
      argument === null
        ? `A compiled step keeps being recorded again, because state that it reads changes: ${noteText(note as Note, this.#tensors)}; ${capacity} recordings are kept.`
        : `A compiled step keeps being recorded again, because its arguments change: ${argument}. ${capacity} recordings are kept. Make shapes repeat (leave out the last, smaller batch, or fill it up), and pass a number that changes as a tensor.`,
    )
  }

  /** Runs a step for the first time, or records it and runs the recording. */
  #record(entry: Entry): unknown {
    const { device } = entry.signature
    const { last } = entry
    const first = entry.calls === 0
    let recorded = this.#recorded(entry, first)
    let found = first || last === null ? null : difference(last, recorded.recording)
    // What only the step's own code keeps, it keeps only if it runs. If it makes the same in every call, nothing uses that.
    const runs = first || (recorded.createsState && (last === null || found !== null))
    if (runs && !first) {
      recorded.restore()
      recorded = this.#recorded(entry, true)
      found = last === null ? null : difference(last, recorded.recording)
    }
    const { value, recording, restore } = recorded
    const notesBefore = entry.notes
    this.#known = entry.notes = recording.notes
    entry.calls++
    if (entry.calls >= entry.check) entry.check *= 2
    if (first) return value
    entry.last = recording
    if (found !== null) {
      entry.runner = entry.guard = null
      entry.calls = 2
      entry.check = firstCheck
      if (++entry.disagreements > patience) {
        restore()
        throw new RuntimeError(`the compiled step differs from call to call: ${found.what}`, found.remedy)
      }
    }
    if (runs) return value
    restore()
    this.#known = entry.notes = aboutOlder(recording.notes, this.#tensors)
    if (entry.runner === null) {
      device.own.tidy?.()
      entry.runner = new Runner(recording, device)
    }
    if (last !== null && found === null && entry.guard === null) {
      entry.runner.agrees(entry.runner.recording === last ? recording : last)
      entry.guard = guardOf(reliedOn(notesBefore, entry.notes))
    }
    return entry.runner.run(this.#tensors)
  }

  #recorded({ signature, calls, disagreements }: Entry, runs: boolean): Recorded {
    const { device, slot } = signature
    // The step's own code takes the memory of a step, so programs must not hold as much besides.
    if (runs) for (const { runner } of this.#entries) runner?.rest()
    return record({
      step: this.#step,
      device,
      slot,
      args: this.#tensors,
      first: calls === 0,
      runs,
      withLines: disagreements > 0,
      known: this.#known,
    })
  }
}

/**
 * Returns a function that behaves like `step`, but faster: the first call runs it, the next are recorded until two
 * agree, then the recorded instructions are replayed. The step may draw random numbers and step optimizers. It must not
 * read elements (`item()`), and must return tensors, which come without a graph. It may take tensors, and arrays and
 * objects of tensors; other values become part of the recording. Numbers that change between calls must reach ops as
 * functions, as optimizers' learning rates do.
 *
 * Throws a RuntimeError, with everything restored to its state before the call, if the step cannot be recorded, or if
 * recordings keep differing.
 *
 * @example
 * const step = compile((x: Tensor, y: Tensor) => {
 *   const loss = F.mseLoss(model.forward(x), y)
 *   optimizer.zeroGrad()
 *   loss.backward()
 *   optimizer.step()
 *   return loss
 * })
 * for (let epoch = 0; epoch < 100; epoch++) step(x, y)
 */
export function compile<A extends readonly unknown[], R extends Results | void>(
  step: (...args: A) => R,
  ...none: []
): CompiledStep<A, R> {
  checkCallable('compile', step, 'step', none)
  const session = new Session(step as unknown as (...args: readonly unknown[]) => unknown)
  const call = (...args: A): R => session.call(args) as R
  return Object.assign(call, {
    repeat: (...given: [n: number, options?: RepeatOptions<A>]): R => session.repeat(given) as R,
    repeatAsync: (...given: [n: number, options?: RepeatOptions<A>]): Promise<R> =>
      session.repeatAsync(given) as Promise<R>,
    explain: (): string => explain(session.prepared),
    graph: (): string => graph(session.prepared),
  })
}
