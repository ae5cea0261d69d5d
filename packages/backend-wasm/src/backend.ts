// The backend. Memory is the module's, and the module runs the words.
import { type DeviceBuffer, garbage, type HostBuffer } from '@flambeau/core/backend'
import { StreamBackend } from '@flambeau/stream'
import type { Exports } from './exports.ts'
import { Heap } from './heap.ts'
import { WasmHost } from './host.ts'
import { LinearMemory } from './memory.ts'

export class WasmBackend extends StreamBackend<WasmHost, LinearMemory> {
  readonly name = 'wasm'

  constructor(exports: Exports, maxBytes: number) {
    const heap = new Heap(exports)
    const host = new WasmHost(heap)
    super(host, (backend) => (host.memory = new LinearMemory(backend as never, heap, maxBytes)))
    this.maxBytes = maxBytes
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
