// Builds headless GL, which tests of WebGL in Node need: the package `gl` for this Node (`node tools/gl.mjs`). pnpm
// installs it without running its scripts; `npm test` builds it if there is a compiler, and `npm start` uses it if it
// is built.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { argv, execPath, platform, versions } from 'node:process'
import { pathToFileURL } from 'node:url'
import { readArgs, root, run, say } from './lib.mjs'

const linked = join(root, 'node_modules', 'gl')
const folder = () => realpathSync(linked)
const addon = () => join(folder(), 'build', 'Release', 'webgl.node')

const onPath = (...names) =>
  names.some((name) => (process.env.PATH ?? '').split(delimiter).some((place) => existsSync(join(place, name))))
export const xvfb = onPath('Xvfb')

/** Whether it was built for the Node that runs this script, because no other can load it. */
const built = () => {
  if (!existsSync(addon())) return false
  const config = readFileSync(join(folder(), 'build', 'config.gypi'), 'utf8').replace(/^#.*$/m, '')
  return String(JSON.parse(config).variables.node_module_version) === versions.modules
}

/** Why it cannot be built here, or undefined. On Windows node-gyp finds the compiler itself. */
export const glUnbuildable = () => {
  if (!existsSync(linked)) return 'gl is not installed: npm test installs it'
  const lacking = [
    !process.env.CXX && !onPath('c++', 'g++', 'clang++') && 'a C++ compiler',
    !onPath('make', 'gmake') && 'make',
    !onPath('python3', 'python') && 'python3',
  ].filter(Boolean)
  if (lacking.length === 0 || platform === 'win32') return undefined
  return `building it takes ${lacking.join(', ')} (Debian and Ubuntu: apt-get install g++ make python3)`
}

/** Why Node has no WebGL on this machine, as far as can be determined without trying; undefined if it should have. */
export const glMissing = () => {
  if (!existsSync(linked) || !built())
    return `headless GL is not built for this Node: ${glUnbuildable() ?? 'node tools/gl.mjs builds it'}`
  if (platform === 'linux' && !xvfb)
    return 'headless GL needs an X server (Debian and Ubuntu: apt-get install xvfb libgl1 libgl1-mesa-dri)'
  return undefined
}

/** A digest of what tests of WebGL in Node depend on. */
export const glDigest = () => {
  if (glMissing() !== undefined) return ''
  return createHash('sha256').update(readFileSync(addon())).digest('hex').slice(0, 16)
}

/** Node's headers beside its binary, or else node-gyp downloads them. */
const headers = () => {
  const prefix = dirname(dirname(realpathSync(execPath)))
  return existsSync(join(prefix, 'include', 'node', 'node.h')) ? [`--nodedir=${prefix}`] : []
}

/** Builds it if necessary and possible; returns a result like that of `run`. */
export const buildGl = async () => {
  if (existsSync(linked) && built()) return { code: 0, output: '' }
  const lacking = glUnbuildable()
  if (lacking !== undefined) return { code: 1, output: lacking }
  const gyp = createRequire(join(folder(), 'index.js')).resolve('node-gyp/bin/node-gyp.js')
  // It only passes calls on, so further optimisation would cost more time here than it saves in tests.
  const extraEnv = { CXXFLAGS: `${process.env.CXXFLAGS ?? ''} -O1` }
  const result = await run(execPath, [gyp, 'rebuild', '--jobs=max', ...headers()], { cwd: folder(), extraEnv })
  if (result.code !== 0) return result
  const { status, stderr } = spawnSync(execPath, ['-e', "require('gl')"], { cwd: root, encoding: 'utf8' })
  return { code: status ?? 1, output: stderr }
}

if (import.meta.url === pathToFileURL(argv[1]).href) {
  readArgs('node tools/gl.mjs    builds headless GL for this Node, unless it is built')
  const { code, output } = await buildGl()
  if (code !== 0) say(output.trimEnd())
  process.exitCode = code
}
