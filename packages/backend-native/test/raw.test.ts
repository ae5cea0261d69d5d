// The addon without the TypeScript in front of it: an invalid argument is an error, never a crash, and memory that the
// addon uses cannot be taken away.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'vitest'
import { nativeMissing, testWith } from '../../../tools/test/machine.ts'

const it = (name: string, body: () => void) => testWith('native', nativeMissing, name, body)
const file =
  process.env.FLAMBEAU_NATIVE_PATH ?? join(import.meta.dirname, '../../../native/build/Release/flambeau_native.node')

/** The output of a script that loads the addon in a process of its own. */
function printedBy(script: string): string {
  const args = [join(import.meta.dirname, script), file]
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' })
  return stdout
}

it('refuses invalid values for every argument of every function', () => {
  const { calls, values, taken } = JSON.parse(printedBy('raw-calls.mjs')) as {
    calls: number
    values: number
    taken: string[]
  }
  expect(taken).toEqual([])
  expect(values).toBeGreaterThan(30)
  expect(calls).toBeGreaterThan(25 * values)
})

it('survives a worker that ends while another thread runs its program', () => {
  expect(printedBy('ending.mjs')).toBe('ended')
})
