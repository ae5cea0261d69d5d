// The addon itself, without the TypeScript in front of it: what is no argument of a function is an error, never a crash, and
// memory that it holds on to cannot be taken away.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'vitest'
import { nativeMissing, testWith } from '../../../tools/test/machine.ts'

const it = (name: string, body: () => void) => testWith('native', nativeMissing, name, body)
const file =
  process.env.FLAMBEAU_NATIVE_PATH ?? join(import.meta.dirname, '../../../native/build/Release/flambeau_native.node')

it('every argument of every function replaced by what is none', () => {
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
