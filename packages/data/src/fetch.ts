// What a loader reads of a dataset: the indices of a batch, its rows at once if the dataset makes them so, and samples whose
// errors say where they happened.
import { Tensor, TypeError, tensor } from '@flambeau/core'
import { checkIndex, type Samples, Subset } from './dataset.ts'

/** The indices of one batch, of which a sampler may say anything. */
export const checked = (indices: readonly number[]): readonly number[] => {
  if (!Array.isArray(indices)) throw new TypeError(`a batch sampler must yield lists of indices, not ${typeof indices}`)
  for (const i of indices) {
    if (Number.isSafeInteger(i)) continue
    throw new TypeError(`a sampler must yield indices, not ${typeof i === 'number' ? i : typeof i}`)
  }
  return indices
}

/** The batch of a dataset that makes it at once. */
export const fetchRows = (dataset: Samples<unknown>, indices: readonly number[]): unknown => {
  let set = dataset
  let rows = indices
  while (set instanceof Subset) {
    const { indices: inner } = set as Subset<unknown>
    rows = rows.map((i) => inner[i] ?? inner[checkIndex(i, inner.length)])
    set = (set as Subset<unknown>).dataset
  }
  return set instanceof Tensor ? set.indexSelect(0, tensor(Int32Array.from(rows))) : set.collated?.(rows)
}

/** The result of `finish`; an error that it throws says which sample it was, and its file if it does not name it. */
export const named = <T>(set: Samples<unknown>, index: number, finish: () => T): T =>
  noted((message) => {
    const file = fileOf(set, index)
    return `sample ${index} of the dataset${file === undefined || message.includes(file) ? '' : `, ${file}`}`
  }, finish)

const fileOf = (set: Samples<unknown>, index: number): string | undefined => {
  try {
    return set.fileOf?.(index)
  } catch {
    // An index out of range, which is what the error is about.
    return undefined
  }
}

export const fail = (error: unknown) => (): never => {
  throw error
}

/** The result of a function; an error that it throws says where it happened. */
export const noted = <T>(where: string | ((message: string) => string), run: () => T): T => {
  try {
    return run()
  } catch (error) {
    if (error instanceof Error) {
      const { message, stack } = error
      const note = `\nThis happened at ${typeof where === 'string' ? where : where(message)}.`
      // The engine wrote the message into the stack, which is what consoles print.
      if (Reflect.set(error, 'message', message + note) && stack?.includes(message))
        Reflect.set(
          error,
          'stack',
          stack.replace(message, () => message + note),
        )
    }
    throw error
  }
}
