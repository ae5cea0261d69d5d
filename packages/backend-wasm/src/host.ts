// The module as the host of the stream. Words, rows and numbers are written where the module reads them.
import type { Slab, TypedArray } from '@flambeau/core/backend'
import { type Arena, ended, type Handle, type Host, type Shared } from '@flambeau/stream'
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

/** What a run returns for words that are invalid. */
const invalid = 1

export class WasmHost implements Host {
  readonly words: Host['words']
  readonly numbers: Host['numbers']
  /** Set right after the host was made; the memory needs the backend. */
  memory!: LinearMemory
  readonly #heap: Heap
  readonly #dropped: FinalizationRegistry<number>
  /** The arrays of batches. */
  #words = 0
  #rows = 0
  #numbers = 0
  #status!: Shared<Int32Array>

  constructor(heap: Heap) {
    this.#heap = heap
    this.words = heap.words
    this.numbers = heap.numbers
    this.#dropped = new FinalizationRegistry((program) => heap.exports.drop(program))
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
    let number = 0
    this.#checked(words, (place) => {
      number = this.#heap.exports.program(place, words.length, rows, numbers)
      return number !== 0
    })
    const handle: Omit<Bound, 'handle'> = { number, rows: 0, numbers: 0, stride: 0 }
    this.#dropped.register(handle, number)
    return handle as Bound
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
