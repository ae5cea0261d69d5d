// The compiled module without the backend: programs as words over rows that a test fills, as they are or emitted.
import { readFileSync } from 'node:fs'
import { emit } from '../src/emit/emit.ts'
import { Functions } from '../src/emit/functions.ts'
import type { Exports } from '../src/exports.ts'
import { engine, type Engine } from '../src/webassembly.ts'

const { Module, Instance } = engine() as Engine
const bytes = readFileSync(new URL('../wasm/flambeau.wasm', import.meta.url))

export class Machine {
  readonly exports: Exports
  readonly functions: Functions
  readonly #blocks: number[] = []

  constructor() {
    const outOfMemory = (): never => {
      throw new Error('out of memory')
    }
    const instance = new Instance(new Module(bytes), { flambeau: { outOfMemory } })
    this.exports = instance.exports as Exports
    this.exports._initialize()
    this.functions = new Functions(this.exports)
  }

  /** Copies an array into memory; returns its address. */
  put(array: Int32Array | Float64Array | Uint8Array): number {
    const at = this.exports.allocate(Math.max(array.byteLength, 64))
    this.#blocks.push(at)
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
    new Uint8Array(this.exports.memory.buffer).set(bytes, at)
    return at
  }

  get message(): string {
    const memory = new Uint8Array(this.exports.memory.buffer)
    const at = this.exports.message()
    return Buffer.from(memory.subarray(at, memory.indexOf(0, at))).toString()
  }

  /**
   * Runs a program once and returns how it ended (kind, tag), and its rows then. `emitted`: with emitted functions;
   * undefined if there are none.
   */
  run(words: Int32Array, rows: readonly Uint8Array[], numbers: readonly number[], emitted: boolean) {
    const { exports } = this
    const made = emitted ? emit(words) : undefined
    if (emitted && made === undefined) return undefined
    const functions = made === undefined ? new Int32Array(0) : this.functions.add(made.module, made.functions)
    if (functions === undefined) throw new Error('the module does not compile')
    const code = made?.words ?? words
    const at = this.put(code)
    const table = this.put(functions)
    const handle = exports.program(at, code.length, rows.length, numbers.length, table, functions.length)
    if (handle === 0) throw new Error(this.message)
    const places = rows.map((row) => this.put(row))
    const rowTable = this.put(Float64Array.from(rows.flatMap((row, i) => [places[i], row.length, 0])))
    const status = this.put(new Int32Array(4))
    const kind = exports.run(handle, rowTable, this.put(Float64Array.from(numbers)), numbers.length, 1, status)
    if (kind === 1) throw new Error(this.message)
    const [, tag] = new Int32Array(exports.memory.buffer, status, 4)
    const after = rows.map((row, i) => new Uint8Array(exports.memory.buffer, places[i], row.length).slice())
    exports.drop(handle)
    this.functions.remove(functions)
    for (const block of this.#blocks.splice(0)) exports.release(block)
    return { kind, tag: kind === 0 ? 0 : tag, rows: after }
  }
}
