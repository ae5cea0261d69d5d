// The backend. Memory is the module's, and the module runs the words; what only JavaScript computes runs here.
import { type DeviceBuffer, garbage, type HostBuffer, type Instr, runOnHost } from '@flambeau/core/backend'
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

  override supports(instr: Instr): boolean {
    return instr.kind === 'host' || super.supports(instr)
  }

  override run(instr: Instr): void {
    if (instr.kind !== 'host') return super.run(instr)
    this.submit()
    runOnHost(instr)
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
