// Builds the addon from its C++ sources: for `npx flambeau-native build`, and for the repository's own tools.
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { delimiter, join } from 'node:path'
import { env, platform } from 'node:process'

const onPath = (name) =>
  (env.PATH ?? '')
    .split(delimiter)
    .some((folder) => existsSync(join(folder, platform === 'win32' ? `${name}.exe` : name)))

const oneOf = (...names) => names.filter(Boolean).find((name) => existsSync(name) || onPath(name))

/** The C++ compiler that cmake will find. */
export const compiler = () => oneOf(env.CXX, 'c++', 'g++', 'clang++')

/** How to get all of it. */
const remedies = {
  linux: 'Debian and Ubuntu: apt-get install g++ cmake ninja-build',
  darwin: 'xcode-select --install, then brew install cmake ninja',
  win32: 'https://cmake.org, https://ninja-build.org and clang (https://llvm.org)',
}

/** What building needs and this machine lacks, as a sentence; undefined where nothing is missing. */
export const missing = () => {
  const lacking = []
  if (!compiler()) lacking.push('a C++17 compiler (g++ 11, clang++ 12 or newer)')
  if (!oneOf('cmake')) lacking.push('cmake 3.20 or newer')
  if (!oneOf('ninja', 'make')) lacking.push('ninja or make')
  if (lacking.length === 0) return undefined
  return `building the addon needs ${lacking.join(' and ')} (${remedies[platform] ?? 'from your system'})`
}

/** Runs cmake. `quiet` returns its output, else it goes to this terminal. */
const cmake = (args, quiet) => {
  const { status, stdout, stderr, error } = spawnSync('cmake', args, {
    encoding: 'utf8',
    stdio: quiet ? 'pipe' : 'inherit',
    maxBuffer: 1 << 28,
  })
  return { code: status ?? 1, output: `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}` }
}

/**
 * Configures the sources in `folder` and builds the target there; what is up to date stays. A folder that cmake cannot go on
 * with (made elsewhere, or with another tool) is begun anew. `settings` are those of CMakeLists.txt.
 */
export const build = ({ sources, folder, target, settings = {}, quiet = false }) => {
  const defined = Object.entries({ CMAKE_BUILD_TYPE: 'Release', ...settings }).map(
    ([name, value]) => `-D${name}=${value}`,
  )
  const configure = () => {
    const generator = existsSync(join(folder, 'CMakeCache.txt')) || !oneOf('ninja') ? [] : ['-G', 'Ninja']
    return cmake(['-S', sources, '-B', folder, ...generator, ...defined], quiet)
  }
  let configured = configure()
  if (configured.code !== 0) {
    rmSync(folder, { recursive: true, force: true })
    configured = configure()
  }
  if (configured.code !== 0) return configured
  return cmake(['--build', folder, '--target', target, '--parallel', String(availableParallelism())], quiet)
}

/** The same for the addon: `folder` then holds flambeau_native.node. */
export const buildAddon = ({ sources, folder, headers, version, quiet }) =>
  build({
    sources,
    folder,
    target: 'flambeau_native',
    settings: { NODE_API: headers, FLAMBEAU_VERSION: version },
    quiet,
  })
