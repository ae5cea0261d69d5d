// A buffer in a slab that a host may move: its array is that of the slab at the moment.
import type { Backend, HostBuffer, Slab, TypedArray } from '@flambeau/core/backend'

export class SlabBuffer implements HostBuffer {
  readonly backend: Backend
  readonly slab: Slab
  readonly start: number
  readonly length: number
  writes = 0

  constructor(backend: Backend, slab: Slab, start: number, length: number) {
    this.backend = backend
    this.slab = slab
    this.start = start
    this.length = length
  }

  get data(): TypedArray {
    return this.slab.data
  }
}
