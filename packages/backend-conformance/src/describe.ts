// The entry point for a backend's test. Each cell of the matrix becomes one test. A backend lists what it cannot do
// with a reason; a skip whose test passes, or that matches no test, fails the run.
import { useDevice } from '@flambeau/core'
import { type Backend, CheckedBackend } from '@flambeau/core/backend'
import { afterAll, beforeEach, describe, it } from 'vitest'
import { type CellOptions, cellsOf } from './cells.ts'

export interface Skip {
  readonly reason: string
  /** Patterns for names of tests, `op › check`; `*` matches any characters. */
  readonly tests: readonly string[]
}

export interface BackendOptions extends Omit<CellOptions, 'reference'> {
  readonly skip?: readonly Skip[]
  readonly reference?: () => Backend | Promise<Backend>
}

/** In milliseconds; a cell takes some tens, that of memory many seconds on a busy machine. */
const timeout = 120_000

const escape = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
const patternOf = (name: string) => new RegExp(`^${name.split('*').map(escape).join('.*')}$`)

/**
 * Registers the conformance tests of a backend, which runs behind a `CheckedBackend`.
 *
 * @example
 * // not run: it registers tests
 * describeBackend(() => js(), { skip: [] })
 */
export const describeBackend = (create: () => Backend | Promise<Backend>, options: BackendOptions = {}): void => {
  describe('conformance', async () => {
    // Everything runs through a CheckedBackend, except the cells of the interface itself, which see the backend behind
    // it.
    const backend = new CheckedBackend(await create())
    beforeEach(() => void useDevice(backend))
    afterAll(() => backend.dispose())
    const { reference, ...rest } = options
    const cells = cellsOf(backend, { ...rest, ...(reference && { reference: await reference() }) })
    const skips = (options.skip ?? []).flatMap(({ reason, tests }) =>
      tests.map((test) => ({ reason, test, pattern: patternOf(test) })),
    )
    for (const cell of cells) {
      const skip = skips.find(({ pattern }) => pattern.test(cell.name))
      if (!skip) it(cell.name, cell.run, timeout)
      else it(`${cell.name} (skipped: ${skip.reason})`, () => mustFail(cell.run, skip.test), timeout)
    }
    for (const { test, pattern } of skips) {
      if (!cells.some(({ name }) => pattern.test(name))) {
        it(`skip '${test}'`, () => {
          throw new Error(`no test is called '${test}': remove the skip`)
        })
      }
    }
  })
}

export const mustFail = async (run: () => Promise<void>, name: string): Promise<void> => {
  try {
    await run()
  } catch {
    return
  }
  throw new Error(`it passes although it is skipped by '${name}': remove the skip`)
}
