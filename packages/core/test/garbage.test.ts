// V8's young generation keeps its size where that is asked for, and grows as ever in other turns of the event loop. In
// processes of their own, because the size never comes back.
import { spawnSync } from 'node:child_process'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { beforeAll, expect, test } from 'vitest'

/** Prints the size of the young generation: twice in a turn in which it is held, then in the next turn. */
const program = `
import { getHeapSpaceStatistics } from 'node:v8'
import { garbage } from './packages/core/src/backend/garbage.ts'
const size = () => getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size
/** Some tens of megabytes of objects, all of which survive. */
function survive() {
  const kept = []
  for (let i = 0; i < 5e5; i++) kept.push({ i, kept })
  return size()
}
garbage.holds()
const sizes = [survive(), survive()]
setImmediate(() => console.log(JSON.stringify([...sizes, survive()])))
`
let script = ''

beforeAll(async () => {
  const resolveDir = fileURLToPath(new URL('../../..', import.meta.url))
  const stdin = { contents: program, resolveDir, loader: 'ts' as const }
  const { outputFiles } = await build({ stdin, bundle: true, platform: 'node', format: 'cjs', write: false })
  script = outputFiles[0].text
})

function sizes(...flags: readonly string[]): number[] {
  const { stdout, stderr } = spawnSync(execPath, [...flags, '-'], { input: script, encoding: 'utf8' })
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

test('the young generation keeps its size until the event loop turns', () => {
  const [first, second, next] = sizes()
  expect(second).toBe(first)
  expect(next).toBeGreaterThan(first)
})

test('a process that is started with a size for it keeps its own pace', () => {
  const [held] = sizes()
  const [free] = sizes('--max-semi-space-size=32')
  expect(free).toBeGreaterThan(held)
})
