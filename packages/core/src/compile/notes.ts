// What a recording takes for granted: notes of what the host looked at while it was made, each an object, a property and
// the value that it had. They are compared at every call, so a replay's are compared by a function made of them.
import type { Tensor } from '../tensor/tensor.ts'

/**
 * By what a note compares: the value itself; whether it is 0, of a number that is read anew, and, of an option, that only
 * effects may change; the entry of a map.
 */
export type By = 'value' | 'zero' | 'option' | 'entry'

export interface Note {
  /** What was looked at; null: the tensor argument of that number. */
  readonly object: object | null
  readonly argument: number
  readonly key: unknown
  readonly by: By
  /** What it was when the step began, and when it ended. */
  readonly before: unknown
  after: unknown
}

/** The value of a note's property now, as it is compared. */
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

  /** Whether it was not there. */
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

/** The first of the notes that a step cannot go on from, from the state before it or the one after it; null: none. */
export function firstChanged(notes: readonly Note[], args: readonly Tensor[]): Note | null {
  for (const note of notes) {
    const now = valueOf(note, args)
    if (!Object.is(now, note.before) && !Object.is(now, note.after)) return note
  }
  return null
}

/**
 * What a replay relies on, of two recordings in a row that agree. A value that the step itself changes and that was
 * another when the second began did not matter to what it does.
 */
export function reliedOn(last: readonly Note[], now: readonly Note[]): Note[] {
  const before = new NoteSet(last)
  return now.filter((note) => {
    if (Object.is(note.before, note.after)) return true
    const earlier = before.get(note)
    return earlier !== undefined && Object.is(earlier.before, note.before)
  })
}

/** Whether all is as it was before the step. */
export type Guard = (args: readonly Tensor[]) => boolean

/** More comparisons than this are several functions: V8 leaves long ones as they are. */
const mostTogether = 128
let guards = 0

/** A function that compares notes, each at a place of its own in its text: a twentieth of the time that a loop takes. */
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
      // A page whose policy forbids it.
      generates = false
    }
  }
  return (args) => notes.every((note) => Object.is(valueOf(note, args), note.before))
}

/** What it compares is passed in; its text has numbers and the kinds of comparison only. */
function generated(notes: readonly Note[]): Guard {
  const lines: string[] = []
  const terms = notes.map(({ object, argument, by, before }, i) => {
    lines.push(`const o${i} = notes[${i}].object, k${i} = notes[${i}].key, v${i} = notes[${i}].before`)
    const from = object === null ? `args[${argument}]` : `o${i}`
    if (by === 'entry') return `${from}.get(k${i}) === v${i}`
    if (by !== 'value' && typeof before === 'number')
      return `typeof ${from}[k${i}] === 'number' && Number(${from}[k${i}] !== 0) === v${i}`
    // 0 is not -0, and NaN is itself.
    return before === 0 || Number.isNaN(before) ? `Object.is(${from}[k${i}], v${i})` : `${from}[k${i}] === v${i}`
  })
  const text = `${lines.join('\n')}\nreturn (args) => ${terms.join(' && ') || 'true'}\n//# sourceURL=flambeau-guard-${guards++}.js`
  return new Function('notes', text)(notes) as Guard
}

/** A note in words, for a warning: what of which object was what and is what now, and what to do. */
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
