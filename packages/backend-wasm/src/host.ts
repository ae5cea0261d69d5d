// The module as the host of the stream. Words, rows and numbers are written where the module reads them.
import type { Slab, TypedArray } from '@flambeau/core/backend'
import { type Arena, ended, type Handle, type Host, type Shared } from '@flambeau/stream'
import { emit } from './emit/emit.ts'
import { Functions } from './emit/functions.ts'
import { type Heap, placeOf } from './heap.ts'
import { outOfMemory } from './load.ts'
import type { LinearMemory } from './memory.ts'

/** A program of the module, with the arrays that its runs read. */
interface Bound extends Handle {
  readonly number: number
  rows: number
  numbers: number
  stride: number
}

/** What a program has in the module, by which it is dropped. */
interface Held {
  readonly number: number
  readonly functions: Int32Array
}
const none = new Int32Array(0)

/** What a run returns for words that are invalid. */
const invalid = 1

export class WasmHost implements Host {
  readonly words: Host['words']
  readonly numbers: Host['numbers']
  /** Set right after the host was made; the memory needs the backend. */
  memory!: LinearMemory
  readonly #heap: Heap
  /** Whether functions are emitted for programs. */
  emits = true
  readonly #functions: Functions
  readonly #dropped: FinalizationRegistry<Held>
  /** The arrays of batches. */
  #words = 0
  #rows = 0
  #numbers = 0
  #status!: Shared<Int32Array>

  constructor(heap: Heap) {
    this.#heap = heap
    this.words = heap.words
    this.numbers = heap.numbers
    this.#functions = new Functions(heap.exports)
    this.#dropped = new FinalizationRegistry(({ number, functions }) => {
      heap.exports.drop(number)
      this.#functions.remove(functions)
    })
  }

  get moves(): number {
    return this.memory.moves
  }

  gather(): void {
    this.memory.gather()
  }

  place(slab: Slab): number {
    return this.memory.place(slab)
  }

  lend(array: TypedArray): number {
    return this.memory.lend(array)
  }

  arena(bytes: number, lasting: boolean): Arena {
    return this.memory.arena(bytes, lasting)
  }

  open(
    words: Shared<Int32Array>,
    rows: Shared<Float64Array>,
    numbers: Shared<Float64Array>,
    status: Shared<Int32Array>,
  ): void {
    this.#words = placeOf(words)
    this.#rows = placeOf(rows)
    this.#numbers = placeOf(numbers)
    this.#status = status
  }

  submit(words: number, rows: number, numbers: number): number {
    const { exports } = this.#heap
    try {
      const status = placeOf(this.#status)
      return this.#ended(exports.submit(this.#words, words, this.#rows, rows, this.#numbers, numbers, status))
    } catch (error) {
      return this.#failed(error)
    }
  }

  run(program: Handle, times: number): number {
    const { number, rows, numbers, stride } = program as Bound
    try {
      return this.#ended(this.#heap.exports.run(number, rows, numbers, stride, times, placeOf(this.#status)))
    } catch (error) {
      return this.#failed(error)
    }
  }

  #ended(kind: number): number {
    if (kind === invalid) throw new Error(this.#heap.message())
    return kind
  }

  /** The kind of a run that an exception has ended, if memory was what it lacked. */
  #failed(error: unknown): number {
    this.#heap.unwind()
    if (error !== outOfMemory) throw error
    this.#status.array.set([ended.memory, 0, 0, 0])
    return ended.memory
  }

  define(at: number, words: Int32Array, count: number, rows: number, numbers: number): void {
    this.#checked(words.subarray(0, count), (place) => this.#heap.exports.define(at, place, count, rows, numbers) === 0)
  }

  program(words: Int32Array, rows: number, numbers: number): Handle {
    const emitted = this.emits ? emit(words) : undefined
    const functions = emitted && this.#functions.add(emitted.module, emitted.functions)
    const held =
      emitted === undefined || functions === undefined
        ? this.#held(words, rows, numbers, none)
        : this.#held(emitted.words, rows, numbers, functions)
    const handle: Omit<Bound, 'handle'> = { number: held.number, rows: 0, numbers: 0, stride: 0 }
    this.#dropped.register(handle, held)
    return handle as Bound
  }

  #held(words: Int32Array, rows: number, numbers: number, functions: Int32Array): Held {
    try {
      return { number: this.#program(words, rows, numbers, functions), functions }
    } catch (error) {
      this.#functions.remove(functions)
      throw error
    }
  }

  #program(words: Int32Array, rows: number, numbers: number, functions: Int32Array): number {
    let number = 0
    this.#checked(words, (place) => {
      number = this.#heap.lent(functions, (table) =>
        this.#heap.exports.emitted(place, words.length, rows, numbers, table, functions.length),
      )
      return number !== 0
    })
    return number
  }

  /** Passes words to a function that checks them; throws what it finds. */
  #checked(words: Int32Array, check: (place: number) => boolean): void {
    let valid = false
    try {
      valid = this.#heap.lent(words, check)
    } catch (error) {
      this.#heap.unwind()
      throw error
    }
    if (!valid) throw new Error(this.#heap.message())
  }

  bind(program: Handle, rows: Shared<Float64Array>, numbers: Shared<Float64Array>, stride: number): void {
    Object.assign(program, { rows: placeOf(rows), numbers: placeOf(numbers), stride })
  }

  keep(program: Handle, tags: Int32Array): void {
    this.#heap.lent(tags, (place) => this.#heap.exports.keep((program as Bound).number, place, tags.length))
  }

  forget(program: Handle): void {
    this.#heap.exports.forget((program as Bound).number)
  }
}
