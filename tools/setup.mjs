// Makes a fresh clone ready and does what was asked: `start` runs the examples' command line, `test` runs all checks
// and tests. Each half of the work leaves a stamp, so an unchanged tree goes straight to the program.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from './build.mjs'
import { check } from './check.mjs'
import { node, pnpm, readJson, root, say, step } from './lib.mjs'

const cache = join(root, '.cache')
const workspaceFolders = () => [
  'packages/core',
  'packages/backend-js',
  'packages/data',
  'packages/flambeau',
  'examples',
]

const readStamp = (name) => (existsSync(join(cache, name)) ? readFileSync(join(cache, name), 'utf8') : '')
const writeStamp = (name, value) => {
  mkdirSync(cache, { recursive: true })
  writeFileSync(join(cache, name), value)
}

/** What an installation depends on: the lockfile says it all, the workspace file how it is laid out. */
const installKey = () => {
  const hash = createHash('sha256')
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'])
    hash.update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

/** What the built examples depend on, by size and time of each source: cheap to take, and a false alarm costs only turbo's look. */
const buildKey = () => {
  const hash = createHash('sha256').update(installKey())
  const look = (path) => {
    const { size, mtimeMs } = statSync(path)
    hash.update(`${path} ${size} ${mtimeMs}\n`)
  }
  look(join(root, 'tsconfig.base.json'))
  for (const folder of workspaceFolders()) {
    look(join(root, folder, 'package.json'))
    look(join(root, folder, 'tsconfig.json'))
    const entries = readdirSync(join(root, folder, 'src'), { recursive: true, withFileTypes: true })
    for (const entry of entries) if (entry.isFile()) look(join(entry.parentPath ?? entry.path, entry.name))
  }
  return hash.digest('hex')
}

const lastError = (output) => {
  const lines = output.split('\n').map((line) => line.trim())
  return lines.find((line) => /ERR|error/i.test(line)) ?? lines.filter(Boolean).at(-1) ?? 'no output'
}

/** `scope` is 'start', only what the examples need, or 'test', everything. */
const install = async (scope) => {
  const key = installKey()
  const done = readStamp('install')
  const sufficient = scope === 'start' ? [`start ${key}`, `test ${key}`] : [`test ${key}`]
  if (sufficient.includes(done) && existsSync(join(root, 'node_modules', '.modules.yaml'))) return true
  const start = performance.now()
  const filter =
    scope === 'start' ? ['--filter-prod', readJson('package.json').name, '--filter-prod', 'examples...'] : []
  say('flambeau: installing packages')
  const { code, output } = await pnpm(['install', '--frozen-lockfile', ...filter])
  if (code !== 0) {
    rmSync(join(cache, 'install'), { force: true })
    say(`flambeau: the packages could not be installed: ${lastError(output)}`)
    say('flambeau: see whether the npm registry can be reached, then run the same command again')
    return false
  }
  say(`flambeau: packages installed in ${((performance.now() - start) / 1000).toFixed(1)} s`)
  writeStamp('install', `${scope} ${key}`)
  return true
}

const entry = join('examples', 'dist', 'main.js')

const buildExamples = async () => {
  const key = buildKey()
  if (readStamp('build') === key && existsSync(join(root, entry))) return true
  say('flambeau: building')
  const { code, output } = await build('examples')
  if (code !== 0) {
    say(output.trimEnd())
    say('flambeau: the build failed, see above')
    return false
  }
  writeStamp('build', key)
  return true
}

const start = async (args) => {
  if (!(await install('start')) || !(await buildExamples())) return 1
  return (await node(entry, args, { inherit: true })).code
}

/** The last line of all output is `N passed, N failed`; a check that failed counts as one. */
const test = async (args) => {
  if (!(await install('test'))) {
    process.stdout.write('0 passed, 1 failed\n')
    return 1
  }
  const key = buildKey()
  const built = await step('build', () => build())
  if (built) writeStamp('build', key)
  const failedChecks = (built ? 0 : 1) + (args.length === 0 && built ? await check() : 0)
  const counts = join(cache, 'counts.json')
  rmSync(counts, { force: true })
  mkdirSync(cache, { recursive: true })
  const vitest = join('node_modules', 'vitest', 'vitest.mjs')
  const { code } = await node(vitest, ['run', ...args], {
    inherit: true,
    extraEnv: { FLAMBEAU_COUNTS: counts, ...(built && { FLAMBEAU_BUILT: '1' }) },
  })
  const { passed, failed, skipped } = existsSync(counts)
    ? JSON.parse(readFileSync(counts, 'utf8'))
    : { passed: 0, failed: 1, skipped: 0 }
  if (skipped > 0) say(`${skipped} skipped`)
  const failures = failed + failedChecks
  process.stdout.write(`${passed} passed, ${failures === 0 && code !== 0 ? 1 : failures} failed\n`)
  return failures === 0 ? code : 1
}

/** Returns the exit code. A reader that went away (`npm test | head`) is no error. */
export const main = (command, args) => {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  return command === 'test' ? test(args) : start(args)
}
