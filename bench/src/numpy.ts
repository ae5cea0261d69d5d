// NumPy's times of single ops: a process of Python that answers each question with one line (vs/families.py).
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { here } from './subjects.ts'

export class NumPy {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: AsyncIterator<string>

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  }

  /** The process, once it is ready, or undefined if there is no NumPy. */
  static async start(): Promise<NumPy | undefined> {
    const python = process.env.PYTHON ?? '/usr/bin/python3'
    const threads = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' }
    const child = spawn(python, [here('../../vs/families.py')], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...process.env, ...threads },
    })
    child.on('error', () => undefined)
    child.stdin.on('error', () => undefined)
    const numpy = new NumPy(child)
    return (await numpy.#answer()) === 'ready' ? numpy : undefined
  }

  async #answer(): Promise<string | undefined> {
    const { value, done } = await this.#lines.next()
    return done === true ? undefined : (value as string)
  }

  async #ask(op: string, n: number): Promise<number | undefined> {
    this.#child.stdin.write(`${n} ${op}\n`)
    const answer = await this.#answer()
    return answer === undefined || answer === 'none' ? undefined : Number(answer)
  }

  /** The sum of an op's result, or undefined if NumPy lacks the op. */
  sumOf(op: string): Promise<number | undefined> {
    return this.#ask(op, 0)
  }

  /** The nanoseconds that an op takes n times. */
  async time(op: string, n: number): Promise<number> {
    return (await this.#ask(op, n)) ?? Number.NaN
  }

  stop(): void {
    this.#child.kill()
  }
}
