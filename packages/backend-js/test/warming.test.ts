// js holds V8's young generation while functions are generated and new. In a process of its own, because what sets the size
// is looked up once.
import { spawnSync } from 'node:child_process'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

/** Prints how often it was held after each part of the work. */
const program = `
import { arange, ones, tensor } from './packages/flambeau/src/index.ts'
const v8 = process.getBuiltinModule('v8')
let held = 0
v8.setFlagsFromString = (flag) => void (flag === '--semi-space-growth-factor=1' && held++)
const counts = []
const count = () => counts.push(held)
tensor([1, 2]).mul(3).add(1)
count() // a small program
const x = ones(1 << 19)
const y = x.mul(5).sub(7)
count() // memory filled, and two functions with their loops over much
for (let i = 0; i < 300; i++) tensor([1, 2]).mul(3)
count() // little loops, over which the functions grow old
x.mul(5).sub(7)
count() // the same two functions
arange(8).div(3)
count() // one function for few elements
console.log(JSON.stringify(counts))
`

test('the young generation is held while functions are generated, and while they are new and compute much', async () => {
  const resolveDir = fileURLToPath(new URL('../../..', import.meta.url))
  const stdin = { contents: program, resolveDir, loader: 'ts' as const }
  const conditions = ['@flambeau/source']
  const { outputFiles } = await build({
    stdin,
    bundle: true,
    conditions,
    platform: 'node',
    format: 'esm',
    write: false,
  })
  const input = outputFiles[0].text
  const { stdout, stderr } = spawnSync(execPath, ['--input-type=module', '-'], { input, encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual([0, 3, 3, 3, 4])
})
