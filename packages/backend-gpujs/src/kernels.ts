// Compiled kernels, cached by text and sizes; when there are too many, the least recently used are destroyed.
import type { Compiled, Engine } from './adapter.ts'
import type { Kernel } from './plan.ts'

/** A cached kernel; a user of a destroyed one compiles it again. */
export interface Entry {
  readonly compiled: Compiled
  readonly key: string
  /** Bytes of its own memory. */
  readonly bytes: number
  used: number
  alive: boolean
}

export interface KernelLimits {
  readonly kernels: number
  readonly bytes: number
}

const keyOf = ({ source, length, textures, numbers }: Kernel): string => `${length}|${textures}|${numbers}|${source}`

/**
 * In WebAssembly a kernel has memory for everything that it reads and writes, on GL for the results of threads that
 * return four.
 */
function ownElements({ length, textures, perThread }: Kernel, { mode, context }: Engine): number {
  if (mode === 'webasm') return textures.reduce((sum, n) => sum + n, length)
  return context !== null && perThread !== undefined ? length : 0
}

export class Kernels {
  readonly #engine: Engine
  readonly #limits: KernelLimits
  readonly #entries = new Map<string, Entry>()
  #bytes = 0
  #clock = 0
  compilations = 0
  calls = 0

  constructor(engine: Engine, limits: KernelLimits) {
    this.#engine = engine
    this.#limits = limits
  }

  get size(): number {
    return this.#entries.size
  }

  /** Returns the compiled kernel; `known` is the entry that was found earlier. */
  find(kernel: Kernel, known: Entry | undefined): Entry {
    const entry = known?.alive ? known : (this.#entries.get(keyOf(kernel)) ?? this.#compile(kernel))
    entry.used = ++this.#clock
    this.calls++
    return entry
  }

  #compile(kernel: Kernel): Entry {
    const elements = ownElements(kernel, this.#engine)
    const compiled = this.#engine.compile(kernel)
    const entry = { compiled, key: keyOf(kernel), bytes: elements * 4, used: 0, alive: true }
    this.#entries.set(entry.key, entry)
    this.#bytes += entry.bytes
    this.compilations++
    this.#trim(entry)
    return entry
  }

  /** Destroys the least recently used kernels, down to three quarters of the limits. */
  #trim(newest: Entry): void {
    const { kernels, bytes } = this.#limits
    if (this.#entries.size <= kernels && this.#bytes <= bytes) return
    for (const entry of [...this.#entries.values()].sort((a, b) => a.used - b.used)) {
      if (this.#entries.size <= kernels * 0.75 && this.#bytes <= bytes * 0.75) return
      if (entry !== newest) this.#destroy(entry)
    }
  }

  #destroy(entry: Entry): void {
    entry.alive = false
    entry.compiled.destroy()
    this.#entries.delete(entry.key)
    this.#bytes -= entry.bytes
  }

  dispose(): void {
    for (const entry of [...this.#entries.values()]) this.#destroy(entry)
  }
}
