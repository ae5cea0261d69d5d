// The files of core: what a program reads and runs when it imports flambeau, what it reads later, and that it sees the same
// names as in the sources, in Node, where files are read one by one, and in a bundle, which holds them all.
import { execFile } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { build } from '../build.mjs'
import * as all from '../../packages/core/src/all.ts'
import * as backend from '../../packages/core/src/backend/index.ts'

const packages = new URL('../../packages/', import.meta.url)
const dist = new URL('core/dist/', packages)
const units = Object.keys(JSON.parse(readFileSync(new URL('core/units.json', packages), 'utf8')))

beforeAll(async () => {
  if (process.env.FLAMBEAU_BUILT === undefined) expect((await build('flambeau')).code).toBe(0)
}, 300_000)

/** What Node prints that runs a program, as JSON. */
const run = async (program: string) => {
  const args = ['--input-type=module', '-e', program]
  return JSON.parse((await promisify(execFile)(process.execPath, args, { cwd: fileURLToPath(dist) })).stdout)
}

/** The names and kinds of an object's members, and of theirs where they are namespaces. */
const outlineOf = (space: object): object =>
  Object.fromEntries(
    Object.entries(space)
      .filter(([name]) => !name.startsWith('$'))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => {
        const isNamespace =
          typeof value === 'object' && value !== null && Object.values(value).some((x) => typeof x === 'function')
        return [name, isNamespace ? outlineOf(value) : typeof value]
      }),
  )

test.each(['node.js', 'index.js'])('%s has the names of the sources', async (file) => {
  const built = await run(`import * as core from './${file}'
const outlineOf = ${outlineOf}
console.log(JSON.stringify(outlineOf(core)))`)
  expect(built).toEqual(outlineOf({ ...all, ...backend }))
})

/** For each unit, what reads it. */
const uses: Record<string, string> = {
  nn: 'core.nn.Linear',
  images: 'core.conv2d()',
  optim: 'core.optim.SGD',
  distributions: 'core.distributions.Normal',
  compile: 'core.compile()',
  linalg: 'core.linalg.svd',
  random: 'core.rand()',
  order: 'core.sort()',
  places: 'core.hstack()',
  gradients: 'core.autograd.functional',
  functions: 'core.gcd()',
  everyday: 'core.matmul()',
  facts: 'core.numel()',
  backends: 'core.isRepeat()',
}

test('a unit is read at its first use, once, and each can be the first', async () => {
  expect(Object.keys(uses).sort()).toEqual([...units].sort())
  const read = await run(`import { createRequire } from 'node:module'
const require = createRequire(process.cwd() + '/')
const all = {}
for (const [unit, use] of ${JSON.stringify(Object.entries(uses))}) {
  const core = await import(\`./main.js?\${unit}\`)
  const read = []
  core.$readBy((name) => (read.push(name), require(\`./\${name}.js\`).default))
  const before = read.length
  for (let times = 0; times < 2; times++) {
    // A function without arguments throws.
    try { new Function('core', use)(core) } catch {}
  }
  all[unit] = { before, first: read[0], more: read.slice(1) }
}
console.log(JSON.stringify(all))`)
  for (const unit of units) {
    expect(read[unit], unit).toMatchObject({ before: 0, first: unit })
    expect(new Set(read[unit].more).size, unit).toBe(read[unit].more.length)
  }
})

test('what the sources import on demand is read and runs', async () => {
  const listed = await run(`import { tensor, save, io } from '${new URL('flambeau/dist/index.js', packages)}'
console.log(JSON.stringify(await io.list(await save({ x: tensor([1, 2]) }))))`)
  expect(listed.tensors).toMatchObject([{ name: 'x' }])
})

/** Counts the calls of a program that imports flambeau, by file. */
const counting = (program: string): string => `import { Session } from 'node:inspector'
const session = new Session()
session.connect()
const post = (method, params) => new Promise((done) => session.post(method, params, (_, result) => done(result)))
await post('Profiler.enable')
await post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
const { tensor } = await import('${new URL('flambeau/dist/index.js', packages)}')
${program}
const { result } = await post('Profiler.takePreciseCoverage')
const calls = {}
for (const { url, functions } of result)
  if (/core.dist.\\w+\\.js|backend-js.dist/.test(url))
    calls[/[\\w-]+.dist.\\w+/.exec(url)[0]] = functions.reduce((sum, { ranges: [{ count }] }) => sum + count, 0)
console.log(JSON.stringify(calls))`

test('an import runs little, and a first gradient reads nothing more', async () => {
  const files = ['backend-js/dist/index', 'core/dist/main', 'core/dist/node']
  const calls = await run(counting(''))
  expect(Object.keys(calls).sort()).toEqual(files)
  expect(calls['core/dist/main']).toBeLessThan(4000)
  const more = await run(counting('tensor([1, 2], { requiresGrad: true }).mul(0.5).sum().backward()'))
  expect(Object.keys(more).sort()).toEqual(files)
  expect(more['core/dist/main']).toBeGreaterThan(calls['core/dist/main'])
  expect(statSync(new URL('main.js', dist)).size).toBeLessThan(170_000)
})
