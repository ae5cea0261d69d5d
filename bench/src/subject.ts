// The measuring side: a subject in a process of its own, which is asked to run a workload. Each pair of workload and
// subject has its own process, so that none inherits what the engine learnt in another, and the peak memory is that of
// the workload.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Answer, Question, Stored } from './serve.ts'

/** A way to run workloads that can be timed. */
export interface Subject {
  readonly name: string
  /** A description for readers, with versions. */
  readonly title: string
  readonly command: string
  readonly args: readonly string[]
  readonly cwd?: string
  /** The number of threads it computes with; by default one. */
  readonly threads?: number
  /** For a library whose cold start is measured: its size on disk, if known. */
  readonly library?: { bytes(): number | undefined }
}

/** A subject that is not available here, and why. */
export interface Absent {
  readonly name: string
  readonly title: string
  readonly absent: string
}

export const isPresent = (subject: Subject | Absent): subject is Subject => !('absent' in subject)

export const isAbsent = (subject: Subject | Absent): subject is Absent => 'absent' in subject

export class CannotRun extends Error {}

/** Only the number of threads is set, so a library chooses its kernels as it does for any user. */
const environment = (threads: number): Record<string, string> =>
  Object.fromEntries(
    ['FLAMBEAU_THREADS', 'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'].map((name) => [
      name,
      String(threads),
    ]),
  )

export class Process {
  readonly subject: Subject
  readonly #child: ChildProcessWithoutNullStreams
  readonly #waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = []
  #peak = 0

  constructor(subject: Subject) {
    this.subject = subject
    const { command, args, cwd, threads = 1 } = subject
    this.#child = spawn(command, args, { cwd, env: { ...process.env, ...environment(threads) } })
    let errors = ''
    const failed = (why: string): void => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`${subject.name} ${why}: ${errors}`))
    }
    this.#child.stderr.on('data', (text) => void (errors += text))
    this.#child.stdin.on('error', () => undefined)
    this.#child.on('error', (error) => failed(String(error)))
    this.#child.on('exit', (code, signal) => failed(`ended with ${code ?? signal}`))
    // Libraries print greetings on stdout; an answer is a JSON object.
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      if (line.startsWith('{')) this.#waiting.shift()?.resolve(JSON.parse(line) as Answer)
    })
  }

  async #ask(question: Question): Promise<Answer> {
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#child.stdin.write(`${JSON.stringify(question)}\n`)
    })
    if (answer.cannot !== undefined) throw new CannotRun(answer.cannot)
    if (answer.error !== undefined) throw new Error(`${this.subject.name}: ${answer.error}`)
    return answer
  }

  /** Prepares a workload; throws `CannotRun` with the reason if the subject lacks it. */
  async load(workload: string, inputs: Readonly<Record<string, Stored>>): Promise<void> {
    await this.#ask({ load: workload, inputs })
  }

  /** Does `n` steps; returns the nanoseconds that they took. */
  async run(n: number): Promise<number> {
    const { ns = Number.NaN, peak = 0 } = await this.#ask({ run: n })
    this.#peak = peak
    return ns
  }

  /** The results of the last step; `scratch` is a prefix for names of files. */
  async results(scratch: string): Promise<Float32Array[]> {
    const { results = 0 } = await this.#ask({ results: scratch })
    return Array.from({ length: results }, (_, i) => {
      const file = `${scratch}.${i}`
      const bytes = new Uint8Array(readFileSync(file))
      rmSync(file)
      return new Float32Array(bytes.buffer)
    })
  }

  /** The peak memory of the process at its last run, in bytes. */
  get peak(): number {
    return this.#peak
  }

  close(): void {
    this.#child.stdin.end()
    this.#child.kill()
  }
}
