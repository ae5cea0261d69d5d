// Loops that mostly wait for memory: a thread reads four elements before it uses the first, so that four reads are on their
// way at once. Elements are used in their order, so results do not depend on it.
import type { Value } from '../value.ts'
import type { KernelWriter } from './writer.ts'

const together = 4

/** Reads and uses the elements from `from` to below `below`, `step` apart. */
export function inTurns<T>(
  w: KernelWriter,
  from: Value,
  below: Value,
  step: Value,
  read: (i: Value) => T,
  use: (element: T, i: Value) => void,
): void {
  const four = w.index('mul', step, w.int(together))
  const last = w.index('sub', below, w.index('mul', step, w.int(together - 1)))
  const rest = w.loop(from, last, four, (i) => {
    const indices = [i]
    while (indices.length < together) indices.push(w.index('add', indices[indices.length - 1], step))
    const elements = indices.map(read)
    elements.forEach((element, k) => {
      use(element, indices[k])
    })
  })
  w.loop(rest, below, step, (i) => use(read(i), i))
}
