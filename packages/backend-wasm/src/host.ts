// The module as the host of the stream. Words, rows and numbers are written where the module reads them.
import type { BoxMuller, Slab, TypedArray } from '@flambeau/core/backend'
import { type Arena, ended, fetched, type Handle, type Host, type Shared } from '@flambeau/stream'
import { emit } from './emit/emit.ts'
import { Functions } from './emit/functions.ts'
import type { Exports, ProgramText } from './exports.ts'
import { type Heap, placeOf } from './heap.ts'
import { outOfMemory } from './load.ts'
import { matricesOf } from './matrices.ts'
import type { LinearMemory } from './memory.ts'

/** A program of the module, with the arrays that its runs read. */
interface Bound extends Handle {
  readonly number: number
  rows: Shared<Float64Array>
  numbers: number
  stride: number
  /** The function that computes all of it, if there is one. */
  readonly whole: Whole | undefined
}

/** An emitted function of rows and numbers, which returns 0, or the tag of a check that failed, plus 1. */
interface Whole {
  readonly run: (rows: number, numbers: number) => number
  /** The addresses of the rows, as emitted functions read them. */
  readonly table: Shared<Int32Array>
}
/** Words of a row in the table. */
const rowWords = 4

/** What a program has in a module, by which it is dropped. */
interface Held {
  readonly exports: Exports
  readonly number: number
  readonly table: Functions
  readonly functions: Int32Array
}
/** Programs that nothing refers to anymore. Of the module, because no registry may be collected (decision 0115). */
const dropped = new FinalizationRegistry<Held>(({ exports, number, table, functions }) => {
  exports.drop(number)
  table.remove(functions)
})
const none = new Int32Array(0)

/** Words, and the functions that they refer to. */
interface Made {
  readonly words: Int32Array
  readonly functions: Int32Array
  /** Whether the first function computes all of it. */
  readonly isWhole?: boolean
}

/** What a run returns for words that are invalid. */
const invalid = 1

export class WasmHost implements Host {
  readonly fused: Host['fused'] = new Set(fetched)
  readonly matrices: Host['matrices']
  readonly words: Host['words']
  readonly numbers: Host['numbers']
  /** Set right after the host was made; the memory needs the backend. */
  memory!: LinearMemory
  readonly #heap: Heap
  /** Whether functions are emitted for programs. */
  emits = true
  readonly #functions: Functions
  /** The functions of the programs that calls refer to. */
  readonly #defined: Int32Array[] = []
  /** The arrays of batches. */
  #words = 0
  #rows = 0
  #numbers = 0
  #status!: Shared<Int32Array>

  constructor(heap: Heap) {
    this.#heap = heap
    this.matrices = matricesOf(heap)
    this.words = heap.words
    this.numbers = heap.numbers
    this.#functions = new Functions(heap.exports)
  }

  readonly #normals: BoxMuller = (words, std) => this.#heap.exports.normals(words.byteOffset, words.length, std)

  normals({ buffer }: TypedArray): BoxMuller | undefined {
    return buffer === this.#heap.bytes.buffer ? this.#normals : undefined
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
    const { number, rows, numbers, stride, whole } = program as Bound
    if (whole !== undefined && times === 1) return this.#whole(whole, rows.array, numbers)
    try {
      const status = placeOf(this.#status)
      return this.#ended(this.#heap.exports.run(number, placeOf(rows), numbers, stride, times, status))
    } catch (error) {
      return this.#failed(error)
    }
  }

  /** Calls the function without C++ in between: all that this would do takes as long as a small step. */
  #whole({ run, table }: Whole, rows: Float64Array, numbers: number): number {
    const { array } = table
    for (let to = 0, at = 0; to < array.length; to += rowWords, at += 3) array[to] = rows[at]
    const failed = run(placeOf(table), numbers)
    const kind = failed === 0 ? ended.done : ended.check
    const status = this.#status.array
    status[0] = kind
    status[1] = failed === 0 ? 0 : failed - 1
    status[2] = 0
    status[3] = failed === 0 ? 1 : 0
    return kind
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
    this.#define(at, { words: words.subarray(0, count), functions: none }, rows, numbers)
  }

  compile(at: number, words: Int32Array, rows: number, numbers: number): boolean {
    const made = this.#emit(words)
    if (made.functions === none) return false
    this.#define(at, made, rows, numbers)
    return true
  }

  #define(at: number, made: Made, rows: number, numbers: number): void {
    this.#checked(made, rows, numbers, (text) => this.#heap.exports.define(at, ...text) === 0)
    this.#functions.remove(this.#defined[at] ?? none)
    this.#defined[at] = made.functions
  }

  program(words: Int32Array, rows: number, numbers: number): Handle {
    const made = this.#emit(words)
    const { functions } = made
    let number = 0
    this.#checked(made, rows, numbers, (text) => {
      number = this.#heap.exports.program(...text)
      return number !== 0
    })
    const whole = made.isWhole
      ? { run: this.#functions.at(functions[0]) as Whole['run'], table: this.words(rowWords * rows) }
      : undefined
    const handle: Omit<Bound, 'handle' | 'rows'> = { number, numbers: 0, stride: 0, whole }
    dropped.register(handle, { exports: this.#heap.exports, number, table: this.#functions, functions })
    return handle as Bound
  }

  /** The words with functions that were emitted for them, if there are any. */
  #emit(words: Int32Array): Made {
    const emitted = this.emits ? emit(words) : undefined
    const functions = emitted && this.#functions.add(emitted.module, emitted.functions)
    if (emitted === undefined || functions === undefined) return { words, functions: none }
    return { words: emitted.words, functions, isWhole: emitted.isWhole }
  }

  /** Passes words and functions to C++, which checks them; throws what it finds. */
  #checked({ words, functions }: Made, rows: number, numbers: number, check: (text: ProgramText) => boolean): void {
    try {
      const isValid = this.#heap.lent(words, (at) =>
        this.#heap.lent(functions, (table) => check([at, words.length, rows, numbers, table, functions.length])),
      )
      if (!isValid) throw new Error(this.#heap.message())
    } catch (error) {
      this.#heap.unwind()
      this.#functions.remove(functions)
      throw error
    }
  }

  bind(program: Handle, rows: Shared<Float64Array>, numbers: Shared<Float64Array>, stride: number): void {
    Object.assign(program, { rows, numbers: placeOf(numbers), stride })
  }

  keep(program: Handle, tags: Int32Array): void {
    this.#heap.lent(tags, (place) => this.#heap.exports.keep((program as Bound).number, place, tags.length))
  }

  forget(program: Handle): void {
    this.#heap.exports.forget((program as Bound).number)
  }
}
