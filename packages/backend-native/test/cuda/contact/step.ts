// A step of the first contact with a GPU (tools/cuda.mjs contact): what it is given and what it finds. Each runs in a process
// of its own, because an error of a GPU loses the device for the process.
import { spawn } from 'node:child_process'

/** What all steps share. */
export interface Setting {
  /** The share of the full counts. */
  readonly scale: number
  /** An interpreter stands in for the GPU: sizes of what is only timed are small. */
  readonly interpreted: boolean
  /** The driver that interprets, to compare with. */
  readonly interpreter: string
  /** cuBLAS, by name or path. */
  readonly blas: string
  /** Where PyTorch's side of the bench is. */
  readonly script: string
  /** This program's file, to run parts of a step as processes. */
  readonly program: string
  readonly seconds: number
}

export interface Finding {
  /** Lines for the report. */
  readonly lines: readonly string[]
  /** Faults; none means pass. */
  readonly faults: readonly string[]
  /** Why it did not run, if it did not: something it needs is not there. */
  readonly skipped?: string
  readonly data?: unknown
}

export interface Step {
  readonly name: string
  readonly about: string
  /** The longest it may take on a GPU, in seconds. */
  readonly limit: number
  run(setting: Setting): Promise<Finding>
}

/** At least one. */
export const scaled = (count: number, { scale }: Setting): number => Math.max(1, Math.round(count * scale))

/** The first faults of many, in one line each. */
export function few(faults: readonly string[], most = 20): string[] {
  const lines = faults.slice(0, most).map((fault) => fault.split('\n').slice(0, 3).join(' | '))
  return faults.length > most ? [...lines, `and ${faults.length - most} more`] : lines
}

/** A share of many cases: every `of`-th, from number `part` on. */
export interface Share {
  readonly part: number
  readonly of: number
}

/** Does a part of a step by this program in another process, which writes what it finds to a file. */
export const aside = (
  setting: Setting,
  what: 'cells' | 'compute',
  file: string,
  share: Share,
  environment: NodeJS.ProcessEnv = {},
): Promise<void> =>
  new Promise((done, fail) => {
    const args = [`--${what}`, file, '--share', JSON.stringify(share), '--setting', JSON.stringify(setting)]
    const env = { ...process.env, ...environment }
    const child = spawn(process.execPath, [setting.program, ...args], { env, stdio: ['ignore', 'inherit', 'inherit'] })
    child.on('close', (code, signal) => {
      if (code === 0) done()
      else fail(new Error(`the process for ${what}, part ${share.part}, ended with ${code ?? signal}`))
    })
  })
