// The subject's side of a measurement: a process that loads one workload, does steps and times them itself, so that the
// pipe costs nothing. One question per line on stdin, one answer per line on stdout; torch/serve.py implements the same
// protocol. `node serve.js MODULE [ARGUMENT...]`: the module's `load` prepares workloads.
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

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

function read(stored: Stored): Numbers {
  const { file, shape, dtype } = stored
  const { buffer } = new Uint8Array(readFileSync(file))
  return { data: dtype === 'int32' ? new Int32Array(buffer) : new Float32Array(buffer), shape, stored }
}

/** Answers until stdin ends. */
async function serve(load: Load): Promise<void> {
  let ready: Ready | undefined
  let last: unknown
  const run = async ({ step, steps, settle }: Ready, n: number): Promise<number> => {
    const start = process.hrtime.bigint()
    if (steps !== undefined) last = steps(n)
    else for (let i = 0; i < n; i++) last = step()
    if (settle !== undefined) last = await settle(last)
    return Number(process.hrtime.bigint() - start)
  }
  const answer = async (question: Question): Promise<Answer> => {
    if ('load' in question) {
      const inputs = Object.entries(question.inputs).map(([name, stored]) => [name, read(stored)] as const)
      const made = await load(question.load, Object.fromEntries(inputs))
      if ('cannot' in made) return made
      ready = made
      return {}
    }
    if ('ready' in question) return {}
    if (ready === undefined) throw new Error('no workload is loaded')
    if ('run' in question) return { ns: await run(ready, question.run), peak: process.resourceUsage().maxRSS * 1024 }
    const results = ready.results(last)
    results.forEach((result, i) => void writeFileSync(`${question.results}.${i}`, new Float32Array(result)))
    return { results: results.length }
  }
  for await (const line of createInterface({ input: process.stdin })) {
    const answered = await answer(JSON.parse(line) as Question).catch((error: Error) => ({ error: error.stack }))
    process.stdout.write(`${JSON.stringify(answered)}\n`)
  }
}

const { load } = (await import(pathToFileURL(resolve(process.argv[2])).href)) as { load: Load }
await serve(load)
