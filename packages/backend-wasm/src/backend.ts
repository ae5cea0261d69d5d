// The backend. Memory is the module's, and the module runs the words.
import { type DeviceBuffer, garbage, type HostBuffer } from '@flambeau/core/backend'
import { StreamBackend } from '@flambeau/stream'
import type { Exports } from './exports.ts'
import { Heap } from './heap.ts'
import { WasmHost } from './host.ts'
import { LinearMemory } from './memory.ts'

/** What the backend has loaded, and its memory. */
export interface Report {
  /** Whether it took the module of relaxed SIMD; undefined for a module that the caller passed. */
  readonly relaxed: boolean | undefined
  /** Whether expressions of compiled steps and of large eager operations become WebAssembly of their own. */
  readonly emit: boolean
  /** The bytes of linear memory, which never shrinks. */
  readonly linearBytes: number
  /** The bytes of tensors in it. */
  readonly bytes: number
  /** The limit above which those used least recently move to JavaScript's memory. */
  readonly maxBytes: number
}

export class WasmBackend extends StreamBackend<WasmHost, LinearMemory> {
  readonly name = 'wasm'
  readonly #heap: Heap
  readonly #relaxed: boolean | undefined

  constructor(exports: Exports, maxBytes: number, relaxed?: boolean) {
    const heap = new Heap(exports)
    const host = new WasmHost(heap)
    super(host, (backend) => (host.memory = new LinearMemory(backend as never, heap, maxBytes)))
    this.#heap = heap
    this.#relaxed = relaxed
    this.maxBytes = maxBytes
  }

  report(): Report {
    return {
      relaxed: this.#relaxed,
      emit: this.host.emits,
      linearBytes: this.#heap.bytes.length,
      bytes: this.slabs.resident,
      maxBytes: this.slabs.maxBytes,
    }
  }

  /** The bytes of linear memory for tensors above which those used least recently spill. */
  set maxBytes(bytes: number) {
    this.slabs.maxBytes = bytes
    // One batch must not need all of it.
    this.mostBytes = bytes / 2
  }

  free(buffer: DeviceBuffer): void {
    const { slab } = buffer as HostBuffer
    if (this.batch.has(slab)) this.submit()
    this.slabs.free(slab as never)
  }

  tidy(): void {
    garbage.tidy()
  }
}
