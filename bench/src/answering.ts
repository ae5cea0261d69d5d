// What a subject answers, wherever it runs: it loads one workload, does steps and times them itself, so that asking costs
// nothing. In Node a process is asked by lines (serve.ts), in a browser a worker by requests (browser/).

/** An input file: its elements in row-major order as raw little-endian float32 or int32. */
export interface Stored {
  readonly file: string
  readonly shape: readonly number[]
  readonly dtype: 'float32' | 'int32'
}

export interface Numbers {
  readonly data: Float32Array | Int32Array
  readonly shape: readonly number[]
  /** Where they were read, for a subject that hands them on. */
  readonly stored?: Stored
}

/** A prepared workload. */
export interface Ready {
  /** One repetition. Its result is kept, so that no work is dead code. */
  step(): unknown
  /** Many repetitions in one call, if there is such a call; returns the last result. */
  steps?(n: number): unknown
  /** Waits for the last step's work, if it may be done later; gives its result. */
  settle?(last: unknown): unknown
  /**
   * The results to compare with other subjects, from the last step's result; empty if a step is only a part of the
   * work.
   */
  results(last: unknown): readonly ArrayLike<number>[]
}

export type Question =
  | { readonly ready: true }
  | { readonly load: string; readonly inputs: Readonly<Record<string, Stored>> }
  | { readonly run: number }
  | { readonly results: string }

export interface Answer {
  /** Why this subject does not have the workload. */
  readonly cannot?: string
  readonly error?: string
  readonly ns?: number
  /** How many results were written. */
  readonly results?: number
  /** The peak memory of the process in bytes. */
  readonly peak?: number
}

/** A subject that lacks a workload says why. */
export interface Lacking {
  readonly cannot: string
}

/** The export of a subject's module. */
export type Load = (
  workload: string,
  inputs: Readonly<Record<string, Numbers>>,
) => Ready | Lacking | Promise<Ready | Lacking>

/** Where a subject runs. */
export interface Place {
  /** Milliseconds since some time. */
  now(): number
  /** The peak memory in bytes, if it is known. */
  peak?(): number
  /** Reads an input by its name. */
  read(name: string, stored: Stored): Numbers | Promise<Numbers>
  /** Writes a result, whose name begins with `scratch`. */
  write(name: string, elements: Float32Array): unknown
}

/** Elements of an input, from its bytes. */
export const numbersOf = (bytes: ArrayBuffer, stored: Stored): Numbers => ({
  data: stored.dtype === 'int32' ? new Int32Array(bytes) : new Float32Array(bytes),
  shape: stored.shape,
  stored,
})

/** Returns the function that answers questions about the workloads of `load`. */
export function answering(load: Load, { now, peak, read, write }: Place): (question: Question) => Promise<Answer> {
  let ready: Ready | undefined
  let last: unknown
  const run = async ({ step, steps, settle }: Ready, n: number): Promise<number> => {
    const start = now()
    if (steps !== undefined) last = steps(n)
    else for (let i = 0; i < n; i++) last = step()
    if (settle !== undefined) last = await settle(last)
    return (now() - start) * 1e6
  }
  const answer = async (question: Question): Promise<Answer> => {
    if ('load' in question) {
      const inputs: Record<string, Numbers> = {}
      for (const [name, stored] of Object.entries(question.inputs)) inputs[name] = await read(name, stored)
      const made = await load(question.load, inputs)
      if ('cannot' in made) return made
      ready = made
      return {}
    }
    if ('ready' in question) return {}
    if (ready === undefined) throw new Error('no workload is loaded')
    if ('run' in question) return { ns: await run(ready, question.run), peak: peak?.() }
    const results = ready.results(last)
    for (const [i, result] of results.entries()) await write(`${question.results}.${i}`, new Float32Array(result))
    return { results: results.length }
  }
  return (question) => answer(question).catch((error: Error) => ({ error: String(error.stack) }))
}
