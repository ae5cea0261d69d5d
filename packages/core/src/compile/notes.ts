// Notes: the host state that a recording assumes, each an object, a property and its value. Every call compares them,
// so those of a replay are compared by a generated function.
import type { Tensor } from '../tensor/tensor.ts'

/**
 * How a note compares: by the value itself; by whether a number that is read again is 0, also for an option that only
 * effects may change; or by the entry of a map.
 */
export type By = 'value' | 'zero' | 'option' | 'entry'

export interface Note {
  /** The object that was read; null for the tensor argument of that number. */
  readonly object: object | null
  readonly argument: number
  readonly key: unknown
  readonly by: By
  /** The value at the beginning and at the end of the step. */
  readonly before: unknown
  after: unknown
}

/** The current value of a note's property, in the form that is compared. */
export function valueOf(
  { object, argument, key, by }: Omit<Note, 'before' | 'after'>,
  args: readonly Tensor[],
): unknown {
  const from = (object ?? args[argument]) as Record<PropertyKey, unknown>
  if (by === 'entry') return (from as unknown as ReadonlyMap<unknown, unknown>).get(key)
  const value = from[key as PropertyKey]
  return by !== 'value' && typeof value === 'number' ? Number(value !== 0) : value
}

/** Notes by object and property, each once. */
export class NoteSet {
  readonly #known = new Map<object | number, Map<unknown, Note>>()

  constructor(notes: readonly Note[] = []) {
    for (const note of notes) this.add(note)
  }

  get({ object, argument, key }: Pick<Note, 'object' | 'argument' | 'key'>): Note | undefined {
    return this.#known.get(object ?? argument)?.get(key)
  }

  /** Adds a note; returns whether it is new. */
  add(note: Note): boolean {
    const of = note.object ?? note.argument
    let notes = this.#known.get(of)
    if (notes === undefined) this.#known.set(of, (notes = new Map()))
    if (notes.has(note.key)) return false
    notes.set(note.key, note)
    return true
  }

  *[Symbol.iterator](): IterableIterator<Note> {
    for (const notes of this.#known.values()) yield* notes.values()
  }
}

/** Whether a note matches neither the state before the step nor the state after it. */
function isChanged(note: Note, args: readonly Tensor[]): boolean {
  const now = valueOf(note, args)
  return !Object.is(now, note.before) && !Object.is(now, note.after)
}

/** The first note that matches neither the state before the step nor the state after it; null if there is none. */
export const firstChanged = (notes: readonly Note[], args: readonly Tensor[]): Note | null =>
  notes.find((note) => isChanged(note, args)) ?? null

/**
 * The notes of a step that was undone, without those of objects that the step itself has made, such as an optimizer:
 * those are not as they were before the step, because they were not.
 */
export const aboutOlder = (notes: readonly Note[], args: readonly Tensor[]): readonly Note[] =>
  notes.filter((note) => !isChanged(note, args))

/**
 * The notes that a replay relies on, from two recordings in a row that agree. A value that the step itself changes, and
 * that differed when the second recording began, did not affect the step.
 */
export function reliedOn(last: readonly Note[], now: readonly Note[]): Note[] {
  const before = new NoteSet(last)
  return now.filter((note) => {
    if (Object.is(note.before, note.after)) return true
    const earlier = before.get(note)
    return earlier !== undefined && Object.is(earlier.before, note.before)
  })
}

/** Whether the state is as it was before the step. */
export type Guard = (args: readonly Tensor[]) => boolean

/** More comparisons than this are split into several functions, because V8 does not optimize very long ones. */
const mostTogether = 128
let guards = 0

/**
 * A function that compares notes, each at its own place in the source, which takes a twentieth of the time of a loop.
 */
export function guardOf(notes: readonly Note[]): Guard {
  const guards: Guard[] = []
  for (let at = 0; at < notes.length; at += mostTogether) guards.push(guardOver(notes.slice(at, at + mostTogether)))
  if (guards.length === 1) return guards[0]
  return (args) => {
    for (let i = 0; i < guards.length; i++) if (!guards[i](args)) return false
    return true
  }
}

let generates = true
function guardOver(notes: readonly Note[]): Guard {
  if (generates) {
    try {
      return generated(notes)
    } catch {
      // A security policy forbids generated functions.
      generates = false
    }
  }
  return (args) => notes.every((note) => Object.is(valueOf(note, args), note.before))
}

/** The compared values are passed in; the source contains only numbers and kinds of comparison. */
function generated(notes: readonly Note[]): Guard {
  const lines: string[] = []
  const terms = notes.map(({ object, argument, by, before }, i) => {
    lines.push(`const o${i} = notes[${i}].object, k${i} = notes[${i}].key, v${i} = notes[${i}].before`)
    const from = object === null ? `args[${argument}]` : `o${i}`
    if (by === 'entry') return `${from}.get(k${i}) === v${i}`
    if (by !== 'value' && typeof before === 'number')
      return `typeof ${from}[k${i}] === 'number' && Number(${from}[k${i}] !== 0) === v${i}`
    // 0 differs from -0, and NaN equals itself.
    return before === 0 || Number.isNaN(before) ? `Object.is(${from}[k${i}], v${i})` : `${from}[k${i}] === v${i}`
  })
  const text = `${lines.join('\n')}\nreturn (args) => ${terms.join(' && ') || 'true'}\n//# sourceURL=flambeau-guard-${guards++}.js`
  return new Function('notes', text)(notes) as Guard
}

/** A note in words for a warning: the object, the old and the new value, and what to do. */
export function noteText(note: Note, args: readonly Tensor[]): string {
  const { object, argument, key, by, before } = note
  const owner = object === null ? `argument ${argument}` : `a ${object.constructor?.name ?? 'plain object'}`
  if (key === 'collected')
    return `the grad of ${owner} is another tensor at every call. Clear gradients inside the step, optimizer.zeroGrad()`
  const remedy = 'Let what changes be a tensor that is written into, x.copy_(value), or a function'
  if (by === 'entry') return `the state of an optimizer. ${remedy}`
  const name = typeof key === 'symbol' ? (key.description ?? 'a part') : String(key)
  const what = by !== 'value' ? `whether ${name} is 0` : `${name} of ${owner}`
  return `${what} was ${text(before)}, then ${text(valueOf(note, args))}. ${remedy}`
}

const text = (x: unknown): string =>
  typeof x === 'object' && x !== null ? `a ${x.constructor?.name ?? 'plain object'}` : String(x)
