// The measuring side: a subject in a process of its own, which is asked to run a workload. Each pair of workload and
// subject has its own process, so that none inherits what the engine learnt in another, and the peak memory is that of
// the workload.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer, Question, Stored } from './answering.ts'

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
  /** The number of threads of its BLAS, if another. */
  readonly blasThreads?: number
  /** Whether it can use more of them. */
  readonly scales?: boolean
  /** For a library whose cold start is measured: its size on disk, if known. */
  readonly library?: { bytes(): number | undefined }
}

/** A subject in a table. */
export type Named = Pick<Subject, 'name' | 'title'>

/** A subject that is not available here, and why. */
export interface Absent {
  readonly name: string
  readonly title: string
  readonly absent: string
}

export const isPresent = (subject: Subject | Absent): subject is Subject => !('absent' in subject)

export const isAbsent = (subject: Subject | Absent): subject is Absent => 'absent' in subject

/** The subjects of these names, in their own order. */
export function named<T extends Named>(subjects: readonly T[], names: readonly string[]): T[] {
  const unknown = names.find((name) => subjects.every((subject) => subject.name !== name))
  if (unknown === undefined) return subjects.filter(({ name }) => names.includes(name))
  throw new RangeError(`no subject is called ${unknown}; there are ${subjects.map(({ name }) => name).join(', ')}`)
}

/** The subjects, followed by those with more threads that the workloads ask for and they can use. */
export const onThreads = (
  subjects: readonly (Subject | Absent)[],
  workloads: readonly { readonly threads?: number }[],
): (Subject | Absent)[] => [
  ...subjects,
  ...[...new Set(workloads.map(({ threads = 1 }) => threads))]
    .filter((threads) => threads > 1)
    .flatMap((threads) =>
      subjects
        .filter(isPresent)
        .filter(({ scales }) => scales)
        .map((subject) => ({
          ...subject,
          name: `${subject.name} ${threads} threads`,
          title: `${subject.title}, ${threads} threads`,
          threads,
          // A second pool of threads would spin beside the first, and both would be several times slower.
          blasThreads: 1,
          library: undefined,
        })),
    ),
]

export class CannotRun extends Error {}

/** Only the number of threads is set, so a library chooses its kernels as it does for any user. */
const environment = ({ threads = 1, blasThreads = threads }: Subject): Record<string, string> => ({
  FLAMBEAU_THREADS: String(threads),
  OMP_NUM_THREADS: String(threads),
  OPENBLAS_NUM_THREADS: String(blasThreads),
  MKL_NUM_THREADS: String(blasThreads),
})

async function within<T>(asked: Promise<T>, limit: number | undefined): Promise<T> {
  if (limit === undefined) return asked
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new CannotRun(`did not finish in ${limit / 1e3} s`)), limit)
  })
  try {
    return await Promise.race([asked, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Milliseconds after which threads without work rest at the latest. */
const longestSearch = 100

export class Process {
  readonly subject: Subject
  readonly #child: ChildProcessWithoutNullStreams
  readonly #waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = []
  #peak = 0

  constructor(subject: Subject) {
    this.subject = subject
    const { command, args, cwd } = subject
    this.#child = spawn(command, args, { cwd, env: { ...process.env, ...environment(subject) } })
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

  /** Resolves when its libraries are imported. */
  async ready(): Promise<void> {
    await this.#ask({ ready: true })
  }

  /** The most bytes of memory that the process has held so far, on Linux. */
  highWater(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')
    return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]) * 1024
  }

  /** Prepares a workload; throws `CannotRun` with the reason if the subject lacks it. */
  async load(workload: string, inputs: Readonly<Record<string, Stored>>): Promise<void> {
    await this.#ask({ load: workload, inputs })
  }

  /** Does `n` steps; returns the nanoseconds that they took. Throws `CannotRun` if they take over `limit` milliseconds. */
  async run(n: number, limit?: number): Promise<number> {
    const { ns = Number.NaN, peak = 0 } = await within(this.#ask({ run: n }), limit)
    this.#peak = peak
    await this.#rested()
    return ns
  }

  /**
   * Resolves when its threads rest: those of some libraries look for work for 30 ms after a step, on a core that the next
   * subject would lack. Where the system does not say what threads do, it waits as long as they might. The time that a
   * thread has run would not tell, because Linux adds to it once in a tick, which takes up to 10 ms.
   */
  async #rested(): Promise<void> {
    const pause = 2
    for (let waited = 0, looks = 0; waited < longestSearch && looks < 2; waited += pause) {
      const running = this.#running()
      if (running === undefined) return (this.subject.threads ?? 1) > 1 ? sleep(longestSearch) : undefined
      looks = running ? 0 : looks + 1
      await sleep(pause)
    }
  }

  /** Whether one of its threads runs or could, on Linux. */
  #running(): boolean | undefined {
    try {
      const tasks = `/proc/${this.#child.pid}/task`
      // The state follows the name, which is in parentheses and may contain some.
      return readdirSync(tasks).some((task) => /.*\) R/s.test(readFileSync(`${tasks}/${task}/stat`, 'utf8')))
    } catch {
      return undefined
    }
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
