// Builds the C++ of the native backend (native/) where this machine can: `node tools/native.mjs` the addon,
// `node tools/native.mjs test [address,undefined|thread]` its tests, which it runs. Without a compiler nothing is built, and it says
// so: the library works without.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root, run, say } from './lib.mjs'

const native = join(root, 'native')
const cmakeJs = join(native, 'node_modules', 'cmake-js', 'bin', 'cmake-js')
export const addonFile = join(native, 'build', 'Release', 'flambeau_native.node')

const found = async (program) => (await run(program, ['--version'])).code === 0

/** Why nothing can be built here, or undefined. */
export const missing = async () => {
  const lacking = []
  if (!(await found('cmake'))) lacking.push('cmake')
  if (!(await found(process.env.CXX ?? 'c++'))) lacking.push('a C++ compiler')
  if (!(await found('ninja')) && !(await found('make'))) lacking.push('ninja or make')
  return lacking.length === 0 ? undefined : `the native backend is not built for want of ${lacking.join(', ')}`
}

/** Builds what changed of the addon: { code, output }. */
export const buildAddon = () => run(process.execPath, [cmakeJs, 'build', '-d', native], { cwd: native })

/** Builds the C++ tests with sanitizers and returns the folder of the programs. */
export const buildTests = async (sanitizers = '') => {
  const folder = join(native, 'build', sanitizers === '' ? 'test' : `test-${sanitizers.replace(',', '-')}`)
  const options = [`-DFLAMBEAU_SANITIZE=${sanitizers.replaceAll(',', ';')}`]
  const configured = await run('cmake', ['-S', native, '-B', folder, ...options])
  if (configured.code !== 0) return { ...configured, folder }
  return { ...(await run('cmake', ['--build', folder, '-j', String(availableParallelism())])), folder }
}

/** What the addon is, for results that depend on it; '' where there is none. */
export const addonKey = () =>
  existsSync(addonFile) ? createHash('sha256').update(readFileSync(addonFile)).digest('hex') : ''

const main = async (command, sanitizers) => {
  const lacking = await missing()
  if (lacking !== undefined) return say(lacking) ?? (command === 'test' ? 1 : 0)
  if (command !== 'test') {
    const { code, output } = await buildAddon()
    if (code !== 0) say(output.trimEnd())
    return code
  }
  const { code, output, folder } = await buildTests(sanitizers)
  if (code !== 0) return say(output.trimEnd()) ?? code
  const tests = await run(join(folder, 'native_tests'), [], { inherit: true })
  if (tests.code !== 0) return tests.code
  return (await run(join(folder, 'fuzz_stream'), ['20000'], { inherit: true })).code
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) process.exitCode = await main(...process.argv.slice(2))
