// Notes of the host state that a step reads while it is recorded: properties of objects, options, states, the memory of
// tensors, existing gradients. The code that reads reports through `effects`.
import { RuntimeError } from '../base/errors.ts'
import type { Looks } from '../tensor/effects.ts'
import type { Input } from '../tensor/op.ts'
import { Tensor } from '../tensor/tensor.ts'
import type { UndoLog } from '../tensor/undo.ts'
import { isPlainObject } from './nested.ts'
import { type By, type Note, NoteSet, valueOf } from './notes.ts'

/** A tensor argument for the recorder: the copy given to the step, the original, and its name in messages. */
export interface Argument {
  readonly given: Tensor
  readonly passed: Tensor
  readonly path: string
}

/** The `.grad` of a tensor before the step, whether the step read it, and whether it set another. */
export interface GradientBefore {
  readonly grad: Tensor | null
  readonly read: boolean
  set: boolean
}

export interface HostNotesOptions {
  readonly args: readonly Argument[]
  /** Storages with serial numbers from this one on belong to the step. */
  readonly first: number
  /** The notes of an earlier recording: their values at the beginning of this step are known. */
  readonly known: readonly Note[]
}

export class HostNotes implements Looks {
  readonly #arguments: readonly Argument[]
  readonly #firstStorage: number
  readonly #undo: UndoLog
  readonly #notes = new NoteSet()
  /** Earlier notes, with their values when the step began. */
  readonly #known: NoteSet
  /** Options that only effects may change, with their numbers. */
  readonly #options = new Map<object, Map<string, unknown>>()
  readonly #seen = new Set<object>()
  /** Tensors whose `.grad` the step read or set. */
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

  /** From here on, only effects may change numeric options. */
  #watch(options: object): void {
    const entries = Object.entries(options)
    const before = this.#options.get(options)
    if (before === undefined) this.#undo.add(() => void Object.assign(options, Object.fromEntries(entries)))
    this.#options.set(options, new Map(entries.filter(([, value]) => typeof value === 'number')))
  }

  /** Updates the watched options after an effect, which may change them. */
  watchOptions(): void {
    for (const options of this.#options.keys()) this.#watch(options)
  }

  /** Throws if the step's own code has set an option, because a replay would not. */
  checkOptions(): void {
    for (const [options, numbers] of this.#options) {
      for (const [key, value] of numbers) {
        if (Object.is((options as Record<string, unknown>)[key], value)) continue
        throw new RuntimeError(
          `${key} of a parameter group is set inside a compiled step, which a replay would not repeat`,
          'Set it before the call, or use a scheduler: replays repeat scheduler.step().',
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
      // A symbol that is not enumerable is the place of a property's value.
      if (typeof key === 'symbol' && !Object.prototype.propertyIsEnumerable.call(object, key)) continue
      this.noted(object, key)
      this.#notedPart((object as Record<PropertyKey, unknown>)[key])
    }
  }

  /** Notes the value of a property: the memory of a tensor, or the parts of a list or plain object. */
  #notedPart(part: unknown): void {
    if (part instanceof Tensor) this.#met(part)
    else if (Array.isArray(part) ? part.some((x) => typeof x === 'object') : isPlainObject(part))
      this.notedAll(part as object)
  }

  notedOptions(options: object): void {
    for (const [key, value] of Object.entries(options)) {
      this.#note(options, key, typeof value === 'number' ? 'option' : 'value')
      if (Array.isArray(value) && value.every((x) => typeof x === 'number')) {
        // Numbers in lists such as betas are read again at every call, too.
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

  /** The notes, with their values at the end of the step. */
  notes(): Note[] {
    const passed = this.#passed
    const notes = [...this.#notes]
    for (const note of notes) note.after = valueOf(note, passed)
    for (const [x, { grad, read }] of this.gradients) {
      const argument = this.#arguments.findIndex(({ given }) => given === x)
      if (!read || !(argument >= 0 || this.isOutside(x))) continue
      // Whatever gradient the step leaves, it relies on the one that it found.
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
