// The backend. Memory is V8's own, and the addon runs the words.
import {
  type DeviceBuffer,
  type DType,
  garbage,
  type HostBuffer,
  HostMemory,
  type TypedArray,
} from '@flambeau/core/backend'
import { StreamBackend } from '@flambeau/stream'
import type { Addon } from './addon.ts'
import { bytesAlive, uninitialized } from './array-buffers.ts'
import { hostOf, type NativeHost } from './host.ts'
import type { Report } from './report.ts'

export class NativeBackend extends StreamBackend<NativeHost, HostMemory> {
  readonly name = 'native'
  /** The limit of array-buffer bytes in this thread. */
  maxBytes = Number.POSITIVE_INFINITY
  /** The bytes alive at the last look, and the bytes of slabs opened since. */
  #alive = 0
  #opened = 0

  constructor(addon: Addon) {
    const make = (dtype: DType, length: number): TypedArray => uninitialized(addon, dtype, length)
    super(hostOf(addon), (backend) => new HostMemory(backend, (bytes) => this.#admit(bytes), make))
  }

  /** Whether this many more bytes may be allocated. It looks up what is alive only if it might be too much. */
  #admit(bytes: number): boolean {
    this.#opened += bytes
    if (this.#alive + this.#opened <= this.maxBytes) return true
    this.#alive = bytesAlive()
    this.#opened = bytes
    if (this.#alive + bytes <= this.maxBytes) return true
    garbage.all()
    this.#alive = bytesAlive()
    return this.#alive + bytes <= this.maxBytes
  }

  tidy(): void {
    if (garbage.tidy()) this.host.trim()
  }

  free(buffer: DeviceBuffer): void {
    garbage.put((buffer as HostBuffer).slab)
  }

  /** What the addon found on this machine and chose for it. */
  report(): Report {
    return this.host.report()
  }
}
