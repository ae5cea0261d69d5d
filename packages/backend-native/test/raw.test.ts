// The addon without the TypeScript in front of it: an invalid argument is an error, never a crash, and memory that the
// addon uses cannot be taken away.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'vitest'
import { nativeMissing, testWith } from '../../../tools/test/machine.ts'

const it = (name: string, body: () => void) => testWith('native', nativeMissing, name, body)
const file =
  process.env.FLAMBEAU_NATIVE_PATH ?? join(import.meta.dirname, '../../../native/build/Release/flambeau_native.node')

it('refuses invalid values for every argument of every function', () => {
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'raw-calls.mjs'), file],
    { encoding: 'utf8' },
  )
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' })
  const { calls, values, taken } = JSON.parse(stdout) as { calls: number; values: number; taken: string[] }
  expect(taken).toEqual([])
  expect(values).toBeGreaterThan(30)
  expect(calls).toBeGreaterThan(25 * values)
})
