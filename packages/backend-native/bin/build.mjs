// Builds the addon from its C++ sources: for `npx flambeau-native build`, and for the repository's own tools.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { cwd, env, execPath, platform } from 'node:process'

const onPath = (name) =>
  (env.PATH ?? '')
    .split(delimiter)
    .some((folder) => existsSync(join(folder, platform === 'win32' ? `${name}.exe` : name)))

const oneOf = (...names) => names.filter(Boolean).find((name) => existsSync(name) || onPath(name))

/** The C++ compiler that CMake will find. */
export const compiler = () => oneOf(env.CXX, 'c++', 'g++', 'clang++')

/** How to install everything that is needed. */
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

/**
 * The script of cmake-js if it is installed beside the sources or in the current folder. Older versions than 8 would
 * download Node's headers.
 */
export const cmakeJs = (sources) => {
  for (const folder of [sources, cwd()]) {
    try {
      const manifest = createRequire(join(folder, 'package.json')).resolve('cmake-js/package.json')
      const { version, bin } = JSON.parse(readFileSync(manifest, 'utf8'))
      if (Number.parseInt(version, 10) >= 8) return join(dirname(manifest), bin['cmake-js'])
    } catch {
      // Not installed there.
    }
  }
  return undefined
}

/** Runs a program. `quiet` returns its output; otherwise the output goes to this terminal. */
const run = (program, args, quiet) => {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    stdio: quiet ? 'pipe' : 'inherit',
    maxBuffer: 1 << 28,
  })
  return { code: status ?? 1, output: `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}` }
}

/** The commands that configure and build: with cmake-js if it is installed, otherwise with CMake itself. */
const commands = ({ sources, folder, target, defined }) => {
  const script = cmakeJs(sources)
  const parallel = ['--target', target, '--parallel', String(availableParallelism())]
  if (script !== undefined) {
    const where = ['--directory', sources, '--out', folder]
    return {
      configure: () => [execPath, [script, 'configure', ...where, '--', ...defined]],
      build: () => [execPath, [script, 'build', ...where, ...parallel]],
    }
  }
  // A folder keeps the generator it was configured with.
  const generator = () => (existsSync(join(folder, 'CMakeCache.txt')) || !oneOf('ninja') ? [] : ['-G', 'Ninja'])
  return {
    configure: () => ['cmake', ['-S', sources, '-B', folder, ...generator(), ...defined]],
    build: () => ['cmake', ['--build', folder, ...parallel]],
  }
}

/**
 * Configures the sources in `folder` and builds the target there; what is up to date stays. If CMake cannot continue with the
 * folder (made elsewhere, or with another tool), it starts with an empty one. `settings` are those of CMakeLists.txt.
 */
export const build = ({ sources, folder, target, settings = {}, quiet = false }) => {
  // cmake-js has compiler flags of its own, which would keep CXXFLAGS out.
  const { CXXFLAGS = '', FLAMBEAU_SETS = '' } = env
  const all = { CMAKE_BUILD_TYPE: 'Release', CMAKE_CXX_FLAGS: CXXFLAGS, FLAMBEAU_SETS, ...settings }
  const defined = Object.entries(all).map(([name, value]) => `-D${name}=${value}`)
  const { configure, build } = commands({ sources, folder, target, defined })
  let configured = run(...configure(), quiet)
  if (configured.code !== 0) {
    rmSync(folder, { recursive: true, force: true })
    configured = run(...configure(), quiet)
  }
  return configured.code === 0 ? run(...build(), quiet) : configured
}

/** Builds an addon, by default flambeau_native.node, in `folder`. `headers` are the folders of node_api.h and of napi.h. */
export const buildAddon = ({ sources, folder, headers, version, target = 'flambeau_native', quiet }) =>
  build({
    sources,
    folder,
    target,
    settings: { NODE_API: headers.join(';'), FLAMBEAU_VERSION: version },
    quiet,
  })
