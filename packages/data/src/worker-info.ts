// Which worker of a loader asks an iterable dataset for its samples.

/** What `getWorkerInfo` returns in a worker. */
export interface WorkerInfo {
  /** The number of this worker, from 0. */
  readonly id: number
  /** How many workers there are. */
  readonly numWorkers: number
  /** A seed for random numbers of this worker's own: that of the pass, which the loader draws, and the number. */
  readonly seed: number
  /** The dataset that is iterated over. */
  readonly dataset: unknown
}

let current: WorkerInfo | null = null

/** Calls a function as a worker; an asynchronous one is one until it first waits. */
export const asWorker = <T>(info: WorkerInfo | null, run: () => T): T => {
  const before = current
  current = info
  try {
    return run()
  } finally {
    current = before
  }
}

/**
 * Which worker asks, for an `IterableDataset` that a `DataLoader` with `numWorkers` iterates over; null elsewhere. The
 * dataset uses it to yield its share. In an asynchronous generator ask before the first `await`.
 *
 * @example
 * getWorkerInfo() // null
 */
export const getWorkerInfo = (): WorkerInfo | null => current
