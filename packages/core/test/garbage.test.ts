// V8's young generation keeps its size during work that asks for it, and grows as ever afterwards. In processes of their
// own, because the size never comes back.
import { spawnSync } from 'node:child_process'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { beforeAll, expect, test } from 'vitest'

/** Prints the size of the young generation: twice while it is held, also by work that fails, then afterwards. */
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
garbage.opens(2 ** 20)
const sizes = []
const fails = () => {
  sizes.push(survive())
  throw Error()
}
try {
  garbage.holding(() => {
    sizes.push(garbage.holding(survive))
    fails()
  })
} catch {}
sizes.push(survive())
console.log(JSON.stringify(sizes))
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

test('the young generation keeps its size during work, and grows after it', () => {
  const [first, second, next] = sizes()
  expect(second).toBe(first)
  expect(next).toBeGreaterThan(first)
})

test('a process that is started with a size for it keeps its own pace', () => {
  const [held] = sizes()
  const [free] = sizes('--max-semi-space-size=32')
  expect(free).toBeGreaterThan(held)
})
