// The processes that run tests: each holds one Vitest, which runs files on request again and again, so that nothing is
// transformed twice. An endless mutant can only be killed together with its process.
import { fork } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))

/** The file in which a test file records what it reaches. */
export const coverageFile = (folder, file) => join(folder, `${file.replaceAll('/', '+')}.json`)

export class Runner {
  static #running = new Set()
  #child
  #ready

  constructor(options, stateFile) {
    this.#child = fork(join(here, 'worker.mjs'), [JSON.stringify(options)], {
      env: { ...process.env, MUTATION_STATE: stateFile },
      // The head of a process group, so that Vitest's own processes die with it.
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    Runner.#running.add(this)
    this.#ready = this.#answer(120_000)
  }

  static stopAll() {
    for (const runner of Runner.#running) runner.stop()
  }

  stop() {
    Runner.#running.delete(this)
    try {
      process.kill(-this.#child.pid, 'SIGKILL')
    } catch {
      // The process has ended.
    }
  }

  /** The results of the tests; undefined if no test ended within the limit in milliseconds. */
  async ask(message, limit) {
    await this.#ready
    if (!this.#child.connected) return undefined
    this.#child.send(message)
    return this.#answer(limit)
  }

  #answer(limit) {
    const child = this.#child
    return new Promise((resolve) => {
      let timer
      const done = (message) => {
        clearTimeout(timer)
        child.off('message', heard)
        child.off('exit', gone)
        resolve(message)
      }
      const gone = () => done(undefined)
      const wait = () => {
        clearTimeout(timer)
        timer = setTimeout(gone, limit)
      }
      const heard = (message) => (message.alive ? wait() : done(message))
      child.on('message', heard)
      child.on('exit', gone)
      wait()
    })
  }
}
