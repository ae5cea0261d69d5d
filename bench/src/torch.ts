// Real PyTorch in a Python process beside this one: it is given the same numbers, is sampled in turn with what runs
// here, and times itself, so that the pipe between the two costs it nothing.
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Sample } from './harness.ts'
import type { Model } from './models.ts'

/** Compiled files lie one folder deeper than the sources, in dist. */
const script = fileURLToPath(new URL('../../torch/models.py', import.meta.url))

export const absent =
  'PyTorch IS ABSENT: nothing was compared with it. Install it (Debian: `apt-get install python3-torch`) or name a Python that has it: `PYTHON=… pnpm bench`.'

interface Found {
  readonly python: string
  readonly version: string
}
let found: Found | null | undefined

/** The first Python that has PyTorch: the one that `PYTHON` names, else that of the path or of the system. */
function find(): Found | null {
  if (found !== undefined) return found
  const { PYTHON } = process.env
  for (const python of PYTHON === undefined ? ['python3', '/usr/bin/python3'] : [PYTHON]) {
    try {
      const source = 'import torch; print(torch.__version__)'
      const printed = execFileSync(python, ['-c', source], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      found = { python, version: printed.trim() }
      return found
    } catch {
      // Not this one.
    }
  }
  found = null
  return found
}

/** The version of PyTorch on this machine; null when there is none. */
export const torchVersion = (): string | null => find()?.version ?? null

/** One line out, one line in. */
export class Torch {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #lines: Interface
  readonly #waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = []

  constructor() {
    // One thread for everything; nothing else is set, so PyTorch chooses its kernels as it does for anybody.
    const env = { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' }
    const python = find()?.python
    if (python === undefined) throw new Error(absent)
    this.#child = spawn(python, [script], { env, stdio: ['pipe', 'pipe', 'pipe'] })
    let errors = ''
    this.#child.stderr.on('data', (text) => void (errors += text))
    this.#child.on('exit', (code) => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`python ended with ${code}: ${errors}`))
    })
    this.#lines = createInterface({ input: this.#child.stdout })
    this.#lines.on('line', (line) => this.#waiting.shift()?.resolve(line))
  }

  #ask<Answer>(question: object): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve: (line) => resolve(JSON.parse(line) as Answer), reject })
      this.#child.stdin.write(`${JSON.stringify(question)}\n`)
    })
  }

  /** Makes a model there with the data and the first parameters of one here. */
  async load(name: string, { data, weight, bias }: Model): Promise<void> {
    const { rows, features, x, y } = data
    const numbers = { x: [...x], y: [...y], weight: [...weight], bias: [...bias] }
    await this.#ask({ load: name, rows, features, ...numbers })
  }

  /** A subject: `n` epochs of a model that was loaded, or times the graph called 'scalar'. */
  sampler(name: string): Sample {
    return async (n) => (await this.#ask<{ ns: number }>({ run: name, n })).ns
  }

  /** The loss of the last epoch. */
  async loss(name: string): Promise<number> {
    return (await this.#ask<{ loss: number }>({ loss: name })).loss
  }

  close(): void {
    this.#child.stdin.end()
  }
}
