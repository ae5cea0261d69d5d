// The module's own memory as JavaScript sees it: blocks, and arrays in them. When memory grows, all arrays over it lose
// their elements, so nobody keeps one: each is renewed when it is asked for and has none.
import type { Shared } from '@flambeau/stream'
import type { Exports } from './exports.ts'
import { outOfMemory } from './load.ts'

/** A typed array in a block of its own, which is released once nothing refers to it. */
class SharedArray<T extends Int32Array | Float64Array> implements Shared<T> {
  readonly at: number
  readonly #make: (at: number) => T
  #view: T

  constructor(at: number, make: (at: number) => T) {
    this.at = at
    this.#make = make
    this.#view = make(at)
  }

  get array(): T {
    if (this.#view.length === 0) this.#view = this.#make(this.at)
    return this.#view
  }
}

/** The place of an array that `words` or `numbers` made. */
export const placeOf = (shared: Shared<unknown>): number => (shared as SharedArray<Int32Array>).at

/** Blocks of arrays that nothing refers to anymore. Of the module, because no registry may be collected (decision 0115). */
const released = new FinalizationRegistry<readonly [exports: Exports, at: number]>(([exports, at]) =>
  exports.release(at),
)

export class Heap {
  readonly exports: Exports
  /** The stack pointer between calls. */
  readonly #stack: number
  #bytes: Uint8Array<ArrayBuffer>

  constructor(exports: Exports) {
    this.exports = exports
    this.#stack = exports.__stack_pointer.value
    this.#bytes = new Uint8Array(exports.memory.buffer)
  }

  /** All bytes of the memory. */
  get bytes(): Uint8Array<ArrayBuffer> {
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(this.exports.memory.buffer)
    return this.#bytes
  }

  /** A block of so many bytes at a multiple of 64; 0 if there is no memory for it. */
  allocate(bytes: number): number {
    return bytes < most ? this.exports.allocate(Math.max(bytes, 1)) >>> 0 : 0
  }

  release(at: number): void {
    this.exports.release(at)
  }

  /** Zeros. */
  #array<T extends Int32Array | Float64Array>(bytes: number, make: (at: number) => T): Shared<T> {
    const at = this.allocate(bytes)
    if (at === 0) throw outOfMemory
    this.bytes.fill(0, at, at + bytes)
    const shared = new SharedArray(at, make)
    released.register(shared, [this.exports, at])
    return shared
  }

  /** An array has an element at least, because one without is one that lost them. */
  words = (length: number): Shared<Int32Array> => {
    const count = Math.max(length, 1)
    return this.#array(4 * count, (at) => new Int32Array(this.bytes.buffer, at, count))
  }
  numbers = (length: number): Shared<Float64Array> => {
    const count = Math.max(length, 1)
    return this.#array(8 * count, (at) => new Float64Array(this.bytes.buffer, at, count))
  }

  /** Passes words to a function that reads them during the call. */
  lent<R>(words: Int32Array, call: (at: number) => R): R {
    const at = this.allocate(words.byteLength)
    if (at === 0) throw outOfMemory
    try {
      new Int32Array(this.bytes.buffer, at, words.length).set(words)
      return call(at)
    } finally {
      this.release(at)
    }
  }

  /** Undoes what an exception has left behind on its way through C++. */
  unwind(): void {
    this.exports.__stack_pointer.value = this.#stack
  }

  /** The sentence about the last invalid words. */
  message(): string {
    const from = this.exports.message() >>> 0
    const { bytes } = this
    return String.fromCharCode(...bytes.subarray(from, bytes.indexOf(0, from)))
  }
}

/** Addresses have 32 bits, and the module itself needs some of them. */
const most = 2 ** 32 - 2 ** 20
