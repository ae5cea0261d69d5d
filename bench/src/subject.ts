// The other side: a subject in a process of its own, asked to do a workload. One process for one workload and subject, so
// that none inherits what the engine learnt in another, and the most memory it held is the workload's.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Answer, Question, Stored } from './serve.ts'

/** Something that can be timed: a way to run workloads. */
export interface Subject {
  readonly name: string
  /** What it is, for readers: with versions. */
  readonly title: string
  readonly command: string
  readonly args: readonly string[]
  readonly cwd?: string
  /** How many it computes with; one unless told otherwise. */
  readonly threads?: number
  /** For a library whose cold start is worth knowing: what it takes on a disk, where that can be told. */
  readonly library?: { bytes(): number | undefined }
}

/** Something that could be timed elsewhere, and why not here. */
export interface Absent {
  readonly name: string
  readonly title: string
  readonly absent: string
}

export const isPresent = (subject: Subject | Absent): subject is Subject => !('absent' in subject)

export const isAbsent = (subject: Subject | Absent): subject is Absent => 'absent' in subject

export class CannotRun extends Error {}

/** Nothing but the threads is set, so a library chooses its kernels as it does for anybody. */
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
    // Libraries greet on stdout; an answer is an object.
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

  /** Makes a workload ready; `CannotRun` says why the subject does not have it. */
  async load(workload: string, inputs: Readonly<Record<string, Stored>>): Promise<void> {
    await this.#ask({ load: workload, inputs })
  }

  /** Does `n` steps; the nanoseconds that they took. */
  async run(n: number): Promise<number> {
    const { ns = Number.NaN, peak = 0 } = await this.#ask({ run: n })
    this.#peak = peak
    return ns
  }

  /** What came out of the last step; `scratch` is the beginning of names of files. */
  async results(scratch: string): Promise<Float32Array[]> {
    const { results = 0 } = await this.#ask({ results: scratch })
    return Array.from({ length: results }, (_, i) => {
      const file = `${scratch}.${i}`
      const bytes = new Uint8Array(readFileSync(file))
      rmSync(file)
      return new Float32Array(bytes.buffer)
    })
  }

  /** The most memory that the process had held when it last ran, in bytes. */
  get peak(): number {
    return this.#peak
  }

  close(): void {
    this.#child.stdin.end()
    this.#child.kill()
  }
}
