// A worker's share of an iterable dataset, which it reads ahead of the loop.
import type { IterableDataset } from './dataset.ts'
import { fail, noted } from './fetch.ts'
import { asWorker, type WorkerInfo } from './worker-info.ts'

interface Batches<T> {
  readonly size: number
  /** How many batches the worker is ahead. */
  readonly prefetchFactor: number
  readonly isWhole: (batch: readonly T[], isLast: boolean) => boolean
}

/** The samples of the batches of one worker, which is ahead by as many as `prefetchFactor`. */
export function shareOf<T>(
  set: IterableDataset<T>,
  info: WorkerInfo | null,
  { size, prefetchFactor, isWhole }: Batches<T>,
): { next(): Promise<T[] | undefined>; close(): void } {
  const iterate = () => set[Symbol.asyncIterator]?.() ?? set[Symbol.iterator]?.()
  const samples = asWorker(info, iterate) as AsyncIterator<T> | Iterator<T>
  let [count, isLast] = [0, false]
  const gather = async (): Promise<T[] | undefined> => {
    const batch: T[] = []
    while (!isLast && batch.length < size) {
      const where = `sample ${count++} of ${info === null ? '' : `worker ${info.id} of `}the iterable dataset`
      const step = await asWorker(info, async () => samples.next()).catch((error: unknown) => noted(where, fail(error)))
      if (step.done === true) isLast = true
      else batch.push(step.value)
    }
    return isWhole(batch, isLast) ? batch : undefined
  }
  const ahead: Promise<T[] | undefined>[] = []
  const fill = (): void => {
    while (ahead.length < (info === null ? 1 : prefetchFactor)) {
      const batch = (ahead[ahead.length - 1] ?? Promise.resolve()).then(gather)
      batch.catch(() => {})
      ahead.push(batch)
    }
  }
  if (info !== null) fill()
  return {
    next() {
      fill()
      const batch = ahead.shift() as Promise<T[] | undefined>
      if (info !== null) fill()
      return batch
    },
    close: () => void samples.return?.(),
  }
}
