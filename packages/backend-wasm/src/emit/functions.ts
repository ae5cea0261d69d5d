// Emitted functions in the table of the compiled module, whose C++ calls them by their index.
import type { Exports } from '../exports.ts'
import { type Engine, engine } from '../webassembly.ts'

type Imports = Readonly<Record<string, unknown>>

export class Functions {
  readonly #exports: Exports
  /** What emitted modules import: what C++ exports, and whether long loops go backwards (kernel.ts). */
  readonly #imports: Imports
  /** Indices that nothing uses anymore. */
  readonly #free: number[] = []

  constructor(exports: Exports) {
    this.#exports = exports
    const { Global } = engine() as Engine
    this.#imports = { ...exports, turned: new Global({ value: 'i32', mutable: true }, 0) }
  }

  /** Compiles a module with so many functions; returns their indices, or undefined if this page may not compile it. */
  add(bytes: Uint8Array, count: number): Int32Array | undefined {
    const { __indirect_function_table: table } = this.#exports
    const { Module, Instance, CompileError } = engine() as Engine
    let made: Readonly<Record<string, unknown>>
    try {
      const instance = new Instance(new Module(bytes), { flambeau: this.#imports })
      made = instance.exports as Readonly<Record<string, unknown>>
    } catch (error) {
      // A page may forbid bytes that were made here, or have no room for them.
      if (error instanceof CompileError || error instanceof RangeError) return undefined
      throw error
    }
    return Int32Array.from({ length: count }, (_, i) => {
      const at = this.#free.pop() ?? table.grow(1)
      table.set(at, made[i])
      return at
    })
  }

  at(index: number): unknown {
    return this.#exports.__indirect_function_table.get(index)
  }

  remove(indices: Int32Array): void {
    for (const at of indices) {
      this.#exports.__indirect_function_table.set(at, null)
      this.#free.push(at)
    }
  }
}
