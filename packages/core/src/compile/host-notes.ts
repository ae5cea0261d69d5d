// What the host looks at while a step is recorded, as notes: properties of objects, options, states, where tensors lie,
// which gradients are there. Who looks says so through `effects`.
import { RuntimeError } from '../base/errors.ts'
import type { Looks } from '../tensor/effects.ts'
import type { Input } from '../tensor/op.ts'
import { Tensor } from '../tensor/tensor.ts'
import type { UndoLog } from '../tensor/undo.ts'
import { isPlainObject } from './nested.ts'
import { type By, type Note, NoteSet, valueOf } from './notes.ts'

/** A tensor argument as the recorder knows it: as it is given to the step, where it came from, how messages call it. */
export interface Argument {
  readonly given: Tensor
  readonly passed: Tensor
  readonly path: string
}

/** The `.grad` that a tensor had before the step, whether the step looked at that, and whether it set another. */
export interface GradientBefore {
  readonly grad: Tensor | null
  readonly read: boolean
  set: boolean
}

export interface HostNotesOptions {
  readonly args: readonly Argument[]
  /** Memory from this serial on is the step's own. */
  readonly first: number
  /** What the step looked at before: what that was is known from the beginning. */
  readonly known: readonly Note[]
}

export class HostNotes implements Looks {
  readonly #arguments: readonly Argument[]
  readonly #firstStorage: number
  readonly #undo: UndoLog
  readonly #notes = new NoteSet()
  /** What was known to be looked at was this when the step began. */
  readonly #known: NoteSet
  /** Options that only effects may change, with their numbers. */
  readonly #options = new Map<object, Map<string, unknown>>()
  readonly #seen = new Set<object>()
  /** Tensors whose `.grad` the step looked at or set. */
  readonly gradients = new Map<Tensor, GradientBefore>()

  constructor({ args, first, known }: HostNotesOptions, undo: UndoLog) {
    this.#arguments = args
    this.#firstStorage = first
    this.#undo = undo
    const passed = this.#passed
    this.#known = new NoteSet(known.map((note) => ({ ...note, before: valueOf(note, passed) })))
    for (const { object, by } of known) if (by === 'option' && object !== null) this.#watch(object)
  }

  get #passed(): readonly Tensor[] {
    return this.#arguments.map((x) => x.passed)
  }

  /** From here on only effects may change the numbers among options. */
  #watch(options: object): void {
    const entries = Object.entries(options)
    const before = this.#options.get(options)
    if (before === undefined) this.#undo.add(() => void Object.assign(options, Object.fromEntries(entries)))
    this.#options.set(options, new Map(entries.filter(([, value]) => typeof value === 'number')))
  }

  /** An effect has run, which may change them. */
  watchOptions(): void {
    for (const options of this.#options.keys()) this.#watch(options)
  }

  /** Throws where the step's own code has set an option: a replay would not. */
  checkOptions(): void {
    for (const [options, numbers] of this.#options) {
      for (const [key, value] of numbers) {
        if (Object.is((options as Record<string, unknown>)[key], value)) continue
        throw new RuntimeError(
          `${key} of a parameter group is set inside a compiled step, which its replays would not do`,
          'Set it before the call, or let a scheduler do it: scheduler.step() is repeated.',
        )
      }
    }
  }

  #note(object: object, key: unknown, by: By): void {
    const argument = this.#arguments.findIndex((x) => x.given === object)
    const about = { object: argument < 0 ? object : null, argument, key, by }
    const known = this.#known.get(about)
    if (this.#notes.get(about) !== undefined) return
    const now = valueOf(about, this.#passed)
    this.#notes.add({ ...about, before: known === undefined ? now : known.before, after: now })
  }

  noted(object: object, key: PropertyKey): void {
    this.#note(object, key, 'value')
  }

  notedAll(object: object): void {
    if (this.#seen.has(object)) return
    this.#seen.add(object)
    if (typeof (object as { forward?: unknown }).forward === 'function') this.noted(object, 'forward')
    for (const key of Reflect.ownKeys(object)) {
      this.noted(object, key)
      this.#notedPart((object as Record<PropertyKey, unknown>)[key])
    }
  }

  /** What a property holds: a tensor lies somewhere; a list or plain object of parts has them. */
  #notedPart(part: unknown): void {
    if (part instanceof Tensor) this.#met(part)
    else if (Array.isArray(part) ? part.some((x) => typeof x === 'object') : isPlainObject(part))
      this.notedAll(part as object)
  }

  notedOptions(options: object): void {
    for (const [key, value] of Object.entries(options)) {
      this.#note(options, key, typeof value === 'number' ? 'option' : 'value')
      if (Array.isArray(value) && value.every((x) => typeof x === 'number')) {
        // Numbers that are read anew, too: betas.
        this.noted(value, 'length')
        for (const i of value.keys()) this.#note(value, i, 'zero')
      } else this.#notedPart(value)
    }
    if (!this.#options.has(options)) this.#watch(options)
  }

  notedEntry<K extends object>(map: ReadonlyMap<K, object>, key: K): void {
    this.#note(map, key, 'entry')
    const entry = map.get(key)
    if (entry === undefined) return
    for (const [name, value] of Object.entries(entry)) {
      this.#note(entry, name, typeof value === 'number' ? 'zero' : 'value')
      this.#notedPart(value)
    }
  }

  met(inputs: readonly Input[]): void {
    for (let i = 0; i < inputs.length; i++) {
      const x = inputs[i]
      if (x instanceof Tensor) this.#met(x)
    }
  }

  #met(x: Tensor): void {
    if (!this.isOutside(x) || this.#seen.has(x) || this.#arguments.some(({ given }) => given === x)) return
    this.#seen.add(x)
    this.noted(x, 'memory')
    this.noted(x, 'leafRequiresGrad')
    this.noted(x, 'node')
  }

  isOutside({ storage }: Tensor): boolean {
    return storage.serial < this.#firstStorage
  }

  /** The notes, with what is there at the end of the step. */
  notes(): Note[] {
    const passed = this.#passed
    const notes = [...this.#notes]
    for (const note of notes) note.after = valueOf(note, passed)
    for (const [x, { grad, read }] of this.gradients) {
      const argument = this.#arguments.findIndex(({ given }) => given === x)
      if (!read || !(argument >= 0 || this.isOutside(x))) continue
      // Whatever the step leaves: with this gradient, and with no other, it does what it did.
      notes.push({
        object: argument < 0 ? x : null,
        argument,
        key: 'collected',
        by: 'value',
        before: grad,
        after: grad,
      })
    }
    return notes
  }

  readsGradient(x: Tensor): void {
    if (!this.gradients.has(x)) this.gradients.set(x, { grad: x.collected, read: true, set: false })
  }

  setsGradient(x: Tensor): void {
    const grad = x.collected
    const known = this.gradients.get(x)
    if (known?.set === true) return
    if (known === undefined) this.gradients.set(x, { grad, read: false, set: true })
    else known.set = true
    this.#undo.add(() => void x.collect(grad))
  }
}
