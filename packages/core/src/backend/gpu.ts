// What a GPU's backend says beyond the kernel interface: which devices the machine has, how much of their memory is used,
// and times by their own clock. Work of a GPU is queued, so the host's clock would time the queueing.

/** What a driver says of a GPU. */
export interface GpuProperties {
  readonly name: string
  /** The compute capability. */
  readonly major: number
  readonly minor: number
  /** All memory, in bytes. */
  readonly bytes: number
  readonly multiprocessors: number
}

/** Memory of a GPU in bytes. */
export interface GpuMemory {
  /** In blocks that buffers use. */
  readonly allocated: number
  /** In blocks, also those that are kept for later buffers. */
  readonly reserved: number
  /** The most that was allocated and reserved since the last `resetPeaks`. */
  readonly mostAllocated: number
  readonly mostReserved: number
  /** What the driver still has, and all there is. */
  readonly free: number
  readonly total: number
}

/** Marks in the queue of a GPU. */
export interface Clock {
  /** Puts a mark behind everything queued so far; returns its number. */
  mark(): number
  /** The time between two marks in microseconds; waits for them. */
  between(from: number, to: number): number
  /** Forgets all marks. */
  reset(): void
}

/** A GPU among those of its kind, each with a backend. */
export interface Gpu<Backend> {
  /** What the names of its kind begin with: 'cuda' of 'cuda:0'. */
  readonly kind: string
  readonly index: number
  /** All GPUs of this kind on this machine. */
  readonly all: readonly GpuProperties[]
  readonly clock: Clock
  /** The backend of another one. */
  open(index: number): Backend
  /** Waits for everything queued; errors and failed checks of it are thrown. */
  wait(): void
  memory(): GpuMemory
  resetPeaks(): void
  /** Returns memory that nothing uses to the driver. */
  emptyCache(): void
}
