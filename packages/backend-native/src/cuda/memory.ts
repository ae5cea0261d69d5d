// Memory of a device. Small buffers share slabs, larger ones have blocks of their own, and freed blocks are kept for the
// next buffer of their size. To find accesses of what is not theirs, buffers can instead have allocations of exactly their
// size, of which none is used again. A buffer keeps the JavaScript object of its block alive; when V8 finds that object dead,
// also in the middle of a synchronous loop, a weak reference says so, and the block is free.
import {
  type Backend,
  type DeviceBuffer,
  dtypeSize,
  garbage,
  type GpuMemory,
  numelOf,
  type Spec,
} from '@flambeau/core/backend'
import type { CudaAddon, Handle } from './addon.ts'
import { callError, memoryError, outOfMemory } from './errors.ts'

/** A range of device memory that was allocated as one. */
export class Block {
  readonly address: number
  readonly bytes: number
  /** The number of its weak reference. */
  watched = -1
  /** It was given back before V8 found it dead. */
  gone = false

  constructor(address: number, bytes: number) {
    this.address = address
    this.bytes = bytes
  }
}

export class CudaBuffer implements DeviceBuffer {
  readonly backend: Backend
  readonly length: number
  readonly block: Block
  readonly address: number

  constructor(backend: Backend, length: number, block: Block, address: number) {
    this.backend = backend
    this.length = length
    this.block = block
    this.address = address
  }
}

const slabBytes = 1 << 16
/** A buffer larger than this has a block of its own. */
const largeBytes = slabBytes / 4
/** Addresses are multiples of this. */
const align = 256
/** After so many new bytes, dead blocks are looked for. */
const sweepBytes = 2 ** 25

/** Sizes of blocks, few enough that freed ones are used again. */
const rounded = (bytes: number): number => {
  const step = bytes <= 2 ** 20 ? 2 ** 9 : 2 ** 21
  return Math.max(step, Math.ceil(bytes / step) * step)
}

export class DeviceMemory {
  readonly #addon: CudaAddon
  readonly #device: Handle
  readonly #ordinal: number
  /** Runs all launches to their end: those that wait may use blocks that are free. */
  readonly #settle: () => void
  /** Each buffer is an allocation of its own, as long as it is, and is not kept. */
  readonly #exact: boolean
  readonly #free = new Map<number, number[]>()
  /** Address and size of each watched block, by the number of its reference. */
  readonly #watched = new Map<number, { readonly address: number; readonly bytes: number }>()
  readonly #dead = new Int32Array(1024)
  #slab: Block | null = null
  #at = 0
  #fresh = 0
  #held = 0
  #pooled = 0
  #mostHeld = 0
  #mostReserved = 0

  constructor(addon: CudaAddon, device: Handle, ordinal: number, settle: () => void, exact: boolean) {
    this.#addon = addon
    this.#device = device
    this.#ordinal = ordinal
    this.#settle = settle
    this.#exact = exact
  }

  /** Uninitialized memory for the elements of a spec. */
  alloc(backend: Backend, spec: Spec): CudaBuffer {
    const length = numelOf(spec.sizes)
    const { block, address } = this.take(length * dtypeSize[spec.dtype])
    return new CudaBuffer(backend, length, block, address)
  }

  take(bytes: number): { readonly block: Block; readonly address: number } {
    if (bytes > largeBytes || this.#exact) {
      const block = this.#block(this.#exact ? Math.max(1, bytes) : rounded(bytes))
      return { block, address: block.address }
    }
    const size = Math.max(align, Math.ceil(bytes / align) * align)
    if (this.#slab === null || this.#at + size > slabBytes) {
      this.#slab = this.#block(slabBytes)
      this.#at = 0
    }
    const address = this.#slab.address + this.#at
    this.#at += size
    return { block: this.#slab, address }
  }

  #block(bytes: number): Block {
    garbage.opens(bytes)
    this.#fresh += bytes
    if (this.#fresh > sweepBytes) this.#sweep()
    if (this.#exact && this.#pooled > sweepBytes) this.trim()
    const address = this.#pool(bytes) ?? this.#allocate(bytes)
    const block = new Block(address, bytes)
    block.watched = this.#addon.watch(this.#device, block)
    this.#watched.set(block.watched, { address, bytes })
    this.#held += bytes
    this.#notePeaks()
    return block
  }

  #pool(bytes: number): number | undefined {
    const address = this.#exact ? undefined : this.#free.get(bytes)?.pop()
    if (address !== undefined) this.#pooled -= bytes
    return address
  }

  #allocate(bytes: number): number {
    const attempts: readonly (() => void)[] = [
      () => {},
      () => this.#sweep(),
      () => {
        garbage.all()
        this.#sweep()
      },
      () => this.trim(),
    ]
    for (const prepare of attempts) {
      prepare()
      const address = this.#pool(bytes) ?? this.#addon.allocate(this.#device, bytes)
      if (address > 0) return address
      if (address !== -outOfMemory) throw callError(this.#addon, -address, 'allocating memory')
    }
    const [free = 0, total = 0] = this.#addon.memory(this.#device)
    throw memoryError(bytes, this.#ordinal, total, this.#held, free)
  }

  /** Finds the blocks that nothing refers to any more. The stream is ordered, so they may be used again at once. */
  #sweep(): void {
    this.#fresh = 0
    for (;;) {
      const found = this.#addon.sweep(this.#device, this.#dead)
      for (let i = 0; i < found; i++) this.#release(this.#dead[i])
      if (found < this.#dead.length) return
    }
  }

  #release(watched: number): void {
    const { address, bytes } = this.#watched.get(watched) as { address: number; bytes: number }
    this.#watched.delete(watched)
    const list = this.#free.get(bytes)
    if (list === undefined) this.#free.set(bytes, [address])
    else list.push(address)
    this.#held -= bytes
    this.#pooled += bytes
  }

  /** Frees a block that only one buffer has; slabs are found by sweeping. */
  give(block: Block): void {
    if (block === this.#slab || block.bytes === slabBytes || block.gone) return
    block.gone = true
    this.#addon.unwatch(this.#device, block.watched)
    this.#release(block.watched)
  }

  /** Returns unused blocks to the driver. */
  trim(): void {
    this.#settle()
    for (const list of this.#free.values()) for (const address of list) this.#addon.release(this.#device, address)
    this.#free.clear()
    this.#pooled = 0
  }

  #notePeaks(): void {
    this.#mostHeld = Math.max(this.#mostHeld, this.#held)
    this.#mostReserved = Math.max(this.#mostReserved, this.#held + this.#pooled)
  }

  resetPeaks(): void {
    this.#mostHeld = 0
    this.#mostReserved = 0
    this.#notePeaks()
  }

  /** Finds what is garbage, and returns unused blocks to the driver. */
  empty(): void {
    garbage.all()
    this.#sweep()
    this.trim()
  }

  report(): { bytes: number; pooled: number; cells: number } {
    this.#sweep()
    return { bytes: this.#held, pooled: this.#pooled, cells: this.#watched.size }
  }

  account(): GpuMemory {
    this.#sweep()
    const [free = 0, total = 0] = this.#addon.memory(this.#device)
    const reserved = this.#held + this.#pooled
    const [mostAllocated, mostReserved] = [this.#mostHeld, this.#mostReserved]
    return { allocated: this.#held, reserved, mostAllocated, mostReserved, free, total }
  }
}
