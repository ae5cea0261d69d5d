// Prepares a fresh clone and runs a command: `start` runs the examples' command line, `test` runs all checks and tests.
// Each half of the preparation leaves a stamp, so an unchanged tree goes straight to the program.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { build } from './build.mjs'
import { check } from './check.mjs'
import { buildGl, glDigest, glMissing, glUnbuildable } from './gl.mjs'
import { findChromium, node, pnpm, readJson, root, say, step } from './lib.mjs'
import { addon, addonDigest, addonMissing, fakeCudaMissing } from './native.mjs'
import { forgetTarballs } from './tarballs.mjs'

const cache = join(root, '.cache')
/** Every workspace folder that may have tests; those that take longest come first, so that no core waits at the end. */
export const tested = [
  'native',
  'packages/backend-gpujs',
  'examples',
  'tools',
  'packages/core',
  'packages/backend-native',
  'packages/backend-wasm',
  'packages/backend-js',
  'native/wasm',
  'packages/backend-conformance',
  'bench',
  'packages/vision',
  'packages/data',
  'packages/flambeau',
  'packages/stream',
  'packages/data-mnist',
]
const workspaceFolders = () => [
  'packages/core',
  'packages/backend-js',
  'packages/stream',
  'packages/backend-native',
  'packages/backend-wasm',
  'packages/backend-gpujs',
  'packages/data',
  'packages/vision',
  'packages/data-mnist',
  'packages/flambeau',
  'examples',
]

const readStamp = (name) => (existsSync(join(cache, name)) ? readFileSync(join(cache, name), 'utf8') : '')
const writeStamp = (name, value) => {
  mkdirSync(cache, { recursive: true })
  writeFileSync(join(cache, name), value)
}

/** The inputs of an installation: the lockfile for the packages, the workspace file for their layout. */
const installKey = () => {
  const hash = createHash('sha256')
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'])
    hash.update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

/** A key of the given sources by size and time: cheap to compute, and a false alarm costs only a check by turbo. */
const keyOf = (paths) => {
  const hash = createHash('sha256').update(installKey())
  const look = (path) => {
    const { size, mtimeMs } = statSync(path)
    hash.update(`${path} ${size} ${mtimeMs}\n`)
  }
  for (const path of paths.map((each) => join(root, each))) {
    if (statSync(path).isFile()) look(path)
    else
      for (const entry of readdirSync(path, { recursive: true, withFileTypes: true }))
        if (entry.isFile()) look(join(entry.parentPath ?? entry.path, entry.name))
  }
  return hash.digest('hex')
}
const buildKey = () =>
  keyOf([
    'tsconfig.base.json',
    ...workspaceFolders().flatMap((folder) =>
      ['package.json', 'tsconfig.json', 'src'].map((name) => join(folder, name)),
    ),
  ])
const addonKey = () => keyOf(['native/CMakeLists.txt', 'native/exports.map', 'native/src'])

const lastError = (output) => {
  const lines = output.split('\n').map((line) => line.trim())
  return lines.find((line) => /ERR|error/i.test(line)) ?? lines.filter(Boolean).at(-1) ?? 'no output'
}

/** `scope` is 'start', which installs only what the examples need, or 'test', for everything. */
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
    say('flambeau: check whether the npm registry can be reached, then run the same command again')
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

/** Builds the addon only if it was asked for and can be built; otherwise the example reports that it is missing. */
const buildAddon = async (args) => {
  const asked = args.some((arg, i) => arg === '--backend=native' || (arg === 'native' && args[i - 1] === '--backend'))
  if (!asked || process.env.FLAMBEAU_NATIVE_PATH) return true
  const lacking = addonMissing()
  if (lacking !== undefined) {
    if (!existsSync(addon)) say(`flambeau: ${lacking}`)
    return true
  }
  const key = addonKey()
  if (readStamp('addon') === key && existsSync(addon)) return true
  say('flambeau: building the native backend')
  const { code, output } = await build('@flambeau/native')
  if (code === 0) writeStamp('addon', key)
  else say(output.trimEnd())
  return code === 0
}

const start = async (args) => {
  if (!(await install('start')) || !(await buildExamples()) || !(await buildAddon(args))) return 1
  return (await node(entry, args, { inherit: true })).code
}

/** Results of tests that depend on the machine are valid only there: turbo's keys include variables named FLAMBEAU_. */
const machine = () => ({
  FLAMBEAU_NODE: `${process.version} ${process.platform} ${process.arch}`,
  FLAMBEAU_CHROMIUM: findChromium() ?? '',
  FLAMBEAU_ADDON: addonDigest(),
  FLAMBEAU_GL: glDigest(),
})

/** Adds up what runs of tests left, and the names of what failed; a run that left nothing counts as a failure. */
const readCounts = (folders) => {
  const counts = { passed: 0, failed: 0, skipped: 0, failures: [] }
  for (const folder of folders) {
    const file = join(root, folder, '.cache', 'counts.json')
    const left = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { passed: 0, failed: 1, skipped: 0 }
    for (const state of ['passed', 'failed', 'skipped']) counts[state] += left[state]
    if (left.failed > 0) counts.failures.push(...(left.failures ?? [`${folder}: ${left.failed} failed`]))
  }
  return counts
}

/** Builds the driver library of CUDA for tests, in a process of its own, so that others run beside it. */
const makeDriver = async () => {
  if (fakeCudaMissing() === undefined)
    await step('driver for tests of CUDA', () => node(join('tools', 'native.mjs'), ['cuda']))
}

/** Runs only the tests that vitest's own arguments choose. */
const testSome = async (args) => {
  const file = join(cache, 'counts.json')
  rmSync(file, { force: true })
  const vitest = join('node_modules', 'vitest', 'vitest.mjs')
  const { code } = await node(vitest, ['run', ...args], { inherit: true, extraEnv: { FLAMBEAU_COUNTS: file } })
  return { code, counts: readCounts(['.']) }
}

/** Runs the tests of a package, and prints their output in one piece; turbo replays the result if nothing changed for it. */
const testPackage = async (folder) => {
  const args = ['run', 'test', `--filter=./${folder}`, '--output-logs=new-only', '--log-prefix=none']
  // The tests should detect what they would without this script.
  const extraEnv = { CI: process.env.CI }
  const { code, output } = await node('node_modules/turbo/bin/turbo', args, { extraEnv })
  process.stdout.write(output)
  return code
}

/** Runs all tests, and the checks if everything is built, side by side; returns how many checks failed, too. */
const testAll = async (built) => {
  for (const folder of tested) rmSync(join(root, folder, '.cache', 'counts.json'), { force: true })
  const [native, ...packages] = tested
  const first = { cpp: testPackage(native), checks: built ? check() : 0 }
  // tools builds in native/build, too, and takes the tarballs that the checks have packed.
  const needs = { tools: Object.values(first) }
  const jobs = [
    ...Object.values(first).map((job) => () => job),
    ...packages.map((folder) => async () => {
      await Promise.all(needs[folder] ?? [])
      return testPackage(folder)
    }),
  ]
  const codes = []
  const work = async () => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) codes.push(await job())
  }
  // One more than cores, because a package waits at times for a browser, an installation, or the last of its compilers.
  await Promise.all(Array.from({ length: Math.min(3, availableParallelism() + 1) }, work))
  return { code: Math.max(...codes), counts: readCounts(tested), failedChecks: await first.checks }
}

const usage = `npm test                  installs and builds what changed, then all checks and tests
npm test -- ARGS...       only the tests that vitest's arguments choose: files, -t NAME

FLAMBEAU_REQUIRE, a list of browser, native, gpujs and wasm: what this machine must be able to test
TURBO_FORCE=true          also those tests that passed before and that nothing changed for`

/** So many failed tests are named at the end. */
const mostNamed = 20

/** The last line of the output is `N passed, N failed`; a failed check counts as one. */
const test = async (args) => {
  if (args.some((arg) => arg === '--help' || arg === '-h')) {
    process.stdout.write(`${usage}\n`)
    return 0
  }
  if (!(await install('test'))) {
    process.stdout.write('0 passed, 1 failed\n')
    return 1
  }
  const key = buildKey()
  // Side by side, because a build waits at times for the last of its compilers.
  const [built] = await Promise.all([
    step('build', () => build()),
    glUnbuildable() === undefined && step('headless GL', buildGl),
    makeDriver(),
  ])
  if (built) writeStamp('build', key)
  const lacking = addonMissing()
  if (lacking !== undefined) say(`SKIPPED: the native backend and its tests: ${lacking}`)
  const withoutGl = glMissing()
  if (withoutGl !== undefined) say(`SKIPPED: tests of WebGL in Node: ${withoutGl}`)
  forgetTarballs()
  Object.assign(process.env, machine(), built && { FLAMBEAU_BUILT: '1' })
  const { code, counts, failedChecks = 0 } = args.length > 0 ? await testSome(args) : await testAll(built)
  const { passed, failed, skipped, failures: named } = counts
  // Again at the end, because what the tests print is long.
  for (const name of named.slice(0, mostNamed)) say(`FAILED: ${name}`)
  if (named.length > mostNamed) say(`and ${named.length - mostNamed} more`)
  if (skipped > 0) say(`${skipped} skipped`)
  const failures = failed + failedChecks + (built ? 0 : 1)
  process.stdout.write(`${passed} passed, ${failures === 0 && code !== 0 ? 1 : failures} failed\n`)
  return failures === 0 ? code : 1
}

/** Returns the exit code. A reader that closed the pipe (`npm test | head`) is not an error. */
export const main = (command, args) => {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  return command === 'test' ? test(args) : start(args)
}
