// Runs one bench in a process of its own, so that none inherits what the engine learnt in another.
import { fork } from 'node:child_process'
import type { Result } from './report.ts'

/** The result of a bench's compiled file with its arguments, or a message that says why there is none. */
export const runBench = (file: string, args: readonly string[] = []): Promise<Result | string> =>
  new Promise((resolve) => {
    let result: Result | undefined
    const child = fork(file, args)
    child.on('message', (message) => void (result = message as Result))
    child.on('error', (error) => resolve(String(error)))
    child.on('exit', (code, signal) =>
      resolve(code === 0 && result !== undefined ? result : `ended with ${code ?? signal}`),
    )
  })
